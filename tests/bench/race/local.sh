#!/bin/bash
# A chain of three models in the worker, linear ones of 16 numbers each, on Kafka: messages per CPU
# second of the engine's own process, beside Seldon Core 2, which calls three models.
#   local.sh SLUICE PROGRAMS     with forward and requests in PROGRAMS
# BACKLOG, ROUNDS change the sizes: a run of less than a second says little. Takes about a minute.
set -u
what=local
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
backlog=${BACKLOG:-1500000} rounds=${ROUNDS:-3}

topics avro avro-answers
fill avro "$backlog"
# Each number doubled, and one more.
python3 -c 'import json
print(json.dumps({"format": "sluice_linear/1", "kind": "identity", "coef": [[2 * (i == j) for j in range(16)] for i in range(16)], "intercept": [1] * 16}))' \
	>"$dir/linear.json"

for ((round = 1; round <= rounds; round++)); do
	for delivery in at-least-once exactly-once; do
		fill_in local avro "$delivery-$round" $delivery >"$dir/local.yaml"
		start_sluice "$dir/local.yaml" --commit 100ms
		pace "sluice.$delivery-$round.$delivery" avro
		echo "$delivery $speed" >>"$dir/speeds"
	done
	through_forward avro "$round" at-least-once
	echo "seldon $(seldon_beside "$speed")" >>"$dir/speeds"
done

echo "messages per CPU second, medians of $rounds; ratio (least..most); load $(cut -d' ' -f1 /proc/loadavg)"
compare "three local models in a chain, at least once, beside Seldon" at-least-once seldon 200
compare "the same, exactly once" exactly-once seldon 200
tell_result
