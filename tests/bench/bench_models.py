"""Synthetic projects of 100, 1,000 and 10,000 models with one test each (gen_project.py):
how long weir takes for them, in CPU time of the process and its children, the best of
three; the wall clock stands beside it, since other work on the machine changes it. Where
a virtual environment with dbt is found (tests/live makes one), dbt reads the same 1,000
models in the same run.   Called by bench_models.sh."""
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WEIR = os.environ["WEIR"]
ROWS = []


def run(args, cwd, **more):
    """CPU seconds, wall seconds, peak MB of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    p = subprocess.Popen(args, cwd=cwd, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, **more)
    err = p.stderr.read()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if p.returncode not in (0,):
        sys.exit(f"{' '.join(args)}: status {p.returncode}\n{err.decode()[-800:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall, usage.ru_maxrss / 1024


def best(prepare, args, cwd, times=3):
    out = None
    for i in range(times):
        prepare(i)
        got = run(args, cwd)
        out = got if out is None or got[0] < out[0] else out
    return out


def row(name, must, value, limit, text):
    ok = value <= limit
    ROWS.append((name, must, text, ok))
    print(f"   {name}: {text} (must: {must})", flush=True)


def clean(cwd):
    for d in (".weir", "target", "logs"):
        shutil.rmtree(f"{cwd}/{d}", ignore_errors=True)


def touch_one(cwd, i):
    with open(f"{cwd}/models/layer_000/m_00007.sql", "a", encoding="utf-8") as f:
        f.write(f"-- {i}\n")


def timed(name, limit, got):
    row(name, f"<= {limit} s", got[0], limit, f"{got[0]:.2f} s CPU ({got[1]:.2f} wall)")


def measure(cwd, n):
    cold = best(lambda i: clean(cwd), [WEIR, "parse", "-q"], cwd)
    time.sleep(0.1)  # files older than the clock's tick are trusted
    run([WEIR, "parse", "-q"], cwd)
    same = best(lambda i: None, [WEIR, "parse", "-q"], cwd)
    one = best(lambda i: touch_one(cwd, i), [WEIR, "parse", "-q"], cwd)
    ls = best(lambda i: None, [WEIR, "ls", "-q"], cwd)
    print(f"   {n} models: parse {cold[0]:.3f} s, nothing changed {same[0]:.3f}, one "
          f"changed {one[0]:.3f}, ls {ls[0]:.3f} (CPU); peak {max(cold[2], ls[2]):.0f} MB")
    return cold, same, one, ls


def instructions(cwd):
    """User-mode instructions of a cold parse; None where nothing counts them."""
    clean(cwd)
    p = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", WEIR, "parse", "-q"],
                       cwd=cwd, capture_output=True, text=True, check=False) \
        if shutil.which("perf") else None
    m = re.search(r"^(\d+),", p.stderr, re.M) if p else None
    if m:
        return int(m.group(1))
    if not shutil.which("valgrind"):
        return None
    clean(cwd)
    p = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                        WEIR, "parse", "-q"], cwd=cwd, capture_output=True, text=True,
                       check=False)
    m = re.search(r"refs:\s+([\d,]+)", p.stderr)
    return int(m.group(1).replace(",", "")) if m else None


SQLITE = """
import os, sqlite3, sys
path = os.path.join(sys.argv[1], "alone.db")
db = sqlite3.connect(path, isolation_level=None)
db.execute("pragma journal_mode=wal")
for again in range(2):
    for i in range(1000):
        x = "m_%05d" % i
        db.execute("begin immediate")
        db.execute("drop view if exists " + x + "__tmp")
        db.execute("create view " + x + "__tmp as select 1 as id")
        for name in (x, x + "__tmp"):
            db.execute("select type from sqlite_schema where type in ('table', 'view') "
                       "and lower(name) = lower(?)", (name,)).fetchall()
        db.execute("select sql from sqlite_schema where name = ?", (x,)).fetchall()
        db.execute("drop view if exists " + x)
        db.execute("create view " + x + " as select 1 as id")
        db.execute("drop view " + x + "__tmp")
        db.execute("commit")
    if again == 0:
        start = os.times()
stop = os.times()
print(stop.user + stop.system - start.user - start.system)
"""


def per_node(cwd):
    """Seconds that the engine adds to one more trivial node: a run of 1,000 views against
    a run of one, less what SQLite alone takes to publish 1,000 views in the same way."""
    run([WEIR, "run", "-q"], cwd)
    many = best(lambda i: None, [WEIR, "run", "-q"], cwd, 2)
    one = best(lambda i: None, [WEIR, "run", "-q", "-s", "m_00001"], cwd, 2)
    alone = float(subprocess.run([sys.executable, "-c", SQLITE, cwd], check=True,
                                 capture_output=True, text=True).stdout)
    print(f"   1,000 views: {many[0]:.2f} s CPU, of one {one[0]:.2f}, SQLite alone "
          f"{alone:.2f}")
    return max(0, (many[0] - one[0] - alone) / 999)


def dbt_baseline(cwd, ours):
    for venv in (os.environ.get("WEIR_LIVE_CACHE", ""), f"{HERE}/../../build/live"):
        dbt = f"{venv}/dbt-1.11/bin/dbt"
        if venv and os.path.exists(dbt):
            break
    else:
        print("   dbt: not installed here (tests/live/dbt/run.sh does it), no baseline")
        return
    clean(cwd)
    env = dict(os.environ, DBT_SEND_ANONYMOUS_USAGE_STATS="false", PYTHONWARNINGS="ignore")
    theirs = run([dbt, "--quiet", "parse", "--profiles-dir", "."], cwd, env=env)
    clean(cwd)
    times = theirs[0] / ours[0]
    row("parse 1,000 models, dbt's time to ours", ">= 20", -times, -20,
        f"{times:.0f} ({theirs[0]:.1f} s)")


def seed(cwd):
    os.makedirs(f"{cwd}/seeds")
    with open(f"{cwd}/dbt_project.yml", "w", encoding="utf-8") as f:
        f.write("name: seeded\nversion: '1.0'\nprofile: seeded\n")
    with open(f"{cwd}/profiles.yml", "w", encoding="utf-8") as f:
        f.write("seeded: {target: dev, outputs: {dev: {type: sqlite, threads: 1, database: "
                f"main, schema: main, schemas_and_paths: {{main: '{cwd}/main.db'}}, "
                f"schema_directory: '{cwd}'}}}}}}\n")
    line = "{0},name of {0},2017-01-01,{0}.5,some text that is longer than the others {0}\n"
    with open(f"{cwd}/seeds/big.csv", "w", encoding="utf-8") as f:
        f.write("id,name,day,amount,note\n")
        size = 0
        i = 0
        while size < 134_000_000:
            part = "".join(line.format(k) for k in range(i, i + 20000))
            f.write(part)
            size += len(part)
            i += 20000
    got = run([WEIR, "seed", "-q"], cwd)
    row("seed of 134 MB", "<= 64 MB", got[2], 64, f"{got[2]:.0f} MB, {got[0]:.1f} s CPU")


def main():
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as top:
        counts = {}
        for n in (100, 1000, 10000):
            cwd = f"{top}/p{n}"
            subprocess.run([sys.executable, f"{HERE}/gen_project.py", cwd, str(n)],
                           check=True)
            cold, same, one, ls = measure(cwd, n)
            if n >= 1000:
                counts[n] = instructions(cwd)
            if n == 1000:
                node = per_node(cwd)
                row("engine overhead per trivial node", "<= 1 ms", node, 0.001,
                    f"{node * 1000:.2f} ms CPU")
                dbt_baseline(cwd, cold)
        timed("parse 10,000 models, cold", 1.0, cold)
        timed("parse 10,000, nothing changed", 0.2, same)
        timed("parse 10,000, one file changed", 0.25, one)
        timed("ls of 10,000", 0.3, ls)
        timed("compile all 10,000", 2.0,
              best(lambda i: None, [WEIR, "compile", "-q"], cwd, 2))
        timed("run one of 10,000", 0.3,
              best(lambda i: None, [WEIR, "run", "-q", "-s", "m_00001"], cwd))
        peak = max(cold[2], same[2], one[2], ls[2])
        row("peak memory at 10,000", "<= 150 MB", peak, 150, f"{peak:.0f} MB")
        if all(counts.values()):
            ratio = counts[10000] / counts[1000]
            row("instructions, 10,000 to 1,000 models", "<= 11", ratio, 11, f"{ratio:.2f}")
        seed(f"{top}/seeded")
    table = os.environ.get("WEIR_BENCH_TABLE")
    if table:
        with open(table, "a", encoding="utf-8") as f:
            for name, must, text, ok in ROWS:
                f.write(f"{name}\t{must}\t{text}\t{'ok' if ok else 'MISSED'}\n")


main()
