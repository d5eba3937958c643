#!/bin/bash
# sklearn.sh SLUICE: what pipelines/export_sklearn.py exports does what scikit-learn's own transform() does, and what
# `sluice fit` learns is what its fit() learns, isolation forests too.
# scikit-learn comes from PyPI once, pinned, and stays in ${XDG_CACHE_HOME:-~/.cache}/sluice; where it cannot
# be had this is skipped. Prints `N passed, N failed[, N skipped]`.
set -u
cd "$(dirname "$0")/.." || exit 2
versions="scikit-learn==1.9.1 numpy==2.4.6 joblib==1.5.2"
venv=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/scikit-learn-1.9.1
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
if [ ! -x "$venv/bin/python" ]; then
	mkdir -p "$(dirname "$venv")"
	# shellcheck disable=SC2086
	python3 -m venv --without-pip "$made/venv" &&
		python3 -m pip --python "$made/venv/bin/python" install --quiet --only-binary :all: $versions >"$made/log" 2>&1 &&
		mv -T "$made/venv" "$venv" 2>/dev/null
fi
if [ ! -x "$venv/bin/python" ]; then
	echo "sklearn: scikit-learn cannot be had: $(tail -n 1 "$made/log")" >&2
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
for program in learn outlier; do # one that dies has not counted what it did not reach
	"$venv/bin/python" "tests/sklearn_$program.py" "$1" || echo "0 passed, 1 failed"
done
"$venv/bin/python" tests/sklearn_check.py "$made/cases" || { echo "0 passed, 1 failed"; exit 1; }
exec "$1" test "$made/cases"
