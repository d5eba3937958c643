#!/bin/bash
# Topics that are not as planned, on a real Kafka: another retention, and compaction that was switched off. The condition of the
# pipeline names the command, it goes when the command was run, and the pipeline is ready all the time.
#   differs.sh SLUICE BUILD      with admin in BUILD
# Takes about 90 seconds: an engine looks once a minute.
set -u
what=differs
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
export SLUICE_SETTINGS='' SLUICE_NAMESPACE=held SLUICE_AUTHOR=tester
outputs=sluice.held.pipeline.plain.outputs

pipeline() { # $1 name, $2 its step
	printf 'apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n' "$1"
	printf '  steps: [{name: s, %s}]\n  output: {steps: [s]}\n' "$2"
}
condition_is() { # $1 pipeline, $2 what
	"$sluice" describe "pipeline/$1" -o json >"$dir/$1.json" 2>"$dir/describe.log" &&
		[ "$(jq -r '.conditions[] | "\(.what) \(.ready)"' "$dir/$1.json")" = "$2 true" ]
}

start_broker brisk
export SLUICE_BROKERS=$brokers
"$sluice" run --control --instance one --artifacts "$dir/artifacts" >>"$dir/engine.log" 2>&1 &
ours $!
wait_until 20 grep -qs "is now the keeper" "$dir/engine.log" || give_up "no keeper"
pipeline plain 'expression: {set: {y: x * 2}}' >"$dir/plain.yaml"
pipeline counted 'features: {key: k, set: {m: mean(x over 1h)}}' >"$dir/counted.yaml"
"$sluice" apply -f "$dir/plain.yaml" -f "$dir/counted.yaml" >"$dir/apply.log" 2>&1 || give_up "no apply"
for name in plain counted; do
	"$sluice" wait pipeline/$name --timeout 60s >"$dir/wait.log" 2>&1 || give_up "$name is not ready"
done

# The engine looks 10 s after it began to run them.
changelog=$("$sluice" plan -o json -n held "$dir/counted.yaml" | jq -r '.. | objects | select(.role? == "state") | .name')
expect "conditions as planned" "$(condition_is plain Ready && condition_is counted Ready && echo yes)" "= yes"
"$build/admin" "$brokers" set $outputs retention.ms 1000 || give_up "no other retention"
"$build/admin" "$brokers" set "$changelog" cleanup.policy delete || give_up "no other policy"
wait_until 30 condition_is plain Differs
expect_words "another retention" "$dir/plain.json" "$outputs has retention.ms=1000, and the plan says 604800000; set it: kafka-configs"
wait_until 30 condition_is counted Differs
expect_words "no compaction" "$dir/counted.json" "topic $changelog has cleanup.policy=delete, and the plan says compact: .*cleanup.policy=compact"
expect_words "the log" "$dir/engine.log" "counted: topic $changelog has cleanup.policy=delete"
"$sluice" wait pipeline/counted --timeout 1s >"$dir/wait.log" 2>&1
expect "exit code of wait" $? "-eq 0"

# The commands that they name.
"$build/admin" "$brokers" set $outputs retention.ms 604800000
"$build/admin" "$brokers" set "$changelog" cleanup.policy compact
wait_until 75 condition_is plain Ready
expect_words "the log" "$dir/engine.log" "plain: its topics are as planned again"
expect "conditions as planned" "$(condition_is plain Ready && condition_is counted Ready && echo yes)" "= yes"
tell_result
