#!/bin/bash
# Rollouts on a real Kafka that are judged by what becomes of requests after the call of the candidate: a step behind it fails, in the
# same stage and in one that another stage runs; and a candidate is wrong, where another stage answers. None of these candidates is
# promoted. One that is right, where another stage answers, is.
#   answered_later.sh SLUICE BUILD
# Takes a minute.
set -u
what=answered_later
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

start_broker brisk creates
cat >"$dir/models.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Model
	metadata: {name: one}
	spec: {storageUri: "stub://const?name=label&datatype=INT32&value=1"}
	---
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Model
	metadata: {name: zero}
	spec: {storageUri: "stub://const?name=label&datatype=INT32&value=0"}
	---
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Model
	metadata: {name: other}
	spec: {storageUri: "stub://const?name=other&datatype=INT32&value=1"}
END
start_model "$dir/models.yaml"
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester SLUICE_NAMESPACE=later

pipeline() { # $1 name, $2 candidate, $3 the step that follows
	cat <<-END
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Model
		metadata: {name: $1-one}
		spec: {storageUri: "$url/one"}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Model
		metadata: {name: $1-new}
		spec: {storageUri: "$url/$2"}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Experiment
		metadata: {name: $1}
		spec:
		  default: $1-one
		  candidates: [{name: $1-one, weight: 50}, {name: $1-new, weight: 50}]
		  progressiveDeployment:
		    {checkEvery: 1s, outcomeWindow: 2s, schedule: [50], every: 12s, rollback: {errorRate: ">5%", latency: ">5s"}}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: p-$1}
		spec:
		  steps: [{name: s, experiment: {name: $1}}, $3]
		  output: {steps: [f]}
	END
}
later() { echo "{name: f, inputs: [s, p-$1.inputs.x], features: {key: x, set: {n: '$2'}}}"; }
names="near far wrong right"
{
	pipeline near other '{name: f, inputs: [s], expression: {set: {n: label + 1}}}'
	pipeline far other "$(later far 'count(label over 10)')"
	pipeline wrong zero "$(later wrong 'count(label over 10)')"
	pipeline right one "$(later right 'count(label over 10)')"
} | tail -n +2 >"$dir/documents.yaml"

"$sluice" run --control --instance one >>"$dir/engine.log" 2>&1 &
ours $!
wait_until 20 grep -qs "is now the keeper" "$dir/engine.log" || give_up "no keeper"
"$sluice" apply -f "$dir/documents.yaml" >"$dir/apply.log" 2>&1 || give_up "apply is refused"
for name in $names; do
	"$sluice" wait "pipeline/p-$name" >"$dir/wait.log" 2>&1 || give_up "the pipeline $name does not run"
done
for ((i = 0; i < 4000; i++)); do
	printf '{"key": "customer-%d", "request": {"id": "r-%d", "inputs": [{"name": "x", "shape": [1], "datatype": "INT64", "data": [%d]}]}}\n' \
		$i $i $((i % 10))
done >"$dir/requests.jsonl"
for name in wrong right; do # the truth of each is 1
	"$sluice" tail "p-$name" -o json 2>/dev/null > >(jq -c --unbuffered '{id, truth: {label: [1]}}' |
		"$sluice" feedback "p-$name" -f - >/dev/null 2>"$dir/feedback-$name.log") &
	ours $!
done
sleep 1
for name in $names; do
	"$sluice" produce "p-$name" "$dir/requests.jsonl" --rate 200 >"$dir/produce-$name.log" 2>&1 &
	ours $!
done

phase_is() { "$sluice" experiments status "$1" -o json 2>/dev/null | grep -q "\"phase\": \"$2\""; }
sentence_is() { # $1 experiment, $2 words
	"$sluice" experiments history "$1" -o json >"$dir/$1.jsonl" 2>"$dir/history.log"
	expect_words "$1: why" "$dir/$1.jsonl" "$2"
}
for name in near far wrong; do
	wait_until 40 phase_is $name rolledBack
	expect "$name: rolled back" $? "-eq 0"
done
sentence_is near '"sentence": "Rolled back: `errorRate` of `near-new`'
sentence_is far '"sentence": "Rolled back: `errorRate` of `far-new`'
sentence_is wrong '"sentence": "Rolled back: `accuracyDrop` of `wrong-new`'
wait_until 40 phase_is right promoted
expect "right: promoted" $? "-eq 0"
sentence_is right '"rule": "accuracyDrop".*"verdict": "holds"'
tell_result
