#!/bin/bash
# What steps remember, held on a real Kafka. A step counts the messages of each key, behind
# a model call that lets them overtake each other. Under load its engine is killed with -9
# every 4 s and started again, with snapshots; then a second one joins it and is killed for
# good. Exactly once, each answer must say exactly how many came before it; at least once as
# many or more, for a request may count twice, and none may be left out. Then a million keys of
# 200 bytes are brought back, from the changelog and from a snapshot; and commits refer to all of a
# changelog whose last transaction ends while it is read.
#   state.sh SLUICE BUILD      with counting, requests, restore and model_server in BUILD
# SECONDS_UNDER_FIRE and RATE change the sizes. Takes about a minute.
set -u
what=state
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
sluice=$build/counting
seconds=${SECONDS_UNDER_FIRE:-16} rate=${RATE:-5000}
check_count=-c # beside the sum, each answer's count is looked at

start_broker
start_model

start_counting() { # $1 topic and group, $2 delivery, $3 instance
	start_engine counting "$1" "$1" "$2" "$3" --commit 100ms --state "$dir/state-$3" --snapshot-every 1s
	engine=$started
}

# ---- killed and started again ----

topics restarts restarts-answers
send restarts $((rate * seconds)) "$rate"
start_counting restarts exactly-once one
for ((second = 0; second < seconds; second += 4)); do
	sleep 4
	kill_in_transaction "$engine" restarts-answers exactly-once # with nothing uncommitted no kill would have hit an open one
	start_counting restarts exactly-once one
done
sent
check_answers restarts $((rate * seconds)) "uncommitted:-ge:1 silence_ms:-lt:4000"
all_have_snapshots() {
	[ "$(find "$dir/state-one" -name '*.snapshot' | wc -l)" -eq 4 ]
}
if ! all_have_snapshots; then # on a machine that is too busy for them in 4 s
	send restarts $((rate * 120)) "$rate"
	wait_until 60 all_have_snapshots
	send_no_more restarts
fi
stop_engine restarts "$engine"
expect "restarts: snapshots that were laid down" "$(find "$dir/state-one" -name '*.snapshot' | wc -l)" "-eq 4"

# ---- the same at least once ----

topics repeats repeats-answers
send repeats $((rate * 6)) "$rate"
start_counting repeats at-least-once one
for second in 2 4 6; do
	sleep 2
	kill_at_once "$engine"
	start_counting repeats at-least-once one
done
sent
check_count="-c -l" check_answers repeats $((rate * 6)) "doubled:-ge:1 uncommitted: silence_ms:-lt:4000"
stop_engine repeats "$engine"

# ---- joined by another, which dies ----

handover=$((rate * 12))
topics handover handover-answers
send handover $handover "$rate"
start_counting handover exactly-once one
first=$engine
sleep 2
start_counting handover exactly-once two
sleep 3
kill_at_once "$engine"
sent
check_answers handover $handover "uncommitted: silence_ms:-lt:12000"
stop_engine handover "$first"

# ---- a million keys ----

restored=$("$build/restore" "$brokers" "$dir/snapshots" 2>"$dir/restore.log") || give_up "the million keys were not brought back"
echo "$restored"
for word in $restored; do
	case "$word" in
	changelog_ms=* | snapshot_ms=*) expect "a million keys: ${word%%=*}" "${word#*=}" "-lt $((10000 * patience))" ;;
	keys=*) expect "a million keys: keys" "${word#*=}" "-eq 1000000" ;;
	open_end=*) expect "a record and the end of its transaction" "${word#*=}" "-eq 2" ;;
	esac
done
tell_result
