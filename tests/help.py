#!/usr/bin/env python3
"""Walks every name that an error, a reference page or `sluice help` mentions, and asks
`sluice help` for it: help.py SLUICE

Names come from the string literals of the sources, from the Markdown pages of the
repository, and from all that `sluice help` itself prints."""
import json
import pathlib
import re
import subprocess
import sys

sluice = sys.argv[1]
root = pathlib.Path(__file__).resolve().parent.parent
# What usage lines write for any name.
PLACEHOLDERS = {"COMMAND", "TOPIC", "NAME", "CODE", "WORD", "KIND", "DIR"}
# Options that every command has, and those of Kafka's own tools, whose commands errors and `plan` quote.
FOREIGN = {"help", "version", "bootstrap-server", "command-config", "add", "add-config", "alter", "allow-principal",
           "entity-name", "entity-type", "resource-pattern-type"}


def sluice_help(*words):
    return subprocess.run([sluice, "help", *words], capture_output=True, text=True, check=False)


def literals(path):
    """String literals, those that stand side by side joined, comments left out."""
    source = re.sub(r'("(?:\\.|[^"\\\n])*")|/\*.*?\*/', lambda m: m.group(1) or " ", path.read_text(), flags=re.S)
    for run in re.finditer(r'"(?:\\.|[^"\\\n])*"(?:\s+"(?:\\.|[^"\\\n])*")*', source):
        parts = re.findall(r'"((?:\\.|[^"\\\n])*)"', run.group())
        yield "".join(parts).replace('\\"', '"').replace("\\n", "\n").replace("\\t", " ")


def texts():
    for folder in ("engine", "steps"):
        for path in sorted((root / folder).rglob("*.c")):
            for text in literals(path):
                yield str(path.relative_to(root)), text
    pages = [root / "README.md", *(page for folder in ("engine", "steps", "tests") for page in sorted((root / folder).rglob("*.md")))]
    for path in pages:
        yield str(path.relative_to(root)), path.read_text()


def mentioned(text):
    """What a text sends its reader to."""
    for words in re.findall(r"`(?:sluice )?help ([^`%]+)`", text) + re.findall(r"(?:sluice|see) help ([a-z][\w-]*)", text):
        if "-o " in words or words.startswith("-"):
            continue
        found = tuple(words.split())
        if not PLACEHOLDERS & set(found):
            yield found
    for code in re.findall(r"\bSL\d{4}\b", text):
        yield (code,)


def terms():
    """What stands before the texts of lists, in every topic."""
    topics = [part["term"] for part in json.loads(sluice_help("-o", "json", "topics").stdout) if part["part"] == "item"]
    for topic in topics:
        yield f"help topics {topic}", (topic,)
        for part in json.loads(sluice_help("-o", "json", "topics", topic).stdout):
            if part["part"] != "item":
                continue
            term = re.sub(r" \([^)]*\)$|, in the .*$|, (deadline|admission|warmup)$", "", part["term"])
            option = re.search(r"--([\w-]+)", term)
            name = option.group(1) if option else re.match(r"[^(]+", term).group().strip()
            if topic == "fields":
                name = re.split(r"[. ]", name)[-1]
            if name not in ("content-type", "kind", "severity") or topic not in ("formats", "faults"):
                yield f"help topics {topic}", tuple(name.split())


def main():
    wanted = {}
    for place, text in texts():
        for words in mentioned(text):
            wanted.setdefault(words, place)
        for option in re.findall(r"(?<![\w-])--([a-z][a-z-]+[a-z])", text):
            if place.endswith(".c") and option not in FOREIGN:
                wanted.setdefault((option,), place)
    for place, words in terms():
        wanted.setdefault(words, place)
    failed = 0
    for words, place in sorted(wanted.items()):
        asked = sluice_help(*words)
        if asked.returncode != 0 or not asked.stdout:
            failed += 1
            print(f"help: {place} mentions `{' '.join(words)}`, and `sluice help` does not know it")
    unknown = sluice_help("no-such-name-anywhere")
    failed += unknown.returncode != 2
    print(f"{len(wanted) + 1 - failed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
