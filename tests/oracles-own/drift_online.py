#!/usr/bin/env python3
"""Makes drift_online.json: detectors of errors of river 0.26.1 with settings that tests/oracles does not have.
    pip install river==0.26.1; drift_online.py >drift_online.json"""
import json
import random

from river import drift

NUMBERS = 600
RATES = {"rises": (0.1, 0.4), "falls": (0.6, 0.1), "rises_a_little": (0.2, 0.3), "falls_a_little": (0.5, 0.4), "stays": (0.3, 0.3)}
DETECTORS = (
    ("eddm", drift.binary.EDDM, {"warm_start": 10, "alpha": 0.9, "beta": 0.8}),
    ("hddm_a", drift.binary.HDDMA, {"drift_confidence": 0.01, "warning_confidence": 0.1, "two_sided_test": True}),
    ("hddm_w", drift.binary.HDDMW,
     {"drift_confidence": 0.01, "warning_confidence": 0.1, "lambda_val": 0.1, "two_sided_test": True}),
)


def run(detector, stream):
    found = {"detections": [], "warnings": []}
    for at, wrong in enumerate(stream):
        detector.update(wrong)
        if detector.drift_detected:
            found["detections"].append(at)
        if detector.warning_detected:
            found["warnings"].append(at)
    return found


def main():
    source = random.Random(22)
    cases = []
    for name, (before, after) in RATES.items():
        stream = [int(source.random() < (before if at < NUMBERS / 2 else after)) for at in range(NUMBERS)]
        for detector, make, params in DETECTORS:
            cases.append({"name": f"{detector}_{name}", "input": {"stream": stream}, "params": {"detector": detector, **params},
                          "expected": run(make(**params), stream), "tolerance": {"abs": 0, "rel": 0}})
    print('{"family": "drift_online", "schema_version": 1, "cases": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]}")


main()
