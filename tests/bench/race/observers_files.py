#!/usr/bin/env python3
"""The files of observers.yaml: forest.json, 100 trees of depth 6 of one seed, and usual.csv, 4,000 rows like those that
`requests send` makes, in another order.
    observers_files.py FOLDER FEATURES"""
import json
import random
import sys

DEPTH, TREES, ROWS, VALUES = 6, 100, 4000, 1000


def grow(random_source, features, tree, depth):
    """Adds a node with all that is below it; its number."""
    number = len(tree["feature"])
    share = round(random_source.random(), 3)
    node = {"feature": -1, "threshold": 0, "left": -1, "right": -1, "value": [share, 1 - share]}
    if depth > 0:
        node.update(feature=random_source.randrange(features), threshold=random_source.randrange(VALUES) + 0.5, value=[])
    for key, value in node.items():
        tree[key].append(value)
    if depth > 0:
        tree["left"][number] = grow(random_source, features, tree, depth - 1)
        tree["right"][number] = grow(random_source, features, tree, depth - 1)
    return number


def main():
    folder, features = sys.argv[1], int(sys.argv[2])
    random_source = random.Random(1)
    trees = []
    for _ in range(TREES):
        trees.append({"feature": [], "threshold": [], "left": [], "right": [], "value": []})
        grow(random_source, features, trees[-1], DEPTH)
    with open(f"{folder}/forest.json", "w", encoding="utf-8") as out:
        json.dump({"format": "sluice_forest/1", "aggregate": "mean_probability", "classes": [0, 1], "trees": trees}, out)
    rows = [row % VALUES for row in range(ROWS)]
    random_source.shuffle(rows)
    with open(f"{folder}/usual.csv", "w", encoding="utf-8") as out:
        print(*(f"c{column}" for column in range(features)), sep=",", file=out)
        for row in rows:
            print(*[row] * features, sep=",", file=out)


main()
