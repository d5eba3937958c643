#!/bin/bash
# What an engine keeps resident, in MiB, on a real Kafka: with ten pipelines that have
# nothing to do; under 1,000 requests a second without a backlog; under a backlog on 64
# partitions.
#   memory.sh SLUICE PROGRAMS     with requests and latency in PROGRAMS
# BACKLOG changes its size.
set -u
what=memory
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
backlog=${BACKLOG:-1000000}

resident() { # $1 VmRSS: now; VmHWM: at its most
	awk -v name="$1:" '$1 == name { printf "%d", $2 / 1024 }' "/proc/$runner/status"
}

pipeline() { # $1 folder, $2 topic, $3 namespace
	mkdir -p "$1"
	fill_in race "$2" "$3" at-least-once >"$1/$2.yaml"
}

weigh() { # $1 what, $2 MiB, $3 less than
	if [ "$2" -lt "$3" ]; then
		passed=$((passed + 1))
		printf '%-58s %5d MiB   under %3d   holds\n' "$1" "$2" "$3"
	else
		failed=$((failed + 1))
		printf '%-58s %5d MiB   under %3d   FALLS SHORT\n' "$1" "$2" "$3"
	fi
}

for ((i = 0; i < 10; i++)); do
	topics "idle-$i" "idle-$i-answers"
	pipeline "$dir/idle" "idle-$i" idle
	sed -i "s/{name: race,/{name: race-$i,/" "$dir/idle/idle-$i.yaml"
done
start_sluice "$dir/idle"
sleep 8
weigh "ten pipelines with nothing to do" "$(resident VmRSS)" 40
stop_runner

topics steady steady-answers
pipeline "$dir/steady" steady steady
start_sluice "$dir/steady"
"$build/latency" -b "$brokers" -i steady -o steady-answers -r 1000 -s 8 >/dev/null 2>"$dir/latency.log" || give_up "no answers"
weigh "1,000 a second, no backlog" "$(resident VmHWM)" 45
stop_runner

topics many many-answers -w 64
fill many "$backlog"
pipeline "$dir/many" many many
start_sluice "$dir/many"
"$build/requests" follow -b "$brokers" -i many -g sluice.many.at-least-once -n "$backlog" -p $runner -w 64 >/dev/null 2>"$dir/follow.log" ||
	give_up "the backlog was not worked off"
weigh "a backlog of $backlog on 64 partitions" "$(resident VmHWM)" 256
stop_runner
tell_result
