#!/bin/bash
# Outcomes on a real Kafka: two engines share the lead of twelve pipelines with bandits. While feedback comes, an engine is killed with
# -9, is frozen for longer than its session, or is cut off from Kafka. Each answer has its outcome once, as read committed, and each
# reward is learnt once.
#   outcomes.sh SLUICE BUILD
# Takes about three minutes.
set -u
what=outcomes
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
pipelines=12
requests=40 # of each pipeline and round
export SLUICE_BROKERS

# Two candidates that answer by themselves, and pipelines that choose between them, each by an experiment of its own.
files_make() {
	local i
	for i in zero one; do
		printf -- '---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n' "$i"
		printf '  steps: [{name: w, expression: {set: {y: x * 0}, drop: [x]}}]\n  output: {steps: [w]}\n'
	done
	for ((i = 0; i < pipelines; i++)); do
		printf -- '---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e%d}\nspec:\n' "$i"
		printf '  resourceType: pipeline\n  candidates: [{name: zero, weight: 0}, {name: one, weight: 0}]\n'
		printf '  bandits: {algorithm: epsilon-greedy, updateInterval: 1s, outcomeWindow: 10m}\n'
		printf -- '---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p%d}\nspec:\n' "$i"
		printf '  delivery: exactly-once\n  steps: [{name: s, experiment: {name: e%d}}]\n  output: {steps: [s]}\n' "$i"
	done
}

start_engine_of() { # $1 instance, $2 brokers
	"$sluice" run -f "$dir/pipelines.yaml" --brokers "$2" --instance "$1" --log-level debug >>"$dir/engine-$1.log" 2>&1 &
	ours $!
}

each() { # $@ command, to which the number of each pipeline is added; all at the same time
	local i waited=
	for ((i = 0; i < pipelines; i++)); do
		"$@" "$i" &
		waited="$waited $!"
	done
	# shellcheck disable=SC2086
	wait $waited
}

ask_one() { # $1 round, $2 pipeline
	seq 1 $requests | sed "s/.*/{\"id\":\"$1-&\",\"key\":\"u-&\",\"request\":{\"id\":\"$1-&\",\"inputs\":[{\"name\":\"x\",\
\"datatype\":\"FP64\",\"shape\":[1],\"data\":[1]}]}}/" | "$sluice" produce "p$2" >/dev/null 2>>"$dir/produce.log"
	timeout 60 "$sluice" tail "p$2" --from beginning --count $((requests * $1)) --idle 20s -o json 2>>"$dir/tail.log" |
		jq -r .id | grep -c "^$1-" >"$dir/answers-$2"
}

ask() { # $1 round
	each ask_one "$1"
	expect "round $1: answers" "$(cat "$dir"/answers-* | awk '{sum += $1} END {print sum}')" "-eq $((pipelines * requests))"
}

# Half of it at once, and the rest when something may have happened to an engine; all of it twice.
feed_one() { # $1 round, $2 pipeline
	seq 1 $requests | sed "s/.*/{\"id\":\"$1-&\",\"reward\":1}/" >"$dir/feedback-$1-$2"
	"$sluice" feedback "p$2" -f <(head -n $((requests / 2)) "$dir/feedback-$1-$2") >/dev/null 2>>"$dir/feedback.log"
	"$sluice" feedback "p$2" -f "$dir/feedback-$1-$2" >/dev/null 2>>"$dir/feedback.log"
}

outcomes_one() { # $1 pipeline
	"$sluice" tail "p$1" --topic outcomes --from beginning --idle 1s -o json 2>>"$dir/tail.log" |
		jq -r 'select(.kind == "joined") | .exposure.id' >"$dir/outcomes-$1"
}

joined() {
	each outcomes_one
	cat "$dir"/outcomes-* | wc -l
}

joined_are() { # $1 how many
	[ "$(joined)" -ge "$1" ]
}

twice() {
	local i
	for ((i = 0; i < pipelines; i++)); do sort "$dir/outcomes-$i" | uniq -d; done | wc -l
}

round_is_joined() { # $1 round
	local all=$((pipelines * requests * $1))
	wait_until 90 joined_are $all || give_up "round $1: $(joined) of $all outcomes"
	sleep 2
	expect "round $1: outcomes" "$(joined)" "-eq $all"
	expect "round $1: requests with two outcomes" "$(twice)" "-eq 0"
}

leads() { # $1 instance; how many of the pipelines it began to lead; those of the experiments themselves are led, too
	grep -c 'leads the outcomes of pipeline `p' "$dir/engine-$1.log"
}

leads_are() { # $1 instance, $2 how many
	[ "$(leads "$1")" -ge "$2" ]
}

start_broker brisk proxied
start_proxy
SLUICE_BROKERS=$brokers
files_make >"$dir/pipelines.yaml"
start_engine_of one "$brokers"
one=$started
wait_until 60 leads_are one $pipelines || give_up "an engine alone leads $(leads one) of $pipelines pipelines"
start_engine_of two "$proxied"
two=$started
wait_until 60 leads_are two $((pipelines / 2)) || give_up "the second engine leads $(leads two) pipelines"
wait_until 60 leads_are one $((pipelines + pipelines / 2)) || give_up "the first engine leads $(leads one) pipelines in all"
expect "pipelines that the second engine leads" "$(leads two)" "-eq $((pipelines / 2))"
ask 1
each feed_one 1
round_is_joined 1

# The first engine dies with feedback that it has read and not committed.
ask 2
each feed_one 2 &
feeding=$!
sleep 0.5
kill_at_once "$one"
wait $feeding
round_is_joined 2
start_engine_of one "$brokers"
one=$started
before=$(leads one)
wait_until 60 leads_are one $((before + pipelines / 2)) || give_up "the engine that is back leads $(leads one), $before before"

# The second engine is frozen, and takes itself for the leader when it goes on.
ask 3
each feed_one 3 &
feeding=$!
sleep 0.5
kill -STOP "$two"
wait $feeding
sleep 20
kill -CONT "$two"
round_is_joined 3

# It is cut off from Kafka for longer than its session.
ask 4
each feed_one 4 &
feeding=$!
sleep 0.5
tell_proxy refuse
tell_proxy break
wait $feeding
sleep 15
tell_proxy accept
round_is_joined 4

# The same rewards are learnt, once each.
rewards_are() {
	local i
	for ((i = 0; i < pipelines; i++)); do
		grep -hq "experiment \`e$i\` chooses by .* learnt from $((4 * requests)) rewards" "$dir"/engine-*.log || return 1
	done
}
wait_until 30 rewards_are || give_up "$((4 * requests)) rewards are not learnt of each pipeline"
sleep 2
expect "policies of more rewards than there are" \
	"$(grep -hoE 'learnt from [0-9]+ rewards' "$dir"/engine-*.log | awk -v all=$((4 * requests)) '$3 > all' | wc -l)" "-eq 0"
stop_engine one "$one"
stop_engine two "$two"
tell_result
