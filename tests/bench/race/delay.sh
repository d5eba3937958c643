#!/bin/bash
# How long a request takes through the engine and through a bare forwarder, at 1,000 a
# second, nothing lingering: medians of rounds taken in turn. And through a chain of three
# models with a gRPC call each, at 50 and 500 a second, beside Seldon Core 2, whose figures
# are of another day (version 2.9.1, the same machine): p50 8.6 and 31 ms.
#   delay.sh SLUICE PROGRAMS     with forward, requests and latency in PROGRAMS
# RATE (of the first), SECONDS_EACH, ROUNDS change the sizes. Takes about four minutes.
set -u
what=delay
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
rate=${RATE:-1000} seconds=${SECONDS_EACH:-6} rounds=${ROUNDS:-5}

measure() { # $1 name; topics $2 and $2-answers, $3 requests a second
	local figures
	figures=$("$build/latency" -b "$brokers" -i "$2" -o "$2-answers" -r "$3" -s "$seconds" 2>"$dir/latency.log") ||
		give_up "$2 did not answer"
	stop_runner
	echo "$1 $figures" >>"$dir/figures"
}

delay_of_forward() { # $1 number
	local name=forward-$1
	topics "$name" "$name-answers"
	start_copier "$name" "$name" -l 0 -a
	measure forward "$name" "$rate"
}

delay_of_sluice() { # $1 number
	local name=sluice-$1
	topics "$name" "$name-answers"
	fill_in race "$name" "$name" at-least-once >"$dir/$name.yaml"
	start_sluice "$dir/$name.yaml" -f "$dir/runtime.yaml"
	measure sluice "$name" "$rate"
}

delay_of_chain() { # $1 number, $2 requests a second
	local name=chain-$2-$1
	topics "$name" "$name-answers"
	fill_in chain "$name" "$name" at-least-once >"$dir/$name.yaml"
	start_sluice "$dir/$name.yaml" -f "$dir/called.yaml" -f "$dir/runtime.yaml"
	measure "chain-$2" "$name" "$2"
}

cat >"$dir/runtime.yaml" <<-END
	apiVersion: mlops.seldon.io/v1alpha1
	kind: SeldonRuntime
	spec:
	  config:
	    kafkaConfig:
	      producer: {linger.ms: 0}
END
serve_models
call_models '' >"$dir/called.yaml"
for ((round = 1; round <= rounds; round++)); do
	delay_of_forward "$round"
	delay_of_sluice "$round"
	delay_of_chain "$round" 50
	delay_of_chain "$round" 500
done

median() { # $1 name, $2 field; of the sorted values the middle, or the place in $3
	sed -n "s/^$1 .*$2=\([0-9.]*\).*/\1/p" "$dir/figures" | sort -n |
		awk -v place="${3-}" '{ all[NR] = $1 } END { print all[place ? place : int((NR + 1) / 2)] }'
}

hold() { # $1 what, $2 name, $3 milliseconds at the most
	local lost verdict=holds
	lost=$(sed -n "s/^$2 .*lost=//p" "$dir/figures" | awk '{ sum += $1 } END { print sum }')
	if [ "$lost" -eq 0 ] && awk "BEGIN { exit !($(median "$2" p50) <= $3) }"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1)) verdict="FALLS SHORT, lost $lost"
	fi
	printf '%-60s p50 %6s, at most %6.2f   best p99 %6s   %s\n' "$1" "$(median "$2" p50)" "$3" "$(median "$2" p99 1)" "$verdict"
}

theirs=$(median forward p50)
echo "milliseconds, medians of $rounds rounds of $seconds s; load $(cut -d' ' -f1 /proc/loadavg)"
hold "four steps at $rate a second; the forwarder takes $theirs" sluice "$(awk "BEGIN { print 1.3 * $theirs }")"
hold "three models in a chain at 50 a second; Seldon takes 8.6" chain-50 2.15
hold "three models in a chain at 500 a second; Seldon takes 31" chain-500 7.75
tell_result
