#!/usr/bin/env python3
"""Holds the isolation forests that sluice learns against scikit-learn's, on random rows: of two forests with different seeds,
ours and theirs agree as well as theirs agree with one another, in the order of scores, in their mean and spread, and in what
is above the limit. Run by tests/sklearn.sh.

    sklearn_outlier.py SLUICE           prints `N passed, N failed`
"""
import json, subprocess, sys, tempfile
import numpy as np
from scipy import stats
from sklearn.ensemble import IsolationForest

random = np.random.default_rng(21)
SEEDS = range(4)


def mixed(rows):
    """columns of many scales, one that does not vary, one of whole numbers"""
    return np.column_stack([random.normal(1e6, 1, rows), np.exp(random.normal(size=rows) * 2), np.full(rows, 3.0),
                            random.integers(0, 4, rows), random.uniform(-1e-6, 1e-6, rows)])


def clusters(rows):
    return np.vstack([random.normal(0, 1, (rows // 2, 3)), random.normal(6, 0.3, (rows - rows // 2 - 5, 3)),
                      random.uniform(-9, 15, (5, 3))])


KINDS = {"normal": random.normal(size=(1000, 5)), "mixed": mixed(1000), "clusters": clusters(800),
         "few": random.normal(size=(60, 2)), "heavy": random.standard_t(2, (2000, 10))}


def ours(rows, seed, share):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as cases:
        json.dump({"family": "outliers", "cases": [{"name": "a", "input": {"train": rows.tolist()},
                   "params": {"method": "isolation_forest", "seed": seed, "contamination": share}}]}, cases)
        cases.flush()
        said = subprocess.run([sys.argv[1], "compute", "outliers", cases.name], capture_output=True, text=True, check=True).stdout
    result = json.loads(said)["result"]
    return np.array(result["score_samples"]), result["limit"]


def theirs(rows, seed, share):
    forest = IsolationForest(random_state=seed, contamination=share).fit(rows)
    return forest.score_samples(rows), -forest.offset_


def order(one, other):
    return stats.spearmanr(one[0], other[0]).statistic


def wrong_of(rows, share):
    """what differs by more than forests of different seeds do among one another"""
    our, their = [[forest(rows, seed, share) for seed in SEEDS] for forest in (ours, theirs)]
    among = [order(their[i], their[j]) for i in SEEDS for j in SEEDS if i < j]
    across = [order(our[i], their[j]) for i in SEEDS for j in SEEDS]
    if np.mean(across) < np.mean(among) - 0.01:
        yield f"rank correlation {np.mean(across):.4f}, and theirs among one another {np.mean(among):.4f}"
    for name, of in (("mean", lambda one: np.mean(one[0])), ("spread", lambda one: np.std(one[0])), ("limit", lambda one: one[1])):
        mine, other = np.array([of(one) for one in our]), np.array([of(one) for one in their])
        noise = np.sqrt((mine.var(ddof=1) + other.var(ddof=1)) / len(SEEDS))
        if abs(mine.mean() - other.mean()) > 6 * noise + 1e-3:
            yield f"{name} {mine.mean():.4f}, and theirs {other.mean():.4f}, of which chance is {noise:.4f}"


def main():
    passed = failed = 0
    for name, rows in KINDS.items():
        wrong = list(wrong_of(rows, 0.05))
        print(*(f"isolation forest of {name} rows: {text}" for text in wrong), sep="\n", end="\n" if wrong else "")
        passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
