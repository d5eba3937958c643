#!/bin/bash
# gallery.sh SLUICE: the pipelines that a newcomer reads first. Their own cases; then what these
# expect, computed anew by each pipeline's expect.py; then long streams that stand in no file, made and
# computed there and then. What needs numpy and its like takes them from PyPI once, pinned, into
# ${XDG_CACHE_HOME:-~/.cache}/sluice, and is skipped where they cannot be had. With TRAIN=1, for minutes, each train.py must
# print what its page shows, and write the models that are in the tree. Prints `N passed, N failed[, N skipped]`.
set -u
cd "$(dirname "$0")/.." || exit 2
sluice=$1 passed=0 failed=0 skipped=0
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
cp -r pipelines "$made"

# A Python with what a requirements.txt says.
python_with() { # $1 requirements.txt
	local venv
	venv=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/gallery-$(sha256sum <"$1" | cut -c1-12)
	if [ ! -x "$venv/bin/python" ]; then
		mkdir -p "$(dirname "$venv")"
		python3 -m venv --without-pip "$made/venv" &&
			python3 -m pip --python "$made/venv/bin/python" install --quiet --only-binary :all: -r "$1" >"$made/log" 2>&1 &&
			mv -T "$made/venv" "$venv" || rm -rf "$made/venv"
	fi
	[ -x "$venv/bin/python" ] && echo "$venv/bin/python"
}

check() { # $1 what; the rest: the command
	local what=$1
	shift
	if "$@" >"$made/log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "gallery: $what"
		tail -n 20 "$made/log" | sed 's/^/    /'
	fi
}

# What stands in out.jsonl is what comes when it is computed anew.
fresh() { # $1 python, $2 pipeline, $3 case, the rest: of expect.py
	local folder=$made/pipelines/$2/tests/$3
	"$1" "$made/pipelines/$2/expect.py" "$folder" "${@:4}" && diff "pipelines/$2/tests/$3/out.jsonl" "$folder/out.jsonl"
}

printed() { # $1 pipeline, $2 case, the rest: of expect.py
	python3 "pipelines/$1/expect.py" "pipelines/$1/tests/$2/in.jsonl" "${@:3}" | diff - "pipelines/$1/tests/$2/out.jsonl"
}

# A stream made now.
stream() { # $1 python, $2 pipeline, the rest: of expect.py
	local folder=$made/pipelines/$2/tests/stream
	mkdir -p "$folder"
	"$1" "$made/pipelines/$2/expect.py" "$folder" "${@:3}" && "$sluice" test "$folder"
}

# What train.py prints is what the page shows below its call, and what it writes is what is there.
trained() { # $1 python, $2 pipeline
	local page=pipelines/$2/README.md
	(cd "$made" && "$1" "pipelines/$2/train.py" >printed) &&
		sed -n '/^[$] pipelines.*train[.]py$/,/^```/{//!p}' "$page" | diff - "$made/printed" &&
		diff -r "pipelines/$2/models" "$made/pipelines/$2/models"
}

"$sluice" test pipelines
check "routing: expectations are old" printed routing context-decides
check "ensemble: expectations are old" printed ensemble all-answer
check "ensemble: expectations are old" printed ensemble one-is-late partner
check "ensemble: expectations are old" printed ensemble one-is-away roads
check "ensemble: expectations are old" printed ensemble two-are-away roads partner
for folder in pipelines/fraud/tests/*/; do
	check "fraud: expectations are old" fresh python3 fraud "$(basename "$folder")"
done
check "fraud: a stream of payments" stream python3 fraud --payments 3000 --cards 40 --seed 77
if python=$(python_with pipelines/financial/requirements.txt); then
	for folder in pipelines/financial/tests/*/; do
		check "financial: expectations are old" fresh "$python" financial "$(basename "$folder")"
	done
	check "financial: a stream of ticks" stream "$python" financial --ticks 3000 --seed 77 --dirt 0.02
	for pipeline in ${TRAIN:+financial fraud}; do
		check "$pipeline: its models, trained anew" trained "$python" "$pipeline"
	done
else
	skipped=$((skipped + 1))
	echo "skipped: gallery: financial's expectations: xgboost, lightgbm and numpy cannot be had: $(tail -n 1 "$made/log" 2>/dev/null)"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
