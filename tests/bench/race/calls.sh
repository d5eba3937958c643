#!/bin/bash
# How long a caller by HTTP waits for a gateway inside the engine, beside the same request through Kafka, at 1,000 a second, nothing
# lingering: medians of rounds taken in turn, each pair in one engine and one minute. At least once, exactly once, exactly once with
# keyed state and `reply: early`, and by direct ingress, where nothing goes through Kafka first. And a chain of three models with a
# gRPC call each, direct, at 50 and 500 a second, beside a tenth of Seldon Core 2 (2.9.1, another day, the same machine): p50 8.6 and
# 31 ms.
#   calls.sh SLUICE PROGRAMS     with requests, latency and calls in PROGRAMS
# SECONDS_EACH, ROUNDS change the sizes. Takes about five minutes.
set -u
what=calls
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
rate=1000 seconds=${SECONDS_EACH:-6} rounds=${ROUNDS:-5}
port=$(free_port)

write_pipeline() { # $1 name, $2 delivery, $3 more of it, $4 steps, $5 the last of them
	printf '%s\n' 'apiVersion: mlops.seldon.io/v1alpha1' 'kind: Pipeline' "metadata: {name: $1, namespace: $1}" spec: "  delivery: $2" "$3" \
		"  input: {topic: $1}" '  steps:' "$4" "  output: {steps: [$5], topic: $1-answers}" >"$dir/$1.yaml"
}

calls_of() { # $1 name of the figures, $2 pipeline, $3 calls a second
	local figures
	figures=$("$build/calls" -p $port -n "$2" -r "$3" -s "$seconds" 2>"$dir/calls.log") || give_up "calls of $2: $(tail -n 1 "$dir/calls.log")"
	echo "$1 $figures" >>"$dir/figures"
}

begin() { # $1 name; its pipeline is in its file
	topics "$1" "$1-answers"
	start_sluice "$dir/$1.yaml" -f "$dir/runtime.yaml" --http $port "${@:2}"
	wait_until 30 curl -sfo "$dir/answer" "http://127.0.0.1:$port/v2/pipelines/$1/infer" -d "@$dir/request.json" || give_up "$1 does not answer"
}

# The same request by HTTP and through Kafka, in one minute.
both_ways() { # $1 form, $2 round, $3 delivery, $4 more, $5 steps, $6 the last
	local name=$1-$2 figures
	write_pipeline "$name" "$3" "$4" "$5" "$6"
	begin "$name"
	figures=$("$build/latency" -j -b "$brokers" -i "$name" -o "$name-answers" -r $rate -s "$seconds" 2>"$dir/latency.log") || give_up "$name did not answer"
	echo "$1-kafka $figures" >>"$dir/figures"
	calls_of "$1-http" "$name" $rate
	stop_runner
}

direct() { # $1 form, $2 round, $3 steps, $4 the last, $5.. calls a second
	local name=$1-$2 each models=()
	[ "$1" = one ] || models=(-f "$dir/called.yaml")
	write_pipeline "$name" at-least-once '  ingress: direct' "$3" "$4"
	begin "$name" "${models[@]}"
	for each in "${@:5}"; do
		calls_of "$1-$each" "$name" "$each"
	done
	stop_runner
}

cat >"$dir/runtime.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: SeldonRuntime
	spec:
	  config:
	    kafkaConfig:
	      producer: {linger.ms: 0}
END
echo '{"id":"0","inputs":[{"name":"x","shape":[1,16],"datatype":"FP32","data":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}]}' >"$dir/request.json"
one='  - {name: half, expression: {set: {x: x * 0.5}}}'
keyed='  - {name: kept, features: {set: {m: mean(x over 20)}}}'
chain=$'  - {name: link-a}\n  - {name: link-b, inputs: [link-a]}\n  - {name: link-c, inputs: [link-b]}'
serve_models
call_models '' >"$dir/called.yaml"
for ((round = 1; round <= rounds; round++)); do
	both_ways least "$round" at-least-once '' "$one" half
	both_ways once "$round" exactly-once '' "$one" half
	both_ways early "$round" exactly-once '  reply: early' "$keyed" kept
	direct one "$round" "$one" half $rate
	direct chain "$round" "$chain" link-c 50 500
done

figures_of() { # $1 name, $2 field; sorted
	sed -n "s/^$1 .*$2=\([0-9.]*\).*/\1/p" "$dir/figures" | sort -n
}

middle() { # $1 name, $2 field
	figures_of "$1" "$2" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

# The middle one of the differences within a round.
beyond_kafka() { # $1 form
	paste <(sed -n "s/^$1-http .*p50=\([0-9.]*\).*/\1/p" "$dir/figures") <(sed -n "s/^$1-kafka .*p50=\([0-9.]*\).*/\1/p" "$dir/figures") |
		awk '{ print $1 - $2 }' | sort -n | awk '{ all[NR] = $1 } END { printf "%.2f\n", all[int((NR + 1) / 2)] }'
}

hold() { # $1 what, $2 name of the calls, $3 milliseconds, $4 at the most (-: no bar)
	local lost verdict=holds
	lost=$(sed -n "s/^$2 .*lost=\([0-9]*\).*/\1/p" "$dir/figures" | awk '{ sum += $1 } END { print sum + 0 }')
	if [ "$lost" -eq 0 ] && { [ "$4" = - ] || awk "BEGIN { exit !($3 <= $4) }"; }; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1)) verdict="FALLS SHORT, $lost wrong"
	fi
	printf '%-66s %6s, at most %-5s  in all p50 %6s, p99 %6s   %s\n' "$1" "$3" "$4" "$(middle "$2" p50)" "$(middle "$2" p99)" "$verdict"
}

echo "milliseconds, medians of $rounds rounds of $seconds s; load $(cut -d' ' -f1 /proc/loadavg)"
for form in least once early; do
	echo "$form through Kafka: p50 $(middle $form-kafka p50), p99 $(middle $form-kafka p99)"
done
hold "a call by HTTP at least once, less the same through Kafka" least-http "$(beyond_kafka least)" 0.4
hold "exactly once, less the same" once-http "$(beyond_kafka once)" 1
hold "exactly once with keyed state and reply: early, less the same" early-http "$(beyond_kafka early)" -
hold "one step, direct" one-$rate "$(middle one-$rate p50)" 0.3
hold "three models in a chain, direct, at 50 a second; Seldon takes 8.6" chain-50 "$(middle chain-50 p50)" 0.86
hold "three models in a chain, direct, at 500 a second; Seldon takes 31" chain-500 "$(middle chain-500 p50)" 3.1
tell_result
