#!/bin/bash
# A gateway whose topics get a smaller or larger max.message.bytes while it runs: Kafka refuses a batch of requests as a whole, and
# each of its callers has an answer all the same. A limit that is raised again is seen without a signal. While a topic is gone, its
# pipeline is not ready, direct ingress too, and callers are told which topic; when it is there again, they are answered. So it is when
# nobody saw that it was gone, because it was made again at once, and when the gateway never saw it. A topic that an engine is only
# about to create is not called absent.
#   limits.sh SLUICE BUILD      takes about 170 s
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
gateway=$started
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

delete() { # $1 topic
	"$build/admin" "$brokers" delete "$1" 2>>"$dir/admin.log" || give_up "$1 is not deleted"
}

make_again() { # $1 topic
	"$build/admin" "$brokers" make "$1" 1 delete 2>>"$dir/admin.log" || give_up "$1 is not made"
}

expect_refused() { # $1 what, $2 port, $3 pipeline, $4 words
	local began=$SECONDS
	expect "$1: a call" "$(ask "$2" "$3")" "-eq 503"
	expect_words "$1: its words" "$dir/status" "$4; create it"
	expect "$1: seconds until a call is refused" $((SECONDS - began)) "-le 2"
}

expect_back() { # $1 topic, $2 port, $3 pipeline
	wait_until 15 is_ready "$2" "$3"
	expect "$1 is there again: ready" $? "-eq 0"
	wait_until 30 answers "$2" "$3"
	expect "$1 is there again: answers" $? "-eq 0"
}

direct=$(free_port)
sed 's/name: twice/name: swift, namespace: near/; s/^  steps:/  ingress: direct\n&/' "$dir/pipelines.yaml" >"$dir/direct.yaml"
"$sluice" run -f "$dir/direct.yaml" --brokers "$brokers" --instance two --http "$direct" >>"$dir/direct.log" 2>&1 &
ours $!
two=$started
wait_until 30 answers "$direct" swift || give_up "nothing is answered directly"
sleep 3 # it has looked at its topics
for at in "$direct near swift inputs" "$direct near swift outputs" "$port default twice inputs" "$port default twice outputs"; do
	read -r where namespace pipeline role <<<"$at"
	topic=sluice.$namespace.pipeline.$pipeline.$role
	delete "$topic"
	wait_until 15 is_not_ready "$where" "$pipeline"
	expect "$topic is gone: not ready" $? "-eq 0"
	expect_words "$topic is gone: the reason" "$dir/status" "\"reason\":\"topic $topic is gone; create it"
	expect_refused "$topic is gone" "$where" "$pipeline" "topic $topic is gone"
	expect "$topic is gone: the others are ready" "$(status "$where" /v2/health/ready)" "-eq 200"
	make_again "$topic"
	expect_back "$topic" "$where" "$pipeline"
done

# ---- topics that are made again at once ----

# A call each tenth of a second for 6 s. Of each: when it began, the status, and how many seconds it took.
ask_through() { # $1 port, $2 pipeline
	python3 - "$1" "$2" <<-'END'
		import asyncio, sys, time
		port, pipeline = int(sys.argv[1]), sys.argv[2]
		body = b'{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[21]}]}'
		head = 'POST /v2/pipelines/%s/infer HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n' % (pipeline, len(body))
		async def call():
		    began = time.time()
		    reader, writer = await asyncio.open_connection('127.0.0.1', port)
		    writer.write(head.encode() + body)
		    line = await asyncio.wait_for(reader.readline(), 40)
		    writer.close()
		    print(int(began * 1000), line.split()[1].decode(), round(time.time() - began))
		async def main():
		    calls = []
		    for _ in range(60):
		        calls.append(asyncio.create_task(call()))
		        await asyncio.sleep(0.1)
		    await asyncio.gather(*calls)
		asyncio.run(main())
	END
}

# Twice: where the first one is read from its beginning, its first records may be behind the engine's position; of the second one more.
for at in "$port default twice inputs" "$port default twice inputs" "$port default twice outputs" "$direct near swift inputs" \
	"$direct near swift outputs"; do
	read -r where namespace pipeline role <<<"$at"
	topic=sluice.$namespace.pipeline.$pipeline.$role
	ask_through "$where" "$pipeline" >"$dir/through" 2>>"$dir/admin.log" &
	asking=$!
	sleep 1
	delete "$topic"
	make_again "$topic"
	made_ms=$(date +%s%3N)
	wait $asking
	expect "$topic is made again at once: calls" "$(wc -l <"$dir/through")" "-eq 60"
	awk -v made_ms="$made_ms" '$1 >= made_ms' "$dir/through" >"$dir/later" # of the others some may be in the topic that was deleted
	expect "$topic is made again at once: later calls" "$(wc -l <"$dir/later")" "-ge 20"
	expect "$topic is made again at once: answered" "$(grep -c ' 200 ' "$dir/later")" "-ge 10"
	expect "$topic is made again at once: neither answered nor refused" "$(grep -vcE ' (200|503) ' "$dir/later")" "-eq 0"
	expect "$topic is made again at once: seconds of the slowest" "$(sort -nk3 "$dir/later" | tail -1 | cut -d' ' -f3)" "-le 8"
	expect_back "$topic" "$where" "$pipeline"
done

# ---- topics that a gateway has never seen ----

names() { # $1 port, $2 pipeline, $3 words of the reason
	is_not_ready "$1" "$2" && grep -q "\"reason\":\"$3; create it" "$dir/status"
}

topic=sluice.default.pipeline.twice.outputs
kill "$gateway"
wait_for "$gateway"
delete "$topic"
"$sluice" gateway -f "$dir/pipelines.yaml" --brokers "$brokers" --http "$port" >>"$dir/gateway.log" 2>&1 &
ours $!
wait_until 30 names "$port" twice "topic $topic does not exist"
expect "$topic was deleted before the gateway started: the reason" $? "-eq 0"
expect_refused "$topic was deleted before the gateway started" "$port" twice "topic $topic does not exist"
make_again "$topic"
expect_back "$topic" "$port" twice

topic=sluice.near.pipeline.swift.inputs
kill "$two"
wait_for "$two"
"$sluice" run -f "$dir/direct.yaml" --brokers "$brokers" --instance two --http "$direct" >>"$dir/direct.log" 2>&1 &
ours $!
wait_until 30 is_ready "$direct" swift || give_up "the engine with direct ingress does not start again"
delete "$topic"
wait_until 15 names "$direct" swift "topic $topic is gone"
expect "$topic is gone before the first request: the reason" $? "-eq 0"
expect_refused "$topic is gone before the first request" "$direct" swift "topic $topic is gone"
make_again "$topic"
expect_back "$topic" "$direct" swift

# A gateway that is there before the first engine, whose topic of answers does not exist yet.
first=$(free_port)
sed 's/name: twice/name: first, namespace: fresh/' "$dir/pipelines.yaml" >"$dir/first.yaml"
"$sluice" gateway -f "$dir/first.yaml" --brokers "$brokers" --http "$first" >>"$dir/gateway.log" 2>&1 &
ours $!
wait_until 30 is_ready "$first" first || give_up "a gateway without an engine is not ready"
status "$first" /v2/pipelines/first/infer --max-time 30 -d '{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[21]}]}' >"$dir/first" &
asking=$!
sleep 2
"$sluice" run -f "$dir/first.yaml" --brokers "$brokers" --instance three >>"$dir/engine.log" 2>&1 &
ours $!
wait $asking
expect "a call before the first engine has created its topics" "$(cat "$dir/first")" "-eq 200"
tell_result
