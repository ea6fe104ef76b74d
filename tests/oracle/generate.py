#!/usr/bin/python3
"""Writes receipts that nobody has seen, in the form of the data's README.

    generate.py OUT SEED [LINES] [--no-arrival]

OUT gets receipts.jsonl, receipts.arrival.csv.gz, stores.csv, products.csv.gz and
planted.json. Every kind of line is in it: odd ids, amounts and zones, bursts, duplicates,
corrections and stale versions in all orders, lateness around every limit, clocks ahead,
card numbers, and each way for a line to be malformed. One seed gives one set.
"""
import gzip
import json
import os
import random
import sys
from datetime import datetime, timedelta, timezone

ZONES = ["America/New_York", "America/Chicago", "America/Denver", "America/Phoenix",
         "America/St_Johns", "Pacific/Auckland", "Asia/Kolkata", "Europe/Dublin",
         "Australia/Lord_Howe", "America/Los_Angeles", "UTC"]
DAYS = ["2018-03-10", "2018-03-11", "2018-11-03", "2018-11-04", "2018-03-24", "2018-10-27",
        "2018-04-01", "2018-12-31", "2018-02-28", "2020-02-28", "2018-09-30"]
HOURS = [(0, 24), (6, 1), (7, 23), (5, 24), (22, 6), (9, 17), (8, 8), (0, 12), (12, 0)]
CARDS = ["4111111111111111", "4012888888881881", "5555555555554444", "378282246310005",
         "6011111111111117", "3530111333300000", "2223003122003222", "30569309025904",
         "4222222222222", "36227206271667"]
NOT_CARDS = ["4111111111111112", "1234567890123456", "9111111111111111",
             "41111111111111111111111", "978020137962"]


class Raw:
    """A number to be written exactly so."""

    def __init__(self, text):
        self.text = text


def dump(v):
    if isinstance(v, Raw):
        return v.text
    if isinstance(v, dict):
        return "{" + ",".join(json.dumps(k, ensure_ascii=False) + ":" + dump(x)
                              for k, x in v.items()) + "}"
    if isinstance(v, list):
        return "[" + ",".join(map(dump, v)) + "]"
    return json.dumps(v, ensure_ascii=False)


class Maker:
    def __init__(self, out, seed, count, has_arrival):
        self.out, self.count, self.has_arrival = out, count, has_arrival
        self.r = random.Random(seed)
        self.start = int(datetime.fromisoformat(self.r.choice(DAYS)).replace(
            tzinfo=timezone.utc).timestamp() * 1000) + self.r.randrange(86_400_000)
        self.now = self.start
        self.lines, self.arrivals = [], []
        self.cards, self.kept = set(), set()
        self.serial = 0
        self.newest = {}
        self.good = []
        self.pending = []
        self.stores = [self.store(i) for i in range(self.r.choice([2, 5, 12, 30]))]

    def store(self, i):
        r = self.r
        ids = [str(r.randrange(1, 40000)), "00" + str(i), f"Ä{i}", f"S-{i}", f"店{i}",
               f"😀{i}", str(10 ** 9 + i), f"A_TXN_{i}", f"x y{i}"]
        opens, closes = r.choice(HOURS)
        return {"store_id": r.choice(ids) + f"q{i}" * (r.random() < 0.5) or str(i),
                "store_name": r.choice([f"Store {i}", f"Caf\u00e9, \"{i}\"", f"O'Neil {i}"]),
                "region": r.choice(["EAST", "Wést", ""]), "district": f"D-{i % 3}",
                "store_format": "EXPRESS",
                "store_size_sqft": str(r.choice([0, 1, 3, 7, 4020, 120000])),
                "time_zone": r.choice(ZONES), "open_hour": str(opens),
                "close_hour": str(closes), "terminals": "2",
                "weight": r.choice([1, 1, 3, 20])}

    def stamp(self, ms):
        t = datetime(1970, 1, 1) + timedelta(milliseconds=ms)
        text = t.strftime("%Y-%m-%dT%H:%M:%S")
        return text + (f".{ms % 1000:03d}Z" if ms % 1000 else "Z")

    def cents(self):
        r = self.r
        k = r.random()
        if k < 0.05:
            return 0
        if k < 0.07:
            return r.randrange(1_000_000, 20_000_000)
        if k < 0.1:
            return -r.randrange(1, 5000)
        if k < 0.3:
            return r.choice([100, 125, 199, 250, 333])
        return r.randrange(1, 20_000)

    def number(self, cents):
        """The same amount in one of the ways JSON has for it."""
        sign, c = ("-" if cents < 0 else ""), abs(cents)
        plain = f"{sign}{c // 100}.{c % 100:02d}"
        k = self.r.random()
        if k < 0.8:
            return Raw(plain)
        if cents == 0:
            return Raw(self.r.choice(["0", "0.0", "-0.00", "0e5", "0.000"]))
        if k < 0.85:
            return Raw(f"{sign}{c}e-2")
        if k < 0.9:
            return Raw(f"{plain}0")
        if k < 0.95:
            return Raw(f"{sign}{c}E-02" if c % 100 else f"{sign}{c // 100}")
        if c % 10 == 0:
            return Raw(f"{sign}{c // 100}.{c % 100 // 10}")
        return Raw(f"{sign}{c / 100000:.5f}e+3" if c < 10 ** 9 else plain)

    def item(self, cents, zero):
        r = self.r
        e = {"product_id": r.choice(["1", "2", "77", "0099", "99999999", "p-é"]),
             "quantity": 0 if zero else r.choice([1, 1, 2, 500, -1 if cents < 0 else 3]),
             "unit_price": None if zero else Raw("1.2345"),
             "amount": self.number(cents), "retail_disc": Raw("0.00"),
             "coupon_disc": Raw("0.10"), "coupon_match_disc": Raw("0.00")}
        if r.random() < 0.05:
            e["scale_id"] = "sc9"
        return e

    def receipt(self, t, store=None):
        r = self.r
        s = store or r.choices(self.stores, [s["weight"] for s in self.stores])[0]
        self.serial += 1
        parts = [self.cents() for _ in range(r.choice([0, 1, 1, 1, 2, 3, 9]))]
        e = {"transaction_id": f"STORE_{s['store_id']}_TXN_{self.serial:07d}",
             "store_id": s["store_id"], "terminal_id": f"{s['store_id']}-T{r.choice('12')}",
             "customer_id": r.choice(["1", "2", "03", "ü", str(r.randrange(99))]),
             "transaction_timestamp": self.stamp(t), "total_amount": self.number(sum(parts)),
             "payment_method": r.choice(["CREDIT", "DEBIT", "CASH", "GIFT_CARD", "credit"]),
             "items": [self.item(c, r.random() < 0.1) for c in parts],
             "updated_at": self.stamp(t + 1000 * r.randrange(0, 5))}
        for name in ("customer_id", "payment_method", "terminal_id"):
            k = r.random()
            if k < 0.02:
                e[name] = None
            elif k < 0.04:
                del e[name]
        if r.random() < 0.03:
            e["loyalty"] = r.choice([{"tier": 3, "x": [1, None, True]}, "gold", 7, None])
        if r.random() < 0.05:
            keys = list(e)
            r.shuffle(keys)
            e = {k: e[k] for k in keys}
        return e, t, s, sum(parts)

    def put(self, line, arrival):
        if isinstance(line, str):
            line = line.encode("utf-8", "surrogatepass")
        k = self.r.random()
        if k < 0.02:
            line += b"\r"
        elif k < 0.03:
            line += b"  "
        self.lines.append(line)
        self.arrivals.append(int(arrival))

    def note_cards(self, e):
        r = self.r
        card = r.choice(CARDS)
        k = r.choice([0, 1, 2, 3])
        seen = card
        if k == 1 and len(card) == 16:
            seen = "-".join(card[i:i + 4] for i in range(0, 16, 4))
        elif k == 2:
            seen = " ".join(card[i:i + 4] for i in range(0, len(card), 4))
        self.cards.add(seen)
        where = r.choice(["note", "payment_method", "nested", "key2"])
        if where == "nested":
            e["extra"] = {"a": [{"pan": "x " + seen}]}
        elif where == "key2":
            e["free text"] = [seen, "n"]
        else:
            e[where] = f"paid {seen} ok"
        return e

    def spelled(self, e):
        """The receipt with a name written with escapes, or another's id in front."""
        r = self.r
        if r.random() < 0.4:
            return dump({"returns": {"transaction_id": "STORE_1_TXN_1",
                                     "transaction_timestamp": "2010-01-01T00:00:00Z"}, **e})
        name = r.choice(list(e) + ["amount", "product_id", "quantity"])
        return dump(e).replace(f'"{name}":', f'"\\u{ord(name[0]):04x}{name[1:]}":')

    def malformed(self):
        r = self.r
        e, t, s, total = self.receipt(self.now)
        text = dump(e)
        kind = r.randrange(24)
        if kind == 0:
            return text[:r.randrange(1, len(text))]
        if kind == 1:
            return text.replace("CREDIT", "CRE\0IT").replace('"store_id":"', '"store_id":"\0')
        if kind == 2:
            e["note"] = "\ud83d alone"
            return dump(e).replace("\ud83d", "\\ud83d")
        if kind == 3:
            e["note"] = "@@"
            bad = r.choice([b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"])
            return dump(e).encode().replace(b"@@", bad)
        if kind == 4:
            name = r.choice(["total_amount", "transaction_id", "store_id", "items", "zz"])
            e.setdefault("zz", 1)
            return dump(e)[:-1] + f',"{name}":{dump(e[name])}}}'
        if kind == 5:
            return dump(e)[:-1] + ',"x":{"a":[{"b":1,"c":2,"b":1}]}}'
        if kind == 6:
            return dump(e)[:-1] + ',"store\\u005fid":"1"}'
        if kind == 7:
            return dump(e)[:-1] + ',"d":' + "[" * 2000 + "]" * 2000 + "}"
        if kind in (8, 9):
            name = r.choice(["transaction_id", "store_id", "transaction_timestamp",
                             "total_amount", "items"])
            del e[name]
            return dump(e)
        if kind in (10, 11):
            name = r.choice(["transaction_id", "store_id", "transaction_timestamp",
                             "total_amount", "items"])
            e[name] = r.choice([True, {"a": 1}, [1], "word"][:3])
            if name == "items" and isinstance(e[name], list):
                e[name] = {"0": 1}
            return dump(e)
        if kind == 12:
            name = r.choice(["terminal_id", "customer_id", "payment_method", "updated_at"])
            e[name] = r.choice([5, False, {"a": 1}, ["x"]])
            return dump(e)
        if kind in (13, 14):
            if not e["items"]:
                e["items"] = [self.item(0, False)]
            it = r.choice(e["items"])
            name = r.choice(["product_id", "quantity", "amount", "unit_price", "retail_disc"])
            it[name] = r.choice(["1x" if name != "product_id" else 5, {"a": 1}, [2], True])
            return dump(e)
        if kind == 15:
            if not e["items"]:
                e["items"] = [self.item(0, False)]
            del r.choice(e["items"])[r.choice(["product_id", "quantity", "amount"])]
            return dump(e)
        if kind == 16:
            e["total_amount"] = self.number(total + r.choice([1, -1, 1000]))
            return dump(e)
        if kind == 17:
            return r.choice(["[]", "1", '"x"', "null", "[" + text + "]"])
        if kind == 18:
            return text + r.choice(["x", "{}", ",", text])
        if kind == 19:
            e["total_amount"] = Raw(r.choice(["00.5", "+1", ".5", "1.", "1e", "NaN", "0x10",
                                              "-", "Infinity"]))
            return dump(e)
        if kind == 20:
            e["transaction_timestamp"] = r.choice(["yesterday", "2018-13-01T00:00:00Z",
                                                   "2018-02-30T00:00:00Z", "",
                                                   "2018-01-01T24:00:01Z"])
            return dump(e)
        if kind == 21:
            return text.replace('"items"', '"ite\tms"')
        if kind == 22:
            e["customer_id"] = "a@@"
            return dump(e).replace("@@", "\\u0000")
        e["items"] = r.choice(["x", {"product_id": "1"}, [1], ["a"], [None], 7])
        return dump(e)

    def burst(self):
        r = self.r
        s = r.choice(self.stores)
        t0 = self.now
        times = [t0 + 1000 * r.randrange(70) for _ in range(r.randrange(9, 26))]
        r.shuffle(times)
        for t in times:
            e, t, _, _ = self.receipt(t, s)
            e["terminal_id"] = f"{s['store_id']}-T1"
            self.say(e, t, s, max(times))
        self.now = max(times)

    def say(self, e, t, s, arrival):
        self.put(dump(e), arrival)
        self.newest[s["store_id"]] = max(self.newest.get(s["store_id"], 0), t)
        if "updated_at" in e and isinstance(e["updated_at"], str):
            self.good.append((e, t, s))

    def late(self):
        r = self.r
        if not self.newest:
            return
        sid = r.choice(list(self.newest))
        s = next(s for s in self.stores if s["store_id"] == sid)
        size = r.choice([300_000, 900_000, 3_600_000])
        edge = r.choice([0, 3_600_000])
        newest = self.newest[sid]
        if r.random() < 0.5:      # a newer one first, so that a window's end is hit exactly
            end = (newest // size + r.randrange(1, 3)) * size
            t = end + edge + 30_000 + r.choice([-2, -1, 0, 1, 2])
            e, t, s, _ = self.receipt(t, s)
            self.now = max(self.now, t)
            self.say(e, t, s, self.now)
            target = end - r.choice([1, 1000, size])
        else:
            target = newest - r.choice([30_000, 31_000, edge, size + edge, 5 * 3_600_000,
                                        r.randrange(1, 30_000_000)]) + r.choice([-1, 0, 1])
        e, t, s, _ = self.receipt(target, s)
        self.say(e, t, s, self.now)

    def version(self, e, t, s, seconds, new_day=False):
        r = self.r
        e = json.loads(json.dumps(e, default=lambda raw: {"@": raw.text}),
                       object_hook=lambda d: Raw(d["@"]) if set(d) == {"@"} else d)
        k = r.random()
        if k < 0.5 and e["items"]:
            cents = self.cents()
            e["items"] = [self.item(cents, False)]
            e["total_amount"] = self.number(cents)
        else:
            e["payment_method"] = r.choice(["VOID", "CASH2"])
        base = datetime.fromisoformat(e["updated_at"].replace("Z", "+00:00"))
        at = int(base.timestamp() * 1000) + seconds * 1000
        e["updated_at"] = self.stamp(at)
        return e, at

    def versions(self):
        r = self.r
        if not self.good:
            return
        e, t, s = r.choice(self.good[-200:] if r.random() < 0.7 else self.good)
        gap = lambda: r.choice([1, 60, 3600, 6 * 3600, 90_000, 2 * 86_400])  # noqa: E731
        if not self.has_arrival:
            gap = lambda: r.choice([1, 60, 200])  # noqa: E731
        kind = r.randrange(8)
        if kind <= 1:
            self.put(dump(e), self.now)
            return
        if kind == 2:
            new, _ = self.version(e, t, s, 0)
            self.put(dump(new), self.now)
            return
        one, at1 = self.version(e, t, s, gap())
        two, at2 = self.version(one, t, s, gap())
        order = {3: [one], 4: [one, two], 5: [two, one], 6: [one, e, one],
                 7: [two, e, two, one]}[kind]
        soonest = max(self.now, max(at1, at2 if two in order else at1) - 290_000)
        for one in order:
            self.pending.append((soonest, dump(one)))

    def first(self):
        """The correction arrives before its original."""
        e, t, s, _ = self.receipt(self.now)
        new, at = self.version(e, t, s, 60)
        self.put(dump(new), self.now)
        self.put(dump(e), self.now + 5)

    def clock(self):
        r = self.r
        ahead = r.choice([299_000, 300_000, 301_000, 300_001, 86_400_000])
        if not self.has_arrival:
            return
        e, t, s, _ = self.receipt((self.now // 1000) * 1000 + ahead)
        e["updated_at"] = e["transaction_timestamp"]
        self.put(dump(e), self.now // 1000 * 1000)
        if ahead <= 300_000:
            self.newest[s["store_id"]] = max(self.newest.get(s["store_id"], 0), t)

    def long(self):
        e, t, s, _ = self.receipt(self.now)
        e["note"] = "@@"
        text = dump(e)
        over = self.r.choice([0, 0, 1, 100])
        pad = (1 << 20) + over - len(text.encode()) + 2
        self.lines.append(text.replace("@@", "x" * pad).encode())
        self.arrivals.append(self.now)

    def step(self):
        r = self.r
        while self.pending and self.pending[0][0] <= self.now:
            self.put(self.pending.pop(0)[1], self.now)
        k = r.random()
        if k < 0.05:
            self.put(self.malformed(), self.now)
        elif k < 0.06:
            self.burst()
        elif k < 0.11:
            self.late()
        elif k < 0.19:
            self.versions()
        elif k < 0.2:
            self.first()
        elif k < 0.22:
            self.clock()
        elif k < 0.24:
            e, t, s, _ = self.receipt(self.now)
            self.put(dump(self.note_cards(e)), self.now)
        elif k < 0.25:
            e, t, s, _ = self.receipt(self.now)
            kept = r.choice(NOT_CARDS)
            self.kept.add(kept)
            e["note"] = kept
            self.put(dump(e), self.now)
        elif k < 0.255:
            self.put(r.choice(["", "  ", "\t"]), self.now)
        elif k < 0.265:
            e, t, s, _ = self.receipt(self.now)
            self.put(self.spelled(e), self.now)
            self.newest[s["store_id"]] = max(self.newest.get(s["store_id"], 0), t)
        elif k < 0.266:
            self.long()
        else:
            lag = r.choice([0, 0, r.randrange(30_000)])
            e, t, s, _ = self.receipt((self.now - lag) // 1000 * 1000 + r.choice([0, 0, 0, lag % 1000]))
            self.say(e, t, s, self.now)
        self.now += r.choice([0, 100, 1000, 5000, 60_000, 60_000, 400_000]
                             + [7_200_000] * (r.random() < 0.02)
                             + [36 * 3_600_000] * (r.random() < 0.003))

    def make(self):
        while len(self.lines) < self.count:
            self.step()
        for _, line in self.pending:
            self.now = max(self.now, _)
            self.put(line, self.now)
        self.write()

    def write(self):
        os.makedirs(self.out, exist_ok=True)
        with open(os.path.join(self.out, "receipts.jsonl"), "wb") as f:
            f.write(b"\n".join(self.lines) + (b"\n" if self.r.random() < 0.5 else b""))
        if self.has_arrival:
            text = "line,arrival_ms\n" + "".join(
                f"{i},{a}\n" for i, a in enumerate(self.arrivals, 1))
            with gzip.open(os.path.join(self.out, "receipts.arrival.csv.gz"), "wb") as f:
                f.write(text.encode())
        with open(os.path.join(self.out, "stores.csv"), "w", encoding="utf-8") as f:
            names = list(self.stores[0])[:-1]
            f.write(",".join(names) + "\n")
            for s in self.stores:
                f.write(",".join('"' + s[n].replace('"', '""') + '"' if set(s[n]) & set('",')
                                 else s[n] for n in names) + "\n")
        with gzip.open(os.path.join(self.out, "products.csv.gz"), "wb") as f:
            f.write("product_id,manufacturer_id,department,brand,product_category,"
                    "product_type,package_size\n1,1,GROCERY,National,SOUP,CAN,\n"
                    "2,1,FUEL,Private,,,\n77,2,DELI,National,HAM,,1 LB\n"
                    "0099,2,DELI,National,HAM,,\np-é,3,Bücher,Private,\"A, B\",,\n".encode())
        with open(os.path.join(self.out, "planted.json"), "w", encoding="utf-8") as f:
            json.dump({"cards": sorted(self.cards), "kept": sorted(self.kept)}, f)


def main():
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    count = int(args[2]) if len(args) > 2 else 1000
    Maker(args[0], int(args[1]), count, "--no-arrival" not in sys.argv).make()


main()
