#!/usr/bin/env python3
"""Writes a synthetic dbt project: gen_project.py DIR MODELS.

Layers of 200 models; each model reads two models of the layer before, has a config()
call and one not_null test, declared in a properties file of 50 entries. The files are
plain dbt: dbt-core with dbt-sqlite runs them as they stand."""
import os
import sys

LAYER = 200
PER_FILE = 50


def sql(i):
    layer = i // LAYER
    if layer == 0:
        return ("{{ config(materialized='view') }}\n"
                f"select\n    {i} as id,\n    'name {i}' as name\n")
    a = (layer - 1) * LAYER + i % LAYER
    b = (layer - 1) * LAYER + (i * 7 + 3) % LAYER
    return ("{{ config(materialized='view', tags=['layer_%d']) }}\n"
            "select a.id, b.name\n"
            "from {{ ref('m_%05d') }} as a\n"
            "left join {{ ref('m_%05d') }} as b\n"
            "    on a.id = b.id\n"
            "where a.id is not null\n") % (layer, a, b)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def properties(first, last):
    out = ["version: 2", "", "models:"]
    for i in range(first, last):
        out += [f"  - name: m_{i:05d}",
                f"    description: Model number {i}.",
                "    columns:",
                "      - name: id",
                "        description: The key.",
                "        tests:",
                "          - not_null"]
    return "\n".join(out) + "\n"


def main(folder, n):
    write(f"{folder}/dbt_project.yml",
          "name: synthetic\nversion: '1.0'\nconfig-version: 2\nprofile: synthetic\n"
          "model-paths: [models]\nmacro-paths: [macros]\n"
          "models:\n  synthetic:\n    +materialized: view\n")
    write(f"{folder}/profiles.yml",
          "synthetic:\n  target: dev\n  outputs:\n    dev:\n      type: sqlite\n"
          "      threads: 1\n      database: main\n      schema: main\n"
          f"      schemas_and_paths:\n        main: {os.path.abspath(folder)}/main.db\n"
          f"      schema_directory: {os.path.abspath(folder)}\n")
    write(f"{folder}/macros/cents.sql",
          "{% macro cents(column) %}({{ column }} / 100.0){% endmacro %}\n")
    for i in range(n):
        layer = i // LAYER
        write(f"{folder}/models/layer_{layer:03d}/m_{i:05d}.sql", sql(i))
    for first in range(0, n, PER_FILE):
        write(f"{folder}/models/layer_{first // LAYER:03d}/p_{first:05d}.yml",
              properties(first, min(n, first + PER_FILE)))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]))
