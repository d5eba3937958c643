#!/usr/bin/env python3
"""What must come of payments, computed here and not by sluice: expect.py FOLDER [--payments N] [--cards N] [--seed N]

Writes FOLDER/out.jsonl for the payments of FOLDER/in.jsonl; with --payments it makes those first, by generate.py. Needs
nothing but Python: the features and the forest are those of habits.py."""
import argparse, itertools, json, os
from generate import START, payments
from habits import NAMES, forest_says, habits_of

HERE = os.path.dirname(os.path.abspath(__file__))


def reasons(features):
    said = ""
    if features["count_1h"] > 4:
        said += f"{features['count_1h']:.0f} payments within an hour. "
    if features["countries_24h"] > 1:
        said += f"{features['countries_24h']:.0f} countries within a day. "
    if features["unusual"] > 3:
        said += "Far above what is usual. "
    if features["pause"] < 60:
        said += "Within a minute of the last. "
    return said.strip()


def answer(forest, event, features):
    outputs, shape = [("card", "BYTES", event["card"])], [1]
    if event["amount"] < 20 and features["count_1h"] < 3 and features["countries_24h"] < 2:
        shape = []  # of what is written down, not computed
        outputs += [("verdict", "BYTES", "approve"), ("reasons", "BYTES", "")]
    else:
        risk = forest_says(forest, [features[name] for name in NAMES])
        verdict = "approve" if risk < 0.5 else "ask" if risk < 0.9 else "decline"
        outputs += [("risk", "FP64", risk), ("verdict", "BYTES", verdict), ("reasons", "BYTES", reasons(features))]
    tensors = [{"name": name, "datatype": datatype, "shape": [1] if name == "card" else shape, "data": [value]}
               for name, datatype, value in outputs]
    return {"response": {"outputs": tensors}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--payments", type=int)
    parser.add_argument("--cards", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    requests = os.path.join(options.folder, "in.jsonl")
    if options.payments:
        with open(requests, "w", encoding="utf-8") as file:
            for number, event in enumerate(itertools.islice(payments(options.seed, options.cards, START), options.payments)):
                del event["stolen"]
                file.write(json.dumps({"id": f"payment-{number}", "body": json.dumps(event, separators=(",", ":"))}) + "\n")
    forest = json.load(open(os.path.join(HERE, "models", "forest.json"), encoding="utf-8"))
    lines = [json.loads(line) for line in open(requests, encoding="utf-8")]
    known = habits_of(json.loads(line["body"]) for line in lines)
    with open(os.path.join(options.folder, "out.jsonl"), "w", encoding="utf-8") as file:
        for line, (event, features) in zip(lines, known):
            refused = {"error": {"kind": "INPUT", "contains": "amount"}}
            file.write(json.dumps({"id": line["id"], **(answer(forest, event, features) if features else refused)}) + "\n")


if __name__ == "__main__":
    main()
