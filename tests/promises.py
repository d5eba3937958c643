#!/usr/bin/env python3
"""Compares tests/promises.md with engine/engine/worker/DELIVERY.md, "Access to the gateway" of OPERATING.md and the table of faults in README.md.

Each of their sentences and table rows is exactly one row of tests/promises.md, and each row of it is one of them. A row names tests that
are there: `NAME.sh WORD`, where tests/kafka/NAME.sh has WORD outside of comments; `NAME.py FUNCTION`, where tests/judge/NAME.py calls
FUNCTION; `NAME_test FUNCTION`, where tests/unit/ROOM/NAME_test.c runs FUNCTION; or `make TARGET`, but not `make check`, which is no one test.

In the table of numbers, the words stand in their page, and a number in them is the value of the constant, which the named file defines.
The end of its name is its unit: _US, _MS, _S, _BYTES, or these before _MAX; else it is a count. Prints each breach."""
import glob, os, re, sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
# What is done inside, what Kafka does, and the list of tests: nothing that a user relies on.
NO_PROMISES = {"How it works", "Kafka versions that lose the end of a transaction", "Tests"}
REASONS = ("explains:", "not guaranteed:", "no test:")
NUMBERS = "\n## Numbers\n"
SMALL = {word: number for number, word in enumerate("zero one two three four five six seven eight nine ten".split())} | {
    "a": 1, "an": 1, "each": 1, "every": 1, "last": 1}
TIMES_US = {"ms": 1000, "s": 10**6, "second": 10**6, "minute": 60 * 10**6, "hour": 3600 * 10**6, "day": 24 * 3600 * 10**6}
SIZES = {"byte": 1, "kB": 1000, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sentences(text):
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip().split("\n")
        if lines[0].startswith("|"):
            yield from (re.sub(r"[|\s]+", " ", line).strip() for line in lines[2:])
            continue
        for item in re.split(r"\n(?=- )", block.strip()):
            words = re.sub(r"\s+", " ", item).strip().removeprefix("- ")
            for part in re.split(r"(?<=[.:;])\s+(?=[A-Z`*])|(?<=\.\*\*)\s+", words):
                if part and not re.fullmatch(r"\*\*.*\*\*", part):
                    yield part


def promises():
    sections = re.split(r"^## (.*)$", read("engine/engine/worker/DELIVERY.md"), flags=re.M)
    missing = NO_PROMISES - set(sections[1::2])
    if missing:
        print(f"tests/promises.py leaves out a section that DELIVERY.md has not: {missing}")
    for title, body in zip(sections[1::2], sections[2::2]):
        if title not in NO_PROMISES:
            yield from sentences(body)
    access = re.search(r"^### Access to the gateway\n(.*?)(?=^#)", read("engine/tools/cli/OPERATING.md"), flags=re.M | re.S)
    yield from sentences(re.sub(r"^ *```.*?^ *```$", "", access.group(1), flags=re.M | re.S))
    table = re.search(r"^\| fault, under load .*?(?=^## )", read("README.md"), flags=re.M | re.S)
    yield from sentences(table.group(0)) if table else ["README.md has no table of faults"]


def rows():
    for line in read("tests/promises.md").split(NUMBERS)[0].split("\n"):
        if line.startswith("| ") and not line.startswith(("| sentence |", "| ---")):
            words, held = line.strip("| ").rsplit(" | ", 1)
            yield re.sub(r"[|\s]+", " ", words).strip(), held.strip()


def test_is_there(name):
    kind, _, what = name.partition(" ")
    try:
        if kind.endswith(".sh"):
            code = "\n".join(line for line in read(f"tests/kafka/{kind}").split("\n") if not line.lstrip().startswith("#"))
            return re.search(rf"\b{re.escape(what)}\b", code)
        if kind.endswith(".py"):
            code = read(f"tests/judge/{kind}")
            return re.search(rf"^def {re.escape(what)}\(", code, re.M) and len(re.findall(rf"\b{re.escape(what)}\(", code)) > 1
        if kind.endswith("_test"):
            code = "".join(read(path) for path in glob.glob(f"tests/unit/*/{kind}.c"))
            return re.search(rf"^static void {re.escape(what)}\(void", code, re.M) and code.count(what) > 1
        return kind == "make" and what != "check" and re.search(rf"^{re.escape(what)}:", read("Makefile"), re.M)
    except FileNotFoundError:
        return False


def definition(path, name, seen):
    """What stands behind the name of a constant, in the file or in a header that it includes; "": nothing does"""
    seen.add(path)
    found = re.search(rf"^#define {name}\s+(.*?)\s*(?:/\*.*)?$", read(path), re.M)
    if found:
        return found.group(1)
    headers = ["engine/" + header for header in re.findall(r'^#include "(\S+)"', read(path), re.M)]
    return next((words for header in headers if header not in seen and (words := definition(header, name, seen))), "")


def defined(path, name):
    """The value of a constant; None: it has none, or it is no number"""
    words = re.sub(r"\((?:size_t|u?int\d+_t)\)", "", definition(path, name, set()))
    for other in set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", words)):
        words = re.sub(rf"\b{other}\b", str(defined(path, other)), words)
    return eval(words.replace("/", "//")) if re.fullmatch(r"[\d\s()+*/<-]+", words) else None


def quantities(words, units):
    """The numbers of a sentence with a unit of these; without units, those that have none"""
    known = "|".join([*TIMES_US, *SIZES])
    for number, unit in re.findall(rf"\b(\d[\d,.]*\d|\d|(?:{'|'.join(SMALL)})\b) ?(?:({known})s?\b)?", words):
        value = SMALL[number] if number in SMALL else float(number.replace(",", ""))
        if unit in units or not (unit or units):
            yield value * units.get(unit, 1)


def unit_of(name):
    """The units that a sentence may use, and what they are counted in"""
    for end, units, divisor in (("_US", TIMES_US, 1), ("_MS", TIMES_US, 1000), ("_S", TIMES_US, 10**6), ("_BYTES", SIZES, 1)):
        if re.sub(r"_(MAX|LEAST|EVERY)$", "", name).endswith(end):
            return units, divisor
    return {}, 1


def check_numbers():
    for line in read("tests/promises.md").split(NUMBERS)[1].split("\n"):
        if not line.startswith("| ") or line.startswith(("| page |", "| ---")):
            continue
        page, words, constant = line.strip("| ").split(" | ")
        path, name = constant.strip("`").split(" ")
        units, divisor = unit_of(name)
        if words not in re.sub(r"\s+", " ", read(page)):
            print(f"tests/promises.md: {page} does not say: {words}")
        elif defined(path, name) not in [number / divisor for number in quantities(words, units)]:
            print(f"tests/promises.md: {name} of {path} is {defined(path, name)}, which {page} does not say: {words}")


def main():
    check_numbers()
    all_rows, given = list(rows()), list(promises())
    for sentence in given:
        fitting = sum(words == sentence for words, _ in all_rows)
        if fitting != 1:
            print(f"tests/promises.md has {fitting} rows for: {sentence}")
    for words, held in all_rows:
        if words not in given:
            print(f"tests/promises.md has a row for what nobody says: {words}")
        if held.startswith(REASONS):
            if len(held.split(":", 1)[1].split()) < 2:
                print(f"tests/promises.md gives no reason: {words}")
            continue
        for name in held.split("; "):
            if not test_is_there(name.strip("`")):
                print(f"tests/promises.md names a test that is not there: {name}")


if __name__ == "__main__":
    sys.exit(main())
