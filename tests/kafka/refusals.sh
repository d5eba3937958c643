#!/bin/bash
# What engines do when a broker refuses their requests by an error, one code after the other, at least once and exactly once: the
# answers of a real Kafka get the code on their way (refusing_proxy.py), so that it may have been done all the same. Each request is
# answered, exactly once where that is promised; an engine goes on, or ends with a cause that it names; and the log stays short.
#   refusals.sh SLUICE BUILD      with admin and requests in BUILD
# SHORT=1 tries a few codes, in 25 seconds; all take some 20 minutes. CASES has lines as those below, to be tried instead.
set -u
what=refusals
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
deliveries="exactly-once at-least-once"
rate=100 lines_most=60

# A line each: the API, the codes, and what else is refused so that there are such requests. Behind a `!`, the words of an engine that
# may end.
short_cases='
Produce -1
EndTxn -1
Metadata -1 : Produce 6 once
OffsetFetch 3 : Heartbeat 27 once
'
long_cases='
Produce -1 2 3 5 6 7 9 17 19 20 21 29 31 35 43 44 46 47 48 49 50 51 53 56 59 74 75 89 90
Produce 10 18 87 ! Kafka refuses even the error answer
Produce 32 ! the clock of this machine shows
Produce 45 ! producer stopped again and again
AddPartitionsToTxn -1 3 7 14 15 16 29 47 48 49 51 53 55 67 90 120
AddOffsetsToTxn -1 14 15 16 30 47 49 53 90
TxnOffsetCommit -1 3 12 14 15 16 22 25 29 30 47 49 53 82 90
EndTxn -1 14 15 16 47 48 49 51 52 53 90 120
InitProducerId -1 14 15 16 41 47 49 51 53 67 90 : EndTxn -1 once
InitProducerId 50 : EndTxn -1 once ! gives no transactions to
Fetch -1 1 2 3 5 6 9 29 56 70 74 75 76 78 100
Metadata -1 3 5 17 29 : Produce 6 once
Heartbeat -1 15 16 22 25 27 30
JoinGroup -1 14 15 16 22 23 24 25 26 30 42 79 81 : Heartbeat 27 once
SyncGroup -1 14 15 16 22 25 27 30 : Heartbeat 27 once
OffsetCommit -1 3 7 12 14 15 16 22 25 27 28 29 30
OffsetFetch -1 3 14 15 16 29 30 88 : Heartbeat 27 once
FindCoordinator -1 14 15 30 53 : Heartbeat 16 always
Heartbeat 82 ! fenced by another engine with the same name
JoinGroup 82 : Heartbeat 27 once ! fenced by another engine with the same name
SyncGroup 82 : Heartbeat 27 once ! fenced by another engine with the same name
OffsetCommit 82 ! fenced by another engine with the same name
'

start_refusing_proxy() {
	local front back
	read -r front back <"$dir/kafka/proxied"
	control=$((front < 31000 ? front + 1000 : front - 1000))
	proxied=127.0.0.1:$front
	"$here/refusing_proxy.py" "$front" "$back" $control >"$dir/proxy.ready" 2>"$dir/proxy.log" &
	ours $!
	wait_until 20 test -s "$dir/proxy.ready" || give_up "no proxy"
}

ask_proxy() { # a line, as refusing_proxy.py says; prints its answer
	local reply
	exec 9<>"/dev/tcp/127.0.0.1/$control"
	echo "$*" >&9
	read -r -t 30 reply <&9 || give_up "the proxy does not answer: $*"
	exec 9>&-
	echo "$reply"
}

has_changed() { # $1 API, $2 at least so many answers
	[ "$(ask_proxy changed "$1")" -ge "$2" ]
}

# ---- engines ----

declare -A engines senders

start_refused() { # $1 delivery
	brokers=$proxied start_engine call "refused-$1" "refused-$1" "$1" one
	engines[$1]=$started
}

committed() { # $1 delivery
	"$build/admin" "$brokers" offsets "sluice.refused-$1.$1" "refused-$1" 4 2>>"$dir/admin.log" | awk '$1 > 0 {sum += $1} END {print sum + 0}'
}

# An engine that has ended is started again. It has said why, in words that are known of the code.
look_after() { # $1 delivery, $2 whose, $3 words; "": it may not end
	kill -0 "${engines[$1]}" 2>/dev/null && return
	wait_for "${engines[$1]}"
	if [ -n "$3" ]; then
		expect_words "$2, $1: an engine that ended" <(tail -n +"$lines_before" "$dir/engine.log") "error .*$3"
	else
		expect "$2, $1: engines that ended" 1 "-eq 0"
		grep " error " "$dir/engine.log" | tail -n 1
	fi
	start_refused "$1"
}

goes_on() { # $1 delivery, $2 from so many on, $3 whose, $4 words of an end
	look_after "$1" "$3" "$4"
	[ "$(committed "$1")" -ge $(($2 + rate / 2)) ]
}

# ---- refusals ----

refuse() { # $1 API, $2 code, $3 what else is refused, $4 words of an end
	local delivery now least=2 begun=$SECONDS
	[[ $1 != *Txn* && $1 != Init* ]] || least=1 # one delivery has them
	lines_before=$(($(wc -l <"$dir/engine.log") + 1))
	[ -z "$3" ] || ask_proxy refuse "$3" >/dev/null
	ask_proxy refuse "$1" "$2" always >/dev/null
	wait_until 8 has_changed "$1" $least
	sleep "$refused_s"
	expect "$1 $2: answers that were changed" "$(ask_proxy changed "$1")" "-gt 0"
	ask_proxy accept >/dev/null
	for delivery in $deliveries; do
		now=$(committed "$delivery")
		wait_until 60 goes_on "$delivery" "$now" "$1 $2" "$4"
		expect "$1 $2, $delivery: status of waiting until it goes on" $? "-eq 0"
	done
	expect "$1 $2: lines of the log" "$(tail -n +"$lines_before" "$dir/engine.log" | wc -l)" "-lt $lines_most"
	echo "$1 $2: $((SECONDS - begun)) s"
}

refuse_all() { # $1 cases
	local case words others api code
	while read -r case; do
		[ -n "$case" ] || continue
		words='' others=''
		[[ $case != *!* ]] || words=${case#*! } case=${case% !*}
		[[ $case != *:* ]] || others=${case#*: } case=${case% :*}
		read -r api case <<<"$case"
		for code in $case; do
			refuse "$api" "$code" "$others" "$words"
		done
	done <<<"$1"
}

start_broker proxied brisk
start_refusing_proxy
start_model
for delivery in $deliveries; do
	topics "refused-$delivery" "refused-$delivery-answers"
	send "refused-$delivery" 1000000 $rate
	senders[$delivery]=$sender
done
ask_proxy refuse ListOffsets 6 always >/dev/null # a group without offsets asks where its partitions begin
for delivery in $deliveries; do
	start_refused "$delivery"
done
wait_until 20 has_changed ListOffsets 2
expect "ListOffsets 6: status of waiting for refusals" $? "-eq 0"
ask_proxy accept >/dev/null
for delivery in $deliveries; do
	engine_runs "refused-$delivery"
done
if [ -n "${SHORT-}" ]; then
	refused_s=0.5 cases=$short_cases
else
	refused_s=2 cases=$long_cases
fi
refuse_all "${CASES-$cases}"
for delivery in $deliveries; do
	sender=${senders[$delivery]}
	send_no_more "refused-$delivery"
	[ "$delivery" = exactly-once ] && again='' || again=doubled:
	check_count="-i refused-$delivery -g sluice.refused-$delivery.$delivery" \
		check_answers "refused-$delivery" "$count" "$again uncommitted: silence_ms:"
	stop_engine "$delivery" "${engines[$delivery]}"
done
expect "lines of the proxy's errors" "$(wc -l <"$dir/proxy.log")" "-eq 0"
tell_result
