#!/usr/bin/env python3
"""Callers of two gateways while engines, gateways and the broker are killed: storm_callers.py PORT PORT REQUESTS DOWN LEAST ONCE KEYED

CALLERS callers share REQUESTS requests. Each goes to one gateway, and after a reset to the other. One request in KEYED_EVERY has an
idempotency key, goes to the pipeline KEYED, which answers how often it was asked for a number, and is sent again, at the gateways in
turn, until it is answered. All others are sent once: one in ONCE_EVERY to the pipeline ONCE, whose answers wait for a commit, and the
rest to LEAST. All have the same id, so an answer is known by its number alone.
They begin no new request while the file DOWN is there, so that an outage costs time and not requests. When all are done, keys are
asked again at both gateways. A line of progress each 5 s, and in the end one line:
calls=N right=N wrong=N extra=N late=N refused=N unavailable=N timeout=N reset=N other=N keys=N unanswered=N replayed=N repeated=N differing=N slowest_ms=N
`refused` is what an engine refused because its deadline could not be met (429), or a key whose first request failed so midway (504),
`wrong` is another's answer, `extra` bytes behind an answer, `late` a call that took longer than its deadline and SLACK_SECONDS.
"""
import collections, itertools, json, os, select, socket, sys, threading, time

CALLERS = int(os.environ.get("CALLERS", "64"))
DEADLINE_MS = 3000
SLACK_SECONDS = 1.5  # beside the deadline, for this machine
KEYED_EVERY, ONCE_EVERY = 50, 8
ANSWER_SECONDS = 60  # a key is asked so long; the broker may be down for a part of it
ASKED_AGAIN = 200  # keys, in the end
AGAIN = (409, 429, 503, 504)
NAMES = ("calls", "right", "wrong", "extra", "late", "refused", "unavailable", "timeout", "reset", "other", "keys", "unanswered", "replayed", "repeated",
         "differing")


class Reset(Exception):
    pass


class Line:
    """One connection, read by hand: what comes behind an answer would be somebody else's"""
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_MS / 1000 + 10)
        self.left = b""

    def read(self, enough):
        while not enough(self.left):
            got = self.socket.recv(65536)
            if not got:
                raise Reset()
            self.left += got

    def ask(self, pipeline, number, key=None):
        """Status, body, whether the answer is an earlier request's, whether more came than one answer, and whether the connection ends"""
        body = b'{"id":"same","inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[%d]}]}' % number
        head = f"POST /v2/pipelines/{pipeline}/infer HTTP/1.1\r\nhost: x\r\nx-timeout-ms: {DEADLINE_MS}\r\ncontent-length: {len(body)}\r\n"
        extra = bool(self.left or select.select([self.socket], [], [], 0)[0] and self.socket.recv(1, socket.MSG_PEEK))
        self.socket.sendall((head + (f"idempotency-key: {key}\r\n" if key else "") + "\r\n").encode() + body)
        self.read(lambda left: b"\r\n\r\n" in left)
        head, _, self.left = self.left.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = int(headers.get("content-length", "0"))
        self.read(lambda left: len(left) >= length)
        body, self.left = self.left[:length], self.left[length:]
        return (int(lines[0].split()[1]), body, headers.get("idempotent-replayed") == "true", extra or bool(self.left),
                headers.get("connection") == "close")


class Caller:
    def __init__(self, number, ports, counts):
        self.ports, self.at, self.line, self.counts = ports, number % len(ports), None, counts

    def ask(self, pipeline, number, key=None):
        """What Line.ask says, or None after a reset; counts what is promised of each call"""
        begun = time.monotonic()
        try:
            self.line = self.line or Line(self.ports[self.at % len(self.ports)])
            status, body, replayed, extra, closed = self.line.ask(pipeline, number, key)
            self.line = None if closed else self.line
            self.counts["extra"] += extra
            reply = status, body, replayed
        except (OSError, Reset):
            self.line, reply = None, None
            self.at += 1
            time.sleep(0.02)
        took = time.monotonic() - begun
        self.counts["late"] += took > DEADLINE_MS / 1000 + SLACK_SECONDS
        self.counts["slowest_ms"] = max(self.counts["slowest_ms"], int(1000 * took))
        return reply

    def once(self, pipeline, number):
        reply = self.ask(pipeline, number)
        self.counts["calls"] += 1
        if reply is None:
            self.counts["reset"] += 1
        elif reply[0] == 200:
            self.counts["right" if json.loads(reply[1])["outputs"][0]["data"] == [number * 2] else "wrong"] += 1
        else:
            self.counts[{429: "refused", 503: "unavailable", 504: "timeout"}.get(reply[0], "other")] += 1
            if reply[0] not in (429, 503, 504):
                print(reply[0], reply[1].decode()[:300], file=sys.stderr)

    def keyed(self, pipeline, number):
        end = time.monotonic() + ANSWER_SECONDS
        self.counts["keys"] += 1
        while time.monotonic() < end:
            self.at += 1
            self.line = None  # the next one is at the other gateway
            reply = self.ask(pipeline, number, f"number {number}")
            if reply and reply[0] == 200:
                self.counts["replayed"] += reply[2]
                counted = {output["name"]: output["data"] for output in json.loads(reply[1])["outputs"]}
                self.counts["wrong"] += counted.get("x", [number]) != [number]
                self.counts["repeated"] += counted["n"] != [1]
                return reply[1]
            if reply and reply[0] == 504 and reply[2]:  # the first request ended at its deadline, and that is its answer
                self.counts["refused"] += 1
                return None
            if reply and reply[0] not in AGAIN:
                self.counts["other"] += 1
                print("key", number, reply[0], reply[1].decode()[:300], file=sys.stderr)
            time.sleep(0.1)
        self.counts["unanswered"] += 1
        print("unanswered", number, reply and (reply[0], reply[1].decode()[:300], reply[2]), file=sys.stderr)
        return None


def run(caller, numbers, down, pipelines, answers):
    for number in numbers:
        while os.path.exists(down):
            time.sleep(0.1)
        if number % KEYED_EVERY:
            caller.once(pipelines[number % ONCE_EVERY == 0], number)
        else:
            answers[number] = caller.keyed(pipelines[2], number)


def differing(ports, pipeline, answers):
    """How many keys get another answer than before, at either gateway"""
    found, counts = 0, collections.Counter()
    known = [item for item in answers.items() if item[1] is not None]
    for number, answer in known[:: max(1, len(known) // ASKED_AGAIN)]:
        for at in range(len(ports)):
            caller, reply, end = Caller(at, ports, counts), None, time.monotonic() + 10
            while (reply is None or reply[0] in AGAIN) and time.monotonic() < end:
                reply = caller.ask(pipeline, number, f"number {number}")
            found += reply is None or reply[0] != 200 or not reply[2] or reply[1] != answer
    return found


def main():
    ports, requests, down, pipelines = [int(port) for port in sys.argv[1:3]], int(sys.argv[3]), sys.argv[4], sys.argv[5:8]
    counts, answers = [collections.Counter() for _ in range(CALLERS)], {}
    numbers, lock = itertools.count(1), threading.Lock()

    def shared():
        while True:
            with lock:
                number = next(numbers)
            if number > requests:
                return
            yield number

    threads = [threading.Thread(target=run, args=(Caller(i, ports, counts[i]), shared(), down, pipelines, answers)) for i in range(CALLERS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        threads[0].join(5) if threads[0].is_alive() else time.sleep(0.5)
        print("so far", *[f"{name}={sum(count[name] for count in counts)}" for name in NAMES], file=sys.stderr, flush=True)
    print("asking the keys again", file=sys.stderr, flush=True)
    slowest = max(count.pop("slowest_ms", 0) for count in counts)
    total = sum(counts, collections.Counter())
    total["differing"] = differing(ports, pipelines[2], answers)
    print(" ".join(f"{name}={total[name]}" for name in NAMES), f"slowest_ms={slowest}")


if __name__ == "__main__":
    main()
