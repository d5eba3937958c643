#!/bin/bash
# Truths that take longer than a stage, on a real Kafka: the first ones of a rollout come for the requests of its first stage, while
# its second one runs and after both of its engines were killed with -9. Nobody counts when they come, and no engine that counts
# later was there in the first stage. The candidate, which is always wrong, is not promoted: the stage is inconclusive, and says
# how many truths were late.
#   late_truths.sh SLUICE BUILD
# Takes about a minute and a half.
set -u
what=late_truths
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

stage=$((10 + 5 * patience))

start_broker brisk creates
start_model "$here/rollout.yaml"
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester SLUICE_NAMESPACE=late

start_follower() { # $1 instance; its pid into $started
	"$sluice" run --control --server "steady=$url" --server "next=$url" --instance "$1" >>"$dir/$1.log" 2>&1 &
	ours $!
}
end_of_test() {
	cat "$dir"/one.log "$dir"/two.log >"$dir/engine.log" 2>/dev/null
}
status_has() { # $@ words, all of which the status has
	local words
	"$sluice" experiments status fresh -o json >"$dir/status.json" 2>"$dir/status.log" || return 1
	for words in "$@"; do
		grep -q "$words" "$dir/status.json" || return 1
	done
}
late_truths() { # $1 variant
	status_has phase && jq "[.. | objects | select(.name? == \"$1\") | .late? // 0] | add // 0" "$dir/status.json"
}
all_are_late() {
	[ "$(late_truths next)" = "$told" ]
}
stage_is_over() {
	! status_has '"phase": "running"'
}

cat >"$dir/documents.yaml" <<END
apiVersion: mlops.seldon.io/v1alpha1
kind: SeldonRuntime
metadata: {name: default}
spec: {config: {kafkaConfig: {topics: {numPartitions: 4}}}}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Experiment
metadata: {name: fresh}
spec:
  default: steady
  candidates: [{name: steady, weight: 50}, {name: next, weight: 50}]
  progressiveDeployment: {enabled: true, schedule: [40, 60], every: ${stage}s, checkEvery: 1s, outcomeWindow: 1s}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps: [{name: s, experiment: {name: fresh}}]
  output: {steps: [s]}
END
seq 1 20000 | sed 's/.*/{"key": "customer-&", "request": {"id": "r-&", "inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}]}}/' \
	>"$dir/requests.jsonl"

start_follower one
one=$started
wait_until 20 grep -qs "is now the keeper" "$dir/one.log" || give_up "no keeper"
start_follower two
two=$started
"$sluice" apply -f "$dir/documents.yaml" >"$dir/apply.log" 2>&1 || give_up "apply is refused"
"$sluice" wait pipeline/p >"$dir/wait.log" 2>&1 || give_up "the pipeline does not run"
"$sluice" tail p -o json >"$dir/answers.jsonl" 2>"$dir/tail.log" &
ours $!
tail=$started
"$sluice" produce p "$dir/requests.jsonl" --rate 200 >"$dir/produce.log" 2>&1 &
ours $!
requests=$started

wait_until $((2 * stage)) status_has '"stage": 2' || give_up "no second stage"
status_has '"phase": "running"'
expect "the rule of truth is left out as long as none has come" $? "-eq 0"
kill_at_once "$tail"

# Both die. Truths of the first stage's requests come while nobody is there.
kill_at_once "$one"
kill_at_once "$two"
head -n 1000 "$dir/answers.jsonl" | jq -c 'select(.response.model_name == "next") | {id, metrics: {accuracy: 0}}' >"$dir/feedback.jsonl" 2>"$dir/jq.log"
told=$(wc -l <"$dir/feedback.jsonl")
expect "truths of the candidate in the first stage" "$told" "-gt 100"
"$sluice" feedback p -f "$dir/feedback.jsonl" >/dev/null 2>"$dir/feedback.log" || give_up "feedback was not written"
start_follower one
one=$started
start_follower two
two=$started
wait_until $((2 * stage)) all_are_late
expect "late truths of the candidate of $told" "$(late_truths next)" "= $told"
expect "late truths of the default" "$(late_truths steady)" "= 0"

wait_until $((3 * stage)) stage_is_over
status_has '"phase": "inconclusive"' '"stage": 2'
expect "the candidate that is always wrong is not promoted" $? "-eq 0"
"$sluice" experiments history fresh -o json >"$dir/history.jsonl" 2>"$dir/history.log"
expect_words "why" "$dir/history.jsonl" "do not count: $told of \`next\`, and 0 of the default"
expect "moves" "$(wc -l <"$dir/history.jsonl")" "-eq 3"

kill "$requests" 2>/dev/null
not_ours "$requests"
stop_engine late_truths "$one"
stop_engine late_truths "$two"
tell_result
