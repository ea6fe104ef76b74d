#!/usr/bin/python3
"""Gives a running platform a lag, and watches its stream job's workers come and go.

    scale.py ALL     with WEIR_POS, WEIR_STATE_DIR set

Stops the job, appends what ALL has more than WEIR_POS, starts the job when the source has
read it; then follows the processes feed: prints the workers when there are two, and again
when there is one. Exit 1 when the count a person sees ever falls."""
import json
import os
import socket
import sys

s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["WEIR_STATE_DIR"] + "/control.sock")
f = s.makefile("rw")


def ask(cmd, **args):
    print(json.dumps({"id": 1, "cmd": cmd, "args": args}), file=f, flush=True)
    while True:
        msg = json.loads(f.readline())
        if "feed" not in msg:
            return msg["data"]


with open(sys.argv[1], "rb") as whole:
    text = whole.read()
ask("stop", process="stream.enrichment")
with open(os.environ["WEIR_POS"], "ab") as out:
    out.write(text[out.tell():])
while ask("status")["counts"]["records_in"] < text.count(b"\n"):
    pass
ask("start", process="stream.enrichment")
ask("subscribe", feeds=["processes", "overview"])
seen, want = 0, 2
for line in f:
    msg = json.loads(line)
    if msg.get("feed") == "overview":
        done = sum(r["in"] for r in msg["data"]["stages"] if r["kind"] == "stream")
        if done < seen:
            sys.exit(f"the count fell from {seen} to {done}")
        seen = done
    elif msg.get("feed") == "processes":
        names = [p["name"] for p in msg["data"] if p["kind"] == "stream"]
        if len(names) == want:
            print(f"{want} worker{'s' * (want > 1)}:", *names)
            want -= 1
        if not want:
            break
