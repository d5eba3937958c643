#!/usr/bin/env python3
"""Judges `sluice test` from outside: cases.py SLUICE FOLDER [--only PREFIX] [-v]

Runs `sluice test --print` on each case folder without its expectations and holds what
was printed against them. Cases that skip.txt names are counted as skipped. At the end
it asks `sluice test` for its own verdicts: the two must agree on every case.
"""
import concurrent.futures, json, math, os, shutil, struct, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
INTEGERS = {"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"}
HIDDEN = ("out.jsonl", "README", "options.json")
SECONDS_MAX = 60
RELATIVE = 1e-9  # of FP64 and of bodies that are compared as JSON


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


# ---- tensors ----

def number(value):
    return float(value.replace("Infinity", "inf")) if value in ("NaN", "Infinity", "-Infinity") else value


def flat(data):
    if isinstance(data, list):
        for item in data:
            yield from flat(item)
    else:
        yield data


def elements(tensor):
    if "fill" in tensor:
        fill = tensor["fill"]
        return [fill["start"] + i * fill["step"] for i in range(math.prod(tensor["shape"]))]
    return list(flat(tensor.get("data", [])))


def narrowed(datatype, value):
    value = number(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if datatype == "FP32":
        try:
            return struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if datatype in ("FP64", "FP16", "BF16"):
        return float(value)
    if datatype in INTEGERS and isinstance(value, float) and value == int(value):
        return int(value)
    return value


def same_element(datatype, got, want):
    got, want = narrowed(datatype, got), narrowed(datatype, want)
    if isinstance(got, float) and isinstance(want, float):
        if math.isnan(got) or math.isnan(want):
            return math.isnan(got) and math.isnan(want)
        return got == want or (datatype == "FP64" and abs(got - want) <= RELATIVE * abs(want))
    return type(got) is type(want) and got == want


def same_tensor(got, want):
    if got.get("name") != want["name"] or got.get("datatype") != want["datatype"]:
        return False
    if [int(length) for length in got.get("shape", [])] != list(want["shape"]):
        return False
    ours, theirs = elements(got), elements(want)
    if len(ours) != len(theirs) or not all(same_element(want["datatype"], a, b) for a, b in zip(ours, theirs)):
        return False
    return all(got.get("parameters", {}).get(key) == value for key, value in want.get("parameters", {}).items())


# ---- answers ----

def close(got, want):
    """JSON equality, numbers nearly"""
    if isinstance(got, dict) and isinstance(want, dict):
        return set(got) == set(want) and all(close(got[key], want[key]) for key in want)
    if isinstance(got, list) and isinstance(want, list):
        return len(got) == len(want) and all(map(close, got, want))
    if isinstance(got, bool) or isinstance(want, bool):
        return got is want
    if isinstance(got, (int, float)) and isinstance(want, (int, float)):
        return got == want or abs(got - want) <= RELATIVE * abs(want)
    return got == want


def has_tensors(response):
    """Whether it is OIP's: the outputs of V1 are columns"""
    outputs = response.get("outputs")
    return isinstance(outputs, list) and all(isinstance(tensor, dict) and "b64" not in tensor for tensor in outputs)


def same_response(got, want):
    if not has_tensors(want):
        return close(got, want)
    rest = list(got.get("outputs", []))
    if len(rest) != len(want["outputs"]):
        return False
    for tensor in want["outputs"]:
        hit = next((other for other in rest if other.get("name") == tensor["name"]), None)
        if hit is None or not same_tensor(hit, tensor):
            return False
        rest.remove(hit)
    return all(close(got.get(key), value) for key, value in want.items() if key in ("id", "parameters"))


def same_error(got, want):
    return got.get("kind") in want["kind"].split("|") and want.get("contains", "").lower() in str(got.get("message", "")).lower()


def matches(got, want):
    if "response" in want:
        return "response" in got and same_response(got["response"], want["response"])
    return "error" in want and "error" in got and same_error(got["error"], want["error"])


# ---- cases ----

def fault_of(want, rows):
    """What is wrong with the rows that came under one id and place; None: nothing."""
    if want.get("absent"):
        return "came, and must be absent" if rows else None
    if "fired" in want:
        return None if rows and rows[-1].get("fired") is want["fired"] else f"alert {want['alert']} is judged wrongly"
    if "split" in want:
        if len(rows) != want["repeat"]:
            return f"{len(rows)} answers of {want['repeat']}"
        for part in want["split"]:
            count = sum(matches(row, part) for row in rows)
            if not part["count"][0] <= count <= part["count"][1]:
                return f"{count} went one way, not {part['count']}"
        return None
    if "same" in want:
        ways = [all(matches(row, one) for row in rows) for one in want["one_of"]]
        return None if len(rows) == want["repeat"] and any(ways) else "not all the same, or not one of these"
    if len(rows) != 1:
        return f"{len(rows)} answers"
    return None if matches(rows[0], want) else f"differs: {json.dumps(rows[0])[:300]}"


def judge(folder, came):
    by_place, calls, faults = {}, {}, []
    for row in came:
        if "calls" in row:
            calls.update(row["calls"])
        else:
            by_place.setdefault((row.get("id"), row.get("at"), row.get("alert")), []).append(row)
    sent = {row["id"] for row in read_lines(os.path.join(folder, "in.jsonl"))}
    faults += [f"{place[0]}: nobody sent this" for place in by_place if place[0] not in sent]
    wanted = read_lines(os.path.join(folder, "out.jsonl"))
    places = [(want.get("id"), want.get("at"), want.get("alert")) for want in wanted if "response" in want or "error" in want]
    begun = {}
    for want in wanted:
        if "calls" in want:
            faults += [f"calls of {model}: {calls.get(model, 0)} not in [{low}, {high}]"
                       for model, (low, high) in want["calls"].items() if not low <= calls.get(model, 0) <= high]
            continue
        place = (want["id"], want.get("at"), want.get("alert"))
        rows = by_place.get(place, [])
        if places.count(place) > 1 and len(rows) == places.count(place):  # parts of one request, in their order
            begun[place] = begun.get(place, 0) + 1
            rows = rows[begun[place] - 1 : begun[place]]
        fault = fault_of(want, rows)
        if fault:
            faults.append(f"{want['id']}{' at ' + want['at'] if 'at' in want else ''}: {fault}")
    return faults


def run(binary, folder):
    with tempfile.TemporaryDirectory() as bare:
        for name in os.listdir(folder):
            if name not in HIDDEN:
                shutil.copy(os.path.join(folder, name), bare)
        try:
            done = subprocess.run([binary, "test", "--print", bare], capture_output=True, timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return [f"no end in {SECONDS_MAX} s"]
    try:
        came = [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
    except ValueError as error:
        return [f"what it prints is not JSON lines: {error}"]
    if not came and done.returncode not in (0, 1):
        return [f"ends with {done.returncode}: {done.stderr.decode('utf-8', 'replace')[:300]}"]
    return judge(folder, came)


def skipped_names():
    """name -> reason"""
    with open(os.path.join(HERE, "skip.txt"), encoding="utf-8") as file:
        rows = [line.split(None, 1) for line in file if line.strip() and not line.startswith("#")]
    return {name: reason.strip() for name, reason in rows}


def disagreements(binary, root, only, verdicts):
    done = subprocess.run([binary, "test", "-o", "json", "--only", only, root], capture_output=True)
    try:
        theirs = {os.path.basename(row["case"]): row["verdict"] for row in json.loads(done.stdout)["cases"]}
    except ValueError:
        theirs = {}
    return [f"{name}: judged {verdicts.get(name, 'nothing')} here, {theirs.get(name, 'nothing')} by sluice test"
            for name in sorted(verdicts.keys() | theirs.keys()) if verdicts.get(name) != theirs.get(name)]


def main():
    words = [word for word in sys.argv[1:] if word != "-v"]
    only = words[words.index("--only") + 1] if "--only" in words else ""
    binary, root = os.path.abspath(words[0]), words[1]
    skip = skipped_names()
    names = sorted(name for name in os.listdir(root) if os.path.isdir(os.path.join(root, name)) and name.startswith(only))
    run_names = [name for name in names if name not in skip]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = list(pool.map(lambda name: run(binary, os.path.join(root, name)), run_names))
    failed = 0
    for name, faults in zip(run_names, results):
        failed += bool(faults)
        if faults:
            print(f"{name}: {faults[0]}")
            for fault in faults[1:] if "-v" in sys.argv else []:
                print(f"    {fault}")
    skipped = [name for name in names if name in skip]
    for name in skipped:
        print(f"skipped: case {name}: {skip[name]}")
    verdicts = {name: "failed" if faults else "passed" for name, faults in zip(run_names, results)}
    different = disagreements(binary, root, only, verdicts | dict.fromkeys(skipped, "skipped"))
    for line in different:
        print(line)
    failed += bool(different)
    print(f"{len(run_names) + 1 - failed} passed, {failed} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
