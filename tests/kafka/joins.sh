#!/bin/bash
# The model of one part of a join is away for several of its windows, and the engine is killed meanwhile: between stages
# of a pipeline and between pipelines, by either delivery, each request waits, and is answered right when the model is back.
#   joins.sh SLUICE BUILD      with requests in BUILD
# AWAY is how many seconds the model is away (6), at least, COUNT how many requests wait. Takes about half a minute.
set -u
what=joins
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
away=${AWAY:-6} count=${COUNT:-500}
quiet_s=30 # the longest back-off of a model that has been away, and what a killed engine left open
declare -A engines

start_broker brisk
start_model # to learn a free address; it goes before anything calls it
kill_at_once "$model"
sed 's/^    inputs: \[sum\]$/&\n    joinWindowMs: 2000/; s/^  output:$/&\n    joinWindowMs: 2000/' "$here/joined.yaml" >"$dir/joined.yaml"
[ "$(grep -c joinWindowMs "$dir/joined.yaml")" -eq 2 ] || give_up "joined.yaml has no joins as they were"
cp "$here/outage.yaml" "$dir/outage.yaml"
mine=$dir

start() { # $1 form, $2 delivery
	here=$mine start_engine "$1" "$1-$2" "$1-$2" "$2" one --commit 100ms
	engines[$1-$2]=$started
}

runs() { # $1 name, $2 how often it began
	[ "$(grep -c ": reads $1," "$dir/engine.log")" -ge "$2" ]
}

for delivery in exactly-once at-least-once; do
	for form in joined outage; do
		topics "$form-$delivery" "$form-$delivery-answers"
		start $form $delivery
	done
done
for name in "${!engines[@]}"; do
	wait_until 30 runs "$name" 1 || give_up "$name does not start"
	send "$name" "$count" 0
	sent
done
sleep $((away / 2))
for delivery in exactly-once at-least-once; do
	for form in joined outage; do
		kill_at_once "${engines[$form-$delivery]}"
		start $form $delivery
	done
done
for name in "${!engines[@]}"; do
	wait_until 30 runs "$name" 2 || give_up "$name does not start again"
done
sleep $((away / 2))
# Who joins the results of the other says what it waits for, and the other names its model.
waits_are_shown() { # $1 name
	"$sluice" top -n "$1" --once -o json --brokers "$brokers" >"$dir/top" 2>&1 &&
		grep -q "joins is behind" "$dir/top" && grep -q "sum" "$dir/top"
}
for name in "${!engines[@]}"; do
	wait_until 10 waits_are_shown "$name"
	expect "$name: top says what it waits for" $? "-eq 0"
	expect "$name: answers while the model is away" "$("$build/records" count "$brokers" "$name-answers")" "-eq 0"
done
start_model "$here/models.yaml" --port "${url##*:}"
for name in "${!engines[@]}"; do
	rules="uncommitted: silence_ms:"
	[ "${name%exactly-once}" != "$name" ] || rules="doubled: $rules"
	[ "${name%%-*}" = joined ] || rules="disordered: $rules" # what several pipelines give keeps no order
	check_answers "$name" "$count" "$rules"
	stop_engine "$name" "${engines[$name]}"
done
tell_result
