#!/bin/bash
# Resources are applied, decided by one keeper, and kept: also when keepers are killed and frozen, and when two
# appliers change the same resource; on a real Kafka.
#   control.sh SLUICE BUILD      with keeper and admin in BUILD
# APPLIES: how many applies run while keepers are killed (default 40). Takes about a minute; with APPLIES=12 half of it.
set -u
what=control
applies=${APPLIES:-40}
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

start_broker brisk
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS=

start_keeper() { # $1 name; its pid into $started
	"$build/keeper" "$brokers" default "$1" 2>>"$dir/$1.log" &
	ours $!
}
is_keeper() { # $1 name, $2 times so far
	[ "$(grep -c "is now the keeper" "$dir/$1.log")" -ge "$2" ]
}
model() { # $1 name, $2 comment
	printf 'apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\nspec: {storageUri: "stub://echo"}\n# %s\n' "$1" "$2"
}

# ---- without a keeper, and with topics that are not there ----

"$sluice" get >"$dir/get.log" 2>&1
expect "status of get without a control topic" $? "-eq 2"
expect_words "get without a control topic" "$dir/get.log" "no engine has run there with .sluice run --control."

# ---- two candidates, one keeper ----

start_keeper one
one=$started
wait_until 15 is_keeper one 1 || give_up "no keeper"
start_keeper two
two=$started
model m first >"$dir/m.yaml"
"$sluice" apply -f "$dir/m.yaml" --author ann --reason begin >"$dir/apply.log" 2>&1
expect "status of an apply" $? "-eq 0"
expect_words "an apply" "$dir/apply.log" "^Model/m version 1 accepted \(change 1\)"
"$sluice" apply -f "$dir/m.yaml" --author ann >"$dir/same.log" 2>&1
expect_words "the same again" "$dir/same.log" "^Model/m unchanged"
echo "spec: [" >"$dir/broken.yaml"
"$sluice" apply -f "$dir/broken.yaml" >"$dir/broken.log" 2>&1
expect "status of an apply of YAML that is broken" $? "-eq 1"
printf 'apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec: {steps: [{name: m, inputs: [nowhere]}]}\n' >"$dir/p.yaml"
"$sluice" apply -f "$dir/p.yaml" >"$dir/faults.log" 2>&1
expect "status of an apply of a pipeline with a fault" $? "-eq 1"
expect_words "its fault, with its place" "$dir/faults.log" "p.yaml:4:[0-9]+: .*nowhere"
[ ! -s "$dir/two.log" ]
expect "status of looking whether the second candidate waits" $? "-eq 0"

"$sluice" get --watch -o name >"$dir/watch.log" 2>&1 &
ours $!
watch=$started

# ---- records that nobody can answer, and topics that are not as they must be ----

head -c 1900000 /dev/urandom >"$dir/garbage"
"$build/admin" "$brokers" put sluice.default.proposals garbage "$dir/garbage" || give_up "a record could not be written"
head -c 10000 /dev/urandom >"$dir/noise"
"$build/admin" "$brokers" put sluice.default.status noise "$dir/noise" || give_up "a record could not be written"
model m1 after >"$dir/after.yaml"
"$sluice" apply -f "$dir/after.yaml" >"$dir/after.log" 2>&1
expect "status of an apply behind a record that is no proposal" $? "-eq 0"
expect_words "the keeper says so" "$dir/one.log" "ignored a record of sluice.default.proposals"
for topic in sluice.emptied.control sluice.emptied.proposals; do
	"$build/admin" "$brokers" make $topic 1 delete || give_up "a topic could not be made"
done
"$build/keeper" "$brokers" emptied five >"$dir/five.log" 2>&1
expect "status of an engine whose control topic would be emptied" $? "-ne 0"
expect_words "the words of that" "$dir/five.log" "sluice.emptied.control would lose state: its cleanup.policy is delete,.*kafka-configs.sh"
for topic in sluice.wide.control sluice.wide.proposals; do
	"$build/admin" "$brokers" make $topic 3 compact || give_up "a topic could not be made"
done
"$build/keeper" "$brokers" wide six >"$dir/six.log" 2>&1
expect "status of an engine whose control topic has three partitions" $? "-ne 0"
expect_words "the words of that" "$dir/six.log" "sluice.wide.control has 3 partitions, and must have one"

# ---- two appliers of one resource ----

model m second >"$dir/m.yaml"
model m third >"$dir/n.yaml"
"$sluice" apply -f "$dir/m.yaml" --author ann --expect model/m=1 >"$dir/ann.log" 2>&1 &
ann=$!
"$sluice" apply -f "$dir/n.yaml" --author bob --expect model/m=1 >"$dir/bob.log" 2>&1
bob_status=$?
wait "$ann"
expect "statuses of two appliers at once, together" $(($? + bob_status)) "-eq 1"
cat "$dir/ann.log" "$dir/bob.log" >"$dir/both.log"
expect_words "one wins" "$dir/both.log" "^Model/m version 2 accepted"
expect_words "the other is told of whom" "$dir/both.log" "conflict: .*at version 2, applied by (ann|bob), and version 1 was expected"

# ---- an alert is silenced, and no longer ----

printf 'apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: watched}\nspec:\n  steps: [{name: m}]\n  output: {steps: [m]}\n  alerts: [{name: slow, condition: "lag > 1"}]\n' >"$dir/watched.yaml"
"$sluice" apply -f "$dir/watched.yaml" >"$dir/watched.log" 2>&1
expect "status of an apply of a pipeline with an alert" $? "-eq 0"
"$sluice" alerts silence slwo --for 2h --reason moving >"$dir/slwo.log" 2>&1
expect "status of silencing an alert that is not there" $? "-eq 2"
expect_words "the words of that" "$dir/slwo.log" "no alert .slwo.; did you mean .slow."
"$sluice" alerts silence slow --pipeline watched --for 2h --reason moving --author ann >"$dir/silence.log" 2>&1
expect "status of silencing an alert" $? "-eq 0"
expect_words "a silence is a version" "$dir/silence.log" "^Silence/watched-slow-[0-9a-f]{12} version 1 accepted"
is_silenced() { "$sluice" alerts list 2>&1 | grep -qE "silenced until 20[0-9T:-]+Z by ann: moving"; }
wait_until 10 is_silenced
expect "status of looking whether alerts list shows it" $? "-eq 0"
silence=$(grep -oE "watched-slow-[0-9a-f]{12}" "$dir/silence.log" | head -n 1)
"$sluice" delete "silence/$silence" >"$dir/unsilence.log" 2>&1
expect "status of deleting a silence" $? "-eq 0"

# ---- keepers that are killed and frozen while resources are applied ----

apply_many() {
	local i
	for ((i = 1; i <= applies; i++)); do
		model "n$((i % 4))" "$i" >"$dir/many.yaml"
		"$sluice" apply -f "$dir/many.yaml" --author many --reason "$i" --timeout $((30 * patience))s >>"$dir/many.log" 2>&1 || echo "failed $i" >>"$dir/many.log"
	done
}
apply_many &
many=$!
ours $many
sleep 1
kill -9 "$one" && wait_for "$one"
killed=$(date +%s%N)
wait_until 10 is_keeper two 1 || give_up "nobody follows a keeper that was killed"
# Beside other tests each of them may take a second of it.
expect "milliseconds until another keeper decides" $((($(date +%s%N) - killed) / 1000000)) "-le $((4000 + 1000 * patience))"
start_keeper three
sleep 1
kill -STOP "$two"
wait_until 10 is_keeper three 1 || give_up "nobody follows a keeper that is frozen"
kill -CONT "$two"
wait_until 10 grep -q "is no longer the keeper" "$dir/two.log"
expect "status of looking whether a frozen keeper finds itself replaced" $? "-eq 0"
wait_for $many
expect "applies that failed" "$(grep -c failed "$dir/many.log")" "-eq 0"
expect "applies that were accepted" "$(grep -c accepted "$dir/many.log")" "-eq $applies"
for name in n0 n1 n2 n3; do
	"$sluice" history "model/$name" -o json >"$dir/history.$name"
done
# Each apply is one version, in the order in which it was sent, and no number is missing or there twice.
expect "versions kept of all" "$(cat "$dir"/history.n? | wc -l)" "-eq $applies"
python3 - "$dir"/history.n? <<'END'
import json, sys
for path in sys.argv[1:]:
    versions = [json.loads(line) for line in open(path)][::-1]
    assert [v["version"] for v in versions] == list(range(1, len(versions) + 1)), path
    reasons = [int(v["reason"]) for v in versions]
    assert reasons == sorted(set(reasons)), path
END
expect "status of the check of the histories" $? "-eq 0"

# ---- rollback, delete ----

"$sluice" delete model/n3 --author ann >"$dir/delete.log" 2>&1
expect "status of a delete" $? "-eq 0"
"$sluice" get -o name >"$dir/names.log"
expect "resources" "$(wc -l <"$dir/names.log")" "-ge 4"
wait_until 10 grep -q "Model/n2" "$dir/watch.log"
expect "status of looking whether a resource that is new is shown by --watch" $? "-eq 0"
expect "times that a resource with two versions is shown at least" "$(grep -c Model/m "$dir/watch.log")" "-ge 2"
kill "$watch" && wait_for "$watch"
"$sluice" rollback model/m --to 1 --author ann --reason back >"$dir/rollback.log" 2>&1
expect "status of a rollback" $? "-eq 0"
expect_words "a rollback" "$dir/rollback.log" "^Model/m version 3 accepted"

# ---- a change of two resources: one returns, and then what it left ----

"$sluice" wait model/m --for active >"$dir/wait.log" 2>&1 # else the change replaces a version that was never in force
expect "status of waiting for what was rolled back to" $? "-eq 0"
{ model m fourth && echo --- && model n0 fourth; } >"$dir/two.yaml"
"$sluice" apply -f "$dir/two.yaml" --author ann --reason together >"$dir/together.log" 2>&1
expect "status of an apply of two" $? "-eq 0"
change=$(grep -oE 'change [0-9]+' "$dir/together.log" | grep -oE '[0-9]+' | head -n 1)
"$sluice" wait model/n0 --for active >"$dir/wait.log" 2>&1
"$sluice" rollback model/m --author ann --reason back >"$dir/one_of_two.log" 2>&1
expect "status of a rollback of one of them" $? "-eq 0"
expect_words "what it leaves" "$dir/one_of_two.log" "^change $change also changed Model/n0, still at version [0-9]+: .sluice rollback Model/n0. undoes that$"
"$sluice" wait model/m --for active >"$dir/wait.log" 2>&1
"$sluice" history >"$dir/changes.log" 2>&1
expect "status of the history of a namespace" $? "-eq 0"
expect_words "the change, in it" "$dir/changes.log" "^$change +active +20[0-9T:-]+Z +ann +together$"
expect_words "what is in force of it" "$dir/changes.log" "^    Model/n0 version [0-9]+: apply, in force$"
"$sluice" rollback "change/$change" --author ann --reason back >"$dir/rest.log" 2>&1
expect "status of a rollback of the change" $? "-eq 0"
expect "resources that it returns: the other one alone" "$(grep -c accepted "$dir/rest.log")" "-eq 1"
expect_words "it" "$dir/rest.log" "^Model/n0 version [0-9]+ accepted"

# ---- a keeper that stops, and a control topic that Kafka would empty, or that was deleted ----

kill "$two" "$started"
wait_for "$two"
wait_for "$started"
kafka_control=sluice.default.control
"$build/admin" "$brokers" delete $kafka_control || give_up "the topic could not be deleted"
sleep 1
"$build/keeper" "$brokers" default four >"$dir/four.log" 2>&1
expect "status of an engine whose control topic was deleted" $? "-ne 0"
expect_words "the words of that" "$dir/four.log" "$kafka_control was deleted, .*kafka-topics.sh --delete --topic sluice.default.proposals"
tell_result
