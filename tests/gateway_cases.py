#!/usr/bin/env python3
"""Sends the cases through a gateway, by each of its listeners: gateway_cases.py SLUICE [--every N] [--list] FOLDER...

Each case gets a `sluice dev` for each listener, which serves its pipeline and its stubs; `sluice test --gateway` asks that. What
no gateway shows (virtual time, and protocols that gRPC does not carry) is skipped by the command, with its reason: --list prints
those. --every N takes each Nth case, for a short form. One line for each case that fails; at the end `N passed, N failed`. Of
the cases through HTTP, at most one in ten may be skipped, or the skipping is at fault.

First the command itself: it has to fail where an answer is wrong, where nothing listens, and where the address is none.
"""
import concurrent.futures, json, os, re, subprocess, sys, tempfile

LANES = 4
START_SECONDS, CASE_SECONDS = 30, 90
SKIPPED_SHARE = 0.1


def cases_in(folder):
    names = sorted(os.listdir(folder))
    if "in.jsonl" in names:
        return [folder] if "pipeline.yaml" in names else []  # a pipeline of several cases has its folder above
    return [case for name in names if os.path.isdir(os.path.join(folder, name)) for case in cases_in(os.path.join(folder, name))]


def serve(sluice, case, said):
    """`sluice dev` of that case, and the addresses of its gateway: none, if no engine starts with its files"""
    with open(os.path.join(case, "pipeline.yaml"), encoding="utf-8", errors="replace") as file:
        named = re.search(r"namespace: *([a-z0-9-]+)", file.read())  # a gateway has one; resources without get it too
    options = ["-n", named[1]] if named else []
    command = [sluice, "dev", case, "--port", "0", "-o", "json", *options]
    dev = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
    for line in dev.stdout:
        if '"gateway"' in line:
            shown = json.loads(line)
            return dev, {"http": shown["gateway"], "grpc": "grpc://" + shown["gateway_grpc"]}
        if '"brokers"' in line:
            break  # it has no gateway, and its own words say why
    return dev, {}


def judge(sluice, case, listener):
    """The verdict, and what was said. Each listener has an engine of its own, whose state the other has not changed."""
    with tempfile.TemporaryFile("w+") as said:
        dev, addresses = serve(sluice, case, said)
        try:
            found = ask(sluice, addresses[listener], case) if addresses else None
        finally:
            dev.terminate()
            dev.wait(START_SECONDS)
        if found:
            return found
        if needs_no_engine(sluice, case):
            return "skipped", "no engine starts with its files, as it expects"
        said.seek(0)
        return "failed", "it has no gateway: " + said.read()[-600:]


def ask(sluice, address, case):
    command = [sluice, "test", "--gateway", address, case, "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=CASE_SECONDS)
    try:
        shown = json.loads(done.stdout)["cases"][0]
    except (ValueError, LookupError):
        return "failed", done.stdout + done.stderr
    return shown["verdict"], shown["why"]


def needs_no_engine(sluice, case):
    """Whether the case holds with files that no engine starts with: its answers are the fault"""
    lint = subprocess.run([sluice, "lint", os.path.join(case, "pipeline.yaml")], capture_output=True)
    return lint.returncode != 0 and subprocess.run([sluice, "test", case], capture_output=True).returncode == 0


def judges_itself(sluice):
    """What the command says of a case whose answer differs, and of addresses where no gateway is: the number of faults"""
    request = '{"id": "a", "request": {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [1]}]}}\n'
    answer = '{"id": "a", "response": {"outputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [%s]}]}}\n'
    pipeline = ("apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
                "  steps: [{name: s, expression: {set: {x: x * %s}}}]\n  output: {steps: [s]}\n")
    faults = 0

    def expect(what, address, code, words):
        nonlocal faults
        done = subprocess.run([sluice, "test", "--gateway", address, case], capture_output=True, text=True, timeout=CASE_SECONDS)
        if done.returncode != code or words not in done.stdout + done.stderr:
            faults += 1
            print(f"{what}: exit {done.returncode}, {done.stdout}{done.stderr}")

    with tempfile.TemporaryDirectory() as served, tempfile.TemporaryFile("w+") as said:
        case = served

        def write(name, text):
            with open(os.path.join(case, name), "w", encoding="utf-8") as file:
                file.write(text)

        write("in.jsonl", request)
        write("out.jsonl", answer % 2)
        write("pipeline.yaml", pipeline % 2)
        dev, addresses = serve(sluice, case, said)
        try:
            for address in addresses.values():
                expect("an answer that is right", address, 0, "1 passed, 0 failed")
            with tempfile.TemporaryDirectory() as other:  # it holds in memory, and another pipeline is served under its name
                case = other
                write("in.jsonl", request)
                write("out.jsonl", answer % 3)
                write("pipeline.yaml", pipeline % 3)
                for address in addresses.values():
                    expect("an answer that differs", address, 1, "0 passed, 1 failed")
        finally:
            dev.terminate()
            dev.wait(START_SECONDS)
        case = served
        expect("a port where nothing listens", "http://127.0.0.1:1", 1, "start a gateway there, or correct --gateway")
        expect("the same of gRPC", "grpc://127.0.0.1:1", 1, "start a gateway there, or correct --gateway")
        expect("an address that is none", "127.0.0.1:1", 1, "is no address of a gateway")
        expect("an address with a path", "http://127.0.0.1:1/v2", 1, "is no address of a gateway")
    return faults


def main():
    words = sys.argv[2:]
    every = int(words[words.index("--every") + 1]) if "--every" in words else 1
    folders = [word for word in words if os.path.isdir(word)]
    cases = [case for folder in folders for case in cases_in(folder)][::every]
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    counts["failed"] += judges_itself(sys.argv[1])
    asked = [(case, listener) for case in cases for listener in ("http", "grpc")]
    skipped_by_http = 0
    with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
        for (case, listener), (verdict, why) in zip(asked, lanes.map(lambda one: judge(sys.argv[1], *one), asked)):
            counts[verdict] += 1
            skipped_by_http += verdict == "skipped" and listener == "http"
            if verdict == "failed" or (verdict == "skipped" and "--list" in words):
                print(f"{verdict} {case} by {listener}: {why}".rstrip())
    if not cases or skipped_by_http > SKIPPED_SHARE * len(cases):
        counts["failed"] += 1
        print(f"gateway_cases: {skipped_by_http} of {len(cases)} cases were skipped by http")
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    sys.exit(counts["failed"] > 0)


main()
