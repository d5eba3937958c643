#!/usr/bin/env python3
"""Brings the stack up and holds it to what it promises: check.py SLUICE [--cached]

Ticks go to the pipeline as JSON and as Avro that the registry knows, while an engine, the
model server and Kafka are killed and started again. Each tick must be answered once, with
what pipelines/financial, whose models are all in the worker, makes of it in memory. Then
the load generator runs, and all is taken down.

Where no Docker engine runs, or no registry of images can be reached, the stack is built from
stand-ins (compose.local.yaml) on an engine of its own (engine.sh). Prints `N passed, N failed`;
what cannot run here is skipped with the reason; with --cached also what would first have to be brought.
"""
import base64, json, os, shutil, struct, subprocess, sys, tempfile, time, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sluice")
FINANCIAL = os.path.join(ROOT, "pipelines", "financial")
BROKERS, REGISTRY = "localhost:9094", "http://localhost:8085/apis/ccompat/v7"
TICKS, RATE, BURST = 6000, 100, 100000  # of ticks in a second
IMAGE, USER, LAYERS_MIB = "sluice:0.1.0", "10001", 60
SCRAPED = 4  # processes in prometheus.yml, without the profile full
CLOSE = 0.002  # a probability that is rounded to three places, by two evaluators
TICK_SCHEMA = {"type": "record", "name": "Tick", "fields": [
    {"name": "event_ms", "type": "long"},
    {"name": "instrument", "type": {"type": "record", "name": "Instrument", "fields": [{"name": "symbol", "type": "string"}]}},
    {"name": "quote", "type": {"type": "record", "name": "Quote", "fields": [
        {"name": name, "type": "double"} for name in ("bid", "ask", "bid_size", "ask_size")]}},
    {"name": "trade", "type": ["null", {"type": "record", "name": "Trade", "fields": [
        {"name": "volume", "type": "double"}, {"name": "side", "type": "string"}]}]}]}


class Skipped(Exception):
    pass


class Judge:
    def __init__(self):
        self.passed = self.failed = 0

    def expect(self, what, good, shown=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"compose: {what}: {'yes' if good else 'NO'} {shown}", flush=True)


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode == 3:
        raise Skipped(done.stderr.strip().splitlines()[-1])
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout.strip()


class Stack:
    """docker compose over the two files, on an engine of our own unless one runs"""

    def __init__(self):
        self.own = self.compose = None
        self.environment = dict(os.environ, DOCKER_BUILDKIT="1", COMPOSE_BAKE="false")
        self.files = ["-f", os.path.join(HERE, "compose.yaml"), "-f", os.path.join(HERE, "compose.local.yaml")]

    def begin(self):
        if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
            self.own = os.path.join(CACHE, "engine")
            self.environment["DOCKER_HOST"] = run(os.path.join(HERE, "engine.sh"), "up", self.own)
        self.compose = run(os.path.join(HERE, "stage.sh")).splitlines()[-1].split()

    def do(self, *arguments):
        return run(*self.compose, *self.files, *arguments, env=self.environment)

    def docker(self, *arguments):
        return run("docker", *arguments, env=self.environment)

    def end(self):
        try:
            if self.compose:
                self.do("--profile", "full", "down", "-v", "-t", "5")
        finally:
            if self.own:
                run(os.path.join(HERE, "engine.sh"), "down", self.own)


# ---- ticks ----

def zigzag(number):
    number = (number << 1) ^ (number >> 63)
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(made) + bytes([number])


def text(value):
    return zigzag(len(value.encode())) + value.encode()


def in_avro(tick, schema):
    """With the registry's number of the schema before it"""
    quote, trade = tick["quote"], tick.get("trade")
    body = zigzag(tick["event_ms"]) + text(tick["instrument"]["symbol"])
    body += b"".join(struct.pack("<d", quote[name]) for name in ("bid", "ask", "bid_size", "ask_size"))
    body += zigzag(1) + struct.pack("<d", trade["volume"]) + text(trade["side"]) if trade else zigzag(0)
    return b"\0" + struct.pack(">I", schema) + body


def register():
    body = json.dumps({"schema": json.dumps(TICK_SCHEMA)}).encode()
    request = urllib.request.Request(f"{REGISTRY}/subjects/ticks-value/versions", body,
                                     {"content-type": "application/vnd.schemaregistry.v1+json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["id"]


def ticks():
    made = run(sys.executable, os.path.join(FINANCIAL, "generate.py"), "--ticks", str(TICKS), "--seed", "7")
    return [json.loads(line) for line in made.splitlines()]


def line_of(number, tick, schema):
    """Every other tick in Avro"""
    line = {"id": f"t{number}", "key": tick["instrument"]["symbol"]}
    if number % 2:
        line["body_b64"] = base64.b64encode(in_avro(tick, schema)).decode()
    else:
        line["request"] = tick
    return json.dumps(line) + "\n"


# ---- answers ----

def tensors_of(answer):
    return {tensor["name"]: tensor["data"] for tensor in answer["outputs"]}


def in_memory(sluice, events):
    """What pipelines/financial answers to the same ticks, by their ids"""
    with tempfile.TemporaryDirectory() as place:
        shutil.copy(os.path.join(FINANCIAL, "pipeline.yaml"), place)
        shutil.copytree(os.path.join(FINANCIAL, "models"), os.path.join(place, "models"))
        with open(os.path.join(place, "in.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"id": f"t{number}", "request": event}) + "\n" for number, event in enumerate(events))
        made = subprocess.run([sluice, "test", "--print", place], capture_output=True, text=True, check=False).stdout
    answers = {}
    for line in made.splitlines():
        said = json.loads(line)
        if "response" in said:
            answers[said["id"]] = tensors_of(said["response"])
    return answers


def answered(sluice, files):
    """All that has been answered, in order: id, and the tensors"""
    made = run(sluice, "tail", "financial", "-f", files, "--brokers", BROKERS, "--from", "beginning", "--idle", "8s", "-o", "json")
    return [json.loads(line) for line in made.splitlines()]


def outside(place):
    """The stack's YAML as this machine sees it"""
    shutil.copytree(os.path.join(HERE, "pipelines"), os.path.join(place, "pipelines"))
    shutil.copytree(os.path.join(FINANCIAL, "models"), os.path.join(place, "trained"))
    path = os.path.join(place, "pipelines", "runtime.yaml")
    with open(path, encoding="utf-8") as file:
        said = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(said.replace("kafka:9092", BROKERS).replace("http://registry:8080/apis/ccompat/v7", REGISTRY))
    return os.path.join(place, "pipelines")


# ---- the check ----

def kill(stack, service):
    """-9, away for three seconds, started, and waited for until it is well again"""
    stack.do("kill", "-s", "KILL", service)
    time.sleep(3)
    stack.do("up", "-d", "--wait", "--no-recreate", service)


def produce(sluice, place, files, lines, rate):
    """Its process, sending the lines"""
    path = os.path.join(place, f"requests-{rate}-{len(lines)}.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(lines)
    command = [sluice, "produce", "financial", path, "-f", files, "--brokers", BROKERS, "--timeout", "2m", "--rate", str(rate)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def under_fire(stack, sluice, judge, place):
    """Kafka is killed with all of a burst acknowledged and most of it not yet answered: what its death does to
    whoever produces just then is not the stack's to promise."""
    events = ticks()
    files, schema = outside(place), register()
    lines = [line_of(number, event, schema) for number, event in enumerate(events)]
    third = len(lines) // 3
    for number, (rate, services) in enumerate([(RATE, ["engine-1", "mlserver"]), (BURST, ["kafka"]), (RATE, ["engine-2"])]):
        sender = produce(sluice, place, files, lines[number * third:(number + 1) * third], rate)
        said = sender.communicate(timeout=300)[0] if "kafka" in services else ""
        for service in services:
            kill(stack, service)
            print(f"compose: {service} was killed and is back", flush=True)
        said = said or sender.communicate(timeout=300)[0]
        judge.expect("every tick was acknowledged", sender.returncode == 0, said.strip()[-200:])
    return events, files


def judge_answers(judge, sluice, events, files):
    expected = in_memory(sluice, events)
    found, deadline = [], time.monotonic() + 120
    while time.monotonic() < deadline:
        found = answered(sluice, files)
        if len({answer["id"] for answer in found}) >= len(events):
            break
    by_id = {answer["id"]: answer for answer in found}
    judge.expect("nothing was lost", len(by_id) == len(events), f"{len(events) - len(by_id)} of {len(events)}")
    judge.expect("nothing was doubled", len(found) == len(by_id), len(found) - len(by_id))
    wrong = [name for name, answer in by_id.items() if not agrees(answer, expected.get(name))]
    judge.expect("all is as in memory", not wrong, [(name, by_id[name], expected.get(name)) for name in wrong[:2]])


def agrees(answer, expected):
    if "outputs" not in answer.get("response", answer):
        return expected is None
    got = tensors_of(answer.get("response", answer))
    return expected is not None and abs(got["up"][0] - expected["up"][0]) <= CLOSE


def has_load(stack, sluice, judge, files):
    """What comes from now on can only be the load's"""
    stack.do("up", "-d", "--no-recreate", "load")
    made = run(sluice, "tail", "financial", "-f", files, "--brokers", BROKERS, "--count", "100", "--idle", "20s", "-o", "json")
    judge.expect("the load generator is answered", len(made.splitlines()) == 100, f"{len(made.splitlines())} of 100")


def judge_image(stack, judge):
    """What is laid over the Debian, which is the oldest layer; and what an engine may do in it"""
    sizes = [int(size) for size in stack.docker("history", "--human=false", "--format", "{{.Size}}", IMAGE).split()]
    ours = sum(sizes[:-1]) / 2**20
    judge.expect(f"our layers are under {LAYERS_MIB} MiB", ours < LAYERS_MIB, f"{ours:.1f} MiB")
    said = stack.do("exec", "-T", "engine-1", "sh", "-c", "id -u; touch /here 2>/dev/null || echo refused").split()
    judge.expect("an engine is not root, and its root is read only", said == [USER, "refused"], said)


def judge_gateway(judge):
    """The page's `curl` line, as it stands there, and what Prometheus reads"""
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as page:
        told = [line for line in page if "| curl " in line]
    judge.expect("the page tells of a call", len(told) == 1, told)
    said = subprocess.run(told[0], shell=True, cwd=HERE, capture_output=True, text=True, check=False)
    judge.expect("the gateway answers it", said.returncode == 0 and '"up"' in said.stdout, said.stdout[-300:] + said.stderr[-300:])
    page = urllib.request.Request("http://localhost:8080/v2", headers={"Host": "rebound.example", "Origin": "http://rebound.example"})
    try:
        status = urllib.request.urlopen(page, timeout=10).status
    except urllib.error.HTTPError as refusal:
        status = refusal.code
    judge.expect("a page of a rebound name does not reach it", status == 421, status)
    deadline, health = time.monotonic() + 60, {}
    while time.monotonic() < deadline and (len(health) < SCRAPED or set(health.values()) != {"up"}):
        health = {target["labels"]["instance"]: target["health"] for target in prometheus("targets")["activeTargets"]}
        time.sleep(1)
    judge.expect("Prometheus reads all processes that have metrics", len(health) == SCRAPED and set(health.values()) == {"up"}, health)


def prometheus(path):
    with urllib.request.urlopen(f"http://localhost:9090/api/v1/{path}", timeout=10) as answer:
        return json.load(answer)["data"]


def judge_full(stack, judge):
    """Of the profile full: what Prometheus finds reaches the Alertmanager, and Prometheus reads what is pushed"""
    stack.do("up", "-d", "--no-recreate", "alertmanager", "pushgateway")
    stack.do("kill", "-s", "KILL", "engine-2")
    deadline, alerts, pushed, wanted = time.monotonic() + 240, [], [], ("SluiceProcessDown", "engine-2:9000")
    while time.monotonic() < deadline and not (pushed and wanted in alerts):
        time.sleep(2)
        try:
            request = urllib.request.Request("http://localhost:9091/metrics/job/night", b"night_rows 7\n", method="POST")
            urllib.request.urlopen(request, timeout=10).close()
            with urllib.request.urlopen("http://localhost:9093/api/v2/alerts", timeout=10) as answer:
                alerts = [(alert["labels"]["alertname"], alert["labels"].get("instance")) for alert in json.load(answer)]
            pushed = prometheus("query?query=night_rows%7Bjob%3D%22night%22%7D")["result"]
        except OSError:
            continue  # they start
    judge.expect("the Alertmanager gets the alert on an engine that was killed", wanted in alerts, alerts)
    judge.expect("Prometheus reads what was pushed", pushed)
    judge.expect("no rule fails", all(rule["health"] == "ok" for group in prometheus("rules")["groups"] for rule in group["rules"]))
    stack.do("up", "-d", "--wait", "--no-recreate", "engine-2")


def judge_page(stack, judge):
    """README.md's commands, as they stand there"""
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as page:
        told = [line.split()[2:] for line in page if line.startswith("docker compose exec ")]
    judge.expect("the page tells of three commands", len(told) == 3, "" if len(told) == 3 else told)
    for _, service, *command in told:
        end = ["--count", "1"] if "tail" in command else []  # which goes on for ever
        said = stack.do("exec", "-T", service, *command, *end)
        judge.expect(f"`{' '.join(command)}` answers", said, said.splitlines()[-1:])
    judge_gateway(judge)
    stack.do("kill", "-s", "HUP", "engine-1", "engine-2", "gateway")
    stack.do("up", "-d", "--wait", "--no-recreate", "engine-1", "engine-2", "gateway")
    judge.expect("engines and a gateway that have read their files again are well", True)


def main():
    sluice, judge, stack = os.path.abspath(sys.argv[1]), Judge(), Stack()
    begun = time.monotonic()
    try:
        if "--cached" in sys.argv and not os.path.isdir(os.path.join(CACHE, "engine")):
            raise Skipped("its images are not built yet; `make compose-check` does")
        stack.begin()
        stack.do("--profile", "full", "down", "-v")  # what a check that was cut short has left
        stack.do("--progress", "plain", "build")
        print(f"compose: built after {time.monotonic() - begun:.0f} s", flush=True)
        stack.do("up", "-d", "--wait", "kafka", "registry", "redis", "mlserver", "engine-1", "engine-2", "gateway", "prometheus")
        judge.expect("the stack comes up", True, f"after {time.monotonic() - begun:.0f} s")
        judge_image(stack, judge)
        with tempfile.TemporaryDirectory() as place:
            events, files = under_fire(stack, sluice, judge, place)
            judge_answers(judge, sluice, events, files)
            has_load(stack, sluice, judge, files)
        judge_page(stack, judge)
        if "--cached" not in sys.argv:
            judge_full(stack, judge)
    except Skipped as reason:
        print(f"skipped: compose: {reason}\n0 passed, 0 failed, 1 skipped")
        return 0
    except (RuntimeError, subprocess.TimeoutExpired, OSError) as error:
        judge.expect("it runs to its end", False, error)
        if stack.compose:
            print(stack.do("logs", "--tail", "20"))
    finally:
        stack.end()
    print(f"{judge.passed} passed, {judge.failed} failed")
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
