#!/bin/bash
# Models of one name in different resources, with the broker of `sluice dev`: two SeldonDeployments whose nodes are both called
# `classifier`, and two pipelines whose steps locate a model `m`. Each answers with its own model: at the built-in server, and in an
# engine of its own at real model servers. The server of one goes, and the other has no failure of its own. One address for both
# is refused with the lines to write.
#   own_models.sh SLUICE BUILD
# Takes about 10 s.
set -u
what=own_models
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
request='{"id":"r","inputs":[{"name":"INPUT","datatype":"FP32","shape":[1],"data":[1]}]}'

deployment() { # $1 name, $2 modelUri
	cat <<-END
		---
		apiVersion: machinelearning.seldon.io/v1
		kind: SeldonDeployment
		metadata: {name: $1}
		spec:
		  protocol: v2
		  predictors: [{name: default, graph: {name: classifier, modelUri: "$2"}}]
	END
}
pipeline() { # $1 name, $2 storageUri
	cat <<-END
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: $1}
		spec:
		  steps: [{name: m, model: {storageUri: "$2"}}]
		  output: {steps: [m]}
	END
}
model() { # $1 name, $2 storageUri
	printf 'apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\nspec: {storageUri: "%s"}\n---\n' "$1" "$2"
}
answers() { # $1 what, $2 pipeline, $3 file, $4 the value
	echo "$request" | "$sluice" infer "$2" -f - --pipelines "$3" --brokers "$brokers" --timeout $((20 * patience))s >"$dir/answer.log" 2>&1
	expect_words "$1: the answer of $2" "$dir/answer.log" "\[$4\.0\]"
}

mkdir "$dir/files"
{ deployment dep-a stub://add10 && deployment dep-b "stub://linear?w=3" && pipeline p-a stub://add10 && pipeline p-b "stub://linear?w=3"; } >"$dir/files/all.yaml"
"$sluice" dev "$dir/files" --port 0 >"$dir/dev.log" 2>&1 &
ours $!
wait_until 10 grep -q '^edit' "$dir/dev.log" || give_up "sluice dev does not start"
brokers=$(sed -n 's/^broker  *//p' "$dir/dev.log")
for name in dep p; do
	answers "the built-in server" $name-a "$dir/files" 11
	answers "the built-in server" $name-b "$dir/files" 3
done

# Real servers: each has its own `classifier` and `m`.
{ model classifier stub://add10 && model m stub://add10; } >"$dir/one.yaml"
{ model classifier "stub://linear?w=3" && model m "stub://linear?w=3"; } >"$dir/other.yaml"
start_model "$dir/one.yaml"
one=$url
start_model "$dir/other.yaml"
other=$url other_server=$model
{ deployment run-a s3://a && deployment run-b s3://b && pipeline q-a s3://a && pipeline q-b s3://b; } >"$dir/run.yaml"
"$sluice" run "$dir/run.yaml" --brokers "$brokers" --server "classifier=$one" --server "m=$one" >"$dir/refused.log" 2>&1
expect "one address for both: exit status" $? "-eq 1"
expect_words "what it says" "$dir/refused.log" "give each its own: --server run-a/classifier=http://HOST:PORT --server run-b/classifier="
expect_words "and of the pipelines" "$dir/refused.log" "nor have .*\`q-a/m\`"
"$sluice" run "$dir/run.yaml" --brokers "$brokers" --metrics 0 --server "run-a/classifier=$one" --server "run-b/classifier=$other" \
	--server "q-a/m=$one" --server "q-b/m=$other" >"$dir/run.log" 2>&1 &
ours $!
engine=$started
wait_until 20 grep -q " info  q-b: reads" "$dir/run.log" || give_up "the engine does not start"
for name in run q; do
	answers "servers of their own" $name-a "$dir/run.yaml" 11
	answers "servers of their own" $name-b "$dir/run.yaml" 3
done

# The server of run-b is gone: run-a is as it was, and its metrics and `top` say so.
kill_at_once "$other_server"
echo "{\"request\": $request}" | "$sluice" produce run-b --brokers "$brokers" >"$dir/gone.log" 2>&1
wait_until 10 grep -q "model run-b/classifier is unreachable" "$dir/run.log"
expect "the model of run-b is unreachable: status of looking" $? "-eq 0"
answers "beside a model that is gone" run-a "$dir/run.yaml" 11
curl -s "$(sed -n 's/.*metrics are at \(http[^ ]*\).*/\1/p' "$dir/run.log")" >"$dir/metrics.log"
expect_words "metrics: calls of run-a" "$dir/metrics.log" '^sluice_model_calls_total\{.*model="run-a/classifier"\} 2$'
expect_words "the breaker of run-a is open in no worker" "$dir/metrics.log" '^sluice_model_breakers\{.*model="run-a/classifier",state="open"\} 0$'
expect_words "that of run-b is" "$dir/metrics.log" '^sluice_model_breakers\{.*model="run-b/classifier",state="(open|half-open)"\} 1$'
state_is() { # $1 pipeline, $2 state in `top`, which an engine reports each second
	"$sluice" top --once -o json --brokers "$brokers" >"$dir/top.log" 2>&1 && grep -q "\"pipeline\": \"$1\".*\"state\": \"$2\"" "$dir/top.log"
}
wait_until 10 state_is run-b waiting
expect "top: the run-b waits: status" $? "-eq 0"
state_is run-a running
expect "top: run-a runs: status" $? "-eq 0"
tell_result
