#!/usr/bin/python3
"""What a correct platform makes of a file of receipts, computed apart from weir.

    judge(receipts, arrival, stores) -> struct of outcomes, rows, windows, flags, gold

Written from the rules of the data's README and of the seed, with the standard library
only: exact integers and fractions, zoneinfo, no float. Used by compare.py.
"""
import csv
import gzip
import hashlib
import json
import re
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

LIMIT = 1 << 20
DEPTH = 64
MINUTE = 60_000
SIZES = {"5m": 5 * MINUTE, "15m": 15 * MINUTE, "60m": 60 * MINUTE}
WATERMARK = 30_000 + 1
LATENESS = 60 * MINUTE
AHEAD = 300_000
STAMP = re.compile(r"^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?Z$")


class Bad(Exception):
    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Null:
    """A JSON null, told apart from a member that is not there."""


def open_any(path):
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")


def lines_of(path):
    with open_any(path) as f:
        data = f.read()
    lines = data.split(b"\n")
    if lines and lines[-1] == b"":
        lines.pop()
    return lines


def depth_of(text):
    depth = most = 0
    quoted = False
    i = 0
    while i < len(text):
        c = text[i]
        if quoted:
            if c == "\\":
                i += 1
            elif c == '"':
                quoted = False
        elif c == '"':
            quoted = True
        elif c in "[{":
            depth += 1
            most = max(most, depth)
        elif c in "]}":
            depth -= 1
        i += 1
    return most


def strings_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for k, v in value.items():
            yield k
            yield from strings_in(v)
    elif isinstance(value, list):
        for v in value:
            yield from strings_in(v)


def read_json(line):
    if b"\0" in line:
        raise Bad("invalid_json")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("invalid_utf8")
    if depth_of(text) > DEPTH:
        raise Bad("too_deep")

    def unique(pairs):
        seen = {}
        for k, v in pairs:
            if k in seen:
                raise Bad("duplicate_key")
            seen[k] = v
        return seen

    def no(_):
        raise Bad("invalid_json")

    try:
        value = json.loads(text, object_pairs_hook=unique, parse_float=Decimal,
                           parse_int=Decimal, parse_constant=no)
    except json.JSONDecodeError:
        raise Bad("invalid_json")
    for s in strings_in(value):
        if "\0" in s:
            raise Bad("nul_character")
        if any(0xD800 <= ord(c) <= 0xDFFF for c in s):
            raise Bad("lone_surrogate")
    if not isinstance(value, dict):
        raise Bad("wrong_type")
    return value


def stamp_ms(text):
    m = STAMP.match(text) if isinstance(text, str) else None
    if not isinstance(text, str):
        raise Bad("wrong_type")
    if not m:
        raise Bad("bad_value")
    try:
        t = datetime(*map(int, m.groups()[:6]), tzinfo=timezone.utc)
    except ValueError:
        raise Bad("bad_value")
    return int(t.timestamp()) * 1000 + int((m[7] or "0").ljust(3, "0"))


def money(value):
    if not isinstance(value, Decimal):
        raise Bad("wrong_type")
    cents = value * 100
    if cents != cents.to_integral_value():
        raise Bad("wrong_type")
    return int(cents)


def text_or_null(event, name):
    value = event.get(name)
    if value is not None and not isinstance(value, str):
        raise Bad("wrong_type")
    return value


RUN = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")


def is_card(d):
    issuer = (d[0] == "4" and len(d) in (13, 16, 19)
              or len(d) == 16 and (51 <= int(d[:2]) <= 55 or 2221 <= int(d[:4]) <= 2720)
              or len(d) == 15 and d[:2] in ("34", "37")
              or len(d) in range(16, 20) and (d[:4] == "6011" or d[:2] == "65")
              or len(d) in range(16, 20) and 3528 <= int(d[:4]) <= 3589
              or len(d) == 14 and (d[:2] in ("36", "38", "39")
                                  or 300 <= int(d[:3]) <= 305))
    total = 0
    for i, c in enumerate(reversed(d)):
        x = int(c) * (1 + i % 2)
        total += x - 9 if x > 9 else x
    return bool(issuer) and total % 10 == 0


def masked(text):
    """The text with the middle digits of every card number in it starred out."""
    def star(m):
        digits = re.sub("[^0-9]", "", m[0])
        if not is_card(digits):
            return m[0]
        out, i = [], 0
        for c in m[0]:
            out.append("*" if c.isdigit() and 6 <= i < len(digits) - 4 else c)
            i += c.isdigit()
        return "".join(out)
    return text and RUN.sub(star, text)


class Receipt:
    """One good receipt: what the rules look at."""

    def __init__(self, line, number, arrival):
        self.line, self.number = line, number
        e = read_json(line)
        for name in ("transaction_id", "store_id", "transaction_timestamp",
                     "total_amount", "items"):
            if name not in e:
                raise Bad("missing_field")
        for name in ("transaction_id", "store_id"):
            if not isinstance(e[name], str) or not e[name]:
                raise Bad("wrong_type")
        self.id, self.store = e["transaction_id"], e["store_id"]
        self.t = stamp_ms(e["transaction_timestamp"])
        self.cents = money(e["total_amount"])
        self.terminal = text_or_null(e, "terminal_id")
        self.customer = text_or_null(e, "customer_id")
        self.payment = masked(text_or_null(e, "payment_method"))
        updated = text_or_null(e, "updated_at")
        self.updated = None if updated is None else stamp_ms(updated)
        if not isinstance(e["items"], list):
            raise Bad("wrong_type")
        self.items = e["items"]
        total = 0
        for item in self.items:
            total += self.check_item(item)
        if total != self.cents:
            raise Bad("total_mismatch")
        self.arrival = self.t if arrival is None else arrival
        if self.t - self.arrival > AHEAD:
            raise Bad("clock_ahead")
        if arrival is not None and (self.updated or 0) - arrival > AHEAD:
            raise Bad("clock_ahead")
        self.event = e

    @staticmethod
    def check_item(item):
        if not isinstance(item, dict):
            raise Bad("wrong_type")
        for name in ("product_id", "quantity", "amount"):
            if name not in item:
                raise Bad("missing_field")
        if not isinstance(item["product_id"], str):
            raise Bad("wrong_type")
        q = item["quantity"]
        if not isinstance(q, Decimal) or q != q.to_integral_value():
            raise Bad("wrong_type")
        if not isinstance(item.get("unit_price"), (Decimal, type(None))):
            raise Bad("wrong_type")
        for name in ("retail_disc", "coupon_disc", "coupon_match_disc"):
            if item.get(name) is not None:
                money(item[name])
        return money(item["amount"])


def java_partition(text, n):
    data = text.encode("utf-16-be")
    h = 0
    for i in range(0, len(data), 2):
        h = (31 * h + (data[i] << 8 | data[i + 1])) & 0xFFFFFFFF
    if h >= 1 << 31:
        h -= 1 << 32
    r = abs(h) % n
    return r


def partition_of(key):
    if key.startswith("STORE_") and "_TXN_" in key[5:]:
        return java_partition(key[6:key.rindex("_TXN_")], 100)
    return java_partition(key, 100)


class Detector:
    """The anomaly rules of one store, in order of arrival."""

    def __init__(self, store):
        self.store = store
        self.n = self.s1 = self.s2 = 0
        self.till = defaultdict(list)

    def judge(self, r):
        reasons = []
        n, x = self.n, r.cents
        if n >= 30:
            spread = n * self.s2 - self.s1 ** 2
            if spread > 0 and (n * x - self.s1) ** 2 * (n - 1) > 9 * n * spread:
                reasons.append("AMOUNT_OUTLIER")
        self.n, self.s1, self.s2 = n + 1, self.s1 + x, self.s2 + x * x
        if r.terminal is not None:
            times = self.till[r.terminal]
            times.append(r.t)
            if sum(r.t - MINUTE < t <= r.t for t in times) > 10:
                reasons.append("HIGH_VELOCITY")
        if self.store is not None and self.store["open_hour"]:
            zone = ZoneInfo(self.store["time_zone"])
            hour = (datetime(1970, 1, 1, tzinfo=timezone.utc)
                    + timedelta(milliseconds=r.t)).astimezone(zone).hour
            opens, closes = int(self.store["open_hour"]), int(self.store["close_hour"])
            is_open = (opens <= hour < closes if closes > opens
                       else hour >= opens or hour < closes)
            if not is_open:
                reasons.append("OFF_HOURS")
        return reasons


class Verdict:
    pass


def judge(path, arrival_path=None, stores_path=None):
    lines = lines_of(path)
    arrival = {}
    if arrival_path:
        with open_any(arrival_path) as f:
            rows = f.read().decode().splitlines()[1:]
        arrival = {int(a): int(b) for a, b in (r.split(",") for r in rows)}
    with open(stores_path, encoding="utf-8", newline="") as f:
        stores = {r["store_id"]: r for r in csv.DictReader(f)}
    v = Verdict()
    v.outcome, v.dead, v.counts = {}, [], defaultdict(int)
    v.landed, v.silver = [], {}
    v.windows = defaultdict(lambda: [0, 0, 0])
    v.late, v.flags, v.alerts = {}, {}, set()
    v.stores = stores
    newest, detectors, known = {}, {}, {}
    for number, line in enumerate(lines, 1):
        if line.strip(b" \t\r") == b"":
            continue
        v.counts["in"] += 1
        try:
            if len(line) > LIMIT:
                raise Bad("too_long")
            r = Receipt(line, number, arrival.get(number))
        except Bad as bad:
            v.outcome[number] = bad.reason
            v.dead.append((number, bad.reason))
            continue
        p = partition_of(r.id)
        newest[p] = max(newest.get(p, -1 << 62), r.t)
        old = known.get(r.id)
        if old is not None:
            latest = old["latest"]
            if r.line.rstrip(b"\r") == latest.line.rstrip(b"\r"):
                v.outcome[number] = "duplicate"
                continue
            if (r.updated or -1) <= (latest.updated or -1):
                v.outcome[number] = "stale"
                continue
            v.outcome[number] = "correction"
            old["latest"] = r
            r.reasons = old["reasons_of"](r)
            v.landed.append(r)
            v.silver[r.id] = r
            continue
        v.outcome[number] = "accepted"
        d = detectors.setdefault(r.store, Detector(stores.get(r.store)))
        r.reasons = d.judge(r)
        known[r.id] = {"latest": r,
                       "reasons_of": lambda new, first=r.reasons: first}
        v.landed.append(r)
        v.silver[r.id] = r
        v.flags[r.id] = r.reasons
        if r.reasons and r.cents > 1_000_000:
            v.alerts.add(r.id)
        wm = newest[p] - WATERMARK
        late = []
        for name, size in SIZES.items():
            start = r.t // size * size
            if start + size - 1 + LATENESS <= wm:
                late.append(name)
                continue
            w = v.windows[(r.store, name, start)]
            w[0] += 1
            w[1] += r.cents
            w[2] += bool(r.reasons)
        if late:
            v.late[r.id] = late
    for what in v.outcome.values():
        v.counts[what] += 1
    v.gold = gold_of(v)
    return v


def half_up(value, places):
    if value is None:
        return None
    q = Fraction(value) * 10 ** places
    sign = -1 if q < 0 else 1
    q = abs(q)
    whole = (q.numerator * 2 + q.denominator) // (q.denominator * 2)
    return Decimal(sign * whole).scaleb(-places)


def when(ms):
    return datetime(1970, 1, 1) + timedelta(milliseconds=ms)


def staged(cents):
    """The seed's cleaning: below 0 to 0, over 100,000 to null."""
    if cents < 0:
        return 0
    return None if cents > 10_000_000 else cents


def gold_of(v):
    groups = defaultdict(list)
    for r in v.silver.values():
        groups[(when(r.t).strftime("%Y-%m-%d"), r.store)].append(r)
    gold = {}
    for (day, store), rows in groups.items():
        amounts = sorted(c for c in (staged(r.cents) for r in rows) if c is not None)
        n = len(amounts)
        gross = Fraction(sum(amounts), 100) if n else None
        middle = (Fraction(amounts[(n - 1) // 2] + amounts[n // 2], 200) if n else None)
        lines = [len(r.items) for r in rows]
        customers = {r.customer for r in rows if r.customer is not None}
        hours = [when(r.t).hour for r in rows]
        s = v.stores.get(store, {})
        sqft = int(s["store_size_sqft"]) if s.get("store_size_sqft") else None
        key = hashlib.md5(f"{day}-{store}".encode()).hexdigest()

        def paid(kind):
            return sum(r.payment == kind for r in rows)

        def between(a, b):
            return sum(a <= h <= b for h in hours)

        gold[(day, store)] = {
            "daily_sales_key": key, "transaction_date": day, "store_id": store,
            "transaction_count": len(rows), "unique_customers": len(customers),
            "gross_sales": half_up(gross, 2),
            "avg_transaction_value": half_up(gross / n, 6) if n else None,
            "median_transaction_value": half_up(middle, 3),
            "total_items_sold": sum(lines),
            "avg_items_per_transaction": half_up(Fraction(sum(lines), len(lines)), 6),
            "credit_transactions": paid("CREDIT"), "debit_transactions": paid("DEBIT"),
            "cash_transactions": paid("CASH"),
            "anomaly_count": sum(bool(r.reasons) for r in rows),
            "morning_transactions": between(6, 12),
            "afternoon_transactions": between(12, 18),
            "evening_transactions": between(18, 22),
            "store_name": s.get("store_name") or None, "region": s.get("region") or None,
            "district": s.get("district") or None,
            "store_format": s.get("store_format") or None, "store_size_sqft": sqft,
            "sales_per_sqft": half_up(gross / sqft, 2) if gross is not None and sqft else None,
            "revenue_per_customer": (half_up(gross / len(customers), 2)
                                     if gross is not None and customers else None),
        }
    return gold
