#!/bin/bash
# Runs fuzz targets for SECONDS in all, shared evenly: run-fuzz.sh SECONDS TARGET...
# A target begins with the files that its source names (a line ` * seeds: GLOB...` of
# its first comment) and with what earlier runs found interesting (build/fuzz/corpus).
# What breaks it is kept in build/fuzz/findings. SEED in the environment makes a run repeatable, but for how far it comes.
set -u
seconds=$1
shift
jobs=$(nproc)
each=$((seconds * jobs / ($# > 0 ? $# : 1)))
[ $each -gt 0 ] || each=1
[ $# -lt "$jobs" ] && each=$seconds
findings=build/fuzz/findings
mkdir -p $findings
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1

seed() { # $1 name, $2 folder
	local globs file
	globs=$(sed -n '1,30s/^ \* seeds: //p' "tests/fuzz/$1.c")
	# Globs are words, and meant to be expanded. Names repeat over folders, so
	# the copy's name is the whole path.
	# shellcheck disable=SC2086
	for file in $globs; do
		[ -f "$file" ] && cp "$file" "$2/$(echo "$file" | tr / _)"
	done
}

fuzz() { # $1 target
	local name=${1##*/} log corpus dictionary=
	corpus=build/fuzz/corpus/$name log=build/fuzz/$name.log
	mkdir -p "$corpus"
	seed "$name" "$corpus"
	[ ! -f "tests/fuzz/$name.dict" ] || dictionary=-dict=tests/fuzz/$name.dict
	if "$1" -max_total_time=$each -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
		-seed="${SEED:-0}" -artifact_prefix=$findings/"$name"- ${dictionary:+"$dictionary"} "$corpus" >"$log" 2>&1; then
		echo "fuzz: $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $each s, nothing found"
		echo "1 passed, 0 failed"
	else
		grep -E 'ERROR|SUMMARY|Test unit written|runtime error|^ +#[0-9]+ .* in .*(engine|tests)/|^Base64' "$log" |
			cut -c 1-180 | head -12 | sed "s/^/fuzz error: $name: /"
		echo "fuzz: $name: broken; see $log, and $1 on the file it names"
		echo "0 passed, 1 failed"
	fi
}

# As many side by side as there are processors.
running=0
for target in "$@"; do
	fuzz "$target" &
	running=$((running + 1))
	if [ $running -ge "$jobs" ]; then
		wait -n
		running=$((running - 1))
	fi
done
wait
