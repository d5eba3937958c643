#!/bin/bash
# The reference's experiments that are rolled out, as they are written, on a real Kafka. The one with criteria and a promotion policy
# promotes a candidate that is right for 90 of 100 answers beside 55, at the end of its interval, and rolls back one that is right
# for 30 beside 90. The progressive one passes its three stages.
# Their hours take seconds: the clocks of engines and commands go on by preload/hours.c while nothing is in flight. Kafka has the real
# one. As many requests are sent as `sluice experiments rollout` says that the rules need, those that are not written among them.
#   reference_rollouts.sh SLUICE BUILD
# EXPERIMENTS: those that are told ("criteria progressive"). Takes two minutes on a busy machine; with criteria alone one.
set -u
what=reference_rollouts
experiments=${EXPERIMENTS:-criteria progressive}
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
reference=$here/../reference
criteria=financial-predictor-experiment progressive=progressive-deployment
declare -A port asked engine

# ---- time ----

hours=$dir/hours
head -c 512 /dev/zero >"$hours"
cc -O1 -shared -fPIC -D_GNU_SOURCE -o "$dir/hours.so" "$here/preload/hours.c" || give_up "preload/hours.c could not be built"
printf '#!/bin/sh\nSLUICE_TEST_HOURS=%s LD_PRELOAD=%s exec %s "$@"\n' "$hours" "$dir/hours.so" "$sluice" >"$dir/sluice"
chmod +x "$dir/sluice"

pass() { # $1 milliseconds
	"$here/hours.py" "$hours" "$1" 2>"$dir/hours.log" || give_up "the clocks do not go on"
}
# Slowly enough for engines to see that nothing comes, and to say that they have counted all truths: else no stage passes.
pass_slowly() { # $1 milliseconds
	"$here/hours.py" "$hours" "$1" 2 2>"$dir/hours.log" || give_up "the clocks do not go on"
}
# To the look at the end of a stage, and past it.
pass_stage() { # $1 namespace, $2 experiment, $3 minutes that the stage lasts, then what to do shortly before
	local begun_ms now_ms left_ms
	phase_is "$1" "$2" running || give_up "$2 of $1 is over too soon"
	begun_ms=$(sed 's/.*"began_ms": \([0-9]*\).*/\1/' "$dir/status-$1")
	now_ms=$(($(date +%s%N) / 1000000 + $(od -An -td8 -N8 "$hours")))
	left_ms=$((begun_ms + $3 * 60000 - now_ms))
	pass $((left_ms - 6000))
	"${@:4}"
	pass_slowly 8000
}

# ---- namespaces, each with an engine ----

phase_is() { # $1 namespace, $2 experiment, $3 phase, $4 stage if it matters
	SLUICE_NAMESPACE=$1 "$sluice" experiments status "$2" -o json >"$dir/status-$1" 2>"$dir/status.log" &&
		grep -q "\"phase\": \"$3\".*\"stage\": ${4-}" "$dir/status-$1"
}
start_follower() { # $1 namespace, whose models are at $url
	port[$1]=$(free_port)
	SLUICE_TEST_HOURS_LOOPS=1 SLUICE_NAMESPACE=$1 "$sluice" run --control --instance "$1" \
		--metrics "127.0.0.1:${port[$1]}" --server "baseline-predictor=$url" --server "enhanced-predictor=$url" \
		--server "shadow-predictor=$url" --server "canary-predictor=$url" \
		--kafka-setting fetch.wait.max.ms=100 >>"$dir/$1.log" 2>&1 &
	ours $!
	engine[$1]=$started
}
# An experiment of the reference, and a pipeline whose step is that experiment.
apply_reference() { # $1 namespace, $2 file, $3 experiment
	printf '%s\n' "apiVersion: mlops.seldon.io/v1alpha1" "kind: Pipeline" "metadata: {name: p}" \
		"spec: {steps: [{name: s, experiment: {name: $3}}], output: {steps: [s]}}" >"$dir/pipeline.yaml"
	SLUICE_NAMESPACE=$1 "$sluice" apply -f "$reference/$2" -f "$dir/pipeline.yaml" >"$dir/apply-$1.log" 2>&1 ||
		give_up "$2 is refused"
	SLUICE_NAMESPACE=$1 "$sluice" wait pipeline/p >"$dir/wait.log" 2>&1 || give_up "the pipeline of $1 does not run"
	wait_until 20 phase_is "$1" "$3" running || give_up "the rollout of $1 does not begin"
}
counted() { # $1 namespace, $2 metric
	curl -s "127.0.0.1:${port[$1]}/metrics" | sed -n "s/^sluice_pipeline_$2{.*pipeline=\"p\".*} //p"
}
all_are_answered() { [ "$(counted "$1" answers_total)" = "${asked[$1]}" ] && [ "$(counted "$1" in_flight)" = 0 ]; }
# Requests of as many units, and all of their answers.
ask() { # $1 namespace, $2 how many
	asked[$1]=$((${asked[$1]-0} + $2))
	seq -f %.0f $((asked[$1] - $2 + 1)) "${asked[$1]}" |
		sed 's/.*/{"id":"r-&","key":"unit-&","request":{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[1]}]}}/' |
		SLUICE_NAMESPACE=$1 "$sluice" produce p - --rate 3000 >"$dir/produce-$1.log" 2>&1 || give_up "requests were not written"
	wait_until 30 all_are_answered "$1" || give_up "requests of $1 are not answered"
	sleep 0.3 # in which they are committed
}
# What was true of each answer: what it says, of so many in 100 of the default, which says 1, and of the candidate; else something else.
feed() { # $1 namespace, $2 of the default, $3 of the candidate
	SLUICE_NAMESPACE=$1 timeout $((30 * patience)) "$sluice" tail p --from beginning --count "${asked[$1]}" -o json 2>"$dir/tail.log" |
		jq -c "{id, said: .response.outputs[0].data[0]} | {id, truth: {label:
			[.said + (if input_line_number * 37 % 100 < (if .said == 1 then $2 else $3 end) then 0 else 1 end)]}}" >"$dir/feedback-$1"
	SLUICE_NAMESPACE=$1 "$sluice" feedback p -f "$dir/feedback-$1" >/dev/null 2>"$dir/feedback.log" || give_up "feedback was not written"
	expect "$1: answers with a truth" "$(wc -l <"$dir/feedback-$1")" "-eq ${asked[$1]}"
}
expect_last() { # $1 namespace, $2 experiment, $3 the beginning of the sentence of the last move
	SLUICE_NAMESPACE=$1 "$sluice" experiments history "$2" -o json 2>"$dir/history.log" | head -n 1 | jq . >"$dir/last-$1"
	expect_words "$1: why" "$dir/last-$1" "\"sentence\": \"$3"
}
# Engines of a busy machine may tell only after a look what they have counted: then the next looks come, also slowly.
expect_phase() { # $1 namespace, $2 experiment, $3 phase, $4 stage if it matters
	local looks=$((2 * patience))
	until wait_until 3 phase_is "$@" || [ $((looks -= 1)) -lt 0 ]; do pass_slowly 30000; done
	phase_is "$@"
	expect "$1: status of waiting until it is $3${4:+ in stage $4}" $? "-eq 0"
}

is_told() { [[ " $experiments " = *" $1 "* ]]; }

start_broker brisk creates
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester
start_model "$here/reference_rollouts.yaml"
sluice=$dir/sluice # from now on: the clock of the model server is not moved
start_follower better
start_follower worse
! is_told progressive || start_follower stages
for namespace in "${!engine[@]}"; do
	wait_until 30 grep -qs "is now the keeper" "$dir/$namespace.log" || give_up "no keeper"
done
apply_reference better experiment-criteria.yaml $criteria
apply_reference worse experiment-criteria.yaml $criteria
! is_told progressive || apply_reference stages experiment-progressive.yaml $progressive

# ---- criteria and a promotion policy: truths count when their window of 5 minutes is over, with the first look after that ----

ask better 3000
feed better 55 90
ask worse 1000
feed worse 90 30
pass 306000
! is_told progressive || ask stages 8000
pass_slowly 12000
pass 20000
expect_phase worse $criteria rolledBack
expect_last worse $criteria 'Rolled back: `accuracy(Drop)?` of `enhanced-predictor`'
expect_phase better $criteria running

# ---- stages of 10, 50 and 100%, for 15, 30 and 60 minutes; and between them the end of the interval of an hour ----

if is_told progressive; then
	pass_stage stages $progressive 15 :
	expect_phase stages $progressive running 2
	ask stages 4000
	pass_stage stages $progressive 30 :
	expect_phase stages $progressive running 3
	ask stages 8500
fi
pass_stage better $criteria 60 :
expect_phase better $criteria promoted
expect_last better $criteria 'Promoted: all rules of stage 1 hold'
if is_told progressive; then
	pass_stage stages $progressive 60 ask stages 20 # at 100% a candidate that nobody asks any more passes no stage
	expect_phase stages $progressive promoted
	expect_last stages $progressive 'Promoted: all rules of stage 3 hold'
fi

for namespace in "${!engine[@]}"; do
	stop_engine "$namespace" "${engine[$namespace]}"
done
tell_result
