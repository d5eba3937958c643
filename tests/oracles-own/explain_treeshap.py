#!/usr/bin/env python3
"""Makes explain_treeshap.json and the forest beside it anew: contributions by LightGBM's own pred_contrib, and by
shap.TreeExplainer of a random forest. Needs lightgbm, scikit-learn, shap and numpy."""
import json, os
import lightgbm, numpy, shap, sklearn
from sklearn.ensemble import RandomForestClassifier

HERE = os.path.dirname(os.path.abspath(__file__))
random = numpy.random.default_rng(7)


def numbers(array):
    return [[("NaN" if value != value else round(float(value), 3)) for value in row] for row in array]


def case(name, model, x, params, expected, note, **more):
    return {"name": name, "input": {"model_file": model, "x": numbers(x), **more}, "params": params, "expected": expected,
            "tolerance": {"abs": 1e-7, "rel": 1e-6}, "note": note}


def lightgbm_case(name, features, missing):
    model = "../oracles/models/" + name + ".txt"
    booster = lightgbm.Booster(model_file=os.path.join(HERE, model))
    x = numpy.round(random.normal(size=(6, features)), 3)
    if missing:
        x[random.random(x.shape) < 0.25] = numpy.nan
    given = booster.predict(x, pred_contrib=True)
    outputs = given.shape[1] // (features + 1)
    given = given.reshape(len(x), outputs, features + 1)
    values, bases = given[:, :, :-1], given[:, :, -1]
    expected = {"shap_values": (values[:, 0] if outputs == 1 else values).tolist(),
                "base_values": (bases[:, 0] if outputs == 1 else bases).tolist()}
    return case(name + "_path_dependent", model, x, {"algorithm": "path_dependent"}, expected, "lightgbm pred_contrib")


def forest_cases():
    x = numpy.round(random.normal(size=(200, 5)), 3)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] * x[:, 2] > 0.3)
    forest = RandomForestClassifier(n_estimators=6, max_depth=5, random_state=3).fit(x, y)
    trees = []
    for tree in (one.tree_ for one in forest.estimators_):
        value = [(leaf[0] / leaf[0].sum()).tolist() for leaf in tree.value]
        trees.append({"feature": tree.feature.tolist(), "threshold": tree.threshold.tolist(), "left": tree.children_left.tolist(),
                      "right": tree.children_right.tolist(), "value": value, "n_samples": tree.weighted_n_node_samples.tolist()})
    model = {"format": "sluice_forest/1", "aggregate": "mean_probability", "classes": [0, 1, 2], "trees": trees}
    json.dump(model, open(os.path.join(HERE, "models/forest_samples.json"), "w"), separators=(",", ":"))
    asked, background = numpy.round(random.normal(size=(5, 5)), 3), x[:15]
    ways = {"path_dependent": {}, "interventional": {"data": background, "feature_perturbation": "interventional"}}
    for way, more in ways.items():
        explainer = shap.TreeExplainer(forest, **more)
        values = numpy.moveaxis(explainer.shap_values(asked, check_additivity=False), 2, 1).tolist()
        base = explainer.expected_value.tolist()
        expected = {"shap_values": values}
        expected |= {"base_values": [base] * len(asked)} if way == "path_dependent" else {"base_value": base}
        given = {"background": numbers(background)} if more else {}
        yield case("forest_" + way, "models/forest_samples.json", asked, {"algorithm": way}, expected, "shap.TreeExplainer", **given)


def wide_forest_case():
    """The last two of five columns never change, so no split asks for them, and the file does not contain their number"""
    x = numpy.round(random.normal(size=(150, 5)), 3)
    x[:, 3:] = 1.5
    forest = RandomForestClassifier(n_estimators=4, max_depth=4, random_state=5).fit(x, x[:, 0] * x[:, 1] > 0, random.random(150) + 0.1)
    model = {"format": "sluice_forest/1", "aggregate": "mean_probability", "classes": [0, 1], "trees": [
        {"feature": tree.feature.tolist(), "threshold": tree.threshold.tolist(), "left": tree.children_left.tolist(),
         "right": tree.children_right.tolist(), "value": [(leaf[0] / leaf[0].sum()).tolist() for leaf in tree.value],
         "n_samples": tree.weighted_n_node_samples.tolist()} for tree in (one.tree_ for one in forest.estimators_)]}
    json.dump(model, open(os.path.join(HERE, "models/forest_wide.json"), "w"), separators=(",", ":"))
    asked = numpy.round(random.normal(size=(4, 5)), 3)
    explainer = shap.TreeExplainer(forest)
    expected = {"shap_values": numpy.moveaxis(explainer.shap_values(asked, check_additivity=False), 2, 1).tolist(),
                "base_values": [explainer.expected_value.tolist()] * len(asked)}
    return case("forest_wide", "models/forest_wide.json", asked, {"algorithm": "path_dependent"}, expected, "shap.TreeExplainer, weighted rows")


def lightgbm_random_forest_case():
    """Such a model answers the mean of its trees, and pred_contrib is of their sum: it adds up to raw_score"""
    own, trees = numpy.random.default_rng(9), 8
    x = numpy.round(own.normal(size=(200, 4)), 3)
    y = x[:, 0] * 2 + (x[:, 1] > 0)
    booster = lightgbm.train({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7, "num_leaves": 6, "seed": 1, "verbose": -1},
                             lightgbm.Dataset(x, y), trees)
    model = "models/lgb_rf.txt"
    booster.save_model(os.path.join(HERE, model))
    x = x[:4]
    given = booster.predict(x, pred_contrib=True) / trees
    assert abs(given.sum(axis=1) - booster.predict(x)).max() < 1e-12
    return case("lgb_rf_path_dependent", model, x, {"algorithm": "path_dependent"},
                {"shap_values": given[:, :-1].tolist(), "base_values": given[:, -1].tolist()}, "lightgbm pred_contrib over the number of trees")


cases = [lightgbm_case("lgb_bin", 6, True), lightgbm_case("lgb_multi", 5, False), lightgbm_case("lgb_reg_missing", 8, True)]
cases += forest_cases()
cases += [wide_forest_case(), lightgbm_random_forest_case()]
libraries = {"lightgbm": lightgbm.__version__, "shap": shap.__version__, "scikit-learn": sklearn.__version__}
json.dump({"family": "explain_treeshap", "schema_version": 1, "split": "own", "description": __doc__.split(":")[0],
           "libraries": libraries, "cases": cases}, open(os.path.join(HERE, "explain_treeshap.json"), "w"), separators=(",", ":"))
