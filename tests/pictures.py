#!/usr/bin/env python3
"""Pictures of the README, made from what sluice prints: pictures.py write|check|top SLUICE

plan.svg is printed by `sluice plan -o svg`. lint.svg shows a terminal, with its colours. top.svg shows an engine under load,
so it is drawn anew only by `pictures.py top`; the check holds its title and its columns against what `sluice top` prints now."""
import contextlib, fcntl, html, os, pathlib, pty, re, select, struct, subprocess, sys, tempfile, termios, threading, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS, CHARACTER, LINE, MARGIN = 124, 7.83, 18, 14
# Select Graphic Rendition, as sluice uses it.
CLASSES = {"1": "b", "2": "d", "31": "r", "32": "g", "33": "y", "34": "u", "35": "m", "36": "c", "90": "d"}
STYLE = """<style>
svg{--Paper:#ffffff;--Ink:#1f2328;--Edge:#d1d9e0;--Red:#cf222e;--Green:#116329;--Yellow:#9a6700;--Blue:#0969da;--Dim:#59636e}
@media(prefers-color-scheme:dark){svg{--Paper:#0d1117;--Ink:#f0f6fc;--Edge:#3d444d;--Red:#ff7b72;--Green:#7ee787;--Yellow:#e3b341;\
--Blue:#79c0ff;--Dim:#9198a1}}
rect{fill:var(--Paper);stroke:var(--Edge)}text{font:13px ui-monospace,SFMono-Regular,Menlo,monospace;fill:var(--Ink);white-space:pre}
.b{font-weight:bold}.d{fill:var(--Dim)}.r{fill:var(--Red)}.g{fill:var(--Green)}.y{fill:var(--Yellow)}.u,.c,.m{fill:var(--Blue)}
</style>
"""
TOP = "pipelines/top.svg"
TOP_COLUMNS, TOP_ROWS = 100, 24
SCREEN, PATIENCE_S = b"\033[H\033[2J", 20  # what begins one; for the first ones to come
TOP_RATES = {"hello": 240, "fraud": 90, "financial": 30, "routing": 4}  # requests/s
EXAMPLE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: trading}
spec:
  steps:
  - {name: prepare, expression: {set: {level: avg(x)}}}
  - name: decide
    inputs: [prepair]
    expresion: {set: {action: 'where(level > 15, "buy", "hold")'}}
  output: {steps: [decide]}
"""


def on_a_terminal(command, folder, columns=COLUMNS):
    """What the command shows there, with its colours; None: this system has no terminals"""
    try:
        child, terminal = pty.fork()
    except OSError:
        return None
    if child == 0:
        os.chdir(folder)
        os.environ.pop("NO_COLOR", None)
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", TOP_ROWS, columns, 0, 0))
        os.execve(command[0], command, dict(os.environ, TERM="xterm-256color"))
    shown = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:  # it has ended
            break
        if not more:
            break
        shown += more
    os.close(terminal)
    os.waitpid(child, 0)
    return shown.decode().replace("\r\n", "\n").rstrip("\n")


def wrapped(text, columns):
    """(class, character) of each place, in lines of at most so many"""
    lines, classes = [[]], ""
    for part in re.split(r"(\033\[[0-9;]*m|\n)", text):
        if part == "\n":
            lines.append([])
        elif part.startswith("\033["):
            numbers = part[2:-1].split(";")
            classes = " ".join(CLASSES[number] for number in numbers if number in CLASSES)
        else:
            for character in part:
                if len(lines[-1]) == columns:
                    lines.append([])
                lines[-1].append((classes, character))
    return lines


def line_svg(line, y):
    spans, at = [], 0
    while at < len(line):
        end = at
        while end < len(line) and line[end][0] == line[at][0]:
            end += 1
        words = html.escape("".join(character for _, character in line[at:end]), quote=False)
        spans.append(f'<tspan class="{line[at][0]}">{words}</tspan>' if line[at][0] else words)
        at = end
    return f'<text x="{MARGIN}" y="{y}" xml:space="preserve">{"".join(spans)}</text>\n' if spans else ""


def terminal_svg(text, columns=COLUMNS):
    lines = wrapped(text, columns)
    width, height = round(2 * MARGIN + columns * CHARACTER), 2 * MARGIN + LINE * len(lines)
    body = "".join(line_svg(line, MARGIN + LINE * number + 13) for number, line in enumerate(lines))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">\n'
            f'{STYLE}<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>\n{body}</svg>\n')


def ask(address, pipeline, rate, ended):
    """Sends the pipeline's request so often, until the event"""
    request = (ROOT / "pipelines" / pipeline / "request.json").read_bytes()
    begun = time.monotonic()
    for number in range(10 ** 9):
        if ended.wait(max(0, begun + number / rate - time.monotonic())):
            return
        try:
            urllib.request.urlopen(f"{address}/v2/pipelines/{pipeline}/infer", request, timeout=5).read()
        except OSError:
            pass  # the picture shows it


def last_screen(command, seconds):
    """The last whole screen that the command draws on a terminal of that size, after so long"""
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", TOP_ROWS, TOP_COLUMNS, 0, 0))
        os.environ.pop("NO_COLOR", None)
        os.execve(command[0], command, dict(os.environ, TERM="xterm-256color"))
    shown, begun = b"", time.monotonic()
    while time.monotonic() < begun + seconds or shown.count(SCREEN) < 3 and time.monotonic() < begun + PATIENCE_S:
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 65536)
    os.write(terminal, b"q")
    os.close(terminal)
    os.waitpid(child, 0)
    return shown.split(SCREEN)[-2].decode().replace("\r\n", "\n").rstrip("\n")


@contextlib.contextmanager
def development(sluice, pipelines):
    """What `sluice dev` of the pipelines says at first: {"broker": "127.0.0.1:4711"}"""
    command = [sluice, "dev", "--port", "0", *(f"pipelines/{name}" for name in pipelines)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    said = {}
    try:
        while "edit" not in said:
            word, _, rest = process.stdout.readline().rstrip("\n").partition(" ")
            said[word] = rest.strip()
        yield said
    finally:
        process.terminate()
        process.wait()


def top_svg(sluice, rates, seconds):
    """The screen of `sluice top` after so long, while requests come at these rates"""
    with development(sluice, rates) as said:
        ended = threading.Event()
        callers = [threading.Thread(target=ask, args=(said["gateway"], name, rate, ended)) for name, rate in rates.items()]
        for caller in callers:
            caller.start()
        try:
            screen = last_screen([sluice, "top", "--brokers", said["broker"]], seconds)
        finally:
            ended.set()
            for caller in callers:
                caller.join()
    return terminal_svg("$ sluice top\n" + screen, TOP_COLUMNS)


def pictures(sluice):
    """(path, content) of each picture"""
    plan = subprocess.run([sluice, "plan", "-o", "svg", "pipelines/hello"], cwd=ROOT, capture_output=True, text=True, check=True)
    yield "pipelines/hello/plan.svg", plan.stdout
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "trading.yaml").write_text(EXAMPLE)
        shown = on_a_terminal([sluice, "lint", "trading.yaml"], folder)
    if shown is None:
        print("skipped: pictures: pipelines/lint.svg: there is no pseudo-terminal")
    else:
        yield "pipelines/lint.svg", terminal_svg("$ sluice lint trading.yaml\n" + shown)


def columns_of(svg):
    """The line of column titles in a picture of `sluice top`"""
    lines = [html.unescape(re.sub("<[^>]*>", "", line)) for line in svg.splitlines() if line.startswith("<text")]
    return lines[2].split() if len(lines) > 2 else []


def top_is_current(sluice):
    """Whether the picture has the columns that `sluice top` shows on such a terminal"""
    try:
        now = top_svg(sluice, {"hello": 1}, 0)
    except OSError:
        print(f"skipped: pictures: {TOP}: there is no pseudo-terminal")
        return True
    return columns_of(now)[:2] == ["PIPELINE", "ENGINE"] and columns_of(now) == columns_of((ROOT / TOP).read_text())


def letters_too_wide(sluice):
    """Lines of `errors list` that a terminal of 80 columns would break, and ids or reasons that are not whole there"""
    request = '{"inputs": [{"name": "other", "shape": [1], "datatype": "FP64", "data": [1]}]}\n'
    with development(sluice, ["hello"]) as said:
        door = ["hello", "--brokers", said["broker"]]
        subprocess.run([sluice, "produce", *door], input=3 * request, text=True, capture_output=True, check=True)
        whole, begun = "", time.monotonic()
        while whole.count("INPUT") < 4 and time.monotonic() < begun + PATIENCE_S:
            whole = subprocess.run([sluice, "errors", "list", *door], capture_output=True, text=True).stdout
        for columns in 80, 200:
            shown = on_a_terminal([sluice, "errors", "list", *door], ROOT, columns)
            if shown is None:
                print("skipped: pictures: dead letters on a terminal: there is no pseudo-terminal")
                return
            yield from (line for line in shown.split("\n") if len(line) > columns)
            if sorted(shown.split()) != sorted(whole.replace(" WHY", "").split()) or whole.count("INPUT") < 4:
                yield f"errors list at {columns} columns has other words than in a pipe: {shown!r} instead of {whole!r}"


def lines_too_wide(sluice):
    """Lines that a terminal would break, unless they are one long word, and what each command says in a pipe that differs from
    it by more than blanks and line ends"""
    with tempfile.TemporaryDirectory() as folder:
        trading = pathlib.Path(folder, "trading.yaml")
        trading.write_text(EXAMPLE)
        plans = [str(ROOT / "pipelines" / name) for name in ("fraud", "financial")]
        for command in ["lint", str(trading)], ["plan", *plans], ["help", "lint"]:
            whole = subprocess.run([sluice, *command], cwd=folder, capture_output=True, text=True).stdout
            for columns in 80, 200:
                shown = on_a_terminal([sluice, *command], folder, columns)
                if shown is None:
                    print("skipped: pictures: lines on a terminal: there is no pseudo-terminal")
                    return
                lines = re.sub(r"\033\[[0-9;]*m", "", shown).split("\n")
                yield from (line for line in lines if len(line) > columns and len(line.split()) > 1)
                if sorted(" ".join(lines).split()) != sorted(whole.split()):
                    yield f"{command[0]} at {columns} columns has other words than in a pipe"


def main():
    failed = passed = 0
    if sys.argv[1] == "top":
        (ROOT / TOP).write_text(top_svg(os.path.abspath(sys.argv[2]), TOP_RATES, 12))
        return 0
    for path, content in pictures(os.path.abspath(sys.argv[2])):
        if sys.argv[1] == "write":
            (ROOT / path).write_text(content)
        elif (ROOT / path).exists() and (ROOT / path).read_text() == content:
            passed += 1
        else:
            failed += 1
            print(f"pictures: {path} is stale; make docs draws it again")
    if sys.argv[1] != "write":
        current = top_is_current(os.path.abspath(sys.argv[2]))
        passed, failed = passed + current, failed + (not current)
        if not current:
            print(f"pictures: {TOP} has other columns than sluice top; tests/pictures.py top SLUICE draws it again")
        sluice = os.path.abspath(sys.argv[2])
        wide = [*lines_too_wide(sluice), *letters_too_wide(sluice)]
        passed, failed = passed + (not wide), failed + len(wide)
        for line in wide:
            print(f"pictures: a terminal breaks this line: {line}")
        print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
