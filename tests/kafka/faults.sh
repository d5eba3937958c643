#!/bin/bash
# What sluice does when something around it fails, one named behaviour after the other, on
# a real Kafka. Each is a function below; arguments choose among them.
#   faults.sh SLUICE BUILD [BEHAVIOUR]...    with admin, proxy, requests in BUILD
# RATE changes how many requests a second there are (2000). All take about two minutes.
set -u
what=faults
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
rate=${RATE:-2000}
quiet_s=90 # a broker that comes back takes its time on a busy machine
deliveries="exactly-once at-least-once"
behaviours="doctor_comes_first doctor_asks_again topic_was_never_made broker_is_killed broker_is_away producer_stops network_is_slow_and_breaks connections_go_dead coordinator_has_moved topic_is_deleted read_topic_is_deleted drift_topic_is_deleted changelog_of_observers_is_damaged changelog_of_observers_is_deleted another_cluster_answers another_takes_its_place another_delivery_waits queue_is_full topic_changes records_are_deleted_unread topic_is_replaced redis_is_away
	records_are_poison headers_are_odd nobody_waits topics_are_made_as_it_is_said answer_is_too_large_for_its_topic batches_are_larger_than_their_topic_takes clock_jumps clock_is_ahead one_of_three_brokers_is_killed"

admin() {
	"$build/admin" "$brokers" "$@" 2>>"$dir/admin.log" || give_up "admin $* failed"
}

# An engine of each delivery on topics $1-DELIVERY, under load for $2 seconds while the
# command behind does its worst; then every answer is held against its request. What is
# done again at least once comes twice, but no more of it than $twice_most.
both_under_load() { # $1 name, $2 seconds, then a command
	local delivery engines=() senders=() name=$1 seconds=$2
	for delivery in $deliveries; do
		topics "$name-$delivery" "$name-$delivery-answers"
		brokers=${far:-$brokers} start_engine call "$name-$delivery" "$name-$delivery" "$delivery" one "${engine_arguments[@]}"
		engines+=("$started")
	done
	for delivery in $deliveries; do
		engine_runs "$name-$delivery"
	done
	for delivery in $deliveries; do
		send "$name-$delivery" $((rate * seconds)) "$rate"
		senders+=("$sender")
	done
	"${@:3}"
	for sender in "${senders[@]}"; do
		sent
	done
	for delivery in $deliveries; do
		[ "$delivery" = exactly-once ] && again='' || again="doubled:-lt:$twice_most"
		check_count="-i $name-$delivery -g sluice.$name-$delivery.$delivery" \
			check_answers "$name-$delivery" $((rate * seconds)) "$again uncommitted: silence_ms:-lt:$((quiet_s + away_s))000"
	done
	for engine in "${engines[@]}"; do
		stop_engine "$name" "$engine"
	done
}
engine_arguments=() far='' twice_most=1000000 away_s=0

# The engine $engine ends by itself, with an error that says this.
ends_saying() { # $1 whose, $2 extended regular expression
	wait_until 40 eval '! kill -0 "$engine" 2>/dev/null' || give_up "$1: the engine does not end"
	wait_for "$engine"
	expect "$1: exit status of an engine that cannot go on" $? "-gt 0"
	expect_words "$1" "$dir/engine.log" "$2"
}

# ---- brokers ----

# Brokers that were never asked for a group, and have none to keep its offsets in: nothing is wrong.
doctor_comes_first() {
	pipeline early "x * 2" at-least-once
	"$sluice" doctor -f "$dir/early.pipeline.yaml" --brokers "$brokers" >"$dir/doctor.txt" 2>&1
	expect "doctor on new brokers: exit status" $? "-eq 0"
	expect_words "doctor on new brokers" "$dir/doctor.txt" "^good +groups +1 of 1"
}

# A question for a group is lost, and its connection stays open: it is asked again.
doctor_asks_again() {
	pipeline early "x * 2" at-least-once
	tell_proxy hold 15 # DescribeGroups
	"$sluice" doctor -f "$dir/early.pipeline.yaml" --brokers "$proxied" >"$dir/doctor.txt" 2>&1
	expect "doctor whose question is lost: exit status" $? "-eq 0"
	expect_words "doctor whose question is lost" "$dir/doctor.txt" "^good +groups +1 of 1"
	tell_proxy await
	expect "doctor whose question is lost: status of asking the proxy whether it held one" $? "-eq 0"
	tell_proxy hold -1 # nor is a later one held, if none was
	tell_proxy cut
	tell_proxy release
}

# Whoever asks for it hears the place and what to do.
topic_was_never_made() {
	"$sluice" tail early -n early --brokers "$brokers" >"$dir/tail.txt" 2>&1
	expect "answers of an engine that never ran: exit status" $? "-eq 2"
	expect_words "answers of an engine that never ran" "$dir/tail.txt" "topic sluice.early.pipeline.early.outputs .*namespace.*sluice run"
}

# How long Kafka itself is silent is its own affair, and on a busy machine that is long.
bounce() {
	local times begun=$SECONDS
	for times in 1 2; do
		sleep 2
		"$here/broker.sh" kill "$dir/kafka" && "$here/broker.sh" resume "$dir/kafka" || give_up "the broker does not come back"
	done
	away_s=$((SECONDS - begun))
}

# Twice, and started again: it is waited for, and goes on where it was. How much comes twice is left open: a
# partition of which nothing was committed before is begun anew (worker/DELIVERY.md).
broker_is_killed() {
	local away_s
	both_under_load bounce 8 bounce
}

has_committed_everywhere() { # $1 topic, $2 delivery
	[ "$("$build/admin" "$brokers" offsets "sluice.$1.$2" "$1" 4 | awk '$1 > 0' | wc -l)" -eq 4 ]
}

# A partition of which nothing was committed before would be begun anew.
leave() {
	local begun=$SECONDS delivery
	sleep 3
	for delivery in $deliveries; do
		wait_until 30 has_committed_everywhere "away-$delivery" "$delivery" || give_up "away-$delivery: the engine commits nothing"
	done
	"$here/broker.sh" kill "$dir/kafka"
	sleep "${AWAY_S:-10}"
	"$here/broker.sh" resume "$dir/kafka" || give_up "the broker does not come back"
	away_s=$((SECONDS - begun))
}

# For longer than the session, so that the group drops its members: what was answered, and
# could not be committed, is not answered again.
broker_is_away() {
	local away_s
	twice_most=500 both_under_load away 8 leave
}

# An engine with one of preload/ in it.
preloaded() { # $1 its name, $2 the variable that tells it its file, $3 the file
	cc -O1 -shared -fPIC -D_GNU_SOURCE -o "$dir/$1.so" "$here/preload/$1.c" || give_up "preload/$1.c could not be built"
	plain=$sluice
	printf '#!/bin/sh\n%s=%s LD_PRELOAD=%s exec %s "$@"\n' "$2" "$3" "$dir/$1.so" "$sluice" >"$dir/sluice"
	chmod +x "$dir/sluice"
	sluice=$dir/sluice
}

stop_producer() {
	local times
	for times in 1 2; do
		sleep 2
		touch "$dir/fatal"
		wait_until 20 test ! -e "$dir/fatal" || give_up "the engine produces nothing"
	done
}

# Kafka has lost track of it, twice: another one takes its place, and repeats what was not committed.
producer_stops() {
	preloaded fatal SLUICE_TEST_FATAL "$dir/fatal"
	deliveries=at-least-once twice_most=$((rate * 2)) both_under_load fatal 8 stop_producer
	sluice=$plain
	expect "a producer that stops: how often it is said" "$(grep -c "the producer stopped: .*a test says so; a new one" "$dir/engine.log")" \
		"-eq 2"
}

kill_first() {
	sleep 3
	"$here/broker.sh" kill "$dir/three" 1
	sleep 8
	"$here/broker.sh" resume "$dir/three" 1 || give_up "the broker does not come back"
}

one_of_three_brokers_is_killed() {
	local one=$brokers
	brokers=$("$here/broker.sh" start "$dir/three" three 2>"$dir/three.log") || give_up "no three brokers"
	both_under_load three 14 kill_first
	"$here/broker.sh" stop "$dir/three"
	"$here/broker.sh" stop "$dir/other"
	brokers=$one
}
end_of_test() {
	"$here/broker.sh" stop "$dir/three"
}

disturb() {
	local times
	tell_proxy delay 20
	for times in 1 2 3; do
		sleep 2
		tell_proxy break
	done
	tell_proxy delay 0
}

network_is_slow_and_breaks() {
	far=$proxied both_under_load network 8 disturb
}

# When both have answered something.
go_dead() {
	local delivery number=0
	for delivery in $deliveries; do
		"$build/requests" follow -b "$brokers" -i "dead-$delivery" -g "sluice.dead-$delivery.$delivery" -n 1000 \
			-p "${engines[number++]}" >"$dir/followed.txt" 2>>"$dir/topics.log" || give_up "nothing is answered"
	done
	tell_proxy freeze
}

# Nobody hangs up, and nobody answers, as when the broker's machine has lost its power: that is noticed within 10 s, where
# librdkafka by itself would wait a minute.
connections_go_dead() {
	quiet_s=30 twice_most=$((rate * 15)) far=$proxied both_under_load dead 8 go_dead
}

# A broker that was busy says so to a member that asks where its partitions begin. The engine asks again, and waits for no rebalance.
coordinator_has_moved() {
	tell_proxy disown
	deliveries=exactly-once far=$proxied both_under_load moved 1 tell_proxy await
	tell_proxy own
}

# ---- topics, partitions, rights (secure.sh has the last) ----

top_says() { # $1 delivery, $2 extended regular expression
	"$sluice" top --once -n "gone-$1" --brokers "$brokers" >"$dir/top.txt" 2>>"$dir/top.log"
	grep -qE "^gone-$1 .*$2" "$dir/top.txt"
}

# Both pipelines of an engine of each delivery: `gone-out-DELIVERY`, from the topic of its name, and `stays`, in its namespace.
start_two() { # $1 delivery
	local name=gone-out-$1
	topics "$name" "$name-answers"
	topics "stays-$1" "stays-$1-answers"
	sed -e "s/TOPIC/$name/; s/name: call/name: $name/; s/GROUP/$name/; s/DELIVERY/$1/" "$here/call.yaml" >"$dir/$name.yaml"
	sed -e "s/TOPIC/stays-$1/; s/name: call/name: stays/; s/GROUP/$name/; s/DELIVERY/$1/" "$here/call.yaml" >"$dir/stays-$1.yaml"
	"$sluice" run -f "$dir/$name.yaml" -f "$dir/stays-$1.yaml" --brokers "$brokers" --server "sum=$url" --instance one \
		>>"$dir/engine.log" 2>&1 &
	ours $!
}

# One that is written: its pipeline waits and says so, commits nothing that was not answered, and the others of the engine continue.
# It answers what waits when somebody has made the topic: exactly once, each request once.
topic_is_deleted() {
	local delivery name again engines=() senders=()
	for delivery in $deliveries; do
		start_two "$delivery"
		engines+=("$started")
		send "gone-out-$delivery" 1000 0
		sent
	done
	for delivery in $deliveries; do
		check_answers "gone-out-$delivery" 1000 "uncommitted: silence_ms:"
		admin delete "gone-out-$delivery-answers"
		send "gone-out-$delivery" 1000 0
		sent
		send "stays-$delivery" 1000 100
		senders+=("$sender")
	done
	for sender in "${senders[@]}"; do
		sent
	done
	for delivery in $deliveries; do
		name=gone-out-$delivery
		[ "$delivery" = exactly-once ] && again='' || again=doubled:
		wait_until 40 top_says "out-$delivery" "not ready: topic $name-answers is gone: .* Create it" ||
			give_up "a deleted topic is not told: $(cat "$dir/top.txt")"
		expect_words "a topic that was written" "$dir/engine.log" "topic $name-answers is gone: its pipeline waits"
		expect_words "$delivery: another pipeline" "$dir/top.txt" '^stays .* running'
		check_answers "stays-$delivery" 1000 "$again uncommitted: silence_ms:"
		expect "$delivery: requests that the group has committed" \
			"$("$build/admin" "$brokers" offsets "sluice.$name.$delivery" "$name" 4 | awk '{sum += $1} END {print sum}')" "-eq 1000"
	done
	for delivery in $deliveries; do
		name=gone-out-$delivery
		[ "$delivery" = exactly-once ] && again='' || again=doubled:
		topics "beside-$name" "$name-answers"
		wait_until 40 grep -q "topic $name-answers exists again: its pipeline continues" "$dir/engine.log"
		expect "$delivery: that it exists again is told" $? "-eq 0"
		check_answers "$name" 1000 "$again uncommitted: silence_ms:"
		wait_until 20 top_says "out-$delivery" 'running'
		expect "$delivery: its pipeline runs again" $? "-eq 0"
	done
	for engine in "${engines[@]}"; do
		stop_engine "a deleted topic" "$engine"
	done
}

# One that is read: its pipeline waits and says so, the others of the engine continue, and it continues itself when somebody
# has made the topic.
read_topic_is_deleted() {
	local delivery gone engines=()
	runtime one "topics: {numPartitions: 1}"
	for delivery in $deliveries; do
		pipeline "gone-$delivery" "x * 2" "$delivery"
		sed "s/name: gone-$delivery,/name: stays,/" "$dir/gone-$delivery.pipeline.yaml" >"$dir/stays.yaml"
		{ echo ---; cat "$dir/stays.yaml"; } >>"$dir/gone-$delivery.pipeline.yaml"
		start_pipeline "gone-$delivery" one
		engines+=("$engine")
		goes_on "a first request" "gone-$delivery"
	done
	for delivery in $deliveries; do
		admin delete "sluice.gone-$delivery.pipeline.gone-$delivery.inputs"
	done
	for delivery in $deliveries; do
		gone="topic sluice\.gone-$delivery\.pipeline\.gone-$delivery\.inputs is gone"
		wait_until 40 top_says "$delivery" "not ready: $gone: .* Create it" || give_up "a deleted topic is not told: $(cat "$dir/top.txt")"
		expect_words "$delivery: another pipeline" "$dir/top.txt" '^stays .* running$'
		expect_words "a topic that was read" "$dir/engine.log" "$gone: its pipeline waits"
		namespace=gone-$delivery goes_on "another pipeline, $delivery" stays
		topics "sluice.gone-$delivery.pipeline.gone-$delivery.inputs" "beside-gone-$delivery"
		goes_on "a topic that was made again, $delivery" "gone-$delivery"
		wait_until 20 grep -q "${gone% is gone} exists again" "$dir/engine.log"
		expect "$delivery: that it exists again is told" $? "-eq 0"
		wait_until 20 top_says "$delivery" "running$"
		expect "$delivery: its pipeline runs again" $? "-eq 0"
	done
	expect "lines about another cluster" "$(grep -c 'another cluster' "$dir/engine.log")" "-eq 0"
	for engine in "${engines[@]}"; do
		stop_engine gone "$engine"
	done
}

watched_pipeline() { # $1 name
	runtime one "topics: {numPartitions: 1}"
	pipeline "$1" "x * 2" at-least-once
	sed -i 's/}}}\]/}}}, {name: watch, inputs: [scale], drift: {tensors: [x], window: 20, reference: {past: 1h}}}]/' "$dir/$1.pipeline.yaml"
}

# One that its observers write: the pipeline goes on answering, and says that they wait, until somebody has made the topic.
drift_topic_is_deleted() {
	local engine i drift=sluice.gone-drift.pipeline.gone-drift.drift
	watched_pipeline gone-drift
	start_pipeline gone-drift one
	goes_on "a first request" gone-drift
	admin delete "$drift"
	for ((i = 0; i < 60; i++)); do tr -d '\n' <"$dir/request.json"; echo; done |
		"$sluice" produce gone-drift -n gone-drift --brokers "$brokers" >"$dir/produce.log" 2>&1 || give_up "requests were not written"
	wait_until 40 top_says drift "unobserved: its answers go on, and its observers wait: topic $drift is gone" ||
		give_up "a deleted topic of observers is not told: $(cat "$dir/top.txt")"
	expect_words "a topic of observers" "$dir/engine.log" "topic $drift is gone: the observers of its pipeline wait, and answers go on"
	"$sluice" health --instance one -n gone-drift --brokers "$brokers" >"$dir/health.txt" 2>&1
	expect "exit status of the health of an engine that answers" $? "-eq 0"
	expect_words "its health" "$dir/health.txt" "observers of 1 of 1 pipelines stand still; gone-drift: .*$drift is gone"
	goes_on "a request beside it" gone-drift
	topics "$drift" beside-gone-drift
	wait_until 40 top_says drift running
	expect "that its observers go on is told" $? "-eq 0"
	stop_engine "a deleted topic of observers" "$engine"
}

# Who observes is off while what it remembers has a damaged record: the answers go on, also in an engine that starts. The topic is
# deleted, and made again while the engine runs: the observers begin without state.
changelog_of_observers_is_damaged() {
	local engine state=sluice.gone-damaged.pipeline.gone-damaged.stage.watch.observer.state
	watched_pipeline gone-damaged
	start_pipeline gone-damaged one
	goes_on "a first request" gone-damaged
	wait_until 10 eval '[ "$("$build/records" count "$brokers" "$state")" -ge 2 ]' || give_up "the observers keep no state"
	stop_engine "observers with state" "$engine"
	echo x >"$dir/damage"
	admin put "$state" strange "$dir/damage"
	start_pipeline gone-damaged one --metrics 0
	wait_until 15 top_says damaged "unobserved: its answers go on, and its observers wait: .*the record at $state-0 offset [0-9]+ is no change" ||
		give_up "a damaged changelog of observers is not told: $(cat "$dir/top.txt")"
	expect_words "a damaged changelog of observers" "$dir/engine.log" \
		"the observers of pipeline gone-damaged are off, and its answers go on; their state is looked at again every 10 s: the record at $state-0 offset"
	goes_on "a request beside a damaged changelog" gone-damaged
	curl -s "$(grep -oE '127\.0\.0\.1:[0-9]+/metrics' "$dir/engine.log" | tail -n 1)" >"$dir/metrics.txt"
	expect_words "metrics of a pipeline whose observers are off" "$dir/metrics.txt" '^sluice_pipeline_unobserved\{.*\} 1(\.0)?$'
	admin delete "$state"
	wait_until 10 eval '"$build/admin" "$brokers" make "$state" 1 compact 2>>"$dir/admin.log"' # a deletion takes a moment
	wait_until 20 top_says damaged running || give_up "observers do not go on: $(cat "$dir/top.txt")"
	expect_words "observers whose changelog was made again" "$dir/engine.log" \
		"$state-0: the topic was deleted and made again, or emptied: the observers of pipeline gone-damaged begin without state"
	goes_on "a request that is observed again" gone-damaged
	wait_until 10 eval '[ "$("$build/records" count "$brokers" "$state")" -ge 2 ]'
	expect "status of looking for the state of observers that went on" $? "-eq 0"
	stop_engine "observers that went on" "$engine"
}

# The same while the engine runs.
changelog_of_observers_is_deleted() {
	local engine state=sluice.gone-state.pipeline.gone-state.stage.watch.observer.state
	watched_pipeline gone-state
	start_pipeline gone-state one
	goes_on "a first request" gone-state
	wait_until 10 eval '[ "$("$build/records" count "$brokers" "$state")" -ge 2 ]' || give_up "the observers keep no state"
	admin delete "$state"
	goes_on "a request behind the deletion" gone-state
	wait_until 40 top_says state "unobserved: its answers go on, and its observers wait: .*$state" ||
		give_up "a deleted changelog of observers is not told: $(cat "$dir/top.txt")"
	goes_on "a request beside a deleted changelog" gone-state
	admin make "$state" 1 compact
	wait_until 20 top_says state running || give_up "observers do not go on: $(cat "$dir/top.txt")"
	expect_words "observers whose changelog was deleted" "$dir/engine.log" "observers of pipeline gone-state begin without state"
	wait_until 10 eval '[ "$("$build/records" count "$brokers" "$state")" -ge 2 ]'
	expect "status of looking for the state of observers that went on" $? "-eq 0"
	stop_engine "observers whose changelog was deleted" "$engine"
}

# The address of the brokers leads to another cluster, and back: the engine says so, and loses nothing.
another_cluster_answers() {
	local other port=${brokers##*:}
	runtime one "topics: {numPartitions: 1}"
	pipeline swapped "x * 2" exactly-once
	start_pipeline swapped one
	goes_on "a first request" swapped
	other=$(CLUSTER=AAAAAAAAAAAAAAAAAAAABQ "$here/broker.sh" start "$dir/other" 2>>"$dir/broker.log") || give_up "no other cluster"
	"$here/broker.sh" stop "$dir/other"
	sed -i "s/:${other##*:}/:$port/g" "$dir/other/server.properties"
	echo "$port" >"$dir/other/port"
	"$here/broker.sh" kill "$dir/kafka"
	"$here/broker.sh" resume "$dir/other" 2>>"$dir/broker.log" || give_up "the other cluster does not start"
	wait_until 60 grep -qE "another cluster answers at $brokers: its id is .*, and was .*correct the address" "$dir/engine.log" ||
		give_up "another cluster is not told"
	"$here/broker.sh" stop "$dir/other"
	"$here/broker.sh" resume "$dir/kafka" 2>>"$dir/broker.log" || give_up "the first cluster does not start"
	wait_until 60 grep -q 'topic sluice\.swapped\.pipeline\.swapped\.inputs exists again' "$dir/engine.log" ||
		give_up "the engine does not find its topics"
	goes_on "the first cluster" swapped
	expect "answers that were made" "$("$build/records" count "$brokers" sluice.swapped.pipeline.swapped.outputs)" "-eq 2"
	stop_engine swapped "$engine"
}

# More partitions, and then another topic in its place, whose offsets begin anew: what is sent there is
# answered, and nobody needs to start the engine again.
topic_changes() {
	local delivery engines=() inputs key
	runtime one "topics: {numPartitions: 1}"
	for delivery in $deliveries; do
		pipeline "changes-$delivery" "x * 2" "$delivery"
		start_pipeline "changes-$delivery" one
		engines+=("$engine")
		goes_on "a first request" "changes-$delivery"
	done
	for delivery in $deliveries; do
		inputs=sluice.changes-$delivery.pipeline.changes-$delivery.inputs
		admin grow "$inputs" 3
	done
	for delivery in $deliveries; do
		for key in a b c d; do
			goes_on "a topic that has more partitions, $delivery" "changes-$delivery" --key $key
		done
	done
	for delivery in $deliveries; do
		admin delete "sluice.changes-$delivery.pipeline.changes-$delivery.inputs"
	done
	sleep 2
	for delivery in $deliveries; do
		topics "sluice.changes-$delivery.pipeline.changes-$delivery.inputs" "beside-$delivery"
	done
	for delivery in $deliveries; do
		goes_on "a topic that was made anew, $delivery" "changes-$delivery"
	done
	for engine in "${engines[@]}"; do
		stop_engine changes "$engine"
	done
}

# Records that are deleted while no engine runs, before they were read: how many is said, and what is left is answered; or
# the engine ends, where its pipeline says so.
records_are_deleted_unread() {
	local delivery name inputs
	runtime one "topics: {numPartitions: 1}"
	for delivery in $deliveries; do
		name=unread-$delivery inputs=sluice.unread-$delivery.pipeline.unread-$delivery.inputs
		pipeline "$name" "x * 2" "$delivery"
		start_pipeline "$name" one
		goes_on "a first request" "$name"
		stop_engine "$name" "$engine"
		send "$inputs" 1000 0 -w 1
		sent
		admin trim "$inputs" 0 901
		sed -i 's/^spec:/spec:\n  onGap: stop/' "$dir/$name.pipeline.yaml"
		start_pipeline "$name" one
		ends_saying "records that are deleted unread, $delivery" "records of $inputs-0 from offset 1 on were deleted .* onGap: stop"
		sed -i 's/onGap: stop/onGap: continue/' "$dir/$name.pipeline.yaml"
		rm "$dir/engine.log"
		start_pipeline "$name" one
		"$sluice" tail "$name" -n "$name" --brokers "$brokers" --from beginning --count 101 --idle $((15 * patience))s -o json >"$dir/tail.json" \
			2>>"$dir/errors.log"
		expect "records that are deleted unread, $delivery: answers" "$(wc -l <"$dir/tail.json")" "-eq 101"
		expect_words "records that are deleted unread, $delivery" "$dir/engine.log" "900 records of $inputs-0 were deleted before they were read"
		expect_words "records that are deleted unread, $delivery: the count" <("$sluice" top -n "$name" --brokers "$brokers" --once 2>&1) "skipped 900"
		stop_engine "$name" "$engine"
	done
}

# A topic is deleted, made anew and filled beyond where it is read on, while the engine does not run for a moment and so
# cannot see that it is gone: what is not read is said and counted, or the engine ends, where its pipeline says so.
topic_is_replaced() {
	local delivery name inputs engines=()
	runtime one "topics: {numPartitions: 1}"
	for delivery in $deliveries; do
		name=replaced-$delivery
		pipeline "$name" "x * 2" "$delivery"
		[ $delivery = at-least-once ] || sed -i 's/^spec:/spec:\n  onGap: stop/' "$dir/$name.pipeline.yaml"
		start_pipeline "$name" one
		engines+=("$engine")
		send "sluice.$name.pipeline.$name.inputs" 1000 0 -w 1
		sent
		"$build/requests" follow -b "$brokers" -i "sluice.$name.pipeline.$name.inputs" -g "sluice.$name.$delivery" -n 1000 -p "$engine" \
			>"$dir/followed.txt" 2>>"$dir/topics.log" || give_up "nothing is answered"
	done
	kill -STOP "${engines[@]}"
	for delivery in $deliveries; do
		admin delete "sluice.replaced-$delivery.pipeline.replaced-$delivery.inputs"
	done
	sleep 1
	for delivery in $deliveries; do
		inputs=sluice.replaced-$delivery.pipeline.replaced-$delivery.inputs
		admin make "$inputs" 1 delete
		send "$inputs" 2000 0 -w 1
		sent
	done
	kill -CONT "${engines[@]}"
	engine=${engines[0]}
	ends_saying "a topic that is replaced, onGap: stop" \
		"records of sluice.replaced-exactly-once.*inputs-0 from offset 0 on were not read, because the topic was created again .* onGap: stop"
	name=replaced-at-least-once
	wait_until 30 grep -q "topic sluice.$name.*inputs was created again while it was read: at least [0-9]* records of .* were not read" \
		"$dir/engine.log" || give_up "a topic that is replaced: nothing is said"
	"$sluice" top -n "$name" --brokers "$brokers" --once >"$dir/top.txt" 2>&1
	expect "a topic that is replaced: the count" "$(sed -n 's/.*skipped \([0-9]*\).*/\1/p' "$dir/top.txt")" "-gt 0"
	stop_engine replaced "${engines[1]}"
}

# The same instance is started twice: they fence each other, a fatal error of their
# clients, until one of them ends and says so; the other does the work.
another_takes_its_place() {
	local first second
	topics twin twin-answers
	send twin $((rate * 8)) "$rate"
	start_engine call twin twin exactly-once one
	first=$started
	sleep 3
	start_engine call twin twin exactly-once one
	second=$started
	wait_until 60 eval '! kill -0 "$first" 2>/dev/null || ! kill -0 "$second" 2>/dev/null' ||
		give_up "an instance that was started twice: neither of them ends"
	engine=$first
	if kill -0 "$first" 2>/dev/null; then engine=$second second=$first; fi
	ends_saying "an instance that was started twice" "[Ff]enced"
	sent
	check_answers twin $((rate * 8)) "uncommitted: silence_ms:-lt:40000"
	stop_engine twin "$second"
}

runtime() { # $1 file, $2 lines of kafkaConfig
	cat >"$dir/$1.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: SeldonRuntime
		metadata: {name: runtime}
		spec: {config: {kafkaConfig: {bootstrap.servers: "$brokers", $2}}}
	END
}

# An engine with another delivery waits while one still reads by the former group, and then goes on where that one stood.
another_delivery_waits() {
	local first second
	topics delivery delivery-answers
	start_engine call delivery delivery at-least-once one
	first=$started
	send delivery $((rate * 2)) "$rate"
	sent
	start_engine call delivery delivery exactly-once two
	second=$started
	wait_until 30 grep -qs "group sluice.delivery.exactly-once waits for group sluice.delivery.at-least-once: one.0 at .* reads delivery" \
		"$dir/engine.log" || give_up "another delivery does not wait"
	"$build/requests" follow -b "$brokers" -i delivery -g sluice.delivery.at-least-once -n $((rate * 2)) -p "$first" \
		>"$dir/followed.txt" 2>>"$dir/topics.log" || give_up "the first engine does not answer"
	stop_engine delivery "$first"
	wait_until 30 grep -qs "delivery.exactly-once continues where" "$dir/engine.log" || give_up "another delivery waits for ever"
	send delivery $((rate * 2)) "$rate"
	sent
	# The same numbers again: each is answered by the first engine, and once more by the second.
	check_answers delivery $((rate * 2)) "doubled:-eq:$((rate * 2)) disordered: uncommitted: silence_ms:"
	stop_engine delivery "$second"
}

# A producer's queue with room for 50 records is full all the time: what does not fit waits.
queue_is_full() {
	runtime narrow "producer: {queue.buffering.max.messages: 50}"
	engine_arguments=(-f "$dir/narrow.yaml")
	rate=5000 both_under_load narrow 3 true
	engine_arguments=()
}

# ---- what keeps replies ----

start_redis() {
	redis-server --port "$redis_port" --bind 127.0.0.1 --save "" --appendonly no --dir "$dir" >>"$dir/redis.log" 2>&1 &
	ours $!
	redis=$started
}

redis_away="Redis is unreachable" redis_back="replies of model sum are cached again"

kill_and_hang_redis() {
	sleep 1
	kill_at_once "$redis"
	wait_until 3 grep -q "$redis_away: 127.0.0.1:$redis_port: \(Connection\|it hung up\)" "$dir/engine.log"
	start_redis
	wait_until 3 grep -q "$redis_back" "$dir/engine.log"
	kill -STOP "$redis"
	wait_until 3 grep -q "$redis_away: 127.0.0.1:$redis_port: it does not answer" "$dir/engine.log"
	kill -CONT "$redis"
}

# Killed, started again, hung: models are asked while it is away, and an engine says where it was and why.
redis_is_away() {
	command -v redis-server >/dev/null || { echo "redis_is_away: no redis-server, so left out"; return; }
	redis_port=$(free_port)
	start_redis
	printf 'kind: Performance\nperformance_optimizations: {caching: {enabled: true, backend: redis, address: "127.0.0.1:%d"}}\n' \
		"$redis_port" >"$dir/cached.yaml"
	engine_arguments=(-f "$dir/cached.yaml")
	deliveries=at-least-once both_under_load cached 5 kill_and_hang_redis
	engine_arguments=()
	expect_words "Redis is killed" "$dir/engine.log" "replies of model sum are not cached: $redis_away: 127.0.0.1:$redis_port: (Connection|it hung up)"
	expect_words "Redis hangs" "$dir/engine.log" "$redis_away: 127.0.0.1:$redis_port: it does not answer"
	expect_words "Redis comes back" "$dir/engine.log" "replies of model sum are cached again"
}

# ---- records ----

pipeline() { # $1 name, which is its namespace too; $2 expression, $3 delivery
	cat >"$dir/$1.pipeline.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: $1, namespace: $1}
		spec:
		  delivery: $3
		  steps: [{name: scale, expression: {set: {y: $2}}}]
		  output: {steps: [scale]}
	END
}

start_pipeline() { # $1 name, $2 runtime, then options
	"$sluice" run -f "$dir/$1.pipeline.yaml" -f "$dir/$2.yaml" --instance one "${@:3}" >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
	engine_runs "sluice.$1.pipeline.$1.inputs"
}

# One request is answered: whatever came before it did not stop the partition.
goes_on() { # $1 whose, $2 pipeline, then options; its namespace is $namespace, or has its name
	echo '{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2], "data": [1, 2]}]}' >"$dir/request.json"
	"$sluice" infer "$2" -n "${namespace:-$2}" -f "$dir/request.json" --brokers "$brokers" "${@:3}" >"$dir/answer.txt" 2>&1
	expect "$1: exit status of a request that follows" $? "-eq 0"
}

# Random bytes, nothing at all, and 50 MB: each is answered with an error and kept, and
# what comes behind goes on. A letter that would be too large for its topic has no bytes.
records_are_poison() {
	local delivery letters
	runtime wide "topics: {numPartitions: 1, max.message.bytes: 60000000}"
	head -c 1000 /dev/urandom >"$dir/poison"
	head -c 50000000 /dev/zero >"$dir/huge" # for the first; a second one is more than a broker of this size can hold
	for delivery in $deliveries; do
		pipeline "p-$delivery" "x * 2" "$delivery"
		start_pipeline "p-$delivery" wide
		goes_on "a first request" "p-$delivery"
		admin put "sluice.p-$delivery.pipeline.p-$delivery.inputs" k "$dir/poison"
		admin put "sluice.p-$delivery.pipeline.p-$delivery.inputs" k
		admin put "sluice.p-$delivery.pipeline.p-$delivery.inputs" k "$dir/huge"
		head -c 5000000 /dev/zero >"$dir/huge"
		goes_on "poison, $delivery" "p-$delivery"
		"$sluice" errors list "p-$delivery" -n "p-$delivery" --brokers "$brokers" -o json >"$dir/letters.json" 2>>"$dir/errors.log"
		letters=$(grep -o '"kind": *"INPUT"' "$dir/letters.json" | wc -l)
		expect "poison, $delivery: letters of what could not be read" "$letters" "-eq 3"
		stop_engine "poison, $delivery" "$engine"
	done
}

# Those there are into $dir/tail.json; whether they are so many.
odd_answers() { # $1 pipeline, $2 how many
	"$sluice" tail "$1" -n "$1" --brokers "$brokers" --from beginning --idle 2s -o json >"$dir/tail.json" 2>>"$dir/errors.log"
	[ "$(wc -l <"$dir/tail.json")" -ge "$2" ]
}

# Large and many headers, bytes that are no text, two ids, deadlines that are none: each
# request has one answer, and only what is wrong is an error.
headers_are_odd() {
	local delivery count wrong
	runtime odd "topics: {numPartitions: 1}"
	for delivery in $deliveries; do
		pipeline "odd-$delivery" "x * 2" "$delivery"
		start_pipeline "odd-$delivery" odd
		read -r count wrong < <("$build/odd" "$brokers" "sluice.odd-$delivery.pipeline.odd-$delivery.inputs")
		goes_on "odd headers, $delivery" "odd-$delivery"
		wait_until 20 odd_answers "odd-$delivery" $((count + 1))
		expect "odd headers, $delivery: answers" "$(wc -l <"$dir/tail.json")" "-eq $((count + 1))"
		expect "odd headers, $delivery: errors" "$(grep -cE '"kind": *"(INPUT|LIMIT)"' "$dir/tail.json")" "-eq $wrong"
		stop_engine "odd headers, $delivery" "$engine"
	done
}

# A request says how long it is waited for: while its model is asked that time passes, and
# whoever asked is told so.
nobody_waits() {
	"$build/till" 8 60000 >"$dir/till.address" 2>"$dir/till.log" &
	ours $!
	wait_until 5 test -s "$dir/till.address" || give_up "no model server"
	topics late late-answers
	url=$(cat "$dir/till.address") start_engine call late late at-least-once one
	engine=$started
	engine_runs late
	echo '{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2], "data": [1, 2]}]}' >"$dir/request.json"
	"$sluice" infer call -n late -f "$dir/request.json" --pipelines "$dir/late.one.yaml" --brokers "$brokers" --timeout $((4 * patience))s \
		>"$dir/late.txt" 2>&1
	expect "nobody waits: exit status" $? "-eq 1"
	expect_words "nobody waits" "$dir/late.txt" "^error: .*deadline"
	stop_engine "nobody waits" "$engine"
}

# Kafka's own defaults, but for retention; what kafkaConfig.topics says goes before them.
topics_are_made_as_it_is_said() {
	local topic
	runtime usual "consumer: {}"
	runtime said "topics: {numPartitions: 3, replicationFactor: 1, retention.ms: 1000000, compression.type: lz4}"
	for topic in usual said; do
		pipeline $topic "x * 2" at-least-once
		start_pipeline $topic $topic
		goes_on "topics, $topic" $topic
		stop_engine "topics, $topic" "$engine"
	done
	admin settings sluice.usual.pipeline.usual.inputs >"$dir/inputs.txt"
	expect "defaults of inputs" "$(grep -c -e partitions=1 -e replicas=1 -e retention.ms=604800000 -e compression.type=producer \
		"$dir/inputs.txt")" "-eq 4"
	admin settings sluice.usual.pipeline.usual.errors >"$dir/errors.txt"
	expect "retention of errors" "$(grep -c retention.ms=2592000000 "$dir/errors.txt")" "-eq 1"
	admin settings sluice.said.pipeline.said.errors >"$dir/said.txt"
	expect "settings that were said" "$(grep -c -e partitions=3 -e replicas=1 -e retention.ms=1000000 -e compression.type=lz4 \
		"$dir/said.txt")" "-eq 4"
}

# By our own measure of message.max.bytes, or only by Kafka's of the topic: the request is
# answered with an error that says so, and what comes behind goes on.
answer_is_too_large_for_its_topic() {
	local limit delivery
	{
		echo -n '{"id": "large", "inputs": [{"name": "x", "datatype": "FP32", "shape": [200000], "data": [1'
		head -c 399998 <(yes ,1 | tr -d '\n')
		echo ']}]}'
	} >"$dir/large.json"
	runtime ours "topics: {numPartitions: 1}"
	runtime theirs "topics: {numPartitions: 1}, producer: {message.max.bytes: 50000000}"
	for limit in ours theirs; do
		for delivery in $deliveries; do
			pipeline "$limit-$delivery" "x * 12345.678" "$delivery"
			start_pipeline "$limit-$delivery" "$limit"
			goes_on "a first request" "$limit-$delivery"
			admin put "sluice.$limit-$delivery.pipeline.$limit-$delivery.inputs" k "$dir/large.json"
			goes_on "an answer too large for $limit, $delivery" "$limit-$delivery"
			"$sluice" tail "$limit-$delivery" -n "$limit-$delivery" --brokers "$brokers" --from beginning --count 3 --idle $((5 * patience))s \
				-o json >"$dir/tail.json" 2>>"$dir/errors.log"
			expect_words "an answer too large for $limit, $delivery" "$dir/tail.json" 'LIMIT.*(message.max.bytes|max.message.bytes)'
			stop_engine "$limit-$delivery" "$engine"
		done
	done
}

# All that is answered into $dir/tail.json, until nothing more comes: at least once some may come twice.
answers_in_narrow() { # $1 pipeline, $2 at least so many
	"$sluice" tail "$1" -n "$1" --brokers "$brokers" --from beginning --idle 5s -o json >"$dir/tail.json" \
		2>>"$dir/errors.log"
	[ "$(wc -l <"$dir/tail.json")" -ge "$2" ]
}

# $2 requests of 160 numbers, whose answers have about 700 bytes each, are answered: with those before $3 in all. A broker may
# stall for longer than nothing comes in the end.
answered_in_narrow() { # $1 pipeline, $2 requests, $3 answers
	send "sluice.$1.pipeline.$1.inputs" "$2" 0 -e 160 -w 1
	sent
	wait_until 60 answers_in_narrow "$1" "$3"
}

# A topic takes ten answers, and not as many as a client puts into a batch: nobody is refused for that, whether it is so
# from the beginning or from a moment on while the engine runs.
batches_are_larger_than_their_topic_takes() {
	local delivery name
	runtime one "topics: {numPartitions: 1}"
	for delivery in $deliveries; do
		name=narrow-$delivery
		pipeline "$name" "x * 2" "$delivery"
		start_pipeline "$name" one
		goes_on "a first request" "$name"
		admin set "sluice.$name.pipeline.$name.outputs" max.message.bytes 8192
		answered_in_narrow "$name" 3000 3001
		expect "a limit that is lowered, $delivery: requests with an answer" "$(grep -oE '"id": *"[0-9]+"' "$dir/tail.json" | sort -u | wc -l)" "-eq 3000"
		expect "a limit that is lowered, $delivery: refused" "$(grep -c LIMIT "$dir/tail.json")" "-eq 0"
		expect_words "a limit that is lowered, $delivery" "$dir/engine.log" "topic sluice.$name.*outputs refused a batch of records: .* sent again"
		stop_engine "$name" "$engine"
		start_pipeline "$name" one
		answered_in_narrow "$name" 3000 6001
		expect "a limit that is read, $delivery: refused" "$(grep -c LIMIT "$dir/tail.json")" "-eq 0"
		expect "a limit that is read, $delivery: answers" "$(wc -l <"$dir/tail.json")" "-ge 6001"
		expect_words "a limit that is read, $delivery" "$dir/engine.log" "batches of records have at most 8192 bytes"
		stop_engine "$name" "$engine"
		rm "$dir/engine.log"
	done
}

# ---- time ----

jump() {
	local offset
	for offset in 3600 -3600 0; do
		sleep 1.5
		printf '%-31s\n' $offset | dd of="$dir/clock" conv=notrunc status=none
	done
}

# An hour forward, two back: nobody is lost by it, and nobody waits for it.
clock_jumps() {
	printf '%-31s\n' 0 >"$dir/clock"
	preloaded clock SLUICE_TEST_CLOCK "$dir/clock"
	both_under_load clock 6 jump
	sluice=$plain
}

# Two hours ahead, which is more than topics allow: the engine ends and names the clock, no request is refused, and all
# are answered when the clock is right.
clock_is_ahead() {
	local delivery name engines=()
	preloaded clock SLUICE_TEST_CLOCK "$dir/clock"
	printf '%-31s\n' 7200 >"$dir/clock"
	for delivery in $deliveries; do
		name=ahead-$delivery
		topics "$name" "$name-answers"
		send "$name" 1000 0
		sent
		start_engine call "$name" "$name" "$delivery" one
		engines+=("$started")
	done
	for engine in "${engines[@]}"; do
		ends_saying "a clock that is ahead" "refuses records for .* the clock of this machine shows"
	done
	printf '%-31s\n' 0 >"$dir/clock"
	for delivery in $deliveries; do
		name=ahead-$delivery
		start_engine call "$name" "$name" "$delivery" one
		check_answers "$name" 1000 "uncommitted: silence_ms:"
		stop_engine "$name" "$started"
	done
	sluice=$plain
}

chosen=${*:3}
start_broker proxied
start_proxy
start_model
for behaviour in ${chosen:-$behaviours}; do
	begun=$SECONDS
	$behaviour
	echo "$behaviour: $((SECONDS - begun)) s"
done
tell_result
