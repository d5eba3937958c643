#!/bin/bash
# Exposures in answers, on a real Kafka: the same requests and outcomes pass through pipelines with an experiment of one name, with
# `exposures: full`, with `thin`, and with `thin` and Avro answers. `experiments analyze` prints the same table for all, but for the
# latency in Avro, although only the first has a topic of exposures. Where another stage than that of the choice answers, that one
# writes them to a topic. An answer that Kafka refuses for its size, since it carries an exposure, is sent without.
#   thin.sh SLUICE BUILD
# Takes 30 seconds.
set -u
what=thin
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
export SLUICE_BROKERS

start_broker brisk creates
SLUICE_BROKERS=$brokers
start_model "$here/mirror.yaml"

# Candidates are chosen by the name of the experiment, which is the same in both namespaces.
specify() { # $1 namespace, $2 exposures, $3 a step behind the choice
	cat <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Experiment
		metadata: {name: choose, namespace: $1}
		spec:
		  exposures: $2
		  default: steady
		  candidates: [{name: steady, weight: 3}, {name: other, weight: 1}]
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: shop, namespace: $1}
		spec:
		  steps: [{name: s, experiment: {name: choose}}$3]
		  output: {steps: [${3:+last}${3:-s}]}
	END
}
specify full full '' >"$dir/full.yaml"
specify thin thin '' >"$dir/thin.yaml"
specify apart thin ', {name: last, inputs: [s], isolate: true, expression: {set: {z: y + 1}}}' |
	sed 's/output: .*/output: {steps: [last]}/' >"$dir/apart.yaml"

specify avro thin '' | sed 's/output: {steps: \[s\]}/output: {steps: [s], format: avro}/' >"$dir/avro.yaml"

seq 1 600 | awk '{ printf "{\"id\":\"r-%d\",\"key\":\"u-%d\",\"request\":{\"id\":\"r-%d\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\"," \
	"\"shape\":[1],\"data\":[%d]}]}}\n", $1, $1 % 550, $1, $1 % 100 }' >"$dir/requests.jsonl"
seq 1 600 | awk '{ printf "{\"id\":\"r-%d\",\"reward\":%d}\n", $1, ($1 * 7) % 5 }' >"$dir/feedback.jsonl"

# What is measured in milliseconds differs from run to run, and so do the points over time.
same='del(.. | .time_ms?, .begin_ms?, .end_ms?, .first_ms?, .last_ms?, .days?, .latency_ms?, .history?, .gain?) | .metrics |= map(select(.name != "latency_ms"))'
for namespace in full thin avro apart; do
	"$sluice" run -f "$dir/$namespace.yaml" --server "steady=$url" --server "other=$url" >>"$dir/$namespace.log" 2>&1 &
	ours $!
	engine=$started
	wait_until 30 grep -qs shop "$dir/$namespace.log" || give_up "the pipeline of $namespace does not start"
	"$sluice" produce shop -n $namespace <"$dir/requests.jsonl" >/dev/null 2>"$dir/produce.log" || give_up "requests were not written"
	timeout 60 "$sluice" tail shop -n $namespace --from beginning --count 600 --idle 20s -o json 2>"$dir/tail.log" >"$dir/$namespace.answers"
	expect "$namespace: answers" "$(jq -c 'select(.response) | .id' "$dir/$namespace.answers" | sort -u | wc -l)" "-eq 600"
	"$sluice" feedback shop -n $namespace -f "$dir/feedback.jsonl" >"$dir/feedback.log" 2>&1 || give_up "feedback was not written"
	"$sluice" experiments analyze choose -f "$dir/$namespace.yaml" -o json >"$dir/$namespace.json" 2>"$dir/$namespace.said"
	expect "$namespace: status of analyze" $? "-eq 0"
	jq "$same" "$dir/$namespace.json" >"$dir/$namespace.table"
	stop_engine $namespace "$engine"
done
expect "full: exposures" "$(jq .health.exposures "$dir/full.json")" "-eq 600"
expect "thin: exposures" "$(jq .health.exposures "$dir/thin.json")" "-eq 600"
expect "thin: requests whose latency is known" "$(jq '[.variants[].requests] | add' "$dir/thin.json")" "-eq 600"
expect "avro: exposures" "$(jq .health.exposures "$dir/avro.json")" "-eq 600"
latencies='del(.. | .p50?, .p95?, .p99?, .measured?)'
diff <(jq "$latencies" "$dir/full.table") <(jq "$latencies" "$dir/avro.table") >"$dir/avro-differences.log"
expect "full and avro: lines of the tables that differ" "$(wc -l <"$dir/avro-differences.log")" "-eq 0"
expect "avro: words about missing exposures" "$(grep -c -e "has an exposure" -e "for no variant" "$dir/avro.said")" "-eq 0"
diff "$dir/full.table" "$dir/thin.table" >"$dir/differences.log"
expect "full and thin: lines of the tables that differ" "$(wc -l <"$dir/differences.log")" "-eq 0"
expect "thin: words about missing exposures" "$(grep -c "has an exposure" "$dir/thin.said")" "-eq 0"
expect "apart: exposures" "$(jq .health.exposures "$dir/apart.json")" "-eq 600" # in a topic, by the stage that answers
expect "apart: words about missing exposures" "$(grep -c "has an exposure" "$dir/apart.said")" "-eq 0"

"$build/admin" "$brokers" trim sluice.thin.pipeline.shop.outputs 0 5 2>"$dir/admin.log" || give_up "answers are not deleted"
"$sluice" experiments analyze choose -f "$dir/thin.yaml" -o json >"$dir/trimmed.json" 2>"$dir/trimmed.said"
expect "trimmed: exposures that are left" "$(jq .health.exposures "$dir/trimmed.json")" "-lt 600"
expect_words "trimmed: what is not there" "$dir/trimmed.said" "5 records of topic sluice.thin.pipeline.shop.outputs are not there any more"
expect "thin: words about what is not there" "$(grep -c "not there any more" "$dir/thin.said")" "-eq 0"

# The limit of the topic is between the sizes of the answer with and without its exposure, which has the id too.
jq -nc '{id: ("n" * 600), request: {id: ("n" * 600), inputs: [{name: "x", datatype: "FP64", shape: [1], data: [5]}]}}' >"$dir/long.jsonl"
for delivery in at-least-once exactly-once counting; do
	namespace=narrow-$delivery next='' last=s
	if [ $delivery = counting ]; then # it would count the request twice
		delivery=at-least-once last=last next=', {name: last, inputs: [s], features: {set: {n: count(y over 1h)}}}'
	fi
	specify "$namespace" thin "$next" |
		sed "s/^  steps:/  delivery: $delivery\n  steps:/; s/output: .*/output: {steps: [$last]}/" >"$dir/narrow.yaml"
	"$sluice" run -f "$dir/narrow.yaml" --server "steady=$url" --server "other=$url" >>"$dir/$namespace.log" 2>&1 &
	ours $!
	engine=$started
	wait_until 30 grep -qs shop "$dir/$namespace.log" || give_up "the pipeline of $namespace does not start"
	head -n 1 "$dir/requests.jsonl" | "$sluice" produce shop -n "$namespace" >/dev/null 2>"$dir/produce.log"
	timeout 60 "$sluice" tail shop -n "$namespace" --from beginning --count 1 --idle 20s >/dev/null 2>"$dir/tail.log"
	"$build/admin" "$brokers" set "sluice.$namespace.pipeline.shop.outputs" max.message.bytes 1700 2>"$dir/admin.log" ||
		give_up "the limit of $namespace is not set"
	"$sluice" produce shop -n "$namespace" <"$dir/long.jsonl" >/dev/null 2>>"$dir/produce.log"
	timeout 60 "$sluice" tail shop -n "$namespace" --from beginning --count 2 --idle 20s -o json >"$dir/$namespace.answers" 2>>"$dir/tail.log"
	expect "$namespace: answers" "$(wc -l <"$dir/$namespace.answers")" "-eq 2"
	stop_engine "$namespace" "$engine"
	if [ -n "$next" ]; then
		expect_words "$namespace: the long request" "$dir/$namespace.answers" 'LIMIT.*max.message.bytes'
		continue
	fi
	expect "$namespace: answers to the long request" \
		"$(jq -c 'select((.id | length) == 600 and .response.outputs[0].data[0] == 10) | .id' "$dir/$namespace.answers" | wc -l)" "-eq 1"
done

tell_result
