#!/bin/bash
# A gateway whose topics get a smaller or larger max.message.bytes while it runs: Kafka refuses a batch of requests as a whole, and
# each of its callers has an answer all the same. A limit that is raised again is seen without a signal. While a topic is gone, its
# pipeline is not ready, direct ingress too, and callers are told which topic; when it is there again, they are answered.
#   limits.sh SLUICE BUILD      takes about 110 s
set -u
what=limits
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

many=600 # calls at once
limit=8000 # of the topic: about thirty requests

ask_many() { # $1 file for the statuses
	python3 - "$port" "$many" >"$1" <<-'END'
		import asyncio, sys
		port, many = int(sys.argv[1]), int(sys.argv[2])
		body = b'{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[21]}]}'
		head = b'POST /v2/pipelines/twice/infer HTTP/1.1\r\nhost: 127.0.0.1\r\nx-timeout-ms: 8000\r\ncontent-length: %d\r\n\r\n' % len(body)
		async def opened(gate):
		    reader, writer = await asyncio.open_connection('127.0.0.1', port)
		    await gate.wait()
		    writer.write(head + body)
		    line = await asyncio.wait_for(reader.readline(), 20)
		    writer.close()
		    return line.split()[1].decode()
		async def main():
		    gate = asyncio.Event()
		    calls = [asyncio.create_task(opened(gate)) for _ in range(many)]
		    await asyncio.sleep(1)
		    gate.set()
		    for status in await asyncio.gather(*calls, return_exceptions=True):
		        print(status)
		asyncio.run(main())
	END
}

large() { # the status of a call of 20 kB
	jq -nc '{inputs: [{name: "x", datatype: "FP64", shape: [5000], data: [range(5000) | 21]}]}' |
		curl -s --max-time 10 -o "$dir/large" -w '%{http_code}' "127.0.0.1:$port/v2/pipelines/twice/infer" -d @-
}

takes_large() {
	[ "$(large)" -eq 200 ]
}

refuses_large() {
	[ "$(large)" -eq 413 ]
}

limit_is() { # $1 bytes
	"$build/admin" "$brokers" set sluice.default.pipeline.twice.inputs max.message.bytes "$1" 2>"$dir/admin.log" || give_up "no limit of $1"
}

command -v curl >/dev/null || skip "curl is not installed"
start_broker brisk
port=$(free_port)
cat >"$dir/pipelines.yaml" <<-'END'
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Pipeline
	metadata: {name: twice}
	spec:
	  delivery: at-least-once
	  steps:
	  - {name: double, expression: {set: {x: x * 2}}}
	  output: {steps: [double]}
END
"$sluice" run -f "$dir/pipelines.yaml" --brokers "$brokers" --instance one >>"$dir/engine.log" 2>&1 &
ours $!
"$sluice" gateway -f "$dir/pipelines.yaml" --brokers "$brokers" --http "$port" >>"$dir/gateway.log" 2>&1 &
ours $!
wait_until 20 takes_large || give_up "nothing is answered"

limit_is $limit
ask_many "$dir/lowered"
expect "calls that were answered when the limit was lowered" "$(grep -c '^200$' "$dir/lowered")" "-eq $many"
expect_words "what the gateway says" "$dir/gateway.log" 'refused a batch of records.*are sent again'
ask_many "$dir/after"
expect "calls that were answered after that" "$(grep -c '^200$' "$dir/after")" "-eq $many"
expect "times that a batch was refused" "$(grep -c 'refused a batch' "$dir/gateway.log")" "-le 2"
expect "the status of a large call" "$(large)" "-eq 413"

sleep 1 # what was asked for meanwhile has been read
limit_is 1000000
began=$SECONDS
wait_until 60 takes_large || give_up "a limit that was raised is not seen"
echo "a limit that was raised is seen after $((SECONDS - began)) s"
ask_many "$dir/raised"
expect "calls that were answered when the limit was raised" "$(grep -c '^200$' "$dir/raised")" "-eq $many"

# ---- topics that are deleted while their pipeline is asked ----

status() { # $1 port, $2 path, then options of curl
	curl -s --max-time 10 -o "$dir/status" -w '%{http_code}' "127.0.0.1:$1$2" "${@:3}"
}

ask() { # $1 port, $2 pipeline
	status "$1" "/v2/pipelines/$2/infer" -d '{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[21]}]}'
}

is_ready() { # $1 port, $2 pipeline
	[ "$(status "$1" "/v2/pipelines/$2/ready")" -eq 200 ]
}

is_not_ready() {
	! is_ready "$@"
}

answers() { # $1 port, $2 pipeline
	[ "$(ask "$1" "$2")" -eq 200 ]
}

direct=$(free_port)
sed 's/name: twice/name: swift, namespace: near/; s/^  steps:/  ingress: direct\n&/' "$dir/pipelines.yaml" >"$dir/direct.yaml"
"$sluice" run -f "$dir/direct.yaml" --brokers "$brokers" --instance two --http "$direct" >>"$dir/direct.log" 2>&1 &
ours $!
wait_until 30 answers "$direct" swift || give_up "nothing is answered directly"
sleep 3 # it has looked at its topics
for at in "$direct near swift inputs" "$direct near swift outputs" "$port default twice inputs" "$port default twice outputs"; do
	read -r where namespace pipeline role <<<"$at"
	topic=sluice.$namespace.pipeline.$pipeline.$role
	"$build/admin" "$brokers" delete "$topic" 2>>"$dir/admin.log" || give_up "$topic is not deleted"
	wait_until 15 is_not_ready "$where" "$pipeline"
	expect "$topic is gone: not ready" $? "-eq 0"
	expect_words "$topic is gone: the reason" "$dir/status" "\"reason\":\"topic $topic is gone; create it"
	began=$SECONDS
	expect "$topic is gone: a call" "$(ask "$where" "$pipeline")" "-eq 503"
	expect_words "$topic is gone: its words" "$dir/status" "topic $topic is gone; create it"
	expect "$topic is gone: seconds until a call is refused" $((SECONDS - began)) "-le 2"
	expect "$topic is gone: the others are ready" "$(status "$where" /v2/health/ready)" "-eq 200"
	sleep 5 # consumers have seen it, too
	"$build/admin" "$brokers" make "$topic" 1 delete 2>>"$dir/admin.log" || give_up "$topic is not made"
	wait_until 15 is_ready "$where" "$pipeline"
	expect "$topic is there again: ready" $? "-eq 0"
	wait_until 30 answers "$where" "$pipeline"
	expect "$topic is there again: answers" $? "-eq 0"
done
tell_result
