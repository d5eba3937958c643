#!/usr/bin/env python3
"""Judges what callers of a gateway get beside others: crowds.py SLUICE

First a gateway that is started twice under one name, as far as it has one: on one port, and with all that names it (files,
namespace, brokers) alike. Then floods, each from processes of their own: the time within which 99 of 100 calls of another caller
are answered may be at most twice what it is when nobody floods. Quiet rounds and floods take turns, and the middle one of
the ratios counts, since the machine may be busy; quiet times below FLOOR_MS count as that, as there the scheduler is
measured. Connections that were closed for a flood are counted in /metrics. One line for each behaviour that is not as it should
be; at the end `N passed, N failed`. With -v, the figures.
"""
import concurrent.futures, http.client, json, os, socket, statistics, subprocess, sys, tempfile, time, urllib.request

sys.path.insert(0, os.path.dirname(__file__))
import frames  # noqa: E402
from access import Gateway  # noqa: E402
from dev import Dev, Judge  # noqa: E402
from gateway import PIPELINE, number_of, request  # noqa: E402

RATIO_MOST = 2.0
FLOOR_MS = 3.0
CALLS, ROUNDS = 300, 3
CALLERS, CALLS_EACH = 6, 60
LORIS_CONNECTIONS = 300
STEPS = "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n"
PLACE = "/v2/pipelines/%s/infer"


# ---- two of one name ----

def calls_of(gateway, caller):
    """What did not get its own answer, though all requests have one id"""
    wrong = []
    for turn in range(CALLS_EACH):
        number = caller * 1000.0 + turn
        status, answer, _ = gateway.ask("POST", PLACE % "twice", request(number, id="same"))
        if status != 200 or number_of(answer) != number * 2:
            wrong.append((number, status, answer))
    return wrong


def two_of_one_name(judge, dev, binary, files):
    brokers = dev.said("broker")
    first, second = Gateway(binary, brokers, files), Gateway(binary, brokers, files)
    judge.expect("a second gateway of all the same starts", first.started and second.started, first.words + second.words)
    third = subprocess.run([binary, "gateway", "-f", files, "--brokers", brokers, "--http", str(first.port)], capture_output=True, text=True)
    judge.expect("one at the same port says so, and what to do", third.returncode == 2 and
                 f"cannot listen at 127.0.0.1:{first.port}: Address already in use; name another address or port" in third.stderr, third)
    with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
        wrong = sum(pool.map(calls_of, [first, second] * (CALLERS // 2), range(CALLERS)), [])
    judge.expect("each call gets its own answer, at both", not wrong, wrong[:3])
    with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
        calling = [pool.submit(calls_of, second, caller) for caller in range(CALLERS)]
        first.process.terminate()
        wrong = sum((called.result() for called in calling), [])
    judge.expect("one that ends takes nothing from the other", not wrong, wrong[:3])
    judge.expect("and ends well", first.process.wait(20) == 0, first.words)
    second.process.terminate()
    second.process.wait(20)


# ---- floods ----

def frames_of(kind, caller):
    """What is sent at once, again and again"""
    if kind == "reset":
        caller.stream += 200
        streams = range(caller.stream - 200, caller.stream, 2)
        return b"".join(frames.frame(frames.HEADERS, 5, stream + 2, caller.head()) +
                        frames.frame(frames.RST_STREAM, 0, stream + 2, b"\0\0\0\x08") for stream in streams)
    if kind == "ping":
        return frames.frame(frames.PING, 0, 0, b"12345678") * 200
    if kind == "settings":
        return frames.frame(frames.SETTINGS, 0, 0) * 200
    return frames.frame(frames.CONTINUATION, 0, 1, frames.literal("x-more", "a" * 100)) * 50


def flood(kind, port):
    """Until it is ended. What is refused comes again: that the peer has to stand too"""
    while True:
        try:
            caller = frames.Caller(port, 5)
            caller.stream = -1
            if kind == "continuation":
                caller.send(frames.frame(frames.HEADERS, 0, 1, caller.head()))
            while True:
                caller.send(frames_of(kind, caller))
                time.sleep(0.001)
        except OSError:
            time.sleep(0.01)


def loris(port):
    held = []
    while True:
        held = held[-LORIS_CONNECTIONS:]
        for at in range(LORIS_CONNECTIONS):
            try:
                if at >= len(held):
                    held.append(socket.create_connection(("127.0.0.1", port), timeout=5))
                    held[at].sendall(b"POST /v2/pipelines/near/infer HTTP/1.1\r\nHost: h\r\n")
                held[at].sendall(b"x")
            except OSError:
                held.pop(at) if at < len(held) else None
                break
        time.sleep(0.1)


def percentile_ms(port):
    """Within which 99 of 100 calls are answered"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body, took = json.dumps(request()), []
    for _ in range(CALLS):
        then = time.perf_counter()
        connection.request("POST", PLACE % "near", body)
        reply = connection.getresponse()
        reply.read()
        took.append((time.perf_counter() - then) * 1000)
        if reply.status != 200:
            return float("inf")
    connection.close()
    return sorted(took)[CALLS * 99 // 100]


def closed_for_floods(dev):
    """Connections, as /metrics counts them"""
    address = next(line for line in dev.lines if "metrics are at" in line).split("metrics are at ")[1].split()[0]
    with urllib.request.urlopen(address, timeout=20) as reply:
        lines = reply.read().decode().splitlines()
    counted = [line for line in lines if line.startswith("sluice_gateway_flooding_connections_total")]
    return float(counted[0].split()[-1]) if len(counted) == 1 else float("nan")


def others_are_served(judge, dev):
    http_port, grpc_port = (int(dev.said(listener).rsplit(":", 1)[1]) for listener in ("gateway", "grpc"))
    for kind, port in (("reset", grpc_port), ("ping", grpc_port), ("settings", grpc_port), ("continuation", grpc_port), ("loris", http_port)):
        ratios, seen, before = [], [], closed_for_floods(dev)
        for _ in range(ROUNDS):
            quiet = percentile_ms(http_port)
            flooding = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--flood", kind, str(port)])
            try:
                time.sleep(0.3)  # it is under way
                flooded = percentile_ms(http_port)
                judge.expect(f"the flood of {kind} goes on meanwhile", flooding.poll() is None)
            finally:
                flooding.kill()
                flooding.wait()
            ratios.append(flooded / max(quiet, FLOOR_MS))
            seen.append(f"{quiet:.2f} ms quiet, {flooded:.2f} ms")
        judge.expect(f"beside a flood of {kind}, 99 of 100 calls of others take at most {RATIO_MOST} times as long",
                     statistics.median(ratios) <= RATIO_MOST, seen)
        if port == grpc_port:
            judge.expect(f"a connection that floods by {kind} is closed, each time, and counted", closed_for_floods(dev) >= before + ROUNDS)
        if "-v" in sys.argv:
            print(kind, *seen, sep="; ")


def main():
    if sys.argv[1] == "--flood":
        os.nice(10)
        loris(int(sys.argv[3])) if sys.argv[2] == "loris" else flood(sys.argv[2], int(sys.argv[3]))
    judge, binary = Judge(), sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        for name, more in (("twice", ""), ("near", "  ingress: direct\n")):
            with open(os.path.join(folder, name + ".yaml"), "w", encoding="utf-8") as file:
                file.write(PIPELINE % (name, STEPS + more))
        dev = Dev(binary, folder, "--metrics", "0")
        try:
            judge.expect("it starts", dev.started, dev.lines)
            two_of_one_name(judge, dev, binary, os.path.join(folder, "twice.yaml"))
            others_are_served(judge, dev)
        finally:
            dev.stop()
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
