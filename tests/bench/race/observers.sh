#!/bin/bash
# What watching costs: an engine that answers a backlog by a local model of 100 trees (Avro, 20 features), with a drift step
# whose observer reads as much, quality included, and metrics that are read each second, beside the same engine without all
# that: messages per CPU second of its own process. Then the delay of an answer at 200 a second (16 features) with and without,
# behind the first seconds, in which a broker is slow. On a busy machine the delay says nothing.
#   observers.sh SLUICE PROGRAMS     with requests, records and latency in PROGRAMS
# BACKLOG, RATE, SECONDS_EACH, ROUNDS change the sizes: a run of less than a second says little. Takes about three minutes.
set -u
what=observers
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
backlog=${BACKLOG:-400000} rounds=${ROUNDS:-3} rate=${RATE:-200} seconds=${SECONDS_EACH:-6}
early=20000
topic=avro # of what is learned

pipeline() { # from $topic; $1 namespace, $2 delivery, $3 share that is watched, or nothing
	local watch='s/#WATCH/#/'
	[ -z "$3" ] || watch="s/#WATCH -/-/; s/SHARE/$3/"
	fill_in observers "$topic" "$1" "$2" | sed "$watch" >"$dir/$1.yaml"
}

# forest.json and usual.json of so many features, for what starts from now on.
files() { # $1 features
	"$race/observers_files.py" "$dir" "$1" || give_up "the model could not be made"
	pipeline learns at-least-once 100%
	"$sluice" fit drift "$dir/usual.csv" -f "$dir/learns.yaml" --tensor "x=$(seq -s, -f 'c%g' 0 $(($1 - 1)))" \
		--out "$dir/usual.json" >"$dir/fit.log" 2>&1 || give_up "the reference was not learned"
}

# An engine that is watched also has metrics, which are read each second.
start() { # $1 name, $2 delivery, $3 share that is watched, or nothing; then more arguments
	pipeline "$1" "$2" "$3"
	start_sluice "$dir/$1.yaml" ${3:+--metrics 0} "${@:4}"
	reader=''
	[ -n "$3" ] || return
	while sleep 1; do
		curl -s "$(sed -n 's,.* \(http://[^ ]*/metrics\).*,\1,p' "$dir/sluice.log")" >>"$dir/metrics"
	done &
	ours $!
	reader=$started
}

stop() {
	stop_runner
	[ -z "$reader" ] || { kill "$reader" && wait_for "$reader"; }
}

spent() { # $1 topic, $2 group, $3 how many are read by then: CPU seconds, and how many were read indeed
	"$build/requests" follow -b "$brokers" -i "$1" -g "$2" -n "$3" -p "$runner" 2>"$dir/follow.log" || give_up "$2 did not finish $1"
}

# Messages per CPU second, from when the first thousands are answered and watched until all are: until the observer commits nothing
# more. So what an engine sets up does not count, and each message counts with its answer and its row. There is a verdict for each
# 500 that are watched. A share is drawn by key, of which there are 997: it may be a tenth less than it says.
spend() { # $1 name, $2 delivery, $3 share that is watched, or nothing
	local topic=$1-$2-$round group="sluice.$1-$2-$round.$2" first last watched
	topics "$topic" "$topic-answers"
	start "$1-$2-$round" "$2" "$3" --commit 100ms
	fill "$topic" $early -e 20
	first=$(spent_for "$3" "$early") || exit 1
	fill "$topic" "$backlog" -e 20
	last=$(spent_for "$3" $((early + backlog))) || exit 1
	if [ -n "$3" ]; then
		watched=$("$build/records" dump "$brokers" "${group%.*}.pipeline.scored.drift" 2>"$dir/records.log" | wc -l)
		[ $((watched * 500)) -ge $(((early + backlog) * ${3%\%} / 100 * 9 / 10 - 500)) ] || give_up "$1: only $watched windows were judged"
	fi
	stop
	awk -v name="$1-$2" -v backlog="$backlog" -v first="$first" -v last="$last" \
		'BEGIN { split(first, from); split(last, to); print name, backlog / (to[1] - from[1]) }' >>"$dir/speeds"
}

spent_for() { # $1 share that is watched, or nothing, $2 how many messages: CPU seconds when they are answered and watched
	local used
	used=$(spent "$topic" "$group" "$2") || exit 1
	[ -z "$1" ] || used=$(spent "${group%.*}.pipeline.scored.stage.watch.observer" "${group%.*}.observers" 0) || exit 1
	echo "$used"
}

# The median delay of an answer, in microseconds.
delay() { # $1 name, $2 share that is watched, or nothing
	local topic=$1-$round figures
	topics "$topic" "$topic-answers"
	start "$topic" at-least-once "$2" -f "$dir/runtime.yaml"
	figures=$("$build/latency" -b "$brokers" -i "$topic" -o "$topic-answers" -r "$rate" -s "$seconds" -u 5 2>"$dir/latency.log") ||
		give_up "$topic did not answer"
	stop
	sed -n "s/.*p50=\([0-9.]*\).*/$1 \1/p" <<<"$figures" | awk '{ print $1, 1000 * $2 }' >>"$dir/speeds"
}

files 20
for ((round = 1; round <= rounds; round++)); do
	for delivery in at-least-once exactly-once; do
		spend plain $delivery ''
		spend watched $delivery 100%
		spend shared $delivery 10%
	done
done
grep -q '^sluice_drift_missing_share' "$dir/metrics" || give_up "no metrics of quality were read"

cat >"$dir/runtime.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: SeldonRuntime
	spec:
	  config:
	    kafkaConfig:
	      producer: {linger.ms: 0}
END
files 16
for ((round = 1; round <= rounds; round++)); do
	delay delay-plain ''
	delay delay-watched 100%
done

echo "messages per CPU second, medians of $rounds; ratio (least..most); load $(cut -d' ' -f1 /proc/loadavg)"
for delivery in at-least-once exactly-once; do
	compare "$delivery: each message watched, beside none (1.5 times the CPU)" watched-$delivery plain-$delivery 0.667
	compare "$delivery: one in ten watched, beside none (1.15 times)" shared-$delivery plain-$delivery 0.87
done
echo "microseconds from a request to its answer at $rate a second"
compare "at least once: none watched, beside each (1.05 times the time)" delay-plain delay-watched 0.952
tell_result
