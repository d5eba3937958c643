#!/bin/bash
# What an engine promises when its files change, and of its memory, on a real Kafka. Under
# load a pipeline is changed and others come and go, each time by SIGHUP: nothing may be
# lost, doubled or out of order, under either delivery. Two engines of other files are told of. Then an engine is stopped and comes back
# at once with one more pipeline, which must be read as well; and a backlog meets a model that is
# away: the engine stays within the memory that it was given. And a pipeline gets another delivery, begins and ceases to
# read another, or is away while its engine is started again.
#   reload.sh SLUICE BUILD      with requests in BUILD
# SECONDS_OF_CHANGES, RATE and BACKLOG change the sizes. Takes about two minutes.
set -u
what=reload
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${SECONDS_OF_CHANGES:-8} rate=${RATE:-3000} backlog=${BACKLOG:-300000}
memory_mib=128

start_broker
start_model

# A second pipeline behind the one of a file: the same, on topics of its own.
another_of() { # $1 file, $2 topic
	printf -- '---\n'
	sed "s/name: call/name: more/; s/topic: $2-answers/topic: $2-more-answers/; s/{topic: $2}/{topic: $2-more}/" "$1"
}

# Every second the pipeline has another timeout, and every other second there is one more.
change_files() { # $1 namespace, $2 delivery
	local second file=$dir/$1.one.yaml
	cp "$file" "$dir/as-it-was"
	for ((second = 1; second <= seconds; second++)); do
		sleep 1
		sed "s/^spec:/spec:\n  timeout: ${second}s/" "$dir/as-it-was" >"$file"
		if ((second % 2)); then
			another_of "$dir/as-it-was" "$1" | sed "s/^spec:/spec:\n  dataflow: {cleanTopicsOnDelete: true}/" >>"$file"
		fi
		kill -HUP "$engine"
		wait_until 10 has_changed "$second" # two signals that come while it reads are one
	done
}

has_changed() { # $1 how often
	[ "$(grep -c 'call: changed' "$dir/engine.log")" -ge "$1" ]
}

health() { # $1 namespace, $2 instance
	"$sluice" health --brokers "$brokers" -n "$1" --instance "$2" >>"$dir/health.log" 2>&1
}

for delivery in exactly-once at-least-once; do
	: >"$dir/engine.log"
	topics "$delivery" "$delivery-answers"
	topics "$delivery-more" "$delivery-more-answers"
	start_engine call "$delivery" "$delivery" "$delivery" one
	engine=$started
	engine_runs "$delivery"
	wait_until 15 health "$delivery" one
	expect "$delivery: health of an engine that works" $? "-eq 0"
	send "$delivery" $((rate * seconds)) "$rate"
	change_files "$delivery" "$delivery"
	sent
	check_answers "$delivery" $((rate * seconds)) "uncommitted: silence_ms:-lt:6000"
	wait_until 15 grep -q "more: was removed, with its topics (1)" "$dir/engine.log"
	expect "$delivery: status of looking for what was said of topics that went with their pipeline" $? "-eq 0"
	verify_answers call "$delivery"
	stop_engine "$delivery" "$engine"
	health "$delivery" one
	expect "$delivery: health of an engine that is gone" $? "-eq 1"
	expect_words "$delivery: health of an engine that is gone" "$dir/health.log" "one has not reported on sluice.$delivery.status for 3000 ms"
	expect "$delivery: how often a reload was rejected" "$(grep -c 'reload rejected' "$dir/engine.log")" "-eq 0"
	expect "$delivery: how often the pipeline was changed" "$(grep -c 'call: changed' "$dir/engine.log")" "-eq $seconds"
done

# For the group it is the member that it was, who reads what that one read.
for way in term kill; do
	group=back-$way
	topics "$group" "$group-answers"
	topics "$group-more" "$group-more-answers"
	start_engine call "$group" "$group" at-least-once one
	engine=$started
	engine_runs "$group"
	send "$group" 100 0
	sent
	check_answers "$group" 100 "uncommitted: silence_ms:"
	kill -"${way^^}" "$engine" && { wait_for "$engine" || true; }
	{ cat "$dir/$group.one.yaml"; another_of "$dir/$group.one.yaml" "$group"; } >"$dir/$group.two.yaml"
	"$sluice" run -f "$dir/$group.two.yaml" --brokers "$brokers" --server "sum=$url" --instance one >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
	engine_runs "$group-more"
	send "$group-more" 100 0
	sent
	check_answers "$group-more" 100 "uncommitted: silence_ms:"
	stop_engine "$group" "$engine"
done

# What is read by another delivery goes on where it was, there and back; of two engines that start together, one sees to
# it. Each time the same requests are sent, and answered once.
engines_read() { # $1 delivery, $2 how many have begun so far
	[ "$(grep -c "in group sluice.turned.$1 as" "$dir/engine.log")" -ge "$2" ]
}
topics turned turned-answers
turns=0
for delivery in at-least-once exactly-once at-least-once; do
	start_engine call turned turned $delivery one
	engine=$started
	start_engine call turned turned $delivery two
	two=$started
	# Both, and each once Kafka has let the members of the former group go.
	wait_until 30 engines_read "$delivery" $((turns / 2 * 2 + 2))
	send turned 1000 0
	sent
	check_answers turned 1000 "uncommitted: silence_ms: doubled:-eq:${turns}000"
	turns=$((turns + 1))
	stop_engine turned "$engine"
	stop_engine turned "$two"
done
expect "turned: groups that went on where another stood" "$(grep -c "group sluice.turned.*continues where .*, in 4 partitions" "$dir/engine.log")" "-eq 2"

# While it runs that cannot be.
: >"$dir/engine.log"
start_engine call turned turned at-least-once one
engine=$started
engine_runs turned
sed -i "s/delivery: at-least-once/delivery: exactly-once/" "$dir/turned.one.yaml"
kill -HUP "$engine"
wait_until 15 grep -q "is read by group sluice.turned.at-least-once, and these files would change that to sluice.turned.exactly-once" "$dir/engine.log"
expect "turned: status of looking for what is said of another delivery while it runs" $? "-eq 0"
stop_engine turned "$engine"

# Also where it was killed, and left a transaction open: nobody comes by its name to end it, so Kafka does when its 10 s
# are over, for which it looks each 10 s, and until then shows nothing of what lies behind it: for 20 s at most.
topics ended ended-answers
start_engine call ended ended exactly-once one
engine=$started
engine_runs ended
send ended $((rate * 4)) "$rate"
sleep 2
kill_at_once "$engine"
start_engine call ended ended at-least-once one
engine=$started
sent
quiet_s=20 check_answers ended $((rate * 4)) "uncommitted: silence_ms:"
stop_engine ended "$engine"

# Whether a pipeline reads topics of others is part of its group's name too. What begins to read another goes on where it
# was; what ceases to goes on where that group was before. Of `begun` each request has two triggers in the second turn, so
# that one which was read again would be answered again.
begun_of() { # $1 more of its input
	sed -n '1,/^---/p' "$here/feeds.yaml" | sed "s/TOPIC/begun-more/; s/GROUP/begun/; s/DELIVERY/at-least-once/"
	sed "s/topic: TOPIC}/topic: TOPIC$1}/; s/TOPIC/begun/; s/GROUP/begun/; s/DELIVERY/at-least-once/" "$here/call.yaml"
}
: >"$dir/engine.log"
topics begun begun-answers
topics begun-more begun-more-answers
begun_reads() { # $1 how often so far
	[ "$(grep -c "call: reads begun" "$dir/engine.log")" -eq "$1" ]
}
doubled=0 turns=0
for turn in "" ", externalTriggers: [scaled.outputs]" ""; do
	begun_of "$turn" >"$dir/begun.yaml"
	"$sluice" run -f "$dir/begun.yaml" --brokers "$brokers" --server "sum=$url" --instance one >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
	turns=$((turns + 1))
	wait_until 30 begun_reads $turns || give_up "the engine of begun does not start"
	[ -z "$turn" ] || for again in 1 2; do
		send begun-more 1000 0
		sent
	done
	send begun 1000 0
	sent
	group=sluice.begun.at-least-once${turn:+.call}
	"$build/requests" follow -b "$brokers" -i begun -g "$group" -n $((1000 * turns)) -p "$engine" >>"$dir/follow.log" 2>&1 ||
		give_up "what is for begun is not committed"
	check_answers begun 1000 "uncommitted: silence_ms: doubled:-eq:${doubled}"
	doubled=$((doubled ? 3000 : 1000)) # the third answers again what the second has
	stop_engine begun "$engine"
done
expect "begun: groups that went on where another stood" "$(grep -c "group sluice.begun.at-least-once.call continues where .*, in 4 partitions" "$dir/engine.log")" "-eq 1"

# A pipeline that is taken out of the files, before its engine is started again, comes back by SIGHUP: it goes on where it
# stood, with its state; what came meanwhile is answered once.
counting_of() { # $1 topic
	cat <<-END
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: left, namespace: $1}
		spec:
		  delivery: exactly-once
		  input: {topic: $1-more}
		  steps:
		  - {name: scale, expression: {set: {x: x * 2 + 1}}}
		  - {name: sum, inputs: [scale]}
		  - {name: one, inputs: [scale], expression: {set: {w: "1.0"}}}
		  - {name: last, inputs: [sum, one.outputs.w], features: {set: {count: count(w over 1h)}}}
		  output: {steps: [last], topic: $1-more-answers}
	END
}
engine_says() { # $1 how often, $2 words
	[ "$(grep -c "$2" "$dir/engine.log")" -ge "$1" ]
}
: >"$dir/engine.log"
topics left left-answers
topics left-more left-more-answers
sed -e "s/TOPIC/left/; s/GROUP/left/; s/DELIVERY/exactly-once/" "$here/call.yaml" >"$dir/left.alone"
{ cat "$dir/left.alone"; counting_of left; } >"$dir/left.both"
cp "$dir/left.both" "$dir/left.yaml"
start_left() {
	"$sluice" run -f "$dir/left.yaml" --brokers "$brokers" --server "sum=$url" --instance one --commit 100ms >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
}
start_left
engine_runs left-more
send left-more $((rate * 4)) "$rate"
sleep 1
cp "$dir/left.alone" "$dir/left.yaml"
kill -HUP "$engine"
wait_until 10 engine_says 1 "left: is not in the files any more" || give_up "a pipeline is not removed"
stop_engine left "$engine"
start_left
wait_until 30 engine_says 2 ": reads left," || give_up "the engine does not start again"
cp "$dir/left.both" "$dir/left.yaml"
kill -HUP "$engine"
wait_until 30 engine_says 2 ": reads left-more," || give_up "a pipeline does not come back"
sent
check_count=-c check_answers left-more $((rate * 4)) "uncommitted: silence_ms:"

# An engine that comes back with other topics before Kafka has missed it: Kafka gives its member the former ones at first.
topics left-next left-next-answers
sed -e "s/TOPIC/left-next/; s/GROUP/left/; s/DELIVERY/exactly-once/" "$here/call.yaml" >"$dir/left.yaml"
stop_engine left "$engine"
start_left
send left-next "$rate" "$rate"
sent
check_answers left-next "$rate" "uncommitted: silence_ms:"
stop_engine left "$engine"

# One of two engines comes back with fewer topics: the other gets the partitions that Kafka gives to it.
topics fewer fewer-answers
topics fewer-more fewer-more-answers
start_fewer() { # $1 instance
	"$sluice" run -f "$dir/fewer.$1" --brokers "$brokers" --server "sum=$url" --instance "$1" >>"$dir/engine.log" 2>&1 &
	ours $!
}
: >"$dir/engine.log"
sed -e "s/TOPIC/fewer/; s/GROUP/fewer/; s/DELIVERY/at-least-once/" "$here/call.yaml" >"$dir/fewer.alone"
{ cat "$dir/fewer.alone"; another_of "$dir/fewer.alone" fewer; } | tee "$dir/fewer.one" >"$dir/fewer.two"
start_fewer one
one=$started
start_fewer two
two=$started
wait_until 30 engine_says 2 ": reads fewer-more," || give_up "two engines do not start"
send fewer-more "$rate" "$rate"
sent
check_answers fewer-more "$rate" "uncommitted: silence_ms:"
stop_engine fewer "$two"
cp "$dir/fewer.alone" "$dir/fewer.two"
start_fewer two
two=$started
wait_until 30 engine_says 3 ": reads fewer," || give_up "an engine does not come back"
send fewer-more "$rate" "$rate"
sent
check_answers fewer-more "$rate" "uncommitted: silence_ms: doubled:-eq:$rate" # the same requests
stop_engine fewer "$one"
stop_engine fewer "$two"

# While one engine has other files than the other, top says so of both; and no more when it has the same.
top_says() { # $1 how many lines, $2 words
	"$sluice" top --once --brokers "$brokers" -n files >"$dir/top" && [ "$(grep -c "$2" "$dir/top")" -eq "$1" ]
}
topics files files-answers
start_engine call files files at-least-once one
one=$started
start_engine call files files at-least-once two
two=$started
wait_until 30 top_says 2 "running$"
expect "files: status of looking for two engines that run the same" $? "-eq 0"
sed -i "s/^spec:/spec:\n  timeout: 7s/" "$dir/files.two.yaml"
kill -HUP "$two"
wait_until 30 top_says 2 "runs other files than"
expect "files: status of looking for two engines that do not" $? "-eq 0"
cp "$dir/files.two.yaml" "$dir/files.one.yaml"
kill -HUP "$one"
wait_until 30 top_says 2 "running$"
expect "files: status of looking for them when both have changed" $? "-eq 0"
stop_engine files "$one"
stop_engine files "$two"

# A second engine takes partitions over while a slow model has most of the requests before it: what is begun anew elsewhere, or
# again, is not sent on. Without that there would be a second call for each.
cat >"$dir/slow.yaml" <<'END'
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: sum}
spec: {storageUri: "stub://slow?ms=500&then=expression&sum=sum(x)"}
END
usual=$url
start_model "$dir/slow.yaml" --metrics 0
topics slow slow-answers
send slow 3000 0
sent
start_engine call slow slow at-least-once one
one=$started
engine_runs slow
sleep 1
start_engine call slow slow at-least-once two
two=$started
quiet_s=5 check_answers slow 3000 "uncommitted: doubled: silence_ms:"
calls=$(curl -s "$(grep -o 'http://[^ ]*/metrics' "$dir/model.log" | tail -n 1)" | sed -n 's/^sluice_served_model_calls_total.* //p')
expect "slow: calls of the model for 3000 requests, of which some were begun twice" "${calls%.*}" "-lt 4500"
stop_engine slow "$one"
stop_engine slow "$two"
url=$usual

# Requests that wait for a model at an address where nothing listens are answered, once and in order, by the version that
# corrects it: from a single stage, from a second one, by a pipeline that is called, and with state, which counts each once.
dead_of() { # $1 namespace, $2 delivery, $3 address of the model
	local steps output=sum more=''
	steps='  - {name: sum, inputs: [scale]}'
	case $1 in
	dead-later) steps='  - {name: sum, inputs: [scale], isolate: true}' ;;
	dead-called)
		steps='  - {name: call, inputs: [scale], route: {cases: [{when: "true", call: inner}]}}' output=call
		more=$(printf -- '---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: inner, namespace: %s}\n' "$1"
			printf 'spec: {steps: [{name: sum}], output: {steps: [sum]}}\n')
		;;
	dead-state)
		steps='  - {name: sum, inputs: [scale]}
  - {name: one, inputs: [scale], expression: {set: {w: "1.0"}}}
  - {name: last, inputs: [sum, one.outputs.w], features: {set: {count: count(w over 1h)}}}' output=last
		;;
	esac
	cat <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: dead, namespace: $1}
		spec:
		  delivery: $2
		  input: {topic: $1}
		  steps:
		  - {name: scale, expression: {set: {x: x * 2 + 1}}}
		$steps
		  output: {steps: [$output], topic: $1-answers}
		$more
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Model
		metadata: {name: sum, namespace: $1}
		spec: {storageUri: "$3"}
	END
}
# A version whose second stage needs a result that the waiting requests do not have: they stay, and the engine, which is ready for
# others, says for what they wait.
dead_stays() {
	local words ready
	words='requests wait for model `sum` at http://127.0.0.1:1 of the former files, replaced at 20[^ ]*Z: '
	ready=$(sed -n 's|.* metrics are at \(http://[^ ]*\)/metrics.*|\1/ready|p' "$dir/engine.log" | tail -n 1)
	dead_of $dead $delivery "$url" | sed 's/  - {name: sum, inputs: \[scale\],/  - {name: more, inputs: [scale], expression: {set: {z: x}}}\n  - {name: sum, inputs: [more],/' >"$dir/$dead.yaml"
	kill -HUP "$engine"
	stays_in_top() { "$sluice" top --once --brokers "$brokers" -n $dead >"$dir/top" && grep -q "[0-9] $words" "$dir/top"; }
	wait_until 15 stays_in_top
	expect "$dead: status of looking in top for requests that stay with the former version" $? "-eq 0"
	expect "$dead: status of /ready while they stay" "$(curl -s -o "$dir/ready" -w '%{http_code}' "$ready")" "-eq 200"
	expect "$dead: lines of /ready that name their wait" "$(grep -c "^pipeline dead waits: [0-9]* $words" "$dir/ready")" "-eq 1"
}
for dead in at-least-once exactly-once later called state; do
	delivery=$dead
	case $dead in later | called) delivery=at-least-once ;; state) delivery=exactly-once ;; esac
	dead=dead-$dead
	topics $dead $dead-answers
	dead_of $dead $delivery http://127.0.0.1:1 >"$dir/$dead.yaml"
	"$sluice" run -f "$dir/$dead.yaml" --brokers "$brokers" --instance one --commit 100ms --metrics 0 >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
	engine_runs $dead
	send $dead 300 0
	sent
	dead_waits() {
		"$sluice" top --once --brokers "$brokers" -n $dead >"$dir/top" && grep -q "waiting: a model that it calls is unreachable: sum" "$dir/top"
	}
	wait_until 15 dead_waits
	expect "$dead: status of looking for requests that wait for the model" $? "-eq 0"
	if [ $dead = dead-later ]; then
		dead_stays
	fi
	dead_of $dead $delivery "$url" >"$dir/$dead.yaml"
	kill -HUP "$engine"
	[ $dead != dead-state ] || check_count=-c
	check_answers $dead 300 "uncommitted: silence_ms:"
	check_count=''
	stop_engine $dead "$engine"
done

topics backlog backlog-answers
send backlog "$backlog" 0
sent
url=http://127.0.0.1:1
start_engine call backlog backlog at-least-once one --memory ${memory_mib}Mi --drain 100ms
engine=$started
sleep 6
peak=$(awk '/VmHWM/ { print $2 }' "/proc/$engine/status")
echo "memory: a backlog of $backlog and a model that is away: $((peak / 1024)) MiB at most, of $memory_mib"
expect "memory: KiB at most" "$peak" "-lt $((memory_mib * 1024))"
stop_engine memory "$engine"

tell_result
