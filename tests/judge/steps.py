#!/usr/bin/env python3
"""Holds steps against `sluice compute`: steps.py SLUICE [SEED]

Draws cases at random, runs each as a step of a pipeline (by `sluice test --print`, what is learnt by `sluice fit`) and as
a case of `sluice compute`, whose numbers are judged against other implementations elsewhere. The two must say the same."""
import json, math, os, random, subprocess, sys, tempfile

SLUICE, SEED = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
HERE = os.path.dirname(os.path.abspath(__file__))
draw = random.Random(SEED)
PIPELINE = {"apiVersion": "mlops.seldon.io/v1alpha1", "kind": "Pipeline", "metadata": {"name": "p"}}


def say(number):
    """JSON has no NaN."""
    if isinstance(number, float) and not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    return number


def hear(value):
    return float(value.replace("Infinity", "inf")) if value in ("NaN", "Infinity", "-Infinity") else value


def flat(value):
    return [one for item in value for one in flat(item)] if isinstance(value, list) else [hear(value)]


def same(one, other):
    one, other = flat(one), flat(other)
    return len(one) == len(other) and all(
        a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))
        or (not isinstance(a, str) and not isinstance(b, str) and abs(a - b) <= 1e-12 + 1e-9 * abs(b)) for a, b in zip(one, other))


def run(*command):
    done = subprocess.run([SLUICE, *command], capture_output=True, text=True, timeout=300)
    if done.returncode > 1 or not done.stdout:
        sys.exit("%s: %s" % (" ".join(command), done.stderr))
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def computed(folder, family, data, params):
    path = os.path.join(folder, "case.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"name": "c", "input": data, "params": params}, out)
    return run("compute", family, path)[0]["result"]


def piped(folder, spec, lines):
    """What the pipeline says, in order."""
    with open(os.path.join(folder, "pipeline.yaml"), "w", encoding="utf-8") as out:
        json.dump({**PIPELINE, "spec": spec}, out)
    with open(os.path.join(folder, "in.jsonl"), "w", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)
    open(os.path.join(folder, "out.jsonl"), "w", encoding="utf-8").close()
    return [line for line in run("test", "--print", folder) if "at" not in line and "calls" not in line]


def outputs(line):
    return {tensor["name"]: tensor["data"] for tensor in line["response"]["outputs"]}


def request(number, **tensors):
    return {"id": str(number), "key": "k", "request": {"inputs": [
        {"name": name, "datatype": "FP64", "shape": [len(data)] if isinstance(data, list) else [1], "data": data if isinstance(data, list) else [data]}
        for name, data in tensors.items()]}}


# ---- preprocess ----

def column(count, holes):
    kind = draw.randrange(6)
    numbers = [[draw.gauss(0, 3), draw.gauss(1e6, 10), float(draw.randrange(4)), math.exp(draw.gauss(0, 2)), 7.0, draw.gauss(0, 1e-6)][kind]
               for _ in range(count)]
    return [float("nan") if holes and at and draw.random() < 0.15 else number for at, number in enumerate(numbers)]


OPERATIONS = [  # the step's, compute's, whether NaN may come
    ({"scale": {"by": "standard"}}, {"op": "standard"}, True),
    ({"scale": {"by": "min-max", "range": [-1, 3], "clip": True}}, {"op": "minmax", "range": [-1, 3], "clip": True}, True),
    ({"scale": {"by": "robust", "quantiles": [10, 80]}}, {"op": "robust", "quantiles": [10, 80]}, True),
    ({"scale": {"by": "max-abs"}}, {"op": "maxabs"}, True),
    ({"impute": {"by": "mean"}}, {"op": "impute", "strategy": "mean"}, True),
    ({"impute": {"by": "median"}}, {"op": "impute", "strategy": "median"}, True),
    ({"impute": {"by": "most-frequent"}}, {"op": "impute", "strategy": "most_frequent"}, True),
    ({"kbins": {"by": "uniform", "bins": 4}}, {"op": "kbins", "strategy": "uniform", "bins": 4}, False),
    ({"kbins": {"by": "quantile", "bins": 5, "method": "linear"}}, {"op": "kbins", "bins": 5, "quantile_method": "linear"}, False),
    ({"quantile": {"size": 9}}, {"op": "quantile", "n_quantiles": 9}, True),
    ({"quantile": {"size": 9, "to": "normal"}}, {"op": "quantile", "n_quantiles": 9, "output": "normal"}, True),
]
FIXED = [  # what learns nothing
    ({"log1p": {}}, {"op": "log1p"}),
    ({"clip": {"low": -1, "high": 2.5}}, {"op": "clip", "low": -1, "high": 2.5}),
    ({"bucketize": {"edges": [-1, 0, 2.5], "closed": "right"}}, {"op": "bucketize", "edges": [-1, 0, 2.5], "closed": "right"}),
    ({"normalise": {"by": "l1"}}, {"op": "normalize", "norm": "l1"}),
    ({"normalise": {"by": "max"}}, {"op": "normalize", "norm": "max"}),
    ({"polynomial": {"degree": 3}}, {"op": "polynomial", "degree": 3}),
]


def shaped(rows):
    """Rows as [1, n] tensors."""
    for line in rows:
        for tensor in line["request"]["inputs"]:
            tensor["shape"] = [1, len(tensor["data"][0])]
    return rows


def preprocess(folder):
    learning = draw.random() < 0.7
    width, rows = draw.randint(1, 4), draw.randint(12, 60)
    step, params, *holes = draw.choice(OPERATIONS if learning else FIXED)
    (name, options), = step.items()
    train = [list(map(say, row)) for row in zip(*[column(rows, holes[0] if holes else False) for _ in range(width)])]
    query = [[say(draw.choice([draw.gauss(0, 5), hear(draw.choice(train)[at]), float("nan") if name != "normalise" else 0.0]))
              for at in range(width)] for _ in range(12)]
    operation = {name: {"tensor": "x", **options, **({"fitted": "prep.json"} if learning else {})}}
    spec = {"steps": [{"name": "s", "preprocess": [operation, {"cast": {"tensor": "x", "to": "FP64"}}]}], "output": {"steps": ["s"]}}
    if learning:
        with open(os.path.join(folder, "train.jsonl"), "w", encoding="utf-8") as out:
            out.writelines(json.dumps(line) + "\n" for line in shaped([request(at, x=[row]) for at, row in enumerate(train)]))
        with open(os.path.join(folder, "pipeline.yaml"), "w", encoding="utf-8") as out:
            json.dump({**PIPELINE, "spec": spec}, out)
        subprocess.run([SLUICE, "fit", "preprocess", os.path.join(folder, "train.jsonl"), "-f", os.path.join(folder, "pipeline.yaml"),
                        "--out", os.path.join(folder, "prep.json")], check=True, capture_output=True, timeout=60)
    lines = piped(folder, spec, shaped([request(at, x=[row]) for at, row in enumerate(query)]))
    wanted = computed(folder, "preprocess", {"train": train, "query": query} if learning else {"x": query}, params)["output"]
    return params["op"], [(outputs(line)["x"], row) for line, row in zip(lines, wanted, strict=True)]


# ---- features ----

def features(folder):
    count, close, bars = draw.choice([5, 40, 150]), 100.0, []
    wild = draw.choice([0, 0.001, 0.02])
    for _ in range(count):
        close = round(close * math.exp(draw.gauss(0, wild)), 4)
        bars.append({"close": close, "high": close + round(draw.random() * wild * 50, 4), "low": close - round(draw.random() * wild * 50, 4),
                     "volume": float(draw.choice([0, draw.randrange(1, 5000)]))})
    n = {name: draw.randint(2, 25) for name in ("sma", "ema", "rsi", "atr", "roll")}
    fast = draw.randint(2, 12)
    macd, bands = [fast, fast + draw.randint(1, 15), draw.randint(2, 9)], [draw.randint(2, 25), draw.choice([1, 2, 2.5])]
    calls = {"sma": "mean(close over %d)" % n["sma"], "ema_sma": "ema(close over %d)" % n["ema"], "rsi": "rsi(close over %d)" % n["rsi"],
             "atr": "atr(high, low, close over %d)" % n["atr"], "log_return": "log_return(close)",
             "rolling_min": "min(close over %d)" % n["roll"], "rolling_max": "max(close over %d)" % n["roll"],
             "rolling_median": "median(close over %d)" % n["roll"], "rolling_zscore": "zscore(close over %d)" % n["roll"],
             "vwap_rolling": "vwap((high + low + close) / 3, volume over %d)" % n["roll"],
             "macd": "macd(close, %d, %d, %d)" % tuple(macd), "bollinger": "bollinger(close over %d, %s)" % tuple(bands)}
    spec = {"steps": [{"name": "s", "features": {"set": calls}}], "output": {"steps": ["s"]}}
    got = [outputs(line) for line in piped(folder, spec, [request(at, **bar) for at, bar in enumerate(bars)])]
    want = computed(folder, "features_ta", {name: [bar[name] for bar in bars] for name in bars[0]}, {**n, "macd": macd, "bollinger": bands})
    want["macd"] = list(zip(want["macd_talib"], want["macd_signal_talib"], want["macd_hist_talib"]))
    want["bollinger"] = list(zip(want["bb_lower"], want["bb_mid"], want["bb_upper"]))
    return "features", [([flat(list(one[name])) for one in got], [flat(list(item) if isinstance(item, tuple) else [item]) for item in want[name]])
                        for name in calls]


# ---- windows ----

FIELDS = {"start": None, "end": "ts", "count": "count()", "sum": "sum(x)", "mean": "mean(x)", "min": "min(x)", "max": "max(x)",
          "variance": "var(x)", "first": "first(x)", "last": "last(x)"}


def windows(folder):
    kind, grace = draw.choice(["tumbling", "hopping", "session"]), draw.choice([0, 100, 500])
    size, advance, gap = draw.choice([250, 1000]), draw.choice([1, 2, 4]), draw.choice([50, 300])
    at, events = draw.choice([0, -4000, 1700000000000]), []
    for _ in range(draw.choice([1, 10, 80])):
        at += draw.choice([0, draw.randrange(300), draw.randrange(2000)])
        events.append({"ts": at - draw.choice([0, 0, draw.randrange(1500)]), "key": draw.choice("abc"), "value": round(draw.gauss(0, 10), 3)})
        if draw.random() < 0.1:
            events.append(dict(events[-1]))  # repeated
    for last in range(1, 20):  # what is open closes, a bounded number with each
        events.append({"ts": at + 1000000 * last, "key": "end", "value": 0.0})
    window = {"tumbling": {"tumbling": "%dms" % size}, "hopping": {"hopping": "%dms" % size, "every": "%dms" % (size // advance)},
              "session": {"session": "%dms" % gap}}[kind]
    params = {"kind": kind, "grace": grace, **({"gap": gap} if kind == "session" else {"size": size, "advance": size // advance})}
    spec = {"input": {"key": "key", "time": "at", "tensors": {"x": {"path": "x", "datatype": "FP64"}}},
            "steps": [{"name": "s", "aggregate": {"window": {**window, **({"grace": "%dms" % grace} if grace else {})}, "late": "dead-letter",
                                                  "set": {name: call for name, call in FIELDS.items() if call}}}], "output": {"steps": ["s"]}}
    lines = [{"id": str(number), "body": json.dumps({"at": event["ts"], "key": event["key"], "x": event["value"]})}
             for number, event in enumerate(events)]
    said = piped(folder, spec, lines)
    want = computed(folder, "windows", {"events": events}, params)
    late = [int(line["id"]) for line in said if "error" in line]
    pairs = [(late, want["late_event_indices"])]
    closed = [line["response"] for line in said if "response" in line]
    got = [{"key": one["id"].rsplit("/", 1)[0], "start": int(one["id"].rsplit("/", 1)[1]),
            **{tensor["name"]: tensor["data"][0] for tensor in one["outputs"]}} for one in closed]
    got, wanted = ([one for one in list_ if one["key"] != "end"] for list_ in (got, want["windows"]))
    pairs.append(([one["key"] for one in got], [one["key"] for one in wanted]))
    for one, other in zip(got, wanted):
        one["variance"] = 0.0 if one["count"] == 1 else one["variance"]  # a step says nan of one, as std() does
        pairs += [([one[name]], [other[name]]) for name in FIELDS]
    return kind, pairs


# ---- drift ----

def change_rows(rows, width, moved):
    """The last column follows the first; when it has moved, it follows it no more, and is higher."""
    made = [[draw.gauss(0, 1) for _ in range(width)] for _ in range(rows)]
    for row in made:
        row[-1] = row[-1] + moved if moved else 0.7 * row[0] + 0.7 * row[-1]
    return made


def change(folder):
    width, window, alarms = draw.randint(2, 4), draw.choice([100, 200, 300]), draw.choice([0.05, 0.5])
    reference = change_rows(draw.choice([150, 400]), width, 0)
    windows = [change_rows(draw.randrange(window), width, 0) for _ in range(4)]
    windows = [usual + change_rows(window - len(usual), width, draw.choice([0.2, 0.6, 1.5])) for usual in windows]
    drift = {"tensors": ["x"], "reference": "usual.json", "window": window, "methods": ["change"], "falseAlarms": "%g per 1000" % alarms}
    spec = {"steps": [{"name": "s", "drift": drift}, {"name": "known", "inputs": ["s"], "expression": {"set": {"found": "is_drift"}, "keep": ["found"]}}],
            "output": {"steps": ["known"]}}
    with open(os.path.join(folder, "train.jsonl"), "w", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in shaped([request(at, x=[row]) for at, row in enumerate(reference)]))
    with open(os.path.join(folder, "pipeline.yaml"), "w", encoding="utf-8") as out:
        json.dump({**PIPELINE, "spec": spec}, out)
    subprocess.run([SLUICE, "fit", "drift", os.path.join(folder, "train.jsonl"), "-f", os.path.join(folder, "pipeline.yaml"),
                    "--out", os.path.join(folder, "usual.json")], check=True, capture_output=True, timeout=60)
    rows = [row for one in windows for row in one] + [reference[0]]
    lines = piped(folder, spec, shaped([request(at, x=[row]) for at, row in enumerate(rows)]))
    got = [bool(outputs(lines[window * (at + 1)])["found"][0]) for at in range(len(windows))]
    rate = 0.9 * alarms  # a tenth is of quality
    want = [len(computed(folder, "drift_quality", {"rows": reference + one}, {"reference_rows": len(reference), "rate": rate})["alarms"]) > 0
            for one in windows]
    return "change", [(got, want)]


# ---- models ----

def models(folder):
    listed = json.load(open(os.path.join(HERE, "../oracles/inference.json"), encoding="utf-8"))["cases"]
    case = draw.choice(listed)
    width = len(case["input"]["x"][0])
    rows = [[say(draw.choice([draw.gauss(0, 2), float(draw.randrange(-2, 3)), draw.gauss(0, 1e3), float("nan") if "sluice" not in case["input"]["format"] else 0.5]))
             for _ in range(width)] for _ in range(15)]
    path = os.path.join(HERE, "../oracles", case["input"]["model_file"])
    spec = {"steps": [{"name": "s", "model": {"local": path, "input": "x", "output": "y"}}], "output": {"steps": ["s"]}}
    want = computed(folder, "inference", {"model_file": path, "x": rows}, {})
    want = want.get("prediction", want.get("probability"))
    one_each = [outputs(line)["y"] for line in piped(folder, spec, shaped([request(at, x=[row]) for at, row in enumerate(rows)]))]
    together = request("all", x=rows)
    together["request"]["inputs"][0]["shape"] = [len(rows), width]
    return case["name"], [(one_each, want), (outputs(piped(folder, spec, [together])[0])["y"], want)]


passed = failed = 0
for family, times in ((preprocess, 60), (features, 15), (windows, 40), (change, 15), (models, 25)):
    for number in range(times):
        with tempfile.TemporaryDirectory() as folder:
            what, pairs = family(folder)
        wrong = next((pair for pair in pairs if not same(*pair)), None)
        passed, failed = passed + (wrong is None), failed + (wrong is not None)
        if wrong:
            print("%s %d of seed %d, %s: the step says %.300s, compute %.300s" % (family.__name__, number, SEED, what, *wrong), file=sys.stderr)
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed > 0)
