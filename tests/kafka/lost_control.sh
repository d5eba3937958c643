#!/bin/bash
# Somebody changes the topics of a control plane while engines run, on a real Kafka: `control` gets cleanup.policy=delete, and is
# deleted. The engines say so, and continue with what they run; when it was created again, they run what is applied then.
#   lost_control.sh SLUICE BUILD      with admin in BUILD
# Takes a minute and a half.
set -u
what=lost_control
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

start_broker brisk
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester
control=sluice.default.control

start_follower() { # $1 instance; its pid into $started
	"$sluice" run --control --instance "$1" >>"$dir/$1.log" 2>&1 &
	ours $!
}
log_has() { # $1 instance, $2 words
	grep -qs -- "$2" "$dir/$1.log"
}
says() { # $1 seconds, $2 words, then instances
	local one
	for one in "${@:3}"; do
		wait_until "$1" log_has "$one" "$2"
		expect "status of waiting for $one to say \"$2\"" $? "-eq 0"
	done
}
pipeline() { # $1 name, $2 summand
	printf -- '---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n' "$1"
	printf '  steps: [{name: add, expression: {set: {y: x + %d}}}]\n  output: {steps: [add]}\n' "$2"
}
ask() { # $1 pipeline; its answer into $answer
	answer=$("$sluice" infer "$1" -f "$dir/request" --timeout 20s 2>&1 | tr -d ' \n')
}

echo '{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[1]}]}' >"$dir/request"
start_follower one
one=$started
wait_until 20 log_has one "is now the keeper" || give_up "no keeper"
start_follower two
{ pipeline a 1; pipeline b 1; } >"$dir/both.yaml"
"$sluice" apply -f "$dir/both.yaml" >"$dir/apply.log" 2>&1
expect "status of apply" $? "-eq 0"
"$sluice" wait pipeline/b --timeout 30s >"$dir/wait.log" 2>&1
expect "status of wait" $? "-eq 0"

# ---- a policy that deletes ----

"$build/admin" "$brokers" set $control cleanup.policy delete max.message.bytes 2097152 || give_up "the policy could not be set"
says 20 "$control has cleanup.policy=delete: Kafka deletes records that sluice must keep. Set it: kafka-configs.sh" one two
"$sluice" describe pipeline/a >"$dir/describe.log" 2>&1
expect_words "describe shows it" "$dir/describe.log" "the engine itself +Differs .*cleanup.policy=delete"
"$build/admin" "$brokers" set $control cleanup.policy compact max.message.bytes 2097152 || give_up "the policy could not be set"
says 20 "the topics of the control plane are as they must be again" one two

# ---- it is deleted ----

"$build/admin" "$brokers" delete $control || give_up "the topic could not be deleted"
says 30 "the control plane cannot be read: topic $control was deleted" one two
says 10 "this engine is no longer the keeper" one
"$sluice" get >"$dir/get.log" 2>&1
expect "status of get" $? "-eq 2"
expect_words "get says where to look" "$dir/get.log" "or the topic was deleted .the logs of the engines say so"
ask a
expect "an answer while it is gone" "$(grep -cF '[2.0]' <<<"$answer")" "-eq 1"

# ---- as the log says: without proposals, an engine that starts creates both ----

"$build/admin" "$brokers" delete sluice.default.proposals || give_up "the topic could not be deleted"
kill "$one"
wait_for "$one"
start_follower one
says 30 "$control was created again, and has none; those that ran before continue" two
ask b
expect "an answer of a pipeline that is in no topic any more" "$(grep -cF '[2.0]' <<<"$answer")" "-eq 1"
pipeline a 10 >"$dir/a.yaml" # version 1 again, and another one
"$sluice" apply -f "$dir/a.yaml" --timeout 30s >"$dir/again.log" 2>&1
expect_words "versions begin anew" "$dir/again.log" "^Pipeline/a version 1 accepted .change 1."
says 20 "the documents in force are running: 1 resources" one two
for _ in 1 2 3 4 5 6 7 8; do
	ask a
	expect "answers of either engine are of the new version" "$(grep -cF '[11.0]' <<<"$answer")" "-eq 1"
done
tell_result
