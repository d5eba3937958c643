#!/usr/bin/env python3
"""Makes abtest.json: ratios of sums of units, by the delta method on the covariance matrix, and Welch's test of scipy's distribution.
    pip install numpy scipy; abtest.py >abtest.json"""
import json

import numpy as np
from scipy import stats

ALPHA = 0.05
CASES = (("requests_alike", 80, 90, 1, 1), ("twice_the_requests", 120, 100, 2, 1), ("requests_worth_more", 150, 150, 1, 1.3))


def arm(draw, units, more, worth):
    number = 1 + draw.poisson(2 * more, units)
    total = [draw.normal(worth * 5 * level, 2, count).sum() for level, count in zip(draw.lognormal(0, 0.4, units), number)]
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


def main():
    cases = []
    for seed, (name, control, treatment, more, worth) in enumerate(CASES):
        draw = np.random.default_rng(seed)
        given = {"control": arm(draw, control, 1, 1), "treatment": arm(draw, treatment, more, worth)}
        cases.append({"name": name, "input": given, "params": {"alpha": ALPHA}, "expected": expected(**given),
                      "tolerance": {"abs": 1e-10, "rel": 1e-8}})
    print('{"family": "abtest", "schema_version": 1, "cases": [')
    print(",\n".join(json.dumps(case) for case in cases))
    print("]}")


main()
