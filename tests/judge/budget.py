#!/usr/bin/env python3
"""Scores `sluice compute shap_budget` against exact values: budget.py BINARY FILE [MOST] [-v]

The error of a model and budget is the mean absolute error over seeds, rows and features. Held are: the
geometric mean of the errors in parts of those of the best entry of the file (at most 1.05), in parts of the
best of shap and leverage (0.6), and each error in parts of the best entry's (1.3). Budgets above MOST are left out:
2048 takes most of the time, and is where the figures are best."""
import json, math, os, subprocess, sys, tempfile

BEST, USUAL, WORST = 1.05, 0.6, 1.3
arguments = [word for word in sys.argv[1:] if not word.startswith("-")]
verbose = "-v" in sys.argv
binary, path = os.path.abspath(arguments[0]), os.path.abspath(arguments[1])
most = int(arguments[2]) if len(arguments) > 2 else 1 << 20
document = json.load(open(path, encoding="utf-8"))
cases = document["cases"]
for case in cases:
    case["params"]["budgets"] = [budget for budget in case["params"]["budgets"] if budget <= most]
with tempfile.NamedTemporaryFile("w", suffix=".json", dir=os.path.dirname(path)) as asked:
    json.dump(document | {"cases": [{key: case[key] for key in ("name", "input", "params")} for case in cases]}, asked)
    asked.flush()
    done = subprocess.run([binary, "compute", "shap_budget", asked.name], capture_output=True, text=True, timeout=1800)
results = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
sys.stderr.write(done.stderr)
given = {one["name"]: one.get("result") or {} for one in results}


def error_of(estimates, exact):
    errors = [abs(number - wanted) for run in estimates for row, values in zip(run, exact) for number, wanted in zip(row, values)]
    assert len(errors) == len(estimates) * sum(map(len, exact)) and len(estimates) >= 20, "not 20 runs of all rows and features"
    return sum(errors) / len(errors)


def mean(numbers):
    return math.exp(sum(map(math.log, numbers)) / len(numbers))


best, usual = [], []
for case in cases:
    entries = case["expected"]["reference_error"]
    for budget in map(str, case["params"]["budgets"]):
        mine = error_of(given[case["name"]]["estimates"][budget], case["expected"]["shap_values"])
        known = {name: budgets[budget]["mae"] for name, budgets in entries.items()}
        best.append(mine / min(known.values()))
        usual.append(mine / min(known[name] for name in known if name.startswith("shap_") or name == "leverage"))
        if verbose:
            print(f"{case['name']:14} {budget:>5} error {mine:.3g}: {best[-1]:.3f} of the best, {usual[-1]:.3f} of shap and leverage")
print(f"{mean(best):.3f} of the best entries (at most {BEST}), {mean(usual):.3f} of shap and leverage ({USUAL}), "
      f"worst {max(best):.3f} ({WORST})")
sys.exit(not (mean(best) <= BEST and mean(usual) <= USUAL and max(best) <= WORST))
