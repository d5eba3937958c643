#!/bin/bash
# A pipeline of three stages, ones that read others, and ones that split, under load: their engine is
# killed with -9 every 2 s and started again. Exactly once, each answer must be there
# once, right, and in its key's order, though each crosses Kafka on its way; at least once
# none may be missing, also of what is joined.
#   stages.sh SLUICE BUILD      with requests in BUILD
# SECONDS_UNDER_FIRE and RATE change the sizes. Takes about 100 s.
set -u
what=stages
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${SECONDS_UNDER_FIRE:-12} rate=${RATE:-2000}

start_broker
start_model

fire() { # $1 pipelines, $2 topic and group; $3 delivery, $4 seconds
	local second
	topics "$2" "$2-answers"
	send "$2" $((rate * $4)) "$rate"
	start_engine "$1" "$2" "$2" "$3" one --commit 100ms --metrics 0
	engine=$started
	for ((second = 0; second < $4; second += 2)); do
		sleep 2
		kill_in_transaction "$engine" "$2-answers" "$3"
		start_engine "$1" "$2" "$2" "$3" one --commit 100ms --metrics 0
		engine=$started
	done
	sent
}

# What `top` says of a pipeline's lag: the ends of transactions, which no engine takes, are no records.
no_lag() { # $1 group
	"$sluice" top -n "$1" --once -o json --brokers "$brokers" >"$dir/top" 2>&1
	grep -q '"lag": 0,' "$dir/top"
}

# The same by /metrics of the engine: its lag in records, and in seconds.
lag_metrics() { # $1 group
	local address
	address=$(sed -n 's|.*metrics are at \(http[^ ]*\).*|\1|p' "$dir/engine.log" | tail -1)
	curl -s --max-time 10 "$address" | sed -n "s/^sluice_pipeline_lag_\([a-z]*\){.*namespace=\"$1\".*} \([^ ]*\).*/\1=\2/p" | sort | xargs
}
no_lag_in_metrics() { # $1 group
	lag_metrics "$1" >"$dir/lag"
	grep -qE '^records=0(\.0)? seconds=0(\.0)?$' "$dir/lag"
}

fire stages crossed exactly-once "$seconds"
check_answers crossed $((rate * seconds)) "uncommitted:-ge:1 silence_ms:-lt:6000"
wait_until 10 no_lag crossed
expect_words "crossed: the lag of an engine that has nothing to do" "$dir/top" '"lag": 0,'
wait_until 10 no_lag_in_metrics crossed
expect_words "crossed: its lag by /metrics" "$dir/lag" '^records=0(\.0)? seconds=0(\.0)?$'
stop_engine crossed "$engine"
fire stages repeated at-least-once $((seconds / 2))
check_answers repeated $((rate * seconds / 2)) "doubled: uncommitted: silence_ms:-lt:6000"
stop_engine repeated "$engine"
fire feeds fed exactly-once "$seconds"
check_answers fed $((rate * seconds)) "uncommitted:-ge:1 silence_ms:-lt:6000"
stop_engine fed "$engine"
# Stages that are joined keep the order of a key, also where their topics have other partitions than the requests. What
# several pipelines give keeps none, as `plan` says.
for what_meets in joined gathered; do
	order=''
	[ $what_meets = joined ] || order=disordered:
	for delivery in exactly-once at-least-once; do
		name=$what_meets-$delivery rules="uncommitted:-ge:1"
		[ $delivery = exactly-once ] || rules="doubled: uncommitted:"
		[ $what_meets = gathered ] || topics "sluice.$name.pipeline.joined.stage.sum" "sluice.$name.pipeline.joined.stage.last" -w 3
		fire $what_meets "$name" $delivery "$seconds"
		check_answers "$name" $((rate * seconds)) "$rules $order silence_ms:-lt:6000"
		stop_engine "$name" "$engine"
	done
done
# A step behind a join that remembers sees each key's requests once, and in their order.
topics sluice.counted.pipeline.counted.stage.sum sluice.counted.pipeline.counted.stage.last -w 3
fire counted counted exactly-once "$seconds"
check_count=-c check_answers counted $((rate * seconds)) "uncommitted:-ge:1 silence_ms:-lt:6000"
stop_engine counted "$engine"
# Rows that each ask the model: together again they are one answer, else each is one.
fire parts parts exactly-once "$seconds"
check_answers parts $((rate * seconds)) "uncommitted:-ge:1 silence_ms:-lt:6000"
stop_engine parts "$engine"
fire split split exactly-once "$seconds"
check_count="-m 4 -e 4" check_answers split $((rate * seconds)) "uncommitted:-ge:1 silence_ms:-lt:6000"
stop_engine split "$engine"
tell_result
