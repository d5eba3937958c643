#!/bin/bash
# Four steps over OIP JSON, which are read and answered, beside a bare forwarder that copies the same bytes, in both
# deliveries: messages per CPU second of each one's own process, in turn, on one Kafka.
#   json.sh SLUICE PROGRAMS     with forward and requests in PROGRAMS
# BACKLOG, ROUNDS change the sizes; OTHER=PROGRAM is another sluice that takes part, to see what a change brought.
set -u
what=json
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
backlog=${BACKLOG:-2000000} rounds=${ROUNDS:-3} commit_ms=100
bar=0.6 # of the forwarder

topics json json-answers
fill json "$backlog" -j

through_sluice() { # $1 round, $2 delivery, $3 name
	fill_in race json "$3-$1-$2" "$2" >"$dir/$3.yaml"
	start_sluice "$dir/$3.yaml" --commit ${commit_ms}ms
	pace "sluice.$3-$1-$2.$2" json
	echo "$3-$2 $speed" >>"$dir/speeds"
	echo "$3-$2-mebibytes $resident" >>"$dir/speeds"
}

with_other() { # $1 round, $2 delivery
	local ours=$sluice
	sluice=$OTHER
	through_sluice "$1" "$2" other
	sluice=$ours
}

for ((round = 1; round <= rounds; round++)); do
	for delivery in at-least-once exactly-once; do
		through_forward json "$round" $delivery
		through_sluice "$round" $delivery sluice
		[ -z "${OTHER-}" ] || with_other "$round" $delivery
	done
done

echo "messages per CPU second, medians of $rounds; ratio (least..most); load $(cut -d' ' -f1 /proc/loadavg)"
for delivery in at-least-once exactly-once; do
	compare "JSON FP32[1,16], four steps, $delivery, beside a bare forwarder" sluice-$delivery forward-$delivery $bar
	[ -z "${OTHER-}" ] || compare "the other" other-$delivery forward-$delivery 0
	echo "most resident memory: $(median sluice-$delivery-mebibytes) MiB"
done
tell_result
