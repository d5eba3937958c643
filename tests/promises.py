#!/usr/bin/env python3
"""Holds tests/promises.md against engine/worker/DELIVERY.md and the table of faults in README.md.

Each of their sentences and table rows is exactly one row of tests/promises.md, and each row of it is one of them. A row names tests that are there: `NAME.sh WORD`, where tests/kafka/NAME.sh has WORD outside of comments;
`NAME.py FUNCTION`, where tests/judge/NAME.py calls FUNCTION; `NAME_test FUNCTION`, where tests/unit/NAME_test.c runs FUNCTION; or
`make TARGET`, but not `make check`, which is no one test. Prints each breach."""
import os, re, sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
# What is done inside, what Kafka does, and the list of tests: nothing that a user relies on.
NO_PROMISES = {"How it works", "Kafka versions that lose the end of a transaction", "Tests"}
REASONS = ("explains:", "not guaranteed:", "no test:")


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
    sections = re.split(r"^## (.*)$", read("engine/worker/DELIVERY.md"), flags=re.M)
    missing = NO_PROMISES - set(sections[1::2])
    if missing:
        print(f"tests/promises.py leaves out a section that DELIVERY.md has not: {missing}")
    for title, body in zip(sections[1::2], sections[2::2]):
        if title not in NO_PROMISES:
            yield from sentences(body)
    table = re.search(r"^\| fault, under load .*?(?=^## )", read("README.md"), flags=re.M | re.S)
    yield from sentences(table.group(0)) if table else ["README.md has no table of faults"]


def rows():
    for line in read("tests/promises.md").split("\n"):
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
            code = read(f"tests/unit/{kind}.c")
            return re.search(rf"^static void {re.escape(what)}\(void", code, re.M) and code.count(what) > 1
        return kind == "make" and what != "check" and re.search(rf"^{re.escape(what)}:", read("Makefile"), re.M)
    except FileNotFoundError:
        return False


def main():
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
