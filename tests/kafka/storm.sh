#!/bin/bash
# Callers of two gateways, with one engine or more, on a real Kafka. First one of two engines is held in the middle of a transaction,
# stopped and then killed: the answers of the other one are as quick as before. Then REQUESTS requests (200,000) of CALLERS callers
# (64), while engines, gateways and the broker are killed in turn. No call hangs, gets another's answer or two; each open one gets its
# answer, a refusal (429), or 503 or 504 within its deadline, or a reset when its gateway died; a key that is asked again gets its first answer.
#   storm.sh SLUICE BUILD      takes about 6 minutes; REQUESTS=20000 about one
set -u
what=storm
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
requests=${REQUESTS:-200000}
quick_ms=500 # for an answer beside a held transaction: a commit, and a busy machine. A held session is 6 s, a held transaction 10

pipelines() {
	cat <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: double}
		spec:
		  delivery: exactly-once
		  steps: [{name: twice, expression: {set: {x: x * 2}}}]
		  output: {steps: [twice]}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: plain}
		spec:
		  delivery: at-least-once
		  steps: [{name: twice, expression: {set: {x: x * 2}}}]
		  output: {steps: [twice]}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: times}
		spec:
		  delivery: exactly-once
		  steps: [{name: counted, features: {key: x, set: {n: count(x over 60m)}}}]
		  output: {steps: [counted]}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: SeldonRuntime
		metadata: {name: storm}
		spec: {config: {kafkaConfig: {topics: {numPartitions: 8}}}}
	END
}

run_engine() { # $1 instance; its pid into $engine_$1
	"$sluice" run -f "$dir/pipelines.yaml" --brokers "$brokers" --instance "$1" >>"$dir/engine-$1.log" 2>&1 &
	ours $!
	eval "engine_$1=$started"
}

run_gateway() { # $1 one or two
	"$sluice" gateway -f "$dir/pipelines.yaml" --brokers "$brokers" --http "$(gateway_port "$1")" >>"$dir/gateway-$1.log" 2>&1 &
	ours $!
	eval "gateway_$1=$started"
}

gateway_port() { [ "$1" = one ] && echo $port || echo $((port + 1)); }

is_ready() { [ "$(curl -s -o "$dir/ready" -w '%{http_code}' --max-time 5 "127.0.0.1:$(gateway_port "$1")/v2/health/ready")" = 200 ]; }

figure() { # $1 name, $2 file
	sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$2"
}

# What the keys of one engine are is found by stopping it for less than its session.
held_transaction() { # $1 KILL or STOP
	python3 "$here/storm_held.py" "$port" double "$engine_one" "$brokers" "$build/requests" "$1" >"$dir/held.out" 2>"$dir/held.log" &
	ours $!
	callers=$started
	[ "$1" = STOP ] || wait "$engine_one" 2>/dev/null # before the shell tells of its death
	wait_for "$callers" || give_up "the callers beside a held transaction: $(tail -3 "$dir/held.log")"
	echo "$1: $(cat "$dir/held.out")"
	expect "keys of the engine that is not held ($1)" "$(figure others "$dir/held.out")" "-ge 4"
	expect "keys of the engine that is held, whose calls wait ($1)" "$(figure waiting "$dir/held.out")" "-ge 4"
	expect "answers beside a transaction that is held by $1" "$(figure answers "$dir/held.out")" "-ge 100"
	expect "answers that were none, beside it ($1)" "$(figure failed "$dir/held.out")" "-eq 0"
	expect "the slowest of them, in ms ($1)" "$(figure slowest_ms "$dir/held.out")" "-le $((quick_ms * ${PATIENCE:-1}))"
	expect "whether a transaction was open then ($1)" "$(figure open "$dir/held.out")" "-eq 1"
}

broker_away() {
	touch "$dir/down"
	sleep 0.3 # some calls are still open
	"$here/broker.sh" kill "$dir/kafka"
	sleep 2
	"$here/broker.sh" resume "$dir/kafka" || give_up "the broker does not come back"
	rm "$dir/down"
}

command -v curl >/dev/null || skip "curl is not installed"
start_broker brisk
port=$(free_port 2)
pipelines >"$dir/pipelines.yaml"
run_engine one
run_engine two
run_gateway one
run_gateway two
for which in one two; do
	wait_until 20 is_ready $which || give_up "gateway $which is not ready"
done

if [ "${PARTS-held storm}" != storm ]; then
	held_transaction STOP
	held_transaction KILL
	not_ours "$engine_one"
	run_engine one
fi

if [ "${PARTS-held storm}" != held ]; then
	python3 "$here/storm_callers.py" "$port" $((port + 1)) "$requests" "$dir/down" plain double times >"$dir/callers.out" 2>"$dir/callers.log" &
	ours $!
	callers=$started rounds=0
	while sleep "${PAUSE:-10}" && kill -0 "$callers" 2>/dev/null && ! grep -q asking "$dir/callers.log"; do
		case $((rounds % 5)) in
		0) kill_at_once "$engine_one" && run_engine one ;;
		1) kill_at_once "$gateway_one" && run_gateway one ;;
		2) kill_at_once "$engine_two" && run_engine two ;;
		3) kill_at_once "$gateway_two" && run_gateway two ;;
		4) broker_away ;;
		esac
		rounds=$((rounds + 1))
	done
	wait_for "$callers" || give_up "the callers did not end: $(tail -3 "$dir/callers.log")"
	cat "$dir/callers.out"
	for fate in wrong extra late other unanswered differing; do
		expect "calls or keys that ended $fate" "$(figure $fate "$dir/callers.out")" "-eq 0"
	done
	total=$(($(figure calls "$dir/callers.out") + $(figure keys "$dir/callers.out")))
	expect "requests in all" "$total" "-eq $requests"
	expect "calls that were answered" "$(figure right "$dir/callers.out")" "-ge $((requests / 2))"
	expect "how often something was killed" "$rounds" "-ge 5"
	echo "$rounds were killed, engine, gateway, engine, gateway, broker and so on"
fi
tell_result
