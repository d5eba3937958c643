#!/bin/bash
# A pipeline of three stages, ones that read others, and ones that split, under load: their engine is
# killed with -9 every 2 s and started again. Exactly once, each answer must be there
# once, right, and in its key's order, though each crosses Kafka on its way; at least once
# none may be missing, also of what is joined.
#   stages.sh SLUICE BUILD      with requests in BUILD
# SECONDS_UNDER_FIRE and RATE change the sizes, FORMS chooses among them. Takes about 100 s.
set -u
what=stages
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${SECONDS_UNDER_FIRE:-12} rate=${RATE:-2000}
forms=${FORMS:-crossed repeated fed joined-exactly-once joined-at-least-once gathered-exactly-once gathered-at-least-once counted parts split}

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

# Kills the engine of a form of these pipelines, and judges its answers; false where the form is not asked for. The engine is left.
form() { # $1 form, which is topic and group too; $2 pipelines, $3 delivery, $4 seconds, $5 rules, beside those of silence; then options of requests
	[[ " $forms " == *" $1 "* ]] || return
	fire "$2" "$1" "$3" "$4"
	check_count="${*:6}" check_answers "$1" $((rate * $4)) "$5 silence_ms:-lt:6000"
	grep -q externalInputs "$dir/$1.one.yaml" || verify_answers "$2" "$1"
}
# Topics of parts with other partitions than the requests have.
narrow() { # $1 form, $2 pipeline
	[[ " $forms " != *" $1 "* ]] || topics "sluice.$1.pipeline.$2.stage.sum" "sluice.$1.pipeline.$2.stage.last" -w 3
}

if form crossed stages exactly-once "$seconds" "uncommitted:-ge:1"; then
	wait_until 10 no_lag crossed
	expect_words "crossed: the lag of an engine that has nothing to do" "$dir/top" '"lag": 0,'
	wait_until 10 no_lag_in_metrics crossed
	expect_words "crossed: its lag by /metrics" "$dir/lag" '^records=0(\.0)? seconds=0(\.0)?$'
	stop_engine crossed "$engine"
fi
form repeated stages at-least-once $((seconds / 2)) "doubled: uncommitted:" && stop_engine repeated "$engine"
form fed feeds exactly-once "$seconds" "uncommitted:-ge:1" && stop_engine fed "$engine"
# Stages that are joined keep the order of a key, also where their topics have other partitions than the requests. What
# several pipelines give keeps none, as `plan` says.
for what_meets in joined gathered; do
	order=''
	[ $what_meets = joined ] || order=disordered:
	for delivery in exactly-once at-least-once; do
		name=$what_meets-$delivery rules="uncommitted:-ge:1"
		[ $delivery = exactly-once ] || rules="doubled: uncommitted:"
		[ $what_meets = gathered ] || narrow "$name" joined
		form "$name" $what_meets $delivery "$seconds" "$rules $order" && stop_engine "$name" "$engine"
	done
done
# A step behind a join that remembers sees each key's requests once, and in their order.
narrow counted counted
form counted counted exactly-once "$seconds" "uncommitted:-ge:1" -c && stop_engine counted "$engine"
# Rows that each ask the model: together again they are one answer, else each is one.
form parts parts exactly-once "$seconds" "uncommitted:-ge:1" && stop_engine parts "$engine"
form split split exactly-once "$seconds" "uncommitted:-ge:1" -m 4 -e 4 && stop_engine split "$engine"
tell_result
