#!/bin/bash
# tokens.sh PROGRAMS: tokens that PyJWT and cryptography sign are taken, and what is forged of them is refused, each for its
# reason (tests/access/tokens.py). Both come from PyPI once, pinned, and stay in ${XDG_CACHE_HOME:-~/.cache}/sluice; where they
# cannot be had this is skipped. Prints `N passed, N failed[, N skipped]`.
set -u
cd "$(dirname "$0")/../.." || exit 2
versions="PyJWT==2.10.1 cryptography==44.0.3 cffi==1.17.1 pycparser==2.22"
venv=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/pyjwt-2.10.1
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
	echo "tokens: PyJWT cannot be had: $(tail -n 1 "$made/log")" >&2
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
exec "$venv/bin/python" tests/access/tokens.py "$1/token_verdict" "${2-}"
