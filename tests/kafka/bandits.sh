#!/bin/bash
# Bandits on a real Kafka: after feedback the calls of each market go to the candidate that is right on it. The engine that learns
# is killed with -9 while feedback comes, all feedback is sent again, and another engine takes over: each reward is counted once.
# A rehearsal with these records learns the same.
#   bandits.sh SLUICE BUILD
# Takes about a minute.
set -u
what=bandits
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
requests=400
export SLUICE_BROKERS

start_learner() { # $1 instance
	"$sluice" run -f "$here/bandits.yaml" --brokers "$brokers" --instance "$1" --log-level debug >>"$dir/engine-$1.log" 2>&1 &
	ours $!
}

# Sends requests, waits for their answers, and makes the feedback of each: whether its y was right as the reward, or the truth. On
# a calm market, of the odd requests, y should be 1; on a wild one 0. So each candidate is right on one of them.
ask() { # $1 round, $2 `reward` or `truth`
	seq 1 $requests | jq -c "{id: \"$1-\(.)\", key: \"unit-$1-\(.)\", request: {id: \"$1-\(.)\", inputs: [
		{name: \"x\", datatype: \"FP64\", shape: [1], data: [1]},
		{name: \"market\", datatype: \"BYTES\", shape: [1], data: [if . % 2 == 1 then \"calm\" else \"wild\" end]}]}}" |
		"$sluice" produce p >/dev/null 2>"$dir/produce.log" || give_up "requests were not written"
	asked=$((asked + requests))
	timeout 60 "$sluice" tail p --from beginning --count $asked --idle 20s -o json >"$dir/answers" 2>"$dir/tail.log"
	jq -c "select(.id | startswith(\"$1-\")) | {id, y: (.response.outputs[] | select(.name == \"y\") | .data[0]),
		right: (.id | ltrimstr(\"$1-\") | tonumber % 2)}" "$dir/answers" >"$dir/told-$1"
	jq -c "if \"$2\" == \"truth\" then {id, truth: [.right]} else {id, reward: (if .y == .right then 1 else 0 end)} end" \
		"$dir/told-$1" >"$dir/feedback-$1"
	expect "round $1: answers" "$(wc -l <"$dir/feedback-$1")" "-eq $requests"
	right=$(jq -c 'select(.y == .right)' "$dir/told-$1" | wc -l)
}

feed() { # $1 round
	"$sluice" feedback p -f "$dir/feedback-$1" >/dev/null 2>"$dir/feedback.log" || give_up "feedback was not written"
}

rewards_are() { # $1 instance, $2 how many
	grep -q "learnt from $2 rewards" "$dir/engine-$1.log"
}

# A rehearsal makes policies by the times of the records, in intervals since the first request: one of them passes before a round.
interval_pass() {
	sleep 1.1
}

asked=0
start_broker brisk
SLUICE_BROKERS=$brokers
start_learner one
one=$started
wait_until 30 grep -q 'learns the policies' "$dir/engine-one.log" || give_up "no engine learns"
ask first reward
expect "without a policy: calls of the right one of $requests" "$right" "-gt $((requests * 4 / 10))"
expect "without a policy: calls of the right one of $requests" "$right" "-lt $((requests * 6 / 10))"
feed first
wait_until 20 rewards_are one $requests || give_up "$requests rewards are not learnt"
interval_pass
ask second truth
expect "with a policy: calls of the right one of $requests" "$right" "-gt $((requests * 85 / 100))"

# The leader dies with feedback that it has read and not written.
start_learner two
two=$started
feed second
sleep 0.5
kill_at_once "$one"
feed first
feed second
wait_until 40 rewards_are two $((2 * requests)) || give_up "$((2 * requests)) rewards are not learnt"
interval_pass
ask third truth
expect "after the hand-over: calls of the right one of $requests" "$right" "-gt $((requests * 85 / 100))"
feed third
feed third
wait_until 20 rewards_are two $((3 * requests)) || give_up "$((3 * requests)) rewards are not learnt"
sleep 3
expect "rewards beyond one for each answer" "$(grep -o 'learnt from [0-9]* rewards' "$dir/engine-two.log" | tail -1 | grep -o '[0-9]*')" \
	"-eq $((3 * requests))"
found=$("$sluice" experiments analyze e -f "$here/bandits.yaml" -o json 2>"$dir/analyze.log" | jq .health.exposures)
expect "exposures that an analysis finds" "$found" "-eq $((3 * requests))"

# With the same records the bandits would have learnt each reward once, and have had the policies that the engines had: none for the
# first round, and then those of one round and of two. So they would have earned what was earned, which was more than by chance.
"$sluice" experiments evaluate e -f "$here/bandits.yaml" --dry-run -o json >"$dir/rehearsal" 2>"$dir/rehearsal.log"
rehearsed() { jq "$1" "$dir/rehearsal"; }
expect "rewards that a rehearsal learns" "$(rehearsed .rehearsal.rewards)" "-eq $((3 * requests))"
expect "requests that its policies have" "$(rehearsed '[.rehearsal.policies[].requests] | add')" "-eq $((3 * requests))"
expect "its policies are of the rewards of no, one and two rounds" \
	"$(rehearsed "if ([.rehearsal.policies[].rewards] | unique) == [0, $requests, $((2 * requests))] then 1 else 0 end")" "-eq 1"
expect "its estimate: a share of rewards, in percent" "$(rehearsed '.doubly_robust * 100 | floor')" "-gt 70"
expect "what was earned is in its interval" \
	"$(rehearsed 'if .doubly_robust_low < .recorded and .recorded < .doubly_robust_high then 1 else 0 end')" "-eq 1"
expect_words "the survivor takes over" "$dir/engine-two.log" 'learns the policies'
stop_engine bandits "$two"
tell_result
