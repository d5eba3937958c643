#!/usr/bin/env python3
"""Callers of a gateway while it and engines are killed: gateway_callers.py PORT SECONDS PIPELINE... 

Each caller asks one number after the other, all under the same ids, and holds each answer against what it asked. At the end one
line: calls=N right=N wrong=N doubled=N late=N unavailable=N timeout=N reset=N other=N last_right=SECONDS
"""
import collections, http.client, json, os, sys, threading, time

CALLERS = 8
DEADLINE_MS = 3000
SLACK_SECONDS = 1.0 * int(os.environ.get("PATIENCE") or 1)  # beside the deadline, for this machine


def call(connection, pipeline, number):
    body = {"id": "same", "inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [number]}]}
    connection.request("POST", f"/v2/pipelines/{pipeline}/infer", json.dumps(body), {"x-timeout-ms": str(DEADLINE_MS)})
    reply = connection.getresponse()
    text = reply.read()
    if reply.status == 200:
        return "right" if json.loads(text)["outputs"][0]["data"] == [number * 2] else "wrong"
    return {503: "unavailable", 504: "timeout"}.get(reply.status, "other")


def run(caller, port, until, pipelines, counts, right_at):
    connection, number = None, caller * 1000000.0
    while time.monotonic() < until:
        number += 1
        begun = time.monotonic()
        try:
            connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_MS / 1000 + 5)
            end = call(connection, pipelines[int(number) % len(pipelines)], number)
        except (OSError, http.client.HTTPException):
            end, connection = "reset", None
            time.sleep(0.05)
        counts["calls"] += 1
        counts[end] += 1
        counts["late"] += time.monotonic() - begun > DEADLINE_MS / 1000 + SLACK_SECONDS
        if end == "right":
            right_at[caller] = time.monotonic()


def main():
    port, seconds, pipelines = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    each, right_at, begun = [collections.Counter() for _ in range(CALLERS)], {}, time.monotonic()
    threads = [threading.Thread(target=run, args=(i, port, begun + seconds, pipelines, each[i], right_at)) for i in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = sum(each, collections.Counter())
    names = ("calls", "right", "wrong", "late", "unavailable", "timeout", "reset", "other")
    print(" ".join(f"{name}={counts[name]}" for name in names), f"last_right_before_end_ms={max(0, int(1000 * (begun + seconds - min(right_at.values()))))}"
          if len(right_at) == CALLERS else "last_right_before_end_ms=999999")


if __name__ == "__main__":
    main()
