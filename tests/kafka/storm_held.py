#!/usr/bin/env python3
"""Answers beside an engine that is held in the middle of a transaction: storm_held.py PORT PIPELINE PID BROKERS REQUESTS KILL|STOP

Each of KEYS keys has a caller, who asks one number after the other. First the engine PID is stopped for a moment, shorter than its
session: the keys whose call waits are its own, the others belong to the other engine. Then, with all callers at work, `REQUESTS strike`
holds it as soon as a transaction of the pipeline's outputs is open. What is asked by the others' keys in the SECONDS after that, less
than the session of the group, is counted, and how many of its own keys wait at the end. A stopped engine goes on at the end. One line: own=N waiting=N others=N answers=N failed=N slowest_ms=N open=N
"""
import http.client, json, os, signal, subprocess, sys, threading, time

KEYS = 16
SECONDS = 4.5  # a session is 6 s, and ends in a rebalance, which is the group's affair
PROBE_SECONDS = 1.5


class Caller(threading.Thread):
    def __init__(self, port, pipeline, key):
        super().__init__(daemon=True)
        self.port, self.pipeline, self.key, self.calls, self.ended = port, pipeline, key, [], False

    def ask(self, number, timeout_ms):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        body = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [number]}]}
        try:
            connection.request("POST", f"/v2/pipelines/{self.pipeline}/infer", json.dumps(body),
                               {"sluice-key": self.key, "x-timeout-ms": str(timeout_ms)})
            reply = connection.getresponse()
            text = reply.read()
            return reply.status == 200 and json.loads(text)["outputs"][0]["data"] == [2 * number]
        finally:
            connection.close()

    def run(self):
        number = 0
        while not self.ended:
            begun, number = time.monotonic(), number + 1
            right = self.ask(number, 15000)
            self.calls.append((begun, time.monotonic(), right))


def is_waiting(caller):
    """Whether a call has no answer within a moment"""
    return not caller.ask(1, int(1000 * PROBE_SECONDS / 2))


def main():
    port, pipeline, pid, brokers, requests, how = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:7]
    callers = [Caller(port, pipeline, f"key {i}") for i in range(KEYS)]
    until = time.monotonic() + 30
    while any([is_waiting(caller) for caller in callers]) and time.monotonic() < until:
        time.sleep(0.5)  # the group is settling
    waits = {}
    os.kill(pid, signal.SIGSTOP)
    probes = [threading.Thread(target=lambda caller=caller: waits.update({caller: is_waiting(caller)})) for caller in callers]
    for probe in probes:
        probe.start()
    for probe in probes:
        probe.join()
    os.kill(pid, signal.SIGCONT)
    others = [caller for caller in callers if not waits[caller]]
    time.sleep(2)
    for caller in callers:
        caller.start()
    time.sleep(1)
    strike = subprocess.run([requests, "strike", "-b", brokers, "-o", f"sluice.default.pipeline.{pipeline}.outputs", "-p", str(pid), "-q", "10"]
                            + (["-h"] if how == "STOP" else []), stdout=subprocess.PIPE, text=True, check=True)
    held = time.monotonic()
    time.sleep(SECONDS)
    for caller in callers:
        caller.ended = True
    own = [caller for caller in callers if waits[caller]]
    waiting = sum(caller.is_alive() and (not caller.calls or caller.calls[-1][1] < held + 1) for caller in own)
    if how == "STOP":
        os.kill(pid, signal.SIGCONT)
    for caller in others:
        caller.join(20)
    calls = [call for caller in others for call in caller.calls if call[0] >= held - 0.5 and call[0] < held + SECONDS]
    slowest = max((end - begun for begun, end, _ in calls), default=0)
    print(f"own={len(own)} waiting={waiting} others={len(others)} answers={len(calls)} failed={sum(not right for _, _, right in calls)} slowest_ms={int(1000 * slowest)}",
          f"open={strike.stdout.strip() or 0}")


main()
