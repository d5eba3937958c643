#!/usr/bin/env python3
"""What must come of ticks, computed here and not by sluice: expect.py FOLDER [--ticks N] [--seed N] [--dirt SHARE]

Writes FOLDER/out.jsonl for the ticks of FOLDER/in.jsonl; with --ticks it makes those first, by generate.py. The features
are those of signals.py, the models are run by xgboost, lightgbm and numpy (requirements.txt pins them)."""
import argparse, itertools, json, math, os
import lightgbm, numpy, xgboost
from generate import START, SYMBOLS, ticks
from signals import NAMES, features_of

HERE = os.path.dirname(os.path.abspath(__file__))
WEIGHTS = {"boosted": 33, "leafy": 34, "neural": 33}


def path(name):
    return os.path.join(HERE, "models", name)


class Models:
    def __init__(self):
        self.boosted = xgboost.Booster(model_file=path("boosted.json"))
        self.leafy = lightgbm.Booster(model_file=path("leafy.txt"))
        self.neural = json.load(open(path("neural.json"), encoding="utf-8"))
        self.scaler = json.load(open(path("scaler.json"), encoding="utf-8"))

    def net(self, rows):
        impute, scale, clip = (next(iter(operation.values())) for operation in self.scaler["operations"])
        whole = numpy.where(numpy.isnan(rows), impute["values"], rows)
        h = numpy.clip((whole - scale["center"]) / scale["scale"], clip["low"], clip["high"])
        for layer in self.neural["layers"][:-1]:
            h = numpy.tanh(h @ numpy.array(layer["W"]) + layer["b"])
        last = self.neural["layers"][-1]
        return 1 / (1 + numpy.exp(-(h @ numpy.array(last["W"]) + last["b"])))[:, 0]

    def up(self, rows):
        """how likely it is that the price rises, of each row"""
        said = {"boosted": self.boosted.inplace_predict(rows).astype(float), "leafy": self.leafy.predict(rows),
                "neural": self.net(rows)}
        return sum(said[name] * weight for name, weight in WEIGHTS.items()) / sum(WEIGHTS.values())


def answer(event, features, up):
    vol, up = features["vol"], round(up * 1000) / 1000
    action = "sell" if up < 0.42 else "hold" if up < 0.58 else "buy"
    regime = "unknown" if math.isnan(vol) else "calm" if vol < 2 else "lively" if vol < 6 else "rough"
    size = 0.0 if action == "hold" or math.isnan(vol) else float(round(100 * min(2 / max(vol, 0.5), 1)))
    outputs = [("symbol", "BYTES", event["instrument"]["symbol"]), ("up", "FP64", up), ("action", "BYTES", action),
               ("regime", "BYTES", regime), ("size", "FP64", size)]
    tensors = [{"name": name, "datatype": datatype, "shape": [1], "data": [value]} for name, datatype, value in outputs]
    return {"response": {"outputs": tensors}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--ticks", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dirt", type=float, default=0.0)
    options = parser.parse_args()
    requests = os.path.join(options.folder, "in.jsonl")
    if options.ticks:
        feed = itertools.islice(ticks(options.seed, SYMBOLS.split(","), START, options.dirt), options.ticks)
        with open(requests, "w", encoding="utf-8") as file:
            for number, event in enumerate(feed):
                file.write(json.dumps({"id": f"tick-{number}", "body": json.dumps(event, separators=(",", ":"))}) + "\n")
    lines = [json.loads(line) for line in open(requests, encoding="utf-8")]
    known = list(features_of(json.loads(line["body"]) for line in lines))
    rows = numpy.array([[features[name] for name in NAMES] for _, _, features in known if features])
    ups = iter(Models().up(rows).tolist())
    with open(os.path.join(options.folder, "out.jsonl"), "w", encoding="utf-8") as file:
        for line, (event, _, features) in zip(lines, known):
            crossed = {"error": {"kind": "INPUT", "contains": "crossed"}}
            file.write(json.dumps({"id": line["id"], **(answer(event, features, next(ups)) if features else crossed)}) + "\n")


if __name__ == "__main__":
    main()
