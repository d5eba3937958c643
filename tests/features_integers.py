#!/usr/bin/env python3
"""Writes the cases tests/cases-own/features-keep-identifiers and features-keep-unsigned-identifiers: integers of 2^53 and
more, and what lag, first, last, min and max of windows give back, by plain Python. Run by hand."""
import json, os, random

HERE = os.path.dirname(os.path.abspath(__file__))
README = """family: features
Integers of 2^53 and more come back from lag, first, last, min and max as they were sent, also among small ones, of several
elements, out of order, and up to the ends of %s. The expectations are of plain Python (tests/features_integers.py).
"""
PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  input: {time: ms, tensors: {k: {path: k, datatype: BYTES}, id: {%s, datatype: %s}}}
  steps:
  - name: f
    features:
      key: k
      set:
        before: lag(id, 2) ?? id
        least: min(id over 3) ?? id
        most: max(id over 10s)
        oldest: first(id over 10s)
        newest: last(id over 3) ?? id
        fewest: min(id over 10s)
        many: count(id over 10s)
  - {name: cut, inputs: [f], preprocess: [{keep: [before, least, most, oldest, newest, fewest, many]}]}
  output: {steps: [cut]}
"""
LARGE = [2**53, 2**53 + 1, 2**53 + 3, -(2**53) - 1, 2**63 - 1, 2**63 - 2, -(2**63), -(2**63) + 1, 1234567890123456789, 1234567890123456790]
UNSIGNED = [2**53 + 1, 2**63, 2**63 + 1, 2**64 - 1, 2**64 - 2, 2**64 - 1025, 18446744073709551557]
SMALL = [0, 1, 5, 7, 100, 2**53 - 1]


def messages(draw, key, pool, count, late, elements, small_first):
    """Events and what comes of them; a window of 10 s goes back from the newest time."""
    came, now = [], 1000000
    for i in range(count):
        ids = [draw.choice(SMALL if i < small_first else pool) for _ in range(elements)]
        now += draw.choice([500, 1500, 4000])
        came.append((now - (draw.choice([0, 0, 2000, 3000]) if late else 0), i, ids))
        newest = max(time for time, _, _ in came)
        window = [ids for time, _, ids in sorted(came) if time > newest - 10000]
        last = [ids for _, _, ids in came[-3:]]
        each = range(elements)
        tensors = {
            "before": came[-3][2] if i >= 2 else ids,
            "least": [min(row[e] for row in last) for e in each] if i >= 2 else ids,
            "most": [max(row[e] for row in window) for e in each],
            "oldest": window[0],
            "newest": ids,
            "fewest": [min(row[e] for row in window) for e in each],
        }
        yield f"{key}{i}", {"ms": came[-1][0], "k": key, **{f"id{e}": ids[e] for e in each}}, tensors, len(window)


def write_case(name, datatype, elements, runs):
    folder = os.path.join(HERE, "cases-own", name)
    os.makedirs(folder, exist_ok=True)
    sent, answers = [], []
    for run in runs:
        for number, event, tensors, many in messages(random.Random(7), *run):
            sent.append({"id": number, "key": run[0], "body": json.dumps(event)})
            outputs = [{"name": key, "datatype": datatype, "shape": [1, elements], "data": ids} for key, ids in tensors.items()]
            outputs.append({"name": "many", "datatype": "INT64", "shape": [1, elements], "data": [many] * elements})
            answers.append({"id": number, "response": {"outputs": outputs}})
    paths = "paths: [%s]" % ", ".join(f"id{e}" for e in range(elements))
    for file, text in {"README": README % datatype, "pipeline.yaml": PIPELINE % (paths, datatype),
                       "in.jsonl": "".join(json.dumps(line) + "\n" for line in sent),
                       "out.jsonl": "".join(json.dumps(line) + "\n" for line in answers)}.items():
        with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
            out.write(text)


write_case("features-keep-identifiers", "INT64", 2, [("a", LARGE, 16, False, 2, 5), ("b", LARGE + SMALL, 16, True, 2, 0)])
write_case("features-keep-unsigned-identifiers", "UINT64", 1, [("c", UNSIGNED + SMALL, 16, True, 1, 4), ("d", UNSIGNED, 12, False, 1, 0)])
