#!/usr/bin/env python3
"""Corrupts recorded answers: one in 10,000 of the lines that `records dump` prints.

  corrupt.py lose|double|swap|tensors|letters < LINES > LINES

lose: it is left out. double: it comes twice. swap: it changes places with the next one of its key. tensors: it has the outputs of
the answer before it. letters: each error becomes an answer. Answers are in JSON. Prints the number of corrupted ones on standard
error.
"""
import base64
import json
import sys

ONE_IN = 10_000


def value_of(record):
    return json.loads(base64.b64decode(record["value"]))


def value_put(record, value):
    record["value"] = base64.b64encode(json.dumps(value).encode()).decode()


def lose(records, at):
    del records[at]


def double(records, at):
    records.insert(at, records[at])


def swap(records, at):
    """Only the next one of the key: so no other key's order changes within itself."""
    other = at + 1
    while records[other]["key"] != records[at]["key"]:
        other += 1
    records[at], records[other] = records[other], records[at]


def tensors(records, at):
    other = at - 1
    while value_of(records[other])["outputs"] == value_of(records[at])["outputs"]:
        other -= 1
    value_put(records[at], {**value_of(records[at]), "outputs": value_of(records[other])["outputs"]})


def is_error(record):
    return any(name == "sluice-error" for name, _ in record["headers"] or [])


def letters(records):
    """Errors have their ids in a header."""
    count = 0
    for record in records:
        if is_error(record):
            record["headers"] = [pair for pair in record["headers"] if pair[0] != "sluice-error"]
            outputs = [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]
            value_put(record, {"outputs": outputs})
            count += 1
    return count


def main():
    records = [json.loads(line) for line in sys.stdin]
    mode = sys.argv[1]
    if mode == "letters":
        count = letters(records)
    else:
        # From the last to the first, so that places stay; within a partition, for no two of them are neighbours elsewhere.
        records.sort(key=lambda record: record["partition"])
        places = [i for i in range(ONE_IN // 2, len(records), ONE_IN) if not is_error(records[i])]
        for at in reversed(places):
            {"lose": lose, "double": double, "swap": swap, "tensors": tensors}[mode](records, at)
        count = len(places)
    for record in records:
        print(json.dumps(record))
    print(count, file=sys.stderr)


main()
