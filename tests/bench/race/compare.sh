#!/bin/bash
# sluice, Kafka Streams, Apache Flink and Redpanda Connect beside each other and beside a bare forwarder, in one run, in turn: a
# message of JSON is a call of one model by REST. Speed, latency, memory, order, and what a kill with -9 costs.
#   compare.sh SLUICE PROGRAMS [PAGE]     with forward, requests and latency in PROGRAMS
# Prints a line for each measurement, and in the end the tables of engine/COMPARISON.md; puts them into PAGE.
# Redpanda Connect is built by Go, once; RPCONNECT names another program of it. ROUNDS, BACKLOG, PEER_BACKLOG and RATE
# change the sizes. Takes about ten minutes.
set -u
what=compare broker_with=appended
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
page=${3-} rounds=${ROUNDS:-2} own=${BACKLOG:-600000} peers=${PEER_BACKLOG:-100000} rate=${RATE:-500}
checkpoint_ms=1000 buffer_ms=100 linger_ms=5
keys=16 # so few that calls for one key are in flight together: order would show

# ---- who can run ----

systems=sluice
add_system() { # $1 name, then what makes it, or says why it cannot
	local why
	if why=$("${@:2}"); then
		systems="$systems $1"
	else
		echo "skipped: $1: $why"
	fi
}

# The program, kept for each set of pinned modules.
connect_path() {
	echo "${RPCONNECT:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice/connect-$(cksum <"$race/connect/go.sum" | cut -d' ' -f1)}"
}

build_connect() {
	local made
	if [ -n "${RPCONNECT-}" ]; then
		[ -x "$(command -v "$RPCONNECT")" ] || { echo "RPCONNECT names no program"; return 1; }
		return
	fi
	made=$(connect_path)
	[ -x "$made" ] && return
	command -v go >/dev/null || { echo "there is no Go, which builds it"; return 1; }
	mkdir -p "$(dirname "$made")"
	(cd "$race/connect" && timeout 900 go build -trimpath -o "$made.$$" .) >"$dir/go.log" 2>&1 && mv "$made.$$" "$made" ||
		{ echo "Go could not build it: $(tail -n 1 "$dir/go.log")"; return 1; }
}

add_system streams build_streams CallStreams
add_system flink build_java CallFlink "$race/flink.xml"
add_system connect build_connect
connect=$(connect_path)

# ---- how each is started: $1 delivery, $2 topic, $3 group or namespace; its pid into $runner, its group into $group ----

start_forward() {
	group=$3
	# shellcheck disable=SC2046
	start_copier "$2" "$3" -l $linger_ms $([ "$1" = exactly-once ] || echo -a)
}

start_call() { # sluice
	group=sluice.$3.$1
	fill_in call "$2" "$3" "$1" >"$dir/$3.yaml"
	cat >"$dir/runtime.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: SeldonRuntime
		spec: {config: {kafkaConfig: {producer: {linger.ms: $linger_ms}}}}
	END
	start_sluice "$dir/$3.yaml" -f "$dir/runtime.yaml" --server "sum=$url" --commit 100ms
}

# A thread for each partition, since a call blocks its thread; a member that keeps its name when it is started again.
start_streams() {
	group=$3
	java -Xmx1g -cp "$dir/classes:$jars/*" CallStreams "$brokers" "$2" "$2-answers" "$3" "$url/v2/models/sum/infer" \
		processing.guarantee="$([ "$1" = exactly-once ] && echo exactly_once_v2 || echo at_least_once)" \
		num.stream.threads=4 commit.interval.ms=100 producer.linger.ms=$linger_ms group.instance.id=one \
		state.dir="$dir/streams-$3" >>"$dir/streams.log" 2>&1 &
	contends $!
}

start_flink() {
	group=$3
	java -Xmx1g --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED \
		-cp "$dir/classes:$(jars_of "$race/flink.xml")/*" CallFlink "$brokers" "$2" "$2-answers" "$3" \
		"$url/v2/models/sum/infer" "$1" $checkpoint_ms $buffer_ms "$dir/flink-$3" linger.ms=$linger_ms >>"$dir/flink.log" 2>&1 &
	contends $!
}

start_connect() {
	group=$3
	BROKERS=$brokers IN=$2 OUT=$2-answers GROUP=$3 URL=$url/v2/models/sum/infer "$connect" run "$race/connect.yaml" \
		>>"$dir/connect.log" 2>&1 &
	contends $!
}

start_system() { # $1 name, then as above
	case $1 in
	sluice) start_call "${@:2}" ;;
	*) "start_$1" "${@:2}" ;;
	esac
}

deliveries_of() { # $1 system
	[ "$1" = connect ] && echo at-least-once || echo at-least-once exactly-once
}

# ---- what is measured: a line in $dir/figures for each ----

note() {
	echo "$*" | tee -a "$dir/figures"
}

figure_of() { # $1 figures, $2 name
	sed -n "s/.* $2=\([0-9.]*\).*/\1/p" <<<" $1"
}

# What came of the requests, into $checked. Who gives wrong answers is not to be compared.
read_answers() { # $1 topic, $2 how many
	checked=$("$build/requests" check -b "$brokers" -o "$1-answers" -n "$2" -q 2 -y $keys -f -j 2>"$dir/check.log") ||
		give_up "$1: no answers could be read"
	[ "$(figure_of "$checked" wrong) $(figure_of "$checked" failed)" = "0 0" ] || give_up "$1: wrong answers: $checked"
}

measure_speed() { # $1 system, $2 delivery, $3 round
	backlog=$peers
	case $1 in forward | sluice) backlog=$own ;; esac
	start_system "$1" "$2" calls "speed-$1-$2-$3"
	pace "$group" calls
	note "$1 $2 speed=$speed resident=$resident"
}

# Also the order, which is that of the answers to each key.
measure_latency() { # $1 system, $2 delivery, $3 name of the row
	local topic=latency-$1-$3 found
	checked=
	topics "$topic" "$topic-answers"
	start_system "$1" "$2" "$topic" "$topic"
	found=$("$build/latency" -j -b "$brokers" -i "$topic" -o "$topic-answers" -r "$rate" -s 11 -u 5 -y $keys \
		2>"$dir/latency.log") || give_up "$1 did not answer"
	[ "$1" = forward ] || read_answers "$topic" $((rate * 11))
	stop_runner
	note "$1 $3 p50=$(figure_of "$found" p50) p99=$(figure_of "$found" p99) disordered=$(figure_of "$checked" disordered)"
}

# Killed with -9 when a quarter is done, and started again at once. `longest` is how long a request waited at the most until a
# reader of committed records had its answer.
measure_kill() { # $1 system, $2 delivery
	local topic=kill-$1-$2 count=$((rate * 14)) latency found
	topics "$topic" "$topic-answers"
	start_system "$1" "$2" "$topic" "$topic"
	"$build/latency" -j -b "$brokers" -i "$topic" -o "$topic-answers" -r "$rate" -s 14 -w 40 -y $keys >"$dir/kill.out" \
		2>"$dir/latency.log" &
	ours $!
	latency=$!
	"$build/requests" follow -b "$brokers" -i "$topic" -g "$group" -n $((count / 4)) -p "$runner" >"$dir/follow.out" \
		2>"$dir/follow.log" || give_up "$1 did not begin"
	kill_in_transaction "$runner" "$topic-answers" "$2"
	start_system "$1" "$2" "$topic" "$topic"
	wait_for $latency || give_up "$1 did not answer again"
	found=$(cat "$dir/kill.out")
	read_answers "$topic" "$count"
	stop_runner
	note "$1 $2 longest=$(figure_of "$found" longest) lost=$(figure_of "$checked" lost)" \
		"doubled=$(($(figure_of "$checked" doubled) - $(figure_of "$found" early))) moved=$(figure_of "$checked" disordered)"
}

# ---- the run ----

cat >"$dir/model.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Model
	metadata: {name: sum}
	spec: {storageUri: "stub://expression?sum=sum(x) * 2"}
END
start_model "$dir/model.yaml"
topics calls calls-answers
fill calls $((own + 500000)) -j

for ((round = 1; round <= rounds; round++)); do
	for delivery in at-least-once exactly-once; do
		for system in forward $systems; do
			case " $(deliveries_of "$system") " in *" $delivery "*) measure_speed "$system" "$delivery" "$round" ;; esac
		done
	done
done
linger_ms=0 buffer_ms=0
for system in forward $systems; do
	for delivery in $(deliveries_of "$system"); do
		measure_latency "$system" "$delivery" "$delivery"
	done
done
if [[ " $systems " == *" flink "* ]]; then
	checkpoint_ms=100
	measure_latency flink exactly-once brisk
	checkpoint_ms=1000
fi
for system in $systems; do
	for delivery in $(deliveries_of "$system"); do
		measure_kill "$system" "$delivery"
	done
done

# ---- the tables ----

version_of() { # $1 artifact, $2 file for Maven
	sed -n "/<artifactId>$1</,/version/s:.*<version>\(.*\)</version>.*:\1:p" "$2"
}

versions="Kafka $(version_of kafka_2.13 "$here/pom.xml"), Kafka Streams $(version_of kafka-streams "$race/pom.xml")"
versions="$versions, Flink $(version_of flink-streaming-java "$race/flink.xml")"
[ -n "${RPCONNECT-}" ] || versions="$versions, Redpanda Connect $(sed -n 's,.*data/connect/v4 v,,p' "$race/connect/go.mod")"
versions="$versions, $(java -version 2>&1 | sed -n '1s/ version "\([^"]*\)".*/ \1/p')."
versions="$versions Backlogs of $own messages for sluice and the forwarder, of $peers for the others."
"$race/compare.py" "$dir/figures" "$versions" "$rounds" "$rate" ${page:+"$page"}

# What is sluice's promise, and not what others do.
for delivery in at-least-once exactly-once; do
	row=$(grep "^sluice $delivery longest=" "$dir/figures")
	expect "sluice, $delivery, killed: lost" "$(figure_of "$row" lost)" "-eq 0"
	expect "sluice, $delivery, killed: out of order" "$(figure_of "$row" moved)" "-eq 0"
	[ $delivery = at-least-once ] || expect "sluice, exactly once, killed: answered twice" "$(figure_of "$row" doubled)" "-eq 0"
done
tell_result
