#!/bin/bash
# The gateway of `sluice dev` as MLServer's own clients meet it: its command `mlserver infer` and its codecs: mlserver_client.sh SLUICE.
# MLServer comes from PyPI once, pinned, and stays in ${XDG_CACHE_HOME:-~/.cache}/sluice (tests/kafka/mlserver.sh).
set -u
here=$(dirname "$0")
. "$here/venv.sh"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$here/../kafka/mlserver.sh" venv "$place/venv" 2>"$place/log" || venv_skip mlserver "$(tail -n 1 "$place/log")"
"$place/venv/bin/python" "$here/mlserver_client.py" "$1"
