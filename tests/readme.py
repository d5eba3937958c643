#!/usr/bin/env python3
"""Runs what the pages of the repository tell a reader to type: readme.py check|write SLUICE

In a block marked `console`, each `$ command` is run and what stands below it must be
what it prints. In a block marked `sh` each line must succeed. A block of any kind below
the line `<!-- $ command -->` is what that command prints. All of it runs in a folder of
its own in which the repository's files stand. Lines that begin with make, git, cd
or sudo are the reader's way there, and other parts of the check see to them. `write`
puts what the commands print now into the pages, for whoever changed it on purpose.
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
    language, begun, lines, above = None, 0, [], ""
    for number, line in enumerate(open(os.path.join(ROOT, page), encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.startswith("```"):
            if language is not None:
                yield begun, language, lines
                language = None
            elif above.startswith("<!-- $ "):
                language, begun, lines = "console", number - 1, [above[5:].removesuffix(" -->")]
            else:
                language, begun, lines = line[3:].strip(), number, []
        elif language is not None:
            lines.append(line)
        above = line


def commands(number, language, lines):
    """(line number, command, expected output or None)"""
    if language == "sh":
        for offset, line in enumerate(lines, 1):
            if line.strip():
                yield number + offset, line, None
    elif language == "console":
        starts = [offset for offset, line in enumerate(lines) if line.startswith("$ ")]
        for start, end in zip(starts, starts[1:] + [len(lines)]):
            yield number + 1 + start, lines[start][2:], lines[start + 1:end]


def run(command, folder, environment):
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=SECONDS_MAX)
    return done.returncode, [line.rstrip() for line in (done.stdout + done.stderr).rstrip("\n").split("\n")]


def write(page, edits):
    path = os.path.join(ROOT, page)
    lines = open(path, encoding="utf-8").read().split("\n")
    for line, old, new in sorted(edits, reverse=True):
        lines[line:line + len(old)] = new
    open(path, "w", encoding="utf-8").write("\n".join(lines))


def visit(page, folder, environment, writing):
    """how many commands did what the page says, and how many did not"""
    passed, failed, edits = 0, 0, []
    for block in blocks(page):
        for line, command, expected in commands(*block):
            if command.split()[0] in ELSEWHERE:
                continue
            code, printed = run(command, folder, environment)
            if code == 0 if expected is None else printed == [text.rstrip() for text in expected]:
                passed += 1
                continue
            if writing and expected is not None:
                edits.append((line, expected, printed))
                continue
            failed += 1
            print(f"{page}:{line}: `{command}` ended with {code} and printed")
            print("\n".join("    " + text for text in printed[:30]))
    write(page, edits)
    return passed, failed


def main():
    writing, binary = sys.argv[1] == "write", os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(ROOT):
            if name not in ("build", ".git"):
                os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
        os.mkdir(os.path.join(folder, "build"))
        os.symlink(binary, os.path.join(folder, "build", "sluice"))
        environment = dict(os.environ, PATH=os.path.dirname(binary) + ":" + os.environ["PATH"], NO_COLOR="1")
        results = [visit(page, folder, environment, writing) for page in pages()]
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
