#!/usr/bin/env python3
"""Writes fitted scikit-learn transformers as the file that a `preprocess` step takes by `fitted: FILE`.

    export_sklearn.py x=numbers.joblib side=words.joblib >prep.json
    export_sklearn.py features:=columns.joblib >prep.json

Each argument is a tensor and a transformer that was fitted on its columns: one of those below, a
Pipeline of them, or a ColumnTransformer of either. With `:=` the columns are tensors of their own
names, as a DataFrame has them, and a ColumnTransformer makes the tensor of them. What the step makes
of a message is what transform() makes of its rows; where that cannot be, it is refused. From
Python: file(operations(transformer, "x")).
"""
import json
import math
import sys


def numbers(values):
    """JSON has no NaN; the file has it in quotes, as infinities."""
    words = {math.inf: "Infinity", -math.inf: "-Infinity"}
    return ["NaN" if math.isnan(v) else words.get(v, v) for v in map(float, values)]


def categories(transformer):
    if any(c != c or c is None for column in transformer.categories_ for c in column):
        raise ValueError("a missing value is a category; impute it first")
    return [[c if isinstance(c, str) else c.item() if hasattr(c, "item") else c for c in column] for column in transformer.categories_]


def imputer(t):
    if t.missing_values == t.missing_values:  # only NaN differs from itself
        raise ValueError("SimpleImputer(missing_values=...) must be NaN")
    if any(v != v for v in t.statistics_) or t.add_indicator:
        raise ValueError("SimpleImputer drops a column, or adds some; leave out empty columns and add_indicator")
    yield "impute", {"by": t.strategy.replace("_", "-"), "values": numbers(t.statistics_)}


def standard(t):
    fields = {"by": "standard", "center": numbers(t.mean_) if t.with_mean else [0]}
    if t.with_std:
        fields["scale"] = numbers(t.scale_)
    yield "scale", fields


def min_max(t):
    width = [w if w >= 10 * sys.float_info.epsilon else 1 for w in t.data_range_]
    yield "scale", {"by": "min-max", "center": numbers(t.data_min_), "scale": numbers(width),
                    "range": numbers(t.feature_range), "clip": bool(t.clip)}


def robust(t):
    fields = {"by": "robust", "center": numbers(t.center_) if t.with_centering else [0]}
    if t.with_scaling:
        fields["scale"] = numbers(t.scale_)
    yield "scale", fields


def max_abs(t):
    yield "scale", {"by": "max-abs", "scale": numbers(t.scale_), "clip": False}


def normalizer(t):
    yield "normalise", {"by": t.norm}


def power(t):
    yield "power", {"by": t.method, "lambdas": numbers(t.lambdas_)}
    if t.standardize:
        yield from standard(t._scaler)  # scikit-learn has no public name for it


def quantile(t):
    yield "quantile", {"to": t.output_distribution, "values": [numbers(column) for column in t.quantiles_.T]}


def polynomial(t):
    if not isinstance(t.degree, int):
        raise ValueError("PolynomialFeatures(degree=(from, to)) is not known; write one degree")
    yield "polynomial", {"degree": t.degree, "bias": t.include_bias, "interactions": t.interaction_only}


def kbins(t):
    yield "kbins", {"edges": [numbers(edges) for edges in t.bin_edges_]}
    if t.encode != "ordinal":
        yield "onehot", {"categories": [list(range(int(n))) for n in t.n_bins_]}


def onehot(t):
    if t.drop not in (None, "first") or t.min_frequency is not None or t.max_categories is not None:
        raise ValueError("OneHotEncoder: drop is None or 'first', and no categories are infrequent")
    yield "onehot", {"categories": categories(t), "drop": t.drop or "none"}


def ordinal(t):
    fields = {"categories": categories(t)}
    if t.handle_unknown == "use_encoded_value" and t.unknown_value == t.unknown_value:
        fields["unknown"] = int(t.unknown_value)
    yield "ordinal", fields


def function(t):
    if t.func is None:
        return  # as it is: what "passthrough" has become
    if getattr(t.func, "__name__", "") != "log1p":
        raise ValueError("of FunctionTransformer only log1p is known; write others by `set`")
    yield "log1p", {}


KNOWN = {"SimpleImputer": imputer, "StandardScaler": standard, "MinMaxScaler": min_max, "RobustScaler": robust,
         "MaxAbsScaler": max_abs, "Normalizer": normalizer, "PowerTransformer": power, "QuantileTransformer": quantile,
         "PolynomialFeatures": polynomial, "KBinsDiscretizer": kbins, "OneHotEncoder": onehot, "OrdinalEncoder": ordinal,
         "FunctionTransformer": function}


def parts(t, tensor, columns):
    """A ColumnTransformer: the columns as tensors, those of each part beside one another, what is made of them too."""
    gathered = []
    for name, part, _ in t.transformers_:
        indices = t._transformer_to_input_indices[name]  # scikit-learn has no public name for it
        if len(indices) == 0 or (isinstance(part, str) and part == "drop"):
            continue
        gathered.append(f"{tensor}:{name}")
        yield {"concat": {"tensors": [columns[i] for i in indices], "axis": -1, "as": gathered[-1]}}
        if not isinstance(part, str):
            yield from operations(part, gathered[-1])
    if not gathered:
        raise ValueError("ColumnTransformer drops every column")
    yield {"concat": {"tensors": gathered, "axis": -1, "as": tensor}}
    yield {"drop": gathered + [column for column in columns if column != tensor]}


def column_transformer(t, tensor, named):
    if t.transformer_weights:
        raise ValueError("ColumnTransformer(transformer_weights=...) is not known; leave it out")
    if named:
        if not hasattr(t, "feature_names_in_"):
            raise ValueError("`:=` takes columns by their names, and ColumnTransformer was fitted without; write `=`")
        return list(parts(t, tensor, [str(name) for name in t.feature_names_in_]))
    columns = [f"{tensor}:{i}" for i in range(t.n_features_in_)]
    return [{"split": {"tensor": tensor, "axis": -1, "as": columns}}, *parts(t, tensor, columns)]


def operations(transformer, tensor, named=False):
    """The operations, in order, as the file has them; `named`: columns are tensors of their own names."""
    steps = getattr(transformer, "steps", None)
    if steps is not None:
        made = []
        for _, step in steps:
            if step not in (None, "passthrough"):
                made += operations(step, tensor, named and not made)
        return made
    name = type(transformer).__name__
    if name == "ColumnTransformer":
        return column_transformer(transformer, tensor, named)
    if named:
        raise ValueError(f"{name} works on one tensor; `:=` is for a ColumnTransformer, or a Pipeline that begins with one")
    if name not in KNOWN:
        raise ValueError(f"{name} is not known; known are {', '.join(KNOWN)}, a Pipeline and a ColumnTransformer of them")
    return [{kind: {"tensor": tensor, **fields}} for kind, fields in KNOWN[name](transformer)]


def file(all_operations):
    lines = ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in all_operations)
    return '{"format": "sluice_preprocess/1", "operations": [\n  ' + lines + "\n]}\n"


def main(arguments):
    import joblib
    if not arguments or not all("=" in argument for argument in arguments):
        sys.exit(__doc__)
    made = []
    for argument in arguments:
        tensor, path = argument.split("=", 1)
        try:
            made += operations(joblib.load(path), tensor.removesuffix(":"), tensor.endswith(":"))
        except ValueError as why:
            sys.exit(f"{path}: {why}")
    sys.stdout.write(file(made))


if __name__ == "__main__":
    main(sys.argv[1:])
