#!/usr/bin/env python3
"""Holds what `sluice fit` learns against what scikit-learn learns of the same columns: random ones of twelve shapes, from
1e-6 to 1e12, by every operation that learns. Run by tests/sklearn.sh.

    sklearn_learn.py SLUICE             compares; prints `N passed, N failed`
    sklearn_learn.py SLUICE --record    writes the columns and constants that tests/unit/tools/fit_test.c expects, to tests/data/fit
"""
import importlib.util, json, math, os, subprocess, sys, tempfile, warnings
import numpy as np
from scipy import stats
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, OneHotEncoder, OrdinalEncoder, PowerTransformer,
                                   QuantileTransformer, RobustScaler, StandardScaler)

TESTS = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("export_sklearn", os.path.join(TESTS, "../pipelines/export_sklearn.py"))
export = importlib.util.module_from_spec(spec)
spec.loader.exec_module(export)
SLUICE, RECORD = os.path.abspath(sys.argv[1]), "--record" in sys.argv
warnings.filterwarnings("ignore")

ROWS = 24 if RECORD else 200
SCALES = (1e-6, 1, 1e6, 1e12) if RECORD else (1e-6, 1e-3, 1, 1e3, 1e6, 1e9, 1e12)
PRICES = [950, 1010, 1043, 987, 1100, 905, 1021, 999]
SHAPES = {
    "normal": lambda r, n: r.normal(size=n),
    "beside 0": lambda r, n: r.normal(10, 1, n),
    "narrow": lambda r, n: r.normal(1000, 50, n),
    "lognormal": lambda r, n: np.exp(r.normal(size=n)),
    "student": lambda r, n: r.standard_t(2, n),
    "exponential": lambda r, n: r.exponential(size=n),
    "uniform": lambda r, n: r.uniform(size=n),
    "uniform from 1": lambda r, n: r.uniform(1, 2, n),
    "negative": lambda r, n: -r.exponential(size=n) - 1,
    "counts": lambda r, n: r.poisson(3, n) + 0.0,
    "bimodal": lambda r, n: np.where(r.random(n) < 0.5, r.normal(-3, 1, n), r.normal(4, 2, n)),
    "gamma": lambda r, n: r.gamma(5, size=n),
}
LEARN = {  # name: the operation's own fields, scikit-learn's transformer, which columns it takes
    "impute mean": ("impute", "by: mean", SimpleImputer(strategy="mean"), "holes"),
    "impute median": ("impute", "by: median", SimpleImputer(strategy="median"), "holes"),
    "impute most-frequent": ("impute", "by: most-frequent", SimpleImputer(strategy="most_frequent"), "holes"),
    "scale standard": ("scale", "by: standard", StandardScaler(), "holes"),
    "scale min-max": ("scale", "by: min-max", MinMaxScaler(), "holes"),
    "scale robust": ("scale", "by: robust, quantiles: [10, 85]", RobustScaler(quantile_range=(10, 85)), "holes"),
    "scale max-abs": ("scale", "by: max-abs", MaxAbsScaler(), "holes"),
    "quantile": ("quantile", "size: 20", QuantileTransformer(n_quantiles=20, subsample=None), "holes"),
    "power yeo-johnson": ("power", "by: yeo-johnson", PowerTransformer(standardize=False), "powers"),
    "power box-cox": ("power", "by: box-cox", PowerTransformer("box-cox", standardize=False), "positive"),
    "kbins uniform": ("kbins", "by: uniform, bins: 5", KBinsDiscretizer(5, encode="ordinal", strategy="uniform"), "all"),
    "kbins quantile": ("kbins", "by: quantile, bins: 5", KBinsDiscretizer(
        5, encode="ordinal", strategy="quantile", quantile_method="averaged_inverted_cdf", subsample=None), "all"),
    "kbins kmeans": ("kbins", "by: kmeans, bins: 4", KBinsDiscretizer(
        4, encode="ordinal", strategy="kmeans", subsample=None), "apart"),
    "onehot": ("onehot", "", OneHotEncoder(), "rounded"),
    "ordinal": ("ordinal", "unknown: -1", OrdinalEncoder(), "rounded"),
}
POWERS = {"powers": stats.yeojohnson, "positive": stats.boxcox}
PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
  - name: clean
    preprocess:
    - %s: {tensor: x, %sfitted: f}
  output: {steps: [clean]}
"""


def constant(column):
    return np.ptp(column) <= 1e-12 * np.abs(column).max()


def columns_of(kind):
    """Names and columns; the same ones at every run."""
    random = np.random.default_rng(21)
    names, columns = [], []
    for shape, draw in SHAPES.items():
        for scale in SCALES:
            column = draw(random, ROWS) * scale
            holes = random.random(ROWS) < 0.1
            if kind == "positive" and column.min() <= 0:
                continue
            if kind in POWERS and constant(POWERS[kind](column)[0]):
                continue  # `sluice fit` refuses it
            # Where a first cluster is empty scikit-learn sets its center beside all numbers; and counts are as near to two.
            if kind == "apart" and (shape == "counts" or np.histogram(column, 4)[0].min() < 2):
                continue
            if kind == "holes":
                column[holes] = np.nan
            if kind == "rounded":
                column = np.round(column / scale * 2)
            names.append(f"{shape} {scale:g}")
            columns.append(column)
    prices = np.resize(np.array(PRICES, dtype=float), ROWS)
    if kind in ("holes", "powers", "positive"):
        names.append("prices")
        columns.append(np.where(np.arange(ROWS) < len(PRICES), prices, np.nan) if kind == "holes" else prices)
    return names, np.array(columns).T


def near(ours, theirs, width):
    """Constants of one column; `width` is that of its numbers."""
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(near(a, b, width) for a, b in zip(ours, theirs))
    ours, theirs = float(ours), float(theirs)
    return ours == theirs or math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9 * width)


def lambda_near(operation, ours, theirs, column):
    """As near as the likelihood tells them apart; ours may be the better one."""
    if math.isclose(ours, theirs, rel_tol=1e-4, abs_tol=1e-4):
        return True
    column = column[~np.isnan(column)].astype(np.longdouble)
    return likelihood(operation, ours, column) >= likelihood(operation, theirs, column) - 1e-6 * len(column)


def likelihood(operation, power, column):
    """In more digits than scipy's, whose own is wrong by more than what is looked for where all of a column is far from 0."""
    power, logs = np.longdouble(power), np.log(column) if operation == "box-cox" else np.log1p(abs(column))
    if operation == "box-cox":
        signs, powers = 1, power
    else:
        signs = np.where(column < 0, -1, 1)
        powers = np.where(column < 0, 2 - power, power)
    apart = np.zeros_like(logs) + powers == 0
    # What is taken off each changes no variance where it is the same for all.
    off = 0 if np.all(signs == np.ravel(signs)[0]) else 1
    with np.errstate(divide="ignore", invalid="ignore"):
        turned = signs * np.where(apart, logs, (np.exp(powers * logs) - off) / powers)
    return float(-len(column) / 2 * np.log(np.var(turned)) + (power - 1) * np.sum(signs * logs))


def learn(folder, name, text, rows):
    with open(os.path.join(folder, "p.yaml"), "w", encoding="utf-8") as out:
        out.write(PIPELINE % (name, text + ", " if text else ""))
    with open(os.path.join(folder, "data.csv"), "w", encoding="utf-8") as out:
        out.write(csv(rows))
    names = ",".join(f"c{i}" for i in range(rows.shape[1]))
    made = subprocess.run([SLUICE, "fit", "preprocess", "data.csv", "-f", "p.yaml", "--tensor", "x=" + names], cwd=folder,
                          capture_output=True, text=True)
    if made.returncode:
        sys.exit(f"{name} {text}: {made.stderr}")
    return json.loads(made.stdout)["operations"][0][name]


def csv(rows):
    lines = [",".join(f"c{i}" for i in range(rows.shape[1]))]
    lines += [",".join("" if v != v else repr(float(v)) for v in row) for row in rows]
    return "\n".join(lines) + "\n"


def compare(name, folder):
    operation, text, transformer, kind = LEARN[name]
    names, rows = columns_of(kind)
    ours = learn(folder, operation, text, rows)
    theirs = next(iter(export.operations(transformer.fit(rows), "x")))[operation]
    wrong = []
    for field in ("values", "center", "scale", "lambdas", "edges", "categories"):
        if field not in theirs:
            continue
        for i, column in enumerate(names):
            mine, other = ours[field][i], theirs[field][i]
            width = np.nanmax(rows[:, i]) - np.nanmin(rows[:, i])
            good = lambda_near(text[4:], mine, other, rows[:, i]) if field == "lambdas" else near(mine, other, width)
            if not good:
                wrong.append(f"{name}: {field} of {column}: {mine}, and scikit-learn's {other}")
    return wrong, {field: theirs[field] for field in theirs if field in ("values", "center", "scale", "lambdas", "edges", "categories")}


def main():
    passed = failed = 0
    recorded = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in LEARN:
            wrong, theirs = compare(name, folder)
            recorded[name] = {"operation": LEARN[name][0], "fields": LEARN[name][1], "columns": LEARN[name][3], "learnt": theirs}
            print(*wrong, sep="\n", end="\n" if wrong else "")
            passed, failed = passed + (not wrong), failed + bool(wrong)
    if RECORD and not failed:
        into = os.path.join(TESTS, "data/fit")
        os.makedirs(into, exist_ok=True)
        for kind in ("holes", "powers", "positive", "all", "apart", "rounded"):
            with open(os.path.join(into, kind + ".csv"), "w", encoding="utf-8") as out:
                out.write(csv(columns_of(kind)[1]))
        with open(os.path.join(into, "learnt.json"), "w", encoding="utf-8") as out:
            out.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in recorded.items()) + "\n}\n")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
