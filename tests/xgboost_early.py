#!/usr/bin/env python3
"""Writes the cases tests/cases-own/local-model-stopped-early and local-model-of-all-iterations: models that XGBoost (3.2.0)
has stopped early, and what XGBClassifier.load_model() and predict_proba() answer. Run by hand, with xgboost from PyPI."""
import json, os
import numpy as np, xgboost as xgb

HERE = os.path.dirname(os.path.abspath(__file__))
PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
  - name: score
    model: {local: model.json%s}
  - name: rounded  # XGBoost computes in float, and sluice in double
    inputs: [score]
    preprocess:
    - set: {predict: "round(predict * 100000) / 100000"}
  output: {steps: [rounded]}
"""
random = np.random.default_rng(3)
X = random.normal(size=(300, 3)).astype(np.float32)
signal = X[:, 0] + X[:, 1] * X[:, 2] + random.normal(size=300)
CASES = {
    "local-model-stopped-early": ("", np.digitize(signal, [-0.5, 0.6]), {"num_parallel_tree": 2, "subsample": 0.7},
                                  "family: local-model\nAn early stop left more trees than the best iteration has, of three classes, two trees for\n"
                                  "each: up to the best one they answer, as XGBClassifier.load_model() has it.\n"),
    "local-model-of-all-iterations": (", iterations: all", (signal > 0).astype(int), {"booster": "dart", "rate_drop": 0.3},
                                      "family: local-model\nAn early stop left more trees than the best iteration has: with `iterations: all` all of\n"
                                      "them answer, as iteration_range=(0, n) of XGBoost has it.\n"),
}
for name, (option, labels, settings, readme) in CASES.items():
    model = xgb.XGBClassifier(n_estimators=20, early_stopping_rounds=2, max_depth=2, learning_rate=0.6, random_state=1, n_jobs=1, **settings)
    model.fit(X[:200], labels[:200], eval_set=[(X[200:], labels[200:])], verbose=False)
    folder = os.path.join(HERE, "cases-own", name)
    os.makedirs(folder, exist_ok=True)
    model.save_model(os.path.join(folder, "model.json"))
    rounds = model.get_booster().num_boosted_rounds()
    assert model.best_iteration + 1 < rounds
    answers = model.predict_proba(X[:6], iteration_range=(0, rounds) if option else None)
    other = model.predict_proba(X[:6], iteration_range=None if option else (0, rounds))
    assert np.abs(answers - other).max() > 0.01
    answers = answers if answers.shape[1] > 2 else answers[:, 1]
    tensor = {"name": "predict", "datatype": "FP64", "shape": list(answers.shape), "data": np.round(answers.astype(float), 5).ravel().tolist()}
    request = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [6, 3], "data": [float(v) for v in X[:6].ravel()]}]}
    for file, text in {"README": readme, "pipeline.yaml": PIPELINE % option, "in.jsonl": json.dumps({"id": "a", "request": request}) + "\n",
                       "out.jsonl": json.dumps({"id": "a", "response": {"outputs": [tensor]}}) + "\n"}.items():
        with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
            out.write(text)
