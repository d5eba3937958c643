#!/bin/bash
# Prints where libxgboost.so is, to be measured beside our own trees. It comes from PyPI once,
# pinned, and stays in ${XDG_CACHE_HOME:-~/.cache}/sluice. Where it cannot be had the reason
# goes to standard error, and the exit code is 1.
set -u
version=3.2.0
folder=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/xgboost-cpu-$version
library=$folder/xgboost/lib/libxgboost.so
if [ ! -e "$library" ]; then
	mkdir -p "$(dirname "$folder")"
	made=$(mktemp -d "$folder.XXXXXX")
	log=$made.log
	trap 'rm -rf "$made" "$log"' EXIT
	if ! timeout 300 python3 -m pip install --quiet --only-binary :all: --no-deps --target "$made" \
		"xgboost-cpu==$version" >"$log" 2>&1; then
		echo "xgboost cannot be had: $(tail -n 1 "$log")" >&2
		exit 1
	fi
	mv -T "$made" "$folder" 2>/dev/null || true # somebody else was quicker
fi
echo "$library"
