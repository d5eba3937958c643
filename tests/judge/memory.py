#!/usr/bin/env python3
"""Judges whether an engine with a gateway, and a gateway alone, stay within the memory for which OPERATING.md sizes their
container, while one caller floods them with bodies: memory.py SLUICE

Each runs in a cgroup (version 1 or 2) that has exactly that limit, where the kernel kills what takes more. The caller leaves
bodies of nearly the largest size unfinished on many connections, sends whole ones as fast as it can, and then some that wait for
a model which is away. An engine keeps replies of models, more than it has memory, before. Another caller is answered meanwhile. --memory is not given: half of the limit of a small container is taken. Needs root; where no cgroup can be
made, one line says so. At the end `N passed, N failed`; with -v, the figures.
"""
import contextlib, http.client, json, os, socket, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(__file__))
from access import Gateway  # noqa: E402
from dev import Dev, Judge, free_port  # noqa: E402
from gateway import PIPELINE, number_of, request  # noqa: E402

MIB = 1 << 20
BESIDE_MIB = 50  # what OPERATING.md adds to --memory
CHOSEN_MIB = 256  # --memory, where the container is large
SMALL_MIB = 192  # a container of which --memory takes half
BODY_BYTES = 990_000  # a topic takes a million
LEFT_OPEN = 1.2  # times the container's memory, in requests
WHOLE_SECONDS, SENDERS = 2, 24
CACHED_REQUESTS = 40  # to each of the models: 8 bytes are kept for each number
STEPS = "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n  delivery: at-least-once\n"
AWAY = "  - {name: far, model: {storageUri: 'http://127.0.0.1:9'}}\n  output: {steps: [far]}\n  delivery: at-least-once\n"
MODELS = [f"m{number}" for number in range(1, 7)]
MODEL = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\nspec: {storageUri: 'stub://identity'}\n"
CACHED = "  - {name: %s, model: {storageUri: '%s/%s', cache: {ttl: 1h}}}\n"
PLACE = "/v2/pipelines/%s/infer"


class Cgroup:
    """A group of processes with a limit of memory. Raises OSError where none can be made"""

    def __init__(self, limit_bytes):
        first = os.path.isdir("/sys/fs/cgroup/memory")
        parent = "/sys/fs/cgroup/memory" if first else "/sys/fs/cgroup"
        self.path = f"{parent}/sluice-memory-{os.getpid()}-{limit_bytes}"
        self.first = first
        os.mkdir(self.path)
        try:
            self.write("memory.limit_in_bytes" if first else "memory.max", limit_bytes)
            if not first:
                self.write("memory.swap.max", 0)
            elif os.path.exists(f"{self.path}/memory.memsw.limit_in_bytes"):
                self.write("memory.memsw.limit_in_bytes", limit_bytes)
        except OSError:
            self.close()
            raise

    def write(self, name, value):
        with open(f"{self.path}/{name}", "w", encoding="utf-8") as file:
            file.write(str(value))

    def peak_mib(self):
        with open(f"{self.path}/{'memory.max_usage_in_bytes' if self.first else 'memory.peak'}", encoding="utf-8") as file:
            return int(file.read()) // MIB

    def close(self):
        for _ in range(50):
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
                return
            time.sleep(0.1)


def message(pipeline, body):
    return f"POST {PLACE % pipeline} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def body_of(length):
    """A request whose answer is as large"""
    count = length // 8
    return json.dumps({"inputs": [{"name": "x", "datatype": "FP64", "shape": [count], "data": [1.125] * count}]}).encode()[:-1].ljust(length - 1) + b"}"


def leave_open(port, sent, limit_mib):
    """Connections with the same request each, of which nothing is read"""
    held = []
    for _ in range(int(LEFT_OPEN * limit_mib)):
        connection = socket.create_connection(("127.0.0.1", port), 10)
        connection.settimeout(5)
        with contextlib.suppress(OSError):
            connection.sendall(sent)
        held.append(connection)
    return held


def send_whole(port, whole, until, statuses):
    """Reads the status of an answer, and of its body nothing until the next request is sent"""
    before = None
    while time.monotonic() < until:
        with contextlib.suppress(OSError, ValueError, IndexError):
            connection = socket.create_connection(("127.0.0.1", port), 10)
            connection.settimeout(3)  # the broker of `dev` may delete a request before it is read
            connection.sendall(whole)
            statuses.append(int(connection.recv(64).split()[1]))
            if before:
                before.close()
            before = connection
    if before:
        before.close()


def send_from_many(port, whole, statuses):
    until = time.monotonic() + WHOLE_SECONDS
    senders = [threading.Thread(target=send_whole, args=(port, whole, until, statuses)) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    time.sleep(WHOLE_SECONDS / 2)
    answered = another_is_answered(port)
    for sender in senders:
        sender.join()
    return answered


def another_is_answered(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=("127.0.0.2", 0))
    try:
        connection.request("POST", PLACE % "p", json.dumps(request(3.0)), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status == 200 and number_of(json.loads(answer.read())) == 6.0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def model_server(binary):
    """Its address"""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "models.yaml"), "w", encoding="utf-8") as file:
            file.write("---\n".join(MODEL % name for name in MODELS))
        server = subprocess.Popen([binary, "models", "serve", folder, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            said = next(line for line in server.stdout if "http://" in line)
            yield "http://" + said.split("http://")[1].split()[0].rstrip(",;/")
        finally:
            server.kill()
            server.wait()


def fill_caches(judge, what, port):
    """With more replies than the container has memory: each of the models keeps its own"""
    statuses = set()
    for number in range(CACHED_REQUESTS):
        body = body_of(BODY_BYTES).replace(b"1.125", b"%d" % (10000 + number), 1)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("POST", PLACE % "cached", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            statuses.add(answer.status if answer.status == 200 else answer.read()[:300])
        except (OSError, http.client.HTTPException) as error:
            statuses.add(repr(error))
        connection.close()
    judge.expect(f"{what}: requests whose replies are kept are answered", statuses == {200}, statuses)


def flood(judge, what, gateway, cgroup, limit_mib, verbose):
    whole, refused, answered = message("p", body_of(BODY_BYTES)), [], []
    judge.expect(f"{what}: it answers", gateway.started and another_is_answered(gateway.port), gateway.words)
    if what == "engine":
        fill_caches(judge, what, gateway.port)
        judge.expect(f"{what}: replies that are kept are within the workers' half of --memory", cgroup.peak_mib() <= CHOSEN_MIB / 2 + BESIDE_MIB,
                     cgroup.peak_mib())
    with contextlib.suppress(OSError):  # of a server that was killed
        held = leave_open(gateway.port, whole[:-1000], limit_mib)
        judge.expect(f"{what}: another caller is answered beside unfinished bodies", another_is_answered(gateway.port), gateway.words)
        send_whole(gateway.port, whole, time.monotonic() + 0.5, refused)
        judge.expect(f"{what}: a body beyond the budget is refused", set(refused) == {503}, refused)
        for connection in held:
            connection.close()
    judge.expect(f"{what}: another caller is answered beside whole bodies", send_from_many(gateway.port, whole, answered), gateway.words)
    judge.expect(f"{what}: large requests are answered", 200 in answered and set(answered) <= {200, 503}, answered)
    with contextlib.suppress(OSError):
        held = leave_open(gateway.port, message("away", body_of(BODY_BYTES)), limit_mib)
        time.sleep(1)
        judge.expect(f"{what}: another caller is answered beside requests that wait for a model", another_is_answered(gateway.port), gateway.words)
        for connection in held:
            connection.close()
    judge.expect(f"{what}: nothing is killed", gateway.process.poll() is None, gateway.process.poll())
    judge.expect(f"{what}: it still answers", another_is_answered(gateway.port), gateway.words)
    if verbose:
        print(f"{what}: {cgroup.peak_mib()} MiB at most; of large requests {answered.count(200)} answered, {answered.count(503)} refused")


def flooded(judge, binary, folder, brokers, what, limit_mib, port, verbose):
    cgroup = Cgroup(limit_mib * MIB)
    entering = os.path.join(folder, f"enter-{limit_mib}-{port or 0}")
    with open(entering, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\necho $$ >{cgroup.path}/cgroup.procs && exec {binary} "$@"\n')
    os.chmod(entering, 0o755)
    more = [] if port is None else ["-n", "flooded"]  # an engine of its own, beside that of the broker
    gateway = Gateway(entering, brokers, folder, *(["--http", str(port), *more] if port else []), port=port)
    try:
        flood(judge, what, gateway, cgroup, limit_mib, verbose)
    finally:
        gateway.process.kill()  # what waits for the model would hold it up
        gateway.process.wait()
        cgroup.close()


def main():
    judge, binary, verbose = Judge(), os.path.abspath(sys.argv[1]), "-v" in sys.argv
    try:
        Cgroup(64 * MIB).close()
    except OSError as error:
        print(f"memory: skipped: no cgroup can be made here: {error}", file=sys.stderr)
        print("0 passed, 0 failed")
        return 0
    with tempfile.TemporaryDirectory() as folder, model_server(binary) as models:
        cached = "".join(CACHED % (name, models, name) for name in MODELS) + "  output: {steps: [m1]}\n  delivery: at-least-once\n"
        for name, steps in (("p", STEPS), ("away", AWAY), ("cached", cached)):
            with open(os.path.join(folder, name + ".yaml"), "w", encoding="utf-8") as file:
                file.write(PIPELINE % (name, steps))
        dev = Dev(binary, folder)
        try:
            brokers = dev.said("broker")
            usual = CHOSEN_MIB + BESIDE_MIB
            flooded(judge, binary, folder, brokers, "engine", usual, free_port(), verbose)
            flooded(judge, binary, folder, brokers, "gateway", SMALL_MIB, None, verbose)
        finally:
            dev.process.kill()
            dev.process.wait()
    print(f"{judge.passed} passed, {judge.failed} failed")
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
