#!/bin/bash
# What an engine keeps resident, in MiB, on a real Kafka: with ten pipelines that have
# nothing to do; under 1,000 requests a second without a backlog; under a backlog on 64
# partitions.
#   memory.sh SLUICE PROGRAMS     with requests and latency in PROGRAMS
# BACKLOG changes its size. Exit 3: no Kafka can be had.
set -u
here=$(cd "$(dirname "$0")" && pwd)
kafka=$(cd "$here/../../kafka" && pwd)
sluice=$(realpath "$1") programs=$(cd "$2" && pwd)
backlog=${BACKLOG:-1000000}
dir=$(mktemp -d) runner=''

end() {
	if [ -n "$runner" ]; then
		kill -9 "$runner" 2>/dev/null
		wait "$runner" 2>/dev/null
	fi
	"$kafka/broker.sh" stop "$dir/kafka"
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM

give_up() {
	echo "memory: $*" >&2
	tail -n 5 "$dir"/*.log >&2 2>/dev/null
	exit 1
}

brokers=$("$kafka/broker.sh" start "$dir/kafka") || exit $?

start() { # $1 folder of pipelines
	"$sluice" run -f "$1" --brokers "$brokers" --instance one >"$dir/sluice.log" 2>&1 &
	runner=$!
}

stop() {
	kill "$runner" && wait "$runner" 2>/dev/null
	runner=''
}

resident() { # $1 VmRSS: now; VmHWM: at its most
	awk -v name="$1:" '$1 == name { printf "%d", $2 / 1024 }' "/proc/$runner/status"
}

pipeline() { # $1 folder, $2 topic, $3 namespace
	mkdir -p "$1"
	sed -e "s/TOPIC/$2/; s/GROUP/$3/; s/DELIVERY/at-least-once/" "$here/race.yaml" >"$1/$2.yaml"
}

passed=0 failed=0
expect() { # $1 what, $2 MiB, $3 less than
	if [ "$2" -lt "$3" ]; then
		passed=$((passed + 1))
		printf '%-58s %5d MiB   under %3d   holds\n' "$1" "$2" "$3"
	else
		failed=$((failed + 1))
		printf '%-58s %5d MiB   under %3d   FALLS SHORT\n' "$1" "$2" "$3"
	fi
}

for ((i = 0; i < 10; i++)); do
	"$programs/requests" topics -b "$brokers" -i "idle-$i" -o "idle-$i-answers" || give_up "no topics"
	pipeline "$dir/idle" "idle-$i" idle
	sed -i "s/{name: race,/{name: race-$i,/" "$dir/idle/idle-$i.yaml"
done
start "$dir/idle"
sleep 8
expect "ten pipelines with nothing to do" "$(resident VmRSS)" 40
stop

"$programs/requests" topics -b "$brokers" -i steady -o steady-answers || give_up "no topics"
pipeline "$dir/steady" steady steady
start "$dir/steady"
"$programs/latency" -b "$brokers" -i steady -o steady-answers -r 1000 -s 8 >/dev/null 2>"$dir/latency.log" || give_up "no answers"
expect "1,000 a second, no backlog" "$(resident VmHWM)" 45
stop

"$programs/requests" topics -b "$brokers" -i many -o many-answers -w 64 || give_up "no topics"
"$programs/requests" send -b "$brokers" -i many -n "$backlog" 2>"$dir/send.log" || give_up "not all requests were sent"
pipeline "$dir/many" many many
start "$dir/many"
"$programs/requests" follow -b "$brokers" -i many -g sluice.many.at-least-once -n "$backlog" -p $runner -w 64 >/dev/null 2>"$dir/follow.log" ||
	give_up "the backlog was not worked off"
expect "a backlog of $backlog on 64 partitions" "$(resident VmHWM)" 256
stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
