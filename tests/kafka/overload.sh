#!/bin/bash
# Ten times the load that a pipeline can hold: how much of what it does is still of use, what
# it keeps in memory, and how soon it is itself again.
#   overload.sh SLUICE PROGRAMS     with requests, pressure and till in PROGRAMS
# SECONDS_OVER changes how long it lasts (120), WAIT_MS how long callers wait (2000).
#
# The model (till.c) does 8 calls at a time, of 40 ms each; the load that it can hold is what
# it answers at a quarter more than that. "Of use" is an answer within its caller's deadline;
# where nobody waits, an answer. Then comes half of what it can hold, and nearly all of it must
# be of use within five seconds. A backlog without deadlines is worked off in its order, so
# there it is the rate that must hold, to its end.
set -u
what=overload
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${SECONDS_OVER:-120} wait_ms=${WAIT_MS:-2000}
abreast=8 work_ms=40
nominal=$((abreast * 1000 / work_ms))

start_till() {
	rm -f "$dir/till.address"
	"$build/till" $abreast $work_ms >"$dir/till.address" 2>"$dir/till.log" &
	ours $!
	till=$!
	wait_until 5 test -s "$dir/till.address" || give_up "no model server"
	till_url=$(cat "$dir/till.address")
}

resident() { # $1 pid, in MiB
	awk '$1 == "VmRSS:" { printf "%d", $2 / 1024 }' "/proc/$1/status"
}

figure() { # $1 name, $2 line of pressure's
	sed -n "$2s/.* $1=\([0-9]*\).*/\1/p" "$dir/pressure.out"
}

hold_against() { # $1 whose, $2 good, $3 peak, $4 MiB early, $5 MiB late
	expect "$1: of use a second, where the peak is $3" "$2" "-ge $(($3 * 9 / 10))"
	expect "$1: MiB resident at the end, after $4 at a quarter" "$5" "-le $(($4 + $4 / 10 + 4))"
}

# An engine of delivery $2 with $3 ms for each request (0: all the time there is), on topics
# $1 and $1-answers.
overload() {
	local name=$1 engine pressure early late peak good worked wasted over=$((nominal * 10))
	start_till
	topics "$name" "$name-answers"
	sed -e "s/TOPIC/$name/; s/GROUP/$name/; s/DELIVERY/$2/" "$here/overload.yaml" >"$dir/$name.yaml"
	"$sluice" run -f "$dir/$name.yaml" --brokers "$brokers" --server "till=$till_url" --instance one >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$!
	engine_runs "$name"
	"$build/pressure" -b "$brokers" -i "$name" -o "$name-answers" -d "$3" $((nominal * 5 / 4)):10 $over:"$seconds" \
		$((nominal / 2)):10 >"$dir/pressure.out" 2>"$dir/pressure.log" &
	ours $!
	pressure=$!
	sleep $((14 + seconds / 4))
	early=$(resident $engine)
	sleep $((seconds * 3 / 4 - 4))
	late=$(resident $engine)
	wait_for $pressure || give_up "$name: $(tail -1 "$dir/pressure.log")"
	read -r worked wasted < <(curl -s "$till_url/counts" | sed 's/[a-z=]*//g')
	peak=$(figure good 1) good=$(figure good 2)
	echo "$name: of use a second: peak $peak, under ten times that $good, then $(figure good 3); p50 $(figure p50 2) ms, late" \
		"$(figure late 2); resident $early, then $late MiB; the model worked $worked times, $wasted for nobody"
	hold_against "$name" "$good" "$peak" "$early" "$late"
	if [ "$3" -gt 0 ]; then
		expect "$name: ms until nearly all is of use again" "$(figure recovered_ms 3)" "-le 5000"
		expect "$name: % of the model's work for nobody" $((wasted * 100 / worked)) "-le 5"
	else
		expect "$name: answers a second when the load has gone" "$(figure good 3)" "-ge $((peak * 9 / 10))"
	fi
	kill $engine && wait_for $engine # it leaves the rest of its backlog
	kill_at_once $till
}

command -v curl >/dev/null || skip "curl is not installed"
start_broker
overload callers at-least-once "$wait_ms"
overload exact exactly-once "$wait_ms"
overload backlog at-least-once 0
tell_result
