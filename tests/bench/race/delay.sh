#!/bin/bash
# How long a request takes through the engine and through a bare forwarder, at 1,000 a
# second, nothing lingering: medians of rounds taken in turn.
#   delay.sh SLUICE PROGRAMS     with forward, requests and latency in PROGRAMS
# RATE, SECONDS_EACH, ROUNDS change the sizes. Exit 3: no Kafka can be had.
set -u
here=$(cd "$(dirname "$0")" && pwd)
kafka=$(cd "$here/../../kafka" && pwd)
sluice=$(realpath "$1") programs=$(cd "$2" && pwd)
rate=${RATE:-1000} seconds=${SECONDS_EACH:-6} rounds=${ROUNDS:-5}
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
	echo "delay: $*" >&2
	tail -n 5 "$dir"/*.log >&2 2>/dev/null
	exit 1
}

brokers=$("$kafka/broker.sh" start "$dir/kafka") || exit $?

measure() { # $1 name; topics $1 and $1-answers
	"$programs/latency" -b "$brokers" -i "$1" -o "$1-answers" -r "$rate" -s "$seconds" 2>"$dir/latency.log" || give_up "$1 did not answer"
	kill "$runner" && wait "$runner" 2>/dev/null
	runner=''
}

through_forward() { # $1 number
	local name=forward-$1
	"$programs/requests" topics -b "$brokers" -i "$name" -o "$name-answers" || give_up "no topics"
	"$programs/forward" -b "$brokers" -i "$name" -o "$name-answers" -g "$name" -t 100 -l 0 -a 2>"$dir/forward.log" &
	runner=$!
	echo "forward $(measure "$name")"
}

through_sluice() { # $1 number
	local name=sluice-$1
	"$programs/requests" topics -b "$brokers" -i "$name" -o "$name-answers" || give_up "no topics"
	sed -e "s/TOPIC/$name/; s/GROUP/$name/; s/DELIVERY/at-least-once/" "$here/race.yaml" >"$dir/$name.yaml"
	cat >"$dir/runtime.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: SeldonRuntime
		spec:
		  config:
		    kafkaConfig:
		      producer: {linger.ms: 0}
	END
	"$sluice" run -f "$dir/runtime.yaml" -f "$dir/$name.yaml" --brokers "$brokers" --instance one >"$dir/sluice.log" 2>&1 &
	runner=$!
	echo "sluice $(measure "$name")"
}

for ((round = 1; round <= rounds; round++)); do
	through_forward "$round"
	through_sluice "$round"
done >"$dir/figures"
[ "$(grep -c lost= "$dir/figures")" -eq $((2 * rounds)) ] || exit 1

median() { # $1 name, $2 field; of the sorted values the middle, or the place in $3
	sed -n "s/^$1 .*$2=\([0-9.]*\).*/\1/p" "$dir/figures" | sort -n |
		awk -v place="${3-}" '{ all[NR] = $1 } END { print all[place ? place : int((NR + 1) / 2)] }'
}
lost=$(sed -n 's/.*lost=//p' "$dir/figures" | awk '{ sum += $1 } END { print sum }')
ours=$(median sluice p50) theirs=$(median forward p50)
echo "milliseconds at $rate a second, $rounds rounds of $seconds s; load $(cut -d' ' -f1 /proc/loadavg)"
printf '%-10s p50 %6s   best p99 %6s\n' forwarder "$theirs" "$(median forward p99 1)" sluice "$ours" "$(median sluice p99 1)"
if [ "$lost" -eq 0 ] && awk "BEGIN { exit !($ours <= 1.3 * $theirs) }"; then
	awk "BEGIN { printf \"ratio of p50: %.2f, at most 1.3: holds\n1 passed, 0 failed\n\", $ours / $theirs }"
else
	awk "BEGIN { printf \"ratio of p50: %.2f, at most 1.3; lost $lost: FALLS SHORT\n0 passed, 1 failed\n\", $ours / $theirs }"
	exit 1
fi
