#!/usr/bin/env python3
"""Trains the three models of pipeline.yaml on ticks of generate.py, and writes them to models/: train.py [--ticks N]

Beside them it writes what fills in and scales the rows for the net. Needs what requirements.txt pins; the same versions
give the same files. What is learned: whether the middle of the quotes will be higher or lower ten ticks of that symbol
later. Says at the end what each model is worth on ticks that it has not seen, and the weights that its gain there
suggests for `model-predictor`."""
import argparse, itertools, json, os, warnings
import lightgbm, numpy, xgboost
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.neural_network import MLPClassifier
from generate import START, SYMBOLS, ticks
from signals import NAMES, features_of

AHEAD = 10
HERE = os.path.dirname(os.path.abspath(__file__))


def samples(seed, count):
    """features and labels, of ticks after which the price is another"""
    events = itertools.islice(ticks(seed, SYMBOLS.split(","), START, 0.0), count)
    by_symbol = {}
    for event, tick, features in features_of(events):
        by_symbol.setdefault(event["instrument"]["symbol"], []).append((tick["mid"], [features[name] for name in NAMES]))
    rows, labels = [], []
    for history in by_symbol.values():
        for (now, row), (later, _) in zip(history, history[AHEAD:]):
            if now != later:
                rows.append(row)
                labels.append(later > now)
    return numpy.array(rows), numpy.array(labels, dtype=int)


def write(name, text):
    with open(os.path.join(HERE, "models", name), "w", encoding="utf-8") as file:
        file.write(text)


def short(value):
    """nine digits: what a float of 32 bits holds"""
    return [short(item) for item in value] if isinstance(value, list) else float(f"{value:.9g}")


def boosted(x, y):
    model = xgboost.XGBClassifier(n_estimators=36, max_depth=4, learning_rate=0.15, subsample=0.8, min_child_weight=20,
                                  tree_method="hist", random_state=7, n_jobs=1)
    model.fit(x, y)
    model.get_booster().feature_names = NAMES
    # The booster alone: other servers then give its probability, not a class.
    model.get_booster().save_model(os.path.join(HERE, "models", "boosted.json"))
    return lambda rows: model.get_booster().inplace_predict(rows)


def leafy(x, y):
    model = lightgbm.LGBMClassifier(n_estimators=40, num_leaves=15, learning_rate=0.15, min_child_samples=50, subsample=0.8,
                                    subsample_freq=1, random_state=7, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1)
    model.fit(x, y, feature_name=NAMES)
    write("leafy.txt", model.booster_.model_to_string())
    return lambda rows: model.booster_.predict(rows)


def scaler(x):
    """what the net's rows go through, in the form that `fitted` takes: filled in, in units of deviations, cut off"""
    filled = numpy.nanmedian(x, axis=0)
    whole = numpy.where(numpy.isnan(x), filled, x)
    center, scale = short(whole.mean(axis=0).tolist()), short(whole.std(axis=0).tolist())
    operations = [
        {"impute": {"tensor": "features", "as": "scaled", "by": "median", "values": short(filled.tolist())}},
        {"scale": {"tensor": "scaled", "by": "standard", "center": center, "scale": scale}},
        {"clip": {"tensor": "scaled", "low": -5, "high": 5}},
    ]
    write("scaler.json", json.dumps({"format": "sluice_preprocess/1", "operations": operations}, indent=1))
    return operations


def scaled(x, operations):
    impute, scale, clip = (next(iter(operation.values())) for operation in operations)
    whole = numpy.where(numpy.isnan(x), impute["values"], x)
    return numpy.clip((whole - scale["center"]) / scale["scale"], clip["low"], clip["high"])


def neural(x, y, operations):
    model = MLPClassifier((12, 6), activation="tanh", alpha=1e-3, batch_size=256, max_iter=40, random_state=7)
    warnings.simplefilter("ignore", ConvergenceWarning)  # forty rounds are enough
    model.fit(scaled(x, operations), y)
    layers = [{"W": short(w.tolist()), "b": short(b.tolist())} for w, b in zip(model.coefs_, model.intercepts_)]
    net = {"format": "sluice_mlp/1", "activation": "tanh", "output": "logistic", "layers": layers, "classes": [0, 1]}
    write("neural.json", json.dumps(net))
    return lambda rows: model.predict_proba(scaled(rows, operations))[:, 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ticks", type=int, default=60000)
    options = parser.parse_args()
    os.makedirs(os.path.join(HERE, "models"), exist_ok=True)
    x, y = samples(101, options.ticks)
    unseen, truth = samples(202, options.ticks // 4)
    operations = scaler(x)
    models = {"boosted": boosted(x, y), "leafy": leafy(x, y), "neural": neural(x, y, operations)}
    said = {name: model(unseen) for name, model in models.items()}
    gains = {name: log_loss(truth, numpy.full(len(truth), y.mean())) - log_loss(truth, p) for name, p in said.items()}
    weights = {name: gain / sum(gains.values()) for name, gain in gains.items()}
    said["together"] = sum(p * weights[name] for name, p in said.items())
    for name, p in said.items():
        weight = f"  weight {weights[name]:.2f}" if name in weights else ""
        print(f"{name:8}  log loss {log_loss(truth, p):.4f}  area under the curve {roc_auc_score(truth, p):.3f}{weight}")


if __name__ == "__main__":
    main()
