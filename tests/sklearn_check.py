#!/usr/bin/env python3
"""Holds the steps that pipelines/export_sklearn.py makes against scikit-learn's own transform(): fits transformers
on rows drawn here, exports them, and writes a case for each into FOLDER. Run by tests/sklearn.sh."""
import importlib.util, json, os, sys, warnings
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (FunctionTransformer, KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder,
                                   OrdinalEncoder, PolynomialFeatures, PowerTransformer, QuantileTransformer, RobustScaler,
                                   StandardScaler)

spec = importlib.util.spec_from_file_location("export_sklearn", os.path.join(os.path.dirname(__file__), "../pipelines/export_sklearn.py"))
export = importlib.util.module_from_spec(spec)
spec.loader.exec_module(export)
FOLDER = sys.argv[1]
warnings.filterwarnings("ignore", message="Found unknown categories")

random = np.random.default_rng(8)
train = np.exp(random.normal(size=(200, 4)))
train[:, 3] = 7  # does not vary
query = np.exp(random.normal(size=(20, 4)) * 1.5)
holes = train.copy()
holes[random.random(train.shape) < 0.1] = np.nan
asked = query.copy()
asked[random.random(query.shape) < 0.2] = np.nan
words = np.array([[random.choice(["red", "blue", "ünï \"q\""]), random.choice(["S", "M", "L"])] for _ in range(60)], dtype=object)
other = np.array([["red", "M"], ["green", "L"], ["blue", "?"]], dtype=object)

CASES = {
    "imputers-and-scalers": (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), holes, asked),
    "most-frequent-and-robust": (make_pipeline(SimpleImputer(strategy="most_frequent"), RobustScaler(quantile_range=(10, 90))), holes, asked),
    "no-mean": (StandardScaler(with_mean=False), train, query),
    "min-max": (MinMaxScaler((-1, 2), clip=True), train, query),
    "max-abs": (MaxAbsScaler(), train, query),
    "norms": (make_pipeline(Normalizer("l1"), Normalizer("max"), Normalizer()), train, query),
    "yeo-johnson": (PowerTransformer(), train - 1, query - 1),
    "box-cox": (PowerTransformer("box-cox", standardize=False), train[:, :3], query[:, :3]),
    "ranks": (QuantileTransformer(n_quantiles=50), holes, asked),
    "ranks-as-normal": (QuantileTransformer(n_quantiles=50, output_distribution="normal"), train[:, :3], query[:, :3]),
    "products": (make_pipeline(FunctionTransformer(np.log1p), PolynomialFeatures(3)), train, query),
    "pairs": (PolynomialFeatures(2, interaction_only=True, include_bias=False), train, query),
    "bins": (KBinsDiscretizer(5, encode="ordinal", strategy="quantile", quantile_method="averaged_inverted_cdf"), train[:, :3], query[:, :3]),
    "bins-in-columns": (KBinsDiscretizer(4, encode="onehot-dense", strategy="kmeans"), train[:, :3], query[:, :3]),
    "categories-in-columns": (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words, other),
    "without-the-first": (OneHotEncoder(handle_unknown="ignore", drop="first", sparse_output=False), words, other),
    "categories-as-numbers": (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7), words, other),
    "numbers-as-categories": (OneHotEncoder(handle_unknown="ignore", sparse_output=False), np.round(train[:, :2]), np.round(query[:, :2])),
}
CASES |= {
    "columns-apart": (ColumnTransformer([("filled", make_pipeline(SimpleImputer(), StandardScaler()), [2, 0]),
                                         ("far", MinMaxScaler(), [1])]), holes, asked),
    "columns-that-pass": (ColumnTransformer([("scaled", RobustScaler(), slice(1, 3)), ("left", "drop", [0])],
                                            remainder="passthrough"), train, query),
    "columns-and-then-all": (make_pipeline(ColumnTransformer([("a", MaxAbsScaler(), [0, 1]), ("b", "passthrough", [1, 2])]),
                                           PolynomialFeatures(2)), train, query),
    "words-and-words": (ColumnTransformer([("hot", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [1]),
                                           ("rank", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), [0])]),
                        words, other),
}
PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
  - name: clean
    preprocess:
    - fitted: prep.json
    - cast: {tensor: x, to: FP64}
  output: {steps: [clean]}
"""


def tensor(rows, name="x"):
    texts = all(isinstance(element, str) for element in rows.ravel())
    data = rows.ravel().tolist()
    return {"name": name, "datatype": "BYTES" if texts else "FP64", "shape": list(rows.shape),
            "data": data if texts else export.numbers(data)}


def write_case(name, operations, inputs, made):
    """FP32 where columns of 0 and 1 are made, which are the same in FP64."""
    folder = os.path.join(FOLDER, name)
    os.makedirs(folder)
    files = {"pipeline.yaml": PIPELINE, "prep.json": export.file(operations),
             "in.jsonl": json.dumps({"id": "a", "request": {"inputs": inputs}}) + "\n",
             "out.jsonl": json.dumps({"id": "a", "response": {"outputs": [tensor(np.asarray(made, dtype=float))]}}) + "\n"}
    for file, text in files.items():
        with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
            out.write(text)


for name, (transformer, learnt, given) in CASES.items():
    transformer.fit(learnt)
    write_case(name, export.operations(transformer, "x"), [tensor(given)], transformer.transform(given))

mixed = np.array([[price, word] for price, word in zip(train[:60, 0], words[:, 0])], dtype=object)
table = ColumnTransformer([("word", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [1]), ("price", StandardScaler(), [0])])
table.fit(mixed)
asked_of_it = np.array([[1.5, "blue"], [2.5, "green"]], dtype=object)
expected = table.transform(asked_of_it)
table.feature_names_in_ = np.array(["price", "word"], dtype=object)  # as a DataFrame would leave them
write_case("columns-by-their-names", export.operations(table, "x", named=True),
           [tensor(asked_of_it[:, :1], "price"), tensor(asked_of_it[:, 1:], "word")], expected)
