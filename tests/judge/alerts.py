#!/usr/bin/env python3
"""Judges alerts through `sluice dev` with a real receiver on the loopback: alerts.py SLUICE

Error rates, values of messages and drift make one notice of the firing and one of its end; a receiver that is away gets each
notice once when it is back; addresses that are not allowed get none. At the end `N passed, N failed`.
"""
import hashlib, hmac, http.server, json, os, random, re, shutil, signal, socketserver, subprocess, sys, tempfile, threading
import time
import urllib.error, urllib.request

from dev import PATIENCE, free_port

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SECONDS_MAX = 30 * PATIENCE
SILENCE_SECONDS = 6 * min(PATIENCE, 2)
QUIET_SECONDS = 2.5  # in which nothing more may come
HEAD = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: watched}
spec:
  steps:
  - {name: s, expression: {set: {y: x * 2, z: "div(1000, x)"}}}
  output: {steps: [s]}
  alerts:
"""
ALERT = """  - name: %s
    condition: %s
    over: 3s
    resolveAfter: 2s
    actions: [{type: webhook, url: "%s"%s}]
"""
FAILING = ("failing", "error_rate > 0.5")
LARGE = ("large", "y > 100")


class Receiver:
    """Keeps what is posted; `status` is what it answers, with `location` if that is set. The first time it is busy for some
    seconds, if those are set, and says so"""

    def __init__(self, port=0, status=200, location=None, host="127.0.0.1", busy_seconds=0):
        got = self.got = []
        times = self.times = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((dict(self.headers), body))
                times.append(time.monotonic())
                busy = busy_seconds and len(got) == 1
                self.send_response(429 if busy else status)
                if busy:
                    self.send_header("Retry-After", str(busy_seconds))
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((host, port), Handler)
        self.url = f"http://{host}:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def notices(self):
        return [json.loads(body) for _, body in list(self.got)]

    def has(self, alert, status):
        return (alert, status) in {(notice["alert"], notice["status"]) for notice in self.notices()}

    def wait_for(self, alert, status):
        end = time.monotonic() + SECONDS_MAX
        while not self.has(alert, status) and time.monotonic() < end:
            time.sleep(0.05)
        return self.notices()

    def wait(self, count):
        end = time.monotonic() + SECONDS_MAX
        while len(self.got) < count and time.monotonic() < end:
            time.sleep(0.05)
        return self.notices()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server that takes everything but mails to gone@, without TLS"""
    allow_reuse_address = daemon_threads = True

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().decode().strip():
                word = line.split(":")[0].split(" ")[0].upper()
                self.server.lines.append(line)
                if word == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    while (data := self.rfile.readline()) not in (b".\r\n", b""):
                        self.server.lines.append(data.decode().rstrip())
                unknown = word == "RCPT" and "<gone@" in line
                self.wfile.write(b"221 bye\r\n" if word == "QUIT" else b"550 no such user\r\n" if unknown else b"250 good\r\n")

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Mailbox.Handler)
        self.lines = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait_for(self, word):
        end = time.monotonic() + SECONDS_MAX
        while time.monotonic() < end and not any(word in line for line in list(self.lines)):
            time.sleep(0.05)
        return list(self.lines)


class Dev:
    def __init__(self, binary, folder, *more):
        self.lines = []
        command = [binary, "dev", folder, "--port", "0", "--metrics", "0", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        self.gateway = self.wait_for(r"^gateway +(\S+)")
        self.metrics = self.wait_for(r"metrics are at (\S+)")
        self.wait_for(r"^(edit) ")

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, pattern):
        end = time.monotonic() + SECONDS_MAX
        while time.monotonic() < end:
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found.group(1)
            time.sleep(0.02)
        return None

    def ask(self, request, pipeline="watched"):
        url = f"{self.gateway}/v2/pipelines/{pipeline}/infer"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, json.dumps(request).encode()), timeout=SECONDS_MAX) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def ask_of(self, value):
        return self.ask({"inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "data": [value]}]})

    def metric(self, name, alert):
        with urllib.request.urlopen(self.metrics, timeout=SECONDS_MAX) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + "{") and f'alert="{alert}"' in line:
                    return float(line.split()[-1])
        return None

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
            print(f"alerts: {what}: no; {shown}")


def write(folder, text):
    with open(os.path.join(folder, "pipeline.yaml"), "w", encoding="utf-8") as file:
        file.write(text)


def of(notices, alert):
    return [(notice["status"], notice["id"]) for notice in notices if notice["alert"] == alert]


def fires_and_resolves(judge, binary, folder):
    receiver = Receiver()
    write(folder, HEAD + ALERT % (*FAILING, receiver.url, "") + ALERT % (*LARGE, receiver.url, ""))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        time.sleep(1.5)
        judge.expect("a good request is answered", dev.ask_of(5) == 200)
        judge.expect("bad requests are errors", all(dev.ask_of(0) == 400 for _ in range(5)))
        judge.expect("a large value is answered", dev.ask_of(60) == 200)
        receiver.wait(2)
        judge.expect("/metrics has what fires", dev.metric("sluice_alert_firing", "failing") == 1, dev.metric("sluice_alert_firing", "failing"))
        notices = receiver.wait(4)
        time.sleep(QUIET_SECONDS)
        notices = receiver.notices()
        for alert in ("failing", "large"):
            came = of(notices, alert)
            judge.expect(f"{alert}: one notice of the firing, and one of its end", [status for status, _ in came] == ["firing", "resolved"],
                         notices)
            judge.expect(f"{alert}: both have the id of the firing", len({firing for _, firing in came}) == 1, came)
        judge.expect("the figure is in the notice", any(notice["values"].get("error_rate", 0) > 0.5 for notice in notices), notices)
        judge.expect("the key of each notice is its own", len({headers["Idempotency-Key"] for headers, _ in receiver.got}) == 4)
        judge.expect("/metrics counts what was sent", dev.metric("sluice_alert_notices_sent_total", "large") == 2)
        judge.expect("nothing fires any more", dev.metric("sluice_alert_firing", "failing") == 0)
    finally:
        judge.expect("it stops", dev.stop() == 0, dev.lines[-5:])
        receiver.close()


def waits_for_its_receiver(judge, binary, folder):
    port = free_port()
    url = f"http://127.0.0.1:{port}/hook"
    write(folder, HEAD + ALERT % (*FAILING, url, "") + ALERT % (*LARGE, url, ""))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    receiver = None
    try:
        time.sleep(1.5)
        for value in (0, 0, 60):
            dev.ask_of(value)
        resolved = [dev.wait_for(f"the alert ({alert}) is resolved") for alert in ("failing", "large")]
        judge.expect("both resolve while the receiver is away", resolved == ["failing", "large"], dev.lines[-8:])
        begun = time.monotonic()
        judge.expect("answers do not wait for it", dev.ask_of(5) == 200 and time.monotonic() - begun < PATIENCE)
        receiver = Receiver(port)
        receiver.wait(4)
        time.sleep(QUIET_SECONDS)
        notices = receiver.notices()
        judge.expect("each notice comes once when it is back", sorted(notice["notice"] for notice in notices)
                     == sorted({f"{notice['id']}-{status}" for notice in notices for status in ("firing", "resolved")})
                     and len(notices) == 4, notices)
        judge.expect("in their order", all([status for status, _ in of(notices, alert)] == ["firing", "resolved"]
                                           for alert in ("failing", "large")), notices)
        judge.expect("none has failed", dev.metric("sluice_alert_notices_failed_total", "large") == 0)
        said = sum("is sent again" in line for line in dev.lines)
        judge.expect("the log tells of it a few times", 1 <= said <= 4, dev.lines)
    finally:
        dev.stop()
        if receiver:
            receiver.close()


def leaves_a_busy_receiver_alone(judge, binary, folder):
    receiver = Receiver(busy_seconds=4)
    write(folder, HEAD + ALERT % (*LARGE, receiver.url, ""))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        time.sleep(1.5)
        dev.ask_of(60)
        notices = receiver.wait(3)
        judge.expect("a notice that came too soon comes again, and then its end", [notice["status"] for notice in notices]
                     == ["firing", "firing", "resolved"], notices)
        judge.expect("after the time that the receiver asks for", receiver.times[1] - receiver.times[0] >= 4, receiver.times)
        judge.expect("it has not failed", dev.metric("sluice_alert_notices_failed_total", "large") == 0)
    finally:
        dev.stop()
        receiver.close()


def reaches_only_what_is_allowed(judge, binary, folder):
    inner = Receiver(host="127.0.0.2")
    outer = Receiver(status=307, location=inner.url)
    strange = Receiver(status=302, location="file:///etc/hostname")
    disguised = {"number": "2130706434", "mapped": "[::ffff:127.0.0.2]", "octal": "0177.0.0.2", "short": "127.2"}
    write(folder, HEAD + ALERT % (*LARGE, outer.url, "") + ALERT % ("inner", "y > 100", inner.url, "")
          + ALERT % ("strange", "y > 100", strange.url, "") + "".join(
        ALERT % (name, "y > 100", f"http://{host}:{inner.server.server_port}/hook", "") for name, host in disguised.items()))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        time.sleep(1.5)
        dev.ask_of(60)
        judge.expect("an address that is not allowed is said",
                     dev.wait_for("alert inner was not delivered to the webhook at 127.0.0.2:[0-9]+, and is given up: the receiver is at (127.0.0.2), which is not a public address"), dev.lines)
        judge.expect("and a redirection to it", dev.wait_for("alert large was not delivered to the webhook at 127.0.0.1:[0-9]+, and is given up: the receiver is at (127.0.0.2)"), dev.lines)
        for name, host in disguised.items():
            judge.expect(f"and the same address as {host}",
                         dev.wait_for(f"alert {name} was not delivered to the webhook at {re.escape(host)}:[0-9]+, and is given up: the receiver is at " r"((?:::ffff:)?127.0.0.2)"), dev.lines)
        judge.expect("and a redirection to what is not HTTP", dev.wait_for("alert strange was not delivered to the webhook at 127.0.0.1:[0-9]+, "
                     "and is given up: (the receiver answers 302; it redirects in a circle, or where it may not: write the last URL)"), dev.lines)
        judge.expect("it got nothing", inner.got == [] and len(outer.got) >= 1, inner.got)
        time.sleep(QUIET_SECONDS)
        judge.expect("a refused notice is not sent again", len(outer.got) <= 2, len(outer.got))
        judge.expect("it is counted", dev.metric("sluice_alert_notices_failed_total", "inner") >= 1)
    finally:
        dev.stop()
        inner.close()
        outer.close()
        strange.close()


def signs_and_mails(judge, binary, folder):
    receiver, mailbox = Receiver(), Mailbox()
    template = ', secret: "env:SLUICE_SECRET_ALERT", template: "{\\"text\\": \\"{{alert}} is {{ status }}\\"}"'
    mail = '    inhibitedBy: [other]\n  - name: mailed\n    condition: y > 100\n    actions: [{type: email, recipients: [team@example.com]}]\n'
    other = ALERT % ("other", "x > 50", receiver.url, "")
    thief, keys = Receiver(), tempfile.mkdtemp()
    with open(os.path.join(keys, "pager"), "w", encoding="utf-8") as file:
        file.write("routing key\n")
    os.symlink("/etc/hostname", os.path.join(keys, "out"))
    stolen = "".join(ALERT % (name, "y > 100", thief.url, f', format: pagerduty, secret: "{secret}"')
                     for name, secret in (("link", "file:out"), ("paged", "file:pager")))
    write(folder, HEAD + ALERT % (*LARGE, receiver.url, template) + "    silence: {until: 2020-01-01T00:00Z, reason: over}\n" + other
          + stolen + ALERT % ("quiet", "y > 100", receiver.url, "") + mail
          + ALERT % ("silent", "y > 100", receiver.url, "") + "    silence: {until: 2999-01-01T00:00Z}\n")
    os.environ["SLUICE_SECRET_ALERT"] = "key of the test"
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.0/8", "--smtp", f"smtp://127.0.0.1:{mailbox.server_address[1]}",
              "--mail-from", "sluice@example.com", "--secrets", keys)
    try:
        time.sleep(1.5)
        dev.ask_of(60)
        lines = mailbox.wait_for("The alert mailed")
        judge.expect("a mail has its recipient and its subject", "RCPT TO:<team@example.com>" in lines
                     and "Subject: [firing] watched: mailed" in lines, lines)
        receiver.wait(2)
        time.sleep(QUIET_SECONDS)
        signed = [(headers, body) for headers, body in receiver.got if "X-Sluice-Signature" in headers]
        judge.expect("a template is filled in", signed and json.loads(signed[0][1]) == {"text": "large is firing"}, signed)
        wanted = "sha256=" + hmac.new(b"key of the test", signed[0][1] if signed else b"", hashlib.sha256).hexdigest()
        judge.expect("and signed", signed and signed[0][0]["X-Sluice-Signature"] == wanted, signed)
        names = {json.loads(body).get("alert") for _, body in receiver.got}
        judge.expect("inhibited and silenced alerts say nothing", names == {None, "other"}, names)
        sent = [json.loads(body)["routing_key"] for _, body in thief.got]
        judge.expect("a key comes from the folder of secrets, and no file to which a link leads out of it", sent
                     and set(sent) == {"routing key"}, thief.got)
        judge.expect("which the log says", dev.wait_for("(out leads out of its folder)"), dev.lines)
    finally:
        dev.stop()
        receiver.close()
        thief.close()
        shutil.rmtree(keys)
        mailbox.shutdown()
        mailbox.server_close()


def sends_no_secret_of_the_engine(judge, binary, folder):
    """YAML that names a file or a variable which is the engine's own: no command takes it, and the receiver gets nothing"""
    receiver = Receiver()
    environment = {**os.environ, "KAFKA_PASSWORD": "hunter2"}
    for secret in ("file:/etc/hostname", "file:../../etc/hostname", "env:KAFKA_PASSWORD"):
        write(folder, HEAD + ALERT % (*LARGE, receiver.url, f', format: pagerduty, secret: "{secret}"'))
        for command in ("lint", "plan", "run -f", "gateway", "dev", "alerts test -f", "apply"):
            brokers = [] if command in ("lint", "dev") else ["--brokers", "127.0.0.1:1"]
            ended = subprocess.run([binary, *command.split(), folder, *brokers], env=environment, timeout=SECONDS_MAX, check=False,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            judge.expect(f"`{command}` refuses {secret}", ended.returncode != 0 and "SL0543" in ended.stdout, ended.stdout)
    judge.expect("nothing is posted", receiver.got == [], receiver.got)
    receiver.close()


def tests_with_secrets(judge, binary, folder):
    """A case whose files name a login in the folder of secrets runs with that folder, and is told of the option without it"""
    cache = 'caching: {enabled: true, backend: redis, address: "cache:6379", login: "file:cache"}'
    write(folder, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
          '  - {name: m, model: {storageUri: "stub://expression?x=x*2"}}\n  output: {steps: [m]}\n---\n'
          "kind: Performance\nperformance_optimizations: {%s}\n" % cache)
    tensor = '{"name": "x", "datatype": "INT64", "shape": [1], "data": [%d]}'
    with open(os.path.join(folder, "in.jsonl"), "w", encoding="utf-8") as file:
        file.write('{"id": "1", "request": {"inputs": [%s]}}\n' % tensor % 1)
    with open(os.path.join(folder, "out.jsonl"), "w", encoding="utf-8") as file:
        file.write('{"id": "1", "response": {"outputs": [%s]}}\n' % tensor % 2)
    with tempfile.TemporaryDirectory() as keys:
        with open(os.path.join(keys, "cache"), "w", encoding="utf-8") as file:
            file.write("user:password\n")
        for options, code, words in (([], 1, "give --secrets DIR"), (["--secrets", keys], 0, "1 passed")):
            ended = subprocess.run([binary, "test", folder, *options], timeout=SECONDS_MAX, check=False, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
            judge.expect(f"a case whose files name a secret, with {options}", (ended.returncode, words in ended.stdout) == (code, True),
                         ended.stdout)


def silences_end(judge, binary, folder):
    """A Silence that comes and goes while the alert fires: nothing meanwhile, and the notice at its end, of the same firing"""
    receiver = Receiver()
    write(folder, HEAD + ALERT.replace("resolveAfter: 2s", "resolveAfter: 30s") % (*LARGE, receiver.url, "")
          + ALERT % ("loud", "y > 100", receiver.url, ""))

    def silence(*more):
        words = [binary, "alerts", "silence", "large", "--for", f"{SILENCE_SECONDS}s", "--reason", "moving", "--author", "ann", *more]
        return subprocess.run([*words, "-f", folder, "--out", os.path.join(folder, "quiet.yaml")], capture_output=True, text=True)

    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        made = silence()
        begun = time.monotonic()
        judge.expect("a silence is written as a file", made.returncode == 0, made.stderr)
        listed = subprocess.run([binary, "alerts", "list", "-f", folder], capture_output=True, text=True).stdout
        judge.expect("alerts list shows it, its author and its end",
                     re.search(r"large\n(  .*\n)*  silenced until \d{4}-\d\d-\d\dT\S+Z by ann: moving\n", listed), listed)
        end = time.monotonic() + SILENCE_SECONDS - 2
        while dev.metric("sluice_alert_silenced", "large") != 1 and time.monotonic() < end:
            time.sleep(0.1)
        judge.expect("an engine that runs reads it", dev.metric("sluice_alert_silenced", "large") == 1, dev.lines[-5:])
        judge.expect("a large value is answered", dev.ask_of(60) == 200)
        receiver.wait(1)
        judge.expect("another alert is not silenced", {notice["alert"] for notice in receiver.notices()} == {"loud"}, receiver.notices())
        judge.expect("a silenced alert keeps its state", dev.metric("sluice_alert_firing", "large") == 1)
        while not of(receiver.notices(), "large") and time.monotonic() < begun + SECONDS_MAX:
            time.sleep(0.1)
        waited = time.monotonic() - begun
        judge.expect("its end sends the notice, if it still fires", [status for status, _ in of(receiver.notices(), "large")] == ["firing"]
                     and waited > SILENCE_SECONDS - 1.5, (waited, receiver.notices()))
        judge.expect("of the same firing", dev.metric("sluice_alert_silenced", "large") == 0
                     and sum("the alert large is firing" in line for line in dev.lines) == 1, dev.lines[-5:])
        made = silence("--pipeline", "wathced")
        judge.expect("a pipeline without that alert is refused", made.returncode == 2 and "no alert `large`" in made.stderr, made.stderr)
    finally:
        dev.stop()
        receiver.close()


def counts_what_is_missing(judge, binary, folder):
    """A message without the value is counted, by itself and with `groupBy`; seconds without messages are not"""
    receiver = Receiver()
    write(folder, HEAD + ALERT % (*LARGE, receiver.url, "") + ALERT % ("other", "w > 5", receiver.url, "")
          + (ALERT % ("each", "w > 5", receiver.url, "")).replace("over: 3s", 'groupBy: header("x-g") ?? "none"'))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")

    def missing():
        return [dev.metric("sluice_alert_missing_total", alert) for alert in ("large", "other", "each")]

    try:
        judge.expect("a request without w and one that fails", dev.ask_of(1) == 200 and dev.ask_of(0) == 400, dev.lines[-3:])
        more = {"name": "w", "datatype": "INT64", "shape": [1], "data": [1]}
        asked = {"inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "data": [1]}, more]}
        judge.expect("requests with it", dev.ask(asked) == 200 and dev.ask(asked) == 200, dev.lines[-3:])
        end = time.monotonic() + SECONDS_MAX
        while missing() != [0, 1, 1] and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(QUIET_SECONDS)
        judge.expect("one message lacked it", missing() == [0, 1, 1], missing())
    finally:
        dev.stop()
        receiver.close()


STAGES = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: watched}
spec:
  steps:
  - {name: first, features: {key: 'header("x-k") ?? "a"', set: {m: mean(x over 5)}}}
  - {name: between, inputs: [first], expression: {set: {z: x * 2}, keep: [z]}}
  - {name: last, inputs: [between], features: {key: "text(z[0])", set: {q: mean(z over 5)}}}
  output: {steps: [last]}
  alerts:
"""


def counts_what_is_missing_in_all_stages(judge, binary, folder):
    """A value that only the first of two stages has is not missing in the second; one that none has is missing once"""
    receiver = Receiver()
    alerts = [("early", "m > 100"), ("late", "q > 100"), ("never", "w > 100")]
    grouped = (ALERT % ("each", "m > 100", receiver.url, "")).replace("over: 3s", 'groupBy: header("x-g") ?? "none"')
    write(folder, STAGES + "".join(ALERT % (*alert, receiver.url, "") for alert in alerts) + grouped)
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")

    def missing():
        return [dev.metric("sluice_alert_missing_total", alert) for alert in ("early", "late", "each", "never")]

    try:
        judge.expect("requests of two stages are answered", [dev.ask_of(i) for i in range(5)] == [200] * 5, dev.lines[-3:])
        end = time.monotonic() + SECONDS_MAX
        while missing() != [0, 0, 0, 5] and time.monotonic() < end:
            time.sleep(0.2)
        judge.expect("each message lacked what no stage has", missing() == [0, 0, 0, 5], missing())
    finally:
        dev.stop()
        receiver.close()


def groups_have_a_state_each(judge, binary, folder):
    """Two groups that fire, and a third that is silenced: notices name them, and each ends by itself"""
    receiver = Receiver()
    text = (HEAD + ALERT % (*LARGE, receiver.url, "")).replace("over: 3s", "groupBy: request.g")
    write(folder, text + "---\napiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: quiet}\n"
          "spec: {alert: large, group: XLON, until: 2099-01-01T00:00Z, reason: closed}\n")

    def ask(value, group):
        tensors = [{"name": "x", "datatype": "INT64", "shape": [1], "data": [value]},
                   {"name": "g", "datatype": "BYTES", "shape": [1], "data": [group]}]
        return dev.ask({"inputs": tensors})

    def shown():
        return [(notice["group"], notice["status"]) for notice in receiver.notices()]

    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        judge.expect("requests of three groups are answered",
                     all(ask(60, group) == 200 for group in ("XNYS", "XNAS", "XLON")) and ask(1, "XPAR") == 200, dev.lines[-3:])
        receiver.wait(2)
        judge.expect("a notice for each group that is not silenced", sorted(shown()) == [("XNAS", "firing"), ("XNYS", "firing")],
                     receiver.notices())
        judge.expect("their ids differ", len({notice["id"] for notice in receiver.notices()}) == 2, receiver.notices())
        judge.expect("/metrics counts the groups that fire", dev.metric("sluice_alert_firing", "large") == 3)
        end = time.monotonic() + SECONDS_MAX
        while ("XNAS", "resolved") not in shown() and time.monotonic() < end:
            ask(60, "XNYS")
            time.sleep(0.3)
        judge.expect("one group ends while another fires", sorted(shown()) ==
                     [("XNAS", "firing"), ("XNAS", "resolved"), ("XNYS", "firing")], receiver.notices())
        receiver.wait(4)
        judge.expect("and then the other one", sorted(shown())[3:] == [("XNYS", "resolved")], receiver.notices())
        judge.expect("the log names the group", any("the alert large is firing for XNAS: y > 100" in line for line in dev.lines))
        listed = subprocess.run([binary, "alerts", "list", "-f", folder], capture_output=True, text=True).stdout
        judge.expect("alerts list has the groups and the silence of one", "for each request.g" in listed
                     and "silenced for XLON until 2099" in listed, listed)
        judge.expect("none was beyond the limit", dev.metric("sluice_alert_beyond_groups_total", "large") == 0)
    finally:
        dev.stop()
        receiver.close()


def many_groups_write_few_lines(judge, binary, folder):
    """Groups that fire and end together: ten lines each, and one with the number of the others; each has its notices"""
    receiver, groups = Receiver(), 40
    write(folder, (HEAD + ALERT % (*LARGE, receiver.url, "")).replace("over: 3s", "groupBy: request.g"))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        for number in range(groups):
            dev.ask({"inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "data": [60]},
                                {"name": "g", "datatype": "BYTES", "shape": [1], "data": [f"g{number}"]}]})
        notices = receiver.wait(2 * groups)
        judge.expect("each group has its notices", len({(notice["group"], notice["status"]) for notice in notices}) == 2 * groups, len(notices))
        for word in ("firing", "resolved"):
            lines = [line for line in dev.lines if f"the alert large is {word} for" in line]
            named = sum(f"{word} for g" in line for line in lines)
            others = sum(int(number) for line in lines for number in re.findall(r"for (\d+) further groups", line))
            judge.expect(f"few lines say {word}, and count all groups", len(lines) < groups and named + others == groups, lines)
    finally:
        dev.stop()
        receiver.close()


def refused_mails_stop_no_others(judge, binary, folder):
    mailbox = Mailbox()
    mail = '  - name: %s\n    condition: y > 100\n    actions: [{type: email, recipients: [%s]}]\n'
    write(folder, HEAD + mail % ("lost", "gone@example.com") + mail % ("both", "gone@example.com, here@example.com")
          + mail % ("good", "team@example.com"))
    dev = Dev(binary, folder, "--smtp", f"smtp://127.0.0.1:{mailbox.server_address[1]}")
    try:
        time.sleep(1.5)
        dev.ask_of(60)
        lines = mailbox.wait_for("The alert good")
        judge.expect("a mail to one recipient is sent when another was refused before", any("The alert good" in line for line in lines),
                     lines)
        judge.expect("the sender is the one that help names", any("sluice@localhost" in line for line in lines), lines)
        lines = mailbox.wait_for("The alert both")  # another mail, which goes beside it
        judge.expect("a refused recipient stops no other of the same mail", any("The alert both" in line for line in lines), lines)
        end = time.monotonic() + SECONDS_MAX
        while dev.metric("sluice_alert_notices_failed_total", "lost") != 1 and time.monotonic() < end:
            time.sleep(0.1)
        judge.expect("what is refused is given up", dev.metric("sluice_alert_notices_failed_total", "lost") == 1, dev.lines[-5:])
        judge.expect("the log has the server's answer", any("550" in line for line in dev.lines), dev.lines[-5:])
        judge.expect("and names the recipient that did not get the mail, and no other", dev.wait_for(
            "alert both was not delivered to the (mailbox gone@example.com) by the mail server 127.0.0.1:"), dev.lines[-5:])
    finally:
        dev.stop()
        mailbox.shutdown()
        mailbox.server_close()


def a_reload_forgets_no_judgement(judge, binary, folder):
    receiver = Receiver()
    alert = ALERT % (*LARGE, receiver.url, "")
    write(folder, HEAD + alert)
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        for round in range(1, 4):  # a look comes each second: it rarely comes between the answer and the reload
            judge.expect("a large value is answered", dev.ask_of(60) == 200)
            write(folder, HEAD + alert + "#" * round + "\n")
            judge.expect("what was judged just before a reload fires", len(receiver.wait(2 * round - 1)) >= 2 * round - 1, receiver.notices())
            judge.expect("and ends", len(receiver.wait(2 * round)) == 2 * round, receiver.notices())
    finally:
        dev.stop()
        receiver.close()


def a_removal_ends_what_fires(judge, binary, folder):
    """An alert, and then its whole pipeline, leave the files while they fire: the receivers, which are in no file any more, get the end"""
    receiver, mailbox = Receiver(), Mailbox()
    template = ', template: "{\\"alert\\": \\"{{alert}}\\", \\"status\\": \\"{{status}}\\", \\"why\\": \\"{{reason}}\\", \\"id\\": \\"{{id}}\\"}"'
    lasting = ALERT.replace("resolveAfter: 2s", "resolveAfter: 1h")
    mail = '  - {name: mailed, condition: y > 100, resolveAfter: 1h, actions: [{type: email, recipients: [team@example.com]}]}\n'
    incident = lasting % ("incident", "y > 100", receiver.url, ', format: pagerduty, secret: "env:SLUICE_SECRET_ALERT"')
    stays = HEAD.replace("watched", "stays").replace("  alerts:\n", "")
    os.environ["SLUICE_SECRET_ALERT"] = "key of the test"

    def events():
        return [body for body in receiver.notices() if "event_action" in body]

    write(folder, HEAD + incident + mail + lasting % (*LARGE, receiver.url, template) + "---\n" + stays)
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.0/8", "--smtp", f"smtp://127.0.0.1:{mailbox.server_address[1]}")
    try:
        time.sleep(1.5)
        dev.ask_of(60)
        receiver.wait(2)
        judge.expect("a mail of the firing comes", mailbox.wait_for("Subject: [firing] watched: mailed"), mailbox.lines)
        write(folder, HEAD + incident + mail + "---\n" + stays)
        notices = receiver.wait(3)
        judge.expect("an alert that is removed ends, by its template, with the reason and its id", [notice["why"] for notice in notices
                     if notice.get("status") == "resolved"] == ["the alert was removed"]
                     and len({notice["id"] for notice in notices if notice.get("alert") == "large"}) == 1, notices)
        judge.expect("the log says so", dev.wait_for("the alert (large) was removed while it fires"), dev.lines[-5:])
        write(folder, stays)
        receiver.wait(4)
        judge.expect("a pipeline that is removed closes its incident", [event["event_action"] for event in events()] == ["trigger", "resolve"]
                     and len({event["dedup_key"] for event in events()}) == 1
                     and events()[1]["payload"]["custom_details"]["reason"] == "the alert was removed", events())
        lines = mailbox.wait_for("It ended because the alert was removed")
        judge.expect("and its mail says why", "Subject: [resolved] watched: mailed" in lines, lines)
        write(folder, HEAD + incident + mail + lasting % (*LARGE, receiver.url, template) + "---\n" + stays)
        time.sleep(QUIET_SECONDS)
        judge.expect("when they are back, they are told once more by nobody", len(receiver.got) == 4, receiver.notices())
    finally:
        dev.stop()
        receiver.close()
        mailbox.shutdown()
        mailbox.server_close()


def its_place_in_the_list_ends_no_firing(judge, binary, folder):
    """Alerts of messages before it come and go while an alert fires: it goes on, and takes no judgement of theirs"""
    receiver = Receiver()
    large = (ALERT % (*LARGE, receiver.url, "")).replace("resolveAfter: 2s", f"resolveAfter: {10 * min(PATIENCE, 2)}s")
    small, odd = ALERT % ("small", "y < -1000", receiver.url, ""), ALERT % ("odd", "y > 1000", receiver.url, "")
    write(folder, HEAD + small + large)
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        time.sleep(1.5)
        dev.ask_of(60)
        receiver.wait(1)
        for alerts in (large + small, large, odd + small + large, small + large):
            write(folder, HEAD + alerts)
            time.sleep(1.5)
            dev.ask_of(-5)
            judge.expect("it still fires", dev.metric("sluice_alert_firing", "large") == 1, receiver.notices())
        judge.expect("and its receiver is told nothing, nor of the others", len(receiver.notices()) == 1, receiver.notices())
        judge.expect("its end comes later", of(receiver.wait_for("large", "resolved"), "large")[1][0] == "resolved", receiver.notices())
    finally:
        dev.stop()
        receiver.close()


def another_condition_ends_what_fires(judge, binary, folder):
    """Conditions that hold all the time, one after the other, and then one that does not: each firing has its end, with its id"""
    receiver = Receiver()
    write(folder, HEAD + ALERT % ("steady", "model_unreachable == 0", receiver.url, ""))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        receiver.wait(1)
        write(folder, HEAD + ALERT % ("steady", "model_unreachable < 1", receiver.url, ""))
        receiver.wait(3)
        write(folder, HEAD + ALERT % ("steady", "model_unreachable > 1", receiver.url, ""))
        came = of(receiver.wait(4), "steady")
        judge.expect("each condition fires and ends", [status for status, _ in came] == ["firing", "resolved"] * 2, came)
        judge.expect("by ids of their own", came[0][1] == came[1][1] != came[2][1] == came[3][1], came)
    finally:
        dev.stop()
        receiver.close()


def without_a_mail_server_it_says_so(judge, binary, folder):
    write(folder, HEAD + '  - {name: mailed, condition: "y > 100", actions: [{type: email, recipients: [a@example.com]}]}\n')
    dev = Dev(binary, folder)
    try:
        judge.expect("a mail without a mail server is named at the start", dev.wait_for(r"(there is no mail server; name one with --smtp)"),
                     dev.lines)
    finally:
        dev.stop()


def tells_of_metrics(judge, binary, folder):
    """A counter is summed over the window and all its labels, so it fires once, and resolves when the window is over"""
    receiver = Receiver()
    metrics = '  metrics:\n  - {name: volume, type: counter, value: y, labels: {large: "x > 5"}}\n  - {name: y, type: gauge, value: y}\n'
    write(folder, HEAD.replace("  alerts:\n", metrics + "  alerts:\n") + ALERT % ("busy", "volume > 40 and y == 20", receiver.url, "")
          + ALERT % ("never", "volume > 1000", receiver.url, ""))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        time.sleep(1.5)
        judge.expect("requests with a metric are answered", [dev.ask_of(x) for x in (10, 4, 10)] == [200] * 3)
        notices = receiver.wait(2)
        time.sleep(QUIET_SECONDS)
        notices = receiver.notices()
        judge.expect("a declared metric makes one firing and one end", [(notice["alert"], notice["status"]) for notice in notices]
                     == [("busy", "firing"), ("busy", "resolved")], notices)
        judge.expect("with its sum and its latest value", notices and notices[0]["values"] == {"volume": 48, "y": 20}, notices)
    finally:
        dev.stop()
        receiver.close()


def tells_of_drift(judge, binary, folder):
    case = os.path.join(ROOT, "tests", "cases-own", "drift-marks-what-is-known")
    receiver = Receiver()
    for name in ("pipeline.yaml", "usual.json"):
        shutil.copy(os.path.join(case, name), folder)
    with open(os.path.join(folder, "pipeline.yaml"), "a", encoding="utf-8") as file:
        file.write("  alerts:\n" + ALERT % ("moved", "drift_score > 0.05", receiver.url, ""))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        with open(os.path.join(case, "in.jsonl"), encoding="utf-8") as file:
            rows = [json.loads(line)["request"] for line in file]
        codes = {dev.ask(row, "trading") for row in rows}
        judge.expect("requests are answered", codes == {200}, codes)
        notices = receiver.wait(1)
        time.sleep(QUIET_SECONDS)
        notices = receiver.notices()
        judge.expect("drift makes one firing, with its score", of(notices, "moved")[:1] and len(notices) == 1
                     and notices[0]["status"] == "firing" and notices[0]["values"]["drift_score"] > 0.05, notices)
    finally:
        dev.stop()
        receiver.close()


def tells_of_drift_by_segment(judge, binary, folder):
    """Usual rows of one segment and moved ones of another: the alert of the second fires"""
    case = os.path.join(ROOT, "tests", "cases-own", "drift-marks-what-is-known")
    receiver = Receiver()
    shutil.copy(os.path.join(case, "usual.json"), folder)
    with open(os.path.join(case, "pipeline.yaml"), encoding="utf-8") as file:
        text = file.read().replace("window: 50", "window: 50, groupBy: request.g")
    alert = ALERT % ("moved", "drift_score > 0.05", receiver.url, "")
    write(folder, text + "  alerts:\n" + alert.replace("over: 3s", "groupBy: request.g"))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        with open(os.path.join(case, "in.jsonl"), encoding="utf-8") as file:
            rows = [json.loads(line)["request"] for line in file][:100]
        for number, row in enumerate(rows):
            group = {"name": "g", "datatype": "BYTES", "shape": [1], "data": ["usual" if number < 50 else "moved"]}
            row["inputs"].append(group)
        codes = {dev.ask(row, "trading") for row in rows}
        judge.expect("requests of two segments are answered", codes == {200}, codes)
        receiver.wait(1)
        time.sleep(QUIET_SECONDS)
        judge.expect("the segment that moved has a notice, with its score",
                     [(notice["group"], notice["status"], notice["values"]["drift_score"] > 0.05) for notice in receiver.notices()]
                     == [("moved", "firing", True)], (receiver.notices(), dev.lines[-5:]))
    finally:
        dev.stop()
        receiver.close()


MODELS = "".join(f"""apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec: {{storageUri: "stub://identity"}}
---
""" for name in ("baseline-predictor", "enhanced-predictor"))


def tells_of_drift_from_the_past(judge, binary, folder):
    """The drift pipeline of the reference, but for the address of its receiver: nothing offers its detector, which is built in"""
    reference, chance = os.path.join(ROOT, "tests", "reference"), random.Random(22)
    receiver = Receiver()
    shutil.copy(os.path.join(reference, "experiment-70-30.yaml"), folder)
    with open(os.path.join(reference, "pipeline-drift.yaml"), encoding="utf-8") as file:
        text = file.read()
    judge.expect("the reference has a receiver", "https://alerts.company.com/drift" in text)
    write(folder, MODELS + text.replace("https://alerts.company.com/drift", receiver.url))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        def send(middle):
            numbers = [chance.gauss(middle, 50) for _ in range(500)]
            return dev.ask({"inputs": [{"name": "x", "datatype": "FP64", "shape": [500, 1], "data": numbers}]},
                           "drift-detection-pipeline")

        codes = [send(0)]
        time.sleep(1.5)  # an engine looks once a second
        codes += [send(0) for _ in range(3)]
        time.sleep(QUIET_SECONDS)
        judge.expect("neither learning nor usual windows fire", receiver.notices() == [], receiver.notices())
        codes.append(send(40))
        notices = receiver.wait(1)
        judge.expect("a window that moved fires, with its score", [notice["alert"] for notice in notices] == ["drift-alert"]
                     and notices[0]["status"] == "firing" and notices[0]["values"]["drift_score"] > 0.05, (codes, notices))
        judge.expect("and nobody said that the detector cannot run", not any("cannot run yet" in line for line in dev.lines), dev.lines)
        judge.expect("the log says that it was learning",
                     dev.wait_for(r"step (drift-detector) is learning its reference \(past 7d\): until it has enough rows"), dev.lines)
        judge.expect("and that it compares", dev.wait_for("step (drift-detector) compares messages with its reference"), dev.lines)
    finally:
        dev.stop()
        receiver.close()


QUALITY = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: watched}
spec:
  steps:
  - {name: odd, outlier: {tensor: x, by: modified-z, reference: odd.json}}
  - name: watch
    inputs: [odd]
    drift: {tensors: [x], reference: usual.json, window: 20, falseAlarms: 0.1 per 1000, estimate: {probabilities: p}}
  - {name: told, inputs: [watch], expression: {set: {bad: quality_alarm, guess: estimated_accuracy}, keep: [bad, guess]}}
  output: {steps: [told]}
  alerts:
"""


def tells_of_quality(judge, binary, folder):
    """Rates of outliers, quality and estimates fire; requests that cease to come are missed, and the end of that is told"""
    receiver = Receiver()
    shutil.copy(os.path.join(ROOT, "tests", "cases-own", "drift-marks-what-is-known", "usual.json"), folder)
    with open(os.path.join(folder, "odd.json"), "w", encoding="utf-8") as file:
        file.write('{"format": "sluice_outlier/1", "by": "modified-z", "rows": 400, "width": 2, "median": [0, 0], "factor": [1, 1]}')
    conditions = {"odd": "outlier_rate > 0.3", "calm": "outlier_rate > 0.7", "outside": "outside_share > 0.3 and quality_alarm == 1",
                  "guess": "estimated_accuracy < 0.7", "good": "estimated_accuracy > 0.7",
                  "busy": "messages_per_minute > 0 and newest_age_ms >= 0", "idle": "messages_per_minute < 1"}
    write(folder, QUALITY + "".join(ALERT % (name, condition, receiver.url, "") for name, condition in conditions.items())
          + (ALERT % ("silent", "", receiver.url, "")).replace("condition: ", "absent: watched for 4s"))
    dev = Dev(binary, folder, "--alert-allow", "127.0.0.1")
    try:
        def ask(number):
            row = [1000.0, 0.1] if number % 2 else [0.1, 0.2]
            return dev.ask({"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 2], "data": row},
                                       {"name": "p", "datatype": "FP64", "shape": [1], "data": [0.6]}]}, "watched")

        codes = {ask(number) for number in range(40)}
        judge.expect("requests with probabilities are answered", codes == {200}, codes)
        notices = receiver.wait_for("silent", "firing")
        fired = {notice["alert"]: notice["values"] for notice in notices if notice["status"] == "firing"}
        judge.expect("outliers, values out of bounds and a poor estimate fire, and then silence",
                     set(fired) == {"odd", "outside", "guess", "busy", "silent"}, notices)
        judge.expect("with their figures", abs(fired["odd"]["outlier_rate"] - 0.5) < 0.1 and fired["outside"]["outside_share"] == 0.5
                     and abs(fired["guess"]["estimated_accuracy"] - 0.6) < 1e-9
                     and fired["busy"]["messages_per_minute"] > 1 and fired["busy"]["newest_age_ms"] < 60000, fired)
        judge.expect("a request ends the silence", ask(0) == 200)
        end = time.monotonic() + SECONDS_MAX
        while not receiver.has("silent", "resolved") and time.monotonic() < end:
            if ask(0) != 200:
                break
            time.sleep(0.2)
        judge.expect("and that is told", receiver.has("silent", "resolved"), receiver.notices())
    finally:
        dev.stop()
        receiver.close()


SILENCES = ((("failing", "--for", "-1h"), "`-1h` is no duration"), (("failing", "--for", "0s"), "a duration is above 0"),
            (("failing", "--for", "2"), "`2` has no unit"), (("large", "--for", "1h", "--group", "XNYS"), "the alert `large` has no `groupBy`, "
             "so it has no group `XNYS` to silence; leave --group out"),
            (("large", "--for", "0"), "`0` has no unit"), (("large", "--for", "100y"), "`100y` has a unit that is none of ms, s, m, h and d"),
            (("large", "--for", "200000d"), "`200000d` is longer than the 292 years that can be counted"),
            (("larg", "--for", "1h"), "there is no alert `larg`; did you mean `large`?"),
            (("zzz", "--for", "1h", "--pipeline", "other"), "pipeline other has no alert `zzz`; `sluice alerts list` lists them"))


def lists_and_tests(judge, binary, folder):
    receiver = Receiver()
    write(folder, HEAD + ALERT % (*FAILING, receiver.url, "") + ALERT % (*LARGE, "http://127.0.0.2:9/x", ""))

    def said(*words):
        done = subprocess.run([binary, "alerts", *words, "-f", folder, "-o", "json"], capture_output=True, text=True)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    code, rows, _ = said("list")
    judge.expect("alerts list shows them", code == 0 and [row["condition"] for row in rows] == [FAILING[1], LARGE[1]]
                 and rows[0]["actions"] == [{"type": "webhook", "receiver": receiver.url.replace("/hook", "/...")}], rows)
    code, rows, _ = said("test", "failing", "--alert-allow", "127.0.0.1")
    judge.expect("alerts test delivers a notice", code == 0 and [row["delivered"] for row in rows] == [True]
                 and [notice["status"] for notice in receiver.notices()] == ["test"], rows)
    code, rows, _ = said("test", "--alert-allow", "127.0.0.1")
    judge.expect("and says what cannot be delivered", code == 1 and [row["delivered"] for row in rows] == [True, False]
                 and "127.0.0.2" in rows[1]["why"], rows)
    code, _, errors = said("test", "fialing")
    judge.expect("a name that is not there is said", code != 0 and "did you mean `failing`" in errors, errors)
    write(folder, HEAD + '  - {name: mailed, condition: y > 1, actions: [{type: email, recipients: [a@b.example, c@d.example]}]}\n')
    code, rows, _ = said("list")
    judge.expect("alerts list shows all recipients of a mail", rows[0]["actions"] == [{"type": "email", "receiver": "a@b.example, c@d.example"}], rows)
    write(folder, HEAD + "  - {name: mute, condition: y > 1}\n")
    for words, why in ((("test",), "the files have no alert with `actions`"), (("test", "mute"), "the alert has no `actions`")):
        code, rows, errors = said(*words)
        judge.expect(f"alerts {' '.join(words)} says that there is nothing to send", code == 0 and rows == []
                     and f"no notice was sent: {why}" in errors, errors)
    write(folder, HEAD + ALERT % (*FAILING, receiver.url, "") + ALERT % (*LARGE, "http://127.0.0.2:9/x", ""))
    receiver.close()
    code, rows, _ = said("test", "failing", "--alert-allow", "127.0.0.1")
    judge.expect("a receiver that does not run is said, and what to do", code == 1
                 and rows[0]["why"] == "Couldn't connect to server; does the receiver run there, and can it be reached from here?", rows)
    other = (HEAD + ALERT % (*LARGE, receiver.url, "")).replace("name: watched", "name: other")
    for pipelines, more, noted in ((1, (), False), (2, (), True), (2, ("--pipeline", "other"), False)):
        write(folder, HEAD + ALERT % (*LARGE, receiver.url, "") + (f"---\n{other}" if pipelines == 2 else ""))
        done = subprocess.run([binary, "alerts", "silence", "large", "--for", "1h", "--reason", "test", "-f", folder, "--out",
                               os.path.join(folder, "s.txt"), *more], capture_output=True, text=True)
        note = "2 pipelines have an alert of that name, and it is silenced in all of them: "
        judge.expect(f"a silence of {pipelines} pipelines, with {more}, says so if it is of several", done.returncode == 0
                     and (note in done.stderr) == noted and (not noted or {"other", "watched"} <= set(re.findall("[a-z]+", done.stderr))),
                     done.stderr)
    write(folder, HEAD + ALERT % (*FAILING, receiver.url, "") + ALERT % (*LARGE, "http://127.0.0.2:9/x", ""))
    for words, sentence in SILENCES:
        done = subprocess.run([binary, "alerts", "silence", *words, "--reason", "test", "-f", folder, "--out", os.path.join(folder, "s.yaml")],
                              capture_output=True, text=True)
        judge.expect(f"silence {words} is refused", done.returncode == 2 and sentence in done.stderr
                     and not os.path.exists(os.path.join(folder, "s.yaml")), done.stderr)


def main():
    judge, binary = Judge(), os.path.abspath(sys.argv[1])
    for part in (fires_and_resolves, waits_for_its_receiver, leaves_a_busy_receiver_alone, reaches_only_what_is_allowed, signs_and_mails,
                 sends_no_secret_of_the_engine, tests_with_secrets,
                 silences_end, counts_what_is_missing, counts_what_is_missing_in_all_stages, groups_have_a_state_each, many_groups_write_few_lines, refused_mails_stop_no_others,
                 a_removal_ends_what_fires, its_place_in_the_list_ends_no_firing,
                 another_condition_ends_what_fires, without_a_mail_server_it_says_so, a_reload_forgets_no_judgement,
                 tells_of_metrics, tells_of_drift, tells_of_drift_by_segment, tells_of_drift_from_the_past, tells_of_quality, lists_and_tests):
        with tempfile.TemporaryDirectory() as folder:
            part(judge, binary, folder)
    print(f"{judge.passed} passed, {judge.failed} failed")
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
