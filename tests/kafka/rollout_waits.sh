#!/bin/bash
# What calls wait in an engine's queue, as a rollout counts it, on a real Kafka. The engine is killed, and begins with a backlog: each
# request waits longer than the limit of latency, and a candidate that catches up stays. Then the candidate takes so few calls at
# once that its queue grows: it is rolled back, though each call of it is short.
#   rollout_waits.sh SLUICE BUILD
# Takes 45 s, with the start of Kafka.
set -u
what=rollout_waits
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

start_broker brisk creates
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester SLUICE_NAMESPACE=waits
steady=$(free_port)
next=$(free_port)
"$here/narrow_model.py" "$steady" steady 8 0.05 2>"$dir/steady.log" &
ours $!
"$here/narrow_model.py" "$next" next 8 0.05 2>"$dir/next.log" &
ours $!

start_follower() { # its pid into $started
	port=$(free_port)
	"$sluice" run --control --server "steady=http://127.0.0.1:$steady" --server "next=http://127.0.0.1:$next" \
		--instance one --metrics "127.0.0.1:$port" >>"$dir/one.log" 2>&1 &
	ours $!
}
cat >"$dir/documents.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Experiment
	metadata: {name: fresh}
	spec:
	  default: steady
	  candidates: [{name: steady, weight: 50}, {name: next, weight: 50}]
	  progressiveDeployment:
	    {enabled: true, stages: [{weight: 50, duration: 300s}], checkEvery: 1s, outcomeWindow: 1s,
	     rollback: {errorRate: ">5%", latency: ">$((500 * patience))ms"}}
	---
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Pipeline
	metadata: {name: p}
	spec: {steps: [{name: s, experiment: {name: fresh}}], output: {steps: [s]}}
END
phase_is() { # $1 phase
	"$sluice" experiments status fresh -o json >"$dir/status.json" 2>"$dir/status.log"
	grep -q "\"phase\": \"$1\"" "$dir/status.json"
}
answers_are() { # $1 how many at least, of the engine that runs
	local answers
	answers=$(curl -s "127.0.0.1:$port/metrics" | sed -n 's/^sluice_pipeline_answers_total{.*pipeline="p".*} //p')
	[ "${answers:-0}" -ge "$1" ]
}
requests() { # $1 the first, $2 the last
	seq "$1" "$2" | sed 's/.*/{"id":"a&","inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[1]}]}/'
}

start_follower
engine=$started
wait_until 60 grep -qs "is now the keeper" "$dir/one.log" || give_up "no keeper"
"$sluice" apply -f "$dir/documents.yaml" >"$dir/apply.log" 2>&1 || give_up "apply is refused"
"$sluice" wait pipeline/p >"$dir/wait.log" 2>&1 || give_up "the pipeline does not run"
wait_until 40 phase_is running || give_up "the rollout does not run"

# ---- a backlog: 1200 requests of each candidate, of which it answers 160 a second: longer than a peak ----

requests 1 50 | "$sluice" produce p - >"$dir/produce.log" 2>&1
wait_until 20 answers_are 50 || give_up "the engine does not answer"
kill_at_once "$engine"
requests 51 2450 | "$sluice" produce p - >"$dir/produce.log" 2>&1
sleep 1
start_follower
engine=$started
wait_until 60 answers_are 2400
expect "the backlog is answered" $? "-eq 0"
sleep 2 # in which its calls are told and judged
phase_is running
expect "a candidate that catches up is not rolled back" $? "-eq 0"

# ---- too few at once: 80 requests a second for the candidate, of which it answers 40 ----

curl -s -X PUT "127.0.0.1:$next/slots/2" >"$dir/slots.log"
requests 2451 9000 >"$dir/many.jsonl"
"$sluice" produce p "$dir/many.jsonl" --rate 160 >"$dir/produce.log" 2>&1 &
ours $!
wait_until 40 phase_is rolledBack
expect "a candidate that takes too few at once is rolled back" $? "-eq 0"
"$sluice" experiments history fresh -o json >"$dir/history.jsonl" 2>"$dir/history.log"
expect_words "why" "$dir/history.jsonl" 'Rolled back: `latency` of `next`.*a wait in an engine.s queue counts only where it takes too few'
stop_engine rollout_waits "$engine"
tell_result
