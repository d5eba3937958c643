#!/bin/bash
# What watching costs: an engine that answers a backlog by a local model of 100 trees (Avro, 20 features), with a drift step
# whose observer reads as much, beside the same engine without it: messages per CPU second of its own process.
#   observers.sh SLUICE PROGRAMS     with requests in PROGRAMS
# BACKLOG, ROUNDS change the sizes: a run of less than a second says little. Takes about a minute.
set -u
what=observers
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
backlog=${BACKLOG:-400000} rounds=${ROUNDS:-3} features=20

topics avro avro-answers
fill avro "$backlog" -e $features
"$race/observers_files.py" "$dir" || give_up "the model could not be made"

pipeline() { # $1 namespace, $2 delivery, $3 share that is watched, or nothing
	local watch='s/#WATCH/#/'
	[ -z "$3" ] || watch="s/#WATCH -/-/; s/SHARE/$3/"
	fill_in observers avro "$1" "$2" | sed "$watch" >"$dir/$1.yaml"
}

pipeline learns at-least-once 100%
"$sluice" fit drift "$dir/usual.csv" -f "$dir/learns.yaml" --tensor "x=$(seq -s, -f 'c%g' 0 $((features - 1)))" \
	--out "$dir/usual.json" >"$dir/fit.log" 2>&1 || give_up "the reference was not learned"

spent() { # $1 topic, $2 group, $3 how many are read by then
	"$build/requests" follow -b "$brokers" -i "$1" -g "$2" -n "$3" -p "$runner" 2>"$dir/follow.log" || give_up "$2 did not finish $1"
}

# Messages per CPU second behind the first fifth, until all are answered and watched: until the observer commits nothing more.
# Then there is a verdict for each 500 that are watched. A share is drawn by key, of which there are 997: it may be a tenth less
# than it says.
spend() { # $1 name, $2 delivery, $3 share that is watched, or nothing
	local group="sluice.$1-$2-$round.$2" first last watched
	pipeline "$1-$2-$round" "$2" "$3"
	start_sluice "$dir/$1-$2-$round.yaml" --commit 100ms
	first=$(spent avro "$group" $((backlog / 5)))
	last=$(spent avro "$group" "$backlog")
	if [ -n "$3" ]; then
		last=$(spent "${group%.*}.pipeline.scored.stage.watch.observer" "${group%.*}.observers" 0)
		watched=$("$build/records" dump "$brokers" "${group%.*}.pipeline.scored.drift" 2>"$dir/records.log" | wc -l)
		[ $((watched * 500)) -ge $((backlog * ${3%\%} / 100 * 9 / 10 - 500)) ] || give_up "$1: only $watched windows were judged"
	fi
	stop_runner
	awk -v name="$1-$2" -v count="$backlog" -v used="$last $first" \
		'BEGIN { split(used, at, " "); print name, count * 0.8 / (at[1] - at[2]) }' >>"$dir/speeds"
}

for ((round = 1; round <= rounds; round++)); do
	for delivery in at-least-once exactly-once; do
		spend plain $delivery ''
		spend watched $delivery 100%
		spend shared $delivery 10%
	done
done

echo "messages per CPU second, medians of $rounds; ratio (least..most); load $(cut -d' ' -f1 /proc/loadavg)"
for delivery in at-least-once exactly-once; do
	compare "$delivery: each message watched, beside none (1.5 times the CPU)" watched-$delivery plain-$delivery 0.667
	compare "$delivery: one in ten watched, beside none (1.15 times)" shared-$delivery plain-$delivery 0.87
done
tell_result
