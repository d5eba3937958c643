#!/bin/sh
# Runs the unit test programs it is given and counts their tests: the last line is
# `N passed, N failed[, N skipped]`, and a program that fails shows what it printed.
set -u
passed=0 failed=0 skipped=0
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
for program in "$@"; do
	"$program" >"$out" 2>&1
	status=$?
	good=$(grep -c '^\[       OK \]' "$out")
	# A test that failed is named when it does and in the list at the end.
	bad=$(grep '^\[  FAILED  \] [^ ]*$' "$out" | sort -u | wc -l)
	left=$(sed -n 's/^\[  SKIPPED \] \([^ ]*\)$/\1/p' "$out" | sort -u)
	for name in $left; do
		skipped=$((skipped + 1))
		echo "skipped: ${program##*/} $name: what it needs is not installed"
	done
	# A program that died or ran nothing has failed, whatever it printed before.
	[ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ "$good" -gt 0 ] || [ "$bad" -gt 0 ] || [ -n "$left" ] || bad=1
	passed=$((passed + good)) failed=$((failed + bad))
	if [ "$bad" -gt 0 ]; then
		echo "--- ${program##*/} (exit $status)"
		grep -v -e '^\[ RUN ' -e '^\[       OK \]' "$out" | tail -40
	fi
done
echo "$passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
[ $failed -eq 0 ]
