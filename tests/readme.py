#!/usr/bin/env python3
"""Runs what the pages of the repository tell a reader to type: readme.py check|write SLUICE [PAGE]...
readme.py follow ROOT FOLDER PAGE...

In a block marked `console`, each `$ command` is run and what stands below it must be
what it prints. In a block marked `sh` each line must succeed. A block of any kind below
the line `<!-- $ command -->` is what that command prints. All of it runs in a folder of
its own in which the repository's files stand. Lines that begin with make, git, cd
or sudo are the reader's way there, and other parts of the check see to them. `write`
puts what the commands print now into the pages, for whoever changed it on purpose. `follow` does what a reader does on a
new machine: as root of the bare system in the folder ROOT, in its folder FOLDER, with nothing skipped or replaced but ports.

The line above a block may say more about it, the first of these before the others:
  <!-- on 12 24.04 -->   it is for readers whose system has one of these versions, and for the machine of the check if `by` follows
  <!-- file PATH -->     the block is the content of that file
  <!-- until TEXT -->    its commands keep running while the page is read; each is ready when it prints TEXT
  <!-- retry -->         its commands are repeated until they do what the page says, at most RETRY_SECONDS
  <!-- by COMMAND -->    it downloads something: the check runs COMMAND instead, which keeps downloads
A block marked `c` is C that compiles. One marked `yaml` that begins with `- name:` is steps, in which `sluice lint` finds no error. Each other
block, and each command that is skipped, is in the list NOT_RUN with the reason; the check of all pages fails when one is not, and
when the list has one that no page has.
A line `<!-- with COMMAND until TEXT -->` starts what the reader has: for example a broker in place of Kafka.
A check of all pages skips the rest of a section (to the next heading of level 2) from its first download on; a check that
names the page reads all of it. If COMMAND exits with 3, the download is not possible, and the rest of the section is
skipped too. Ports of a page with `until` are replaced by free ones.
"""
import json, os, re, shlex, shutil, signal, subprocess, sys, tempfile, time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
ELSEWHERE = ("make", "git", "cd", "sudo", "#")
SECONDS_MAX = 60
TIMEOUT = 124  # what timeout(1) ends with
START_SECONDS, RETRY_SECONDS = 90, 30
DOWNLOAD_SECONDS = 600
PORTS = ("19092", "8000", "8080", "8081", "8082", "9090", "9092")  # the ports of servers that pages start
MARKS = ("on ", "file ", "until ", "retry", "by ")
# A page, how the first line of a block or a skipped command begins, and why nothing of it is run.
PRINTED = "printed from the tables of the engine; docs.sh compares the page, help.py reads its command lines"
NEW_MACHINE = "newcomer.sh does it on a new machine"
TRAINING = "training takes minutes; gallery.sh does it with TRAIN=1, in `make long`, and compares what it prints with the page"
STACK = "compose/check.py starts the stack, and runs the commands of the page"
FAULTY = "engine/compiler/yaml/FAULTS.md"
NOT_RUN = (
    ("README.md", "git clone REPOSITORY", NEW_MACHINE),
    ("pipelines/TUTORIAL.md", "sudo apt-get", NEW_MACHINE),
    ("pipelines/TUTORIAL.md", "git clone REPOSITORY", NEW_MACHINE),
    ("pipelines/TUTORIAL.md", "cd sluice", NEW_MACHINE),
    ("pipelines/TUTORIAL.md", "make", NEW_MACHINE),
    ("pipelines/TUTORIAL.md", "python3 -m venv tools", NEW_MACHINE),
    ("pipelines/TUTORIAL.md", "tools/bin/", NEW_MACHINE),
    ("pipelines/CLIENTS.md", "sudo apt-get install kcat", "tests/clients.sh asks whether it is there"),
    ("pipelines/financial/README.md", "$ pip install", TRAINING),
    ("pipelines/fraud/README.md", "$ pip install", TRAINING),
    ("compose/README.md", "cd compose", STACK),
    ("compose/README.md", "docker compose exec", STACK),
    ("compose/README.md", "head -n 1 ticks.jsonl", STACK),
    ("compose/README.md", "metrics:", "tests/kafka/dashboards.sh runs a pipeline with them"),
    ("engine/COMPARISON.md", "make compare", "it takes ten minutes; `make long` has it"),
    ("engine/README.md", "flowchart", "a picture"),
    ("pipelines/CONCEPTS.md", "flowchart", "a picture"),
    ("engine/tools/cli/DEPLOYING.md", "[Unit]", "help.py reads its command line; the check has no systemd"),
    ("engine/tools/cli/DEPLOYING.md", "containers:", "help.py reads its command lines; the check has no Kubernetes"),
    ("engine/tools/cli/OPERATING.md", "sluice run -f runtime.yaml", "help.py reads its command line; the files are the reader's"),
    ("engine/tools/cli/OPERATING.md", "sluice gateway -f runtime.yaml", "help.py reads its command line; judge/access.py runs such gateways"),
    ("engine/tools/cli/OPERATING.md", "  policies:", "judge/access.py runs gateways with such rows"),
    ("engine/tools/cli/OPERATING.md", "scrape_configs:", "for Prometheus, which the check has not"),
    ("engine/tools/cli/OPERATING.md", "2026-11-22T", "lines of a log of that day; judge/dev.py and log_test.c read such lines"),
    ("engine/tools/cli/README.md", "", PRINTED),
    ("engine/compiler/expression/README.md", "", PRINTED),
    (FAULTY, "", "fragments, before and after; " + PRINTED + "; tests/lint and tests/lint-own have whole files"),
    ("engine/observe/METRICS.md", "metrics:", "tests/judge/metrics.py counts such metrics"),
)
# What a reader types once for a terminal.
KEPT = ("export ", "cd ")


def pages():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [page for page in listed.stdout.split() if os.path.exists(os.path.join(ROOT, page))]


def blocks(page):
    """(section, line number, language, lines, mark) of each fenced block"""
    section, language, begun, lines, above, mark = "", None, 0, [], "", ""
    for number, line in enumerate(open(os.path.join(ROOT, page), encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.lstrip().startswith("```"):
            if language is not None:
                yield section, begun, language, lines, mark
                language, mark = None, ""
            elif above.startswith("<!-- $ "):
                language, begun, lines = "console", number - 1, [above[5:].removesuffix(" -->")]
            else:
                language, begun, lines = line.strip()[3:].strip(), number, []
                said = above.removeprefix("<!-- ").removesuffix(" -->")
                mark = said if above.startswith("<!-- ") and said.startswith(MARKS) else ""
        elif language is not None:
            lines.append(line)
        elif line.startswith("<!-- with ") and " until " in line:
            command, text = line.removeprefix("<!-- with ").removesuffix(" -->").split(" until ")
            yield section, number - 1, "sh", [command], f"until {text}"
        elif line.startswith("## "):
            section = line
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


class Desk:
    """Where the commands of one page run: the folder, the ports, and the servers that the page has started"""

    def __init__(self, folder, environment, page):
        self.folder, self.environment, self.servers, self.kept = folder, environment, [], []
        text = open(os.path.join(ROOT, page), encoding="utf-8").read()
        self.ports = {port: free_port() for port in PORTS if "<!-- until " in text or "<!-- with " in text}

    def translate(self, text, back=False):
        ports = {new: old for old, new in self.ports.items()} if back else self.ports
        if re.match(r"(build/)?sluice dev [^-]*$", text):
            text += " --port 19092"  # the default
        return re.sub(r"\b(" + "|".join(ports) + r")\b", lambda found: ports[found[0]], text) if ports else text

    def spell(self, command):
        """what is started for it"""
        return ["bash", "-c", "\n".join([*self.kept, self.translate(command)])]

    def skips(self, command):
        return command.split()[0] in ELSEWHERE

    def heed(self, mark):
        """what is left of a mark; None: the block is not for this reader"""
        if not mark.startswith("on "):
            return mark
        rest = mark.partition(", ")[2]
        return rest if rest.startswith("by ") else None

    def run(self, command, seconds=SECONDS_MAX):
        try:
            done = subprocess.run(self.spell(command), cwd=self.folder, env=self.environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired as late:
            return TIMEOUT, [*(late.stdout or b"").decode(errors="replace").split("\n"), f"(still running after {seconds} s)"]
        if done.returncode == 0 and command.startswith(KEPT):
            self.kept.append(f"{self.translate(command)} >/dev/null")
        printed = self.translate(done.stdout + done.stderr, back=True)
        return done.returncode, [line.rstrip() for line in printed.rstrip("\n").split("\n")]

    def put(self, path, lines):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.translate("\n".join(lines) + "\n"))

    def serve(self, command, text):
        """starts it and waits until it prints the text: (0 or 1, what it printed)"""
        with tempfile.TemporaryFile("w+") as log:
            server = subprocess.Popen(self.spell(command), cwd=self.folder, env=self.environment,
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            self.servers.append(server)
            end = time.monotonic() + START_SECONDS
            while True:
                ended = server.poll() is not None
                printed = os.pread(log.fileno(), 1 << 20, 0).decode(errors="replace")
                if text in printed:
                    return 0, printed.split("\n")
                if ended or time.monotonic() > end:
                    return 1, printed.split("\n")
                time.sleep(0.1)

    def close(self):
        for server in reversed(self.servers):  # an engine before its broker
            try:
                os.killpg(server.pid, signal.SIGTERM)
                server.wait(10)
            except ProcessLookupError:
                pass
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


class Root(Desk):
    """A reader's new machine: a bare system in a folder, which no process outlives"""

    SECONDS = 1800  # to build takes minutes

    def __init__(self, root, folder, page):
        super().__init__(os.path.join(root, folder.lstrip("/")), dict(os.environ), page)
        self.root, self.place = root, folder
        # Where the machine has certificates of its own, for a proxy, the reader's has them too.
        own = [name for name in ("PIP_CERT", "SSL_CERT_FILE") if name in os.environ]
        self.trusted = [f"{name}=/etc/machine.crt" for name in own]
        if own:
            shutil.copyfile(os.environ[own[0]], os.path.join(root, "etc", "machine.crt"))
        release = open(os.path.join(root, "etc", "os-release"), encoding="utf-8").read()
        self.version = re.search(r'^VERSION_ID="?([^"\n]*)', release, re.M)[1]

    def spell(self, command):
        lines = "\n".join([f"cd {shlex.quote(self.place)}", *self.kept, self.translate(command)])
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.root}/proc",
                "chroot", self.root, "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                "TERM=dumb", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *self.trusted, "bash", "-c", lines]

    def translate(self, text, back=False):
        text = re.sub(r"^sudo ", "", super().translate(text, back))  # root needs none, and a bare system has none
        return text if back else text.replace("REPOSITORY", "/srv/sluice.git")

    def skips(self, command):
        return False

    def heed(self, mark):
        if mark.startswith("on "):
            versions, _, mark = mark.removeprefix("on ").partition(", ")
            if self.version not in versions.split():
                return None
        return "" if mark.startswith("by ") else mark

    def run(self, command, seconds=SECONDS):
        code, printed = super().run(command, seconds)
        if code == 0 and command.startswith("cd "):
            self.kept.pop()
            self.place = os.path.join(self.place, command.removeprefix("cd "))
            self.folder = os.path.join(self.root, self.place.lstrip("/"))
        return code, printed


def free_port():
    """One that no other test on the machine was given: servers of pages start seconds later"""
    script = os.path.join(ROOT, "tests/kafka/ports.sh")
    return subprocess.run(["bash", "-c", '. "$0" && free_port', script], capture_output=True, text=True, check=True).stdout.strip()


def right(code, printed, expected):
    return code == 0 if expected is None else printed == [text.rstrip() for text in expected]


def compile_c(lines):
    """what the compiler has against it"""
    done = subprocess.run(["gcc", "-fsyntax-only", "-std=c17", "-D_GNU_SOURCE", "-Iengine", "-I.", "-Wall", "-Werror", "-Wno-unused",
                           "-x", "c", "-"], cwd=ROOT, input="\n".join(lines), capture_output=True, text=True, check=False)
    return done.stderr


def lint_steps(desk, lines):
    """the errors of a pipeline of these steps, and of steps with the names that they mention"""
    head = ["apiVersion: mlops.seldon.io/v1alpha1", "kind: Pipeline", "metadata: {name: page}", "spec:", "  steps:"]
    added = {}
    while True:
        desk.put("page/pipeline.yaml", head + ["  " + line for line in [*lines, *added.values()]])
        faults = json.loads("\n".join(desk.run("sluice lint -o json page/pipeline.yaml")[1]))
        missing = [(re.findall("`([^`]+)`", fault["message"])[:2], fault["message"]) for fault in faults if fault["code"] == "SL0501"]
        missing = {name: f"- {{name: {name}{f', inputs: [{step}]' if ' sends to ' in message else ''}}}"
                   for (step, name), message in missing if name not in added}
        if not missing:
            return [f"{fault['code']}: {fault['message']}" for fault in faults if fault["severity"] == "error"]
        added.update(missing)


def is_steps(page, language, lines):
    return language == "yaml" and lines[0].startswith("- name:") and page != FAULTY


def read_text(desk, page, language, lines):
    """(whether it is a block that is read and not typed, what is wrong with it)"""
    if language == "c":
        return True, compile_c(lines)
    if is_steps(page, language, lines):
        return True, "\n".join(lint_steps(desk, lines))
    return False, ""


def do(desk, mark, command, expected):
    """(did it, exit code, what it printed)"""
    if mark.startswith("until "):
        code, printed = desk.serve(command, mark.removeprefix("until "))
        return code == 0, code, printed
    end = time.monotonic() + RETRY_SECONDS
    while True:
        code, printed = desk.run(command)
        done = right(code, printed, expected)
        if done or mark != "retry" or time.monotonic() > end:
            return done, code, printed
        time.sleep(0.5)


def write(page, edits):
    path = os.path.join(ROOT, page)
    lines = open(path, encoding="utf-8").read().split("\n")
    for line, old, new in sorted(edits, reverse=True):
        lines[line:line + len(old)] = new
    open(path, "w", encoding="utf-8").write("\n".join(lines))


def visit(page, desk, writing, whole):
    """how many commands did what the page says, how many did not, and how many parts were not read"""
    passed, failed, skipped, edits, without = 0, 0, 0, [], None
    for section, number, language, lines, mark in blocks(page):
        mark = desk.heed(mark)
        if section == without or mark is None:
            continue
        if mark.startswith("file "):
            desk.put(mark.removeprefix("file "), lines)
            continue
        is_text, wrong = read_text(desk, page, language, lines)
        passed, failed = passed + (is_text and not wrong), failed + bool(wrong)
        if wrong:
            print(f"{page}:{number}: {wrong}")
        todo = list(commands(number, language, lines))
        if mark.startswith("by "):
            todo = []
            if not whole:
                without = section
                continue
            code, printed = desk.run(mark.removeprefix("by "), DOWNLOAD_SECONDS)
            if code == 3:
                print(f"skipped: {page}:{number}: {section.lstrip('# ')}: {printed[-1]}")
                skipped, without = skipped + 1, section
                continue
            passed, failed = passed + (code == 0), failed + (code != 0)
            if code != 0:
                print(f"{page}:{number}: {mark} ended with {code}: {printed[-1]}")
        for line, command, expected in todo:
            if desk.skips(command):
                continue
            done, code, printed = do(desk, mark, command, expected)
            if done:
                passed += 1
                continue
            if writing and expected is not None:
                edits.append((line, expected, printed))
                continue
            failed += 1
            print(f"{page}:{line}: `{command}` ended with {code} and printed")
            print("\n".join("    " + text for text in printed[:30]))
    write(page, edits)
    return passed, failed, skipped


def unread():
    """what neither runs, nor is in the list of what does not"""
    needed, checked = set(), open(os.path.join(ROOT, "tests", "check.sh"), encoding="utf-8").read()
    for page in pages():
        if page.startswith(("tests/", "CHANGELOG")):
            continue
        for section, number, language, lines, mark in blocks(page):
            todo = [command for _, command, _ in commands(number, language, lines)]
            left = [command for command in todo if command.split()[0] in ELSEWHERE]
            if mark.startswith("on ") and ", by " not in mark:
                left = todo
            if not todo and not mark.startswith("file ") and language != "c" and not is_steps(page, language, lines):
                left = [lines[0]]
            if "by " in mark and page not in checked:
                yield f"{page}:{number}: what it downloads is run by no part of tests/check.sh"
            for first in left:
                reasons = [row for row in NOT_RUN if row[0] == page and first.startswith(row[1])]
                needed.update(reasons)
                if not reasons:
                    yield f"{page}:{number}: `{first}` is not run, and the list NOT_RUN has no reason why"
    for row in NOT_RUN:
        if row not in needed:
            yield f"the list NOT_RUN has `{row[1]}` of {row[0]}, and the page does not have it"


def read_page(page, desk, writing, whole):
    try:
        return visit(page, desk, writing, whole)
    finally:
        desk.close()


def report(results):
    passed, failed, skipped = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


def main():
    if sys.argv[1] == "follow":
        root, place, named = sys.argv[2], sys.argv[3], sys.argv[4:]
        return report([read_page(page, Root(root, place, page), False, True) for page in named])
    writing, binary = sys.argv[1] == "write", os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(ROOT):
            if name not in ("build", ".git"):
                os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
        os.mkdir(os.path.join(folder, "build"))
        os.symlink(binary, os.path.join(folder, "build", "sluice"))
        environment = dict(os.environ, PATH=os.path.dirname(binary) + ":" + os.environ["PATH"], NO_COLOR="1")
        named = sys.argv[3:]
        results = [read_page(page, Desk(folder, environment, page), writing, bool(named)) for page in named or pages()]
        for wrong in unread() if not named else ():
            print(wrong)
            results.append((0, 1, 0))
        return report(results)


sys.exit(main())
