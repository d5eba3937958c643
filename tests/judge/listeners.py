#!/usr/bin/env python3
"""Judges the ports of commands from outside, as Prometheus, curl and a hostile page meet them: listeners.py SLUICE

TLS of the port for metrics, and the names by which a port on loopback may be addressed. The broker and the engine are those of
`sluice dev`. One line for each behaviour that is not as it should be; at the end `N passed, N failed`.
"""
import http.client, json, os, re, resource, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(__file__))
from access import Keys, infer_message  # noqa: E402
from dev import PATIENCE, Dev, Judge, copy, free_port  # noqa: E402
from gateway import PIPELINE, request  # noqa: E402

SECONDS_MAX = 10 * PATIENCE
RUNTIME = "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec: {config: {securityConfig: {encryption: {enabled: true}}}}\n"
TWICE = PIPELINE % ("twice", "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n")
MODEL = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: adds}\nspec: {storageUri: 'stub://add10'}\n"
EVIL = "rebound.example"


class Running:
    """A command with ports; `words`: what it has said"""

    def __init__(self, *command, cwd=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd)
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")), daemon=True)
        self.reader.start()

    @property
    def words(self):
        return "".join(self.lines)

    def says(self, words, times=1):
        end = time.monotonic() + SECONDS_MAX
        while self.words.count(words) < times and time.monotonic() < end and self.reader.is_alive():
            time.sleep(0.02)
        return self.words.count(words) >= times

    def port(self, pattern):
        """Of the address that it says behind the pattern"""
        self.says(pattern)
        found = re.search(re.escape(pattern) + r"\D*[\d.]+:(\d+)", self.words)
        return int(found.group(1)) if found else 0

    def stop(self):
        self.process.terminate()
        return self.process.wait(SECONDS_MAX)


def ask(port, path="/live", context=None, method="GET", body=None, host=None, **headers):
    """Status and text; None where there is no connection"""
    kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
    connection = kind("127.0.0.1", port, timeout=SECONDS_MAX, **({"context": context} if context else {}))
    if host is not None:
        headers["Host"] = host
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    except OSError:
        return None, ""
    finally:
        connection.close()


def served(port, context):
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            return dict(row[0] for row in connection.getpeercert()["subject"])["commonName"]


def metrics_have_tls(judge, what, keys, command):
    """`command`: what starts it, but for its options of metrics"""
    shutil.copy(keys.path("first.pem"), keys.path("server.pem"))
    shutil.copy(keys.path("first.key"), keys.path("server.key"))
    running = Running(*command, "--metrics", "127.0.0.1:0", "--metrics-certificate", keys.path("server.pem"), "--metrics-key", keys.path("server.key"),
                      "--metrics-authorities", keys.path("ca.pem"))
    port = running.port("metrics are at https://")
    judge.expect(f"{what}: metrics have TLS where they are asked to", port, running.words)
    known, stranger = (ssl.create_default_context(cafile=keys.path("ca.pem")) for _ in range(2))
    known.load_cert_chain(keys.path("batch.pem"), keys.path("batch.key"))
    judge.expect(f"{what}: who shows a certificate reads them", ask(port, "/metrics", known)[0] == 200 and ask(port, "/ready", known)[0] == 200)
    judge.expect(f"{what}: by any name, since the certificate has it", ask(port, "/live", known, host=EVIL)[0] == 200)
    judge.expect(f"{what}: nobody else does", ask(port, "/metrics", stranger)[0] is None)
    status, text = ask(port, "/metrics")
    judge.expect(f"{what}: in clear text there is an error", status == 400 and "TLS" in text and "sluice_" not in text, (status, text))
    judge.expect(f"{what}: the first certificate is shown", served(port, known) == "first")
    shutil.copy(keys.path("second.key"), keys.path("server.key"))
    judge.expect(f"{what}: a key of another certificate is refused", running.says("the former certificate stays in use"), running.words)
    judge.expect(f"{what}: and the first one stays", served(port, known) == "first")
    shutil.copy(keys.path("second.pem"), keys.path("server.pem"))
    judge.expect(f"{what}: a renewed one is loaded", running.says("the certificate was reloaded") and served(port, known) == "second", running.words)
    judge.expect(f"{what}: it ends well", running.stop() == 0, running.words)


def metrics_refuse_what_cannot_be(judge, keys, gateway, guarded):
    metrics, files = ["--metrics", "0"], ["--metrics-certificate", keys.path("first.pem"), "--metrics-key", keys.path("first.key")]
    others = [*metrics, "--metrics-certificate", keys.path("first.pem"), "--metrics-key", keys.path("second.key")]
    for more, words in (([*metrics, "--metrics-key", keys.path("first.key")], "`--metrics-key` needs `--metrics-certificate`"), (files, "add `--metrics`"),
                        (others, "is not that of the certificate"), ([*metrics, "--metrics-certificate", keys.path("nothing"), "--metrics-key", keys.path("first.key")], "nothing")):
        running = Running(*gateway, *more)
        judge.expect(f"{' '.join(more)} is refused", running.says(words) and running.process.wait(SECONDS_MAX) > 0, running.words)
    beyond = ["--metrics", f"0.0.0.0:{free_port()}"]
    running = Running(*guarded, *beyond)
    judge.expect("metrics that others read are encrypted where the files ask for it", running.says("--metrics-certificate")
                 and running.process.wait(SECONDS_MAX) > 0, running.words)
    for more in ([*beyond, *files], metrics):
        running = Running(*guarded, *more)
        judge.expect(f"{' '.join(more)} is taken then", running.says("metrics are at"), running.words)
        running.stop()


def is_for_this_machine(judge, what, port, path, method="GET", body=None):
    right = ["localhost", f"localhost:{port}", "127.0.0.1", f"127.0.0.1:{port}", "[::1]", f"[::1]:{port}", "LOCALHOST.", socket.gethostname()]
    for host in right:
        status, text = ask(port, path, method=method, body=body, host=host)
        judge.expect(f"{what}: {host} is served", status == 200, (status, text))
    for host in (EVIL, f"{EVIL}:{port}", f"localhost.{EVIL}", f"127.0.0.1.{EVIL}"):
        status, text = ask(port, path, method=method, body=body, host=host, **{"Accept-Language": "en", "Origin": f"http://{host}"})
        judge.expect(f"{what}: {host} is none of its names", status == 421 and "--allow-host" in text, (status, text))
    status, text = ask(port, path, method=method, body=body, host="iris.default.example.com")
    judge.expect(f"{what}: who is no browser may use any name", status == 200, (status, text))


def pages_of_rebound_names_get_nothing(judge, dev, place, gateway):
    infer = "/v2/pipelines/twice/infer"
    for name, port, path in (("dev's gateway", dev.said("gateway"), infer), ("dev's models", dev.said("models"), "/v2/models/adds/infer")):
        port = int(port.split()[0].rsplit(":", 1)[1].strip("/"))
        body = request(21.0) if path == infer else {"inputs": [{"name": "INPUT", "datatype": "FP32", "shape": [1], "data": [1]}]}
        is_for_this_machine(judge, name, port, path, "POST", body)
    running = Running(*gateway, "--metrics", "0")
    port, metrics = running.port("rest\":\"http://"), running.port("metrics are at http://")
    is_for_this_machine(judge, "a gateway", port, infer, "POST", request(21.0))
    is_for_this_machine(judge, "its metrics", metrics, "/metrics")
    old = socket.create_connection(("127.0.0.1", port))
    old.sendall(b"GET /v2/health/live HTTP/1.0\r\n\r\n")
    judge.expect("who names none, as no browser does, is served", b" 200 " in old.recv(1000))
    running.stop()
    running = Running(*gateway, "--allow-host", "gateway.example", "--allow-host", "host.docker.internal")
    port = running.port("rest\":\"http://")
    judge.expect("listed names are served", [ask(port, "/v2", host=host, Origin="http://page.example")[0] for host in ("gateway.example", f"HOST.docker.internal:{port}", EVIL)]
                 == [200, 200, 421])
    running.stop()
    running = Running(*gateway, "--allow-host", "*")
    judge.expect("* is every name", ask(running.port("rest\":\"http://"), "/v2", host=EVIL, Origin=f"http://{EVIL}")[0] == 200)
    running.stop()
    keys = os.path.join(place, "api-keys")
    with open(keys, "w", encoding="utf-8") as file:
        file.write("a:" + "0" * 64 + "\n")
    running = Running(*gateway, "--api-keys", keys)
    judge.expect("where callers are asked who they are, no name is", ask(running.port("rest\":\"http://"), "/v2", host=EVIL, Origin=f"http://{EVIL}")[0] == 401)
    running.stop()
    running = Running(*gateway, "--host", "0.0.0.0", "--insecure-ignore-security")
    judge.expect("nor where other machines call", ask(running.port("rest\":\"http://"), "/v2", host=EVIL, Origin=f"http://{EVIL}")[0] == 200)
    running.stop()
    running = Running(*gateway, "--host", "0.0.0.0", "--insecure-ignore-security", "--allow-host", "gateway.example")
    port = running.port("rest\":\"http://")
    judge.expect("but where names are listed, these alone are", [ask(port, "/v2", host=host, Origin=f"http://{host}")[0] for host in
                 ("gateway.example", f"localhost:{port}", f"127.0.0.1:{port}", EVIL)] == [200, 200, 200, 421])
    running.stop()


def pages_change_no_model(judge, serve):
    """What a form can send needs no preflight, and `fetch` with `mode: no-cors` sends it from any page"""
    running = Running(*serve, "-o", "json")
    port, page = running.port("rest\":\"http://"), {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    for path in ("/v2/repository/models/adds/unload", "/v2/repository/models/adds/load", "/v2/models/adds/infer"):
        status, text = ask(port, path, method="POST", body={}, host="localhost", **page)
        judge.expect(f"models serve: a page may not send {path}", status == 403 and "pages of a browser" in text, (status, text))
    judge.expect("and the model is there", ask(port, "/v2/models/adds/ready")[0] == 200)
    status, _ = ask(port, "/v2/repository/models/adds/unload", method="POST", host="localhost")
    judge.expect("models serve: others unload it", status == 200 and ask(port, "/v2/models/adds/ready")[0] == 503, status)
    status, text = ask(port, "/v2/repository/models/adds/load", method="OPTIONS", host="localhost", **page)
    judge.expect("models serve: a preflight allows nothing", status == 204, (status, text))
    running.stop()


def a_crash_leaves_no_keys(judge, serve):
    """Where dumps are allowed, and the kernel writes them into the folder of the process or hands them to a program"""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    with tempfile.TemporaryDirectory() as folder:
        running = Running(*serve, cwd=folder)
        judge.expect("it serves", running.says("ready at"), running.words)
        with open(f"/proc/{running.process.pid}/limits", encoding="utf-8") as file:
            limits = [line.split()[4:6] for line in file if line.startswith("Max core file size")]
        judge.expect("it may leave a byte of itself, unless somebody raises its limit", limits == [["1", "unlimited" if before[1] < 0 else str(before[1])]]
                     or before[1] == 0, limits)
        running.process.send_signal(signal.SIGABRT)
        running.process.wait(SECONDS_MAX)
        judge.expect("a crash leaves no dump", os.listdir(folder) == [], os.listdir(folder))
    resource.setrlimit(resource.RLIMIT_CORE, before)


def grpc_is_not_asked(judge, gateway):
    """Callers of gRPC choose their authority; REST over HTTP/2 at the same port is asked"""
    shared = str(free_port())
    running = Running(*(shared if word == "0" else word for word in gateway), "--grpc", shared)
    running.port("rest\":\"http://")

    def curl(path, body, *words):
        done = subprocess.run(["curl", "-s", "--http2-prior-knowledge", "-m", str(SECONDS_MAX), "-H", f"Host: {EVIL}", "-H", f"Origin: http://{EVIL}", *words, "--data-binary", "@-",
                               "-o", os.devnull, "-w", "%{http_version} %{http_code}", f"http://127.0.0.1:{shared}{path}"], input=body, capture_output=True)
        return done.stdout.decode()
    message = infer_message("twice", 21.0)
    message = b"\0" + len(message).to_bytes(4, "big") + message
    told = curl("/inference.GRPCInferenceService/ModelInfer", message, "-H", "content-type: application/grpc", "-H", "te: trailers")
    judge.expect("gRPC is served by any authority", told == "2 200", told)
    told = curl("/v2/pipelines/twice/infer", json.dumps(request(21.0)).encode())
    judge.expect("REST over HTTP/2 is not", told == "2 421", told)
    running.stop()


def main():
    judge, binary = Judge(), os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as files:
        keys = Keys(place)
        keys.authority()
        for name in ("first", "second", "batch"):
            keys.certificate(name, f"/CN={name}")
        pipelines, models = os.path.join(files, "twice.yaml"), os.path.join(files, "adds.yaml")
        for path, text in ((pipelines, TWICE), (models, MODEL), (keys.path("runtime.yaml"), RUNTIME)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        dev = Dev(binary, files)
        if not dev.started:
            sys.exit("listeners: it does not start: " + "\n".join(dev.lines))
        gateway = [binary, "gateway", "-f", pipelines, "--http", "0", "--brokers", dev.said("broker"), "-o", "json"]
        engine = [binary, "run", "-f", pipelines, "--instance", "other", "--brokers", dev.said("broker")]
        metrics_have_tls(judge, "a gateway", keys, gateway)
        metrics_have_tls(judge, "an engine", keys, engine)
        metrics_have_tls(judge, "a model server", keys, [binary, "models", "serve", models])
        with tempfile.TemporaryDirectory() as folder:
            metrics_have_tls(judge, "dev", keys, [binary, "dev", copy(folder), "--port", "0"])
        guarded = [*gateway, "-f", keys.path("runtime.yaml"), "--certificate", keys.path("first.pem"), "--key", keys.path("first.key")]
        metrics_refuse_what_cannot_be(judge, keys, gateway, guarded)
        pages_of_rebound_names_get_nothing(judge, dev, place, gateway)
        pages_change_no_model(judge, [binary, "models", "serve", models])
        grpc_is_not_asked(judge, gateway)
        a_crash_leaves_no_keys(judge, [binary, "models", "serve", models])
        judge.expect("dev ends well", dev.stop() == 0)
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
