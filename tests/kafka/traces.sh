#!/bin/bash
# The trace context of a request on a real Kafka: from a caller by REST through the gateway, two stages, a pipeline that a step
# calls, and a pipeline that reads the answers, to the model that both call, and to each answer. Headers of B3 become a traceparent.
# A request without a trace has none anywhere.
#   traces.sh SLUICE BUILD
# Takes about 20 s, with the start of Kafka.
set -u
what=traces
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

start_broker brisk creates
model=$(free_port)
"$here/trace_model.py" "$model" side >"$dir/calls" 2>"$dir/model.log" &
ours $!
port=$(free_port)
"$sluice" run -f "$here/traces.yaml" -n traced --brokers "$brokers" --server "side=http://127.0.0.1:$model" --instance one \
	--http "$port" >"$dir/engine.log" 2>&1 &
ours $!
engine=$started
ready() { [ "$(curl -s -o /dev/null -w '%{http_code}' "127.0.0.1:$port/v2/pipelines/outer/ready")" = 200 ]; }
wait_until 30 ready || give_up "the engine with a gateway does not start"

trace=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7
ask() { # $1 id, then headers; the head of the answer is in $dir/head
	local id=$1 header headers=()
	for header in "${@:2}"; do headers+=(-H "$header"); done
	curl -s --max-time $((10 * patience)) -o "$dir/body" -D "$dir/head" -w '%{http_code}' \
		-H "x-request-id: $id" "${headers[@]}" "127.0.0.1:$port/v2/pipelines/outer/infer" \
		-d '{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[21]}]}'
}
called() { [ "$(wc -l <"$dir/calls")" -ge "$1" ]; } # $1 times, of requests and of the pipeline that reads their answers
answer_header() { # $1 pipeline, $2 id, $3 name: of its answer, - for none
	"$build/records" dump "$brokers" "sluice.traced.pipeline.$1.outputs" 2>"$dir/records.log" |
		jq -r --arg id "$2" --arg name "$3" '[.headers[] | {(.[0]): .[1]}] | add // {} |
			select((."x-request-id" // "" | @base64d) == $id) | (.[$name] | if . then @base64d else "-" end)'
}
answered() { [ -n "$(answer_header "$1" "$2" x-request-id)" ]; }

# $1 id, $2 what traceparent and tracestate are to be everywhere, $3 calls by then, then headers of the request
follow() {
	local id=$1 wanted=$2 calls=$3 pipeline
	expect "$id: status" "$(ask "$id" "${@:4}")" "-eq 200"
	wait_until 20 called "$calls" || give_up "$id: the model is not called $calls times"
	expect "$id: traces of both calls" "$(tail -n 2 "$dir/calls" | sort -u | tr ' ' ,)" "= ${wanted/ /,}"
	for pipeline in outer next; do
		wait_until 20 answered $pipeline "$id" || give_up "$id: $pipeline has no answer"
		expect "$id: traceparent of the answer of $pipeline" "$(answer_header $pipeline "$id" traceparent)" "= ${wanted% *}"
		expect "$id: tracestate of the answer of $pipeline" "$(answer_header $pipeline "$id" tracestate)" "= ${wanted#* }"
	done
}

follow traced "00-$trace-$span-01 a=1" 2 "traceparent: 00-$trace-$span-01" "tracestate: a=1"
expect_words "traced: the caller's answer" "$dir/head" "^traceparent: 00-$trace-$span-01"
follow single "00-$trace-$span-01 -" 4 "b3: $trace-$span-1"
follow several "00-$trace-$span-00 -" 6 "X-B3-TraceId: $trace" "X-B3-SpanId: $span" "X-B3-Sampled: 0"
follow untraced "- -" 8
follow invalid "- -" 10 "traceparent: 00-$trace-$span"
stop_engine traces "$engine"
tell_result
