#!/bin/bash
# Metrics of truth on a real Kafka: of two engines one counts the feedback on the answers of both, each answer once, and bandits learn
# by the metric. The engine that counts is killed with -9 after feedback that it had not read: the other one counts that, also on
# answers of the engine that is gone, and nothing twice. Then the other one is killed too, and both begin anew: what was counted is
# not counted again, and bandits have learnt from the feedback on all answers, once.
#   truths.sh SLUICE BUILD
# Takes about a minute and a half.
set -u
what=truths
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
requests=400
export SLUICE_BROKERS

start_engine_of() { # $1 instance
	[ ! -f "$dir/engine-$1.log" ] || mv "$dir/engine-$1.log" "$dir/engine-$1-before.log"
	"$sluice" run -f "$here/truths.yaml" --brokers "$brokers" --instance "$1" --metrics 0 --log-level debug >>"$dir/engine-$1.log" 2>&1 &
	ours $!
	wait_until 30 grep -qs 'metrics are at' "$dir/engine-$1.log" || give_up "engine $1 has no metrics"
}

# The sum of a metric over its series; 0: it has none.
figure() { # $1 instance, $2 name of the samples
	local at
	at=$(sed -n 's|.*metrics are at \(http[^ ]*\).*|\1|p' "$dir/engine-$1.log" | tail -1)
	curl -s --max-time 5 "$at" | grep "^$2{" | awk '{sum += $NF} END {printf "%d", sum}'
}

counted() { # $1... instances
	local sum=0 one
	for one in "$@"; do sum=$((sum + $(figure "$one" gain_count))); done
	echo $sum
}

counted_are() { # $1 how many, $2... instances
	[ "$(counted "${@:2}")" -eq "$1" ]
}

# Sends requests, waits for their answers, and makes the feedback of each: the truth that each unit of y gained 1.
ask() { # $1 round
	seq 1 $requests | sed "s/.*/{\"id\":\"$1-&\",\"key\":\"unit-$1-&\",\"request\":{\"id\":\"$1-&\",\"inputs\":[{\"name\":\"x\",\
\"datatype\":\"FP64\",\"shape\":[1],\"data\":[1]}]}}/" | "$sluice" produce p >/dev/null 2>"$dir/produce.log" ||
		give_up "requests were not written"
	asked=$((asked + requests))
	timeout 60 "$sluice" tail p --from beginning --count $asked --idle 20s -o json >"$dir/answers" 2>"$dir/tail.log"
	jq -c "select(.id | startswith(\"$1-\")) | {id, y: (.response.outputs[] | select(.name == \"y\") | .data[0])}" "$dir/answers" >"$dir/told-$1"
	jq -c '{id, truth: {move: [1]}}' "$dir/told-$1" >"$dir/feedback-$1"
	expect "round $1: answers" "$(wc -l <"$dir/feedback-$1")" "-eq $requests"
	better=$(grep -c '"y":1' "$dir/told-$1")
	head -n $((requests / 2)) "$dir/feedback-$1" >"$dir/feedback-$1-early"
}

feed() { # $1 round
	"$sluice" feedback p -f "$dir/feedback-$1" >/dev/null 2>"$dir/feedback.log" || give_up "feedback was not written"
}

rewards_are() { # $1 how many
	grep -hq "learnt from $1 rewards" "$dir"/engine-*.log
}

# By the topics: requests with the metric, and values of it that no engine has computed.
status() {
	"$sluice" experiments status e -f "$here/truths.yaml" -o json 2>>"$dir/status.log" |
		jq -r '"\([.variants[].measured] | add)/\(.uncomputed_rewards)"'
}

asked=0
start_broker brisk
SLUICE_BROKERS=$brokers
start_engine_of one
one=$started
start_engine_of two
two=$started
wait_until 30 grep -hq 'learns the policies' "$dir/engine-one.log" "$dir/engine-two.log" || give_up "no engine learns"
sleep 3 # both have partitions
ask first
feed first
feed first
wait_until 20 counted_are $requests one two || give_up "$(counted one two) of $requests answers are counted"
leader=one follower=two leading=$one following=$two
[ "$(counted two)" -eq 0 ] || leader=two follower=one leading=$two following=$one
expect "of them those that the other engine counts" "$(counted $follower)" "-eq 0"
expect "the sum is that of the better's answers" "$(figure $leader gain_sum)" "-ge $((better * 9 / 10 - requests / 10 - 2))"
wait_until 20 rewards_are $requests || give_up "$requests rewards are not learnt by the metric"
expect "status: requests with the metric, and without a value of an engine" "$(status)" "= $requests/0"
ask second
expect "by the metric: calls of the better of $requests" "$better" "-gt $((requests * 85 / 100))"

# The engine that counts dies with feedback that it has not read.
kill -STOP "$leading"
feed second-early
kill_at_once "$leading"
feed second
feed second
wait_until 40 counted_are $requests $follower || give_up "$(counted $follower) are counted, which should be $requests"
sleep 3
expect "none is counted twice" "$(counted $follower)" "-eq $requests"

# The other one dies too. Both come back, begin at nothing, and count what was not counted before.
kill_at_once "$following"
start_engine_of one
one=$started
start_engine_of two
two=$started
wait_until 30 grep -qs 'p: reads' "$dir/engine-one.log"
wait_until 30 grep -qs 'p: reads' "$dir/engine-two.log"
sleep 3
before=$(counted one two)
ask third
feed third
feed second
wait_until 30 counted_are $((before + requests)) one two ||
	give_up "$(counted one two) are counted, which should be $((before + requests))"
sleep 2
expect "with what came again" "$(counted one two)" "-eq $((before + requests))"

wait_until 40 rewards_are $((3 * requests)) || give_up "$((3 * requests)) rewards are not learnt, as of answers of an engine that died"
feed second
sleep 2
expect "rewards beyond those of all answers" "$(grep -hoE 'learnt from [0-9]+ rewards' "$dir"/engine-*.log | awk -v all=$((3 * requests)) '$3 > all' | wc -l)" "-eq 0"
expect "status: the same of all rounds" "$(status)" "= $((3 * requests))/0"
stop_engine truths "$one"
stop_engine truths "$two"
tell_result
