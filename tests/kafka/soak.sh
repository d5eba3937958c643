#!/bin/bash
# Three engines in one group under load; every 2 s one of them, in turn, is killed with
# -9 and started again. Exactly once, whoever reads only what is committed must find each answer once,
# right, and in its key's order, or without keys in its partition's; at least once none may be missing, wrong, or first
# seen out of its key's order, or its partition's where the pipeline says so.
#   soak.sh SLUICE BUILD [SECONDS]      with requests in BUILD
# RATE changes how many requests a second there are (3000), SECONDS_UNDER_FIRE how long
# the first form takes where that is not said (20); the others take a third of that. FORMS chooses among them.
set -u
what=soak
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${3:-${SECONDS_UNDER_FIRE:-20}} rate=${RATE:-3000}
forms=${FORMS:-soak least keyless ordered}

start() { # $1 form, $2 delivery, $3 instance
	here=$dir start_engine "$1" "$1" "$1" "$2" "$3"
}

under_fire() { # $1 form, $2 delivery, $3 seconds, $4 rules; then options of requests
	local engines=() kills=0 name deadline
	topics "$1" "$1-answers"
	send "$1" $((rate * $3)) "$rate" "${@:5}"
	for name in 0 1 2; do
		start "$1" "$2" "$name"
		engines+=("$started")
	done
	for ((deadline = SECONDS + $3; SECONDS < deadline; kills++)); do
		sleep 2
		kill_at_once "${engines[kills % 3]}"
		start "$1" "$2" $((kills % 3))
		engines[kills % 3]=$started
	done
	sent
	check_count="${*:5}" check_answers "$1" $((rate * $3)) "$4"
	for name in "${engines[@]}"; do
		stop_engine "$1" "$name"
	done
	echo "$1: $kills kills"
}

start_broker
start_model
for form in $forms; do
	cp "$here/call.yaml" "$dir/$form.yaml"
	case $form in
	# With nothing uncommitted no kill would have hit an open transaction.
	soak) under_fire soak exactly-once "$seconds" "uncommitted:-ge:1 silence_ms:-lt:12000" ;;
	least) under_fire least at-least-once $((seconds / 3)) "doubled: uncommitted: silence_ms:-lt:12000" ;;
	keyless) under_fire keyless exactly-once $((seconds / 3)) "uncommitted: silence_ms:-lt:12000" -k ;;
	ordered)
		sed -i 's/^  delivery:/  order: partition\n&/' "$dir/ordered.yaml"
		under_fire ordered at-least-once $((seconds / 3)) "doubled: uncommitted: silence_ms:-lt:12000" -k
		;;
	esac
done
tell_result
