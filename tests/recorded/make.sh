#!/bin/bash
# Records what a release writes: changelogs, snapshots, stage records, parts that wait to be
# joined, dead letters and status records. It runs that release on a real Kafka.
#   make.sh SLUICE BUILD OUT      SLUICE: the release's program; BUILD: this tree's build/kafka
# Takes about 30 s. What it writes differs in times and offsets from one run to the next.
set -u
what=recorded
recorded=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "$3" && cd "$3" && pwd)
# shellcheck source=tests/kafka/stand.sh
. "$recorded/../kafka/stand.sh"
cd "$recorded" || exit 2 # so that no path of this machine is recorded
names="remembers once least" often=8000 stands=() # requests: a snapshot wants a thousand changes

start_engine_of_release() {
	"$sluice" run -f pipelines.yaml --brokers "$brokers" --server "sum=$url" --instance recorder --drain 1s \
		--commit 10ms --state "$dir/state" --snapshot-every 1s >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
}

produce() { # $1 pipeline, then options; lines from standard input
	"$sluice" produce "$1" "${@:2}" -f pipelines.yaml --brokers "$brokers" >>"$dir/produce.log" || give_up "$1: requests were not taken"
}

# Requests $2 to $3: x is the request's number, and its key and its group are one of $keys by turns.
requests() { # $1 prefix of ids
	local i keys=${keys-3}
	for ((i = $2; i <= $3; i++)); do
		printf '{"id":"%s%d","key":"key-%d","headers":{"x-mark":"%d"},"request":{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[%d]},{"name":"group","shape":[1],"datatype":"BYTES","data":["g%d"]}]}}\n' \
			"$1" "$i" $((i % keys)) "$i" "$i" $((i % keys))
	done
}

has() { # $1 at least so many records, $2 topic
	[ "$("$build/records" count "$brokers" "$2")" -ge "$1" ]
}

dump() { # $1 topic, $2 file
	"$build/records" dump "$brokers" "$1" >"$out/$2.jsonl" || give_up "$1 could not be read"
}

start_broker
for name in $names often; do
	"$build/requests" topics -b "$brokers" -i "$name-requests" -o "$name-answers" -w 1 || give_up "no topics"
done
start_model
start_engine_of_release
engine_runs remembers-requests
requests r 1 24 | produce remembers
requests o 1 4 | produce once
requests l 1 4 | produce least
echo '{"id":"bad1","key":"key-1","body":"no request at all"}' | produce remembers
echo '{"id":"bad2","key":"key-2","request":{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["no number"]}]}}' | produce least
for name in $names; do
	wait_until 30 has 4 $name-answers || give_up "$name gives no answers"
done
wait_until 30 has 24 remembers-answers || give_up "not all answers came"
# The model goes: of these requests one part waits for the other, which never comes.
for name in once least; do
	state=sluice.recorded.pipeline.$name.stage.last.state
	stands[${#stands[@]}]=$("$build/records" count "$brokers" $state)
done
kill_at_once "$model"
requests o 5 6 | produce once
requests l 5 6 | produce least
for name in once least; do
	wait_until 30 has $((stands[0] + 2)) "sluice.recorded.pipeline.$name.stage.last.state" || give_up "$name: no parts wait"
	stands=("${stands[@]:1}")
done
# The state of these is recorded as a snapshot alone.
keys=60 requests s 1 $often | produce often --rate 1000
snapshot() { find "$dir/state" -name '*often*.snapshot'; }
has_snapshot() { [ -n "$(snapshot)" ]; }
wait_until 20 has_snapshot || give_up "no snapshot was written"
kill_at_once "$engine"
for name in $names; do
	dump "sluice.recorded.pipeline.$name.errors" "$name.errors"
	for stage in signals sum other last; do
		topic=sluice.recorded.pipeline.$name.stage.$stage
		dump "$topic" "$name.stage.$stage"
		case $name.$stage in remembers.signals | once.last | least.last) dump "$topic.state" "$name.stage.$stage.state" ;; esac
	done
done
dump remembers-answers remembers-answers
dump sluice.recorded.status status
sed -i 9q "$out/status.jsonl"
find "$out" -name "*.jsonl" -empty -delete # of stages and topics that there are not
cp "$(snapshot)" "$out"
for name in $names; do
	delivery=exactly-once
	[ $name != least ] || delivery=at-least-once
	echo "$name-requests $("$build/admin" "$brokers" offsets "sluice.recorded.$delivery" "$name-requests" 1)"
done >"$out/offsets.txt"
