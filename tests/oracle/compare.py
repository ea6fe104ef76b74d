#!/usr/bin/python3
"""Compares a platform's tables with the oracle's.

    compare.py STATE RECEIPTS [--arrival FILE] [--stores FILE] [--no-lines] [--planted FILE]

--no-lines: the file came in pieces, so positions and counts of duplicates differ.
--planted: JSON {"cards": [...], "kept": [...]}: digits that must be nowhere, texts that
must have stayed. Exit 1 with the first differences named.
"""
import argparse
import json
import os
import re
import sqlite3
import sys
from collections import Counter, defaultdict
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402

said = []


def say(text):
    said.append(text)


def table(state, layer, sql):
    db = sqlite3.connect(f"file:{state}/warehouse/{layer}.db?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    rows = db.execute(sql).fetchall()
    db.close()
    return rows


def same_set(what, got, want):
    for k in sorted(want - got, key=str)[:5]:
        say(f"{what}: missing {k}")
    for k in sorted(got - want, key=str)[:5]:
        say(f"{what}: too many {k}")


def cents(real):
    return None if real is None else int((Decimal(repr(real)) * 100).to_integral_value())


def stamp(ms):
    return oracle.when(ms).strftime("%Y-%m-%d %H:%M:%S")


def version(r):
    return (r.id, r.store, r.terminal, r.customer, stamp(r.t), r.cents, r.payment,
            len(r.items), bool(r.reasons), tuple(r.reasons))


def row_version(x):
    return (x["transaction_id"], x["store_id"], x["terminal_id"], x["customer_id"],
            x["transaction_timestamp"][:19], cents(x["total_amount"]), x["payment_method"],
            len(json.loads(x["items"])), bool(x["anomaly_detected"]),
            tuple(json.loads(x["anomaly_reasons"] or "[]")))


def compare_bronze(state, v):
    rows = table(state, "bronze", "select * from raw_transactions")
    got, want = Counter(map(row_version, rows)), Counter(map(version, v.landed))
    same_set("bronze.raw_transactions", set(got.items()), set(want.items()))
    rows = table(state, "bronze", "select * from raw_transactions_current")
    got = Counter(map(row_version, rows))
    want = Counter(map(version, v.silver.values()))
    same_set("bronze.current", set(got.items()), set(want.items()))
    for x in rows:
        items = v.silver[x["transaction_id"]].items if x["transaction_id"] in v.silver else []
        for a, b in zip(json.loads(x["items"], parse_float=Decimal), items):
            if a["product_id"] != b["product_id"] or a["amount"] != b["amount"]:
                say(f"bronze items of {x['transaction_id']}: {a} {b}")
                break


def compare_silver(state, v):
    got = {x["transaction_id"]: x for x in table(state, "silver", "select * from stg_transactions")}
    same_set("silver ids", set(got), set(v.silver))
    for id_, r in v.silver.items():
        x = got.get(id_)
        if x is None:
            continue
        t = oracle.when(r.t)
        want = (oracle.staged(r.cents), t.strftime("%Y-%m-%d"), t.hour, len(r.items))
        have = (cents(x["total_amount"]), x["transaction_date"], x["transaction_hour"],
                x["item_count"])
        if want != have:
            say(f"silver {id_}: want {want} got {have}")


def compare_windows(state, v):
    got = {(x["store_id"], x["window"], x["window_start"]): (x["n"], cents(x["sum"]), x["anomalies"])
           for x in table(state, "bronze", "select * from store_aggregates")}
    want = {(s, w, stamp(t)): tuple(a) for (s, w, t), a in v.windows.items()}
    same_set("windows", set(got.items()), set(want.items()))
    rows = table(state, "bronze", "select * from late_transactions")
    got = Counter((x["transaction_id"], tuple(json.loads(x["late_windows"]))) for x in rows)
    want = Counter((k, tuple(w)) for k, w in v.late.items())
    same_set("late", set(got.items()), set(want.items()))


def compare_anomalies(state, v):
    rows = table(state, "bronze", "select * from anomalies")
    got = Counter((x["transaction_id"], tuple(json.loads(x["anomaly_reasons"])), x["severity"])
                  for x in rows)
    want = Counter((k, tuple(f), "high" if k in v.alerts else "normal")
                   for k, f in v.flags.items() if f)
    same_set("anomalies", set(got.items()), set(want.items()))


PLACES = {"gross_sales": 2, "avg_transaction_value": 6, "median_transaction_value": 3,
          "avg_items_per_transaction": 6, "sales_per_sqft": 2, "revenue_per_customer": 2}


def rounded(value, places):
    if value is None:
        return None
    return oracle.half_up(oracle.Fraction(Decimal(str(value))), places)


def compare_gold(state, v):
    got = {(x["transaction_date"], x["store_id"]): x
           for x in table(state, "gold", "select * from fct_daily_sales")}
    same_set("gold keys", set(got), set(v.gold))
    for key, w in v.gold.items():
        x = got.get(key)
        if x is None:
            continue
        for c, value in w.items():
            have = x[c]
            if c in PLACES:
                have = rounded(have, PLACES[c])
            if have != value:
                say(f"gold {key} {c}: want {value} got {x[c]}")


def compare_dead(state, v, is_whole):
    rows = table(state, "bronze", "select * from dead_letters")
    if is_whole:
        got = Counter((x["line"], x["reason"]) for x in rows)
        same_set("dead letters", set(got.items()), set(Counter(v.dead).items()))
        for x in rows:
            if x["source"] != "pos":
                say(f"dead letter of line {x['line']}: source {x['source']}")
    else:
        got = Counter(x["reason"] for x in rows)
        same_set("dead letters", set(got.items()),
                 set(Counter(r for _, r in v.dead).items()))


def compare_counts(state, v):
    total = defaultdict(int)
    db = sqlite3.connect(f"file:{state}/bus.db?mode=ro", uri=True)
    found = False
    for (name,) in db.execute("select name from sqlite_master where type='table'").fetchall():
        for row in db.execute(f'select * from "{name}"').fetchall():
            for cell in row:
                if isinstance(cell, str) and cell.startswith('{"v":1,"wm"'):
                    found = True
                    for k, n in json.loads(cell).items():
                        if isinstance(n, int):
                            total[k] += n
    db.close()
    if not found:
        return
    for mine, theirs in (("dup", "duplicate"), ("corr", "correction"), ("stale", "stale")):
        if total[mine] != v.counts[theirs]:
            say(f"count of {theirs}: want {v.counts[theirs]} got {total[mine]}")


def compare_planted(state, planted):
    text = []
    for layer in os.listdir(os.path.join(state, "warehouse")):
        if layer.endswith(".db"):
            db = sqlite3.connect(f"file:{state}/warehouse/{layer}?mode=ro", uri=True)
            db.text_factory = lambda b: b.decode("utf-8", "replace")
            for (name,) in db.execute("select name from sqlite_master where type='table'").fetchall():
                if name in ("raw_products", "dim_products", "promotions"):
                    continue
                for row in db.execute(f'select * from "{name}"'):
                    for c in row:
                        if isinstance(c, bytes):
                            c = c.decode("utf-8", "replace")
                        if isinstance(c, str):
                            text.append(c)
            db.close()
    whole = "\n".join(text)
    for card in planted["cards"]:
        if re.search(f"(?<![0-9]){card}(?![0-9])", whole):
            say(f"card number {card} is in the warehouse")
    for kept in planted["kept"]:
        if kept not in whole:
            say(f"kept text {kept} is not in the warehouse")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("state")
    p.add_argument("receipts")
    p.add_argument("--arrival")
    p.add_argument("--stores", required=True)
    p.add_argument("--no-lines", action="store_true")
    p.add_argument("--planted")
    a = p.parse_args()
    v = oracle.judge(a.receipts, a.arrival, a.stores)
    for compare in (compare_bronze, compare_windows, compare_anomalies, compare_silver,
                    compare_gold):
        try:
            compare(a.state, v)
        except sqlite3.OperationalError as e:
            say(f"{compare.__name__}: {e}")
    compare_dead(a.state, v, not a.no_lines)
    if not a.no_lines:
        compare_counts(a.state, v)
    if a.planted:
        with open(a.planted, encoding="utf-8") as f:
            compare_planted(a.state, json.load(f))
    for line in said[:40]:
        print(line)
    if len(said) > 40:
        print(f"… {len(said)} differences in all")
    sys.exit(1 if said else 0)


main()
