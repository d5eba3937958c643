#!/bin/sh
# Runs those of the unit test programs it is given that an edit can have reached since they passed (tests/reach.py;
# all with ALL=1), and counts their tests: the last line is `N passed, N failed[, N skipped]`, and a program that fails
# shows what it printed. What failed, or skipped a test, is run again the next time.
# TEST is the name of the one test function that each of them runs, or a pattern of names; empty: all.
# Most of them wait more than they compute, so more run at once than there are cores.
set -u
# These take longest, so they begin first: some wait, some compute.
longest="follower apply join_state simulation_observer rollout_units gateway_calls moved_partitions worker engine_counts
	secret group_mover thin_exposures feed drift_rebase experiment_traffic rehearsal_topics partition_state move_receivers
	drift_free_texts drift_past drift_past_texts drift_projection topic_presence simulation simulation_broken dependence"
export TEST="${TEST-}"
passed=0 failed=0 skipped=0
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
record=${1%/*}/passed # what each program was when it passed
touch "$dir/fingerprints" "$dir/run" "$dir/passed"
given=$#
chosen=$(tests/reach.py "${1%/unit/*}" "$dir/fingerprints" "$record" "$@") || ALL=1
if [ -z "${ALL-}" ]; then
	# shellcheck disable=SC2086
	set -- $chosen
	echo "$# programs are run, $((given - $#)) left out: no edit reaches them since they passed (ALL=1 runs all)"
fi
longest_s=900 # of one program, which hangs; a valgrind, or a sanitizer on a busy machine, makes them slow
in_order() {
	for name in $longest; do
		printf '%s\n' "$@" | grep "/${name}_test\$"
	done
	printf '%s\n' "$@"
}

# Where no /proc is mounted, a program cannot find the library beside its folder by itself.
# shellcheck disable=SC2016
in_order "$@" | awk '!seen[$0]++ && NF' | xargs -r -P $((4 * $(nproc))) -n 1 sh -c \
	'LD_LIBRARY_PATH=${2%/*}/..${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} timeout -k 5 "$1" "$2" ${TEST:+"$TEST"} >"$0/${2##*/}" 2>&1; echo $? >"$0/${2##*/}.status"' "$dir" $longest_s
for program in "$@"; do
	out=$dir/${program##*/}
	status=$(cat "$out.status")
	good=$(grep -c '^\[       OK \]' "$out")
	# A test that failed is named when it does and in the list at the end.
	bad=$(grep '^\[  FAILED  \] [^ ]*$' "$out" | sort -u | wc -l)
	left=$(sed -n 's/^\[  SKIPPED \] \([^ ]*\)$/\1/p' "$out" | sort -u)
	for name in $left; do
		skipped=$((skipped + 1))
		echo "skipped: ${program##*/} $name: what it needs is not installed"
	done
	# The set-up or the end of all its tests, which cmocka does not count.
	! grep -q '^\[  FAILED  \] GROUP' "$out" || bad=$((bad + 1))
	# A program that died or ran nothing has failed, whatever it printed before.
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ "$good" -gt 0 ] || [ "$bad" -gt 0 ] || [ -n "$left" ] || bad=1
	passed=$((passed + good)) failed=$((failed + bad))
	[ -n "$TEST" ] && [ "$bad" -eq 0 ] || echo "$program" >>"$dir/run"
	[ -n "$TEST$left" ] || [ "$bad" -gt 0 ] || echo "$program" >>"$dir/passed"
	if [ "$bad" -gt 0 ]; then
		echo "--- ${program##*/} (exit $status)"
		grep -v -e '^\[ RUN ' -e '^\[       OK \]' "$out" | tail -40
	fi
done
[ -e "$record" ] || touch "$record"
awk 'FILENAME == ARGV[1] {run[$1]; next} FILENAME == ARGV[2] {passed[$1]; next}
	FILENAME == ARGV[3] {if ($1 in passed) print; next} !($1 in run)' \
	"$dir/run" "$dir/passed" "$dir/fingerprints" "$record" >"$record.new" && mv "$record.new" "$record"
echo "$passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
[ $failed -eq 0 ]
