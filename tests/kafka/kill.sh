#!/bin/bash
# What delivery promises, held on a real Kafka. Under load an engine is killed with -9
# every 2 s for 20 s and started again; then a second one joins it and is killed for
# good. Exactly once, whoever reads only what is committed must find each answer once,
# right, and in its key's order; at least once, in 10 s of the same, none may be missing,
# wrong or first seen out of order. Beside it the messages per CPU second of an engine
# left in peace, against a bare transactional forwarder.
#   kill.sh SLUICE BUILD      with forward and requests in BUILD
# SECONDS_UNDER_FIRE, RATE, BACKLOG change the sizes. SPEEDS says how often speeds are measured (3), which nobody judges here.
# Takes about a minute and a half, and half of that with SPEEDS=0.
set -u
what=kill
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${SECONDS_UNDER_FIRE:-20} rate=${RATE:-5000} backlog=${BACKLOG:-600000}
rounds=${SPEEDS:-3} commit_ms=100

# Silence is shorter where the killed one came back than where a session had to end first.
check_and_stop() { # $1 topic, $2 how many, $3 the rules
	check_answers "$1" "$2" "$3"
	verify_answers call "$1"
	stop_engine "$1" "$engine"
}

start_broker brisk
start_model

# ---- killed and started again ----

fire() { # $1 topic, group and name; $2 delivery, $3 seconds
	local second
	topics "$1" "$1-answers"
	send "$1" $((rate * $3)) "$rate"
	start_engine call "$1" "$1" "$2" one --commit ${commit_ms}ms
	engine=$started
	for ((second = 0; second < $3; second += 2)); do
		sleep 2
		kill_in_transaction "$engine" "$1-answers" "$2"
		start_engine call "$1" "$1" "$2" one --commit ${commit_ms}ms
		engine=$started
	done
	sent
}

fire restarts exactly-once "$seconds"
# With nothing uncommitted no kill would have hit an open transaction.
check_and_stop restarts $((rate * seconds)) "uncommitted:-ge:1 silence_ms:-lt:3000"
fire repeats at-least-once $((seconds / 2))
check_and_stop repeats $((rate * seconds / 2)) "doubled: uncommitted: silence_ms:-lt:3000"

# ---- joined by another, which dies ----

# As long as the group needs to take the dead one's partitions away: a session of 6 s.
handover=$((rate * 12))
topics handover handover-answers
send handover $handover "$rate"
start_engine call handover handover exactly-once one --commit ${commit_ms}ms
engine=$started
sleep 2
start_engine call handover handover exactly-once two --commit ${commit_ms}ms
second=$started
sleep 3
kill_at_once "$second"
sent
check_and_stop handover $handover "uncommitted:-ge:0 silence_ms:-lt:12000"

# The same, as callers see it who read committed records: each of them has its answer in time. Those whose partitions were the
# dead one's wait until its session has ended, and behind what it had begun until Kafka has ended that: 10 s, and when it looks,
# under 12 s in all, beside what Kafka and the sender were late by themselves. They would wait for longer: an engine refuses
# at once what has too little time left, so one answer that is a moment late would be hundreds.
topics seen seen-answers
start_engine call seen seen exactly-once one --commit ${commit_ms}ms
engine=$started
start_engine call seen seen exactly-once two --commit ${commit_ms}ms
second=$started
engine_runs seen
sleep 2
"$build/pressure" -b "$brokers" -i seen -o seen-answers -d $((20000 * patience)) $((rate / 2)):10 >"$dir/pressure.out" 2>"$dir/pressure.log" &
ours $!
pressure=$!
sleep 6
kill_at_once "$second"
wait_for $pressure || give_up "no figures of pressure"
echo "seen: $(cat "$dir/pressure.out")"
for fate in late refused lost; do
	expect "seen: $fate" "$(sed -n "s/.* $fate=\([0-9]*\).*/\1/p" "$dir/pressure.out")" "-eq 0"
done
figure() { # $1 name
	sed -n "s/.* $1=\([0-9]*\).*/\1/p" "$dir/pressure.out"
}
# With nobody waiting for the session, it had no partitions.
expect "seen: the most that one waited, in ms" "$(figure most)" "-ge 4000"
expect "seen: the most that one waited, in ms" "$(figure most)" "-lt $((12000 * patience + $(figure behind_ms) + $(figure taken_ms)))"
stop_engine seen "$engine"

# ---- in peace ----

# Sender and forwarder put a key where Java's producers and engines put it: else what is read side by side is written apart, which
# halves the speed of the forwarder, and nobody sees why.
expect "the forwarder's allocator is not the engine's: jemalloc" "$(ldd "$build/forward" | grep -c jemalloc)" "-eq $(ldd "$sluice" | grep -c jemalloc)"
topics placed placed-answers
send placed 2000 0
sent
"$build/forward" -b "$brokers" -i placed -o placed-answers -g placed -t $commit_ms 2>>"$dir/forward.log" &
ours $!
"$build/requests" follow -b "$brokers" -i placed -g placed -n 2000 -p "$started" >/dev/null 2>"$dir/follow.log" || give_up "nothing was forwarded"
kill "$started" && wait_for "$started"
for topic in placed placed-answers; do
	"$build/records" dump "$brokers" $topic >"$dir/$topic.lines" 2>"$dir/records.log" || give_up "$topic cannot be read"
	expect "$topic: keys that are not where Java's producers put them" "$("$here/java_places.py" 4 <"$dir/$topic.lines")" "= 0/2000"
done

[ "$rounds" -gt 0 ] || { tell_result; exit; }
topics backlog backlog-answers
send backlog "$backlog" 0
sent

# Messages per CPU second of the process in $engine, which it ends; into $speed.
measure() { # $1 group, $2 messages, $3 topic
	local used
	used=$("$build/requests" follow -b "$brokers" -i "$3" -g "$1" -n "$2" -p "$engine" 2>"$dir/follow.log") ||
		give_up "$1 did not finish"
	kill "$engine" && wait_for "$engine"
	speed=$(awk "BEGIN { printf \"%d\", $2 / ${used% *} }")
}

for ((round = 1; round <= rounds; round++)); do
	"$build/forward" -b "$brokers" -i backlog -o backlog-answers -g "forward-$round" -t $commit_ms 2>>"$dir/forward.log" &
	ours $!
	engine=$started
	measure "forward-$round" "$backlog" backlog
	forward=$speed
	start_engine expression backlog "engine-$round" exactly-once one --commit ${commit_ms}ms
	engine=$started
	measure "sluice.engine-$round.exactly-once" "$backlog" backlog
	awk "BEGIN { printf \"%d %d %.2f\n\", $forward, $speed, $speed / $forward }"
done >"$dir/measured"
sort -n -k 3 "$dir/measured" >"$dir/speeds"
[ "$(wc -l <"$dir/speeds")" -eq $rounds ] || give_up "the speeds could not be measured"
awk -v rounds=$rounds '
	{ ratios = ratios (NR > 1 ? " " : "") $3 }
	NR == int((rounds + 1) / 2) { forward = $1; engine = $2 }
	END { printf "messages per CPU second, one expression, no call: forwarder %d, engine %d; ratios %s\n", forward, engine, ratios }
' "$dir/speeds"
start_engine call restarts calls exactly-once one --commit ${commit_ms}ms
engine=$started
measure sluice.calls.exactly-once $((rate * seconds)) restarts
echo "messages per CPU second, with a REST call each: engine $speed"

tell_result
