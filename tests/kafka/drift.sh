#!/bin/bash
# Drift on a real Kafka. Two engines, and the one that observes is killed with -9 in the middle of a window: there is one
# verdict a window of each of two steps that share a stage, and the verdicts are those of an engine that nobody disturbed. The receiver of the alert is away meanwhile:
# those of the engines that live come when it is back, each once. Then the one that observes is frozen until the other does: of
# their alerts, one ends, since no window closes there any more. Then a backlog of six partitions is read, and each window has its
# own messages, whatever the order of the reads; and the clock goes back. The past of a step becomes a reference.
#   drift.sh SLUICE BUILD      with records in BUILD
# Takes about a minute.
set -u
what=drift
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
case=$here/../cases-own/drift-marks-what-is-known
rate=60
export SLUICE_BROKERS SLUICE_SETTINGS=

start_observing() { # $1 namespace, $2 instance
	local port
	port=$(free_port)
	echo "http://127.0.0.1:$port/metrics" >"$dir/metrics-$2"
	"$sluice" run -f "$dir/drift.yaml" --metrics "127.0.0.1:$port" --brokers "$brokers" -n "$1" --instance "$2" --alert-allow 127.0.0.1 \
		>>"$dir/engine-$2.log" 2>&1 &
	ours $!
}

# All have one key, so that their order is that of the file: usual rows and moved ones, 50 each.
requests_of() { # $1 rounds of both, $2 rounds of usual ones after them, $3 names the ids
	head -100 "$case/in.jsonl" >"$dir/both"
	head -50 "$case/in.jsonl" >"$dir/usual"
	{ for ((i = 0; i < $1; i++)); do cat "$dir/both"; done; for ((i = 0; i < $2; i++)); do cat "$dir/usual"; done; } |
		jq -c --arg name "$3" '{id: "\($name)-\(input_line_number)", key: "one", request}'
}

verdicts() { # $1 namespace; into $dir/verdicts-$1
	"$build/records" dump "$brokers" "sluice.$1.pipeline.trading.drift" 2>"$dir/records.log" |
		"$here/verdicts.py" "$here/../../schemas/drift_score.avsc" >"$dir/verdicts-$1" 2>"$dir/verdicts.log"
}

has_verdicts() { # $1 namespace, $2 how many
	verdicts "$1"
	[ "$(wc -l <"$dir/verdicts-$1")" -ge "$2" ]
}

said() { # $1 instance, $2 words
	grep -c "$2" "$dir/engine-$1.log"
}

says() { # $1 instance, $2 words, $3 times
	[ "$(said "$1" "$2")" -ge "$3" ]
}

start_broker brisk
SLUICE_BROKERS=$brokers
port=$(free_port)
cp "$case/usual.json" "$dir"
sed "s#RECEIVER#http://127.0.0.1:$port/hook#" "$here/drift.yaml" >"$dir/drift.yaml"
requests_of 8 3 r >"$dir/requests"
wanted=28 # windows: 19 of 50 rows, and 9 of 100 that learn

# ---- an engine that nobody disturbs ----

start_observing calm calm
calm=$started
wait_until 30 grep -qs "trading" "$dir/engine-calm.log" || give_up "no engine starts"
"$sluice" produce trading "$dir/requests" -n calm >/dev/null 2>"$dir/produce.log" || give_up "requests were not written"
wait_until 30 has_verdicts calm $wanted || give_up "the undisturbed engine gives no $wanted verdicts"
wait_until 5 says calm 'alert moved is firing' 1
expect "status of waiting for the alert of windows that others follow at once" $? "-eq 0"
# On which feature? In the log, in top, and in a metric whose series is there while the last window has drift.
expect_words "the feature in the line of the alert" "$dir/engine-calm.log" 'alert moved is firing: .*; feature x.* by .*: effect .*, p '
feature_is_shown() { "$sluice" top --once --brokers "$brokers" -n calm 2>&1 | tr -s ' \n' ' ' | grep -q 'moved has fired since [^ ]*: feature x'; }
wait_until 5 feature_is_shown
expect "status of waiting for the feature in top" $? "-eq 0"
expect "series of a worst feature after the last usual window" \
	"$(curl -s "$(cat "$dir/metrics-calm")" | grep -c '^sluice_drift_worst_effect{.*step="watch"')" "-eq 0"
stop_engine calm "$calm"
expect "windows of the second step, of 100 rows each" "$(jq -c 'select(.step == "learn" and .messages == 100)' "$dir/verdicts-calm" |
	wc -l)" "-eq 9"
expect "windows without a disturbance that have drift" "$(grep -c '"is_drift": true' "$dir/verdicts-calm")" "-eq 8"

# ---- the past of the second step, by its changelog ----

"$sluice" drift rebase trading/learn -f "$dir/drift.yaml" -n calm --alarms keep --out "$dir/past.json" >"$dir/rebase.log" 2>&1
expect "status of making a reference of the past" $? "-eq 0"
expect "rows in it, of 9 windows" "$(jq .rows "$dir/past.json")" "-eq 900"
"$sluice" drift rebase trading/learn -f "$dir/drift.yaml" -n calm --from 2020-01-01 --to 2020-01-02 >"$dir/rebase.log" 2>&1
expect "status of making one of a time without windows" $? "-ne 0"
expect_words "windows that are there instead" "$dir/rebase.log" 'has no window from 2020-.*; it has windows from 20'

# ---- two, and the one that observes dies in the middle of a window, while the receiver is away ----

start_observing rough one
one=$started
start_observing rough two
two=$started
for name in one two; do
	wait_until 30 grep -qs "trading" "$dir/engine-$name.log" || give_up "engine $name does not start"
done
sleep 5 # until both have their partitions
"$sluice" produce trading "$dir/requests" -n rough --rate $rate >/dev/null 2>"$dir/produce.log" &
ours $!
producer=$started
one_observes() { says one 'alert moved is firing' 1 || says two 'alert moved is firing' 1; }
wait_until 20 one_observes || give_up "no engine finds drift"
first=one second=two first_pid=$one second_pid=$two
if says two 'alert moved is firing' 1; then
	first=two second=one first_pid=$two second_pid=$one
fi
sleep 0.3
kill_at_once "$first_pid"
verdicts rough
wait_until 30 has_verdicts rough $(($(wc -l <"$dir/verdicts-rough") + 1)) || give_up "engine $second does not go on"
start_observing rough "$first"
first_pid=$started
wait_for "$producer" || give_up "requests were not written"
wait_until 40 has_verdicts rough $wanted || give_up "there are no $wanted verdicts"
sleep 1
verdicts rough
expect "verdicts, one a window" "$(wc -l <"$dir/verdicts-rough")" "-eq $wanted"
cmp -s "$dir/verdicts-calm" "$dir/verdicts-rough"
expect "status of comparing them with the undisturbed ones" $? "-eq 0"

# ---- the receiver comes back ----

python3 "$here/receiver.py" "$port" >"$dir/notices" 2>"$dir/receiver.log" &
ours $!
told() { # all that the engines which live have said since the kill, and nothing twice
	local fired resolved
	fired=$(($(said one 'alert moved is firing') + $(said two 'alert moved is firing') - 1))
	resolved=$(($(said one 'alert moved is resolved') + $(said two 'alert moved is resolved')))
	[ "$fired" -ge 1 ] && [ "$fired" -eq "$resolved" ] && [ "$(wc -l <"$dir/notices")" -ge $((fired + resolved)) ]
}
wait_until 60 told
expect "status of waiting for the notices of the receiver's absence" $? "-eq 0"
expect "notices that came twice" "$(jq -r .notice "$dir/notices" | sort | uniq -d | wc -l)" "-eq 0"
expect "notices without the feature that has drifted" "$(jq -r .drift "$dir/notices" | grep -vc '^feature x.* by .*: effect ')" "-eq 0"
expect "notices of what is over" "$(wc -l <"$dir/notices")" "-le 8"

"$build/records" dump "$brokers" sluice.rough.pipeline.trading.alerts 2>"$dir/records.log" |
	jq -c 'select(.key == ("moved" | @base64))' |
	"$here/verdicts.py" "$here/../../schemas/alert.avsc" >"$dir/topic" 2>"$dir/verdicts.log"
jq -r .notice "$dir/notices" | sort >"$dir/by-webhook"
jq -r .notice "$dir/topic" | sort -u >"$dir/by-topic"
expect "notices of the webhook that the topic lacks" "$(comm -23 "$dir/by-webhook" "$dir/by-topic" | wc -l)" "-eq 0"
expect "notices in the topic: those and the one of the engine that was killed, at most" "$(wc -l <"$dir/topic")" \
	"-le $(($(wc -l <"$dir/notices") + 1))"

# ---- an engine is frozen until the other one observes ----

requests_of 1 0 s >"$dir/more"
for name in one two; do said $name 'alert moved is firing' >"$dir/before-$name"; done
"$sluice" produce trading "$dir/more" -n rough >/dev/null 2>"$dir/produce.log" || give_up "requests were not written"
fires_again() { says "$1" 'alert moved is firing' $(($(cat "$dir/before-$1") + 1)); }
any_fires() { fires_again one || fires_again two; }
wait_until 20 any_fires || give_up "no engine finds drift"
metric_is_shown() { # the engine that observes has one series of the step
	[ "$(cat "$dir/metrics-one" "$dir/metrics-two" | xargs -n 1 curl -s |
		grep -c '^sluice_drift_worst_effect{.*step="watch",feature="x')" -eq 1 ]
}
wait_until 5 metric_is_shown
expect "status of waiting for the metric of the worst feature" $? "-eq 0"
frozen=one other=two
fires_again two && frozen=two other=one
frozen_pid=$first_pid
[ $frozen = "$second" ] && frozen_pid=$second_pid
kill -STOP "$frozen_pid"
# Too few to close the window. An engine shows the last verdict as soon as it has the partition of the observer.
head -40 "$dir/usual" | jq -c '{id: "t-\(input_line_number)", key: "one", request}' >"$dir/touch"
"$sluice" produce trading "$dir/touch" -n rough --rate 2 >/dev/null 2>"$dir/produce.log" &
ours $!
producer=$started
wait_until 40 fires_again $other
expect "status of waiting until the other engine observes" $? "-eq 0"
kill -CONT "$frozen_pid"
# Of the two one fires: that with the observer. The firing of the engine that was killed has no end.
firing() {
	local count=-1 name
	for name in one two; do count=$((count + $(said $name 'alert moved is firing') - $(said $name 'alert moved is resolved'))); done
	echo $count
}
one_fires() { [ "$(firing)" -eq 1 ]; }
wait_until 30 one_fires
expect "engines whose alert fires, of two that run" "$(firing)" "-eq 1"
sleep 5 # longer than it needs to end
expect "engines whose alert still fires" "$(firing)" "-eq 1"
wait_for "$producer"
stop_engine "$first" "$first_pid"
stop_engine "$second" "$second_pid"

# ---- the second step gets another name: it begins anew, and the first goes on ----

sed -i 's/name: learn/name: later/' "$dir/drift.yaml"
start_observing rough one
one=$started
requests_of 1 0 u >"$dir/more"
"$sluice" produce trading "$dir/more" -n rough >/dev/null 2>"$dir/produce.log" || give_up "requests were not written"
later_closes() { verdicts rough && grep -q '"step": "later"' "$dir/verdicts-rough"; }
wait_until 40 later_closes
expect "first windows of the renamed step, of 100 rows" \
	"$(jq -c 'select(.step == "later" and .window == 0 and .messages == 100)' "$dir/verdicts-rough" | wc -l)" "-eq 1"
watched_windows() { jq 'select(.step == "watch").window' "$dir/verdicts-rough" | sort -n | uniq; }
expect "windows of the step that kept its name, one after the other" "$(watched_windows | wc -l)" "-eq 23"
expect "the last of them" "$(watched_windows | tail -1)" "-eq 22"
stop_engine one "$one"

# ---- a backlog of six partitions ----

spread() { # $1 how many, $2 milliseconds before the others
	jq -nc --argjson count "$1" --argjson back "$2" 'range($count) | {id: "s\($back)-\(.)", key: "k\(.)",
		request: {event_ms: (1800000000000 - $back + 100 * .), x: (. * 7919 % 1000 / 1000)}}' >"$dir/spread"
	"$sluice" produce spread "$dir/spread" -f "$here/spread.yaml" -n spread >/dev/null 2>"$dir/produce.log" ||
		give_up "requests were not written"
}
spread_windows() { # $1 how many, at least; into $dir/windows
	"$build/records" dump "$brokers" sluice.spread.pipeline.spread.drift 2>"$dir/records.log" |
		"$here/verdicts.py" "$here/../../schemas/drift_score.avsc" >"$dir/windows" 2>"$dir/verdicts.log"
	[ "$(wc -l <"$dir/windows")" -ge "$1" ]
}
topics spread.in spread.out -w 6
spread 3000 0
"$sluice" run -f "$here/spread.yaml" --brokers "$brokers" -n spread --instance spread >>"$dir/engine-spread.log" 2>&1 &
ours $!
engine=$started
wait_until 30 spread_windows 29
expect "verdicts on 300 s in windows of 10 s, but for the last" "$(wc -l <"$dir/windows")" "-eq 29"
expect "windows that have their 100 messages, none of them late" \
	"$(jq -c 'select(.messages == 100 and .late == 0)' "$dir/windows" | wc -l)" "-eq 29"
spread 1200 86400000
wait_until 30 says spread 'the clock of partition . went back from 2027-01-15T.* to 2027-01-14T.*: windows begin anew' 1
expect "status of waiting for the line of a clock that went back a day" $? "-eq 0"
stop_engine spread "$engine"
tell_result
