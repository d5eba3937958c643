#!/bin/bash
# Alerts of two engines with a control plane, on a real Kafka: one notice for a firing that both engines see, and one of its end. The
# engine with the keeper is killed with -9 while the alert fires in several groups: the other one sends none of them again, and their
# ends. Then the only engine is killed while its notices wait for a receiver that is away, and ended while it fires: the next one
# sends what waited, once, and the ends. Then the pipeline is deleted while it fires. Then an alert begins to fire while Kafka is
# away. At last an engine is killed as soon as its answers are committed, before it has reported what they began to fire; and one
# that processes messages again sends the same ids.
#   alerts.sh SLUICE BUILD
# Takes about three minutes. With OUTAGE=120 or more, as in `make long`, that receiver is away for five more minutes: nothing listens
# there, then it accepts and never answers, then it answers 503. No notice is lost, and neither attempts nor lines of the log are many. A pipeline that is quiet in one engine is not absent while the other has its requests.
set -u
what=alerts
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

start_broker brisk
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS=
port=$(free_port)
cat >"$dir/p.yaml" <<YAML
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
  - {name: s, expression: {set: {y: x * 2}}}
  output: {steps: [s]}
  alerts:
  - name: large
    condition: y > 100
    groupBy: request.g
    resolveAfter: 6s
    actions: [{type: webhook, url: "http://127.0.0.1:$port/hook"}]
YAML
start_receiver() { # $1 its manner, if it does not take them
	# shellcheck disable=SC2086
	python3 "$here/receiver.py" "$port" ${1-} >>"$dir/notices" 2>>"$dir/receiver${1:+-$1}.log" &
	receiver=$!
	ours $receiver
}
stop_receiver() {
	kill "$receiver" && wait "$receiver" 2>/dev/null
	not_ours "$receiver"
}
start_receiver

start_engine_named() { # $1 name
	"$sluice" run --control --brokers "$brokers" --instance "$1" --alert-allow 127.0.0.1 >>"$dir/$1.log" 2>&1 &
	ours $!
}
groups=8
each() { # $1 what is known of each group: "STATUS COUNT", and so on; in the order of notices()
	for ((g = 0; g < groups; g++)); do
		for known in "$@"; do echo "g$g $known"; done
	done | paste -sd, -
}
says() { [ "$(grep -c "$2" "$dir/$1.log")" -ge "$3" ]; } # $1 engine, $2 words, $3 times
notices() { jq -r "[.group, .status] | join(\" \")" "$dir/notices" | sort | uniq -c | awk '{print $2, $3, $1}' | paste -sd, -; }
has_notices() { [ "$(wc -l <"$dir/notices")" -ge "$1" ]; }

"$build/admin" "$brokers" make sluice.default.pipeline.p.inputs 4 delete || give_up "a topic could not be made"
start_engine_named one
one=$started
wait_until 30 says one "is now the keeper" 1 || give_up "no keeper"
start_engine_named two
two=$started
sleep 3
"$sluice" apply -f "$dir/p.yaml" --author ann --reason begin >"$dir/apply.log" 2>&1 || give_up "the pipeline was not applied"
"$sluice" wait pipeline/p --timeout 30s >"$dir/wait.log" 2>&1
sleep 4 # until both have partitions

requests() { # $1 value, $2 how many, each with a key of its own, so that they go to all partitions
	for ((i = 0; i < $2; i++)); do
		printf '{"id": "%s-%s-%s", "key": "k%s", "request": {"inputs": [' "$RANDOM" "$1" $i $i
		printf '{"name": "x", "datatype": "INT64", "shape": [1], "data": [%s]}, ' "$1"
		printf '{"name": "g", "datatype": "BYTES", "shape": [1], "data": ["g%s"]}]}}\n' $((i % groups))
	done >"$dir/requests"
	"$sluice" produce p "$dir/requests" >/dev/null 2>"$dir/produce.log" || give_up "requests were not written"
}

# ---- one engine has all requests of a pipeline, and the other none ----

gone=$(free_port)
python3 "$here/receiver.py" "$gone" >"$dir/gone" 2>"$dir/gone.log" &
ours $!
"$build/admin" "$brokers" make sluice.default.pipeline.lone.inputs 1 delete || give_up "a topic could not be made"
cat >"$dir/lone.yaml" <<YAML
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: lone}
spec:
  steps:
  - {name: s, expression: {set: {y: x * 2}}}
  output: {steps: [s]}
  alerts:
  - {name: gone, absent: lone for 2s, resolveAfter: 1s, actions: [{type: webhook, url: "http://127.0.0.1:$gone/hook"}]}
YAML
"$sluice" apply -f "$dir/lone.yaml" --author ann --reason lone >"$dir/apply.log" 2>&1 || give_up "the pipeline was not applied"
echo '{"inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "data": [1]}]}' >"$dir/request"
for ((n = 0; n < 12; n++)); do
	"$sluice" produce lone "$dir/request" >/dev/null 2>"$dir/produce.log" || give_up "requests were not written"
	sleep 0.8
done
expect "notices of an absence while one of two engines has requests" "$(wc -l <"$dir/gone")" "-eq 0"
wait_until 20 test -s "$dir/gone"
sleep 3
expect "notices of an absence in both" "$(jq -r .status "$dir/gone" | paste -sd' ')" "= firing"

"$sluice" alerts test gone --alert-allow 127.0.0.1 >"$dir/test" 2>&1
expect "status of a test of an alert that the namespace has accepted, without its file" $? "-eq 0"
expect_words "what it says" "$dir/test" "^lone: gone: webhook http://127.0.0.1:$gone/...: delivered$"
expect "its notices" "$(jq -r .status "$dir/gone" | grep -c '^test$')" "-eq 1"
"$sluice" alerts test gnoe >"$dir/test" 2>&1
expect "status of a test of an alert that is not there" $? "-eq 2"
expect_words "the words of that" "$dir/test" "no alert .gnoe.; did you mean .gone."

# ---- both see it ----

fires() { [ "$(grep -o "alert large is firing for g[0-9]*" "$dir/$1.log" | sort -u | wc -l)" -eq $groups ]; } # $1 engine
both_fire() { fires one && fires two; }
ids() { jq -r "[.group, .id] | join(\" \")" "$dir/notices" | sort -u | wc -l; }
for ((n = 0; n < 30; n++)); do # until both have partitions
	requests 60 160
	sleep 1
	if both_fire; then break; fi
done
both_fire || give_up "not both engines see large values"
wait_until 20 has_notices $groups
sleep 2
expect "status of comparing the notices of a firing that two engines see" \
	"$([ "$(notices)" = "$(each "firing 1")" ]; echo $?)" "-eq 0"

listed() { # $1 regular expression; at the latest with the next report of each engine
	"$sluice" alerts list >"$dir/list" 2>&1
	grep -qE "$1" "$dir/list"
}
wait_until 20 listed "^p: says the engine (one|two): the alert large has fired since 20.*Z for $groups groups \\(g[0-7], g[0-7], g[0-7] and 5 more\\)\$"
expect_words "what alerts list says of what fires" "$dir/list" "the alert large has fired since"

# ---- the engine with the keeper dies while it fires ----

kill_at_once "$one"
for ((n = 0; n < 8; n++)); do # the condition goes on
	requests 60 160
	sleep 1
done
wait_until 40 says two "is now the keeper" 1 || give_up "no other keeper"
sleep 2
expect "ids of the firings" "$(ids)" "-eq $groups"
expect "status of comparing the notices after the keeper has moved" \
	"$([ "$(notices)" = "$(each "firing 1")" ]; echo $?)" "-eq 0"

# ---- it ends ----

has_ended() { [ "$(jq -r .status "$dir/notices" | grep -c resolved)" -ge $(($1 * groups)) ]; } # $1 how often each group has
fires_again() { # $1 engine, $2 how often it says so of each group
	requests 60 160
	[ "$(grep -c "alert large is firing for" "$dir/$1.log")" -ge $(($2 * groups)) ]
}
wait_until 60 has_ended 1
sleep 2
expect "status of comparing all notices" "$([ "$(notices)" = "$(each "firing 1" "resolved 1")" ]; echo $?)" "-eq 0"
expect "ids of all of them" "$(ids)" "-eq $groups"

# ---- the only engine is killed while the receiver is away ----

waiting() { # how many notices wait, by the feed
	"$build/records" dump "$brokers" sluice.default.feed 2>"$dir/records.log" |
		jq -rs 'map(select(.key | @base64d | startswith("notice/"))) | group_by(.key) | map(select(.[-1].value)) | length'
}
waits() { [ "$(waiting)" -eq "$1" ]; }
wait_until 20 waits 0
expect "notices that wait after all were delivered" "$(waiting)" "-eq 0"
fires_no_more() { listed "^p: large" && ! grep -q "the alert large has fired since" "$dir/list"; }
wait_until 20 fires_no_more
expect "status of waiting until alerts list says that nothing fires" $? "-eq 0"
stop_receiver
fired=$(($(grep -c "alert large is firing for" "$dir/two.log") / groups))
wait_until 30 fires_again two $((fired + 1)) || give_up "it does not fire again"
wait_until 20 waits $groups
expect "notices that wait for the receiver" "$(waiting)" "-eq $groups"

hold() { # $1 seconds in which the alert fires on
	local until=$((SECONDS + $1))
	while [ $SECONDS -lt $until ]; do
		requests 60 160
		sleep 2
	done
}
lines_on_receiver() { grep -cE "not delivered to the webhook|has taken no notice since" "$dir/two.log"; }
if [ "${OUTAGE:-8}" -ge 120 ]; then
	lines=$(lines_on_receiver)
	hold 100 # nothing listens
	start_receiver hangs
	hold 100
	stop_receiver
	start_receiver busy
	hold 105
	stop_receiver
	expect "attempts at a receiver that hangs for 100 s: each ends after 10 s, and the pauses are 30 s" \
		"$(grep -c '"notice"' "$dir/receiver-hangs.log")" "-le 4"
	expect "at least" "$(grep -c '"notice"' "$dir/receiver-hangs.log")" "-ge 1"
	expect "attempts at one that answers 503 for 100 s" "$(grep -c '"notice"' "$dir/receiver-busy.log")" "-le 5"
	expect "at least" "$(grep -c '"notice"' "$dir/receiver-busy.log")" "-ge 1"
	expect "further lines of the log in five minutes" "$(($(lines_on_receiver) - lines))" "-le 2"
	expect "notices that wait after five minutes" "$(waiting)" "-eq $groups"
	"$sluice" alerts list >"$dir/list" 2>&1
	expect_words "what alerts list says of it" "$dir/list" 'has taken no notice since 20.*Z, and 8 wait: .*503; see its log'
fi
kill_at_once "$two"
start_engine_named two # whose first notices are the former engine's
two=$started
start_receiver
wait_until 60 has_notices $((3 * groups))
wait_until 60 has_ended 2
sleep 2
expect "status of comparing the notices after the only engine was killed" \
	"$([ "$(notices)" = "$(each "firing 2" "resolved 2")" ]; echo $?)" "-eq 0"
expect "ids of them" "$(ids)" "-eq $((2 * groups))"

# ---- the only engine ends while it fires ----

fired=$(($(grep -c "alert large is firing for" "$dir/two.log") / groups))
wait_until 30 fires_again two $((fired + 1)) || give_up "it does not fire a third time"
wait_until 20 has_notices $((5 * groups))
stop_engine two "$two"
start_engine_named two
two=$started
wait_until 60 has_ended 3
sleep 2
expect "status of comparing the notices after the only engine has ended" \
	"$([ "$(notices)" = "$(each "firing 3" "resolved 3")" ]; echo $?)" "-eq 0"
expect "ids of all" "$(ids)" "-eq $((3 * groups))"

# ---- the pipeline is deleted while it fires ----

fired=$(($(grep -c "alert large is firing for" "$dir/two.log") / groups))
wait_until 30 fires_again two $((fired + 1)) || give_up "it does not fire a fourth time"
wait_until 20 has_notices $((7 * groups))
"$sluice" delete pipeline/p --author ann --reason end >"$dir/delete.log" 2>&1 || give_up "the pipeline was not deleted"
wait_until 60 has_ended 4
sleep 2
expect "status of comparing the notices after the pipeline was deleted" \
	"$([ "$(notices)" = "$(each "firing 4" "resolved 4")" ]; echo $?)" "-eq 0"
expect "ends that say that the alert was removed" "$(jq -r .reason "$dir/notices" | grep -c "the alert was removed")" "-eq $groups"
wait_until 20 waits 0
expect "notices that wait at the end" "$(waiting)" "-eq 0"

# ---- Kafka is away while an alert begins to fire: the engine sends it alone, and ends it when there is a keeper again ----

gone_count() { jq -r .status "$dir/gone" | grep -c "^$1\$"; } # $1 status
has_gone() { [ "$(gone_count "$1")" -ge "$2" ]; }             # $1 status, $2 times
ended=$(gone_count resolved)
deadline=$((SECONDS + 20 * patience))
until has_gone resolved $((ended + 1)) || [ $SECONDS -ge $deadline ]; do
	"$sluice" produce lone "$dir/request" >/dev/null 2>"$dir/produce.log" || give_up "requests were not written"
	sleep 0.5
done
fired=$(gone_count firing)
kill -STOP "$(cat "$dir/kafka/pid")"
wait_until 40 has_gone firing $((fired + 1))
expect "notices of a firing that begins while Kafka is away" "$(gone_count firing)" "-eq $((fired + 1))"
alone_id=$(jq -r .id "$dir/gone" | tail -n 1)
kill -CONT "$(cat "$dir/kafka/pid")"
alone_has_ended() { jq -r "select(.id == \"$alone_id\") | .status" "$dir/gone" | grep -q '^resolved$'; }
wait_until 60 alone_has_ended
expect "status of waiting for the end of that, when Kafka is back" $? "-eq 0"
wait_until 60 has_gone firing $((fired + 2))
expect "ids of that firing, and of the one that the keeper sends" \
	"$(jq -r 'select(.status == "firing") | .id' "$dir/gone" | tail -n 2 | sort -u | wc -l)" "-eq 2"

# ---- the only engine is killed when its answers are committed, before it has reported what fires ----

mets=8
met_yaml() { # $1 name, $2 further fields
	cat <<-YAML
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: $1}
		spec:
		  $2
		  steps:
		  - {name: s, expression: {set: {y: x * 2}}}
		  output: {steps: [s]}
		  alerts:
		  - {name: met, condition: y > 100, groupBy: request.g, resolveAfter: 1s, actions: [{type: webhook, url: "http://127.0.0.1:$port/hook"}]}
	YAML
}
met_yaml q 'delivery: exactly-once' >"$dir/q.yaml"
met() { jq -r 'select(.alert == "met" and .pipeline == "'"$1"'" and .status == "firing") | [.group, .id] | join(" ")' "$dir/notices" | sort; }
has_met() { [ "$(met "$1" | wc -l)" -ge "$2" ]; } # $1 pipeline, $2 notices
meet() { # $1 pipeline: a message of each group
	for ((i = 0; i < mets; i++)); do
		printf '{"request": {"inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "data": [60]}, '
		printf '{"name": "g", "datatype": "BYTES", "shape": [1], "data": ["m%s"]}]}}\n' $i
	done >"$dir/met"
	"$sluice" produce "$1" "$dir/met" >/dev/null 2>"$dir/produce.log" || give_up "requests were not written"
}
"$sluice" apply -f "$dir/q.yaml" --wait >"$dir/apply.log" 2>&1 || give_up "the pipeline was not applied: $(tail -n 1 "$dir/apply.log")"
"$sluice" tail q >"$dir/answers" 2>"$dir/tail.log" &
ours $!
sleep 1 # until it reads
meet q
deadline=$((SECONDS + 20 * patience))
until [ "$(wc -l <"$dir/answers")" -ge $mets ] || [ $SECONDS -ge $deadline ]; do sleep 0.01; done
kill_at_once "$two"
start_engine_named two
two=$started
wait_until 40 has_met q $mets
sleep 1
expect "firings of messages whose answers an engine left that was killed at once" "$(met q | cut -d ' ' -f 1 | paste -sd,)" "= m0,m1,m2,m3,m4,m5,m6,m7"
stop_engine two "$two"

# ---- a message that is processed again, without a control plane: its notice has the id of before ----

met_yaml r 'delivery: at-least-once' >"$dir/r.yaml"
: >"$dir/alone.log"
start_alone() {
	"$sluice" run -f "$dir/r.yaml" --brokers "$brokers" --instance alone --commit 1h --alert-allow 127.0.0.1 >>"$dir/alone.log" 2>&1 &
	ours $!
}
start_alone
alone=$started
wait_until 30 says alone "r: reads" 1
meet r
wait_until 20 has_met r $mets
kill_at_once "$alone"
start_alone
alone=$started
wait_until 30 has_met r $((2 * mets))
expect "notices of messages that were processed twice" "$(met r | wc -l)" "-eq $((2 * mets))"
expect "their ids" "$(met r | sort -u | wc -l)" "-eq $mets"
stop_engine alone "$alone"
[ $failed -eq 0 ] || cat "$dir/notices"
tell_result
