#!/usr/bin/env python3
"""Judges how soon a model's call is given up when nobody waits for its answer: leaving.py SLUICE

The gateway is that of `sluice dev`; the model is a server of this program's, which answers nothing and tells when its caller hangs
up. Callers leave in each way that they have: by closing, by a reset of gRPC, by DELETE, by their deadline; through Kafka and by
direct ingress, with the call on its way and in line. The middle one of some times counts: the machine may be busy. One line for
each behaviour that is not as it should be; at the end `N passed, N failed`.
"""
import json, os, queue, socket, statistics, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(__file__))
from dev import Dev, Judge  # noqa: E402
from frames import Caller  # noqa: E402
from gateway import PIPELINE, Gateway, request  # noqa: E402

ROUNDS = 5
SOON_SECONDS = 0.2  # engine/engine/worker/DELIVERY.md
DEADLINE_MS = 300
SECONDS_MAX = 10
MODEL = ("---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s-model}\n"
         "spec: {storageUri: 'http://127.0.0.1:%d/late', autoscaling: {minReplicas: 1, maxReplicas: %d}}\n")


class SilentModel:
    """Ready, and never answers. `calls`: each call's connection; `ended`: when one was closed"""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listening.getsockname()[1]
        self.calls, self.ended = queue.Queue(), queue.Queue()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            threading.Thread(target=self.hold, args=(self.listening.accept()[0],), daemon=True).start()

    def hold(self, connection):
        said = b""
        try:
            while True:
                more = connection.recv(65536)
                if not more:
                    break
                said += more
                if said.startswith(b"GET ") and b"\r\n\r\n" in said:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
                    said = b""
                elif b"POST " in said:
                    self.calls.put(connection)
                    said = b""
        except OSError:
            pass
        self.ended.put(time.monotonic())

    def await_call(self):
        self.calls.get(timeout=SECONDS_MAX)
        while not self.ended.empty():
            self.ended.get()

    def seconds_since(self, then):
        return self.ended.get(timeout=SECONDS_MAX) - then


def ask_by_http(gateway, pipeline):
    body = json.dumps(request()).encode()
    connection = socket.create_connection((gateway.host, gateway.port))
    connection.sendall(b"POST /v2/pipelines/%s/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (pipeline.encode(), len(body)) + body)
    return connection


def leaves_by_closing(gateway, grpc_port, model, pipeline):
    connection = ask_by_http(gateway, pipeline)
    model.await_call()
    then = time.monotonic()
    connection.close()
    return model.seconds_since(then)


def leaves_by_a_reset(gateway, grpc_port, model, pipeline):
    caller = Caller(grpc_port)
    stream = caller.call(pipeline, 1.0)
    model.await_call()
    then = time.monotonic()
    caller.cancel(stream)
    seconds = model.seconds_since(then)
    caller.close()
    return seconds


def leaves_by_a_deadline(gateway, grpc_port, model, pipeline):
    caller = Caller(grpc_port)
    then = time.monotonic() + DEADLINE_MS / 1000
    caller.call(pipeline, 1.0, ("grpc-timeout", f"{DEADLINE_MS}m"))
    model.await_call()
    seconds = model.seconds_since(then)
    caller.close()
    return seconds


def leaves_by_delete(gateway, grpc_port, model, pipeline):
    place = gateway.infer(pipeline, request(), prefer="respond-async")[2]["location"]
    model.await_call()
    then = time.monotonic()
    gateway.ask("DELETE", place)
    return model.seconds_since(then)


def calls_are_given_up(judge, gateway, grpc_port, model):
    for pipeline in ("far", "near"):
        for leave in (leaves_by_closing, leaves_by_a_reset, leaves_by_a_deadline, leaves_by_delete):
            took = [leave(gateway, grpc_port, model, pipeline) for _ in range(ROUNDS)]
            judge.expect(f"{leave.__name__} gives the call of {pipeline} up within {SOON_SECONDS} s", statistics.median(took) <= SOON_SECONDS,
                         [f"{seconds:.3f}" for seconds in took])


def calls_in_line_are_given_up(judge, gateway, model):
    """`crowded` may have one call at a time: the second waits in line, and the server must never see it"""
    for pipeline in ("crowded-far", "crowded-near"):
        first = ask_by_http(gateway, pipeline)
        model.await_call()
        second = ask_by_http(gateway, pipeline)
        time.sleep(0.2)  # it is in line by now; nothing outside shows that
        second.close()
        time.sleep(2 * SOON_SECONDS)
        first.close()
        model.seconds_since(time.monotonic())
        try:
            model.calls.get(timeout=1)
            judge.expect(f"a call of {pipeline} in line is given up", False, "the model was asked for a caller that had left")
        except queue.Empty:
            judge.expect(f"a call of {pipeline} in line is given up", True)


def main():
    judge, model = Judge(), SilentModel()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("far", "near", "crowded-far", "crowded-near"):
            with open(os.path.join(folder, name + ".yaml"), "w", encoding="utf-8") as file:
                steps = f"  - {{name: {name}-model}}\n  output: {{steps: [{name}-model]}}\n"
                file.write(PIPELINE % (name, steps + ("  ingress: direct\n" if "near" in name else "")))
                file.write(MODEL % (name, model.port, 1 if "crowded" in name else 64))
        dev = Dev(sys.argv[1], folder)
        try:
            judge.expect("it starts", dev.started, dev.lines)
            gateway, grpc_port = Gateway(dev.said("gateway")), int(dev.said("grpc").rsplit(":", 1)[1])
            calls_are_given_up(judge, gateway, grpc_port, model)
            calls_in_line_are_given_up(judge, gateway, model)
        finally:
            dev.stop()
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
