#!/bin/bash
# How long a request takes through the engine and through a bare forwarder, at 1,000 a
# second, nothing lingering: medians of rounds taken in turn.
#   delay.sh SLUICE PROGRAMS     with forward, requests and latency in PROGRAMS
# RATE, SECONDS_EACH, ROUNDS change the sizes.
set -u
what=delay
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
rate=${RATE:-1000} seconds=${SECONDS_EACH:-6} rounds=${ROUNDS:-5}

measure() { # $1 name; topics $2 and $2-answers
	local figures
	figures=$("$build/latency" -b "$brokers" -i "$2" -o "$2-answers" -r "$rate" -s "$seconds" 2>"$dir/latency.log") ||
		give_up "$2 did not answer"
	stop_runner
	echo "$1 $figures" >>"$dir/figures"
}

through_forward() { # $1 number
	local name=forward-$1
	topics "$name" "$name-answers"
	"$build/forward" -b "$brokers" -i "$name" -o "$name-answers" -g "$name" -t 100 -l 0 -a 2>"$dir/forward.log" &
	contends $!
	measure forward "$name"
}

through_sluice() { # $1 number
	local name=sluice-$1
	topics "$name" "$name-answers"
	fill_in race "$name" "$name" at-least-once >"$dir/$name.yaml"
	start_sluice "$dir/$name.yaml" -f "$dir/runtime.yaml"
	measure sluice "$name"
}

cat >"$dir/runtime.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: SeldonRuntime
	spec:
	  config:
	    kafkaConfig:
	      producer: {linger.ms: 0}
END
for ((round = 1; round <= rounds; round++)); do
	through_forward "$round"
	through_sluice "$round"
done

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
