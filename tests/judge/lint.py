#!/usr/bin/env python3
"""Judges `sluice lint` from outside: lint.py SLUICE FOLDER

Each NAME.yaml of the folder has a NAME.expect: the place, the kind and words of the
fault that lint must find (or `ok: true`; with `quiet: true` there is no warning either).
"""
import json, os, subprocess, sys

SECONDS_MAX = 10


def expectation(path):
    """`key: value` lines; a value in double quotes is JSON, in single quotes as it is"""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            key, colon, value = line.partition(":")
            value = value.strip()
            if not colon:
                continue
            if value.startswith('"'):
                found[key.strip()] = json.loads(value)
            else:
                found[key.strip()] = {"true": True, "false": False}.get(value, value.strip("'"))
    return found


def at_place(fault, places):
    for place in str(places).split(" or "):
        line, column = place.strip().split(":")
        if str(fault.get("line")) == line and column in ("*", str(fault.get("column"))):
            return True
    return False


def is_meant(fault, want):
    text = " ".join(str(fault.get(key, "")) for key in ("message", "help", "suggest")).lower()
    return (at_place(fault, want["at"]) and fault.get("kind") in str(want["kind"]).split("|")
            and str(want.get("contains", "")).lower() in text and str(want.get("suggest") or "").lower() in text)


def shortfall(binary, path, want):
    try:
        done = subprocess.run([binary, "lint", "--format", "json", path], capture_output=True, timeout=SECONDS_MAX)
        faults = json.loads(done.stdout or b"[]")
    except (subprocess.TimeoutExpired, ValueError) as error:
        return f"no answer: {error}"
    if done.returncode < 0:
        return f"killed by signal {-done.returncode}"
    errors = [fault for fault in faults if fault.get("severity") == "error"]
    if want.get("ok") and want.get("quiet") and faults:
        return f"must have nothing to say, and got {faults[:1]}"
    if want.get("ok"):
        return f"must pass, and got {errors[:1]}" if errors or done.returncode else None
    warning = want.get("level") == "warning"
    if not warning and done.returncode != 1:
        return f"exit code {done.returncode}"
    if any(is_meant(fault, want) for fault in (faults if warning else errors)):
        return None
    return f"expected {want}, got {[(f.get('line'), f.get('column'), f.get('kind'), f.get('message')) for f in faults][:3]}"


def main():
    binary, root = os.path.abspath(sys.argv[1]), sys.argv[2]
    passed = failed = 0
    for name in sorted(name[:-7] for name in os.listdir(root) if name.endswith(".expect")):
        fault = shortfall(binary, os.path.join(root, name + ".yaml"), expectation(os.path.join(root, name + ".expect")))
        passed += not fault
        failed += bool(fault)
        if fault:
            print(f"{name}: {fault}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
