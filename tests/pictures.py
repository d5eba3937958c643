#!/usr/bin/env python3
"""Pictures of the README, made from what sluice prints: pictures.py write|check SLUICE

plan.svg is printed by `sluice plan -o svg`. lint.svg shows a terminal, with its colours."""
import html, os, pathlib, pty, re, subprocess, sys, tempfile

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


def on_a_terminal(command, folder):
    """What the command shows there, with its colours; None: this system has no terminals"""
    try:
        child, terminal = pty.fork()
    except OSError:
        return None
    if child == 0:
        os.chdir(folder)
        os.environ.pop("NO_COLOR", None)
        os.execve(command[0], command, dict(os.environ, TERM="xterm-256color", COLUMNS=str(COLUMNS)))
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


def wrapped(text):
    """(class, character) of each place, in lines of at most COLUMNS"""
    lines, classes = [[]], ""
    for part in re.split(r"(\033\[[0-9;]*m|\n)", text):
        if part == "\n":
            lines.append([])
        elif part.startswith("\033["):
            numbers = part[2:-1].split(";")
            classes = " ".join(CLASSES[number] for number in numbers if number in CLASSES)
        else:
            for character in part:
                if len(lines[-1]) == COLUMNS:
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


def terminal_svg(text):
    lines = wrapped(text)
    width, height = round(2 * MARGIN + COLUMNS * CHARACTER), 2 * MARGIN + LINE * len(lines)
    body = "".join(line_svg(line, MARGIN + LINE * number + 13) for number, line in enumerate(lines))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">\n'
            f'{STYLE}<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>\n{body}</svg>\n')


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


def main():
    failed = passed = 0
    for path, content in pictures(os.path.abspath(sys.argv[2])):
        if sys.argv[1] == "write":
            (ROOT / path).write_text(content)
        elif (ROOT / path).exists() and (ROOT / path).read_text() == content:
            passed += 1
        else:
            failed += 1
            print(f"pictures: {path} is stale; make docs draws it again")
    if sys.argv[1] != "write":
        print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
