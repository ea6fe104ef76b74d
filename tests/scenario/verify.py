#!/usr/bin/python3
"""Compares what a platform computed with independently computed results.

    verify.py CHECK [SET]      with WEIR, WEIR_SHARED, WEIR_PROJECT_DIR, WEIR_STATE_DIR set

gold            gold.fct_daily_sales over the year, every column, every row of the file
daily           the same for an eight-day set: what follows from the receipts alone
windows SET     bronze.store_aggregates: SET pos, incidents (structure only) or disorder
anomalies SET   flags, reasons and (SET incidents) alerts: SET pos or incidents
injected        pos_disorder: every injected line under its kind, with line and reason
Exit 1 with the first differences named.
"""
import csv
import gzip
import io
import json
import os
import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal

DATA = os.path.join(os.environ["WEIR_SHARED"], "data")
differences = []


def say(text):
    differences.append(text)


def expected(name):
    path = os.path.join(DATA, "expected", name)
    f = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    with f:
        return list(csv.DictReader(f))


def plain(name):
    with open(os.path.join(DATA, name)) as f:
        return list(csv.DictReader(f))


def query(sql):
    out = subprocess.run([os.environ["WEIR"], "query", sql, "-o", "csv"],
                         stdout=subprocess.PIPE, check=True).stdout.decode()
    return list(csv.DictReader(io.StringIO(out)))


def number(text, places):
    if text in ("", None):
        return None
    return Decimal(text).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


PLACES = {"gross_sales": 2, "avg_transaction_value": 6, "median_transaction_value": 3,
          "avg_items_per_transaction": 6, "sales_per_sqft": 2, "revenue_per_customer": 2}
TEXT = {"daily_sales_key", "transaction_date", "store_id", "store_name", "region",
        "district", "store_format"}


def compare_daily(want, columns, days=None):
    got = {(r["transaction_date"], r["store_id"]): r
           for r in query("select * from gold.fct_daily_sales")}
    rows = [r for r in want if days is None or r["transaction_date"] in days]
    if not rows:
        say("nothing to compare")
    for w in rows:
        key = (w["transaction_date"], w["store_id"])
        g = got.get(key)
        if g is None:
            say(f"{key}: missing")
            continue
        for c in columns:
            if c in TEXT:
                same = w[c] == g[c]
            else:
                places = PLACES.get(c, 0)
                same = number(w[c], places) == number(g[c], places)
                if same and places == 0 and g[c] not in ("", None):
                    same = Decimal(g[c]) == int(Decimal(g[c]))
            if not same:
                say(f"{key} {c}: want {w[c]!r}, got {g[c]!r}")
    extra = {k for k in got if days is None or k[0] in days} - {
        (r["transaction_date"], r["store_id"]) for r in rows}
    return rows, got, extra


def odd_week(day):
    import datetime
    return datetime.date.fromisoformat(day).isocalendar()[1] % 2 == 1


def check_gold(_):
    want = expected("gold_fct_daily_sales.csv.gz")
    _, got, extra = compare_daily(want, list(want[0]))
    for k in sorted(extra):
        if odd_week(k[0]):
            say(f"{k}: not expected")


def check_daily(_):
    want = expected("daily_sales.csv.gz")
    days = {f"2017-12-{d}" for d in range(19, 25)}
    _, got, extra = compare_daily(want, [c for c in want[0] if c != "units"], days)
    for k in sorted(extra):
        say(f"{k}: not expected")


def check_windows(name):
    for size, file in (("5m", "5m"), ("15m", "15m"), ("1h", "60m")):
        label = file
        got = {}
        for r in query("select store_id, \"window\" as w, window_start, n, \"sum\" as s "
                       f"from bronze.store_aggregates where \"window\" = '{label}'"):
            start = r["window_start"].replace(" ", "T")
            got[(r["store_id"], start if start.endswith("Z") else start + "Z")] = r
        if name == "disorder":
            want = expected(f"windows_disorder_{file}.csv.gz")
            rows = {}
            for r in want:
                n = int(r["n_accepted"]) - int(r["n_late"])
                cents = int(r["sum_first_cents"]) - int(r["sum_late_cents"])
                if n:
                    rows[(r["store_id"], r["window_start"])] = (n, cents)
        else:
            rows = {(r["store_id"], r["window_start"]): (int(r["n"]), int(r["sum_cents"]))
                    for r in expected(f"windows_{file}.csv.gz")}
        for k, (n, cents) in rows.items():
            g = got.pop(k, None)
            if g is None:
                say(f"window {size} {k}: missing")
            elif int(g["n"]) != n or number(g["s"], 2) * 100 != cents:
                say(f"window {size} {k}: want {n} {cents}, got {g['n']} {g['s']}")
        for k in got:
            say(f"window {size} {k}: not expected")


def check_anomalies(name):
    file = "anomalies.csv.gz" if name == "pos" else "anomalies_incidents.csv.gz"
    got = {r["transaction_id"]: r for r in query(
        "select transaction_id, anomaly_detected, anomaly_reasons "
        "from bronze.raw_transactions")}
    for w in expected(file):
        g = got.get(w["transaction_id"])
        if g is None:
            say(f"{w['transaction_id']}: missing")
            continue
        reasons = "|".join(json.loads(g["anomaly_reasons"] or "[]"))
        if int(g["anomaly_detected"]) != int(w["anomaly_detected"]) \
                or reasons != w["anomaly_reasons"]:
            say(f"{w['transaction_id']}: want {w['anomaly_reasons']!r}, got {reasons!r}")
    high = query("select transaction_id, store_id, total_amount, anomaly_reasons "
                 "from bronze.anomalies where severity = 'high'")
    if name == "pos":
        for r in high:
            say(f"alert not expected: {r}")
        return
    if len(high) != 3:
        say(f"want 3 alerts, got {len(high)}")
    by_id = {r["transaction_id"]: r for r in high}
    for w in expected("alerts_incidents.csv"):
        g = by_id.get(w["transaction_id"])
        if g is None or number(g["total_amount"], 2) * 100 != int(w["amount_cents"]):
            say(f"alert {w['transaction_id']}: {g}")


def check_injected(_):
    rows = plain("pos_disorder.injected.csv")
    dead = {}
    for r in query("select line, reason from bronze.dead_letters"):
        dead.setdefault(int(r["line"]), []).append(r["reason"])
    want_dead = {int(r["line"]): r["reason"] for r in rows if r["outcome"] == "dead_letter"}
    for line, reason in want_dead.items():
        if dead.get(line) != [reason]:
            say(f"line {line}: want {reason}, got {dead.get(line)}")
    for line in dead:
        if line not in want_dead:
            say(f"line {line}: dead letter not expected: {dead[line]}")
    stg = {r["transaction_id"]: r for r in query(
        "select transaction_id, count(*) as n, max(total_amount) as t "
        "from silver.stg_transactions group by 1")}
    if len(stg) != 3323:
        say(f"silver: want 3323 receipts, got {len(stg)}")
    for r in stg.values():
        if int(r["n"]) != 1:
            say(f"silver: {r['transaction_id']} {r['n']} times")
    for r in rows:
        g = stg.get(r["transaction_id"])
        cents = None if g is None else number(g["t"], 2) * 100
        if r["outcome"] == "dead_letter":
            if g is not None and "980000" in r["transaction_id"]:
                say(f"{r['transaction_id']}: dead letter in silver")
        elif g is None:
            say(f"{r['transaction_id']} ({r['kind']}): not in silver")
        elif r["kind"] in ("correction", "correction_first") and cents != int(r["amount_cents"]):
            say(f"{r['transaction_id']} ({r['kind']}): want {r['amount_cents']}, got {cents}")
        elif r["kind"] == "negative_total" and cents != 0:
            say(f"{r['transaction_id']}: negative total became {cents}")


def main():
    check, name = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else "")
    globals()["check_" + check](name)
    for d in differences[:20]:
        print(d)
    if differences:
        print(f"{len(differences)} differences")
        sys.exit(1)


main()
