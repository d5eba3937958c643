#!/bin/sh
# ask.sh FOLDER: starts `sluice dev` on a folder of pipelines, runs the command that its start
# gives, under the id `first`, and so prints the answer to the folder's request. The pages of pipelines/ show it.
set -eu
said=$(mktemp)
sluice dev "$1" --port 0 >"$said" 2>&1 &
dev=$!
trap 'kill "$dev" 2>/dev/null || true; wait "$dev" || true; rm -f "$said"' EXIT
tries=0
until grep -q '^edit' "$said"; do
	tries=$((tries + 1))
	if [ "$tries" -gt 200 ] || ! kill -0 "$dev" 2>/dev/null; then
		cat "$said"
		echo "ask: sluice dev did not start"
		exit 1
	fi
	sleep 0.1
done
try=$(sed -n 's/^try  *//p' "$said")
$try --id first
