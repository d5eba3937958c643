#!/bin/bash
# What somebody sees who watches engines while Kafka is away, on a real Kafka: the broker hangs, or is killed.
#   watchers.sh SLUICE BUILD      with records and admin in BUILD
# Takes a minute and a half.
set -u
what=watchers
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

# ---- a rollout that stays in its first stage, and who watches it ----

cat >"$dir/rollout.yaml" <<'Y'
apiVersion: mlops.seldon.io/v1alpha1
kind: Experiment
metadata: {name: fresh}
spec:
  default: steady
  candidates: [{name: steady, weight: 50}, {name: next, weight: 50}]
  progressiveDeployment:
    {enabled: true, stages: [{weight: 37, duration: 3000s}], checkEvery: 1s, outcomeWindow: 1s, rollback: {errorRate: ">5%"}}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps: [{name: s, experiment: {name: fresh}}]
  output: {steps: [s]}
Y
cat >"$dir/models.yaml" <<'Y'
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: steady}
spec: {storageUri: "stub://expression?sum=sum(x)"}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: next}
spec: {storageUri: "stub://expression?sum=sum(x)"}
Y
start_model "$dir/models.yaml"
start_broker creates
export SLUICE_BROKERS=$brokers SLUICE_NAMESPACE=watched SLUICE_SETTINGS=
"$sluice" run --control --server "steady=$url" --server "next=$url" --instance one --metrics 0 \
	>"$dir/engine.log" 2>&1 &
ours $!
applied() { "$sluice" apply "$dir/rollout.yaml" >"$dir/apply.log" 2>&1; }
wait_until 40 applied || give_up "the rollout is not applied: $(tail -2 "$dir/apply.log")"
rollout_runs() { "$sluice" experiments status fresh 2>/dev/null | grep -q '^fresh: running'; }
wait_until 40 rollout_runs || give_up "the rollout does not begin"

"$sluice" experiments status fresh --watch >"$dir/watch.out" 2>"$dir/watch.err" &
ours $!
"$sluice" experiments status fresh --watch -o json >"$dir/watch.json" 2>"$dir/watch-json.err" &
ours $!
wait_until 20 test -s "$dir/watch.out" || give_up "nothing is watched"
wait_until 20 test -s "$dir/watch.json" || give_up "nothing is watched as JSON"
sleep 2

# A terminal of its own; what it shows goes to top.log.
mkfifo "$dir/keys"
exec 8<>"$dir/keys"
script -qfc "stty rows 24 cols 100; exec $sluice top" "$dir/top.log" <&8 >/dev/null 2>&1 &
ours $!
wait_until 20 grep -qs 'p .*running' "$dir/top.log" || give_up "top shows no pipeline"

# ---- the broker hangs ----

silence='^Kafka: no broker has answered at '$brokers' for 3 s\. '
broker=$(cat "$dir/kafka/pid")
kill -STOP "$broker"
wait_until 9 grep -qE "$silence" "$dir/watch.err"
expect "status of looking whether a watch says that the broker hangs" $? "-eq 0"
wait_until 9 grep -qE 'Kafka has not answered this command for [0-9]+ s; what is shown is of [0-9:]{8}' "$dir/top.log"
expect "status of looking whether top says that the broker hangs" $? "-eq 0"
sleep 8
ask_refused() { # $1 command and its arguments; it says after 3 s that no broker answers
	timeout 30 "$sluice" "$@" >"$dir/asked.out" 2>"$dir/asked.err"
	expect_words "$1 $2 names Kafka" "$dir/asked.err" '^Kafka: no broker has answered at .* for 3 s'
}
ask_refused health --instance one
kill -CONT "$broker"
wait_until 20 grep -qE "^Kafka: a broker answers again at $brokers, after [0-9]+ s" "$dir/watch.err"
expect "status of looking whether a watch says that the broker is back" $? "-eq 0"
expect_words "the watch as JSON says it too" "$dir/watch-json.err" '^\{.*"message":"Kafka: no broker has answered at .* for 3 s\. '
expect "lines of a watch beside its result" "$(grep -c . "$dir/watch.err")" "-eq 2"
blocks=$(grep -c 'fresh: running' "$dir/watch.out")
expect "blocks of a watch without their time" "$(grep 'fresh: running' "$dir/watch.out" |
	grep -cvE '^[0-9]{4}-[0-9-]{5}T[0-9:]{8}Z  fresh: running')" "-eq 0"
shows_more() { [ "$(grep -c 'fresh: running' "$dir/watch.out")" -gt "$blocks" ]; }
wait_until 30 shows_more
expect "status of looking whether a watch goes on" $? "-eq 0"
expect "lines of the watch as JSON that are none" "$(grep -cv '^{"experiment": "fresh"' "$dir/watch.json")" "-eq 0"

sleep 3
expect "engines that top blames for it" "$(grep -cE 'silent [0-9]+|has crashed|[0-9]+ gone' "$dir/top.log")" "-eq 0"

# ---- the broker is killed ----

"$here/broker.sh" kill "$dir/kafka"
said_twice() { [ "$(grep -cE "$silence" "$dir/watch.err")" -eq 2 ]; }
wait_until 9 said_twice
expect "status of looking whether a watch says that the broker is dead" $? "-eq 0"
"$here/broker.sh" resume "$dir/kafka" >/dev/null || give_up "the broker does not start again"
back_twice() { [ "$(grep -c 'a broker answers again' "$dir/watch.err")" -eq 2 ]; }
wait_until 30 back_twice
expect "status of looking whether a watch says that the broker was started again" $? "-eq 0"
sleep 23
expect "engines that top blames for an outage" "$(grep -cE 'silent [0-9]+|has crashed|[0-9]+ gone' "$dir/top.log")" "-eq 0"

tell_result
