{# The lines of a receipt as rows: product_id, quantity, amount, retail_disc, coupon_disc,
   coupon_match_disc, department. Use it behind a comma in FROM. #}
{% macro flatten_items(column) -%}
    {{ return(adapter.dispatch('flatten_items')(column)) }}
{%- endmacro %}

{% macro sqlite__flatten_items(column) -%}
    weir_items({{ column }})
{%- endmacro %}

{% macro default__flatten_items(column) -%}
    lateral (
        select
            f.value:product_id::string as product_id,
            f.value:quantity::integer as quantity,
            f.value:amount::decimal(12, 2) as amount,
            f.value:retail_disc::decimal(12, 2) as retail_disc,
            f.value:coupon_disc::decimal(12, 2) as coupon_disc,
            f.value:coupon_match_disc::decimal(12, 2) as coupon_match_disc,
            f.value:department::string as department
        from table(flatten(input => {{ column }})) f
    )
{%- endmacro %}

{% macro postgres__flatten_items(column) -%}
    lateral (
        select *
        from jsonb_to_recordset(cast({{ column }} as jsonb)) as f(
            product_id text, quantity integer, amount numeric, retail_disc numeric,
            coupon_disc numeric, coupon_match_disc numeric, department text)
    )
{%- endmacro %}
