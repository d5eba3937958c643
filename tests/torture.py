#!/usr/bin/env python3
"""Makes allocations fail, one in each run: torture.py SLUICE

SLUICE is built with AddressSanitizer. Whatever allocation fails, the command must end by
itself, leak nothing, and either say that memory ran out (exit 1, or the answer to the
message that it happened to) or have done its whole work. Every allocation is tried where
there are few, an even sample where there are more than TORTURE_MOST of one command.
"""
import os, subprocess, sys, concurrent.futures as cf

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
BINARY = os.path.abspath(sys.argv[1])
RUNS_MAX = int(os.environ.get("TORTURE_MOST", 2000))  # of one command; 2000 are a minute of work
SANITIZER_EXIT = 99
PATHS = [
    ["help"],
    ["help", "-o", "man"],
    ["completion", "bash"],
    ["lint", "pipelines/hello"],
    ["lint", "-o", "json", "tests/lint/cycle-two-steps.yaml", "tests/lint/field-stepjoin.yaml"],
    ["lint", "tests/reference/runtime-full.yaml", "tests/reference/pipeline-financial.yaml"],
    ["lint", "--kind", "SeldonDeployment", "tests/reference/sdep-ensemble-fragment.yaml"],
    ["plan", "pipelines/hello"],
    ["plan", "-o", "json", "tests/cases/switch-three-way/pipeline.yaml"],
    ["plan", "-o", "mermaid", "tests/reference/pipeline-financial.yaml"],
    ["test", "pipelines/hello"],
    ["test", "--print", "tests/cases/join-window-exceeded"],
    ["test", "tests/cases/batch-of-two"],
    ["test", "tests/cases-own/local-model-of-lightgbm"],
    ["test", "tests/cases-own/local-model-of-trees"],
    ["test", "tests/cases/cycle-counts-to-ten"],
    ["test", "tests/cases/raw-contents-all"],
    ["test", "tests/cases/seldon-tensor"],
    ["test", "tests/cases/model-recovers"],
    ["eval", "mean(quote) > 10 and sum(quote[0]) < 1e9", "-f", "pipelines/hello/request.json"],
    ["schema", "Model"],
    ["echo", "pipelines/hello"],
    ["run", "pipelines/hello"],
]


def run(command, nth):
    environment = dict(os.environ, SLUICE_FAIL_ALLOCATION=str(nth), NO_COLOR="1",
                       ASAN_OPTIONS=f"exitcode={SANITIZER_EXIT}:detect_leaks=1", UBSAN_OPTIONS=f"exitcode={SANITIZER_EXIT}")
    return subprocess.run([BINARY] + command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)


def fault(command, nth, whole):
    """What is wrong when the nth allocation fails; None: nothing."""
    try:
        done = run(command, nth)
    except subprocess.TimeoutExpired:
        return "hangs"
    text = done.stderr.decode(errors="replace")
    if done.returncode < 0:
        return f"is killed by signal {-done.returncode}"
    if done.returncode == SANITIZER_EXIT or "Sanitizer" in text:
        return "\n".join(line for line in text.split("\n") if "ERROR" in line or "SUMMARY" in line or " in " in line)[:1500]
    if done.returncode == whole.returncode and done.stdout == whole.stdout:
        return None
    if done.returncode == 1 and (text.strip() or done.stdout.strip()):
        return None
    # A message that memory ran out for is answered so, and the command goes on.
    if done.returncode == whole.returncode and b"memory" in done.stdout:
        return None
    return f"ends with {done.returncode} and says `{text.strip()[:300]}`"


def sample(count):
    if count <= RUNS_MAX:
        return range(1, count + 1)
    step = count / RUNS_MAX
    return sorted({1 + int(i * step) for i in range(RUNS_MAX)})


def main():
    passed = failed = 0
    with cf.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for command in PATHS:
            name = " ".join(command)
            whole = run(command, 0)
            last = whole.stderr.decode(errors="replace").strip().split("\n")[-1]
            if not last.startswith("allocations: "):
                print(f"torture: `{name}` does not run at all: {last}")
                failed += 1
                continue
            count = int(last.split()[1])
            tried = sample(count)
            faults = [(nth, what) for nth, what in zip(tried, pool.map(lambda nth: fault(command, nth, whole), tried)) if what]
            print(f"torture: `{name}`: {len(tried)} of {count} allocations made to fail, {len(faults)} badly")
            for nth, what in faults[:5]:
                print(f"  SLUICE_FAIL_ALLOCATION={nth} sluice {name}: {what}")
            passed += len(tried) - len(faults)
            failed += len(faults)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
