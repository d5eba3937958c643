#!/bin/bash
# Consumer groups that change while engines follow the control plane, on a real Kafka: a pipeline gets another delivery and
# back, a step with state is added and rolled back, under load, while engines are killed with -9, frozen and resumed. None may
# be lost; none doubled where delivery was exactly once before and after.
#   moving.sh SLUICE BUILD      with requests in BUILD
# RATE is that of the requests, FORMS the parts that are run (killed keeper frozen state returned forms ceased stale). Takes five minutes.
set -u
what=moving
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
rate=${RATE:-1000} forms=${FORMS:-killed keeper frozen state returned forms ceased stale}

start_broker brisk
start_model
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester

start_follower() { # $1 instance; its pid into ${engine[$1]}
	"$sluice" run --control -n "$form" --server "sum=$url" --instance "$1" "${@:2}" >>"$dir/$form.$1.log" 2>&1 &
	ours $!
	engine[$1]=$started
}
has_said() { # $1 instance, $2 words, $3 how often at least
	[ "$(cat "$dir/$form.$1.log" 2>/dev/null | grep -c "$2")" -ge "$3" ]
}
says() { # $1 seconds, $2 instance, $3 words, $4 how often
	wait_until "$1" has_said "$2" "$3" "$4"
	expect "$form: status of waiting for $2 to say \"$3\"" $? "-eq 0"
}
reads() { # $1 instance, $2 delivery, $3 how often
	says 40 "$1" "call: reads .* in group sluice.$form.$2 as" "$3"
}
apply() { # $1 delivery, $2 version
	sed -e "s/TOPIC/$form/; s/GROUP/$form/; s/DELIVERY/$1/" "$here/call.yaml" >"$dir/call.yaml"
	apply_file "$dir/call.yaml" "$2"
}
apply_file() { # $1 file, $2 version
	"$sluice" apply -n "$form" -f "$1" >"$dir/apply.log" 2>&1
	expect "$form: status of apply" $? "-eq 0"
	expect_words "$form: apply" "$dir/apply.log" "^Pipeline/call version $2 accepted"
}
declare -A engine
begin() { # $1 form; three engines that run version 1, exactly once
	form=$1
	topics "$form" "$form-answers"
	start_follower one
	says 20 one "is now the keeper of namespace" 1
	start_follower two
	start_follower three
	apply exactly-once 1
	for instance in one two three; do reads $instance exactly-once 1; done
}
finish() {
	for instance in one two three; do stop_engine "$form" "${engine[$instance]}"; done
}
kill_engine() { # $1 instance
	kill_at_once "${engine[$1]}"
}

end_of_test() {
	cat "$dir"/*.one.log "$dir"/*.two.log "$dir"/*.three.log >>"$dir/engine.log" 2>/dev/null
}

# ---- exactly once -> at least once -> exactly once, an engine killed in each change ----

killed() {
	send "$form" $((rate * 24)) "$rate"
	sleep 2
	apply at-least-once 2
	sleep 0.3
	kill_engine two
	reads one at-least-once 1
	reads three at-least-once 1
	start_follower two
	reads two at-least-once 1
	sleep 1
	apply exactly-once 3
	sleep 0.1
	kill_engine three
	reads one exactly-once 2
	reads two exactly-once 2
	start_follower three
	reads three exactly-once 2
	sent
	check_answers "$form" $((rate * 24)) "uncommitted: doubled: silence_ms:"
}

# ---- the keeper is killed when the change is active, and while the engines move ----

keeper() {
	send "$form" $((rate * 16)) "$rate"
	sleep 2
	apply at-least-once 2
	says 20 two "call: pauses until group" 1
	kill_engine one
	reads two at-least-once 1
	reads three at-least-once 1
	start_follower one
	reads one at-least-once 1
	sent
	check_answers "$form" $((rate * 16)) "uncommitted: doubled: silence_ms:"
}

# ---- an engine is frozen, resumed when the others have moved, and finds itself replaced ----

frozen() {
	send "$form" $((rate * 40)) "$rate"
	sleep 2
	kill -STOP "${engine[two]}"
	apply at-least-once 2
	reads one at-least-once 1
	reads three at-least-once 1
	sleep 1
	kill -CONT "${engine[two]}"
	reads two at-least-once 1
	sleep 1
	kill -STOP "${engine[three]}"
	apply exactly-once 3
	reads one exactly-once 2
	reads two exactly-once 2
	sleep 1
	kill -CONT "${engine[three]}"
	reads three exactly-once 2
	sent
	# What engine three had answered at least once, and not committed when it was frozen.
	check_answers "$form" $((rate * 40)) "uncommitted: doubled:-lt:$rate silence_ms:"
}

# ---- a step with state is added and rolled back ----

counting_of() { # $1 more steps
	cat <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: call}
		spec:
		  delivery: exactly-once
		  input: {topic: $form}
		  steps:
		  - {name: scale, expression: {set: {x: x * 2 + 1}}}
		  - {name: sum, inputs: [scale]}
		  - {name: one, inputs: [scale], expression: {set: {w: "1.0"}}}
		  $1
		  - {name: last, inputs: [sum, one.outputs.w], features: {set: {count: count(w over 1h)}}}
		  output: {steps: [last], topic: $form-answers}
	END
}

state() {
	counting_of "" >"$dir/counting.yaml"
	counting_of "- {name: more, inputs: [one.outputs.w], features: {set: {again: count(w over 1h)}}}" |
		sed "s/one.outputs.w\], features: {set: {count/one.outputs.w, more], features: {set: {count/" >"$dir/more.yaml"
	apply_file "$dir/counting.yaml" 2
	for instance in one two three; do says 20 $instance "call: changed" 1; done
	send "$form" $((rate * 20)) "$rate"
	sleep 2
	apply_file "$dir/more.yaml" 3
	sleep 0.3
	kill_engine two
	says 20 one "call: changed" 2
	start_follower two
	says 20 two "call: reads" 2
	sleep 1
	"$sluice" rollback -n "$form" pipeline/call --to 2 --reason "a test" >"$dir/rollback.log" 2>&1
	expect "state: status of rollback" $? "-eq 0"
	sleep 0.1
	kill_engine three
	says 20 one "call: changed" 3
	start_follower three
	says 20 three "call: reads" 2
	sent
	check_count=-c check_answers "$form" $((rate * 20)) "uncommitted: silence_ms:"
}

# ---- a pipeline loses its state by a change, and gets it back by a rollback ----

returned() {
	counting_of "" >"$dir/returned.yaml"
	apply_file "$dir/returned.yaml" 2
	for instance in one two three; do says 20 $instance "call: changed" 1; done
	send "$form" $((rate * 12)) "$rate"
	sleep 3
	apply exactly-once 3
	says 20 one "call: changed" 2
	kill_in_transaction "${engine[two]}" "$form-answers" exactly-once
	sleep 2
	"$sluice" rollback -n "$form" pipeline/call --to 2 --reason "a test" >"$dir/rollback.log" 2>&1
	expect "returned: status of rollback" $? "-eq 0"
	expect_words "returned: what the rollback says" "$dir/rollback.log" "call: state-added .*: continues from the state of version 3 at 20.*it lacks"
	says 20 one "call: changed" 3
	start_follower two
	sent
	check_answers "$form" $((rate * 12)) "uncommitted: silence_ms:"
}

# ---- a step with state gets another form, which begins empty in a changelog of its own; a rollback returns to the former one ----

forms() {
	local other former="sluice.$form.pipeline.call.stage.request.state"
	counting_of "" >"$dir/counting.yaml"
	sed "s/{name: last, /{name: tally, /; s/steps: \[last\]/steps: [tally]/" "$dir/counting.yaml" >"$dir/tally.yaml"
	apply_file "$dir/counting.yaml" 2
	for instance in one two three; do says 20 $instance "call: changed" 1; done
	send "$form" $((rate * 16)) "$rate"
	sleep 2
	"$sluice" apply -n "$form" -f "$dir/tally.yaml" --dry-run >"$dir/dry.log" 2>&1
	expect_words "forms: apply --dry-run" "$dir/dry.log" "call: state-added sluice.*.form-.*begins empty"
	"$sluice" diff -n "$form" -f "$dir/tally.yaml" >"$dir/diff.log" 2>&1
	expect_words "forms: diff" "$dir/diff.log" "call: state-added sluice.*.form-.*begins empty"
	apply_file "$dir/tally.yaml" 3
	expect_words "forms: what the apply says" "$dir/apply.log" "call: state-added sluice.*.form-.*begins empty"
	sleep 0.3
	kill_engine two
	says 20 one "call: changed" 2
	says 20 one "form-.*the state has another form, and begins empty" 1
	start_follower two
	sleep 2
	"$sluice" rollback -n "$form" pipeline/call --to 2 --reason "a test" >"$dir/rollback.log" 2>&1
	expect "forms: status of rollback" $? "-eq 0"
	expect_words "forms: what the rollback says" "$dir/rollback.log" \
		"call: state-added $former: continues from the state of version 3 at 20.*it lacks"
	says 20 one "call: changed" 3
	says 20 one "$former-[0-9]: the state continues from that of another version, at offset [0-9]*" 1
	sent
	check_answers "$form" $((rate * 16)) "uncommitted: silence_ms:"
	"$sluice" gc -n "$form" --keep 1 >"$dir/gc.log" 2>&1
	expect "forms: status of gc" $? "-eq 0"
	expect_words "forms: what gc drops" "$dir/gc.log" "^changelog sluice.*stage.request.form-.*.state removed"
	other=$(sed -n 's/^changelog \(.*\) removed$/\1/p' "$dir/gc.log")
	"$build/admin" "$brokers" settings "$former" >>"$dir/topics.log" 2>&1
	expect "forms: status of looking for the changelog that is used" $? "-eq 0"
	"$build/admin" "$brokers" settings "$other" >>"$dir/topics.log" 2>&1
	expect "forms: status of looking for the one that is not" $? "-ne 0"
}

# ---- a pipeline ceases to read another one: its stage goes on where its own group was; an engine is killed meanwhile ----

ceased_of() { # $1 its input
	cat <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: call}
		spec:
		  delivery: exactly-once
		  input: {$1}
		  steps:
		  - {name: scale, expression: {set: {x: x * 2 + 1}}}
		  - {name: sum, inputs: [scale], isolate: true}
		  output: {steps: [sum], topic: $form-answers}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: passed}
		spec:
		  delivery: exactly-once
		  input: {topic: $form-more}
		  steps:
		  - {name: pass, expression: {set: {x: x}}}
		  output: {steps: [pass]}
	END
}
ceased() {
	local count=$((rate * 4)) own=sluice.ceased.exactly-once.call
	topics ceased-more ceased-unused
	ceased_of "externalInputs: [passed.outputs]" >"$dir/external.yaml"
	ceased_of "topic: ceased" >"$dir/own.yaml"
	apply_file "$dir/external.yaml" 2
	for instance in one two three; do says 40 "$instance" "call: reads .* in group $own as" 1; done
	send ceased-more "$count" "$rate"
	sent
	"$build/requests" follow -b "$brokers" -i sluice.ceased.pipeline.passed.outputs -g "$own" -n "$count" \
		-p "${engine[one]}" >"$dir/followed.txt" 2>>"$dir/topics.log" || give_up "what another pipeline passes on is not read"
	apply_file "$dir/own.yaml" 3
	sleep 0.1
	kill_engine two
	says 40 one "call: reads ceased," 2
	expect "ceased: groups that go on where the pipeline's own was" \
		"$(cat "$dir"/ceased.*.log | grep -c "group sluice.ceased.exactly-once continues where .*, in [1-9][0-9]* partitions")" "-ge 1"
	check_answers ceased "$count" "uncommitted: silence_ms:"
	start_follower two
	send ceased "$count" "$rate"
	sent
	check_answers ceased "$count" "uncommitted: silence_ms: doubled:-eq:$count"
}

# ---- an engine that never learns of the change is frozen, and comes back to the former group: nothing is doubled ----

logs() { # $1 seconds, $2 words
	wait_until "$1" grep -q "$2" "$dir/engine.log"
	expect "$form: status of waiting for an engine to say \"$2\"" $? "-eq 0"
}
stale() {
	local first second third
	topics stale stale-answers
	start_engine call stale stale exactly-once one
	first=$started
	engine_runs stale
	send stale $((rate * 25)) "$rate"
	"$build/requests" follow -b "$brokers" -i stale -g sluice.stale.exactly-once -n $((rate * 3)) -p "$first" >"$dir/followed.txt" \
		2>>"$dir/topics.log" || give_up "nothing is answered"
	kill -STOP "$first"
	start_engine call stale stale at-least-once two
	second=$started
	logs 40 "group sluice.stale.at-least-once continues where another group has read"
	sleep 1
	kill -CONT "$first"
	logs 20 "stale-0 is not read by group sluice.stale.exactly-once, nor are 3 more partitions: group sluice.stale.at-least-once"
	sleep 2
	stop_engine stale "$second"
	start_engine call stale stale exactly-once three
	third=$started
	logs 40 "group sluice.stale.exactly-once continues where another group has read"
	sent
	check_answers stale $((rate * 25)) "uncommitted: silence_ms:"
	stop_engine stale "$first"
	stop_engine stale "$third"
}

for form in $forms; do
	[ "$form" = stale ] || begin "$form"
	$form
	[ "$form" = stale ] || finish
done
tell_result
