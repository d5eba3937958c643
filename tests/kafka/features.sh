#!/bin/bash
# Features, exactly once, held on a real Kafka. Two pipelines compute the same windows of
# the same requests, one by the record's key, one by a key of its own, which puts a stage
# between. Under load their engine is killed with -9 every 2 to 4 s and started again. Each
# answer must say what looking through all requests before it says.
#   features.sh SLUICE BUILD      with keyed and requests in BUILD
# SECONDS_UNDER_FIRE and RATE change the sizes. Takes about 30 s.
set -u
what=features
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${SECONDS_UNDER_FIRE:-15} rate=${RATE:-3000}
count=$((rate * seconds))

start_broker
topics ticks ticks-bykey-answers
topics unused ticks-bygroup-answers
began=$(date +%s000)

start_features() {
	start_engine features ticks ticks exactly-once one --workers 2 --commit 100ms --state "$dir/state" --snapshot-every 1s
	engine=$started
}

check_features() { # $1 topic, then options
	local found word
	found=$("$build/keyed" check -b "$brokers" -o "$1" -n $count -t "$began" "${@:2}" 2>"$dir/check.log") ||
		give_up "no answers could be read from $1"
	echo "$1: $count requests: $found"
	for word in $found; do
		expect "$1: ${word%%=*}" "${word#*=}" "-eq 0"
	done
	[ ! -s "$dir/check.log" ] || head -n 5 "$dir/check.log"
}

start_features
engine_runs ticks
"$build/keyed" send -b "$brokers" -i ticks -n $count -r "$rate" -t "$began" 2>"$dir/sender.log" &
ours $!
sender=$!
kills=0
for ((second = 0; second < seconds; second += 3)); do
	sleep $((2 + kills % 3))
	kill_at_once "$engine"
	kills=$((kills + 1))
	start_features
done
sent
check_features ticks-bykey-answers
check_features ticks-bygroup-answers -g
expect "times that the engine was killed" "$kills" "-ge 5"
stop_engine features "$engine"
tell_result
