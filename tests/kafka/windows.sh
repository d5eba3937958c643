#!/bin/bash
# Closing windows on a real Kafka: under load the engine is killed with -9 every 3 s and
# started again. Exactly once, each window must leave once, in order, with what windows.py
# works out by itself of all the events: none lost, none counted twice.
#   windows.sh SLUICE BUILD      with requests in BUILD
# SECONDS_UNDER_FIRE and RATE change the sizes. Takes about a minute.
set -u
what=windows
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${SECONDS_UNDER_FIRE:-12} rate=${RATE:-2000}
count=$((seconds * rate))

start_broker

start_windows() { # $1 topic
	"$sluice" run -f "$dir/$1.yaml" --brokers "$brokers" --instance one --commit 100ms --state "$dir/state-$1" --snapshot-every 1s \
		>>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
}

# What left until nothing more comes, as windows.py finds it, into $found; whether all of it did.
all_left() { # $1 topic, $2 row of windows.py's FORMS
	"$sluice" tail "$1" -f "$dir/$1.yaml" -n "$1" --brokers "$brokers" --from beginning --idle 8s -o json >"$dir/answers.jsonl" 2>"$dir/tail.log"
	found=$("$here/windows.py" check $count "$2" "$dir/answers.jsonl") && [[ " $found " == *" lost=0 "* ]]
}

# One partition: stream time is a partition's own.
under_fire() { # $1 topic, $2 row of windows.py's FORMS
	local word second
	topics "$1" "$1-answers" -w 1
	"$here/windows.py" pipeline "$1" exactly-once "$2" >"$dir/$1.yaml"
	"$here/windows.py" requests $count >"$dir/requests.jsonl"
	start_windows "$1"
	engine_runs "$1"
	"$sluice" produce "$1" "$dir/requests.jsonl" -f "$dir/$1.yaml" -n "$1" --brokers "$brokers" --rate "$rate" >"$dir/sender.log" 2>&1 &
	ours $!
	sender=$!
	for ((second = 3; second < seconds; second += 3)); do
		sleep 3
		kill_at_once "$engine"
		start_windows "$1"
	done
	sent
	local found
	wait_until 20 all_left "$1" "$2" # an engine may be silent for longer than nothing comes in the end
	[ -n "$found" ] || give_up "what came of $1 could not be read"
	echo "$1: $count events: $found"
	for word in $found; do
		case "$word" in
		windows=*) expect "$1: windows" "${word#*=}" "-gt 100" ;;
		*) expect "$1: ${word%%=*}" "${word#*=}" "-eq 0" ;;
		esac
	done
	stop_engine "$1" "$engine"
}

for form in ${FORMS:-tumbling hopping sessions}; do
	case $form in
	tumbling) under_fire tumbling 1 ;;
	hopping) under_fire hopping 2 ;;
	sessions) under_fire sessions 5 ;;
	esac
done
tell_result
