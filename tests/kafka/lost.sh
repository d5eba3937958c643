#!/bin/bash
# State that is lost is noticed, at least once and exactly once, on a real Kafka that makes topics
# which are not there. A step counts the requests of each key. Between two starts, or while the
# engine runs, its changelog is deleted, made again, or emptied, a pipeline or a step is renamed, or
# the step is put into a stage of its own. Then no request may be answered from a count that
# forgot: the engine ends with the reason, and goes on when the loss is accepted.
#   lost.sh SLUICE BUILD      with admin, records and requests in BUILD
# DELIVERIES=exactly tries that one alone. Takes about a minute, of one delivery half of that.
set -u
what=lost
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
events="deleted remade emptied renamed step isolated policy kept running"
deliveries=${DELIVERIES-least exactly}

# A pipeline of its own namespace, $1, whose step is $2 with the line $3, under the name $4.
pipeline() {
	local delivery=exactly-once
	[ "${1#least-}" = "$1" ] || delivery=at-least-once
	cat <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: ${4-p}, namespace: $1}
		spec:
		  delivery: $delivery
		  input: {topic: $1-in}
		  steps:
		  - {name: pass, expression: {set: {y: x}}}
		  - {name: ${2-count}, inputs: [pass], ${3-}features: {set: {n: count(x over 1000)}}}
		  output: {steps: [${2-count}], topic: $1-out}
	END
}

# Names of all of them into $cases.
cases=''
for delivery in $deliveries; do
	for event in $events; do
		cases="$cases $delivery-$event"
	done
done

start() { # $1 namespace, then options
	timeout --foreground $((60 * patience)) "$sluice" run "$dir/$1.yaml" --brokers "$brokers" --instance one "${@:2}" >"$dir/$1.log" 2>&1 &
	ours $!
}

produce() { # $1 namespace, $2 how many; all of one key
	local i
	for ((i = 0; i < $2; i++)); do
		echo '{"key":"k","request":{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[1]}]}}'
	done | "$sluice" produce p -f "$dir/$1.produce.yaml" --brokers "$brokers" >>"$dir/produce.log" 2>&1 || give_up "$1: no requests"
}

# How many committed answers there are, and the last count.
answers() { # $1 namespace
	"$build/records" count "$brokers" "$1-out"
}
has() { # $1 at least so many, $2 namespace
	[ "$(answers "$2")" -ge "$1" ]
}
last_count() { # $1 namespace
	"$build/records" dump "$brokers" "$1-out" | tail -n 1 | sed 's/.*"value":"\([^"]*\)".*/\1/' | base64 -d | sed 's/.*"name":"n"[^[]*\[1\],"data":\[\([0-9]*\)\].*/\1/'
}
state_of() { # $1 namespace
	echo "sluice.$1.pipeline.p.stage.request.state"
}
has_state() { # $1 how many records, $2 namespace
	[ "$("$build/records" count "$brokers" "$(state_of "$2")")" -ge "$1" ]
}

# ---- all of them count to 20 ----

start_broker creates brisk
for case in $cases; do
	"$build/requests" topics -b "$brokers" -i "$case-in" -o "$case-out" -w 1 2>"$dir/topics.log" || give_up "no topics"
	pipeline "$case" >"$dir/$case.yaml"
	cp "$dir/$case.yaml" "$dir/$case.produce.yaml"
done
mkdir "$dir/all"
for case in $cases; do cp "$dir/$case.yaml" "$dir/all"; done
timeout --foreground $((120 * patience)) "$sluice" run "$dir/all" --brokers "$brokers" --instance one --memory 1Gi >"$dir/all.log" 2>&1 &
ours $!
all=$started
for case in $cases; do produce "$case" 20; done
for case in $cases; do
	wait_until 30 has 20 "$case" || give_up "$case is not answered"
	wait_until 10 has_state 2 "$case" || give_up "$case keeps no state"
done
stop_engine all "$all"

# ---- what befalls them ----

make_again() { # $1 namespace
	"$build/admin" "$brokers" delete "$(state_of "$1")" && "$build/admin" "$brokers" make "$(state_of "$1")" 1 compact
}
for delivery in $deliveries; do
	"$build/admin" "$brokers" delete "$(state_of $delivery-deleted)" || give_up "a topic could not be deleted"
	make_again $delivery-remade || give_up "a topic could not be made again"
	topic=$(state_of $delivery-emptied)
	"$build/admin" "$brokers" set "$topic" cleanup.policy delete &&
		wait_until 20 "$build/admin" "$brokers" trim "$topic" 0 -1 && # brokers follow the change of policy after a moment
		"$build/admin" "$brokers" set "$topic" cleanup.policy compact || give_up "a topic could not be emptied"
	"$build/admin" "$brokers" set "$(state_of $delivery-policy)" cleanup.policy compact,delete || give_up "a topic could not be changed"
	"$build/admin" "$brokers" set "$(state_of $delivery-kept)" cleanup.policy compact delete.retention.ms 43199999 ||
		give_up "a topic could not be changed"
	pipeline $delivery-renamed count '' q >"$dir/$delivery-renamed.yaml"
	pipeline $delivery-step tally >"$dir/$delivery-step.yaml"
	pipeline $delivery-isolated count 'isolate: true, ' >"$dir/$delivery-isolated.yaml"
done
for case in $cases; do produce "$case" 1; done
doctor() { # $1 namespace
	"$sluice" doctor "$dir/$1.yaml" --brokers "$brokers" >"$dir/$1.doctor.log" 2>&1
}
for delivery in $deliveries; do
	for event in deleted remade renamed; do
		case=$delivery-$event
		doctor $case
		expect_words "$case: the doctor, before the engine starts" "$dir/$case.doctor.log" "state of pipeline [pq] is lost"
	done
	expect_words "$delivery-renamed: the doctor" "$dir/$delivery-renamed.doctor.log" "pipeline .p. is now .q."
	doctor $delivery-kept
	expect_words "$delivery-kept: the doctor, of removals that are kept for less than 12 hours" "$dir/$delivery-kept.doctor.log" \
		"stage.request.state: its delete.retention.ms is 43199999, and a snapshot .* is used for 43200000"
	expect "$delivery-kept: the doctor finds no lost state" "$(grep -c 'is lost' "$dir/$delivery-kept.doctor.log")" "-eq 0"
done
declare -A engines
for case in $cases; do
	start "$case"
	engines[$case]=$started
done

expect_lost() { # $1 namespace, $2 words
	wait_for "${engines[$1]}"
	expect "$1: exit status of the engine that lost its state" $? "-eq 1"
	expect_words "$1: the reason" "$dir/$1.log" "$2"
	expect_words "$1: the way on" "$dir/$1.log" "[-]-new-state [pq]"
	expect "$1: answers" "$(answers "$1")" "-eq 20"
}
for delivery in $deliveries; do
	expect_lost $delivery-deleted "deleted and made again, or emptied"
	expect_lost $delivery-remade "deleted and made again, or emptied"
	expect_lost $delivery-emptied "before offset .* were deleted|deleted and made again, or emptied"
	expect_lost $delivery-renamed "was the pipeline or a step renamed.*pipeline .p. is now .q."
	expect_lost $delivery-step "holds state of .count., and the stage has .tally. instead"
	expect_lost $delivery-isolated "its former state is in sluice.$delivery-isolated.pipeline.p.stage.request.state: .*\`isolate\`"
done

# ---- a changelog that Kafka would delete ----

for delivery in $deliveries; do
	case=$delivery-policy
	wait_for "${engines[$case]}"
	expect "$case: exit status" $? "-eq 1"
	expect_words "$case: the reason" "$dir/$case.log" "would lose state: its cleanup.policy is compact,delete"
	doctor $case
	expect_words "$case: the doctor" "$dir/$case.doctor.log" "stage.request.state: its cleanup.policy is compact,delete"
done

# ---- while the engine runs; and one that nothing befalls ----

for delivery in $deliveries; do
	case=$delivery-kept
	wait_until 30 has 21 $case || give_up "$case is not answered"
	expect "$case: the count goes on" "$(last_count $case)" "-eq 21"
	pipeline $case count '' q >"$dir/$case.yaml"
	kill -HUP "${engines[$case]}"
	wait_until 15 grep -q "would read $case-in with no state: .* of pipeline p; was that renamed" "$dir/$case.log"
	expect "$case: status of looking for what is said of a pipeline that is renamed while it runs" $? "-eq 0"
	pipeline $case >"$dir/$case.yaml"
	produce $case 1
	wait_until 30 has 22 $case || give_up "$case is not answered after its reload was rejected"
	expect "$case: the count goes on where a reload was rejected" "$(last_count $case)" "-eq 22"
	kill "${engines[$case]}" && wait_for "${engines[$case]}"
	case=$delivery-running
	wait_until 30 has 21 $case || give_up "$case is not answered"
	"$build/admin" "$brokers" delete "$(state_of $case)" || give_up "a topic could not be deleted"
	produce $case 5
done
for delivery in $deliveries; do
	case=$delivery-running
	wait_for "${engines[$case]}"
	expect "$case: exit status of the engine whose changelog was deleted" $? "-eq 1"
	expect_words "$case: why it ended" "$dir/$case.log" "$(state_of $case)"
	start "$case"
	engines[$case]=$started
done
for delivery in $deliveries; do
	wait_for "${engines[$delivery-running]}"
	expect "$delivery-running: exit status of the next engine" $? "-eq 1"
	expect_words "$delivery-running: the reason" "$dir/$delivery-running.log" "deleted and made again, or emptied"
	expect "$delivery-running: no count has forgotten" "$(last_count $delivery-running)" "-ge 21"
done

# ---- accepted ----

accepted="deleted renamed step isolated"
for delivery in $deliveries; do
	for event in $accepted; do
		name=p
		[ $event != renamed ] || name=q
		start $delivery-$event --new-state $name
		engines[$delivery-$event]=$started
	done
done
for delivery in $deliveries; do
	for event in $accepted; do
		case=$delivery-$event
		wait_until 30 has 21 $case || give_up "$case is not answered though its loss was accepted"
		expect "$case: the count begins anew" "$(last_count $case)" "-eq 1"
		kill "${engines[$case]}" && wait_for "${engines[$case]}"
		start $case
		engines[$case]=$started
		produce $case 1
	done
done
for delivery in $deliveries; do
	for event in $accepted; do
		case=$delivery-$event
		wait_until 30 has 22 $case || give_up "$case does not go on when it is started as usual again"
		expect "$case: the count goes on" "$(last_count $case)" "-eq 2"
		kill "${engines[$case]}" && wait_for "${engines[$case]}"
	done
done
[ -z "${KEEP-}" ] || cp "$dir"/*.log "$KEEP"
tell_result
