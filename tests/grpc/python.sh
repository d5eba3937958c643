#!/bin/bash
# Prints a Python that has grpcio, Google's own implementation of gRPC. It comes from PyPI
# once, pinned, and stays in ${XDG_CACHE_HOME:-~/.cache}/sluice. Where it cannot be had the
# reason goes to standard error, and the exit code is 1.
set -u
versions="grpcio==1.85.1 typing-extensions==4.16.0"
venv=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/grpcio-1.85.1
if [ ! -x "$venv/bin/python" ]; then
	mkdir -p "$(dirname "$venv")"
	made=$(mktemp -d "$venv.XXXXXX")
	log=$made.log
	trap 'rm -rf "$made" "$log"' EXIT
	# The place of a venv is written into its scripts only, which nothing here uses.
	# shellcheck disable=SC2086
	if ! { python3 -m venv --without-pip "$made" &&
		python3 -m pip --python "$made/bin/python" install --quiet --only-binary :all: --no-deps $versions; } >"$log" 2>&1; then
		echo "grpcio cannot be had: $(tail -n 1 "$log")" >&2
		exit 1
	fi
	mv -T "$made" "$venv" 2>/dev/null || true # somebody else was quicker
fi
echo "$venv/bin/python"
