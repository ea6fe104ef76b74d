#!/usr/bin/python3
"""Runs `weir up --once` to its end while killing random processes of the platform.

    kill.py KILLS SEED [WHO]   with WEIR, WEIR_PROJECT_DIR, WEIR_STATE_DIR set

Every kill is a SIGKILL to the supervisor or one of its descendants, chosen by the seed;
with WHO ("worker stream") only to processes of that name. A new run is started whenever none is alive; the last one is left to finish. Between kills it
waits for the platform to have done something: a child to be there that was not there at
the last kill, or some CPU time to have been used. Prints what it did; exit 1 when the job
cannot be brought to its end."""
import os
import random
import subprocess
import sys
import time

kills, seed = int(sys.argv[1]), int(sys.argv[2])
who = sys.argv[3] if len(sys.argv) > 3 else ""
rng = random.Random(seed)
deadline = time.monotonic() + 240
tally = {}


def children(pid):
    out = []
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/children") as f:
                out += [int(p) for p in f.read().split()]
    except OSError:
        pass
    return out


def tree(pid):
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        todo += children(p)
    return out


def name(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            args = f.read().split(b"\0")
        return b" ".join(args[1:4]).decode(errors="replace").strip()
    except OSError:
        return "gone"


def ticks(pids):
    total = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/stat") as f:
                v = f.read().rsplit(")", 1)[1].split()
            total += int(v[11]) + int(v[12])
        except OSError:
            pass
    return total


def start():
    log = open(os.path.join(os.environ["WEIR_STATE_DIR"] + ".log"), "ab")
    return subprocess.Popen([os.environ["WEIR"], "up", "--once"], stdout=log, stderr=log,
                            stdin=subprocess.DEVNULL)


def progress(sup, seen, used):
    """Until something happened since the last kill, or the run ended."""
    want = rng.randint(1, 12)
    while sup.poll() is None and time.monotonic() < deadline:
        pids = tree(sup.pid)
        chosen = [p for p in pids if who in name(p)]
        if chosen and set(pids) - seen and ticks(pids) - used >= want:
            return chosen
        time.sleep(0.005)
    return []


sup, done, finished, seen, used = start(), 0, 0, set(), 0
while done < kills and time.monotonic() < deadline:
    pids = progress(sup, seen, used)
    if sup.poll() is not None:
        finished += sup.returncode == 0
        sup, seen, used = start(), set(), 0
        if finished > 3 and done >= kills // 2:
            break
        continue
    victim = rng.choice(pids)
    what = name(victim)
    try:
        os.kill(victim, 9)
    except ProcessLookupError:
        continue
    done += 1
    tally[what] = tally.get(what, 0) + 1
    if victim == sup.pid:
        sup.wait()
        sup = start()
        seen, used = set(), 0
    else:
        seen = set(tree(sup.pid))
        used = ticks(seen)

rc = sup.wait()
tries = 0
while rc != 0 and tries < 5:
    sup = start()
    rc = sup.wait()
    tries += 1
for what, n in sorted(tally.items()):
    print(f"{n:3d} {what}")
print(f"{done} kills, last run exit {rc} after {tries} more tries")
sys.exit(0 if rc == 0 and done > 0 else 1)
