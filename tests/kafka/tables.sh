#!/bin/bash
# Bucket tables on a real Kafka: 90/10, 75/25 and 50/50 for a traffic step and for a SeldonDeployment, then a kill -9 of
# the engine whose keeper made the tables, its restart, and a change by the other keeper. After each, no key is answered
# from another side than the recorded table says, which tables.py reads and hashes by itself; and each change moves
# exactly as many buckets as it must, and those with the smallest numbers. Then commands promote and roll back the predictors of the
# deployment, which are an experiment: so do two operators at the same moment, of whom one is refused. At last the requests of an
# experiment without stages fail, a command moves its weights, and the replays get the candidates that they had.
#   tables.sh SLUICE BUILD
# KEYS is how many keys. Takes half a minute.
set -u
what=tables
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
keys=${KEYS:-2000} pipelines="step deployed"

start_broker brisk creates
start_model "$here/tables.yaml"
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester

start_follower() { # $1 instance; its pid into $started
	"$sluice" run --control -n tables --server "left=$url" --server "right=$url" --server "early=$url" --server "late=$url" --instance "$1" >>"$dir/$1.log" 2>&1 &
	ours $!
}
end_of_test() {
	cat "$dir"/one.log "$dir"/two.log >"$dir/engine.log" 2>/dev/null
}
documents() { # $1, $2 the weights
	cat >"$dir/documents.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: step}
		spec:
		  steps: [{name: by, traffic: {shares: [{weight: $1, call: left}, {weight: $2, call: right}]}}]
		  output: {steps: [by]}
		---
		apiVersion: machinelearning.seldon.io/v1
		kind: SeldonDeployment
		metadata: {name: deployed}
		spec:
		  protocol: v2
		  predictors:
		  - {name: main, traffic: $1, graph: {name: left, type: MODEL}}
		  - {name: canary, traffic: $2, graph: {name: right, type: MODEL}}
	END
}
engines_run() { # $1 version, on all of $2 engines
	local kind
	for kind in pipeline/step seldondeployment/deployed; do
		"$sluice" describe -n tables $kind -o json >"$dir/describe.json" 2>"$dir/describe.log" || return 1
		[ "$(grep -o "\"live\": true, \"version\": $1, \"ready\": true" "$dir/describe.json" | wc -l)" -eq "$2" ] || return 1
	done
}
# The answers since then into a file; whether they are so many.
answered_since() { # $1 ms, $2 how many, $3 pipeline, $4 file
	"$sluice" tail -n tables "$3" --from beginning --idle 1s -o json 2>"$dir/tail.log" | jq -c "select(.time_ms >= $1)" >"$4"
	[ "$(wc -l <"$4")" -ge "$2" ]
}
# All keys are answered by each pipeline as the table of that version says, which has moved so many buckets.
check_sides() { # $1 what, $2 version of the tables, $3 buckets that it moved
	local pipeline choice began
	"$build/records" dump "$brokers" sluice.tables.control table@ >"$dir/control.jsonl" || give_up "control cannot be read"
	for pipeline in $pipelines; do
		choice=step/by
		[ $pipeline = step ] || choice=deployed/traffic
		began=$(date +%s%3N)
		"$sluice" produce -n tables $pipeline "$dir/requests.jsonl" >"$dir/produce.log" 2>&1 || give_up "requests are refused"
		wait_until 20 answered_since "$began" "$keys" $pipeline "$dir/answers.jsonl" || give_up "$1, $pipeline: not all keys are answered"
		read -r found differ moved < <("$here/tables.py" "$dir/control.jsonl" $choice "$2" "$dir/answers.jsonl" left=1 right=2)
		expect "$1, $pipeline: keys" "${found:-0}" "-eq $keys"
		expect "$1, $pipeline: keys answered from another side than the table says" "${differ:-$keys}" "-eq 0"
		expect "$1, $pipeline: buckets moved" "${moved:--1}" "-eq $3"
	done
}

for ((i = 0; i < keys; i++)); do
	echo "{\"id\": \"customer-$i\", \"key\": \"customer-$i\", \"request\": {\"inputs\": [{\"name\": \"x\", \"shape\": [1], \"datatype\": \"FP64\", \"data\": [1]}]}}"
done >"$dir/requests.jsonl"
start_follower one
one=$started
wait_until 20 grep -qs "is now the keeper" "$dir/one.log" || give_up "no keeper"
start_follower two
two=$started

version=0
for weights in "90 10 0" "75 25 1500" "50 50 2500"; do
	read -r left right moved <<<"$weights"
	version=$((version + 1))
	documents "$left" "$right"
	"$sluice" apply -n tables -f "$dir/documents.yaml" >"$dir/apply.log" 2>&1
	expect "status of apply" $? "-eq 0"
	wait_until 20 engines_run $version 2 || give_up "the engines do not run version $version"
	check_sides "$left/$right" $version "$moved"
done
"$sluice" describe -n tables pipeline/step >"$dir/describe.log" 2>&1
expect_words "describe" "$dir/describe.log" "^step/by +3 +[0-9a-f]{16} +2500 +left 50.00 %, right 50.00 %"

# The keeper that made the tables dies with its engine, which starts again; the other one is the keeper now.
kill_at_once "$one"
wait_until 15 grep -q "is now the keeper" "$dir/two.log" || give_up "no other keeper"
start_follower one
one=$started
wait_until 20 engines_run 3 2 || give_up "the engine does not run again"
check_sides "restarted" 3 2500
documents 70 30
"$sluice" apply -n tables -f "$dir/documents.yaml" >"$dir/apply.log" 2>&1
wait_until 20 engines_run 4 2 || give_up "the engines do not run version 4"
check_sides "70/30 by another keeper" 4 2000

# ---- the experiment that the predictors are ----

deployment_runs() { # $1 version, on both engines
	"$sluice" describe -n tables seldondeployment/deployed -o json >"$dir/describe.json" 2>"$dir/describe.log" &&
		[ "$(grep -o "\"live\": true, \"version\": $1, \"ready\": true" "$dir/describe.json" | wc -l)" -eq 2 ]
}
command_moves() { # $1 the command, $2 version that it makes, $3 buckets that it moves
	local began
	began=$(date +%s%3N)
	"$sluice" experiments "$1" deployed -n tables --reason "release $2" >"$dir/command.log" 2>&1
	expect "status of $1" $? "-eq 0"
	wait_until 10 deployment_runs "$2" || give_up "the engines do not run version $2"
	echo "$what: $(($(date +%s%3N) - began)) ms from the start of $1 until both engines run it"
	check_sides "$1" "$2" "$3"
}
pipelines=deployed
command_moves promote 5 7000
command_moves rollback 6 10000
"$sluice" experiments status deployed -n tables >"$dir/status.log" 2>&1
expect_words "status" "$dir/status.log" '^deployed: predictors of a SeldonDeployment, version 6 since .* by tester \(as stated\): release 6$'
expect_words "status, shares" "$dir/status.log" '^  main +100.00% \(default\)$'
for operator in ann bob; do
	"$sluice" experiments promote deployed -n tables --author $operator >"$dir/$operator.log" 2>&1 &
	ours $!
	[ $operator = bob ] || ann=$started
done
wait_for "$ann"
wait_for "$started"
expect "promotions of two operators at once that are accepted" "$(cat "$dir/ann.log" "$dir/bob.log" | grep -c 'SeldonDeployment/deployed version 7 accepted')" "-eq 1"
expect "promotions that are refused in words" "$(cat "$dir/ann.log" "$dir/bob.log" | grep -cE 'conflict: .* is at version 7, applied by (ann|bob)|has this traffic already')" "-eq 1"
wait_until 10 deployment_runs 7
expect "the engines run the one that was accepted" $? "-eq 0"
check_sides "one of two promotions" 7 10000
"$sluice" experiments history deployed -n tables >"$dir/history.log" 2>&1
expect "versions in the history" "$(grep -cE '^ +[1-7]  .* main [0-9]+%, canary [0-9]+% \(active\) by ' "$dir/history.log")" "-eq 7"

# ---- replays: a request keeps its candidate when the table has changed ----

failing=60
cat >"$dir/tried.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Experiment
	metadata: {name: tried}
	spec:
	  default: early
	  exposures: full
	  candidates:
	  - {name: early, weight: 50}
	  - {name: late, weight: 50}
	---
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Pipeline
	metadata: {name: trial}
	spec: {steps: [{name: s, experiment: {name: tried}}], output: {steps: [s]}}
END
for ((i = 0; i < failing; i++)); do
	echo "{\"id\": \"t-$i\", \"key\": \"t-$i\", \"request\": {\"inputs\": [{\"name\": \"x\", \"shape\": [1], \"datatype\": \"FP64\", \"data\": [$i]}]}}"
done >"$dir/failing.jsonl"
experiment_runs() { # $1 version
	"$sluice" describe -n tables experiment/tried -o json >"$dir/describe.json" 2>"$dir/describe.log" &&
		[ "$(grep -o "\"live\": true, \"version\": $1, \"ready\": true" "$dir/describe.json" | wc -l)" -eq 2 ]
}
letters_are() { # $1 how many
	"$sluice" errors show trial -n tables -o json >"$dir/letters.jsonl" 2>"$dir/errors.log" && [ "$(wc -l <"$dir/letters.jsonl")" -eq "$1" ]
}
sides_of_letters() { # prints the id and the candidate of each dead letter
	jq -r '"\(.id) \(.headers["sluice-assigned"] | split("\t")[1])"' "$dir/letters.jsonl" | sort
}
# The id and the candidate of each answer to replays of all that failed into $dir/replayed.sides.
replay_all() {
	local began
	began=$(date +%s%3N)
	"$sluice" errors replay trial -n tables --all >"$dir/replay.log" 2>&1
	expect_words "replay" "$dir/replay.log" "^$failing sent again to sluice.tables.pipeline.trial.inputs, 0 refused"
	wait_until 20 answered_since "$began" $failing trial "$dir/replayed.jsonl" || give_up "not all replays are answered"
	jq -r '"\(.id) \(.response.outputs[0].data[0] | if . == 3 then "early" else "late" end)"' "$dir/replayed.jsonl" | sort >"$dir/replayed.sides"
}
"$sluice" apply -n tables -f "$dir/tried.yaml" >"$dir/apply.log" 2>&1
expect "status of apply" $? "-eq 0"
wait_until 20 experiment_runs 1 || give_up "the engines do not run the experiment"
"$sluice" produce -n tables trial "$dir/failing.jsonl" >"$dir/produce.log" 2>&1 || give_up "requests are refused"
wait_until 20 letters_are $failing || give_up "not all requests fail"
sides_of_letters >"$dir/failed.sides"
expect "requests that early was to answer" "$(grep -c early "$dir/failed.sides")" "-ge 10"
expect "requests that late was to answer" "$(grep -c late "$dir/failed.sides")" "-ge 10"
"$sluice" experiments promote tried -n tables >"$dir/command.log" 2>&1
expect "status of promoting an Experiment without stages" $? "-eq 0"
wait_until 20 experiment_runs 2 || give_up "the engines do not run the promotion"
replay_all
cmp -s "$dir/failed.sides" "$dir/replayed.sides"
expect "status of comparing the candidates of replays with those that they had" $? "-eq 0"
expect "exposures: one for each request" "$("$build/records" count "$brokers" sluice.tables.pipeline.trial.exposures)" "-eq $failing"
# Chosen anew it gets the other one, whose first call of each request fails too.
read -r id _ < <(grep early "$dir/failed.sides")
"$sluice" errors replay trial "$id" -n tables --reassign >"$dir/replay.log" 2>&1
expect "status of replay --reassign" $? "-eq 0"
wait_until 20 letters_are $((failing + 1))
expect "the request that was reassigned" "$(sides_of_letters | grep -c "^$id late$")" "-eq 1"
expect "exposures: one more" "$("$build/records" count "$brokers" sluice.tables.pipeline.trial.exposures)" "-eq $((failing + 1))"

stop_engine tables "$one"
stop_engine tables "$two"
tell_result
