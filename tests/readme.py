#!/usr/bin/env python3
"""Runs what the pages of the repository tell a reader to type: readme.py SLUICE

In a block marked `console`, each `$ command` is run and what stands below it must be
what it prints. In a block marked `sh` each line must succeed. All of it runs in a folder
of its own in which the repository's files stand. Lines that begin with make, git, cd
or sudo are the reader's way there, and other parts of the check see to them.
"""
import os, subprocess, sys, tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
ELSEWHERE = ("make", "git", "cd", "sudo", "#")
SECONDS_MAX = 60


def pages():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [page for page in listed.stdout.split() if os.path.exists(os.path.join(ROOT, page))]


def blocks(page):
    """(line number, language, lines) of each fenced block"""
    language, begun, lines = None, 0, []
    for number, line in enumerate(open(os.path.join(ROOT, page), encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.startswith("```"):
            if language is not None:
                yield begun, language, lines
                language = None
            else:
                language, begun, lines = line[3:].strip(), number, []
        elif language is not None:
            lines.append(line)


def commands(number, language, lines):
    """(line number, command, expected output or None)"""
    if language == "sh":
        for offset, line in enumerate(lines, 1):
            if line.strip():
                yield number + offset, line, None
    elif language == "console":
        command, at, output = None, 0, []
        for offset, line in enumerate(lines, 1):
            if line.startswith("$ "):
                if command:
                    yield at, command, output
                command, at, output = line[2:], number + offset, []
            else:
                output.append(line)
        if command:
            yield at, command, output


def main():
    binary = os.path.abspath(sys.argv[1])
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(ROOT):
            if name not in ("build", ".git"):
                os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
        os.mkdir(os.path.join(folder, "build"))
        os.symlink(binary, os.path.join(folder, "build", "sluice"))
        environment = dict(os.environ, PATH=os.path.dirname(binary) + ":" + os.environ["PATH"], NO_COLOR="1")
        for page in pages():
            for block in blocks(page):
                for line, command, expected in commands(*block):
                    if command.split()[0] in ELSEWHERE:
                        continue
                    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                          capture_output=True, text=True, timeout=SECONDS_MAX)
                    got = (done.stdout + done.stderr).rstrip("\n").split("\n")
                    want = "\n".join(expected or []).rstrip("\n").split("\n")
                    if expected is None and done.returncode == 0 or expected is not None and [x.rstrip() for x in got] == [x.rstrip() for x in want]:
                        passed += 1
                        continue
                    failed += 1
                    print(f"{page}:{line}: `{command}` ended with {done.returncode} and printed")
                    print("\n".join("    " + x for x in got[:30]))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
