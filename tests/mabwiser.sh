#!/bin/bash
# mabwiser.sh SLUICE short|long [REPLICATIONS [STORY...]]: bandits beside MABWiser's on shared reward tables (tests/judge/bandits.py).
# MABWiser comes from PyPI once, pinned, and stays in ${XDG_CACHE_HOME:-~/.cache}/sluice; where it cannot
# be had this is skipped. Prints `N passed, N failed[, N skipped]`.
set -u
cd "$(dirname "$0")/.." || exit 2
versions="mabwiser==2.7.4 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 scikit-learn==1.9.1 joblib==1.6.0"
venv=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/mabwiser-2.7.4
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
	echo "skipped: mabwiser: MABWiser cannot be had: $(tail -n 1 "$made/log")"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
# Its products of 8 numbers are no work for several threads.
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$venv/bin/python" tests/judge/bandits.py "$@"
