#!/usr/bin/env python3
"""Makes abtest.json: ratios of sums of units, by the delta method on the covariance matrix, and Welch's test of scipy's distribution;
numbers far from 0, by what is left when their common offset is taken off, which is exact; and a table with an empty row and column.
    pip install numpy scipy; abtest.py >abtest.json"""
import json

import numpy as np
from scipy import stats

ALPHA = 0.05
CASES = (("requests_alike", 80, 90, 1, 1), ("twice_the_requests", 120, 100, 2, 1), ("requests_of_more_value", 150, 150, 1, 1.3))


def arm(draw, units, more, value):
    number = 1 + draw.poisson(2 * more, units)
    total = [draw.normal(value * 5 * level, 2, count).sum() for level, count in zip(draw.lognormal(0, 0.4, units), number)]
    return {"sum": np.round(total, 4).tolist(), "number": number.tolist()}


def ratio(one):
    """The variance of a ratio of means from all second moments, not from residuals."""
    total, number = np.array(one["sum"]), np.array(one["number"], dtype=float)
    units, (y, x) = len(total), (total.mean(), number.mean())
    (vy, cyx), (_, vx) = np.cov(total, number)
    return y / x, (vy / x**2 - 2 * y * cyx / x**3 + y**2 * vx / x**4) / units, units


def expected(control, treatment):
    (c, vc, nc), (t, vt, nt) = ratio(control), ratio(treatment)
    error = np.sqrt(vc + vt)
    freedom = (vc + vt) ** 2 / (vc**2 / (nc - 1) + vt**2 / (nt - 1))
    half = stats.t.isf(ALPHA / 2, freedom) * error
    return {"ratio_control": c, "ratio_treatment": t, "difference": t - c, "standard_error": error,
            "welch_p": 2 * stats.t.sf(abs(t - c) / error, freedom), "ci95": [t - c - half, t - c + half]}


def grid(numbers):
    """Numbers that stay exact beside an offset of 2^40."""
    return np.round(np.asarray(numbers) * 1024) / 1024


def far_means(draw):
    offset = 2.0**40
    control, treatment = grid(draw.normal(0, 1, 25)), grid(draw.normal(0.4, 2, 40))
    difference, (vc, vt) = treatment.mean() - control.mean(), (control.var(ddof=1) / 25, treatment.var(ddof=1) / 40)
    pooled = np.sqrt((24 * control.var(ddof=1) + 39 * treatment.var(ddof=1)) / 63)
    test = stats.ttest_ind(treatment, control, equal_var=False)
    given = {"control": (control + offset).tolist(), "treatment": (treatment + offset).tolist()}
    return given, {"mean_difference": difference, "welch_t": difference / np.sqrt(vc + vt), "welch_df": test.df,
                   "welch_p": test.pvalue, "cohens_d": difference / pooled}


def far_covariate(draw):
    """As of users by the time at which they came first, in milliseconds."""
    offset, level = 1.75e12, 2.0**33
    pre = [np.round(draw.normal(0, 4e5, units)) for units in (80, 87)]
    post = [grid(x * 2e-6 + draw.normal(more, 1, len(x))) for x, more in zip(pre, (0, 0.5))]
    x, y = np.concatenate(pre), np.concatenate(post)
    theta = np.cov(x, y)[0, 1] / x.var(ddof=1)
    control, treatment = (b - theta * (a - x.mean()) for a, b in zip(pre, post))
    given = {arm: {"pre": (a + offset).tolist(), "post": (b + level).tolist()}
             for arm, a, b in zip(("control", "treatment"), pre, post)}
    return given, {"theta": theta, "adjusted_mean_control": control.mean() + level,
                   "adjusted_variance_control": control.var(ddof=1), "difference": treatment.mean() - control.mean(),
                   "welch_p": stats.ttest_ind(treatment, control, equal_var=False).pvalue,
                   "variance_reduction": np.corrcoef(x, y)[0, 1] ** 2}


def empty_lines(_):
    table = [[12, 0, 30, 5], [0, 0, 0, 0], [20, 0, 21, 9]]
    test = stats.chi2_contingency([[12, 30, 5], [20, 21, 9]], correction=False)
    return {"table": table}, {"statistic": test.statistic, "dof": test.dof, "p": test.pvalue}


def main():
    cases = []
    for name, make in (("far_means", far_means), ("far_covariate", far_covariate), ("table_with_empty_lines", empty_lines)):
        given, wanted = make(np.random.default_rng(len(name)))
        cases.append({"name": name, "input": given, "params": {}, "expected": wanted, "tolerance": {"abs": 0, "rel": 1e-9}})
    for seed, (name, control, treatment, more, value) in enumerate(CASES):
        draw = np.random.default_rng(seed)
        given = {"control": arm(draw, control, 1, 1), "treatment": arm(draw, treatment, more, value)}
        cases.append({"name": name, "input": given, "params": {"alpha": ALPHA}, "expected": expected(**given),
                      "tolerance": {"abs": 1e-10, "rel": 1e-8}})
    print('{"family": "abtest", "schema_version": 1, "cases": [')
    print(",\n".join(json.dumps(case) for case in cases))
    print("]}")


main()
