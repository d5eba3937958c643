#!/usr/bin/env python3
"""Walks every name that an error, a reference page or `sluice help` mentions, and asks
`sluice help` for it: help.py SLUICE

Names come from the string literals of the sources, from the Markdown pages of the
repository, and from all that `sluice help` itself prints. Of a page these are: what it
says that `sluice help` explains, codes of faults, options of sluice, and what stands in
backticks and has the form of a field, a metric, a setting or a header. States and columns
come from the sources that print them.

Each command line of sluice on a page or in a help text names a command, and has only options of that command.

An operator searches the table of OPERATING.md for what is in a log. So each text that its first column quotes must be one
that the engine prints."""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

sluice = sys.argv[1]
root = pathlib.Path(__file__).resolve().parent.parent
# What usage lines write for any name.
PLACEHOLDERS = {"COMMAND", "TOPIC", "NAME", "CODE", "WORD", "KIND", "DIR"}
# Options that every command has, and those of Kafka's own tools, whose commands errors and `plan` quote.
FOREIGN = {"help", "version", "bootstrap-server", "command-config", "add", "add-config", "alter", "allow-principal",
           "entity-name", "entity-type", "partitions", "resource-pattern-type"}
# Names on pages that belong to other programs, or that a user has chosen.
OTHERS = {"--dirt"}
# Words of others that engines print: of the system, of librdkafka and of Kafka.
WORDS_OF_OTHERS = {"Connect to", "Connection refused", "authorization failed", "Coordinator load in progress", "No space left on device"}
# A parameter of Seldon's RANDOM_ABTEST, an example of a wrong one, a variable of the tests of allocations, and plain words.
NAMES_OF_OTHERS = {"ratioA", "storageURL", "SLUICE_FAIL_ALLOCATION", "gRPC", "updateIntervals", "viewBox"}
# What they print is JSON, HTML or a record for engines, and no text for people.
WRITERS = {"engine/gateway/rest_openapi.c", "engine/experiments/rollouts/rollout_write.c", "engine/flow/state/changelog_identity.c"}
# Pages that are not for users: for those who change the engine, and of former versions.
INNER = ("tests/", "CHANGELOG.md", "CONTRIBUTING.md", "engine/README.md", "engine/GLOSSARY.md", "steps/WRITING.md")
WORDS_LEAST = 8
FIELD = r"[a-z]+[0-9]*(?:[A-Z][A-Za-z0-9]*)+"
NAME = re.compile(rf"{FIELD}|sluice_[a-z_0-9]+|SLUICE_[A-Z_]+|(?:x|sluice|idempotency|grpc)-[a-z-]+|"
                  rf"[a-z]\w*(?:\[\])?(?:\.{FIELD})+")


def sluice_help(*words):
    return subprocess.run([sluice, "help", *words], capture_output=True, text=True, check=False)


def literals(path):
    """String literals, those that stand side by side joined, comments left out."""
    source = re.sub(r'("(?:\\.|[^"\\\n])*")|/\*.*?\*/', lambda m: m.group(1) or " ", path.read_text(), flags=re.S)
    for run in re.finditer(r'"(?:\\.|[^"\\\n])*"(?:\s+"(?:\\.|[^"\\\n])*")*', source):
        parts = re.findall(r'"((?:\\.|[^"\\\n])*)"', run.group())
        yield "".join(parts).replace('\\"', '"').replace("\\n", "\n").replace("\\t", " ")


def pages():
    """(path, text) of the Markdown pages for users, without the blocks in which other programs are called."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=root, capture_output=True, text=True,
                            check=True)
    for name in listed.stdout.split():
        if not name.startswith(INNER) and (root / name).exists():
            yield name, (root / name).read_text()


def sources():
    """(path, text) of each string literal of the engine."""
    for folder in ("engine", "steps"):
        for path in sorted((root / folder).rglob("*.[ch]")):
            for text in literals(path):
                yield str(path.relative_to(root)), text


def sent(text):
    """What a text sends its reader to."""
    for words in re.findall(r"`(?:sluice )?help ([^`%]+)`", text) + re.findall(r"(?:sluice|see) help ([a-z][\w-]*)", text):
        if "-o " in words or words.startswith("-"):
            continue
        found = tuple(words.split())
        if not PLACEHOLDERS & set(found):
            yield found
    for code in re.findall(r"\bSL\d{4}\b", text):
        yield (code,)


def options(text):
    return re.findall(r"(?<![\w-])--([a-z][a-z-]+[a-z])", text)


def named(text):
    """What stands in backticks and has the form of a name of sluice; options, where a command line begins with sluice."""
    for quoted in re.findall(r"`([^`\n]+)`", text):
        if quoted in OTHERS:
            continue
        if NAME.fullmatch(quoted):
            yield quoted
        yield from re.findall(r"^--([a-z][a-z-]+[a-z])\b", quoted)
    for line in re.findall(r"\bsluice [a-z][^`\n|]*", text):
        yield from options(line)


def called(text):
    """Names in a text of the engine: in backticks with the form of a name of sluice, variables of the environment, fields in a sentence"""
    for quoted in re.findall(r"`([^`\n%]+)`", text):
        if NAME.fullmatch(quoted):
            yield quoted
    yield from re.findall(r"\bSLUICE_[A-Z_]*[A-Z]\b", text)
    if " " in text:
        yield from re.findall(rf"(?<![\w.`/\"'-]){FIELD}(?![\w(\"'])", text)


def printed():
    """States and columns, which are printed by these files alone."""
    top, view = ((root / "engine" / name).read_text() for name in ("tools/view/top_lines.c", "tools/view/top_view.c"))
    header = re.search(r'"PIPELINE", "ENGINE".*?\);', top, re.S).group()
    for place, words in (("top", re.findall(r'"([A-Z][A-Z0-9 ]+)"', header)),
                         ("top", re.findall(r'= \{"([A-Z][A-Z0-9 ]+)", \d', view)),
                         ("top", re.findall(r"%s(resets|skipped) %", view)),
                         ("top", re.findall(r'"(stopped|not ready|silent)', view)),
                         ("top", re.findall(r'\b(?:return|\?) "([a-z]+)"', state_function("engine/monitor/metrics/status_publisher.c"))),
                         ("top", re.findall(r': "([a-z]+)"', state_function("engine/monitor/metrics/status_publisher.c"))),
                         ("describe", re.findall(r'condition_worsen\([^;]*?, "(\w+)"',
                                                 (root / "engine/control/engine/condition_board.c").read_text())),
                         ("describe", re.findall(r'TEXT\("([A-Z][a-z]+)"\)', (root / "engine/control/engine/condition_board.c").read_text())),
                         ("describe", re.findall(r'live\s+\?\s"([A-Z][a-z]+)"|: "(Unknown)"', (root / "engine/tools/view/resource_description.c").read_text()))):
        assert words, f"help.py no longer finds what {place} prints"
        for word in words:
            yield f"sluice {place}", tuple("".join(word).split())


def state_function(path):
    return re.search(r"static const char \*state_of\(.*?\n}", (root / path).read_text(), re.S).group()


def terms():
    """What stands before the texts of lists, in every topic."""
    topics = [part["term"] for part in json.loads(sluice_help("-o", "json", "topics").stdout) if part["part"] == "item"]
    for topic in topics:
        yield f"help topics {topic}", (topic,)
        for part in json.loads(sluice_help("-o", "json", "topics", topic).stdout):
            if part["part"] != "item":
                continue
            term = re.sub(r" \([^)]*\)$|, in the .*$|, (deadline|expiry|admission|warmup|cancel|answer)$", "", part["term"])
            option = re.search(r"--([\w-]+)", term)
            name = option.group(1) if option else re.match(r"[^(]+", term).group().strip()
            if topic == "fields":
                name = re.split(r"[. ]", name)[-1]
            if name not in ("content-type", "kind", "severity") or topic not in ("formats", "faults"):
                yield f"help topics {topic}", tuple(name.split())


def sought(words):
    """Variables with secrets have names of the user's behind their prefix."""
    return tuple("SLUICE_SECRET_NAME" if word.startswith("SLUICE_SECRET_") else word for word in words)


def wanted():
    """Each name that is mentioned, and where."""
    found = {}
    for place, text in sources():
        for words in sent(text):
            found.setdefault(sought(words), place)
        for name in (option for option in options(text) if option not in FOREIGN):
            found.setdefault(sought((name,)), place)
        for name in called(text):
            if name not in NAMES_OF_OTHERS and place not in WRITERS:
                found.setdefault(sought((name,)), place)
    for place, text in pages():
        for words in [*sent(text), *((name,) for name in named(text))]:
            found.setdefault(sought(words), place)
    for place, words in [*terms(), *printed()]:
        found.setdefault(sought(words), place)
    return found


def command_lines(text):
    """Words behind `sluice` of each command line that a text shows, also in a unit of systemd, and as a list of YAML"""
    for words in re.findall(r"command: \[sluice, (.*?)\]", text):
        yield words.replace(",", "")
    for line in text.replace("\\\n", " ").replace("ExecStart=/usr/local/bin/sluice ", "sluice ").split("\n"):
        for part in re.split(r"\||&&|;|\$\(", line):
            found = re.match(r"\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:build/)?sluice ([a-z].*)", part)
            if found and (line.startswith(("sluice ", "build/sluice ", "$ ")) or part.startswith("  ")):
                yield found.group(1)


def options_by_command():
    """The options of each command, by its words"""
    commands = {}
    for part in json.loads(sluice_help("-o", "json").stdout):
        if part["part"] == "item" and sluice_help(*part["term"].split()).returncode == 0:
            items = json.loads(sluice_help("-o", "json", *part["term"].split()).stdout)
            found = {name for item in items if item["part"] == "item" for name in re.findall(r"--([\w-]+)|(?<!-)-(\w)\b", item["term"])}
            commands[part["term"]] = {name or letter for name, letter in found} | {"help", "h", "o"}
    return commands


def misused():
    """(place, command line, why) of command lines that would be refused"""
    commands = options_by_command()
    assert len(commands) > 40, "help.py no longer finds the commands"
    for place, text in [*sources(), *pages()]:
        for line in command_lines(text):
            words = line.split()
            command = next((name for name in (" ".join(words[:2]), words[0]) if name in commands), None)
            if command is None:
                if " --" in line:
                    yield place, line, f"there is no command `{words[0]}`"
                continue
            try:
                given = [word for word in shlex.split(line, comments=True) if re.match(r"--?[a-z]", word)]
            except ValueError:  # a line of prose
                continue
            for word in given:
                name = word.lstrip("-").split("=")[0]
                if name not in commands[command] and (word.startswith("--") or name[0] not in commands[command]):
                    yield place, line, f"`{command}` has no option `{word}`"


def quotes():
    """(quote, words between the names in it) of the first column of the table"""
    page = (root / "engine/tools/cli/OPERATING.md").read_text()
    for cell in re.findall(r"^\| (.*?) \|", page[page.index("| what you see |"):], re.M):
        for quote in re.findall(r"`([^`]+)`", cell):
            words = re.split(r"\b[A-Z][A-Z0-9-]*\b|\.\.\.|\(T\)|\d+ (?:s|MiB)\b|\(ulimit -[nv]\)|[\":<>]", quote)
            yield quote, [part.strip(" :;,.") for part in words]


def is_printed(words, everything):
    """Whether they are in the sources, also in two pieces, which are put together when they are printed."""
    return words in everything or any(words[:space.start()] in everything and words[space.end():] in everything
                                      for space in re.finditer(" ", words))


def unprinted():
    """The quotes with words that no source has."""
    blanks = re.compile(r"%[-+0-9.*]*[a-zA-Z]+|\s+")
    everything = "\n".join(blanks.sub(" ", text) for _, text in sources())
    for quote, words in quotes():
        missing = [part for part in words if len(part) >= WORDS_LEAST and part not in WORDS_OF_OTHERS and not is_printed(part, everything)]
        if missing:
            yield quote, missing[0]


def is_known(words):
    asked = sluice_help(*words)
    return asked.returncode == 0 and asked.stdout != ""


def main():
    names = sorted(wanted().items())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        known = list(pool.map(lambda name: is_known(name[0]), names))
    failed = known.count(False)
    for (words, place), found in zip(names, known):
        if not found:
            print(f"help: {place} mentions `{' '.join(words)}`, and `sluice help` does not know it")
    for place, line, why in misused():
        failed += 1
        print(f"help: {place} shows `sluice {line}`, and {why}")
    for quote, words in unprinted():
        failed += 1
        print(f"help: OPERATING.md quotes `{quote}`, and nothing prints `{words}`")
    unknown = sluice_help("no-such-name-anywhere")
    failed += unknown.returncode != 2
    print(f"{len(names) + 1 - failed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
