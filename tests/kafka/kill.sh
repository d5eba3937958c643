#!/bin/bash
# What delivery promises, held on a real Kafka. Under load an engine is killed with -9
# every 2 s for 20 s and started again; then a second one joins it and is killed for
# good. Exactly once, whoever reads only what is committed must find each answer once,
# right, and in its key's order; at least once, in 10 s of the same, none may be missing,
# wrong or first seen out of order. Beside it the messages per CPU second of an engine
# left in peace, against a bare transactional forwarder.
#   kill.sh SLUICE BUILD      with forward, requests and model_server in BUILD
# SECONDS_UNDER_FIRE, RATE, BACKLOG change the sizes. Takes about a minute and a half.
set -u
here=$(cd "$(dirname "$0")" && pwd)
sluice=$(realpath "$1")
build=$(cd "$2" && pwd)
seconds=${SECONDS_UNDER_FIRE:-20} rate=${RATE:-5000} backlog=${BACKLOG:-600000}
rounds=3 commit_ms=100
passed=0 failed=0

dir=$(mktemp -d)
engine='' second='' model='' sender=''
end() {
	local pid
	for pid in $engine $second $model $sender; do
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

topics() { # $1 in, $2 out
	"$build/requests" topics -b "$brokers" -i "$1" -o "$2" 2>"$dir/topics.log" || give_up "no topics $1 and $2"
}

start_engine() { # $1 pipeline, $2 topic, $3 namespace, $4 delivery, $5 instance; its pid into $started
	sed -e "s/TOPIC/$2/; s/GROUP/$3/; s/DELIVERY/$4/" "$here/$1.yaml" >"$dir/$3.yaml"
	"$sluice" run -f "$dir/$3.yaml" --brokers "$brokers" --server "sum=$url" --instance "$5" --commit "${commit_ms}ms" \
		>>"$dir/engine.log" 2>&1 &
	started=$!
}

kill_engine() { # $1 pid
	kill -9 "$1" || give_up "an engine was dead before it was killed"
	wait "$1" 2>/dev/null
}

# Waits for the answers to $2 requests on $1, and then lets the engine drain and end.
# $3: how many records must stand there that were never committed, at least; "again":
# an answer may come again, though not before earlier ones of its key. $4: the longest
# silence in milliseconds: less where the killed one came back than where a session had
# to end first.
check_answers() {
	local found word
	found=$("$build/requests" check -b "$brokers" -o "$1-answers" -n "$2" 2>"$dir/check.log") || give_up "no answers could be read"
	kill "$engine" && wait "$engine"
	expect "$1: exit status of the engine that was asked to stop" $? "-eq 0"
	engine=''
	echo "$1: $2 requests with a model call each: $found"
	for word in $found; do
		case $3:$word in
		again:doubled=* | again:uncommitted=*) ;;
		*:uncommitted=*) expect "$1: ${word%%=*}" "${word#*=}" "-ge $3" ;;
		*:silence_ms=*) expect "$1: ${word%%=*}" "${word#*=}" "-lt $4" ;;
		*) expect "$1: ${word%%=*}" "${word#*=}" "-eq 0" ;;
		esac
	done
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

send() { # $1 topic, $2 how many, $3 a second; 0: at once
	"$build/requests" send -b "$brokers" -i "$1" -n "$2" -r "$3" 2>"$dir/sender.log" &
	sender=$!
}

sent() {
	wait "$sender" || give_up "the requests could not be sent"
	sender=''
}

# ---- killed and started again ----

fire() { # $1 topic, group and name; $2 delivery, $3 seconds
	local second
	topics "$1" "$1-answers"
	send "$1" $((rate * $3)) "$rate"
	start_engine call "$1" "$1" "$2" one
	engine=$started
	for ((second = 0; second < $3; second += 2)); do
		sleep 2
		kill_engine "$engine"
		start_engine call "$1" "$1" "$2" one
		engine=$started
	done
	sent
}

fire restarts exactly-once "$seconds"
check_answers restarts $((rate * seconds)) 1 3000 # else no kill has hit an open transaction
fire repeats at-least-once $((seconds / 2))
check_answers repeats $((rate * seconds / 2)) again 3000

# ---- joined by another, which dies ----

# As long as the group needs to take the dead one's partitions away: a session of 6 s.
handover=$((rate * 12))
topics handover handover-answers
send handover $handover "$rate"
start_engine call handover handover exactly-once one
engine=$started
sleep 2
start_engine call handover handover exactly-once two
second=$started
sleep 3
kill_engine "$second"
second=''
sent
check_answers handover $handover 0 12000

# ---- in peace ----

topics backlog backlog-answers
send backlog "$backlog" 0
sent

# Messages per CPU second of the process in $engine, which it ends; into $speed.
measure() { # $1 group, $2 messages, $3 topic
	local used
	used=$("$build/requests" follow -b "$brokers" -i "$3" -g "$1" -n "$2" -p "$engine" 2>"$dir/follow.log") ||
		give_up "$1 did not finish"
	kill "$engine" && wait "$engine"
	engine=''
	speed=$(awk "BEGIN { printf \"%d\", $2 / $used }")
}

for ((round = 1; round <= rounds; round++)); do
	"$build/forward" -b "$brokers" -i backlog -o backlog-answers -g "forward-$round" -t $commit_ms 2>>"$dir/forward.log" &
	engine=$!
	measure "forward-$round" "$backlog" backlog
	forward=$speed
	start_engine expression backlog "engine-$round" exactly-once one
	engine=$started
	measure "sluice.engine-$round.exactly-once" "$backlog" backlog
	awk "BEGIN { printf \"%d %d %.2f\n\", $forward, $speed, $speed / $forward }"
done | sort -n -k 3 >"$dir/speeds"
[ "$(wc -l <"$dir/speeds")" -eq $rounds ] || give_up "the speeds could not be measured"
awk -v rounds=$rounds '
	{ ratios = ratios (NR > 1 ? " " : "") $3 }
	NR == int((rounds + 1) / 2) { forward = $1; engine = $2 }
	END { printf "messages per CPU second, one expression, no call: forwarder %d, engine %d; ratios %s\n", forward, engine, ratios }
' "$dir/speeds"
start_engine call restarts calls exactly-once one
engine=$started
measure sluice.calls.exactly-once $((rate * seconds)) restarts
echo "messages per CPU second, with a REST call each: engine $speed"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
