#!/bin/bash
# Forty pipelines that call one model, on a real Kafka: what a request costs an engine, where another has one pipeline.
#   shared_model.sh SLUICE BUILD
# Both engines run at the same time. First all requests are for one pipeline of each: that is where a system reads too much whose
# pipelines all read what the model answers. Then each of forty senders has a pipeline of its own, where the other engine's one
# pipeline gets the requests of all. librdkafka sends what goes to different partitions in different requests: where eight answers
# left in one, eight requests leave, so that forty took 1.7 to 2.3 times of one.
set -u
what=shared_model
pipelines=40
rate=1600 # requests a second of an engine
seconds=${SHARED_SECONDS:-20}
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
export SLUICE_SETTINGS='' LC_ALL=C

files() { # $1 namespace, $2 pipelines
	local i
	for ((i = 0; i < $2; i++)); do
		printf -- '---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p%d, namespace: %s}\nspec:\n' "$i" "$1"
		printf '  steps: [{name: add10}]\n  output: {steps: [add10]}\n'
	done >"$dir/$1.yaml"
}

engine() { # $1 namespace, $2 pipelines; its pid into $started
	files "$1" "$2"
	"$sluice" run -f "$dir/$1.yaml" --brokers "$brokers" --server "add10=$url" --instance "$1" >>"$dir/engine.log" 2>&1 &
	ours $!
	wait_until 60 grep -qs "p$(($2 - 1)): reads sluice.$1.pipeline" "$dir/engine.log" || give_up "the engine of $1 does not start"
}

load() { # $1 namespace, $2 senders, $3 pipelines that they send to
	local i
	for ((i = 0; i < $2; i++)); do
		head -n $((rate * seconds / $2)) "$dir/requests" |
			"$sluice" produce "p$((i % $3))" -n "$1" --brokers "$brokers" --rate $((rate / $2)) >>"$dir/produce.log" 2>&1 &
		ours $!
		senders="$senders $!"
	done
}

ticks() { # $1 pid: hundredths of a second of the processor
	awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/$1/stat"
}

# The processor time of both engines, compared.
compare() { # $1 what is sent, $2 senders, $3 pipelines of the second engine that they send to, $4 most of it in hundredths
	local one_spent many_spent
	senders=
	load one "$2" 1
	load many "$2" "$3"
	sleep 3 # both are warm, and all senders are connected
	one_spent=$(ticks "$one") many_spent=$(ticks "$many")
	sleep $((seconds - 6))
	one_spent=$(($(ticks "$one") - one_spent)) many_spent=$(($(ticks "$many") - many_spent))
	for pid in $senders; do
		wait_for "$pid" || give_up "requests could not be sent: $(tail -1 "$dir/produce.log")"
	done
	echo "$rate requests a second of one model for $((seconds - 6)) s, $1: one pipeline took $one_spent hundredths of a second of a" \
		"processor, $pipelines took $many_spent, $((many_spent * 100 / one_spent))% of it; load $(cut -d' ' -f1 /proc/loadavg)"
	expect "$1: hundredths of a second of $pipelines pipelines, where one takes $one_spent" "$many_spent" "-le $((one_spent * $4 / 100))"
}

# What its pipelines say at their end: answers, and errors among them.
told() { # $1 namespace
	awk -v "where=$1" '/: ended; taken/ && $0 ~ "engine=" where "$" {
		match($0, /answered [0-9]+/); answered += substr($0, RSTART + 9, RLENGTH - 9)
		match($0, /errors [0-9]+/); errors += substr($0, RSTART + 7, RLENGTH - 7)
	} END {print answered + 0 "/" errors + 0}' "$dir/engine.log"
}

start_broker brisk
start_model
engine one 1 && one=$started
engine many $pipelines && many=$started
yes '{"inputs":[{"name":"INPUT","datatype":"FP32","shape":[4],"data":[1,2,3,4]}]}' | head -n $((rate * seconds)) >"$dir/requests"
compare "for one pipeline" 1 1 125
compare "for all alike" $pipelines $pipelines 300
sleep 1
stop_engine one "$one"
stop_engine many "$many"
for namespace in one many; do
	expect "$namespace: answers, and errors among them" "$(told $namespace)" "= $((2 * rate * seconds))/0"
done
tell_result
