#!/bin/bash
# What an experiment costs: each message goes to one of two pipelines of a native step, with and without a record of who got what
# (`exposures`), beside a bare forwarder that copies the same bytes, in both deliveries: messages per CPU second of each one's own
# process, in turn, on one Kafka. A forwarder that writes each record twice shows what a second record costs without any engine.
#   exposures.sh SLUICE PROGRAMS     with forward and requests in PROGRAMS
# BACKLOG, ROUNDS change the sizes.
set -u
what=exposures
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
backlog=${BACKLOG:-2000000} rounds=${ROUNDS:-3} commit_ms=100

topics avro avro-answers
topics seconds seconds-answers
fill avro "$backlog"

through_sluice() { # $1 round, $2 delivery, $3 exposures
	fill_in exposures avro "$3-$1-$2" "$2" | sed "s/EXPOSURES/$3/" >"$dir/$3.yaml"
	start_sluice "$dir/$3.yaml" --commit ${commit_ms}ms
	pace "sluice.$3-$1-$2.$2" avro
	echo "$3-$2 $speed" >>"$dir/speeds"
}

for ((round = 1; round <= rounds; round++)); do
	for delivery in at-least-once exactly-once; do
		through_forward avro "$round" $delivery
		through_forward avro "$round" $delivery twice -e seconds
		for exposures in off thin full; do
			through_sluice "$round" $delivery $exposures
		done
	done
done

echo "messages per CPU second, medians of $rounds; ratio (least..most); load $(cut -d' ' -f1 /proc/loadavg)"
for delivery in at-least-once exactly-once; do
	compare "$delivery: a forwarder that writes each record twice" twice-$delivery forward-$delivery 0
	compare "$delivery: exposures off, beside a bare forwarder" off-$delivery forward-$delivery 0
	compare "$delivery: exposures thin" thin-$delivery forward-$delivery 0.75
	compare "$delivery: exposures full" full-$delivery forward-$delivery 0.6
done
tell_result
