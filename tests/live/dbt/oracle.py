"""Runs one project with dbt-core and with weir, on SQLite (dbt-sqlite) or PostgreSQL
(dbt-postgres; PGHOST and PGPORT say where), and compares them: a TAP line a comparison.
Called by run.sh in its virtual environment: oracle.py WEIR PROJECT WORK KIND.

A project may have a live.yml beside its dbt_project.yml:
    schemas: [main, other]      those that are there from the start
    sql: [statement, …]         run in both warehouses before the first step
    steps:                      default: one build
      - run: build --full-refresh
        files: {seeds/x.csv: text or null}   written or removed before it
    ls: ["+x", "x --exclude y"] selections, listed by both (after the last step)
    forget: {table: [column, …]}             values that follow from the time of the run
    differs: {"step 1 rows": why}            known differences: reported as "# TODO"
    sqlite: {…}, postgres: {…}               any of these, for that warehouse alone;
                                             "skip: why" leaves the project out there
"""
import datetime, decimal, json, os, re, shlex, shutil, sqlite3, subprocess, sys

import yaml
from dbt.cli.main import dbtRunner

WEIR, SOURCE, WORK, KIND = sys.argv[1], sys.argv[2].rstrip("/"), sys.argv[3], sys.argv[4]
NAME = os.path.basename(SOURCE)
ON_POSTGRES = KIND == "postgres"
SHOWN = NAME if KIND == "sqlite" else f"{NAME} on PostgreSQL"
# What weir adds to dbt's flags, and dbt's to weir's: none are translated but these.
DBT_QUIET = ["--quiet", "--no-send-anonymous-usage-stats", "--log-level", "none", "--no-use-colors"]
TEXT_FIELDS = ("name", "alias", "schema", "fqn", "tags", "refs", "sources", "package_name",
               "original_file_path", "resource_type", "test_metadata", "column_name",
               "attached_node", "description", "checksum", "meta", "group", "access", "version",
               "latest_version", "identifier", "loader", "loaded_at_field", "freshness",
               "constraints", "contract", "primary_key", "source_description", "owner", "type", "maturity", "url", "label")
KNOWN, FORGET = {}, {}
STARTED = datetime.datetime.now() - datetime.timedelta(days=1)


def point(what, differences):
    """One TAP line; the differences as comments."""
    known = KNOWN.get(what)
    print(f"{'ok' if not differences else 'not ok'} - {SHOWN}: {what}"
          + (f" # TODO {known}" if known and differences else ""))
    for d in differences[:12]:
        print("#     " + str(d).replace("\n", "\n#     "))
    if len(differences) > 12:
        print(f"#     … {len(differences) - 12} more")
    sys.stdout.flush()


def compare_maps(dbt, weir):
    out = [f"only dbt:  {k} = {dbt[k]!r}"[:300] for k in sorted(set(dbt) - set(weir))]
    out += [f"only weir: {k} = {weir[k]!r}"[:300] for k in sorted(set(weir) - set(dbt))]
    out += [f"{k}\n  dbt  {dbt[k]!r}\n  weir {weir[k]!r}"
            for k in sorted(set(dbt) & set(weir)) if dbt[k] != weir[k]]
    return out


def read_plan():
    plan = {}
    for path in (f"{SOURCE}/live.yml", f"{os.path.dirname(os.path.abspath(__file__))}/{NAME}.yml"):
        if os.path.exists(path):
            with open(path) as f:
                plan = yaml.safe_load(f) or {}
    return {**{k: v for k, v in plan.items() if k not in ("sqlite", "postgres")}, **(plan.get(KIND) or {})}


def database(engine):
    return f"{engine}_{NAME}"


def output(engine, schemas):
    if ON_POSTGRES:
        return {"type": "postgres", "threads": 1, "host": os.environ["PGHOST"], "port": int(os.environ["PGPORT"]),
                "user": "weir", "password": "none", "dbname": database(engine), "schema": "main"}
    os.makedirs(f"{WORK}/{engine}_db")
    return {"type": "sqlite", "threads": 1, "database": "database", "schema": "main",
            "schemas_and_paths": {s: f"{WORK}/{engine}_db/{s}.db" for s in schemas},
            "schema_directory": f"{WORK}/{engine}_db"}


def prepare():
    """Two copies of the project: each engine keeps its own target, packages, warehouse."""
    plan = read_plan()
    schemas = plan.get("schemas", ["main"])
    shutil.rmtree(WORK, ignore_errors=True)
    with open(f"{SOURCE}/dbt_project.yml") as f:
        project = yaml.safe_load(f)
    for engine in ("dbt", "weir"):
        shutil.copytree(SOURCE, f"{WORK}/{engine}", ignore=shutil.ignore_patterns("live.yml", ".weir", "target", "weir.yml"))
        with open(f"{WORK}/{engine}/profiles.yml", "w") as f:
            yaml.safe_dump({project.get("profile", "live"): {"target": "dev", "outputs": {"dev": output(engine, schemas)}}}, f)
        if ON_POSTGRES:
            subprocess.run(["psql", "-qXc", f'create database "{database(engine)}"'], check=True)
            c = connect(engine, schemas)
            for x in schemas:
                c.cursor().execute(f'create schema if not exists "{x}"')
            c.commit()
            c.close()
    return plan, schemas


def dbt(args, manifest=None):
    os.chdir(f"{WORK}/dbt")
    return dbtRunner(manifest=manifest).invoke(args + ["--profiles-dir", "."] + DBT_QUIET)


def weir(args):
    return subprocess.run([WEIR] + args, cwd=f"{WORK}/weir",
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)


def write_files(files):
    for rel, text in (files or {}).items():
        for engine in ("dbt", "weir"):
            path = f"{WORK}/{engine}/{rel}"
            if text is None:
                os.unlink(path)
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write(text)


def connect(engine, schemas):
    if ON_POSTGRES:
        import psycopg2
        return psycopg2.connect(host=os.environ["PGHOST"], port=os.environ["PGPORT"], user="weir",
                                dbname=database(engine), options="-c search_path=main,public")
    folder = f"{WORK}/{engine}_db"
    c = sqlite3.connect(f"{folder}/main.db")
    for s in schemas:
        if s != "main":
            c.execute(f"attach '{folder}/{s}.db' as \"{s}\"")
    return c


def plain(v):
    if isinstance(v, (float, decimal.Decimal)):
        return int(v) if v == int(v) and abs(v) < 2**53 else round(float(v), 9)
    if isinstance(v, datetime.datetime) and v.replace(tzinfo=None) > STARTED:
        return "now"
    if isinstance(v, (datetime.date, datetime.datetime)):
        return str(v)
    return v


def shown_rows(name, columns, rows):
    known = [k for k, column in enumerate(columns) if column in FORGET.get(name, [])]
    return sorted((["·" if k in known and v is not None else v for k, v in enumerate(unquoted(plain(v) for v in r))]
                   for r in rows), key=repr)


def sqlite_rows(c, s):
    out = {}
    found = c.execute(f"select name, type from \"{s}\".sqlite_master where type in ('table','view')").fetchall()
    for name, kind in found:
        if not is_ours(name):
            continue
        try:
            q = c.execute(f'select * from "{s}"."{name}"')
            columns = [d[0] for d in q.description]
            rows = shown_rows(name, columns, q)
        except sqlite3.Error as e:
            rows, columns = str(e), []
        out[f"{s}.{name}"] = (kind, columns, rows)
    return out


POSTGRES_RELATIONS = """
select n.nspname || '.' || c.relname,
       case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end,
       format('%I.%I', n.nspname, c.relname), obj_description(c.oid),
       array(select a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
             || case when a.attnotnull then ' not null' else '' end
             || coalesce(' ' || col_description(c.oid, a.attnum), '')
             from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum),
       coalesce(c.relacl::text, ''),
       array(select pg_get_constraintdef(o.oid) from pg_constraint o where o.conrelid = c.oid order by 1)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')"""


def postgres_rows(c):
    """Every relation of the database: kind, columns with types, comments, rights, rows."""
    out, q = {}, c.cursor()
    q.execute(POSTGRES_RELATIONS)
    for name, kind, quoted, comment, columns, rights, constraints in q.fetchall():
        if not is_ours(name.split(".")[1]):
            continue
        q.execute(f"select * from {quoted}")
        rows = shown_rows(name.split(".")[1], [d[0] for d in q.description], q.fetchall())
        out[name] = (kind, comment, columns, rights, constraints, rows)
    return out


def is_ours(name):
    return not name.startswith(("sqlite_", "_weir_")) and "__dbt_tmp" not in name and "__weir" not in name


def rows_of(engine, schemas):
    c, out = connect(engine, schemas), {}
    if ON_POSTGRES:
        out = postgres_rows(c)
    else:
        for s in schemas:
            out.update(sqlite_rows(c, s))
    c.close()
    return out


def unquoted(row):
    """Relations in texts: weir quotes the schema's name, dbt-sqlite does not."""
    return [re.sub(r'"(\w+)"\."', r'\1."', v.replace(database("weir"), database("dbt"))) if isinstance(v, str) else v
            for v in row]


def words(sql):
    """SQL modulo whitespace, comments to a line's end and quotes around plain names."""
    sql = re.sub(r"^\s*--.*$", "", (sql or "").replace(database("weir"), database("dbt")), flags=re.M)
    sql = re.sub(r'"([A-Za-z_][A-Za-z0-9_]*)"', r"\1", sql)
    return " ".join(re.sub(r"([(),])", r" \1 ", sql).split())


def freshness(i, args, results):
    theirs = {r.node.unique_id: str(r.status) for r in results}
    w = weir(args)
    with open(f"{WORK}/weir/target/sources.json") as f:
        mine = json.load(f)["results"]
    point(f"step {i} freshness", compare_maps(theirs, {r["unique_id"]: r["status"] for r in mine})
          + [f"weir said {r['unique_id']}: {r['error']}" for r in mine if "error" in r
             and theirs.get(r["unique_id"]) != r["status"]])
    with open(f"{WORK}/dbt/target/sources.json") as f:
        both = [{r["unique_id"]: r["criteria"] for r in rs if r.get("criteria")} for rs in (json.load(f)["results"], mine)]
    point(f"step {i} criteria", compare_maps(*both))
    point(f"step {i} success", [] if any(s in ("error", "runtime error") for s in theirs.values()) == bool(w.returncode)
          else [f"weir status {w.returncode}", w.stderr[-400:]])


def step(i, s, schemas):
    args = shlex.split(s.get("run", "build"))
    write_files(s.get("files"))
    d = dbt(args)
    if d.exception is not None:
        print(f"# dbt: {d.exception}"[:600].replace("\n", "\n# "))
    results = list(getattr(d.result, "results", None) or [])
    if args[0] == "source":
        freshness(i, args, results)
        return
    theirs = {r.node.unique_id: str(r.status) for r in results
              if not r.node.unique_id.startswith(("operation.", "exposure.", "saved_query."))}  # nothing is run for these
    their_failures = {r.node.unique_id: r.failures for r in results
                      if r.node.unique_id.startswith("test.") and str(r.status) in ("pass", "fail", "warn")}
    path = f"{WORK}/weir/target/run_results.json"
    if os.path.exists(path):
        os.unlink(path)
    w = weir(args)
    if s.get("only") == "manifest":
        return
    results = []
    if os.path.exists(path):
        with open(path) as f:
            results = json.load(f)["results"]
    else:
        print("# weir: " + w.stderr[-600:].replace("\n", "\n# "))
    ours = {r["unique_id"]: r["status"] for r in results if not r["unique_id"].startswith("operation.")}
    our_failures = {r["unique_id"]: r["failures"] for r in results
                    if r["unique_id"].startswith("test.") and r["status"] in ("pass", "fail", "warn")}
    why = {r["unique_id"]: r["message"] for r in results if r["status"] == "error"}
    differences = compare_maps(theirs, ours)
    point(f"step {i} statuses", differences + ([f"weir said {k}: {v}" for k, v in why.items()] if differences else []))
    point(f"step {i} failures", compare_maps(their_failures, our_failures))
    failed = (not d.success, w.returncode not in (0, 3))
    point(f"step {i} success", [] if failed[0] == failed[1] else
          [f"dbt failed: {failed[0]}, weir status {w.returncode}", w.stderr[-400:]])
    point(f"step {i} rows", compare_maps(rows_of("dbt", schemas), rows_of("weir", schemas)))


def fields(m, keys):
    out = {}
    for kind in ("nodes", "sources", "exposures"):
        for uid, n in m.get(kind, {}).items():
            if uid.startswith("operation."):
                continue
            for k in keys:
                if k == "identifier" and kind != "sources":
                    continue
                if n.get(k) not in (None, [], {}, ""):
                    out[f"{uid} {k}"] = n.get(k)
            for k, v in (n.get("config") or {}).items():
                if v not in (None, [], {}, "", False):
                    out[f"{uid} config.{k}"] = v
    return out


# Configs that dbt writes with a default of its own and that say nothing.
DULL = {"on_schema_change": "ignore", "on_configuration_change": "apply", "batch_size": None, "access": "protected",
        "severity": "ERROR", "fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0", "delimiter": ",",
        "contract": {"enforced": False, "alias_types": True}, "packages": [], "enabled": True, "lookback": 1,
        "docs": {"show": True, "node_color": None}}


def interesting(all_fields):
    out = {}
    for k, v in all_fields.items():
        name = k.split(" ")[1]
        key = name.removeprefix("config.")
        if name.startswith("config.") and DULL.get(key, "·") == v:
            continue
        if name == "access" and v == "protected":
            continue
        if key in ("sources", "refs"):  # their order differs with how dbt read the file
            v = sorted(v, key=repr)
        if key == "owner":
            v = {a: b for a, b in v.items() if b is not None}
        if key == "tags":  # dbt's order and repetitions have no meaning
            v = sorted(set(v))
        if name == "config.docs":
            v = {a: b for a, b in v.items() if b is not None}
            if v == {"show": True}:
                continue
        if name == "config.tags" and k.startswith("test."):  # those of a column are in tags
            continue
        if name == "config.loaded_at_field":  # the field itself is compared
            continue
        if name.endswith("freshness") and not any((v.get(k) or {}).get("count") for k in ("warn_after", "error_after")):
            continue
        if name == "config.severity":
            v = v.lower()
            if v == "error":
                continue
        out[k] = v
    return out


def without(v, keys):
    if isinstance(v, dict):
        return {k: without(x, keys) for k, x in v.items() if k not in keys}
    return [without(x, keys) for x in v] if isinstance(v, list) else v


def compare_manifests(theirs, ours):
    if theirs.get("metrics") or theirs.get("semantic_models"):
        layers = [{u: without(n, ("created_at", "database", "relation_name"))
                   for k in ("semantic_models", "metrics", "saved_queries") for u, n in m.get(k, {}).items()}
                  for m in (theirs, ours)]
        point("semantic layer", compare_maps(*layers))
    point("unique ids", compare_maps(*[{u: 1 for k in ("nodes", "sources", "exposures") for u in m.get(k, {})
                                        if not u.startswith("operation.")} for m in (theirs, ours)]))
    point("fields", compare_maps(interesting(fields(theirs, TEXT_FIELDS)), interesting(fields(ours, TEXT_FIELDS))))
    parents = [{k: sorted(v) for k, v in m["parent_map"].items() if not k.startswith(("operation.", "macro."))}
               for m in (theirs, ours)]
    point("parents", compare_maps(*parents))
    columns = [{f"{u} {c}": (x.get("description") or "", x.get("data_type"), x.get("tags") or [], x.get("meta") or {}, x.get("constraints") or [])
                for u, n in {**m["nodes"], **m["sources"]}.items() for c, x in (n.get("columns") or {}).items()}
               for m in (theirs, ours)]
    point("columns", compare_maps(*columns))
    disabled = [sorted(m["disabled"]) for m in (theirs, ours)]
    point("disabled", [] if disabled[0] == disabled[1] else [f"dbt  {disabled[0]}", f"weir {disabled[1]}"])


def compiled(theirs):
    d = dbt(["compile"])
    ours = weir(["compile", "-o", "json"])
    if d.exception is not None or ours.returncode:
        point("compiled", [f"dbt {d.exception}, weir {ours.returncode}: {ours.stderr[-500:]}"])
        return
    by_dbt = {r.node.unique_id: words(r.node.compiled_code) for r in d.result.results if r.node.compiled_code}
    by_weir = {n["unique_id"]: words(n["compiled"]) for n in json.loads(ours.stdout)}
    by_dbt = {k: v for k, v in by_dbt.items() if not k.startswith(("operation.", "seed."))}
    lazy = {k for k, n in theirs["nodes"].items() if n["config"].get("materialized") == "ephemeral"}
    by_weir = {k: v for k, v in by_weir.items() if k not in lazy}  # dbt shows none of them
    point("compiled", compare_maps(by_dbt, by_weir))


def listing(line, manifest):
    """name, path and selector forms together: one comparison a selection."""
    args = shlex.split(line)
    if not args or not args[0].startswith("-"):
        args = ["--select"] + args
    at = next((k for k, a in enumerate(args) if k and a.startswith("--")), len(args))
    differences = []
    for form in ("selector", "name", "path"):
        d = dbt(["ls", "--output", form] + args, manifest)
        w = weir(["ls", "-o", form] + args)
        theirs, ours = sorted(d.result or []), sorted(w.stdout.split("\n")[:-1])
        if d.exception is not None:
            theirs = ["ERROR"]
        if w.returncode:
            ours = ["ERROR"]
        if theirs != ours:
            differences.append(f"{form}: only dbt {[x for x in theirs if x not in ours]}, "
                               f"only weir {[x for x in ours if x not in theirs]}"
                               + (w.stderr[-300:] if ours == ["ERROR"] else "")
                               + (f" dbt: {d.exception}"[:300] if theirs == ["ERROR"] else ""))
            break
        if form == "selector" and (theirs == ["ERROR"] or not theirs):
            break
    point(f"ls {line}", differences)


def whole(m):
    """Everything of a manifest's entries but what no two runs share and what belongs to an
    adapter: how it names relations, its own macros."""
    out = {}
    for section in ("nodes", "sources", "exposures", "unit_tests", "metrics", "semantic_models", "saved_queries"):
        for uid, n in m.get(section, {}).items():
            for k, v in n.items():
                if k in ("created_at", "compiled_path", "compiled", "compiled_code", "extra_ctes", "extra_ctes_injected",
                         "relation_name", "root_path", "build_path", "database", "refs", "sources", "tags"):
                    continue
                if k == "depends_on":
                    v = {a: sorted(x for x in b if not x.startswith("macro.dbt_sqlite.")) for a, b in v.items()}
                if k == "config":
                    v = {a: sorted(set(b)) if a == "tags" else b for a, b in v.items()}
                out[f"{uid} {k}"] = v
    return out


def valid(path, cls):
    """The file against the schema that dbt publishes, and taken in by dbt's own reader."""
    import jsonschema
    with open(path) as f:
        text = json.load(f)
    errors = jsonschema.Draft202012Validator(cls.json_schema()).iter_errors(text)
    bad = [f"{list(e.absolute_path)}: {e.message}"[:300] for e in errors]
    try:
        cls.read_and_check_versions(path)
    except Exception as e:
        bad.append(f"dbt does not read it: {e!r}"[:300])
    return bad


def artifacts(theirs, ours, manifest):
    from dbt.artifacts.schemas.catalog import CatalogArtifact
    from dbt.artifacts.schemas.manifest import WritableManifest
    from dbt.artifacts.schemas.run import RunResultsArtifact
    target = f"{WORK}/weir/target"
    weir(["docs", "generate", "-q"])
    for name, cls in (("manifest", WritableManifest), ("run_results", RunResultsArtifact), ("catalog", CatalogArtifact)):
        if os.path.exists(f"{target}/{name}.json"):
            point(f"{name}.json by dbt's schema", valid(f"{target}/{name}.json", cls))
    point("manifest entries", compare_maps(whole(theirs), whole(ours)))
    w = weir(["ls", "-q", "-s", "state:modified", "state:new", "--state", f"{WORK}/dbt/target"])
    point("state: of dbt's manifest", w.stdout.split("\n")[:-1] + (["status %d" % w.returncode] if w.returncode else []))
    # The engine's own macros are others than dbt's: all but what is of them is the same.
    parts = ["state:new", "state:modified.body", "state:modified.configs", "state:modified.relation",
             "state:modified.persisted_descriptions", "state:modified.contract"]
    d = dbt(["ls", "--state", target, "-s"] + parts, manifest)
    point("state: of weir's manifest", [str(d.exception)[:300]] if d.exception is not None else list(d.result or []))
    d = dbt(["ls", "--output", "json"], manifest)
    if d.exception is None:
        listed = [{n["unique_id"]: n for n in map(json.loads, lines)}
                  for lines in (d.result or [], weir(["ls", "-q", "-o", "json"]).stdout.split("\n")[:-1])]
        point("ls as json", compare_maps(*[whole({"nodes": one}) for one in listed]))


def main():
    plan, schemas = prepare()
    if "skip" in plan:
        print(f"ok - {SHOWN} # SKIP {plan['skip']}")
        return
    KNOWN.update(plan.get("differs", {}))
    FORGET.update(plan.get("forget", {}))
    for engine in ("dbt", "weir"):
        c = connect(engine, schemas)
        for sql in plan.get("sql", []):
            c.cursor().execute(sql)
        c.commit()
        c.close()
    if os.path.exists(f"{SOURCE}/packages.yml") or os.path.exists(f"{SOURCE}/dependencies.yml"):
        dbt(["deps"])
    for i, s in enumerate(plan.get("steps", [{"run": "build"}]), 1):
        step(i, s, schemas)
    d = dbt(["parse"])
    if d.exception is not None:
        point("parse", [f"dbt does not parse this project: {d.exception}"])
        return
    with open(f"{WORK}/dbt/target/manifest.json") as f:
        theirs = json.load(f)
    try:
        with open(f"{WORK}/weir/target/manifest.json") as f:
            ours = json.load(f)
    except OSError as e:
        point("manifest", [f"weir wrote none: {e}"])
        return
    compare_manifests(theirs, ours)
    compiled(theirs)
    artifacts(theirs, ours, d.result)
    for line in plan.get("ls", []):
        listing(line, d.result)


main()
