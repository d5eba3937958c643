#!/usr/bin/env python3
"""Judges what callers of a gateway get beside others: crowds.py SLUICE

First a gateway that is started twice under one name, as far as it has one: on one port, and with all that names it (files,
namespace, brokers) alike. Then floods, each from processes of their own: the time within which 99 of 100 calls of another
caller are answered may be at most twice what it is when nobody floods. Quiet rounds and floods take turns, and the middle one
of the ratios counts, since the machine may be busy; quiet times below FLOOR_MS count as that, as there the scheduler is
measured. A flood takes processors too, from whom it is not sent to as well: a round above the limit is compared with the times
of the same calls while another process is flooded in the same way, on the same processors. At last the other caller's calls are
of gRPC, at the port where an HPACK bomb, tricks with windows, smuggled requests, bodies of 1 GiB or without end, and heads of
100,000 headers arrive. What was closed for a flood is counted in /metrics. One line for each behaviour that is not as it should
be; at the end `N passed, N failed`. With -v, the figures.
"""
import concurrent.futures, contextlib, http.client, itertools, json, os, select, socket, statistics, struct, subprocess, sys, tempfile, time, urllib.request

sys.path.insert(0, os.path.dirname(__file__))
import frames  # noqa: E402
from access import Gateway  # noqa: E402
from dev import Dev, Judge, free_port  # noqa: E402
from gateway import PIPELINE, number_of, request  # noqa: E402

RATIO_MOST = 2.0
FLOOR_MS = 3.0
CALLS, ROUNDS, ROUNDS_MOST = 300, 3, 7  # more of them where the first ones are above
CALLERS, CALLS_EACH = 6, 60
LORIS_CONNECTIONS = 300
CROWD_CONNECTIONS = 4
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

def say_begun(said=[]):
    """Once: who measures waits for it"""
    if not said:
        said.append(print("begun", flush=True))


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
    if kind == "widen":
        return frames.frame(frames.WINDOW_UPDATE, 0, 0, b"\0\0\0\1") * 200
    if kind == "bomb":  # 16 KiB that come to 60 MiB
        caller.stream += 2
        return frames.frame(frames.HEADERS, 5, caller.stream, caller.head() + frames.REFERENCE * 16000)
    return frames.frame(frames.CONTINUATION, 0, 1, frames.literal("x-more", "a" * 100)) * 50


def flood(kind, port):
    """Until it is ended. What is refused comes again: that the peer has to stand too"""
    while True:
        try:
            caller = frames.Caller(port, 5)
            caller.stream = -1
            if kind == "continuation":
                caller.send(frames.frame(frames.HEADERS, 0, 1, caller.head()))
            if kind == "bomb":
                caller.stream = 1
                caller.send(frames.frame(frames.HEADERS, 5, 1, caller.head() + frames.indexed("x-bomb", "a" * 3900)))
            while True:
                caller.send(frames_of(kind, caller))
                say_begun()
                time.sleep(0.001)
        except OSError:
            time.sleep(0.01)


def crowd(port, words):
    """WORDS, a list of requests one after another, are sent on CROWD_CONNECTIONS connections as fast as the answers are read"""
    left = {}
    while True:
        while len(left) < CROWD_CONNECTIONS:
            caller = socket.create_connection(("127.0.0.1", port), 5)
            caller.setblocking(False)
            left[caller] = b"", words()
        readable, writable, _ = select.select(left, left, [])
        for caller in readable:
            try:
                if not caller.recv(1 << 18):
                    left.pop(caller).close()
            except OSError:
                left.pop(caller, None)
        for caller in writable:
            if caller in left:
                rest, more = left[caller]
                rest = rest or next(more)
                try:
                    left[caller] = rest[caller.send(rest):], more
                except OSError:
                    left.pop(caller, None)
        say_begun()


def pipelined():
    while True:
        yield b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200


def streamed():
    """The same in HTTP/2, with the window of the connection opened again and again"""
    fields = ((":method", "GET"), (":scheme", "http"), (":path", "/v2/health/live"), (":authority", "localhost"))
    head = b"".join(frames.literal(name, value) for name, value in fields)
    yield frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0)
    for first in itertools.count(1, 400):
        yield b"".join(frames.frame(frames.HEADERS, 5, stream, head) for stream in range(first, first + 400, 2)) + \
            frames.frame(frames.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 16))


def dribble(port):
    """Answers that are taken byte by byte"""
    while True:
        try:
            caller = frames.Caller(port, 5)
            caller.send(frames.frame(frames.SETTINGS, 0, 0, b"\0\4\0\0\0\0"))  # no window
            while True:
                streams = [caller.call("near", 1.0) for _ in range(20)]
                for _ in range(100):
                    caller.send(*(frames.frame(frames.WINDOW_UPDATE, 0, stream, b"\0\0\0\1") for stream in streams))
                    say_begun()
                    time.sleep(0.001)
                    try:
                        caller.socket.recv(65536, socket.MSG_DONTWAIT)
                    except BlockingIOError:
                        pass
        except OSError:
            time.sleep(0.01)


def churn(port):
    """Connections that end as soon as they are there, without a byte, with half a head, and with a greeting of HTTP/2"""
    words = [b"", b"GET / HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    for number in itertools.count():
        try:
            caller = socket.create_connection(("127.0.0.1", port), 5)
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no port of the machine stays in use
            caller.send(words[number % len(words)])
            caller.close()
        except OSError:
            time.sleep(0.001)
        say_begun()


SMUGGLED = "GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
AMBIGUOUS = [f"POST {PLACE % 'near'} HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n{body}" for lengths, body in (
    ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + SMUGGLED), ("Content-Length: 0\r\nContent-Length: 44\r\n", SMUGGLED),
    ("Transfer-Encoding: chunked\r\n", "3\nabc\r\n0\r\n\r\n" + SMUGGLED), ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + SMUGGLED))]


def smuggle(port):
    """Requests of which a proxy may see another end. Whatever is answered to the one that is hidden ends the flood, which is seen"""
    while True:
        for text in AMBIGUOUS:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
                one.sendall(text.encode())
                reply = b""
                try:
                    while more := one.recv(65536):
                        reply += more
                except OSError:
                    pass
                if reply.count(b"HTTP/1.1 ") != 1 or reply[9:12] not in (b"400", b"501"):
                    sys.exit(f"smuggled: {reply}")
            say_begun()


OVERSIZED = {"gigabyte": (b"413", f"POST {PLACE % 'near'} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {1 << 30}\r\n\r\n".encode(), bytes(1 << 20), 1 << 10),
             "endless": (b"413", f"POST {PLACE % 'near'} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
                         b"100000\r\n" + bytes(1 << 20) + b"\r\n", 1 << 10),
             "headers": (b"431", b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n", b"x-more: a\r\n" * 1000, 100)}


TAKEN_MOST = 128  # pieces, after the refusal too: who is still sending may not have read it


def oversize(kind, port):
    """Requests that are sent as far as they are taken. One that is answered in another way, or of which too much is taken, ends the flood"""
    status, head, piece, pieces = OVERSIZED[kind]
    while True:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
            taken, reply = 0, b""
            with contextlib.suppress(OSError):
                one.sendall(head)
                for taken in range(pieces):
                    one.sendall(piece)
            with contextlib.suppress(OSError):
                reply = one.recv(65536)
            if taken > TAKEN_MOST or reply[9:12] not in (b"", status):
                sys.exit(f"{kind}: {reply}, and {taken} pieces are taken")
        say_begun()


def loris(port):
    held = []
    while True:
        held = held[-LORIS_CONNECTIONS:]
        for at in range(LORIS_CONNECTIONS):
            try:
                if at >= len(held):
                    held.append(socket.create_connection(("127.0.0.1", port), timeout=5))
                    held[at].sendall(b"POST /v2/pipelines/near/infer HTTP/1.1\r\nHost: localhost\r\n")
                held[at].sendall(b"x")
            except OSError:
                held.pop(at) if at < len(held) else None
                break
        say_begun()
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


def percentile_of_grpc_ms(port):
    """The same of calls over gRPC, which are written and read by hand"""
    caller, took = frames.Caller(port), []
    for _ in range(CALLS):
        then = time.perf_counter()
        kinds = caller.wait(caller.call("near", 1.0))
        took.append((time.perf_counter() - then) * 1000)
        if kinds != [frames.HEADERS, frames.DATA, frames.HEADERS]:  # an error has no message
            return float("inf")
    caller.close()
    return sorted(took)[CALLS * 99 // 100]


def counted(dev, name="flooding_connections"):
    """As /metrics counts them"""
    address = next(line for line in dev.lines if "metrics are at" in line).split("metrics are at ")[1].split()[0]
    with urllib.request.urlopen(address, timeout=20) as reply:
        lines = reply.read().decode().splitlines()
    found = [line for line in lines if line.startswith(f"sluice_gateway_{name}_total")]
    return float(found[0].split()[-1]) if len(found) == 1 else float("nan")


def port_of(dev, listener):
    return int(dev.said(listener).rsplit(":", 1)[1])


def others_are_served(judge, dev, elsewhere):
    http_port, grpc_port = port_of(dev, "gateway"), port_of(dev, "grpc")
    for kind in ("reset", "ping", "settings", "continuation"):
        beside_a_flood(judge, dev, kind, (grpc_port, port_of(elsewhere, "grpc")), lambda: percentile_ms(http_port), "flooding_connections")
    for kind in ("loris", "pipelined"):
        beside_a_flood(judge, dev, kind, (http_port, port_of(elsewhere, "gateway")), lambda: percentile_ms(http_port), None)


def callers_of_one_port_are_served(judge, dev, elsewhere):
    """REST and gRPC share it, so calls over gRPC meet what is sent in both protocols"""
    port = port_of(dev, "grpc")
    judge.expect("one port has both", port == port_of(dev, "gateway"), dev.lines)
    for kind, name in (("bomb", "flooding_connections"), ("widen", "flooding_connections"), ("dribble", None), ("churn", None),
                       ("streamed", None), ("smuggle", "rejected_requests"), ("gigabyte", "rejected_requests"), ("endless", "rejected_requests"), ("headers", "rejected_requests")):
        beside_a_flood(judge, dev, kind, (port, port_of(elsewhere, "grpc")), lambda: percentile_of_grpc_ms(port), name)


@contextlib.contextmanager
def flooding(judge, kind, port):
    process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--flood", kind, str(port)], stdout=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()  # it is under way
        yield
        judge.expect(f"the flood of {kind} goes on meanwhile", process.poll() is None)
    finally:
        process.kill()
        process.wait()


def beside_a_flood(judge, dev, kind, ports, percentile, name):
    """`ports`: the one that is judged, and that of another process. `name`: of the metric that counts what was closed for it;
    None: it is not closed, or not at once"""
    ratios, seen, before = [], [], counted(dev, name) if name else 0
    while len(ratios) < ROUNDS or (len(ratios) < ROUNDS_MOST and statistics.median(ratios) > RATIO_MOST):
        quiet = percentile()
        with flooding(judge, kind, ports[0]):
            flooded = percentile()
            end = time.monotonic() + 10
            while name and counted(dev, name) <= before + len(ratios) and time.monotonic() < end:
                time.sleep(0.02)
        seen.append(f"{quiet:.2f} ms quiet, {flooded:.2f} ms")
        usual = max(quiet, FLOOR_MS)
        if flooded > RATIO_MOST * usual:
            with flooding(judge, kind, ports[1]):
                usual = max(usual, beside := percentile())
            seen[-1] += f", {beside:.2f} ms beside a flood elsewhere"
        ratios.append(flooded / usual)
    judge.expect(f"beside a flood of {kind}, 99 of 100 calls of others take at most {RATIO_MOST} times as long",
                 statistics.median(ratios) <= RATIO_MOST, seen)
    if name:
        judge.expect(f"a connection that floods by {kind} is closed, each time, and counted", counted(dev, name) >= before + len(ratios))
    if "-v" in sys.argv:
        print(kind, *seen, sep="; ")


def main():
    if sys.argv[1] == "--flood":
        os.nice(10)
        kind, port = sys.argv[2], int(sys.argv[3])
        {**{large: lambda where: oversize(kind, where) for large in OVERSIZED}, "loris": loris, "dribble": dribble, "smuggle": smuggle, "churn": churn, "pipelined": lambda where: crowd(where, pipelined),
         "streamed": lambda where: crowd(where, streamed)}.get(kind, lambda where: flood(kind, where))(port)
    judge, binary = Judge(), sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        for name, more in (("twice", ""), ("near", "  ingress: direct\n")):
            with open(os.path.join(folder, name + ".yaml"), "w", encoding="utf-8") as file:
                file.write(PIPELINE % (name, STEPS + more))
        with contextlib.ExitStack() as running:
            def dev_of(place, *more):
                dev = Dev(binary, place, "--metrics", "0", *more)
                running.callback(dev.stop)
                judge.expect("it starts", dev.started, dev.lines)
                return dev

            def of_one_port():
                port = str(free_port())
                return dev_of(os.path.join(folder, "near.yaml"), "--http", port, "--grpc", port)

            dev, elsewhere = dev_of(folder), of_one_port()
            two_of_one_name(judge, dev, binary, os.path.join(folder, "twice.yaml"))
            others_are_served(judge, dev, elsewhere)
            dev.stop()
            callers_of_one_port_are_served(judge, of_one_port(), elsewhere)
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
