#!/usr/bin/env python3
"""Windows of an aggregate step, held against windows worked out here, over random events. usage: windows.py BINARY [SEED...] [-v]
Every event is a request of `sluice test`; what leaves, and in which order, must be what this program says."""
import json, math, os, random, subprocess, sys, tempfile

PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: stream}
spec:
  input: {key: key, time: ts, tensors: {x: {path: value, datatype: FP64}, n: {path: count, datatype: INT64}}}
  steps:
  - name: windows
    aggregate:
      window: %s
      late: %s
      set: {messages: count(), valid: count(x), sum: sum(x), mean: mean(x), least: min(x), most: max(x), var: var(x), pstd: pstd(x),
            first: first(x), last: last(x), median: median(x), upper: "quantile(x, 0.9)", kinds: distinct(n), total: sum(n), end: ts}
  output: {steps: [windows]}
"""


class Windows:
    """The definitions, and nothing clever: every window keeps its events."""

    def __init__(self, kind, size=0, every=0, grace=0):
        self.kind, self.size, self.every, self.grace = kind, size, every or size, grace
        self.time, self.open, self.late, self.left, self.counts = None, {}, [], [], {}

    def over(self, start, end):
        if self.kind == "session":
            return end + self.size + self.grace < self.time
        return end + self.grace <= self.time

    def leave(self, key, start, end, events, name):
        self.left.append((key + b"/" + str(name).encode(), key, start, end, events))

    def add(self, key, ts, event):
        self.time = ts if self.time is None else max(self.time, ts)
        if self.kind == "count":
            number, events = self.counts.get(key, (0, []))
            events = events + [(ts, event)]
            if len(events) == self.size:
                times = [t for t, _ in events]
                self.leave(key, min(times), max(times), events, number)
                number, events = number + 1, []
            self.counts[key] = (number, events)
            return True
        taken = False
        if self.kind == "session":
            mine = [(k, s, e) for k, s, e in self.open if k == key and s - self.size <= ts <= e + self.size]
            start, end = min([ts] + [s for _, s, _ in mine]), max([ts] + [e for _, _, e in mine])
            taken = bool(mine) or not self.over(ts, ts)
            if taken:
                self.open[(key, start, end)] = sum((self.open.pop(m) for m in mine), []) + [(ts, event)]
        else:
            start = ts // self.every * self.every
            while start > ts - self.size:
                if not self.over(start, start + self.size):
                    self.open.setdefault((key, start, start + self.size), []).append((ts, event))
                    taken = True
                start -= self.every
        for key, start, end in sorted(self.open, key=lambda w: (w[2], w[1], w[0])):
            if self.over(start, end):
                self.leave(key, start, end, self.open.pop((key, start, end)), start)
        return taken


def quantile(values, q):
    if not values:
        return math.nan
    values = sorted(values)
    place = (len(values) - 1) * q
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def answer(end, events):
    """What the settings of PIPELINE come to."""
    x = [v["value"] for _, v in events if not math.isnan(v["value"])]
    in_order = [v["value"] for _, v in sorted(events, key=lambda e: e[0]) if not math.isnan(v["value"])]
    mean = math.fsum(x) / len(x) if x else math.nan
    squares = math.fsum((v - mean) ** 2 for v in x)
    return {
        "messages": len(events), "valid": len(x), "sum": math.fsum(x), "mean": mean, "least": min(x, default=math.nan),
        "most": max(x, default=math.nan), "var": squares / (len(x) - 1) if len(x) > 1 else math.nan,
        "pstd": math.sqrt(squares / len(x)) if x else math.nan, "first": in_order[0] if in_order else math.nan,
        "last": in_order[-1] if in_order else math.nan, "median": quantile(x, 0.5), "upper": quantile(x, 0.9),
        "kinds": len({v["count"] for _, v in events}), "total": sum(v["count"] for _, v in events), "end": end,
    }


def alike(got, wanted):
    got = math.nan if got == "NaN" else got
    if isinstance(wanted, float) and math.isnan(wanted):
        return isinstance(got, float) and math.isnan(got)
    return not isinstance(got, str) and abs(got - wanted) <= 1e-9 * max(1, abs(wanted))


def differs(response, wanted):
    got = {t["name"]: t["data"][0] for t in response["outputs"]}
    return [(k, got.get(k), v) for k, v in wanted.items() if k not in got or not alike(got[k], v)]


def draw(seed):
    """Events that come out of order, twice, late, without a value, from few keys and from keys that are seen once."""
    chance = random.Random(seed)
    time, events = chance.choice([0, -5000, 1700000000000]), []
    keys, rush = chance.choice([3, 40, 300]), chance.choice([20, 300])
    for number in range(900):
        time += int(chance.expovariate(1 / rush))
        ts = time - (int(chance.expovariate(1 / 800)) if chance.random() < 0.3 else 0)
        key = "key %d" % chance.randrange(keys) if chance.random() < 0.97 else "once %d" % number
        value = math.nan if chance.random() < 0.05 else chance.choice([chance.gauss(100, 10), float(chance.randrange(5))])
        events.append({"key": key, "ts": ts, "value": value, "count": chance.randrange(4)})
        if chance.random() < 0.03:
            events.append(events[-1])
    return events + [{"key": "end", "ts": time + 10**7, "value": 0.0, "count": 0}] * 60


FORMS = [
    ("{tumbling: 1s}", dict(kind="tumbling", size=1000)),
    ("{tumbling: 1s, grace: 500ms}", dict(kind="tumbling", size=1000, grace=500)),
    ("{hopping: 1s, every: 250ms, grace: 200ms}", dict(kind="hopping", size=1000, every=250, grace=200)),
    ("{hopping: 1s, every: 300ms}", dict(kind="hopping", size=1000, every=300)),
    ("{session: 300ms}", dict(kind="session", size=300)),
    ("{session: 2s, grace: 1s}", dict(kind="session", size=2000, grace=1000)),
    ("{count: 7}", dict(kind="count", size=7)),
]


def judge(binary, seed, form, late):
    text, shape = form
    events, windows = draw(seed), Windows(**shape)
    refused = [i for i, e in enumerate(events) if not windows.add(e["key"].encode(), e["ts"], e)]
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "pipeline.yaml"), "w") as f:
            f.write(PIPELINE % (text, late))
        with open(os.path.join(folder, "in.jsonl"), "w") as f:
            for i, e in enumerate(events):
                body = json.dumps({**e, "value": "NaN" if math.isnan(e["value"]) else e["value"]})
                f.write(json.dumps({"id": "e%d" % i, "key": "p", "body": body}) + "\n")
        open(os.path.join(folder, "out.jsonl"), "w").close()
        run = subprocess.run([binary, "test", "--print", folder], capture_output=True, timeout=300)
    lines = [json.loads(line) for line in run.stdout.decode().splitlines()]
    answers = [x for x in lines if "at" not in x and "id" in x]
    got = [(x["response"]["id"], x["response"]) for x in answers if "response" in x]
    errors = [x["id"] for x in answers if "error" in x]
    if errors != (["e%d" % i for i in refused] if late == "dead-letter" else []):
        return "refused are %s, and should be %s" % (errors[:5], refused[:5])
    on_topic = [x["id"] for x in lines if x.get("at", "").count(".") == 1 and x["at"].endswith(".outputs") and "response" in x]
    if on_topic != [x["id"] for x in answers if "response" in x]:  # replies are printed in the order of the requests
        return "windows left in another order than they were closed"
    if [i for i, _ in got] != [w[0].decode() for w in windows.left]:
        pairs = zip([i for i, _ in got] + ["nothing"], [w[0].decode() for w in windows.left] + ["nothing"])
        return "%d windows left, and %d should; first unlike: %s" % (
            len(got), len(windows.left), next((p for p in pairs if p[0] != p[1]), "at the end"))
    for (name, response), (_, _, _, end, its) in zip(got, windows.left):
        unlike = differs(response, answer(end, its))
        if unlike:
            return "%s: %s" % (name, unlike[:3])
    return None if got else "no window left, so nothing was judged"


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("-")]
    passed = failed = 0
    for seed in [int(a) for a in arguments[1:]] or range(1, 4):
        for number, form in enumerate(FORMS):
            fault = judge(os.path.abspath(arguments[0]), seed, form, ["drop", "dead-letter"][(seed + number) % 2])
            passed, failed = passed + (not fault), failed + bool(fault)
            if fault:
                print("windows %s, seed %d: %s" % (form[0], seed, fault))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
