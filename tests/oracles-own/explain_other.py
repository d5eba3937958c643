#!/usr/bin/env python3
"""Makes explain_other.json anew: integrated gradients of models that are no networks, by gradients written by hand and numpy's
Gauss-Legendre quadrature. Needs numpy."""
import json, os
import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
AT, WEIGHTS = numpy.polynomial.legendre.leggauss(80)


def case(name, model, x, baseline, gradient):
    x, baseline = numpy.array(x), numpy.array(baseline)
    points = baseline + (AT[:, None] + 1) / 2 * (x - baseline)
    limit = (x - baseline) * (WEIGHTS[:, None] / 2 * numpy.array([gradient(point) for point in points])).sum(axis=0)
    return {"name": name, "input": {"model": model, "x": x.tolist(), "baseline": baseline.tolist()}, "params": {},
            "expected": {"limit": limit.tolist()}, "tolerance": {"abs": 1e-9, "rel": 1e-9}, "note": "numpy, gradients by hand"}


def logistic_gradient(weights, bias):
    def gradient(x):
        share = 1 / (1 + numpy.exp(-(x @ weights + bias)))
        return share * (1 - share) * weights
    return gradient


W = numpy.array([1.5, -2.0, 0.75])
Q = numpy.array([[0.5, -1.0], [0.25, 2.0]])
cases = [
    case("ig_cubic", {"type": "product", "formula": "x0*x1*x2 + x0*x0*x0"}, [1.5, -2.0, 0.5], [0.25, 1.0, -0.5],
         lambda x: numpy.array([x[1] * x[2] + 3 * x[0] ** 2, x[0] * x[2], x[0] * x[1]])),
    case("ig_logistic", {"type": "logistic", "w": W.tolist(), "b": 0.3}, [1.25, -1.0, 2.0], [0.0, 0.5, -1.0], logistic_gradient(W, 0.3)),
    case("ig_quadratic", {"type": "quadratic", "Q": Q.tolist(), "w": [1.0, -1.0]}, [2.0, -3.0], [0.5, 0.5],
         lambda x: (Q + Q.T) @ x + numpy.array([1.0, -1.0])),
]
json.dump({"family": "explain_other", "schema_version": 1, "split": "own", "description": __doc__.split(":")[0],
           "libraries": {"numpy": numpy.__version__}, "cases": cases},
          open(os.path.join(HERE, "explain_other.json"), "w"), separators=(",", ":"))
