#!/usr/bin/env python3
"""Judges `sluice dev` from outside: dev.py SLUICE

A copy of pipelines/hello runs on the embedded broker while its files are edited as a user
edits them. One line for each behaviour; at the end `N passed, N failed`.
"""
import base64, fcntl, http.server, json, os, pty, re, shutil, signal, socket, struct, subprocess, sys, tempfile, termios, threading, time, urllib.error, urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PATIENCE = int(os.environ.get("PATIENCE") or 1)  # so many times as long, where other tests run beside this one
START_SECONDS_MAX = 1.0 * PATIENCE
SECONDS_MAX = 20 * PATIENCE
REQUESTS, PAUSE_SECONDS = 3000, 0.001 * PATIENCE
ASKED_BEFORE = 7  # of hello, until it is put under load
SETTLE_SECONDS = 0.5 * PATIENCE  # what a change may take to be followed, where nothing says that it was
FAILS = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: worse}
spec:
  steps: [{name: s, expression: {set: {y: missing}}}]
  output: {steps: [s]}
"""
ECHO = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: echo}
spec:
  steps: [{name: s, expression: {set: {y: 1}}}]
  output: {steps: [s]}
"""
SECOND = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: second}
spec:
  steps:
  - {name: twice, expression: {set: {quote: quote * 2}}}
  - {name: identity, inputs: [twice]}
  output: {steps: [identity]}
"""

KEYED = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: keyed}
spec:
  input:
    key: who.name
    tensors: {amount: {path: amount, datatype: FP64}}
  steps:
  - {name: twice, expression: {set: {amount: amount * 2}}}
  output: {steps: [twice]}
"""


ELSEWHERE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: tree}
spec:
  steps:
  - name: foretell
    model: {local: "%s", input: quote}
  output: {steps: [foretell]}
"""
TREE = os.path.join(ROOT, "tests", "cases-own", "local-model-of-trees", "tree.json")
HEED_SECONDS_MAX = 4 * PATIENCE  # a fetch that is given up ends within a second


class Files(http.server.BaseHTTPRequestHandler):
    """/slow never ends, at two bytes a second; anything else is the file of a model"""

    def do_GET(self):
        with open(TREE, "rb") as file:
            body = file.read().replace(b'"num_feature": "2"', b'"num_feature": "3"')  # of a quote
        self.send_response(200)
        self.send_header("Content-Length", str(10 ** 6 if self.path == "/slow" else len(body)))
        self.end_headers()
        try:
            while self.path == "/slow":
                self.wfile.write(b"x")
                time.sleep(0.5)
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *_):
        pass


class Dev:
    def __init__(self, binary, folder, *more, wait=True, port=0):
        begun = time.monotonic()
        self.binary, self.folder, self.lines = binary, folder, []
        self.process = subprocess.Popen([binary, "dev", folder, "--port", str(port), *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.started = wait and self.wait_for("edit") is not None
        self.seconds = time.monotonic() - begun

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, word, after=0):
        """The first line that has it, after so many lines"""
        end = time.monotonic() + SECONDS_MAX
        while time.monotonic() < end:
            for line in self.lines[after:]:
                if word in line:
                    return line
            if self.process.poll() is not None:
                self.reader.join(SECONDS_MAX)  # what it said last
                return next((line for line in self.lines[after:] if word in line), None)
            time.sleep(0.01)
        return None

    def said(self, word):
        """What stands behind `word` at the start"""
        return next((line[len(word):].strip() for line in self.lines if line.startswith(word)), "")

    def ask(self, pipeline):
        command = [self.binary, "infer", pipeline, "-f", os.path.join(self.folder, "request.json"), "--brokers", self.said("broker"),
                   "-o", "json", "--timeout", f"{SECONDS_MAX}s"]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout + done.stderr

    def edit(self, name, change, says=None):
        path = os.path.join(self.folder, name)
        with open(path, encoding="utf-8") as file:
            text = change(file.read())
        return self.write(name, text, says)

    def write(self, name, text, says=None):
        """As editors do: another file, put in its place. `says`: what it says when it follows; gives that line"""
        path, before = os.path.join(self.folder, name), len(getattr(self, "lines", ()))
        with open(path + "~", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + "~", path)
        if says is not None:
            return self.wait_for(says, before)
        time.sleep(SETTLE_SECONDS)
        return None

    def produce(self, pipeline, count):
        """A sender, and what it is to be fed"""
        with open(os.path.join(self.folder, "request.json"), encoding="utf-8") as file:
            request = json.load(file)
        lines = [json.dumps(request | {"id": f"r{number}"}) + "\n" for number in range(count)]
        command = [self.binary, "produce", pipeline, "--brokers", self.said("broker")]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True), lines

    def tail(self, *words, enough, form="json"):
        """What `sluice tail` shows from the beginning on until nothing more comes: again until it is enough"""
        end = time.monotonic() + SECONDS_MAX
        while True:
            command = [self.binary, "tail", *words, "--from", "beginning", "--idle", "2s", "-o", form, "--brokers", self.said("broker")]
            shown = subprocess.run(command, capture_output=True, text=True).stdout
            if enough(shown) or time.monotonic() > end:
                return shown

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Judge:
    def __init__(self):
        self.passed = self.failed = 0

    def expect(self, what, good, shown=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        if not good:
            print(f"dev: {what}: no; {shown}")


def copy(place):
    folder = os.path.join(place, "hello")
    shutil.copytree(os.path.join(ROOT, "pipelines", "hello"), folder)
    return folder


def starts(judge, dev):
    judge.expect("it starts", dev.started, dev.lines)
    judge.expect(f"it is ready in under {START_SECONDS_MAX} s", dev.seconds < START_SECONDS_MAX, f"{dev.seconds:.2f} s")
    judge.expect("it says what it does not keep", any("disk" in line for line in dev.lines) and any("5 MB" in line for line in dev.lines),
                 dev.lines)
    judge.expect("its start ends with broker, try and edit", [line.split()[0] for line in dev.lines[-3:]] == ["broker", "try", "edit"],
                 dev.lines[-3:])
    judge.expect("the file to edit is there", os.path.exists(dev.said("edit")), dev.said("edit"))
    done = subprocess.run(dev.said("try"), shell=True, capture_output=True, text=True)
    judge.expect("the command that it gives answers", done.returncode == 0 and "buy" in done.stdout, done.stdout + done.stderr)


CHANGED = "hello: changed"  # is said when new requests go to the new version


def edits(judge, dev, change, says):
    judge.expect(f"an edit is followed by \"{says}\"", dev.edit("pipeline.yaml", change, says), dev.lines[-5:])


def writes(judge, dev, name, text, says):
    judge.expect(f"a new {name} is followed by \"{says}\"", dev.write(name, text, says), dev.lines[-5:])


def removes(judge, dev, pipeline):
    before = len(dev.lines)
    os.remove(os.path.join(dev.folder, pipeline + ".yaml"))
    judge.expect(f"a file that is gone ends its pipeline {pipeline}", dev.wait_for(f"{pipeline}: is not in the files any more", before), dev.lines[-5:])


def top_says(dev, fits):
    """Whether the line of `hello` in `sluice top` is soon like that"""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        done = subprocess.run([dev.binary, "top", "--once", "--brokers", dev.said("broker")], capture_output=True, text=True)
        if any(line.startswith("hello ") and fits(line) for line in done.stdout.splitlines()):
            return True
        time.sleep(0.2)
    return False


def follows(judge, dev):
    edits(judge, dev, lambda text: text.replace("probability > 0.6", "probability > 0.99"), CHANGED)
    answer = dev.ask("hello")
    judge.expect("a changed file changes its pipeline", "hold" in answer, answer)
    edits(judge, dev, lambda text: text.replace("preprocess:", "preproces:"), "reload rejected")
    judge.expect("an error is reported with its place", dev.wait_for("pipeline.yaml:8:5: error: `preproces`"), dev.lines[-5:])
    answer = dev.ask("hello")
    judge.expect("what was running goes on beside an error", "hold" in answer, answer)
    rejected = "running: its engine runs the former files: those of 20"
    judge.expect("top says that these are the former files", top_says(dev, lambda line: rejected in line), dev.lines[-5:])
    fixed = "the files have no errors any more; no pipeline has changed"
    edits(judge, dev, lambda text: text.replace("preproces:", "preprocess:"), fixed)
    edits(judge, dev, lambda text: text.replace("probability > 0.99", "probability > 0.6"), CHANGED)
    answer = dev.ask("hello")
    judge.expect("a fixed file is followed", "buy" in answer, answer)
    judge.expect("top says no more that these are former ones", top_says(dev, lambda line: line.endswith(" running")), dev.lines[-5:])
    edits(judge, dev, lambda text: text.replace("b=-0.5", "b=-50"), CHANGED)
    answer = dev.ask("hello")
    judge.expect("a changed model answers differently", "hold" in answer, answer)
    edits(judge, dev, lambda text: text.replace("b=-50", "b=-0.5"), CHANGED)


def keys_as_the_pipeline_says(judge, dev):
    """Where its files are given, a record goes by the key that they name"""
    writes(judge, dev, "keyed.yaml", KEYED, "keyed: reads")
    path = os.path.join(dev.folder, "keyed.yaml")
    lines = "".join(json.dumps({"amount": number, "who": {"name": f"n{number}"}}) + "\n" for number in range(3))
    command = [dev.binary, "produce", "keyed", "-f", path, "--brokers", dev.said("broker")]
    subprocess.run(command, input=lines, capture_output=True, text=True)
    shown = dev.tail("keyed", "-f", path, "--where", 'key == "n2"', enough=bool)
    judge.expect("a line without a key goes by the pipeline's", len(shown.splitlines()) == 1 and "[4.0]" in shown, shown)
    removes(judge, dev, "keyed")


def pipelines_come_and_go(judge, dev):
    writes(judge, dev, "second.yaml", SECOND, "second: reads")
    answer = dev.ask("second")
    judge.expect("a new file is a new pipeline", "201" in answer, answer)
    removes(judge, dev, "second")
    sender, lines = dev.produce("second", 50)
    sender.communicate("".join(lines))
    writes(judge, dev, "second.yaml", SECOND, "second: reads")
    answer = dev.ask("second")
    judge.expect("a pipeline that comes back answers", "201" in answer, answer)


def takes_any_bytes(judge, dev):
    """A text and base64 for a request, and a rate"""
    with open(os.path.join(dev.folder, "request.json"), encoding="utf-8") as file:
        request = file.read()
    lines = [{"id": "text", "body": request}, {"id": "bytes", "body_b64": base64.b64encode(request.encode()).decode()}]
    command = [dev.binary, "produce", "hello", "--rate", "4", "--brokers", dev.said("broker")]
    begun = time.monotonic()
    done = subprocess.run(command, input="\n".join(map(json.dumps, lines)), capture_output=True, text=True)
    judge.expect("requests are sent as they are written", done.returncode == 0 and "2 acknowledged" in done.stdout, done)
    judge.expect("they keep their rate", time.monotonic() - begun >= 0.25, time.monotonic() - begun)
    shown = dev.tail("hello", enough=lambda shown: all(f'"{line["id"]}"' in shown for line in lines))
    for line in lines:
        judge.expect(f"the request as {line['id']} is answered", f'"{line["id"]}"' in shown, shown)


def top_fits_and_quits(judge, dev):
    """On a terminal of 80 columns, until q"""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(dev.binary, [dev.binary, "top", "--brokers", dev.said("broker")])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    shown, end = "", time.monotonic() + SECONDS_MAX
    while "total" not in shown and time.monotonic() < end:
        shown += os.read(terminal, 65536).decode()
    lines = shown.split("\033[2J")[-1].split("\r\n")
    judge.expect("top shows the pipeline in lines of 80 columns", any(line.startswith("hello ") for line in lines) and
                 all(len(line) <= 80 for line in lines) and len(lines) <= 24, lines)
    os.write(terminal, b"q")
    code = None
    while code is None and time.monotonic() < end:
        time.sleep(0.05)
        done, status = os.waitpid(child, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if done else None
    judge.expect("top ends well at q", code == 0, code)
    os.close(terminal)


def on_a_terminal(command):
    """What the command shows on a terminal until it ends"""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    shown = ""
    while True:
        try:
            more = os.read(terminal, 65536).decode()
        except OSError:  # it has ended
            break
        if not more:
            break
        shown += more
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


def shows_progress(judge, dev):
    """Percent and the time left, while requests are sent and days are simulated; and the formats of requests"""
    writes(judge, dev, "shown.yaml", ECHO.replace("echo", "shown").replace("y: 1", "y: sum(quote)"), "shown: reads")
    request, path = os.path.join(dev.folder, "request.json"), os.path.join(dev.folder, "lines.jsonl")
    with open(request, encoding="utf-8") as file:
        line = json.dumps(json.load(file)) + "\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write(3200 * line)
    code, shown = on_a_terminal([dev.binary, "produce", "shown", path, "--rate", "800", "--brokers", dev.said("broker")])
    marks = re.findall(r"(\d+)%, (\d+) sent, \d+ acknowledged(, [01] s left)?\033?", shown)
    judge.expect("produce shows percent and the time that is left", code == 0 and len(marks) >= 4 and any(left for _, _, left in marks) and
                 all(int(part) == int(sent) * 100 // 3200 for part, sent, _ in marks), ascii(shown))
    judge.expect("produce ends with its sum", shown.endswith("\r\033[K3200 acknowledged by sluice.default.pipeline.shown.inputs, 0 refused\r\n"),
                 ascii(shown[-200:]))
    code, shown = on_a_terminal([dev.binary, "sim", "--seeds", "250"])
    marks = re.findall(r"(\d+)%, (\d+) of 250 seeds passed", shown)
    judge.expect("sim shows percent and seeds", code == 0 and marks and all(abs(int(part) - int(seeds) / 2.5) <= 1 for part, seeds in marks),
                 ascii(shown[:300]))
    answers = set()
    for form in ("given", "avro", "binary"):
        done = subprocess.run([dev.binary, "infer", "shown", "-f", request, "--request-format", form, "--brokers", dev.said("broker")],
                              capture_output=True, text=True)
        answers.add(re.sub(r"\b(infer-\w+|\d+:\d+)", "", done.stdout) + done.stderr)
    judge.expect("a request has the same answer in each format", len(answers) == 1 and " y" in min(answers), answers)
    removes(judge, dev, "shown")


def loses_nothing(judge, dev):
    """Changes while requests come; what was asked before counts too."""
    sender, lines = dev.produce("hello", REQUESTS)

    def feed():
        for line in lines:
            sender.stdin.write(line)
            sender.stdin.flush()
            time.sleep(PAUSE_SECONDS)
        sender.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    changes = followed = 0
    while feeder.is_alive():
        changes += 1
        followed += bool(dev.edit("pipeline.yaml", lambda text: text.replace("spread < 1", f"spread < 1 + {changes}"), CHANGED))
    sender.wait(SECONDS_MAX)
    dev.wait_for(f"{ASKED_BEFORE + REQUESTS} answered")
    judge.expect("there were changes under load", changes > 3, changes)
    judge.expect("each was followed", followed == changes, (followed, changes))
    asked = ASKED_BEFORE + REQUESTS
    code = dev.stop()
    judge.expect("it ends well when it is told to", code == 0, code)
    end = dev.wait_for("hello: ended")
    judge.expect("no request is lost when files change under load", end and f"answered {asked}," in end and "errors 0" in end, end)
    end = dev.wait_for("second: ended")
    judge.expect("nor one that came while its pipeline was away", end and "answered 52," in end, end)


def commands_no_terminal(judge, dev, brokers):
    """What callers wrote into ids, keys, headers and texts is shown without its control characters"""
    hostile, quiet = "\033[31mred\007\u009b", {"capture_output": True, "timeout": SECONDS_MAX}
    line = {"id": hostile, "key": hostile, "headers": {"x-note": hostile}, "body": json.dumps({"inputs": [
        {"name": hostile, "datatype": "BYTES", "shape": [1], "data": [hostile]}]})}
    done = subprocess.run([dev.binary, "produce", "worse", "--brokers", brokers], input=json.dumps(line).encode(), **quiet)
    judge.expect("a request of control characters is sent", done.returncode == 0, done)
    writes(judge, dev, "echo.yaml", ECHO, "echo: reads")
    request = os.path.join(dev.folder, "hostile.json")
    with open(request, "w", encoding="utf-8") as file:
        file.write(line["body"])
    for command in (["tail", "worse", "--from", "beginning", "--idle", f"{2 * PATIENCE}s"], ["errors", "list", "worse"], ["errors", "show", "worse"],
                    ["infer", "echo", "-f", request]):
        for form, controls in (("text", {*range(32), *range(127, 160)}), ("json", set(range(32)))):
            done = subprocess.run([dev.binary, *command, "--brokers", brokers, "-o", form], **quiet)
            shown = (done.stdout + done.stderr).decode(errors="replace").replace("\n", "")
            judge.expect(f"{command[0]} {command[1]} -o {form} shows what was sent", "red" in shown, shown)
            judge.expect(f"{command[0]} {command[1]} -o {form} commands no terminal", not controls & set(map(ord, shown)), ascii(shown))


def speaks_json(judge, binary):
    with tempfile.TemporaryDirectory() as place:
        dev = Dev(binary, copy(place), "-o", "json")
        line = dev.wait_for('"brokers"')
        start = json.loads(line) if line else {}
        judge.expect("-o json says where things are", {"brokers", "rest", "grpc", "try", "edit"} <= start.keys(), line)
        done = subprocess.run(start.get("try", "false"), shell=True, capture_output=True, text=True)
        judge.expect("its command answers too", done.returncode == 0, done.stderr)
        line = dev.wait_for('"rate"')
        row = json.loads(line) if line else {}
        judge.expect("-o json says how pipelines are", row.get("pipeline") == "hello" and row.get("answered") == 1, line)
        writes(judge, dev, "worse.yaml", FAILS, "worse: reads")
        command = [binary, "infer", "worse", "-f", os.path.join(dev.folder, "request.json"), "--brokers", start["brokers"]]
        subprocess.run(command, capture_output=True, timeout=SECONDS_MAX)
        dev.wait_for("requests failed")
        commands_no_terminal(judge, dev, start["brokers"])
        judge.expect("it ends well", dev.stop() == 0)
        logs = [row for row in map(json.loads, dev.lines) if "level" in row]
        judge.expect("each line of its log has time, level, message and engine",
                     len(logs) > 3 and all({"time", "level", "message", "engine"} <= row.keys() for row in logs), logs)
        failed = [row for row in logs if "1 of 1 requests failed" in row["message"] and "`missing`" in row["message"]]
        judge.expect("failed requests are summed up with the last reason",
                     failed and failed[0].get("pipeline") == "worse" and failed[0].get("step") == "s" and failed[0]["level"] == "warn", logs)


OF_NAMESPACE = ("apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s, namespace: %s}\n"
                "spec: {steps: [{name: s, expression: {set: {x: x}}}], output: {steps: [s]}}\n")
SERVICE = "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec: {config: {serviceConfig: %s}}\n"


def free_port():
    """One that no other caller of this user is given, and no outgoing connection gets: as tests/kafka/ports.sh says"""
    ports = os.path.join(ROOT, "tests", "kafka", "ports.sh")
    return int(subprocess.run(["bash", "-c", '. "$0"; free_port', ports], capture_output=True, text=True, check=True).stdout)


def is_served(port, host="127.0.0.1"):
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex((host, port)) == 0


def takes_the_ports_of_the_files(judge, binary):
    """Those of serviceConfig, on loopback alone; options win, and edits move it"""
    first, second, by_option, grpc = (free_port() for _ in range(4))
    with tempfile.TemporaryDirectory() as place:
        folder = copy(place)

        def write(service):
            with open(os.path.join(folder, "runtime.yaml"), "w", encoding="utf-8") as file:
                file.write(SERVICE % service)
        write("{http: {port: %d}, grpc: {port: %d}}" % (first, grpc))
        dev = Dev(binary, folder)
        judge.expect("the gateway has the files' ports", dev.said("gateway").endswith(f":{first}") and dev.said("grpc").endswith(f":{grpc}")
                     and is_served(first) and is_served(grpc), dev.lines)
        judge.expect("on loopback alone", not is_served(first, "127.0.0.2"))
        metrics = (dev.wait_for("metrics are at") or "metrics are at nowhere").split("metrics are at ")[1].split()[0]
        judge.expect("it has metrics without an option", metrics.startswith("http://127.0.0.1:") and
                     b"sluice_pipeline_requests_total" in urllib.request.urlopen(metrics, timeout=SECONDS_MAX).read(), metrics)
        write("{http: {port: %d}, grpc: {port: %d}}" % (second, grpc))
        judge.expect("an edit moves it", dev.wait_for(f"the gateway is at 127.0.0.1:{second}") and is_served(second) and not is_served(first)
                     and is_served(grpc), dev.lines)
        judge.expect("it ends well, too", dev.stop() == 0)
        dev = Dev(binary, folder, "--http", str(by_option), "--grpc", "0")
        judge.expect("options win", dev.said("gateway").endswith(f":{by_option}") and not dev.said("grpc").endswith(f":{grpc}")
                     and not is_served(second) and not is_served(grpc), dev.lines)
        dev.stop()
        write("{http: {enabled: false, port: %d}}" % first)
        dev = Dev(binary, folder)
        judge.expect("one that is switched off in the files has a free port", dev.said("gateway") and not is_served(first), dev.lines)
        dev.stop()


def timed(act):
    begun = time.monotonic()
    done = act()
    return done, time.monotonic() - begun


def heeds_while_it_fetches(judge, binary, address):
    with tempfile.TemporaryDirectory() as place:
        dev = Dev(binary, copy(place))
        dev.write("tree.yaml", ELSEWHERE % f"{address}/slow")
        judge.expect("a slow file is fetched while the engine runs", dev.wait_for("fetching remote files"), dev.lines)
        answer, seconds = timed(lambda: dev.ask("hello"))
        judge.expect("requests are answered meanwhile", "probability" in answer and seconds < HEED_SECONDS_MAX, f"{answer} in {seconds:.1f} s")
        dev.write("tree.yaml", ELSEWHERE % f"{address}/tree.json")
        found, seconds = timed(lambda: dev.wait_for("tree: "))
        judge.expect("an edit is followed meanwhile", found and seconds < HEED_SECONDS_MAX, f"{dev.lines} in {seconds:.1f} s")
        answer = dev.ask("tree")
        judge.expect("what was fetched is the model", '"predict"' in answer, answer)
        dev.write("tree.yaml", ELSEWHERE % f"{address}/slow")
        time.sleep(SETTLE_SECONDS)
        code, seconds = timed(dev.stop)
        judge.expect("a signal is heeded meanwhile", code == 0 and seconds < HEED_SECONDS_MAX, f"{code} in {seconds:.1f} s")


def heeds_before_it_starts(judge, binary, address):
    with tempfile.TemporaryDirectory() as place:
        folder = copy(place)
        dev = Dev.__new__(Dev)
        dev.folder = folder
        dev.write("tree.yaml", ELSEWHERE % f"{address}/slow")
        dev = Dev(binary, folder, wait=False)
        time.sleep(2 * SETTLE_SECONDS)
        dev.write("tree.yaml", ELSEWHERE % f"{address}/tree.json")
        found, seconds = timed(lambda: dev.wait_for("edit "))
        judge.expect("an edit is heeded before the start", found and seconds < HEED_SECONDS_MAX, f"{dev.lines} in {seconds:.1f} s")
        judge.expect("it ends well", dev.stop() == 0)
        dev.write("tree.yaml", ELSEWHERE % f"{address}/slow")
        dev = Dev(binary, folder, wait=False)
        time.sleep(2 * SETTLE_SECONDS)
        code, seconds = timed(dev.stop)
        judge.expect("a signal is heeded before the start", code != 0 and seconds < HEED_SECONDS_MAX, f"{code} in {seconds:.1f} s")


SLOW = """apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: slow}
spec: {storageUri: "stub://slow?ms=%d&then=add10"}
""" % (4000 * SETTLE_SECONDS)


def takes_a_signal_twice(judge, binary):
    """`timeout` and systemd signal a process and its group: what is open is answered, and it ends well"""
    with tempfile.TemporaryDirectory() as place:
        folder = copy(place)
        with open(os.path.join(folder, "slow.yaml"), "w", encoding="utf-8") as file:
            file.write(SLOW)
        dev = Dev(binary, folder)
        answers = []

        def ask():
            body = b'{"inputs": [{"name": "INPUT", "shape": [1], "datatype": "FP32", "data": [1]}]}'
            request = urllib.request.Request(dev.said("gateway") + "/v2/models/slow/infer", body, {"content-type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                    answers.append((answer.status, answer.read()))
            except urllib.error.HTTPError as failed:
                answers.append((failed.code, failed.read()))
            except OSError as failed:
                answers.append((0, str(failed).encode()))
        caller = threading.Thread(target=ask)
        caller.start()
        time.sleep(SETTLE_SECONDS)
        for _ in range(2):
            dev.process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
        caller.join()
        judge.expect("an open call is answered after two signals", answers[0][0] == 200 and b"11" in answers[0][1], answers)
        judge.expect("it ends well after two signals", dev.process.wait(SECONDS_MAX) == 0, dev.lines)
        dev = Dev(binary, folder)
        for pause in (0, 0.002, 0.02, 0.04):
            time.sleep(pause)
            dev.process.send_signal(signal.SIGTERM)
        judge.expect("it ends well whenever another signal comes", dev.process.wait(SECONDS_MAX) == 0, dev.process.returncode)


def handles_a_hangup(process):
    """Its signals are caught, or blocked and taken from a queue: before that SIGHUP ends any process"""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        masks = [int(line.split()[1], 16) for line in file if line.startswith(("SigBlk:", "SigCgt:"))]
    return any(mask >> (signal.SIGHUP - 1) & 1 for mask in masks)


def outlives_a_hangup(judge, binary, start, heard):
    """A process that waits for Kafka is told to read its files again: it does when it runs"""
    with tempfile.TemporaryDirectory() as place:
        path, port = os.path.join(place, "echo.yaml"), free_port()
        with open(path, "w", encoding="utf-8") as file:
            file.write(ECHO)
        command = [binary, *start, "-f", path, "--brokers", f"127.0.0.1:{port}"]
        log = os.path.join(place, "process.log")

        def waits():
            with open(log, "a", encoding="utf-8") as file:
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file)
            end = time.monotonic() + SECONDS_MAX
            while not handles_a_hangup(process) and time.monotonic() < end:
                time.sleep(0.05)
            process.send_signal(signal.SIGHUP)
            time.sleep(SETTLE_SECONDS)
            judge.expect("it waits on after SIGHUP", process.poll() is None, process.returncode)
            return process

        def is_told(words):
            with open(log, encoding="utf-8") as file:
                return words in file.read()
        process = waits()
        process.terminate()
        judge.expect("it ends well when it is told to stop while it waits", process.wait(SECONDS_MAX) == 0, process.returncode)
        process = waits()
        with open(path, "w", encoding="utf-8") as file:
            file.write(ECHO.replace("echo", "other"))
        kafka = Dev(binary, copy(place), port=port)
        end = time.monotonic() + SECONDS_MAX
        while not is_told(heard) and time.monotonic() < end:
            time.sleep(0.1)
        with open(log, encoding="utf-8") as file:
            judge.expect("it reads its files again when it runs", is_told(heard), file.read())
        process.terminate()
        judge.expect("it ends well", process.wait(SECONDS_MAX) == 0, process.returncode)
        kafka.stop()


WINDOWED = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: windowed}
spec:
  input:
    time: {field: at.time, unit: iso8601}
    tensors: {who: {path: who.name, datatype: BYTES}, bids: {path: "bids[*].px", shape: [3]}}
  steps: [{name: sums, aggregate: {key: who, window: {count: 2}, set: {total: sum(bids)}}}]
  output: {steps: [sums]}
"""


def prints_lines_that_work(judge, binary):
    """Without a request.json: the line has what the plan infers, and submits where no call is answered"""
    for name, yaml, words in (("keyed", KEYED, '"amount"'), ("windowed", WINDOWED, '"outputs":"sluice.default.pipeline.windowed.outputs"'),
                              ("echo", ECHO, '"y"')):
        with tempfile.TemporaryDirectory() as place:
            with open(os.path.join(place, "pipeline.yaml"), "w", encoding="utf-8") as file:
                file.write(yaml)
            dev = Dev(binary, place)
            done = subprocess.run(dev.said("curl") + " -s -f", shell=True, capture_output=True, text=True)
            judge.expect(f"the curl line of {name} works when it is pasted", done.returncode == 0 and words in done.stdout,
                         dev.said("curl") + done.stdout + done.stderr)
            judge.expect(f"its request is said to be an example where nothing is known of {name}",
                         ("only an example" in dev.said("note")) == (name == "echo"), dev.lines)
            if name == "keyed":
                done = subprocess.run(dev.said("try"), shell=True, capture_output=True, text=True)
                judge.expect("its other command works, too", done.returncode == 0 and "amount" in done.stdout, done.stdout + done.stderr)
            dev.stop()


def refuses(judge, binary):
    with tempfile.TemporaryDirectory() as place:
        folder = copy(place)
        with open(os.path.join(folder, "pipeline.yaml"), "a", encoding="utf-8") as file:
            file.write("  nonsense: true\n")
        done = subprocess.run([binary, "dev", folder, "--port", "0"], capture_output=True, text=True, timeout=SECONDS_MAX)
        judge.expect("faulty files do not start", done.returncode == 1 and "nonsense" in done.stderr, done.stderr)
    done = subprocess.run([binary, "dev", "/nowhere", "--port", "0"], capture_output=True, text=True, timeout=SECONDS_MAX)
    judge.expect("a folder that is not there is misuse", done.returncode == 2 and "/nowhere" in done.stderr, done.stderr)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "pipelines.yaml"), "w", encoding="utf-8") as file:
            file.write("---\n".join(OF_NAMESPACE % names for names in (("a", "one"), ("b", "two"))))
        for option in "--http", "--grpc":
            done = subprocess.run([binary, "dev", folder, "--port", "0", option, "0"], capture_output=True, text=True, timeout=SECONDS_MAX)
            judge.expect(f"{option} is not taken where there can be no gateway", done.returncode == 1
                         and f"no gateway at the port of {option}: pipeline b is of namespace two" in done.stderr and "Correct that" in done.stderr, done)
        dev = Dev(binary, folder)
        judge.expect("without them it runs, and warns", dev.started and not dev.said("gateway")
                     and any(" warn " in line and "there is no gateway: pipeline b" in line for line in dev.lines), dev.lines)
        dev.stop()


def main():
    judge, binary = Judge(), os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        dev = Dev(binary, copy(place))
        try:
            for part in (starts, follows, takes_any_bytes, top_fits_and_quits, keys_as_the_pipeline_says, pipelines_come_and_go, shows_progress,
                         loses_nothing):
                part(judge, dev)
        finally:
            dev.stop()
    speaks_json(judge, binary)
    prints_lines_that_work(judge, binary)
    refuses(judge, binary)
    takes_the_ports_of_the_files(judge, binary)
    takes_a_signal_twice(judge, binary)
    outlives_a_hangup(judge, binary, ["run"], "the files were reloaded")
    outlives_a_hangup(judge, binary, ["gateway", "--http", "0"], "the files were read again")
    files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    files.daemon_threads = True
    threading.Thread(target=files.serve_forever, daemon=True).start()
    for part in (heeds_while_it_fetches, heeds_before_it_starts):
        part(judge, binary, f"http://127.0.0.1:{files.server_port}")
    print(f"{judge.passed} passed, {judge.failed} failed")
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
