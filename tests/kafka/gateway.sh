#!/bin/bash
# A gateway on a real Kafka, with one pipeline exactly once and one at least once, under load: the engine is killed with -9, then
# the gateway. Each call gets its own answer, or 503 or 504 within its deadline, or a reset when its gateway died. Requests that
# were submitted have an end at the gateway that is started then, by a poll or a watch: an answer, or that they were filtered away.
# Calls with idempotency keys at two gateways, of which one is killed, are answered, and each key from one request.
# What is committed after a caller's deadline is found where its 504 says.
#   gateway.sh SLUICE BUILD      takes about 100 s
set -u
what=gateway
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

pipeline() { # $1 name, $2 delivery
	cat <<-END
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: $1}
		spec:
		  delivery: $2
		  steps:
		  - {name: double, expression: {set: {x: x * 2}}}
		  output: {steps: [double]}
	END
}

filter() { # $1 name, $2 delivery
	cat <<-END
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: $1}
		spec:
		  delivery: $2
		  steps:
		  - {name: few, filter: {keep: "x < 10", otherwise: drop}}
		  output: {steps: [few]}
	END
}

run_engine() { # options of its own
	"$sluice" run -f "$dir/pipelines.yaml" --brokers "$brokers" --instance one --metrics 0 "$@" >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
}

counter() { # $1 name: answers how often it was asked for a number
	cat <<-END
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: $1}
		spec:
		  delivery: exactly-once
		  steps:
		  - {name: counted, features: {key: x, set: {n: count(x over 10m)}}}
		  output: {steps: [counted]}
	END
}

runtime() { # several partitions, so that an answer may be in another one than its request
	cat <<-END
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: SeldonRuntime
		metadata: {name: several}
		spec: {config: {kafkaConfig: {topics: {numPartitions: 4}}}}
	END
}

run_gateway() { # $1 port
	"$sluice" gateway -f "$dir/pipelines.yaml" --brokers "$brokers" --http "${1-$port}" >>"$dir/gateway.log" 2>&1 &
	ours $!
	gateway=$started
}

ask() { # $1 pipeline
	curl -s --max-time $((10 * patience)) "127.0.0.1:$port/v2/pipelines/$1/infer" -H 'x-timeout-ms: 5000' \
		-d '{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[21]}]}'
}

expiring() { # a call with an idempotency key that is given half a second; prints the status
	curl -s --max-time $((10 * patience)) -D "$dir/expiring.head" -o "$dir/expiring" -w '%{http_code}' \
		"127.0.0.1:$port/v2/pipelines/least/infer" -H 'idempotency-key: one that expires' -H "x-timeout-ms: 500" \
		-d '{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[21]}]}'
}

expired_is_answered() { [ "$(expiring)" = 200 ]; }

submit() { # $1 pipeline, $2 number; prints where to poll
	curl -s --max-time $((10 * patience)) -D - -o /dev/null "127.0.0.1:$port/v2/pipelines/$1/infer" -H 'prefer: respond-async' \
		-d '{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":['"$2"']}]}' |
		tr -d '\r' | sed -n 's/^[Ll]ocation: //p'
}

late() { # $1 pipeline, $2 ms that it is given; prints the status, and where to poll
	curl -s --max-time $((10 * patience)) -D - -o "$dir/late" "127.0.0.1:$port/v2/pipelines/$1/infer" -H "x-timeout-ms: $2" \
		-d '{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[21]}]}' |
		tr -d '\r' | sed -n 's/^[Ll]ocation: //p; s/^HTTP[^ ]* \([0-9]*\).*/\1/p' | tr '\n' ' '
}

poll() { # $1 place; prints the status, and the answer into $dir/polled
	curl -s --max-time $((10 * patience)) -o "$dir/polled" -w '%{http_code}' "127.0.0.1:$port$1"
}

watch() { # $1 place; its events come into $dir/watched, until the answer is there
	curl -sN --max-time $((20 * patience)) -o "$dir/watched" "127.0.0.1:$port$1/watch"
}

ended() { # $1 place
	[ "$(poll "$1")" -ne 202 ]
}

answers() { # $1 pipeline
	ask "$1" | grep -q '\[42\.0\]'
}

figure() { # $1 name, $2 file
	sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "${2-$dir/callers.out}"
}

command -v curl >/dev/null || skip "curl is not installed"
start_broker brisk
port=$(free_port)
{ pipeline once exactly-once; pipeline least at-least-once; filter few-once exactly-once; filter few-least at-least-once; counter times; runtime; } >"$dir/pipelines.yaml"
run_engine
run_gateway
wait_until 15 answers once || give_up "nothing is answered exactly once"
wait_until 15 answers least || give_up "nothing is answered at least once"
for kept in replies:retention.ms=600000 claims:cleanup.policy=delete claims:retention.ms=90000000; do
	"$build/admin" "$brokers" settings "sluice.default.${kept%%:*}" >"$dir/settings"
	expect_words "settings of the topic of ${kept%%:*}" "$dir/settings" "^${kept#*:}\$"
done
early=$(submit once 21)
python3 "$here/gateway_callers.py" "$port" 25 once least >"$dir/callers.out" 2>"$dir/callers.log" &
ours $!
callers=$started
sleep 2
kill_at_once "$engine"
run_engine
sleep 4
kill_at_once "$gateway"
run_gateway
wait_for "$callers" || give_up "the callers did not end"
cat "$dir/callers.out"
for fate in wrong late other; do
	expect "calls that ended $fate" "$(figure $fate)" "-eq 0"
done
expect "calls that were answered" "$(figure right)" "-ge $((500 / patience))"
expect "how long before the end the last caller had its last answer, in ms" "$(figure last_right_before_end_ms)" "-lt $((3000 * patience))"

# librdkafka tells of its clients every 10 s.
curl -s --max-time $((10 * patience)) "$(sed -n 's|.*metrics are at \(http[^ ]*\).*|\1|p' "$dir/engine.log" | tail -1)" >"$dir/metrics"
for figure in 'rebalances_total.*consumer' 'records_received_total.*consumer' 'records_sent_total.*producer' 'brokers_up.*producer'; do
	expect_words "what Kafka's clients count" "$dir/metrics" "^sluice_kafka_$figure.*\} [1-9]"
done

# What was submitted at another gateway has its answer here, for those who have its id.
expect "the status of an answer to what was submitted before" "$(poll "$early")" "-eq 200"
expect_words "that answer" "$dir/polled" '\[42\.0\]'
expect "the status for who guesses the nonce" "$(poll "${early%????}0000")" "-eq 404"
expect "the status for who guesses the id" "$(poll "/v2/pipelines/once/requests/0-0-0-0-00000000000000000000000000000000")" "-eq 404"
for way in once least; do
	kept=$(submit few-$way 3) away=$(submit few-$way 30)
	wait_until 10 ended "$kept"
	expect "the status of what is kept, $way" "$(poll "$kept")" "-eq 200"
	wait_until 10 ended "$away"
	expect "the status of what is filtered away, $way" "$(poll "$away")" "-eq 204"
	watch "$(submit few-$way 4)"
	expect_words "the last event of what is kept, $way" "$dir/watched" '^event: answer$'
	watch "$(submit few-$way 40)"
	expect_words "the last event of what is filtered away, $way" "$dir/watched" '^event: filtered$'
done
begun=$(date +%s%N)
for _ in 1 2 3 4 5; do poll "$early" >/dev/null; done
echo "a poll takes $((($(date +%s%N) - begun) / 5000000)) ms"
begun=$(date +%s%N)
watch "$(submit least 21)"
echo "the last event of a watch is there $((($(date +%s%N) - begun) / 1000000)) ms after its request was sent"
expect_words "the events of an answer" "$dir/watched" '^event: answer$'

# An answer that is committed after its caller's deadline is where the 504 says, also at a gateway that was started then.
# What an engine began too late has the status there that its caller had, and its idempotency key is free again.
kill "$engine"
wait_for "$engine"
expect "the status of a key whose request waits for an engine" "$(expiring)" "-eq 504"
read -r _ unbegun <<<"$(late least 500)"
run_engine --commit 4s
wait_until 15 answers least || give_up "nothing is answered by an engine that commits seldom"
wait_until 15 ended "$unbegun"
expect "the status of a poll for what was begun too late" "$(poll "$unbegun")" "-eq 504"
wait_until 15 expired_is_answered
expect "a key whose request was begun too late is answered later" $? "-eq 0"
expect "answers of that key that are called replayed" "$(grep -ci '^idempotent-replayed' "$dir/expiring.head")" "-eq 0"
read -r status place <<<"$(late once 1500)"
expect "the status of what is committed too late" "$status" "-eq 504"
kill_at_once "$gateway"
run_gateway
wait_until 15 curl -sf -o "$dir/ready" "127.0.0.1:$port/v2/health/ready"
wait_until 15 ended "$place"
expect "the status of its poll" "$(poll "$place")" "-eq 200"
expect_words "the answer that was late" "$dir/polled" '\[42\.0\]'
expect "the status for who guesses another's" "$(poll "${place%????}0000")" "-eq 404"
kill "$engine"
wait_for "$engine"
run_engine
wait_until 15 answers once || give_up "nothing is answered exactly once again"

# Keys of callers, while the gateway that they ask first is killed and started again. The one that is left is the other.
other=$(free_port) first=$gateway
run_gateway $other
second=$gateway
wait_until 15 curl -sf -o "$dir/ready" "127.0.0.1:$other/v2/health/ready"
python3 "$here/gateway_keys.py" "$port" "$other" 8 times >"$dir/keys.out" 2>"$dir/keys.log" &
ours $!
callers=$started
for _ in 1 2 3; do
	sleep 2
	kill_at_once "$first"
	run_gateway "$port"
	first=$gateway
done
wait_for "$callers" || give_up "the callers with keys did not end"
cat "$dir/keys.out"
for fate in unanswered differing other; do
	expect "keys that ended $fate" "$(figure $fate "$dir/keys.out")" "-eq 0"
done
expect "keys that were answered" "$(figure keys "$dir/keys.out")" "-ge $((100 / patience))"

# A call whose gateway dies while its request waits for the engine has its answer at the other one, from the same request.
keyed() { # $1 port, then options
	curl -s --max-time $((30 * patience)) -D "$dir/keyed.head" -o "$dir/keyed" -w '%{http_code}' "${@:2}" \
		"127.0.0.1:$1/v2/pipelines/times/infer" -H 'idempotency-key: one that outlives its gateway' -H "x-timeout-ms: 25000" \
		-d '{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[0.5]}]}'
}
accepted() { [ "$(keyed "$other" -H 'prefer: respond-async')" = 202 ]; }
replayed() { [ "$(keyed "$other")" = 200 ]; }
requests_of_times() { "$build/records" count "$brokers" sluice.default.pipeline.times.inputs 2>>"$dir/records.log"; }
written() { [ "$(requests_of_times)" -gt "$requests" ]; }
requests=$(requests_of_times)
kill -STOP "$engine"
keyed "$port" >"$dir/reset.status" &
ours $!
caller=$started
wait_until 15 written || give_up "the request of a key was not written" # else the other gateway would make it
wait_until 15 accepted || give_up "the other gateway does not know the request of a key"
kill_at_once "$first"
wait_for "$caller"
expect "the status of a call whose gateway died" "$(cat "$dir/reset.status")" "-eq 0"
kill -CONT "$engine"
wait_until 15 replayed || give_up "the other gateway has no answer of a key whose gateway died"
expect_words "its answer at the other gateway" "$dir/keyed.head" '^[Ii]dempotent-[Rr]eplayed: true'
expect_words "how often the pipeline was asked" "$dir/keyed" '"data":\[1\]'
expect "requests of a key that two gateways were asked" $(($(requests_of_times) - requests)) "-eq 1"
kill_at_once "$second"
run_gateway

# A gateway whose Kafka is away is not ready, after a while, and is again when Kafka is back. It lives, and says why. One that an
# engine answers directly is ready all the time, and says which of its pipelines can be asked.
status_of() { # $1 port, $2 path; the answer is in $dir/status
	curl -s --max-time 5 -o "$dir/status" -w '%{http_code}' "127.0.0.1:$1$2"
}
status_is() { [ "$(status_of "$2" "$3")" = "$1" ]; }
{ cat "$dir/pipelines.yaml"; pipeline swift at-least-once | sed 's/^  steps:/  ingress: direct\n&/'; } >"$dir/direct.yaml"
direct=$(free_port)
"$sluice" run -f "$dir/direct.yaml" --brokers "$brokers" --instance two --http "$direct" >>"$dir/direct.log" 2>&1 &
ours $!
directly=$started
wait_until 20 status_is 200 "$direct" /v2/health/ready || give_up "the engine with a gateway does not start"
broker=$(cat "$dir/kafka/pid")
for absence in stopped killed; do
	if [ $absence = stopped ]; then kill -STOP "$broker"; else "$here/broker.sh" kill "$dir/kafka"; fi
	sleep 5
	expect "Kafka is $absence: ready for a moment yet" "$(status_of "$port" /v2/health/ready)" "-eq 200"
	wait_until 25 status_is 503 "$port" /v2/health/ready
	expect "Kafka is $absence: not ready" $? "-eq 0"
	expect_words "Kafka is $absence: the reason" "$dir/status" '"ready":false,"reason":"Kafka has not answered for [0-9]+ s; check its brokers'
	expect "Kafka is $absence: live" "$(status_of "$port" /v2/health/live)" "-eq 200"
	expect "Kafka is $absence: a pipeline" "$(status_of "$port" /v2/pipelines/once/ready)" "-eq 503"
	wait_until 5 status_is 503 "$direct" /v2/pipelines/once/ready # it looks at other moments
	expect "Kafka is $absence: a pipeline of a gateway with direct ingress" $? "-eq 0"
	expect "Kafka is $absence: its pipeline of direct ingress" "$(status_of "$direct" /v2/pipelines/swift/ready)" "-eq 200"
	expect "Kafka is $absence: that gateway" "$(status_of "$direct" /v2/health/ready)" "-eq 200"
	if [ $absence = stopped ]; then kill -CONT "$broker"; else "$here/broker.sh" resume "$dir/kafka"; fi
	wait_until 20 status_is 200 "$port" /v2/health/ready
	expect "Kafka was $absence: ready again" $? "-eq 0"
	wait_until 30 answers once
	expect "Kafka was $absence: it answers" $? "-eq 0"
	expect_words "Kafka was $absence: it was logged" "$dir/gateway.log" '^[0-9T:.-]+Z warn  Kafka has not answered for 1[0-9] s: calls wait'
	back='^[0-9T:.-]+Z info  Kafka is back: it answers again, after [0-9]+ s'
	wait_until 5 grep -qE "$back" "$dir/gateway.log" # it looks each second
	expect_words "Kafka was $absence: its return was logged" "$dir/gateway.log" "$back"
done
stop_engine "direct ingress" "$directly"

# What is open when the gateway is told to stop is answered, and then it ends.
kill "$gateway"
wait_for "$gateway"
expect "the exit code of a gateway that was told to stop" "$?" "-eq 0"
stop_engine gateway "$engine"
expect "engines that ended by a signal, and said so" "$(grep -c ' info  stopping: SIGTERM  ' "$dir/engine.log")" "-eq 3"
tell_result
