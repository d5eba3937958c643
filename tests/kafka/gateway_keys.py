#!/usr/bin/env python3
"""Callers with idempotency keys of two gateways, of which the first is killed meanwhile: gateway_keys.py PORT PORT SECONDS PIPELINE

Each caller sends one number after the other, each under a key of its own, first to the first gateway. What ends by a reset, 409, 503
or 504 is sent again, at the gateways in turn, until it is answered. The pipeline answers how often it was asked for that number. At
the end each key is asked again at both gateways. One line:
keys=N unanswered=N replayed_after_reset=N taken_over=N repeated=N differing=N other=N slowest_ms=N
"""
import collections, http.client, json, sys, threading, time

CALLERS = 6
ANSWER_SECONDS = 30  # a claim is taken over after 15
PAUSE_SECONDS = 0.05
AGAIN = (409, 503, 504)


def ask(port, pipeline, number):
    """Status, body and whether it is from an earlier request; None: the connection was reset"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [number]}]}
    try:
        connection.request("POST", f"/v2/pipelines/{pipeline}/infer", json.dumps(body),
                           {"idempotency-key": f"number {number}", "x-timeout-ms": "3000"})
        reply = connection.getresponse()
        return reply.status, reply.read(), reply.getheader("idempotent-replayed") == "true"
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def answer_of(ports, pipeline, number, counts):
    begun, tried, was_reset = time.monotonic(), 0, False
    while time.monotonic() < begun + ANSWER_SECONDS:
        reply = ask(ports[tried % len(ports)], pipeline, number)
        tried += 1
        if reply is None:
            was_reset = True
        elif reply[0] == 200:
            counts["replayed_after_reset"] += was_reset and reply[2]
            counts["taken_over"] += was_reset and not reply[2]
            counts["slowest_ms"] = max(counts["slowest_ms"], int(1000 * (time.monotonic() - begun)))
            return reply[1]
        elif reply[0] not in AGAIN:
            counts["other"] += 1
        time.sleep(PAUSE_SECONDS)
    return None


def run(caller, ports, until, pipeline, counts, answers):
    number = caller * 1000000.0
    while time.monotonic() < until:
        number += 1
        answers[number] = answer_of(ports, pipeline, number, counts)


def main():
    ports, seconds, pipeline = [int(port) for port in sys.argv[1:3]], float(sys.argv[3]), sys.argv[4]
    counts, answers, until = [collections.Counter() for _ in range(CALLERS)], {}, time.monotonic() + seconds
    threads = [threading.Thread(target=run, args=(i, ports, until, pipeline, counts[i], answers)) for i in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    slowest = max(count.pop("slowest_ms", 0) for count in counts)
    total, differing, repeated = sum(counts, collections.Counter()), 0, 0
    for number, answer in list(answers.items())[:: max(1, len(answers) // 200)]:
        for port in ports:
            reply, told, begun = None, [], time.monotonic()
            while (reply is None or reply[0] in AGAIN) and time.monotonic() < begun + ANSWER_SECONDS:
                reply = ask(port, pipeline, number)
                told.append(f"after {time.monotonic() - begun:.1f} s: {reply}")
            if answer is not None and (reply is None or reply[0] != 200 or not reply[2] or reply[1] != answer):
                differing += 1
                print(f"number {number} at port {port}, first {answer}; now", *told, sep="\n  ", file=sys.stderr)
    for answer in answers.values():
        repeated += answer is not None and json.loads(answer)["outputs"][-1]["data"] != [1]
    print(f"keys={len(answers)} unanswered={sum(answer is None for answer in answers.values())} "
          + " ".join(f"{name}={total[name]}" for name in ("replayed_after_reset", "taken_over", "other"))
          + f" repeated={repeated} differing={differing} slowest_ms={slowest}")


if __name__ == "__main__":
    main()
