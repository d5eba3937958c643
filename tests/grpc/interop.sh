#!/bin/bash
# Our gRPC client and server against those of grpcio, Google's own implementation:
# interop.sh PEER. grpcio comes from PyPI once, pinned, and stays in
# ${XDG_CACHE_HOME:-~/.cache}/sluice.
set -u
peer=$1
versions="grpcio==1.85.1 typing-extensions==4.16.0"
venv=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/grpcio-1.85.1
here=$(dirname "$0")

skip() {
	echo "skipped: grpc: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

if [ ! -x "$venv/bin/python" ]; then
	mkdir -p "$(dirname "$venv")"
	made=$(mktemp -d "$venv.XXXXXX")
	log=$made.log
	trap 'rm -rf "$made" "$log"' EXIT
	# The place of a venv is written into its scripts only, which nothing here uses.
	# shellcheck disable=SC2086
	{ python3 -m venv --without-pip "$made" &&
		python3 -m pip --python "$made/bin/python" install --quiet --only-binary :all: --no-deps $versions; } >"$log" 2>&1 ||
		skip "grpcio cannot be had: $(tail -n 1 "$log")"
	mv -T "$made" "$venv" 2>/dev/null || true # somebody else was quicker
fi
command -v openssl >/dev/null || skip "openssl, which makes its certificates, is not installed"
exec "$venv/bin/python" "$here/interop.py" "$peer"
