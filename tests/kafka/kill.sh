#!/bin/bash
# The promise of exactly-once, held on a real Kafka: under load the engine is killed with
# -9 every 2 s for 20 s and started again; whoever reads only what is committed must find
# each answer once, right, and in its key's order. Beside it the messages per CPU second
# of an engine left in peace, against a bare transactional forwarder.
#   kill.sh BUILD      with skeleton, forward, requests and model_server in BUILD
# SECONDS_UNDER_FIRE, RATE, BACKLOG change the sizes. Takes about a minute.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
seconds=${SECONDS_UNDER_FIRE:-20} rate=${RATE:-5000} backlog=${BACKLOG:-600000}
commit_ms=100 call=$here/../skeleton/call.yaml
passed=0 failed=0

dir=$(mktemp -d)
engine='' model='' sender=''
end() {
	local pid
	for pid in $engine $model $sender; do
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null # before the shell tells of its death
	done
	"$here/broker.sh" stop "$dir/kafka"
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM

give_up() {
	echo "kill: $*" >&2
	tail -n 5 "$dir"/*.log 2>/dev/null >&2
	echo "$passed passed, $((failed + 1)) failed"
	exit 1
}

expect() { # $1 what, $2 got, $3 how it must be, as a test's operator and operand
	# shellcheck disable=SC2086
	if [ "$2" $3 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "kill: $1: $2, which should be $3"
	fi
}

start_engine() { # $1 in, $2 out, $3 group, more: its own options
	local in=$1 out=$2 group=$3
	shift 3
	"$build/skeleton" -b "$brokers" -i "$in" -o "$out" -g "$group" "$@" 2>>"$dir/engine.log" &
	engine=$!
}

brokers=$("$here/broker.sh" start "$dir/kafka" 2>"$dir/broker.log")
status=$?
if [ $status -eq 3 ]; then
	echo "skipped: kafka: $(tail -1 "$dir/broker.log")"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
[ $status -eq 0 ] || give_up "no broker"
"$build/model_server" >"$dir/model.port" 2>"$dir/model.log" &
model=$!
until [ -s "$dir/model.port" ]; do
	kill -0 $model 2>/dev/null || give_up "no model server"
	sleep 0.05
done
url=http://127.0.0.1:$(cat "$dir/model.port")

# ---- under fire ----

count=$((rate * seconds)) kills=0
"$build/requests" topics -b "$brokers" -i fire -o fire-answers 2>"$dir/requests.log" || give_up "no topics"
"$build/requests" send -b "$brokers" -i fire -n $count -r "$rate" 2>"$dir/sender.log" &
sender=$!
start_engine fire fire-answers fire -u "$url" "$call"
for ((second = 0; second < seconds; second += 2)); do
	sleep 2
	kill -9 $engine && kills=$((kills + 1))
	wait $engine 2>/dev/null
	start_engine fire fire-answers fire -u "$url" "$call"
done
wait $sender || give_up "the requests could not be sent"
sender=''
found=$("$build/requests" check -b "$brokers" -o fire-answers -n $count 2>"$dir/check.log") || give_up "the answers could not be read"
kill $engine && wait $engine
expect "exit status of the engine that was asked to stop" $? "-eq 0"
engine=''
echo "$count requests with a model call each, $rate a second, $kills kills: $found"
for word in $found; do
	case $word in
	# What the dead left behind: without it, no kill has hit an open transaction.
	uncommitted=*) expect "${word%%=*} answers" "${word#*=}" "-gt 0" ;;
	silence_ms=*) expect "${word%%=*} at a restart" "${word#*=}" "-lt 3000" ;;
	*) expect "${word%%=*} answers" "${word#*=}" "-eq 0" ;;
	esac
done
expect "kills" $kills "-eq $((seconds / 2))"

# ---- in peace ----

"$build/requests" topics -b "$brokers" -i backlog -o backlog-answers 2>"$dir/requests.log" || give_up "no topics"
"$build/requests" send -b "$brokers" -i backlog -n "$backlog" 2>"$dir/sender.log" || give_up "the backlog could not be sent"

# Messages per CPU second of the process in $engine, which it ends; into $speed.
measure() { # $1 group, $2 messages, $3 topic
	local used
	used=$("$build/requests" follow -b "$brokers" -i "$3" -g "$1" -n "$2" -p "$engine" 2>"$dir/follow.log") ||
		give_up "$1 did not finish"
	kill "$engine" && wait "$engine"
	engine=''
	speed=$(awk "BEGIN { printf \"%d\", $2 / $used }")
}

for round in 1 2; do
	"$build/forward" -b "$brokers" -i backlog -o backlog-answers -g "forward-$round" -t $commit_ms 2>>"$dir/forward.log" &
	engine=$!
	measure "forward-$round" "$backlog" backlog
	forward=$speed
	start_engine backlog backlog-answers "engine-$round" -t $commit_ms "$here/../skeleton/expression.yaml"
	measure "engine-$round" "$backlog" backlog
	echo "messages per CPU second, one expression, no call: forwarder $forward, engine $speed," \
		"ratio $(awk "BEGIN { printf \"%.2f\", $speed / $forward }")"
done
start_engine fire backlog-answers calls -t $commit_ms -u "$url" "$call"
measure calls $count fire
echo "messages per CPU second, with a REST call each: engine $speed"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
