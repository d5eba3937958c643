#!/bin/bash
# The cases that hold in memory, through the workers of an engine on a simulated Kafka: through its stages, topics and
# transactions, under a virtual clock. What comes must be the same.
#   case_workers.sh SLUICE FOLDER...
# Prints the cases that fail, and `N passed, N failed`. The command skips what no engine shows, with its reason; that is at
# most one case in a hundred, or the skipping is at fault.
set -u
sluice=$1
said=$("$sluice" test --workers "${@:2}" 2>&1)
grep -vE '^skipped | passed, ' <<<"$said"
read -r passed failed skipped <<<"$(sed -nE '$s/[^0-9]+/ /gp' <<<"$said")"
passed=${passed:-0} failed=${failed:-1} skipped=${skipped:-0}
if [ $((skipped * 100)) -gt $((passed + failed + skipped)) ]; then
	failed=$((failed + 1))
	echo "case_workers: $skipped cases were skipped, and $passed passed"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
