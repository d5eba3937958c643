#!/bin/bash
# Engines and gateways that are started while Kafka hangs, on a real Kafka: they wait for as long as it takes, say what for, answer
# probes meanwhile, and run when it answers. One that is told to stop meanwhile ends within seconds. Those that follow a control
# plane then run, and serve, what is applied.
#   slow_start.sh SLUICE BUILD
# HUNG_S is how long it hangs: longer than each of its questions may last. Takes about 40 seconds.
set -u
what=slow_start
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
hung_s=${HUNG_S:-18}

pipeline() { # $1 name, $2 summand
	printf 'apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n' "$1"
	printf '  steps: [{name: add, expression: {set: {y: x + %d}}}]\n  output: {steps: [add]}\n' "$2"
}
pipeline plus 1 >"$dir/plus.yaml"
request='{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[1]}]}'

status_of() { # $1 port, $2 path; the answer is in $dir/status
	curl -s --max-time 2 -o "$dir/status" -w '%{http_code}' "127.0.0.1:$1$2"
}
status_is() { [ "$(status_of "$2" "$3")" = "$1" ]; }
# A call of gRPC by curl, without a message, or with one of a length below 2^24.
grpc_status() { # $1 port, $2 method, $3 length of the message
	local length=${3-0}
	{
		printf '\0%b' "$(printf '\\0%03o' 0 $((length >> 16)) $((length >> 8 & 255)) $((length & 255)))"
		head -c "$length" /dev/zero
	} | curl -s --max-time 2 --http2-prior-knowledge -H 'content-type: application/grpc' -H 'te: trailers' \
		--data-binary @- -o "$dir/grpc" -D "$dir/status" "127.0.0.1:$1/inference.GRPCInferenceService/$2"
	sed -n 's/^grpc-status: *\([0-9]*\).*/\1/p' "$dir/status"
}
answers() { # $1 port; then a pipeline and its sum
	curl -s --max-time 5 -d "$request" "127.0.0.1:$1/v2/pipelines/${2-plus}/infer" | grep -q "\"data\": *\[${3-2}"
}
applied() { # $1 file
	"$sluice" apply -f "$1" -n applied --brokers "$brokers" --author tester >"$dir/apply.log" 2>&1
}

declare -A pid port
begin() { # $1 whose, then a command and its arguments, with PORT for its port
	local one=$1
	port[$one]=$(free_port)
	local words=("${@/%PORT/${port[$one]}}")
	"$sluice" "${words[@]:1}" --http "${port[$one]}" --brokers "$brokers" >"$dir/$one.out" 2>"$dir/$one.log" &
	ours $!
	pid[$one]=$started
}

start_broker
export SLUICE_SETTINGS=
broker=$(cat "$dir/kafka/pid")
metrics=$(free_port)
grpc=$(free_port)
kill -STOP "$broker"
begin files run -f "$dir/plus.yaml" -n files --instance files --metrics "$metrics" --health-socket "$dir/socket" \
	--grpc "$grpc"
begin control run --control -n applied --instance control
begin gateway gateway -f "$dir/plus.yaml" -n files --grpc PORT
begin following gateway --control -n applied
begin told gateway -f "$dir/plus.yaml" -n told
frozen=$SECONDS

for one in files control gateway following; do
	wait_until 5 status_is 200 "${port[$one]}" /v2/health/live
	expect "$one: it lives while Kafka hangs" $? "-eq 0"
	expect "$one: readiness while Kafka hangs" "$(status_of "${port[$one]}" /v1/health/ready)" "-eq 503"
	expect_words "$one: the reason" "$dir/status" '"ready":false,"reason":"the start waits for Kafka: it has not given .*"'
	expect "$one: a request while Kafka hangs" "$(status_of "${port[$one]}" /v2/pipelines/plus/infer)" "-eq 503"
done
for method in ServerLive:0 ServerReady:14 ModelInfer:14; do
	expect "files: status of ${method%:*} at the port for gRPC" "$(grpc_status "$grpc" "${method%:*}")" "-eq ${method#*:}"
done
expect "files: status of a call of 100,000 bytes" "$(grpc_status "$grpc" ModelInfer 100000)" "-eq 14"
expect "gateway: status of ServerReady at one port for both" "$(grpc_status "${port[gateway]}" ServerReady)" "-eq 14"
expect_words "the reason" "$dir/status" "grpc-message: the start waits for Kafka: it has not given "
expect "files: /live at the port for metrics" "$(status_of "$metrics" /live)" "-eq 200"
expect "files: /ready at the port for metrics" "$(status_of "$metrics" /ready)" "-eq 503"
"$sluice" health --socket "$dir/socket" >"$dir/health.out" 2>&1
expect "files: status of health by its socket" $? "-eq 0"

sleep 3 # it is asking Kafka
told=$SECONDS
kill "${pid[told]}"
wait_for "${pid[told]}"
expect "exit status of a gateway that is told to stop while it waits" $? "-eq 0"
expect "seconds until it has stopped" $((SECONDS - told)) "-le $((8 * patience))"

while [ $((SECONDS - frozen)) -lt "$hung_s" ]; do sleep 0.2; done
for one in files control gateway following; do
	expect_words "$one: what it waits for" "$dir/$one.log" 'warn +.*the start waits for Kafka: it has not given .* It has waited for 1[0-9] s'
	expect "$one: it lives when its first questions are over" "$(status_of "${port[$one]}" /v2/health/live)" "-eq 200"
	kill -0 "${pid[$one]}"
	expect "$one: status of looking whether it still runs" $? "-eq 0"
done
kill -CONT "$broker"
for one in files gateway; do
	wait_until 40 answers "${port[$one]}"
	expect "$one: it answers when Kafka is back" $? "-eq 0"
	expect_words "$one: it says so" "$dir/$one.log" 'info +.*Kafka has answered after [0-9]+ s: the start continues'
done

# An engine without documents lives, and says why it is not ready, until there are some.
wait_until 30 grep -qs "is now the keeper" "$dir/control.log"
expect "control: status of waiting for a keeper" $? "-eq 0"
wait_until 30 grep -qs "the start continues" "$dir/following.log"
for one in control following; do
	wait_until 5 status_is 200 "${port[$one]}" /v1/health/live
	expect "$one: it lives without documents" $? "-eq 0"
	expect "$one: readiness without documents" "$(status_of "${port[$one]}" /v1/health/ready)" "-eq 503"
	expect_words "$one: the reason" "$dir/status" 'no documents are in force yet; `sluice apply` the files'
done
applied "$dir/plus.yaml"
expect "status of apply" $? "-eq 0"
for one in control following; do
	wait_until 30 status_is 200 "${port[$one]}" /v1/health/ready
	expect "$one: it is ready with documents" $? "-eq 0"
	wait_until 10 answers "${port[$one]}"
	expect "$one: status of a request" $? "-eq 0"
done

# What changes is served, and what is deleted is not.
pipeline more 2 >"$dir/more.yaml"
applied "$dir/more.yaml"
expect "status of another apply" $? "-eq 0"
wait_until 30 answers "${port[following]}" more 3
expect "following: status of a request of what was applied later" $? "-eq 0"
"$sluice" delete pipeline/plus -n applied --brokers "$brokers" --author tester >"$dir/delete.log" 2>&1
expect "status of delete" $? "-eq 0"
wait_until 30 status_is 404 "${port[following]}" /v2/pipelines/plus
expect "following: status of looking whether what was deleted is gone" $? "-eq 0"
answers "${port[following]}" more 3
expect "following: status of a request of what is left" $? "-eq 0"

# While Kafka hangs, a reload of files waits for it, and callers and probes are answered nevertheless.
kill -STOP "$broker"
{ pipeline plus 1 && echo --- && pipeline plus-more 4; } >"$dir/plus.yaml"
kill -HUP "${pid[files]}"
sleep 1
expect "files: it lives while a reload waits" "$(status_of "${port[files]}" /v2/health/live)" "-eq 200"
expect "files: the metrics while a reload waits" "$(status_of "$metrics" /metrics)" "-eq 200"
kill -CONT "$broker"
wait_until 30 grep -q "the files were reloaded" "$dir/files.log"
expect "files: status of waiting for the reload" $? "-eq 0"
wait_until 10 answers "${port[files]}" plus-more 5
expect "files: status of a request of what was added" $? "-eq 0"
for one in gateway following files control; do
	kill "${pid[$one]}"
	wait_for "${pid[$one]}"
	expect "$one: exit status when it is told to stop" $? "-eq 0"
done
tell_result
