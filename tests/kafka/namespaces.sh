#!/bin/bash
# One `sluice run --control --namespaces` for two namespaces, on a real Kafka whose login may touch nothing but topics, groups and
# transactional ids of these two. Kafka must deny it nothing. One namespace answers under load while the process of the other is
# killed with -9 and while documents with errors are applied there; the killed one is started again and answers.
#   namespaces.sh SLUICE BUILD      with admin and requests in BUILD
# RATE is that of the requests. Takes half a minute.
set -u
what=namespaces
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
rate=${RATE:-500} count=$((rate * 8))

command -v openssl >/dev/null || skip "openssl is not installed"
start_broker secure
start_model
straight=$brokers secure=$(cat "$dir/kafka/secure")
"$build/admin" "$straight" grant sluice sluice.alpha. sluice.beta. || give_up "no rights could be granted"
mechanism=PLAIN
if "$build/admin" "$straight" logs-in; then mechanism=SCRAM-SHA-512; fi
export SLUICE_SETTINGS='' SLUICE_AUTHOR=tester

start_several() { # arguments of run
	"$sluice" run --control "$@" --brokers "$secure" --server "sum=$url" --instance one \
		--kafka-setting security.protocol=SASL_SSL --kafka-setting sasl.mechanism=$mechanism \
		--kafka-setting sasl.username=sluice --kafka-setting "sasl.password=file:$dir/kafka/password" \
		--kafka-setting "ssl.ca.location=$dir/kafka/authority.pem" >>"$dir/engine.log" 2>&1 &
	ours $!
}
apply() { # $1 namespace, $2 document
	"$sluice" apply --brokers "$straight" -n "$1" -f "$2" >"$dir/apply.log" 2>&1
}
denied() {
	grep -c "is Denied" "$dir/kafka/log"
}
says() { # $1 seconds, $2 words, $3 how often at least
	wait_until "$1" eval "[ \"\$(grep -c '$2' '$dir/engine.log')\" -ge $3 ]"
	expect "status of waiting for \"$2\"" $? "-eq 0"
}
cat >"$dir/call.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Pipeline
	metadata: {name: call}
	spec:
	  delivery: exactly-once
	  steps:
	  - {name: scale, expression: {set: {x: x * 2 + 1}}}
	  - {name: sum, inputs: [scale]}
	  output: {steps: [sum], topic: sluice.NAMESPACE.call-answers}
END
sed "s/expression:/expresion:/; s/NAMESPACE/beta/" "$dir/call.yaml" >"$dir/wrong.yaml"
for namespace in alpha beta; do
	sed "s/NAMESPACE/$namespace/" "$dir/call.yaml" >"$dir/$namespace.yaml"
	topics "sluice.$namespace.call" "sluice.$namespace.call-answers"
done

metrics=$(free_port 2) http=$(free_port 2)
start_several --namespaces alpha,beta --metrics "$metrics" --http "$http" --health-socket "$dir/health"
several=$started
for namespace in alpha beta; do
	says 30 "is now the keeper of namespace .$namespace" 1
	apply "$namespace" "$dir/$namespace.yaml"
	expect "status of apply to $namespace" $? "-eq 0"
	says 30 "call: reads sluice.$namespace.pipeline.call.inputs" 1
done

# Ports of its own for each: of metrics, of the gateway, and a socket.
answers_as() { curl -s -o "$dir/curl" -w '%{http_code}' "$1" | grep -q 200 && grep -q "$2" "$dir/curl"; }
for n in 0 1; do
	namespace=$(echo alpha beta | cut -d ' ' -f $((n + 1)))
	wait_until 20 answers_as "http://127.0.0.1:$((metrics + n))/metrics" "namespace=\"$namespace\""
	expect "status of waiting for metrics of $namespace" $? "-eq 0"
	wait_until 20 answers_as "http://127.0.0.1:$((http + n))/v2/health/ready" ""
	expect "status of waiting for the gateway of $namespace" $? "-eq 0"
	"$sluice" health --socket "$dir/health.$namespace" >"$dir/health.log" 2>&1
	expect "status of the health of $namespace by its socket" $? "-eq 0"
done

send sluice.alpha.pipeline.call.inputs "$count" "$rate"
sleep 2
kill -9 "$(pgrep -P "$several" | sort -n | sed -n 2p)"
says 10 "namespace beta: its engine ended by signal 9; it is started again" 1
for turn in 1 2 3; do
	apply beta "$dir/wrong.yaml"
	expect "status of apply of errors, turn $turn" $? "-gt 0"
done
sent
# Shorter than the other one is away, which is 2 s, its start, and the session of 6 s that it left; a machine alone has 250 ms.
check_answers sluice.alpha.call "$count" "uncommitted: silence_ms:-lt:4000"
says 20 "call: reads sluice.beta.pipeline.call.inputs" 2
send sluice.beta.pipeline.call.inputs "$count" 0
sent
check_answers sluice.beta.call "$count" "uncommitted: silence_ms:"
expect "what Kafka denied the login of both" "$(denied)" "-eq 0"

stop_engine several "$several"
expect "processes that are left" "$(pgrep -c -g "$several" 2>/dev/null)" "-eq 0"

# The same login may not serve another namespace, and ends.
start_several --namespaces gamma
wait_until 30 eval '! kill -0 "$started" 2>/dev/null' || give_up "an engine without rights does not end"
wait_for "$started"
expect "exit status of an engine without rights" $? "-gt 0"
expect "what Kafka denied it" "$(denied)" "-gt 0"
tell_result
