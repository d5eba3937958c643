#!/usr/bin/env python3
"""Trains the forest of pipeline.yaml on payments of generate.py, and writes models/forest.json: train.py [--payments N]

Needs what requirements.txt pins. The same versions give the same file. Says at the end what it finds among payments
that it has not seen."""
import argparse, itertools, json, os
import numpy
from sklearn.ensemble import RandomForestClassifier
from generate import START, payments
from habits import NAMES, forest_says, habits_of

HERE = os.path.dirname(os.path.abspath(__file__))


def samples(seed, count):
    rows, labels = [], []
    for event, features in habits_of(itertools.islice(payments(seed, 400, START), count)):
        rows.append([features[name] for name in NAMES])
        labels.append(event["stolen"])
    return numpy.array(rows), numpy.array(labels, dtype=int)


def exported(model):
    """the forest in sluice's own format"""
    trees = []
    for one in model.estimators_:
        tree = one.tree_
        shares = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
        trees.append({
            "feature": tree.feature.tolist(),
            "threshold": [float(f"{value:.9g}") for value in tree.threshold],
            "left": tree.children_left.tolist(),
            "right": tree.children_right.tolist(),
            "value": [[float(f"{share:.4g}") for share in node] for node in shares],
        })
    return {"format": "sluice_forest/1", "aggregate": "mean_probability", "classes": [0, 1], "trees": trees}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--payments", type=int, default=60000)
    options = parser.parse_args()
    x, y = samples(101, options.payments)
    unseen, truth = samples(202, options.payments // 2)
    model = RandomForestClassifier(20, max_depth=7, min_samples_leaf=15, class_weight="balanced", random_state=7, n_jobs=1)
    model.fit(x, y)
    forest = exported(model)
    os.makedirs(os.path.join(HERE, "models"), exist_ok=True)
    with open(os.path.join(HERE, "models", "forest.json"), "w", encoding="utf-8") as file:
        json.dump(forest, file, separators=(",", ":"))
    p = model.predict_proba(unseen)[:, 1]
    shipped = numpy.array([forest_says(forest, row) for row in unseen[:1000].tolist()])
    assert abs(shipped - p[:1000]).max() < 1e-4, "the file says something else than the model"
    for limit in (0.5, 0.9):
        held = p > limit
        print(f"above {limit}: {held.sum()} of {len(p)} payments, {(truth[held] == 1).sum()} of {truth.sum()} that were stolen")


if __name__ == "__main__":
    main()
