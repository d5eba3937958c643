#!/usr/bin/env python3
"""Times answers as they come, for rollout.sh.

  rollout.py            reads answers (`tail -o json`), and prints for each the time in milliseconds, and `error` or `answer`
  rollout.py --errors   reads those lines, and prints the times of the first and the last error, and how many there are
  rollout.py --sides    reads answers, and prints for each the time, its partition, the model that answered,
                        and the id
  rollout.py --after MS MODEL   reads those lines, and prints when the last one came that another model answered, no earlier than
                        MS, and of how many partitions MODEL answered since
  rollout.py --truths [DEFAULT CANDIDATE]
                        reads answers, and prints feedback for each, twice: of 100 the default is right so many times, by its truths.
                        Without numbers the default is right 90 times, the candidate 60.
                        Every other one says so by its truth, which is what was answered or something else; the rest
                        have a gain too"""
import json
import signal
import sys
import time

signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # what reads it is ended first

if sys.argv[1:] == ["--errors"]:
    times = [int(line.split()[0]) for line in sys.stdin if line.endswith("error\n")]
    print(times[0], times[-1], len(times)) if times else print(0, 0, 0)
elif sys.argv[1:] == ["--sides"]:
    for line in sys.stdin:
        answer = json.loads(line)
        print(time.time_ns() // 1000000, answer["partition"], answer["response"]["model_name"], answer["id"], flush=True)
elif sys.argv[1:2] == ["--after"]:
    last, model = int(sys.argv[2]), sys.argv[3]
    partitions = set()
    for line in sys.stdin:
        if line.endswith("\n"):  # the last one is not yet whole
            at, partition, side, _ = line.split()
            if int(at) >= last and side != model:
                last, partitions = int(at), set()
            elif int(at) >= last:
                partitions.add(partition)
    print(last, len(partitions))
elif sys.argv[1:2] == ["--truths"]:
    default, candidate = map(int, sys.argv[2:] or (90, 60))
    for number, line in enumerate(sys.stdin):
        answer = json.loads(line)
        right = number * 37 % 100 < (default if answer["response"]["model_name"] == "steady" else candidate)
        said = int(answer["response"]["outputs"][0]["data"][0] >= 0.5)
        data = answer["response"]["outputs"][0]["data"][0]
        outcome = {"truth": {"label": [data if right else data + 1]}} if sys.argv[2:] else {"metrics": {"accuracy": int(right), "gain": 7}} if number % 2 else {"truth": {"label": [said if right else 1 - said]}}
        feedback = json.dumps({"id": answer["id"], **outcome})
        print(feedback, feedback, sep="\n", flush=True)
else:
    for line in sys.stdin:
        print(time.time_ns() // 1000000, "answer" if "response" in json.loads(line) else "error", flush=True)
