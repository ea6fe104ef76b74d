#!/usr/bin/env bats
# What a project may say about how its nodes are built, on the real program: its own
# materializations, microbatch, what happens after an error, locks.
load helper

setup() {
    setup_platform
    rm -rf "$WEIR_PROJECT_DIR"
    mkdir -p "$WEIR_PROJECT_DIR"/{models,macros,seeds}
    cd "$WEIR_PROJECT_DIR"
    printf 'platform: p\nwarehouse: {schemas: [main]}\nmodels: {project: .}\n' > weir.yml
    printf 'name: p\nversion: "1.0"\nconfig-version: 2\n' > dbt_project.yml
}
teardown() { teardown_platform; }

ask() { "$WEIR" query "$1" -o csv | tail -n +2; }
status_of() { python3 - "$WEIR_STATE_DIR/target/run_results.json" "$1" <<'PY'
import json, sys
print(next(r["status"] for r in json.load(open(sys.argv[1]))["results"] if r["unique_id"] == sys.argv[2]))
PY
}

@test "on_error: continue runs what is below; without it that is skipped" {
    echo "{{ config(materialized='table', on_error='continue') }} select no_such" > models/a.sql
    echo "{{ config(materialized='table') }} select 1 as x -- {{ ref('a') }}" > models/b.sql
    run "$WEIR" run
    [ "$status" -eq 1 ]
    [ "$(ask 'select x from main.b')" = 1 ]
    echo "{{ config(materialized='table') }} select no_such" > models/a.sql
    echo "{{ config(materialized='table') }} select 2 as x -- {{ ref('a') }}" > models/b.sql
    run "$WEIR" run
    [ "$status" -eq 1 ]
    [ "$(ask 'select x from main.b')" = 1 ]
    [ "$(status_of model.p.b)" = skipped ]
}

@test "publish: dbt publishes first, and a failing test stops what is below" {
    echo "{{ config(materialized='table', publish='dbt') }} select 1 as x union all select 1" > models/a.sql
    echo "{{ config(materialized='table') }} select * from {{ ref('a') }}" > models/b.sql
    printf 'models:\n  - name: a\n    columns: [{name: x, tests: [unique]}]\n' > models/a.yml
    run "$WEIR" build
    [ "$status" -eq 1 ]
    [ "$(ask 'select count(*) from main.a')" = 2 ]
    [ "$(status_of model.p.a)" = success ]
    [ "$(status_of model.p.b)" = skipped ]
    # weir's own order leaves what was there
    echo "{{ config(materialized='table') }} select 5 as x union all select 5" > models/a.sql
    run "$WEIR" build
    [ "$status" -eq 1 ]
    [ "$(ask 'select max(x) from main.a')" = 1 ]
    [ "$(status_of model.p.a)" = error ] || [ "$(status_of model.p.a)" = fail ]
}

@test "microbatch: --event-time-start and -end, a batch that fails, retry does it alone" {
    printf 'id,at\n1,2024-01-01 05:00:00\n2,2024-01-02 05:00:00\n3,2024-01-03 05:00:00\n' > seeds/events.csv
    printf 'seeds:\n  - name: events\n    config: {event_time: at}\n' > seeds/s.yml
    cat > models/m.sql <<'SQL'
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at',
          begin='2024-01-01', batch_size='day') }}
select id, at, '{{ model.batch.id }}' as batch{% if execute and model.batch and model.batch.id == '20240102' and var('bad', true) %}, no_such{% endif %}
from {{ ref('events') }}
SQL
    run "$WEIR" build --event-time-start 2024-01-01 --event-time-end 2024-01-04
    [ "$status" -eq 1 ]
    [ "$(status_of model.p.m)" = "partial success" ]
    [ "$(ask 'select group_concat(id) from main.m')" = '"1,3"' ]
    "$WEIR" query "delete from main.m where id = 1" || sqlite3 "$WEIR_STATE_DIR/warehouse/main.db" "delete from m where id = 1"
    run "$WEIR" retry --vars '{bad: false}'
    [ "$status" -eq 0 ]
    [ "$(ask 'select group_concat(id) from main.m')" = '"3,2"' ] # 1 is not done again
    [ -s "$WEIR_STATE_DIR/target/compiled/p/models/m/m_2024-01-02.sql" ]
}

@test "a materialization of a package, which keeps only what is new" {
    mkdir -p parts/macros
    printf 'name: parts\nversion: "1.0"\nconfig-version: 2\n' > parts/dbt_project.yml
    printf 'packages:\n  - local: parts\n' > packages.yml
    cat > parts/macros/append_new.sql <<'SQL'
{% materialization append_new, default %}
  {%- set key = config.require('key') -%}
  {%- set target = api.Relation.create(database=this.database, schema=this.schema, identifier=this.identifier, type='table') -%}
  {%- set existing = adapter.get_relation(this.database, this.schema, this.identifier) -%}
  {{ run_hooks(pre_hooks) }}
  {% call statement('main') %}
    {% if existing is none %}{{ get_create_table_as_sql(False, target, sql) }}
    {% else %}
      {%- set columns = adapter.get_columns_in_relation(existing) | map(attribute='quoted') | join(', ') %}
      insert into {{ target }} ({{ columns }})
      select {{ columns }} from ({{ sql }}) as fresh where {{ key }} not in (select {{ key }} from {{ target }})
    {% endif %}
  {% endcall %}
  {{ run_hooks(post_hooks) }}
  {{ adapter.commit() }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}
SQL
    echo "{{ config(materialized='append_new', key='id') }} select 1 as id, '{{ var('v', 'a') }}' as v" > models/a.sql
    run "$WEIR" build
    [ "$status" -eq 0 ]
    run "$WEIR" build --vars '{v: b}'
    [ "$status" -eq 0 ]
    [ "$(ask 'select v from main.a')" = a ]
    echo "{{ config(materialized='append_new') }} select 1 as id" > models/a.sql
    run "$WEIR" build
    [ "$status" -eq 1 ]
    [[ "$output" == *key* ]]
}

@test "materialized_view on SQLite ends with a clear error" {
    echo "{{ config(materialized='materialized_view') }} select 1 as id" > models/a.sql
    run "$WEIR" run
    [ "$status" -eq 1 ]
    [[ "$output" == *"get_create_materialized_view_as_sql"* ]]
}

@test "a model without a text is not built, and nothing fails for it" {
    printf ' \n\n' > models/blank.sql
    echo "select 1 as x" > models/a.sql
    run "$WEIR" run
    [ "$status" -eq 0 ]
    [ "$(python3 -c 'import json, sys; print([r["unique_id"] for r in json.load(open(sys.argv[1]))["results"]])' \
        "$WEIR_STATE_DIR/target/run_results.json")" = "['model.p.a']" ]
    "$WEIR" ls | grep -q blank
}

@test "a macro's warning of snapshot timestamp types is no error" {
    echo "{% do exceptions.warn_snapshot_timestamp_data_types('timestamp', 'text') %} select 1 as x" > models/a.sql
    run "$WEIR" run
    [ "$status" -eq 0 ]
}

@test "store_failures_as: view, limit, and a word that is neither; dbt's heading over an error" {
    mkdir tests
    echo "select 1 as x union all select 2 union all select 3" > models/a.sql
    echo "{{ config(store_failures_as='view', limit=2, alias='kept') }} select * from {{ ref('a') }}" > tests/t.sql
    echo "{{ config(store_failures_as='error') }} select * from {{ ref('a') }}" > tests/u.sql
    "$WEIR" run
    run "$WEIR" test
    [ "$status" -eq 1 ]
    [ "$(status_of test.p.t)" = fail ]
    python3 - "$WEIR_STATE_DIR/target" <<'PY'
import json, sys
rows = {r["unique_id"]: r for r in json.load(open(sys.argv[1] + "/run_results.json"))["results"]}
assert rows["test.p.t"]["failures"] == 2, rows["test.p.t"]
message = rows["test.p.u"]["message"]
assert message.startswith("Compilation Error in test u (tests/u.sql)"), message
assert "Accepted values are: ['ephemeral', 'table', 'view']" in message, message
import sqlite3
kept = sqlite3.connect(sys.argv[1] + "/../warehouse/dbt_test__audit.db")
assert kept.execute("select name from _weir_views").fetchall() == [("kept",)] # of two schemas
PY
}
