#!/usr/bin/env python3
"""Holds the isolation forests that sluice learns against scikit-learn's, on random rows: of two forests with different seeds,
ours and theirs agree as well as theirs agree with one another, in the order of scores, in their mean and spread, and in what
is above the limit. And holds the step `outlier` against scikit-learn's own numbers: `sluice fit outlier` learns of a CSV, the
step scores requests, and an isolation forest of scikit-learn is its reference. Run by tests/sklearn.sh.

    sklearn_outlier.py SLUICE           prints `N passed, N failed`
"""
import json, os, subprocess, sys, tempfile
import numpy as np
from scipy import stats
from sklearn.covariance import EmpiricalCovariance
from sklearn.ensemble import IsolationForest

random = np.random.default_rng(21)
SLUICE = os.path.abspath(sys.argv[1])
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
        said = subprocess.run([SLUICE, "compute", "outliers", cases.name], capture_output=True, text=True, check=True).stdout
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


def pipeline(by):
    return f"""apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {{name: p}}
spec:
  steps: [{{name: odd, outlier: {{tensor: x, by: {by}, reference: ref.json, as: tensors}}}}]
  output: {{steps: [odd]}}
"""


def exported(forest):
    """a forest of scikit-learn as a reference"""
    trees = [{"feature": tree.feature.tolist(), "threshold": tree.threshold.tolist(), "left": tree.children_left.tolist(),
              "right": tree.children_right.tolist(), "n_samples": tree.n_node_samples.tolist()}
             for tree in (one.tree_ for one in forest.estimators_)]
    return {"max_samples": int(forest.max_samples_), "trees": trees, "limit": -forest.offset_}


def scored(by, query, rows=None, reference=None):
    """scores and verdicts of the step, whose reference is learnt of the rows or given"""
    with tempfile.TemporaryDirectory() as made:
        def write(name, text):
            with open(os.path.join(made, name), "w") as file:
                file.write(text)
        columns = ",".join(f"c{i}" for i in range(query.shape[1]))
        write("pipeline.yaml", pipeline(by))
        if reference:
            write("ref.json", json.dumps(reference))
        else:
            write("rows.csv", "\n".join([columns] + [",".join(repr(float(v)) for v in row) for row in rows]) + "\n")
            subprocess.run([SLUICE, "fit", "outlier", "rows.csv", "-f", "pipeline.yaml", "--tensor", "x=" + columns, "--out",
                            "ref.json"], cwd=made, check=True, stdout=subprocess.DEVNULL)
        write("in.jsonl", json.dumps({"id": "q", "request": {"inputs": [{"name": "x", "datatype": "FP64", "shape":
              list(query.shape), "data": query.ravel().tolist()}]}}) + "\n")
        write("out.jsonl", "")
        said = subprocess.run([SLUICE, "test", "--print", made], capture_output=True, text=True).stdout
    answer = [line for line in map(json.loads, said.splitlines()) if "response" in line and "at" not in line][0]
    given = {tensor["name"]: np.array(tensor["data"]) for tensor in answer["response"]["outputs"]}
    return given["outlier_score"], given["is_outlier"]


def steps_wrong(rows, query):
    """where the step's numbers are not those of scikit-learn, numpy and scipy"""
    forest = IsolationForest(random_state=1, contamination=0.05).fit(rows)
    score, odd = scored("isolation-forest", query, reference=exported(forest))
    if np.max(np.abs(score + forest.score_samples(query))) > 1e-9 or np.any(odd != (forest.predict(query) == -1)):
        yield "a forest of scikit-learn scores otherwise"
    varied = [i for i in range(rows.shape[1]) if len(np.unique(rows[:, i])) > 1]
    count, width = len(rows), len(varied)
    even = [(table[:, varied] - rows[:, varied].mean(axis=0)) / rows[:, varied].std(axis=0) for table in (rows, query)]
    expected = EmpiricalCovariance().fit(even[0]).mahalanobis(even[1]) * (count - 1) / count  # its inverse needs one scale
    score, odd = scored("mahalanobis", query[:, varied], rows=rows[:, varied])
    limit = width * (count**2 - 1) / (count * (count - width)) * stats.f.isf(0.001, width, count - width)
    if np.max(np.abs(score - expected) / expected) > 1e-6:
        yield f"Mahalanobis distances differ by {np.max(np.abs(score - expected) / expected):g}"
    if np.any(odd != (expected > limit)):
        yield "other rows are outliers by their Mahalanobis distance"
    median = np.median(rows, axis=0)
    apart = np.median(np.abs(rows - median), axis=0)
    mean = np.mean(np.abs(rows - median), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.abs(query - median) * np.where(apart > 0, stats.norm.ppf(0.75) / apart, 1 / (np.sqrt(np.pi / 2) * mean))
    expected = np.max(z[:, varied], axis=1)
    score, odd = scored("modified-z", query, rows=rows)
    if np.max(np.abs(score - expected) / expected) > 1e-9 or np.any(odd != (expected > 3.5)):
        yield "modified z differs"


def main():
    passed = failed = 0
    for name, rows in KINDS.items():
        wrong = list(wrong_of(rows, 0.05))
        print(*(f"isolation forest of {name} rows: {text}" for text in wrong), sep="\n", end="\n" if wrong else "")
        passed, failed = passed + (not wrong), failed + bool(wrong)
    for name, rows in KINDS.items():
        query = np.vstack([rows[:20], rows[:20] + 3 * np.std(rows, axis=0), rows[20:40] * 1.5])
        wrong = list(steps_wrong(rows, query))
        print(*(f"the step `outlier` of {name} rows: {text}" for text in wrong), sep="\n", end="\n" if wrong else "")
        passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
