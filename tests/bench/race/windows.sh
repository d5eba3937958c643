#!/bin/bash
# Four features over windows of 10 s of each of 997 keys, a request a ms, exactly once,
# beside Kafka Streams on one Kafka: messages per CPU second of each engine's own process, behind its start. Ours look
# back 10 s from each message; theirs tumble, which is less work. Both answer each message,
# so theirs does without the cache that leaves answers out; with it, it is shown too. Then both
# tumble, and answer once for each window, when it closes.
#   windows.sh SLUICE PROGRAMS     with requests in PROGRAMS
# BACKLOG, ROUNDS change the sizes: a run of less than a second says little. Takes about five minutes; as `make bench` runs it, one.
set -u
what=windows
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
backlog=${BACKLOG:-500000} rounds=${ROUNDS:-3} commit_ms=100

why=$(build_streams Windows) || skip "Kafka Streams: $why"
topics ticks ticks-answers
fill ticks "$backlog" -j -e 1 -a

start_windows() { # $1 pipeline, $2 namespace
	fill_in "$1" ticks "$2" exactly-once >"$dir/$2.yaml"
	start_sluice "$dir/$2.yaml" --commit ${commit_ms}ms
}

start_streams() { # $1 group, $2 each or closed, $3 bytes of cache
	java -Xmx1g -cp "$dir/classes:$jars/*" Windows "$brokers" ticks ticks-answers "$1" "$2" commit.interval.ms=$commit_ms \
		statestore.cache.max.bytes="$3" state.dir="$dir/streams" >"$dir/streams.log" 2>&1 &
	contends $!
}

measure() { # $1 name, $2 group
	pace "$2" ticks
	echo "$1 $speed" >>"$dir/speeds"
}

for ((round = 1; round <= rounds; round++)); do
	start_windows windows "windows-$round"
	measure sluice "sluice.windows-$round.exactly-once"
	start_streams "streams-$round" each 0
	measure streams "streams-$round"
	start_streams "cached-$round" each 10485760
	measure cached "cached-$round"
	start_windows closing "closing-$round"
	measure closing "sluice.closing-$round.exactly-once"
	start_streams "closed-$round" closed 10485760
	measure closed "closed-$round"
done

echo "messages per CPU second, medians of $rounds; ratio (least..most); load $(cut -d' ' -f1 /proc/loadavg)"
compare "four features over 10 s, exactly once, beside Kafka Streams" sluice streams 5
compare "the same, when it may leave answers out" sluice cached 1
compare "windows that close, an answer each, beside Kafka Streams" closing closed 5
tell_result
