#!/usr/bin/env python3
"""Finds pairs NAME.h and NAME.c of engine/ and steps/ that belong into the file that uses them: at most 150 lines in all, one user in
another file, no test that includes them, and room for them in the user's file, which may have 650 lines. A header that uses them stands
for all that include it. Prints each pair that is not an exception, and each exception that is no such pair any more."""
import os, re, subprocess

PAIR_LINES_MAX, FILE_LINES_MAX = 150, 650

# Pairs that stay, and why.
EXCEPTIONS = {
    "engine/gateway/grpc_metadata": "is metadata, and its user the table of methods",
    "engine/kafka/topics/topic_finder": "belongs to the room of Kafka, and its user to the gateway",
    "engine/message/json/json_place": "uses the scanner of JSON, whose names conflict with those of jansson in its user",
    "engine/tools/client/engine_reports": "reads topics for the client, and its user prints",
    "engine/tools/test/case_compare_json": "uses jansson, whose names conflict with those of the scanner in its user",
}


def sources():
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard", "engine/*.[ch]", "steps/*.[ch]", "tests/*.[ch]"], text=True)
    return {path: open(path).read() for path in listed.split() if os.path.exists(path)}


def users_by_header(files):
    users = {}
    for path, text in files.items():
        for name in re.findall(r'^#include "([^"]+)"', text, re.M):
            for header in (f"engine/{name}", name):
                if header in files:
                    users.setdefault(header, set()).add(path)
    return users


def pairs(files, users):
    for header in users:
        stem = header[:-2]
        if f"{stem}.c" not in files or header.startswith("tests/"):
            continue
        others = users[header] - {f"{stem}.c"}
        user = others.pop() if len(others) == 1 else ""
        lines = files[header].count("\n") + files[f"{stem}.c"].count("\n")
        if user.endswith(".c") and not user.startswith("tests/") and lines <= PAIR_LINES_MAX:
            if lines + files[user].count("\n") <= FILE_LINES_MAX:
                yield stem, user


def main():
    files = sources()
    found = dict(pairs(files, users_by_header(files)))
    for stem in sorted(found.keys() - EXCEPTIONS.keys()):
        print(f"{stem}.[ch] is used by {found[stem]} alone: merge them, or say in tests/pairs.py why they stay")
    for stem in sorted(EXCEPTIONS.keys() - found.keys()):
        print(f"{stem} is an exception in tests/pairs.py, and no pair of one user")


main()
