/* The built-in macros' text: dbt's generic tests, name generation and cross-database
 * macros, by dbt's names, for SQLite. A project macro of the same name wins. */
#include "model/builtin_unit.h"
#include "model/internal.h"

/* name(args) → sqlite__name or default__name of root or here */
#define DISPATCHED(name, args)                                                         \
    "{% macro " name "(" args ") %}{{ return(adapter.dispatch('" name                  \
    "', 'dbt')(" args ")) }}{% endmacro %}\n"
#define TEXT(name, args, body) "{% macro " name "(" args ") %}" body "{% endmacro %}\n"

/* In pieces, each a template of its own: compilers need not take longer strings. */
static const char names[] =
    "{% macro generate_schema_name(custom_schema_name=none, node=none) %}"
    "{{ return(adapter.dispatch('generate_schema_name', 'dbt')(custom_schema_name, "
    "node)) }}"
    "{% endmacro %}\n"
    /* the platform's layers are schemas of their own: a custom schema is used as it is
     */
    "{% macro default__generate_schema_name(custom_schema_name, node) -%}"
    "{%- if custom_schema_name is none -%}{{ target.schema }}"
    "{%- elif target.profile_name -%}"
    "{{ target.schema }}_{{ custom_schema_name | trim }}"
    "{%- else -%}{{ custom_schema_name | trim }}{%- endif -%}{%- endmacro %}\n"
    "{% macro generate_schema_name_for_env(custom_schema_name, node) -%}"
    "{%- if target.name == 'prod' and custom_schema_name is not none -%}"
    "{{ custom_schema_name | trim }}{%- else -%}{{ target.schema }}{%- endif -%}"
    "{%- endmacro %}\n"
    "{% macro generate_alias_name(custom_alias_name=none, node=none) -%}"
    "{{ return(adapter.dispatch('generate_alias_name', 'dbt')(custom_alias_name, "
    "node)) }}"
    "{%- endmacro %}\n"
    "{% macro default__generate_alias_name(custom_alias_name=none, node=none) -%}"
    "{%- if custom_alias_name -%}{{ custom_alias_name | trim }}"
    "{%- elif node.version -%}"
    "{{ return(node.name ~ '_v' ~ (node.version | replace('.', '_'))) }}"
    "{%- else -%}{{ node.name }}{%- endif -%}{%- endmacro %}\n"
    "{% macro generate_database_name(custom_database_name=none, node=none) -%}"
    "{{ target.database }}{%- endmacro %}\n";

static const char tests[] =
    "{% macro get_where_subquery(relation) -%}"
    "{%- set where = config.get('where', '') -%}"
    "{%- if where -%}"
    "{%- set filtered -%}(select * from {{ relation }} where {{ where }}) dbt_subquery"
    "{%- endset -%}{%- do return(filtered) -%}"
    "{%- else -%}{%- do return(relation) -%}{%- endif -%}{%- endmacro %}\n"
    "{% test unique(model, column_name) %}{% set macro = "
    "adapter.dispatch('test_unique', 'dbt') %}{{ macro(model, column_name) }}{% "
    "endtest %}\n"
    "{% macro default__test_unique(model, column_name) %}\n"
    "select\n    {{ column_name }} as unique_field,\n    count(*) as n_records\n\n"
    "from {{ model }}\nwhere {{ column_name }} is not null\ngroup by {{ column_name "
    "}}\n"
    "having count(*) > 1\n{% endmacro %}\n"
    "{% test not_null(model, column_name) %}{% set macro = "
    "adapter.dispatch('test_not_null', 'dbt') %}{{ macro(model, column_name) }}"
    "{% endtest %}\n"
    "{% macro default__test_not_null(model, column_name) %}\n"
    "{% set column_list = '*' if config.get('store_failures') else column_name %}\n"
    "select {{ column_list }}\nfrom {{ model }}\nwhere {{ column_name }} is null\n"
    "{% endmacro %}\n"
    "{% test accepted_values(model, column_name, values, quote=True) %}{% set macro = "
    "adapter.dispatch('test_accepted_values', 'dbt') %}"
    "{{ macro(model, column_name, values, quote) }}{% endtest %}\n"
    "{% macro default__test_accepted_values(model, column_name, values, quote=True) "
    "%}\n"
    "with all_values as (\n\n    select\n        {{ column_name }} as value_field,\n"
    "        count(*) as n_records\n\n    from {{ model }}\n    group by {{ "
    "column_name }}\n\n"
    ")\n\nselect *\nfrom all_values\nwhere value_field not in (\n"
    "    {% for value in values -%}\n        {% if quote -%}\n        "
    "'{{ value | string | replace(\"'\", \"''\") }}'\n"
    "        {%- else -%}\n        {{ value }}\n        {%- endif -%}\n"
    "        {%- if not loop.last -%},{%- endif %}\n    {%- endfor %}\n)\n{% endmacro "
    "%}\n"
    "{% test relationships(model, column_name, to, field) %}{% set macro = "
    "adapter.dispatch('test_relationships', 'dbt') %}"
    "{{ macro(model, column_name, to, field) }}{% endtest %}\n"
    "{% macro default__test_relationships(model, column_name, to, field) %}\n"
    "with child as (\n    select {{ column_name }} as from_field\n    from {{ model "
    "}}\n"
    "    where {{ column_name }} is not null\n),\n\nparent as (\n"
    "    select {{ field }} as to_field\n    from {{ to }}\n)\n\n"
    "select\n    from_field\n\nfrom child\nleft join parent\n"
    "    on child.from_field = parent.to_field\n\nwhere parent.to_field is null\n"
    "{% endmacro %}\n";

static const char flags[] =
    "{% macro should_full_refresh() %}"
    "{% set config_full_refresh = config.get('full_refresh') %}"
    "{% if config_full_refresh is none %}"
    "{% set config_full_refresh = flags.FULL_REFRESH %}{% endif %}"
    "{% do return(config_full_refresh) %}{% endmacro %}\n"
    "{% macro should_store_failures() %}"
    "{% set stored = config.get('store_failures') %}"
    "{% if stored is none %}{% set stored = flags.STORE_FAILURES %}{% endif %}"
    "{% do return(stored) %}{% endmacro %}\n"
    "{% macro before_begin(sql) %}{{ return({'sql': sql, 'transaction': false}) }}"
    "{% endmacro %}\n"
    "{% macro in_transaction(sql) %}{{ return({'sql': sql, 'transaction': true}) }}"
    "{% endmacro %}\n"
    "{% macro after_commit(sql) %}{{ return({'sql': sql, 'transaction': false}) }}"
    "{% endmacro %}\n"
    "{% macro load_relation(relation) %}"
    "{% do return(adapter.get_relation(database=relation.database, "
    "schema=relation.schema, identifier=relation.identifier)) %}{% endmacro %}\n";

static const char types[] = DISPATCHED("type_string", "")
    TEXT("default__type_string", "", "text") DISPATCHED("type_int", "")
        TEXT("default__type_int", "", "integer") DISPATCHED("type_bigint", "")
            TEXT("default__type_bigint", "", "bigint") DISPATCHED("type_float", "")
                TEXT("default__type_float", "", "float") DISPATCHED("type_numeric", "")
                    TEXT("default__type_numeric", "", "numeric(28, 6)")
                        DISPATCHED("type_timestamp", "")
                            TEXT("default__type_timestamp", "", "timestamp")
                                DISPATCHED("type_boolean", "")
                                    TEXT("default__type_boolean", "", "boolean")

    ;

static const char texts[] = DISPATCHED("concat", "fields") TEXT(
    "default__concat", "fields",
    "{{ fields | join(' || ') }}") DISPATCHED("hash",
                                              "field") TEXT("default__hash", "field",
                                                            "md5(cast({{ field }} as "
                                                            "{{ type_string() }}))")
    DISPATCHED("length", "expression") TEXT("default__length", "expression",
                                            "length({{ expression }})")
        DISPATCHED("position", "substring_text, string_text") TEXT(
            "default__position", "substring_text, string_text",
            "position({{ substring_text }}, {{ string_text }})")
            DISPATCHED("replace", "field, old_chars, new_chars") TEXT(
                "default__replace", "field, old_chars, new_chars",
                "replace({{ field }}, {{ old_chars }}, {{ new_chars }})")
                DISPATCHED("right", "string_text, length_expression") TEXT(
                    "default__right", "string_text, length_expression",
                    "right({{ string_text }}, {{ length_expression }})")
                    DISPATCHED("split_part", "string_text, delimiter_text, "
                                             "part_number")
                        TEXT("default__split_part",
                             "string_text, delimiter_text, part_number",
                             "split_part({{ string_text }}, {{ delimiter_text }}, {{ "
                             "part_number }})") DISPATCHED("escape_single_quotes",
                                                           "expression")
                            TEXT("default__escape_single_quotes", "expression",
                                 "{{ expression | replace(\"'\", \"''\") }}")
                                DISPATCHED("string_literal", "value") TEXT(
                                    "default__string_literal", "value",
                                    "'{{ value }}'") "{% macro listagg(measure, "
                                                     "delimiter_text=\"','\", "
                                                     "order_by_clause=none, "
                                                     "limit_num=none) %}{{ "
                                                     "return(adapter.dispatch('listagg'"
                                                     ", 'dbt')"
                                                     "(measure, delimiter_text, "
                                                     "order_by_clause, limit_num)) "
                                                     "}}{% endmacro %}\n"
                                                     "{% macro "
                                                     "default__listagg(measure, "
                                                     "delimiter_text, order_by_clause, "
                                                     "limit_num) %}"
                                                     "listagg({{ measure }}, {{ "
                                                     "delimiter_text }})"
                                                     "{% if order_by_clause %} within "
                                                     "group ({{ order_by_clause }}){% "
                                                     "endif %}"
                                                     "{% endmacro %}\n"

    ;

static const char values[] = DISPATCHED("any_value", "expression") TEXT(
    "default__any_value", "expression",
    "min({{ expression }})") DISPATCHED("bool_or", "expression")
    TEXT("default__bool_or", "expression",
         "max({{ expression }})") DISPATCHED("cast_bool_to_text", "field")
        TEXT("default__cast_bool_to_text", "field",
             "case when {{ field }} then 'true' when not {{ field }} then 'false' end")
            DISPATCHED("safe_cast", "field, type")
                TEXT("default__safe_cast", "field, type",
                     "safe_cast({{ field }} as {{ type }})")
                    DISPATCHED("cast", "field, type")
                        TEXT("default__cast", "field, type",
                             "cast({{ field }} as {{ type }})") DISPATCHED("except", "")
                            TEXT("default__except", "", "except")
                                DISPATCHED("intersect", "")
                                    TEXT("default__intersect", "", "intersect")

    ;

static const char dates[] = DISPATCHED("current_timestamp", "")
    TEXT("default__current_timestamp", "", "current_timestamp")
        DISPATCHED("dateadd", "datepart, interval, from_date_or_timestamp") TEXT(
            "default__dateadd", "datepart, interval, from_date_or_timestamp",
            "dateadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})")
            DISPATCHED("datediff", "first_date, second_date, datepart") TEXT(
                "default__datediff", "first_date, second_date, datepart",
                "datediff({{ datepart }}, {{ first_date }}, {{ second_date }})")
                DISPATCHED("date_trunc", "datepart, date") TEXT(
                    "default__date_trunc", "datepart, date",
                    "date_trunc('{{ datepart }}', {{ date }})")
                    DISPATCHED("last_day", "date, datepart") TEXT(
                        "default__last_day", "date, datepart",
                        "last_day({{ date }}, {{ datepart }})") "{% macro date(year, "
                                                                "month, day) %}"
                                                                "'{{ '%04d-%02d-%02d' "
                                                                "% (year, month, day) "
                                                                "}}'{% endmacro %}\n";

const char *const builtin_macros[] = {
    names, tests, flags, types, texts, values, dates, builtin_unit_macros, NULL};
