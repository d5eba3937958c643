#!/usr/bin/env python3
"""Runs what the pages of the repository tell a reader to type: readme.py check|write SLUICE [PAGE]...

In a block marked `console`, each `$ command` is run and what stands below it must be
what it prints. In a block marked `sh` each line must succeed. A block of any kind below
the line `<!-- $ command -->` is what that command prints. All of it runs in a folder of
its own in which the repository's files stand. Lines that begin with make, git, cd
or sudo are the reader's way there, and other parts of the check see to them. `write`
puts what the commands print now into the pages, for whoever changed it on purpose.

The line above a block may say more about it:
  <!-- file PATH -->     the block is the content of that file
  <!-- until TEXT -->    its commands keep running while the page is read; each is ready when it prints TEXT
  <!-- retry -->         its commands are repeated until they do what the page says, at most RETRY_SECONDS
  <!-- by COMMAND -->    it downloads something: the check runs COMMAND instead, which keeps downloads
A line `<!-- with COMMAND until TEXT -->` starts what the reader has: for example a broker in place of Kafka.
A check of all pages skips the rest of a section (to the next heading of level 2) from its first download on; a check that
names the page reads all of it. If COMMAND exits with 3, the download is not possible, and the rest of the section is
skipped too. Ports of a page with `until` are replaced by free ones.
"""
import os, random, re, signal, socket, subprocess, sys, tempfile, time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
ELSEWHERE = ("make", "git", "cd", "sudo", "#")
SECONDS_MAX = 60
START_SECONDS, RETRY_SECONDS = 90, 30
DOWNLOAD_SECONDS = 600
PORTS = ("19092", "8000", "8080", "8081", "8082", "9090", "9092")  # the ports of servers that pages start
MARKS = ("file ", "until ", "retry", "by ")


def pages():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [page for page in listed.stdout.split() if os.path.exists(os.path.join(ROOT, page))]


def blocks(page):
    """(section, line number, language, lines, mark) of each fenced block"""
    section, language, begun, lines, above, mark = "", None, 0, [], "", ""
    for number, line in enumerate(open(os.path.join(ROOT, page), encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.startswith("```"):
            if language is not None:
                yield section, begun, language, lines, mark
                language, mark = None, ""
            elif above.startswith("<!-- $ "):
                language, begun, lines = "console", number - 1, [above[5:].removesuffix(" -->")]
            else:
                language, begun, lines = line[3:].strip(), number, []
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
        self.folder, self.environment, self.servers = folder, environment, []
        text = open(os.path.join(ROOT, page), encoding="utf-8").read()
        self.ports = {port: free_port() for port in PORTS if "<!-- until " in text or "<!-- with " in text}

    def translate(self, text, back=False):
        ports = {new: old for old, new in self.ports.items()} if back else self.ports
        return re.sub(r"\b(" + "|".join(ports) + r")\b", lambda found: ports[found[0]], text) if ports else text

    def run(self, command, seconds=SECONDS_MAX):
        done = subprocess.run(["bash", "-c", self.translate(command)], cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
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
            server = subprocess.Popen(["bash", "-c", self.translate(command)], cwd=self.folder, env=self.environment,
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


def free_port():
    while True:
        with socket.socket() as tried:
            try:
                port = random.randrange(20000, 32000)  # below the ports of outgoing connections
                tried.bind(("127.0.0.1", port))
                return str(port)
            except OSError:
                pass


def right(code, printed, expected):
    return code == 0 if expected is None else printed == [text.rstrip() for text in expected]


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
        if section == without:
            continue
        if mark.startswith("file "):
            desk.put(mark.removeprefix("file "), lines)
            continue
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
            if command.split()[0] in ELSEWHERE:
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


def read_page(page, folder, environment, writing, whole):
    desk = Desk(folder, environment, page)
    try:
        return visit(page, desk, writing, whole)
    finally:
        desk.close()


def main():
    writing, binary = sys.argv[1] == "write", os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(ROOT):
            if name not in ("build", ".git"):
                os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
        os.mkdir(os.path.join(folder, "build"))
        os.symlink(binary, os.path.join(folder, "build", "sluice"))
        environment = dict(os.environ, PATH=os.path.dirname(binary) + ":" + os.environ["PATH"], NO_COLOR="1")
        named = sys.argv[3:]
        results = [read_page(page, folder, environment, writing, bool(named)) for page in named or pages()]
    passed, failed, skipped = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


sys.exit(main())
