#!/bin/bash
# Engines beside each other on one Kafka, doing the same four steps over the same backlog:
# messages per CPU second of each engine's own process, behind its start, so that neither
# the broker nor the machine's other work counts.
#   race.sh SLUICE PROGRAMS     with forward and requests in PROGRAMS
# BACKLOG, ROUNDS change the sizes: a run of less than a second says little. Takes about twelve minutes.
set -u
what=race
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
backlog=${BACKLOG:-2000000} rounds=${ROUNDS:-3} commit_ms=100

# ---- Kafka Streams, where it can be had ----

streams=no
if why=$(build_streams FixedSteps); then
	streams=yes
else
	echo "skipped: Kafka Streams: $why"
fi

# ---- the backlogs ----

for form in avro json; do
	topics $form $form-answers
done
fill avro "$backlog"
fill json "$backlog" -j

# ---- who runs ----

start_fixed() { # $1 form, $2 namespace, $3 delivery, $4 what is answered
	fill_in race "$1" "$2" "$3" "${@:4}" >"$dir/$2.yaml"
	start_sluice "$dir/$2.yaml" --commit ${commit_ms}ms
}

serve_models

start_chain() { # $1 form, $2 namespace, $3 what the models' batchingConfig is
	fill_in chain "$1" "$2" at-least-once >"$dir/$2.yaml"
	call_models "$3" >"$dir/$2-models.yaml"
	start_sluice "$dir/$2.yaml" -f "$dir/$2-models.yaml" --commit ${commit_ms}ms
}

start_streams() { # $1 form, $2 group
	# It commits once a second, not every 30 s, so that its progress can be seen.
	java -Xmx1g -cp "$dir/classes:$jars/*" FixedSteps "$brokers" "$1" "$1-answers" "$2" commit.interval.ms=1000 \
		state.dir="$dir/streams" >"$dir/streams.log" 2>&1 &
	contends $!
}

measure() { # $1 name, $2 group, $3 form
	pace "$2" "$3"
	echo "$1 $speed" >>"$dir/speeds"
}

run_round() { # $1 number
	through_forward avro "$1" at-least-once
	echo "seldon $(seldon_beside "$speed")" >>"$dir/speeds"
	start_fixed avro "alo-$1" at-least-once
	measure sluice-alo "sluice.alo-$1.at-least-once" avro
	start_fixed avro "whole-$1" at-least-once 'x, mean, above'
	measure sluice-whole "sluice.whole-$1.at-least-once" avro
	through_forward avro "$1" exactly-once
	start_fixed avro "eos-$1" exactly-once
	measure sluice-eos "sluice.eos-$1.exactly-once" avro
	start_fixed json "json-$1" at-least-once
	measure sluice-json "sluice.json-$1.at-least-once" json
	start_chain avro "chain-$1" ''
	measure sluice-chain "sluice.chain-$1.at-least-once" avro
	start_chain avro "batched-$1" ', batchingConfig: {maxBatchSize: 32, maxLatency: 5ms}'
	measure sluice-batched "sluice.batched-$1.at-least-once" avro
	if [ $streams = yes ]; then
		start_streams json "streams-$1"
		measure streams-json "streams-$1" json
	fi
}

for ((round = 1; round <= rounds; round++)); do
	run_round "$round"
done

# ---- the table ----

echo "messages per CPU second, medians of $rounds; ratio (least..most); load $(cut -d' ' -f1 /proc/loadavg)"
compare "Avro FP32[1,16], at least once, beside a bare forwarder" sluice-alo forward-at-least-once 0.75
compare "the same, exactly once" sluice-eos forward-exactly-once 0.75
compare "at least once, with FP32[1,16] in the answers too" sluice-whole forward-at-least-once 0.75
[ $streams = no ] || compare "JSON, at least once, beside Kafka Streams" sluice-json streams-json 5
compare "three models in a chain, a gRPC call each, beside Seldon Core 2 at this machine's pace" sluice-chain seldon 30
compare "the same, calls merged up to 32 rows" sluice-batched seldon 60
tell_result
