#!/bin/bash
# Mirrors of an experiment on a real Kafka: copies of all requests go to a mirror that differs for some, to one that is slow, to one
# that fails, to one that is not there, and to one that dies. The answers are the same as without it, and none waits for it. The
# engine compares the replies while it runs: its metrics count them, an alert fires, and the shadow topic has the verdict
# on each. `experiments analyze` lists which requests differ; it counts the copies that were not sent or given up, and those that were
# lost with an engine that is killed; and it says first when few were compared. The shadow of a deployment is compared as they are, with
# the answer of the predictors.
#   mirror.sh SLUICE BUILD
# Takes half a minute, of which 6 seconds are those of the slow mirror.
set -u
what=mirror
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
export SLUICE_BROKERS

start_broker brisk creates
SLUICE_BROKERS=$brokers
sleepy_ms=$((3000 * patience))
sed "s/ms=3000/ms=$sleepy_ms/" "$here/mirror.yaml" >"$dir/models.yaml"
start_model "$dir/models.yaml"
steady_url=$url
start_model "$dir/models.yaml"
mortal=$model mortal_url=$url url=$steady_url
nowhere=http://127.0.0.1:9

# A pipeline and its experiment for each mirror. In one of them a step follows, so its answers are not what the mirror replies.
for mirror in other behind sleepy broken absent mortal doomed; do
	named=${mirror/doomed/sleepy} last=s next=
	[ "$mirror" = behind ] && named=other last=next next=', {name: next, inputs: [s], expression: {set: {z: y + 1}}}'
	cat <<-END
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Experiment
		metadata: {name: with-$mirror}
		spec:
		  candidates: [{name: steady, weight: 1}]
		  mirror: {name: $named, percent: 100}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: p-$mirror}
		spec:
		  steps: [{name: s, experiment: {name: with-$mirror}}$next]
		  output: {steps: [$last]}
		  alerts: [{name: differs, condition: mirror_disagreement_rate > 0.05, actions: [{type: webhook, url: "$nowhere"}]}]
	END
done >"$dir/mirrors.yaml"
# The experiment of a deployment has its name. Its answers go through two nodes, 4 x, and so do those of its shadow.
cat <<-END >>"$dir/mirrors.yaml"
	---
	apiVersion: machinelearning.seldon.io/v1
	kind: SeldonDeployment
	metadata: {name: p-deployed}
	spec:
	  protocol: v2
	  predictors:
	  - {name: main, graph: {name: first, type: MODEL, children: [{name: again, type: MODEL}]}}
	  - {name: next, shadow: true, graph: {name: other, type: MODEL, children: [{name: again, type: MODEL}]}}
END
start_mirrored() { # $1 its log; its pid into $engine
	"$sluice" run -f "$dir/mirrors.yaml" --server "steady=$url" --server "other=$url" --server "sleepy=$url" --server "broken=$url" \
		--server "absent=$nowhere" --server "mortal=$mortal_url" --server "first=$url" --server "again=$url" --metrics 0 \
		>>"$dir/$1.log" 2>&1 &
	ours $!
	engine=$started
	for mirror in other behind sleepy broken absent mortal doomed deployed; do
		wait_until 30 grep -qs "p-$mirror" "$dir/$1.log" || give_up "the pipeline of $mirror does not start"
	done
}
start_mirrored engine

# Sends requests at once, the n-th of which has x = n modulo 100, and expects 2 x as each answer, none of which waits.
ask() { # $1 mirror, $2 how many
	seq 1 "$2" | awk -v mirror="$1" '{ printf "{\"id\":\"%s-%d\",\"key\":\"u-%d\",\"request\":{\"id\":\"%s-%d\",\"inputs\":[{\"name\":\"x\"," \
		"\"datatype\":\"FP64\",\"shape\":[1],\"data\":[%d]}]}}\n", mirror, $1, $1, mirror, $1, $1 % 100 }' >"$dir/$1.jsonl"
	"$sluice" produce "p-$1" <"$dir/$1.jsonl" >/dev/null 2>"$dir/produce.log" || give_up "requests to p-$1 were not written"
	timeout $((60 * patience)) "$sluice" tail "p-$1" --from beginning --count "$2" --idle 20s -o json >"$dir/$1.answers" 2>"$dir/tail.log"
	expect "$1: answers that are 2 x" "$(jq -c 'select(.response.outputs[0].data[0] == 2 * ((.id | split("-")[1] | tonumber) % 100)) | .id' \
		"$dir/$1.answers" | sort -u | wc -l)" "-eq $2"
	expect "$1: answers" "$(wc -l <"$dir/$1.answers")" "-eq $2"
}
analyze() { # $1 mirror; its figures into $dir/$1.json
	"$sluice" experiments analyze "with-$1" -f "$dir/mirrors.yaml" -o json 2>"$dir/analyze.log" | jq .mirror >"$dir/$1.json"
}
tell() { # $1 mirror; as text, into $dir/$1.txt
	"$sluice" experiments analyze "with-$1" -f "$dir/mirrors.yaml" >"$dir/$1.txt" 2>"$dir/analyze.log"
}
measure() { # $1 mirror, $2 metric without its prefix; its value into standard output
	curl -s "$(sed -n 's/.*metrics are at \([^ ]*\).*/\1/p' "$dir/engine.log")" | sed -n "s/^sluice_$2{.*pipeline=\"p-$1\".*} //p"
}
counts_are() { # $1 mirror, $2 agreed, $3 disagreed, $4 errors, $5 left out
	[ "$(measure "$1" mirror_agreed_total) $(measure "$1" mirror_disagreed_total) $(measure "$1" mirror_errors_total) $(measure \
		"$1" mirror_left_out_total)" = "$2 $3 $4 $5" ]
}
fires() { # $1 mirror
	[ "$(measure "$1" alert_firing)" = 1.0 ]
}
figure() { # $1 mirror, $2 name
	jq ".$2" "$dir/$1.json"
}
compares() { # $1 mirror
	analyze "$1"
	[ "$(figure "$1" compared)" -gt 0 ]
}
copies_are() { # $1 mirror, $2 how many, $3 how many of them compared
	analyze "$1"
	[ "$(figure "$1" copies)" = "$2" ] && [ "$(figure "$1" compared)" = "$3" ]
}

ask other 300
wait_until 10 copies_are other 300 300
expect "other: status of waiting until all copies are compared" $? "-eq 0"
expect "other: that agree (27 of 300 have x above 90)" "$(figure other agreed)" "-eq 273"
expect "other: that are listed" "$(figure other 'disagreements | length')" "-eq 20"
expect "other: listed ones whose x is above 90, and whose figures are those of both" "$(jq -c '.disagreements[] |
	((.id | split("-")[1] | tonumber) % 100) as $x | select($x > 90 and .answer == 2 * $x and .mirror == 2 * $x + 1)' "$dir/other.json" | wc -l)" "-eq 20"
wait_until 10 counts_are other 273 27 0 0
expect "other: status of waiting for the engine's own counts" $? "-eq 0"
expect "other: copies whose latency the engine counts" "$(measure other mirror_duration_seconds_count)" "-eq 300"
expect "other: compared by the engine, on the shadow topic" "$(figure other compared_by_engines)" "-eq 300"
expect "other: that agree by the engine" "$(figure other agreed_by_engines)" "-eq 273"
wait_until 10 fires other
expect "other: status of waiting for the alert" $? "-eq 0"
tell other
expect_words "other: the text" "$dir/other.txt" "^Mirror .other.: 300 copies, 0 not sent or given up, 0 without a result, 0 without an answer"
expect_words "other: the text, by engines" "$dir/other.txt" "^With the candidate's reply .*: 273 of 300 agree"
expect_words "other: the text, by the answers" "$dir/other.txt" "^With the answer of the pipeline, .*: 273 of 300 compared requests agree within 0.001"
expect "other: that engines list" "$(figure other 'disagreements_by_engines | length')" "-eq 20"
expect "other: lists that have other requests" "$(jq -c '[.disagreements, .disagreements_by_engines | map(.id)] | unique | length' \
	"$dir/other.json")" "-eq 1"
expect "other: warnings of few comparisons" "$(grep -c '^Only' "$dir/other.txt")" "-eq 0"

# The verdicts of engines are of the call, and those of the command of the answer: each says so.
seq 1 100 | awk '{ printf "{\"id\":\"b-%d\",\"request\":{\"id\":\"b-%d\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\"shape\":[1]," \
	"\"data\":[%d]}]}}\n", $1, $1, $1 }' | "$sluice" produce p-behind >/dev/null 2>"$dir/produce.log" || give_up "requests to p-behind were not written"
wait_until 20 copies_are behind 100 100
expect "behind: status of waiting until all copies are compared" $? "-eq 0"
expect "behind: answers that agree" "$(figure behind agreed)" "-eq 0"
expect "behind: replies that agree by the engine" "$(figure behind agreed_by_engines)" "-eq 90"
expect "behind: that differ by the engine, each with its numbers" "$(jq -c '.disagreements_by_engines[] |
	(.id | split("-")[1] | tonumber) as $x | select(.difference == "numbers of y: answer \(2 * $x), mirror \(2 * $x + 1)")' \
	"$dir/behind.json" | wc -l)" "-eq 10"

# The shadow of a deployment, by the deployment's name: its whole graph is compared with the answer.
seq 1 100 | awk '{ printf "{\"id\":\"d-%d\",\"request\":{\"id\":\"d-%d\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\"shape\":[1]," \
	"\"data\":[%d]}]}}\n", $1, $1, $1 }' | "$sluice" produce p-deployed >/dev/null 2>"$dir/produce.log" || give_up "requests to p-deployed were not written"
deployed_are() { # $1 verb, $2 how many copies are compared; its figures into $dir/deployed.json
	"$sluice" experiments "$1" p-deployed -f "$dir/mirrors.yaml" -o json 2>"$dir/analyze.log" | jq .mirror >"$dir/deployed.json"
	[ "$(figure deployed compared)" = "$2" ]
}
for verb in analyze status; do
	wait_until 20 deployed_are $verb 100
	expect "deployed: status of waiting until $verb has all copies" $? "-eq 0"
	expect "deployed: $verb: answers that agree" "$(figure deployed agreed)" "-eq 90"
	expect "deployed: $verb: that agree by the engine" "$(figure deployed agreed_by_engines)" "-eq 90"
	expect "deployed: $verb: that differ, each with its numbers" "$(jq -c '.disagreements_by_engines[] |
		(.id | split("-")[1] | tonumber) as $x | select(.difference == "numbers of z: answer \(4 * $x), mirror \(4 * $x + 2)")' \
		"$dir/deployed.json" | wc -l)" "-eq 10"
	expect "deployed: $verb: what engines compare with" "$(figure deployed engines_compare_with)" '= "answer"'
done
wait_until 10 counts_are deployed 90 10 0 0
expect "deployed: status of waiting for the engine's own counts" $? "-eq 0"
"$sluice" experiments analyze p-deployed -f "$dir/mirrors.yaml" >"$dir/deployed.txt" 2>"$dir/analyze.log"
expect_words "deployed: the text" "$dir/deployed.txt" "^Mirror .p-deployed-next.: 100 copies, 0 not sent"
expect_words "deployed: the text, by engines" "$dir/deployed.txt" "^With the answer to the same request, by engines .*: 90 of 100 agree"

for mirror in broken absent; do
	ask $mirror 100
	wait_until 15 copies_are $mirror 100 100
	expect "$mirror: status of waiting until all copies are compared" $? "-eq 0"
	expect "$mirror: failed copies" "$(figure $mirror mirror_errors)" "-eq 100"
	expect "$mirror: that agree" "$(figure $mirror agreed)" "-eq 0"
	wait_until 10 counts_are $mirror 0 100 100 0
	expect "$mirror: status of waiting for the engine's own counts" $? "-eq 0"
done

# The server of a mirror is killed: from then on its copies fail, and the answers go on.
ask mortal 100
wait_until 10 counts_are mortal 100 0 0 0
expect "mortal: status of waiting until all copies agree" $? "-eq 0"
expect "mortal: alerts that fire" "$(measure mortal alert_firing)" "= 0.0"
kill_at_once "$mortal"
"$sluice" produce p-mortal <"$dir/mortal.jsonl" >/dev/null 2>"$dir/produce.log" || give_up "requests to p-mortal were not written"
wait_until 15 counts_are mortal 100 100 100 0
expect "mortal: status of waiting until the others fail" $? "-eq 0"
expect "mortal: answers without it" "$(timeout $((60 * patience)) "$sluice" tail p-mortal --from beginning --count 200 --idle 20s -o json 2>>"$dir/tail.log" |
	jq -c 'select(.response) | .id' | wc -l)" "-eq 200"
wait_until 10 fires mortal
expect "mortal: status of waiting for the alert" $? "-eq 0"

# A copy takes 3 s. 512 may be outstanding; others are not sent, and those that have no reply at the end are given up.
began_ms=$(date +%s%3N)
ask sleepy 700
expect "sleepy: ms until the last answer" "$(($(jq -s 'map(.time_ms) | max' "$dir/sleepy.answers") - began_ms))" "-lt $sleepy_ms"
analyze sleepy
expect "sleepy: not sent" "$(figure sleepy not_sent)" "-eq 188"
expect "sleepy: left out by the engine's own count" "$(measure sleepy mirror_left_out_total)" "-eq 188"
wait_until 10 compares sleepy || give_up "no reply of the slow mirror is compared"
stop_engine mirror "$engine"
analyze sleepy
expect "sleepy: copies" "$(figure sleepy copies)" "-eq 700"
expect "sleepy: compared, and not sent or given up" "$(($(figure sleepy compared) + $(figure sleepy not_sent)))" "-eq 700"
tell sleepy
expect_words "sleepy: the first line" <(head -n 1 "$dir/sleepy.txt") "^Only [0-9.]+% of the 700 copies to the mirror were compared: "

# An engine is killed before the mirror replies: the answers say which copies there were.
start_mirrored killed
ask doomed 200
kill_at_once "$engine"
analyze doomed
expect "doomed: copies" "$(figure doomed copies)" "-eq 200"
expect "doomed: without a result" "$(figure doomed without_result)" "-gt 150"
expect "doomed: compared, or without a result" "$(($(figure doomed compared) + $(figure doomed without_result)))" "-eq 200"
tell doomed
expect_words "doomed: the first line" <(head -n 1 "$dir/doomed.txt") "^Only [0-9.]+% of the 200 copies .*; [0-9]+ have no result, since"

tell_result
