#!/bin/bash
# Rollouts on a real Kafka, with three engines: a candidate that holds its rules is promoted stage by stage; one that fails is
# rolled back, and the time until its last answer is measured; the same of a rollout that is written in a step; the engine of the
# keeper is killed in a stage, and the moves go on without a gap or a repeat, each told to its topic; a pause holds, and commands
# move the weights at once, as a dry run shows them; a candidate that is wrong more often is rolled back by its feedback; and one
# whose estimated accuracy is low by an alert, before any truth comes. Two operators promote and roll back at the same moment. A
# promotion and a rollback reach the last engine in less than 2 s from the start of the command, and a policy of bandits in less than
# 1 s from the end of its updateInterval: until a reader of the answers sees the last one that was chosen as before.
#   rollout.sh SLUICE BUILD
# ROUNDS: how often that is measured (5). Takes two minutes; with one round 90 s.
set -u
what=rollout
rounds=${ROUNDS:-5} engines="one two three" partitions=6
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

start_broker brisk creates
start_model "$here/rollout.yaml"
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester SLUICE_NAMESPACE=rollout

declare -A port before

start_follower() { # $1 instance; its pid into $started
	port[$1]=$(free_port)
	"$sluice" run --control --server "steady=$url" --server "next=$url" --server "sure=$url" --server "unsure=$url" \
		--instance "$1" --metrics "127.0.0.1:${port[$1]}" >>"$dir/$1.log" 2>&1 &
	ours $!
}
end_of_test() {
	cat "$dir"/one.log "$dir"/two.log "$dir"/three.log >"$dir/engine.log" 2>/dev/null
}
start_requests() { # $1 file, $2 pipeline if it is not p; its pid into $started
	"$sluice" produce "${2-p}" "$1" --rate 400 --repeat >"$dir/produce.log" 2>&1 &
	ours $!
}
stop_ours() { # $1 pid
	kill "$1" 2>/dev/null
	wait_for "$1"
}
# A new plan begins the rollout anew.
apply_rollout() { # $1 the schedule, $2 the duration of a stage, $3 criteria, if there are any
	cat >"$dir/documents.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: SeldonRuntime
		metadata: {name: default}
		spec: {config: {kafkaConfig: {topics: {numPartitions: $partitions}}}}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Experiment
		metadata: {name: fresh}
		spec:
		  default: steady
		  candidates: [{name: steady, weight: 50}, {name: next, weight: 50}]
		  progressiveDeployment:
		    {enabled: true, schedule: [$1], every: $2, checkEvery: 1s, outcomeWindow: 1s,
		     rollback: {errorRate: ">5%", latency: ">2s"}}
		  actions: [{type: topic}]
		  successCriteria: [${3:-}]
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: p}
		spec:
		  steps: [{name: s, experiment: {name: fresh}}]
		  output: {steps: [s]}
		  metrics: [{name: profit, type: gauge, value: 2 + 2 * truth.label}]
		  alerts:
		  - {name: back, condition: rollout_rolled_back == 1, resolveAfter: 1s, actions: [{type: topic}]}
		  - {name: held, condition: rollout_paused == 1, resolveAfter: 1s, actions: [{type: topic}]}
	END
	"$sluice" apply -f "$dir/documents.yaml" >"$dir/apply.log" 2>&1 || give_up "apply is refused"
}
status_has() { # $@ words, all of which the status has
	local words
	"$sluice" experiments status fresh -o json >"$dir/status.json" 2>"$dir/status.log" || return 1
	for words in "$@"; do
		grep -q "$words" "$dir/status.json" || return 1
	done
}
more_sides_than() { # $1 how many
	[ "$(wc -l <"$dir/sides.jsonl")" -gt "$1" ]
}
# Prints how many answers of the default and of the candidate came until there were more than so many.
sides_of() { # $1 how many
	"$sluice" tail p -o json >"$dir/sides.jsonl" 2>/dev/null &
	wait_until 20 more_sides_than "$1"
	kill $!
	wait $!
	echo "$(grep -c '"model_name":"steady"' "$dir/sides.jsonl") $(grep -c '"model_name":"next"' "$dir/sides.jsonl")"
}
# The moves have all numbers from 1 to the last, each once.
moves_check() { # $1 what, $2 how many
	"$sluice" experiments history fresh -o json >"$dir/history.jsonl" 2>"$dir/history.log"
	expect "$1: moves" "$(wc -l <"$dir/history.jsonl")" "-eq $2"
	expect "$1: numbers without a gap or a repeat" \
		"$(sed 's/.*"number": \([0-9]*\).*/\1/' "$dir/history.jsonl" | sort -n | uniq | paste -sd' ' | md5sum | cut -c1-32)" \
		"= $(seq -s' ' 1 "$2" | md5sum | cut -c1-32)"
}

# ---- how soon all engines follow ----

answers_of() { # $1 engine, $2 pipeline
	curl -s "127.0.0.1:${port[$1]}/metrics" | sed -n "s/^sluice_pipeline_answers_total{.*pipeline=\"$2\".*} //p"
}
all_answer() { # $1 pipeline
	local engine
	for engine in $engines; do
		[ "$(answers_of "$engine" "$1")" -gt 0 ] 2>/dev/null || return 1
	done
}
# Reads answers as they come, and writes when, of which partition and of which model each is.
time_answers() { # $1 pipeline
	"$sluice" tail "$1" -o json 2>/dev/null > >("$here/rollout.py" --sides >"$dir/$1.sides") &
	ours $!
}
count_answers() {
	local engine pipeline
	for engine in $engines; do
		for pipeline in p taught; do before[$engine $pipeline]=$(answers_of "$engine" $pipeline); done
	done
}
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# All engines answer since answers were counted, and each partition as it should soon after the change.
judge() { # $1 what, $2 pipeline, $3 who answers after the change, $4 time of the change, $5 ms that it may take
	local last answered engine
	read -r last answered < <("$here/rollout.py" --after "$4" "$3" <"$dir/$2.sides")
	expect "$1: ms to the last answer as before" $((last - $4)) "-lt $(($5 * patience))"
	expect "$1: partitions that are answered since" "$answered" "-eq $partitions"
	for engine in $engines; do
		expect "$1: answers of engine $engine" $(($(answers_of "$engine" "$2") - ${before[$engine $2]})) "-gt 0"
	done
	echo "$1 $((last - $4))" >>"$dir/figures"
}
policies() { # $1 what of all records
	"$build/records" dump "$brokers" sluice.rollout.pipeline.taught.policy 2>"$dir/records.log" |
		"$here/verdicts.py" "$here/../../schemas/policy.avsc" | jq -rs "$1"
}
# A record is written at the end of each interval, of a second, also when nothing new was learnt; the first one ends none.
policy_comes() { # $1 version before; the end of the interval of the next one into $taught_ms
	policies . >"$dir/policies.log"
	taught_ms=$(jq ". as \$all | (map(.version > $1) | index(true)) as \$at | if \$at == null then null
		elif \$at == 0 then \$all[0].time_ms else \$all[\$at - 1].time_ms + 1000 end" "$dir/policies.log")
	[ "$taught_ms" != null ]
}
# A reload, as after each apply, lets another engine learn. Its first records may be late.
policies_are_steady() {
	[ "$(policies 'map(.time_ms) | length == 0 or (length > 2 and .[-1] - .[-3] < 2300)')" = true ]
}
early_suffice() {
	[ "$(grep -c steady "$dir/taught.sides")" -ge $((10 * rounds)) ] && [ "$(grep -c next "$dir/taught.sides")" -ge $((10 * rounds)) ]
}
# Rewards early answers of one model, so much more than those of the round before that with the first of them the bandits change sides.
teach() { # $1 round, $2 model
	awk -v round="$1" -v model="$2" '$3 == model && ++found > (round - 1) * 10 && found <= round * 10 {
		printf "{\"id\": \"%s\", \"reward\": %d}\n", $4, 100 ^ (round - 1) }' "$dir/early.sides" |
		"$sluice" feedback taught -f - >/dev/null 2>"$dir/feedback.log" || give_up "feedback was not written"
}
# Promotes and teaches at once, and rolls back.
measure_round() { # $1 number
	local promoted_ms rolled_back_ms version chosen=next
	[ $(($1 % 2)) -eq 1 ] || chosen=steady
	wait_until 20 policies_are_steady || give_up "policies are not written each second"
	count_answers
	version=$(policies 'map(.version) | max // 0')
	teach "$1" $chosen
	promoted_ms=$(milliseconds)
	"$sluice" experiments promote fresh --reason "all is well" >"$dir/promote.log" 2>&1
	expect "round $1: status of promote" $? "-eq 0"
	wait_until 10 policy_comes "$version" || give_up "no policy"
	sleep $((2 * patience)).2
	judge promotion p next "$promoted_ms" 2000
	judge policy taught $chosen "$taught_ms" 1000
	count_answers
	rolled_back_ms=$(milliseconds)
	"$sluice" experiments rollback fresh >"$dir/rollback.log" 2>&1
	expect "round $1: status of rollback" $? "-eq 0"
	sleep $((2 * patience)).2
	judge rollback p steady "$rolled_back_ms" 2000
}

for ((i = 0; i < 4000; i++)); do
	request='{"id": "r-'$i'", "inputs": [{"name": "%s", "shape": [1], "datatype": "FP64", "data": [1]}]}'
	# shellcheck disable=SC2059
	printf "{\"key\": \"customer-$i\", \"request\": $request}\n" x >&3
	# shellcheck disable=SC2059
	printf "{\"key\": \"customer-$i\", \"request\": $request}\n" other >&4
done 3>"$dir/good.jsonl" 4>"$dir/bad.jsonl"

start_follower one
one=$started
wait_until 20 grep -qs "is now the keeper" "$dir/one.log" || give_up "no keeper"
start_follower two
two=$started
start_follower three
three=$started

# ---- a candidate that holds ----

apply_rollout "20, 60" $((1 + 2 * patience))s
wait_until 20 status_has '"phase": "running"' || give_up "the rollout does not run"
"$sluice" wait pipeline/p >"$dir/wait.log" 2>&1 || give_up "the pipeline does not run"
start_requests "$dir/good.jsonl"
good=$started
wait_until 20 status_has '"phase": "promoted"'
expect "the candidate that holds is promoted" $? "-eq 0"
moves_check "promoted" 3
expect_words "the second stage" "$dir/history.jsonl" '"number": 2, .*"moved": 4000, .*"sentence": "Stage 2 begins at 60%: all rules of stage 1 hold'
expect_words "evidence" "$dir/history.jsonl" '"number": 3, .*"rule": "errorRate".*"verdict": "holds"'
read -r default candidate < <(sides_of 400)
expect "promoted: answers of the candidate" "$candidate" "-gt 100"
expect "promoted: answers of the default" "$default" "-eq 0"

# ---- a candidate that fails ----

apply_rollout "50" 60s
wait_until 10 status_has '"phase": "running"' '"percent": 50' || give_up "the rollout does not begin anew"
"$sluice" tail p -o json 2>/dev/null | "$here/rollout.py" >"$dir/timed" &
ours $!
timed=$started
stop_ours "$good"
sleep 1
start_requests "$dir/bad.jsonl"
bad=$started
wait_until 15 status_has '"phase": "rolledBack"'
expect "the candidate that fails is rolled back" $? "-eq 0"
sleep 3
stop_ours "$bad"
"$sluice" experiments history fresh -o json >"$dir/history.jsonl" 2>"$dir/history.log"
moved_ms=$(sed -n '1s/.*"table": [0-9]*, "moved": [0-9]*, "time_ms": \([0-9]*\).*/\1/p' "$dir/history.jsonl")
kill "$timed"
not_ours "$timed"
read -r first_ms last_ms errors < <("$here/rollout.py" --errors <"$dir/timed")
expect "answers with errors" "${errors:-0}" "-gt 10"
expect "ms from the move to the last answer of the candidate" $((last_ms - moved_ms)) "-lt $((2000 * patience))"
expect "ms from the first bad answer to the last one" $((last_ms - first_ms)) "-lt $((6000 * patience))"
echo "$what: $((last_ms - first_ms)) ms from the first bad answer to the last one, $((last_ms - moved_ms)) ms from the move"
expect_words "an alert of it" "$dir/one.log" 'the alert back is firing: rollout_rolled_back == 1'
expect_words "an alert of the other engine" "$dir/two.log" 'the alert back is firing'
expect "alerts of a pause, which nobody made" "$(grep -c 'alert held is firing' "$dir/one.log")" "-eq 0"
expect_words "why" "$dir/history.jsonl" '"number": 5, .*"sentence": "Rolled back: `errorRate` of `next`'

# ---- a rollout that is written in a step ----

apply_inner() { # $1 the schedule, $2 the duration of a stage
	cat >"$dir/inner.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: inner}
		spec:
		  steps:
		  - name: s
		    experiment:
		      default: steady
		      candidates: [{name: steady, weight: 50}, {name: next, weight: 50}]
		      progressiveDeployment:
		        {enabled: true, schedule: [$1], every: $2, checkEvery: 1s, outcomeWindow: 1s, rollback: {errorRate: ">5%"}}
		  output: {steps: [s]}
	END
	"$sluice" apply -f "$dir/inner.yaml" >"$dir/apply.log" 2>&1 || give_up "apply is refused"
}
inner_is() { # $1 phase
	"$sluice" experiments status inner/s -o json >"$dir/status.json" 2>"$dir/status.log"
	grep -q "\"phase\": \"$1\"" "$dir/status.json"
}
inner_ms=$(milliseconds)
apply_inner 30 6s # in which an engine says that no truth comes
"$sluice" wait pipeline/inner >"$dir/wait.log" 2>&1 || give_up "the pipeline does not run"
start_requests "$dir/good.jsonl" inner
inner=$started
wait_until 20 inner_is promoted
expect "the candidate of a step that holds is promoted" $? "-eq 0"
apply_inner 60 60s
wait_until 10 inner_is running || give_up "the rollout of a step does not begin anew"
stop_ours "$inner"
start_requests "$dir/bad.jsonl" inner
inner=$started
wait_until 15 inner_is rolledBack
expect "the candidate of a step that fails is rolled back" $? "-eq 0"
stop_ours "$inner"
"$sluice" experiments history inner/s -o json >"$dir/inner.jsonl" 2>"$dir/history.log"
expect "moves of the rollout of a step" "$(jq -rs 'map(.number) | sort | join(",")' "$dir/inner.jsonl")" "= 1,2,3,4"
expect_words "why it was promoted" "$dir/inner.jsonl" '"number": 2, .*"sentence": "Promoted: '
expect_words "why it was rolled back" "$dir/inner.jsonl" '"number": 4, .*"sentence": "Rolled back: `errorRate` of `next`'
echo "$what: $(($(milliseconds) - inner_ms)) ms for the rollouts of a step"

# ---- the keeper dies ----

# The engine that took over last: one that is kept from Kafka for some seconds is succeeded by another.
keeper_name() {
	local name
	for name in one two three; do
		sed -n "s/.* this engine is now the keeper .*(epoch \([0-9]*\)).*/\1 $name/p" "$dir/$name.log"
	done | sort -n | tail -n 1 | cut -d' ' -f2
}

start_requests "$dir/good.jsonl"
good=$started
apply_rollout "40, 80" $((2 + 2 * patience))s
wait_until 10 status_has '"phase": "running"' '"stage": 2' || give_up "no second stage"
sleep 2 # in which the rules are shown to hold: the engine that dies has partitions, which nobody reads for a while
keeper=$(keeper_name)
kill_at_once "${!keeper}"
wait_until 20 status_has '"phase": "promoted"'
expect "promoted by another keeper" $? "-eq 0"
moves_check "two keepers" 8
expect_words "the last move" "$dir/history.jsonl" '"number": 8, .*"keeper": "'
expect "last moves of the keeper that died" "$(grep -c "\"number\": 8, .*\"keeper\": \"$keeper\"" "$dir/history.jsonl")" "-eq 0"
expect_words "the first moves are of the one that died" "$dir/history.jsonl" "\"number\": 7, .*\"keeper\": \"$keeper\""
start_follower "$keeper"
printf -v "$keeper" %s "$started"

# ---- commands ----

apply_rollout "10" 2s
wait_until 20 status_has '"phase": "running"' '"percent": 10' || give_up "the rollout does not begin anew"
"$sluice" experiments pause fresh --reason "a look first" >"$dir/pause.log" 2>&1
expect "status of pause" $? "-eq 0"
"$sluice" experiments resume nobody >"$dir/refused.log" 2>&1
expect "status of a command to no rollout" $? "-ne 0"
expect_words "a command to no rollout" "$dir/refused.log" 'has no rollout of `nobody`: apply an Experiment'
"$sluice" experiments pause fresh >"$dir/refused.log" 2>&1
expect "status of a second pause" $? "-ne 0"
expect_words "a second pause" "$dir/refused.log" 'What fits: promote, rollback, resume'
sleep 4
status_has '"phase": "paused"' '"percent": 10'
expect "a pause holds" $? "-eq 0"
expect_words "an alert of it" "$dir/two.log" 'the alert held is firing: rollout_paused == 1'
expect_words "an alert that is over" "$dir/two.log" 'the alert back is resolved'
"$sluice" experiments promote fresh --dry-run >"$dir/dry.log" 2>&1
expect_words "what a promotion would do" "$dir/dry.log" 'dry run, nothing is changed: Promoted: by the command promote of tester'
expect_words "the weights that it would set" "$dir/dry.log" '^  next  *10.00% ->  100.00%'
time_answers p
timed=$started
# The better one is always chosen, so that an answer shows by which policy it was.
cat >"$dir/taught.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Experiment
	metadata: {name: learnt}
	spec:
	  candidates: [{name: steady, weight: 0}, {name: next, weight: 0}]
	  bandits: {algorithm: epsilon-greedy, epsilon: 0, explore: 0, rewardMetric: reward, updateInterval: 1s, outcomeWindow: 10m}
	---
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Pipeline
	metadata: {name: taught}
	spec: {steps: [{name: s, experiment: {name: learnt}}], output: {steps: [s]}}
END
"$sluice" apply -f "$dir/taught.yaml" >"$dir/apply.log" 2>&1 || give_up "apply is refused"
"$sluice" wait pipeline/taught >"$dir/wait.log" 2>&1 || give_up "the pipeline does not run"
time_answers taught
timed="$timed $started"
seq 1 80000 | sed 's/.*/{"key": "&", "request": {"id": "t-&", "inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}]}}/' \
	>"$dir/taught.jsonl"
start_requests "$dir/taught.jsonl" taught
taught=$started
wait_until 20 all_answer taught && wait_until 20 all_answer p
expect "status of waiting until all engines answer" $? "-eq 0"
wait_until 10 early_suffice || give_up "too few answers to teach by"
cp "$dir/taught.sides" "$dir/early.sides"
measure_round 1
moves_check "commands" 12
"$build/records" dump "$brokers" sluice.rollout.pipeline.fresh.moves 2>"$dir/records.log" |
	"$here/verdicts.py" "$here/../../schemas/move.avsc" >"$dir/moves.jsonl" 2>"$dir/verdicts.log"
expect "moves in their topic, at least once by three keepers" "$(jq .number "$dir/moves.jsonl" | sort -u | wc -l)" "-eq 12"
expect_words "who and why" "$dir/history.jsonl" '"number": 11, .*"author": "tester", "why": "all is well"'
"$sluice" experiments list >"$dir/list.log" 2>&1
expect_words "list" "$dir/list.log" '^fresh: rolledBack, stage 1 of 1'

# ---- truths: the candidate is wrong more often, which its answers alone do not show ----

since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
# Two metrics: the engine computes one of each truth, and callers send the other.
apply_rollout "50" 60s '{metricName: profit, threshold: 2, operator: ">"}, {metricName: gain, threshold: 9, operator: "<"}'
wait_until 10 status_has '"phase": "running"' '"percent": 50' || give_up "the rollout does not begin anew"
"$sluice" tail p -o json 2>/dev/null | "$here/rollout.py" --truths | "$sluice" feedback p -f - >/dev/null 2>"$dir/feedback.log" &
ours $!
truths=$started
wait_until 20 status_has '"phase": "rolledBack"'
expect "the candidate that is wrong more often is rolled back" $? "-eq 0"
kill "$truths" 2>/dev/null
not_ours "$truths"
"$sluice" experiments weights fresh >"$dir/weights.log" 2>&1
expect_words "the weights after it" "$dir/weights.log" "^  steady  *100.00%   10000 buckets"
"$sluice" experiments history fresh -o json >"$dir/history.jsonl" 2>"$dir/history.log"
expect_words "truths" "$dir/history.jsonl" '"number": 14, .*"sentence": "Rolled back: `accuracyDrop` of `next`'
# Of `next` 3 truths in 5 are 1; what is not of 100 units yet has no mean.
means='[.evidence.evidence[] | select(.rule == "mean") | select(.trials > 0) | "\(.metric) \((.estimate // 0) * 10 | round)"] | sort[]'
expect "metrics of feedback, and their means" "$(grep '"number": 14' "$dir/history.jsonl" | jq -r "$means" | tr '\n' ' ' |
	grep -cE '^gain (0|70) profit (0|3[0-9]) $')" "-eq 1"

# ---- a rehearsal: the last rollout again, by what the topics have of it ----

"$sluice" experiments rollout fresh -f "$dir/documents.yaml" --dry-run --since "$since" -o json >"$dir/rehearsal.json" 2>"$dir/rehearsal.log"
expect "status of a rehearsal" $? "-eq 0"
expect "what it would have done" "$(jq -r '[.moves[] | .to] | join(",")' "$dir/rehearsal.json")" "= running,rolledBack"
expect "why" "$(jq -r '.moves[1] | .evidence[.cause].rule' "$dir/rehearsal.json")" "= accuracyDrop"
expect "requests of the default" "$(jq '.requests.steady' "$dir/rehearsal.json")" "-gt 100"

# ---- a promotion policy without stages: truths decide at the end of its interval ----

# Feedback until the rollout ends: how often of 100 the default and the candidate are right.
judge_policy() { # $1 the interval, $2 of the default, $3 of the candidate, $4 the phase at the end
	cat >"$dir/policy.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Experiment
		metadata: {name: fresh}
		spec:
		  default: steady
		  candidates: [{name: steady, weight: 70}, {name: next, weight: 30}]
		  successCriteria:
		  - {metricName: accuracy, threshold: 0.6, operator: ">"}
		  - {metricName: latency_p95, threshold: 2000, operator: "<"}
		  promotionPolicy: {automatic: true, interval: $1, promotionThreshold: 0.8}
		  progressiveDeployment: {checkEvery: 1s, outcomeWindow: $((2 * patience))s, rollback: {latency: ">2s"}}
	END
	"$sluice" apply -f "$dir/policy.yaml" >"$dir/apply.log" 2>&1 || give_up "apply of a policy is refused"
	wait_until 10 status_has '"phase": "running"' '"percent": 30' || give_up "the rollout of a policy does not begin"
	"$sluice" tail p -o json 2>/dev/null | "$here/rollout.py" --truths "$2" "$3" |
		"$sluice" feedback p -f - >/dev/null 2>"$dir/feedback.log" &
	ours $!
	truths=$started
	wait_until 30 status_has "\"phase\": \"$4\""
	expect "a candidate that is right $3 times of 100, beside $2: status of waiting until it is $4" $? "-eq 0"
	kill "$truths" 2>/dev/null
	not_ours "$truths"
	"$sluice" experiments history fresh -o json 2>"$dir/history.log" | head -n 1 >"$dir/last.json"
}
judge_policy $((8 * patience))s 55 90 promoted
expect_words "why it was promoted" "$dir/last.json" '"sentence": "Promoted: all rules of stage 1 hold'
judge_policy 60s 90 30 rolledBack
# Both rules are broken by then, and either may be known first.
expect_words "why it was rolled back" "$dir/last.json" '"sentence": "Rolled back: `accuracy(Drop)?` of `next`'

# ---- an estimate: no truth comes, and the candidate's own probabilities are low ----
# `sooner` fires first, for the group of the default, which rolls nothing back.

stop_ours "$good"
{ echo 'x'; seq 0 0.01 4.99; } >"$dir/usual.csv"
cat >"$dir/guess.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Experiment
	metadata: {name: guess}
	spec:
	  default: sure
	  candidates: [{name: sure, weight: 50}, {name: unsure, weight: 50}]
	  progressiveDeployment: {enabled: true, schedule: [20], every: 60s, checkEvery: 1s}
	---
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Pipeline
	metadata: {name: q}
	spec:
	  steps:
	  - {name: s, experiment: {name: guess}}
	  - {name: join, inputs: [s.outputs.chance, q.inputs.x], expression: {set: {both: "x"}}}
	  - {name: watch, inputs: [join],
	     drift: {tensors: [x], reference: usual.json, window: 200, groupBy: variant, estimate: chance}}
	  output: {steps: [join]}
	  alerts:
	  - {name: worse, condition: estimated_accuracy < 0.9, groupBy: variant, actions: [{type: rollback, experiment: guess}]}
	  - {name: sooner, condition: estimated_accuracy > 0.9, groupBy: variant, actions: [{type: rollback, experiment: guess}]}
END
(cd "$dir" && "$sluice" fit drift usual.csv -f guess.yaml --step watch --tensor x=x --out usual.json >fit.log 2>&1) || give_up "nothing is learnt"
(cd "$dir" && "$sluice" apply -f guess.yaml >apply.log 2>&1) || give_up "apply is refused"
"$sluice" wait pipeline/q >"$dir/wait.log" 2>&1 || give_up "the pipeline does not run"
"$sluice" produce q "$dir/good.jsonl" --rate 400 --repeat >"$dir/produce.log" 2>&1 &
ours $!
guesses=$started
guess_is() { "$sluice" experiments status guess -o json 2>/dev/null | grep -q "\"phase\": \"$1\""; }
wait_until 30 guess_is rolledBack
expect "the candidate that is not sure is rolled back" $? "-eq 0"
"$sluice" experiments history guess -o json >"$dir/guess.jsonl" 2>"$dir/history.log"
expect_words "who and why" "$dir/guess.jsonl" '"author": "alert worse of q", "why": "estimated_accuracy < 0.9, with {'
estimate=$(sed -n 's/.*"why": "estimated_accuracy < 0\.9.*estimated_accuracy[^0-9]*\([0-9.]*\).*/\1/p' "$dir/guess.jsonl")
expect "the estimate, in thousandths" "$(awk -v is="$estimate" 'BEGIN { printf "%.0f", is * 1000 }')" "-eq 600"
expect_words "an alert of the default's group" "$dir/one.log" 'the alert sooner is firing for sure'
stop_ours "$guesses"

# ---- how soon all engines follow, again ----

start_requests "$dir/good.jsonl"
good=$started
for ((round = 2; round <= rounds; round++)); do
	apply_rollout $((10 + round)) 60s
	wait_until 20 status_has '"phase": "running"' "\"percent\": $((10 + round))" || give_up "the rollout does not begin anew"
	sleep 1
	measure_round "$round"
done

# ---- two operators at once: the rollback is accepted in either order, a promotion only before it ----

declare -A operators
for first in promote rollback; do
	apply_rollout $((30 + ${#first})) 60s
	wait_until 20 status_has '"phase": "running"' "\"percent\": $((30 + ${#first}))" || give_up "the rollout does not begin anew"
	"$sluice" experiments history fresh -o json >"$dir/history.jsonl" 2>"$dir/history.log"
	moves=$(sed -n '1s/.*"number": \([0-9]*\).*/\1/p' "$dir/history.jsonl")
	second=$([ $first = promote ] && echo rollback || echo promote)
	for command in $first $second; do
		"$sluice" experiments $command fresh --author "who-${command}s" >"$dir/$command.log" 2>&1 &
		ours $!
		operators[$command]=$started
	done
	wait_for "${operators[promote]}"
	promoted=$?
	wait_for "${operators[rollback]}"
	expect "$first first: status of the rollback" $? "-eq 0"
	wait_until 10 status_has '"phase": "rolledBack"' '"percent": 0'
	expect "$first first: it is rolled back" $? "-eq 0"
	if [ $promoted -eq 0 ]; then
		moves=$((moves + 2))
	else
		expect_words "$first first: the promotion that came second" "$dir/promote.log" 'Apply the experiment with a change|has moved since'
		moves=$((moves + 1))
	fi
	moves_check "$first first" "$moves"
	expect_words "$first first: the last move" <(head -n 1 "$dir/history.jsonl") '"author": "who-rollbacks"'
	echo "$what: $first first: the promotion was $([ $promoted -eq 0 ] && echo accepted || echo refused)"
done

for move in promotion rollback policy; do
	echo "$what: ms of each $move to the last answer as before, of three engines: $(sed -n "s/^$move //p" "$dir/figures" | sort -n | paste -sd' ')"
done
for pid in $good $taught $timed; do stop_ours "$pid"; done
stop_engine rollout "$one"
stop_engine rollout "$two"
stop_engine rollout "$three"
tell_result
