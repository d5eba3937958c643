#!/usr/bin/env python3
"""Measures what tests/bench/bars.txt lists and holds it against its bars: run.py SLUICE FOLDER [steady|timed]

FOLDER holds the bench programs. Each does a thing N times, for any N, so what one time
costs is a difference of two runs: instructions under callgrind, which are the same on
every machine, however busy; and seconds of processor time, best of five, for ratios.
A bar in microseconds is that of a machine on which a round of ordinary work (pace_bench.c)
takes PACE; on one that is slower, or busy, it is as much higher. `steady` are the kinds that are the
same on a busy machine, `timed` the others; without either, all.
"""
import concurrent.futures, functools, json, os, re, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
SLUICE, FOLDER = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
FEW, MANY = 200, 1200  # rounds under callgrind
LONG = 100  # so many times fewer, where one takes millions
LONG_SECONDS = 0.4  # of a timed run, beyond what one round takes: starting, and loading a model
CALLS = 200000
PACE, PACE_ROUNDS = 0.23, 1000000  # microseconds, on the two quiet cores that README.md's figures come from
PIPELINES, STEPS = 1000, 10


class Failed(Exception):
    pass


def command_of(words, rounds):
    words = [str(rounds) if word == "N" else str(rounds // LONG) if word == "N/100" else word for word in words.split()]
    return [os.path.join(FOLDER, words[0])] + words[1:]


@functools.cache
def instructions(words):
    """of one round"""
    counts = []
    for rounds in (FEW, MANY):
        done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"] + command_of(words, rounds),
                              capture_output=True, text=True)
        collected = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode or not collected:
            raise Failed(f"`{' '.join(command_of(words, rounds))}` failed under callgrind: {done.stderr[-300:]}")
        counts.append(int(collected.group(1)))
    return (counts[1] - counts[0]) / (MANY - FEW) * (LONG if "N/100" in words.split() else 1)


CASE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {{name: counted}}
spec:
  steps:
{steps}  output: {{steps: [s{last}]}}
"""
COUNTING = ("engine/observe/counts.h", "engine/observe/histogram.h", "engine/engine/worker/request_counts.c")


def case_write(folder, steps, messages):
    rows = [f"  - {{name: s{i}, {f'inputs: [s{i - 1}], ' if i else ''}expression: {{set: {{x: x + 1}}}}}}\n" for i in range(steps)]
    with open(os.path.join(folder, "pipeline.yaml"), "w", encoding="utf-8") as file:
        file.write(CASE.format(steps="".join(rows), last=steps - 1))
    for name, body, tensors, value in (("in", "request", "inputs", 1), ("out", "response", "outputs", 1 + steps)):
        with open(os.path.join(folder, f"{name}.jsonl"), "w", encoding="utf-8") as file:
            for i in range(messages):
                one = {"name": "x", "datatype": "FP64", "shape": [1], "data": [value]}
                file.write(json.dumps({"id": str(i), body: {tensors: [one]}}) + "\n")


def cost_of_files(profile, files):
    """instructions of the lines of these files, wherever they were inlined; of a profile of callgrind"""
    names, total, counts, called = {}, 0, False, False
    with open(profile, encoding="utf-8") as lines:
        for line in lines:
            place = re.match(r"f[lie]=\((\d+)\)(?: (.*))?", line)
            if place:
                names.setdefault(place.group(1), place.group(2))
                counts = names[place.group(1)].endswith(files)
            elif line.startswith(("cfi=", "cfl=")):
                place = re.match(r"cf[il]=\((\d+)\)(?: (.*))?", line)
                names.setdefault(place.group(1), place.group(2))
            elif line.startswith("calls="):
                called = True
            elif line[0] in "+-*" or line[0].isdigit():
                total += int(line.split()[1]) if counts and not called else 0
                called = False
    return total


@functools.cache
def counting(steps):
    """instructions of a message through so many steps of a worker, in the lines that count it"""
    costs = []
    for messages in (FEW, MANY):
        with tempfile.TemporaryDirectory() as folder:
            profile = os.path.join(folder, "profile")
            case_write(folder, int(steps), messages)
            done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", SLUICE, "test", folder],
                                  capture_output=True, text=True)
            if done.returncode:
                raise Failed(f"`sluice test` of {messages} messages failed under callgrind: {(done.stdout + done.stderr)[-300:]}")
            costs.append(cost_of_files(profile, COUNTING))
    if costs[0] == 0:
        raise Failed(f"no line of {', '.join(COUNTING)} is in the profile: build with -g")
    return (costs[1] - costs[0]) / (MANY - FEW)


@functools.cache
def mebibytes(words):
    return usage_of(command_of(words, CALLS))[2] / 2**20


def usage_of(command):
    """seconds of processor time, wall seconds, peak bytes"""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdout=output, stderr=output)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise Failed(f"`{' '.join(command)}` ended with {child.returncode}: {output.read(300).decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begun, usage.ru_maxrss * 1024


def seconds(words, rounds):
    return usage_of(command_of(words, rounds))[0]


def rounds_for(words):
    """so many that what they take is far beyond what the start's own seconds vary by; a slow round takes milliseconds"""
    start, rounds = seconds(words, 1), 20
    while seconds(words, rounds) < start + max(LONG_SECONDS, start):
        rounds *= 4
    return rounds


def nanoseconds(timed, words, rounds):
    """of one round, by the best run of each length"""
    taken = min(timed[words, rounds]) - min(timed[words, 1])
    if taken <= 0:
        raise Failed(f"{rounds} rounds of `{words}` took no longer than one: nothing can be said of them")
    return taken / rounds * 1e9


def ratio(ours, theirs):
    """how many times faster ours is; both best of five, taken in turn"""
    rounds = {words: rounds_for(words) for words in (ours, theirs)}
    timed = {(words, times): [] for words in rounds for times in (1, rounds[words])}
    for _ in range(5):
        for words, times in timed:
            timed[words, times].append(seconds(words, times))
    return nanoseconds(timed, theirs, rounds[theirs]) / nanoseconds(timed, ours, rounds[ours])


PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {{name: pipeline-{number}}}
spec:
  steps:
{steps}  output:
    steps: [step-{last}]
---
"""


def many_pipelines():
    def step(number):
        source = f"    inputs: [step-{number - 1}]\n" if number else ""
        return f"  - name: step-{number}\n{source}    inputsJoinType: inner\n    joinWindowMs: 1000\n"
    steps = "".join(step(number) for number in range(STEPS))
    return "".join(PIPELINE.format(number=number, steps=steps, last=STEPS - 1) for number in range(PIPELINES))


def lint(seconds_most, mebibytes_most):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(many_pipelines())
        file.flush()
        said = subprocess.run([SLUICE, "lint", file.name], capture_output=True, text=True).stdout
        if said != f"{PIPELINES} resources: no faults\n":
            raise Failed(f"lint said `{said[:300]}`")
        runs = [usage_of([SLUICE, "lint", file.name]) for _ in range(3)]
    seconds, mebibytes = min(run[1] for run in runs), max(run[2] for run in runs) / 2**20
    return (f"{seconds:.2f} s, {mebibytes:.0f} MiB", f"at most {seconds_most:g} s, {mebibytes_most:g} MiB",
            seconds <= seconds_most and mebibytes <= mebibytes_most)


def microseconds(words):
    """the first number that it prints, and how many times slower this machine is; each the least of three runs, taken in turn"""
    def once(words, rounds):
        done = subprocess.run(command_of(words, rounds), capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"`{words}` failed: {done.stderr[:300]}")
        return float(done.stdout.split()[0])
    runs = [(once(words, CALLS), once("pace_bench N", PACE_ROUNDS)) for _ in range(3)]
    return min(figure for figure, _ in runs), max(1, min(pace for _, pace in runs) / PACE)


def missing(commands):
    """why a line cannot be measured here; None: it can. Sets XGBOOST where that is needed."""
    if not any(" xgboost " in words or words.startswith("tree_shap_bench ") for words in commands) or "XGBOOST" in os.environ:
        return None
    found = subprocess.run([os.path.join(HERE, "xgboost.sh")], capture_output=True, text=True)
    if found.returncode:
        return found.stderr.strip()
    os.environ["XGBOOST"] = found.stdout.strip()
    return None


def measure(kind, bar, commands):
    """figure, bar, whether it holds; None: it has no bar"""
    if kind == "instructions":
        figure = instructions(commands[0]) - sum(instructions(loop) for loop in commands[1:])
        return f"{figure:.1f} instructions", f"at most {bar}" if bar != "-" else "", None if bar == "-" else figure <= float(bar)
    if kind == "counting":
        figure = counting(commands[0])
        return f"{figure:.1f} instructions", f"at most {bar}", figure <= float(bar)
    if kind == "faster":
        figure = ratio(*commands)
        return f"{figure:.1f} times", f"at least {bar}", figure >= float(bar)
    if kind == "times":
        done = subprocess.run(command_of(commands[0], 1), capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"`{commands[0]}` failed: {done.stderr[:300]}")
        return f"{float(done.stdout.split()[0]):.1f} times", f"at least {bar}", float(done.stdout.split()[0]) >= float(bar)
    if kind == "microseconds":
        figure, slower = microseconds(commands[0])
        limit = f"at most {bar}" + (f" x {slower:.1f} of pace" if slower > 1.05 else "")
        return f"{figure:.2f} us", limit, figure <= float(bar) * slower
    if kind == "mebibytes":
        figure = mebibytes(commands[0])
        return f"{figure:.0f} MiB", f"below {bar}", figure < float(bar)
    if kind == "lint":
        return lint(*(float(part) for part in bar.split(",")))
    raise Failed(f"bars.txt: there is no kind `{kind}`; it is one of instructions, counting, faster, times, microseconds, mebibytes, lint")


STEADY = {"instructions": instructions, "counting": counting, "mebibytes": mebibytes}


def bars(kinds):
    """what, kind, bar, commands, of those kinds that are asked for"""
    for line in open(os.path.join(HERE, "bars.txt"), encoding="utf-8"):
        if line.strip() and not line.startswith("#"):
            what, head, *commands = [part.strip() for part in line.split("|")]
            kind, bar = head.split()
            if kinds is None or kinds == ("steady" if kind in STEADY else "timed"):
                yield what, kind, bar, commands


def measure_steady(kinds):
    """as many at once as there are cores; what fails is told when its line is measured"""
    todo = {(STEADY[kind], words): None for _, kind, _, commands in bars(kinds) if kind in STEADY for words in commands}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        concurrent.futures.wait([pool.submit(*one) for one in todo])


def main():
    passed = failed = skipped = 0
    kinds = sys.argv[3] if len(sys.argv) > 3 else None
    if kinds not in (None, "steady", "timed"):
        sys.exit(f"run.py: there are no kinds `{kinds}`; they are steady and timed")
    if shutil.which("valgrind"):
        measure_steady(kinds)
    for what, kind, bar, commands in bars(kinds):
        if kind in ("instructions", "counting") and not shutil.which("valgrind"):
            print(f"skipped: {what}: valgrind is not installed")
            skipped += 1
            continue
        lacks = missing(commands)
        if lacks:
            print(f"skipped: {what}: {lacks}")
            skipped += 1
            continue
        try:
            figure, limit, holds = measure(kind, bar, commands)
        except Failed as failure:
            figure, limit, holds = str(failure), "", False
        print(f"{what:60} {figure:>22}  {limit:24} {'' if holds is None else 'holds' if holds else 'FALLS SHORT'}", flush=True)
        passed += holds is True
        failed += holds is False
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


sys.exit(main())
