#!/bin/bash
# Ten times the load that a pipeline can hold: how much of what it does is still of use, what
# it keeps in memory, and how soon it is itself again.
#   overload.sh SLUICE PROGRAMS     with requests, pressure and till in PROGRAMS
# SECONDS_OVER changes how long it lasts (120), WAIT_MS how long callers wait (2000), STORIES
# which of them are told. Takes about ten minutes.
#
# Kafka, the callers and the model are on other machines where this is used; here they leave the
# engine a processor of its own, where there are several, or what they take would be held against it:
# the callers of ten times the load take more than those of the peak.
#
# "Of use" is an answer within its caller's deadline; where nobody waits, an answer. The peak
# is how many there are a second at a quarter more than can be held. Then come ten times of
# what can, and half of it: nearly all of that must be of use within five seconds. A backlog
# without deadlines is worked off in its order, so there it is the rate that must hold, to
# its end; what is fetched ahead of it grows with it, up to the memory that an engine is given.
# The model (till.c) does 8 calls at a time, of 40 ms each.
set -u
what=overload
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${SECONDS_OVER:-120} wait_ms=${WAIT_MS:-2000}
abreast=8 work_ms=40
memory_mib=256 # an engine's, where nothing is said

# Those that this may run on: the engine has the last.
allowed=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
last=${allowed##*[,-]} own=
case ${allowed%"$last"} in
*-) others=${allowed%"$last"}$((last - 1)) ;;
*) others=${allowed%,"$last"} ;;
esac
if [ "$others" != "$last" ]; then
	own="taskset -c $last"
	taskset -cp "$others" $$ >/dev/null
fi

start_till() {
	rm -f "$dir/till.address"
	"$build/till" $abreast $work_ms >"$dir/till.address" 2>"$dir/till.log" &
	ours $!
	till=$!
	wait_until 5 test -s "$dir/till.address" || give_up "no model server"
	url=$(cat "$dir/till.address")
}

# An engine for a pipeline of one of the files here, on topics $2 and $2-answers; its pid into $engine.
start_loaded() { # $1 file, $2 topic, $3 delivery
	topics "$2" "$2-answers"
	sed -e "s/TOPIC/$2/; s/GROUP/$2/; s/DELIVERY/$3/" "$here/$1.yaml" >"$dir/$2.yaml"
	# shellcheck disable=SC2086
	$own "$sluice" run -f "$dir/$2.yaml" --brokers "$brokers" --server "till=$url" --instance one >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$!
	engine_runs "$2"
}

press() { # $1 topic, $2 ms that callers wait, then stretches; runs beside, as $pressure
	"$build/pressure" -b "$brokers" -i "$1" -o "$1-answers" -d "$2" -p "$engine" "${@:3}" >"$dir/pressure.out" 2>"$dir/pressure.log" &
	ours $!
	pressure=$!
}

pressed() {
	wait_for $pressure || give_up "$(tail -1 "$dir/pressure.log")"
}

resident() { # in MiB
	awk '$1 == "VmRSS:" { printf "%d", $2 / 1024 }' "/proc/$engine/status"
}

figure() { # $1 name, $2 line of pressure's
	sed -n "$2s/^\(.* \)*$1=\([0-9]*\).*/\2/p" "$dir/pressure.out"
}

overload() { # $1 name, $2 file, $3 delivery, $4 ms that callers wait (0: nobody does), $5 a second that can be held
	local early late peak good stretch
	start_loaded "$2" "$1" "$3"
	press "$1" "$4" $(($5 * 5 / 4)):10 $(($5 * 10)):"$seconds" $(($5 / 2)):10
	sleep $((14 + seconds / 4))
	early=$(resident)
	sleep $((seconds * 3 / 4 - 4))
	late=$(resident)
	pressed
	peak=$(figure good 1) good=$(figure good 2)
	echo "$1: of use a second: peak $peak, under ten times that $good, then $(figure good 3); p50 $(figure p50 2) ms, late" \
		"$(figure late 2); resident $early, then $late MiB; load $(cut -d' ' -f1 /proc/loadavg)"
	for stretch in 1 2 3; do
		echo "$1: $(figure rate $stretch) a second: the engine took $(figure cpu $stretch)% of a processor," \
			"$(figure us_each $stretch) us for each of use; refused $(figure refused $stretch);" \
			"sent at most $(figure behind_ms $stretch) ms late, taken by Kafka within $(figure taken_ms $stretch)"
	done
	expect "$1: of use a second, where the peak is $peak" "$good" "-ge $((peak * 9 / 10))"
	if [ "$4" -gt 0 ]; then
		expect "$1: MiB resident at the end, after $early at a quarter" "$late" "-le $((early + early / 10 + 4))"
		expect "$1: ms until nearly all is of use again" "$(figure recovered_ms 3)" "-le 5000"
	else
		expect "$1: MiB resident at the end" "$late" "-le $memory_mib"
		expect "$1: answers a second when the load has gone" "$(figure good 3)" "-ge $((peak * 9 / 10))"
	fi
	kill_at_once $engine # it leaves the rest of its backlog
}

overload_model() { # $1 name, $2 delivery, $3 ms that callers wait
	local worked wasted
	start_till
	overload "$1" overload "$2" "$3" $((abreast * 1000 / work_ms))
	read -r worked wasted _ < <(curl -s "$url/counts" | sed 's/[a-z=]*//g')
	echo "$1: the model worked $worked times, $wasted of them for nobody"
	[ "$3" -eq 0 ] || expect "$1: % of the model's work for nobody" $((wasted * 100 / worked)) "-le 5"
	kill_at_once $till
}

# What the engine's own steps can hold is found first, by what each answer takes of its processor:
# a Kafka that is still cold, or others on the machine, give it less to do than it could.
overload_steps() {
	start_till # nobody calls it
	start_loaded overload-steps measured at-least-once
	press measured 0 8000:8 8000:8
	pressed
	kill_at_once $engine
	[ "$(figure us_each 2)" -gt 0 ] || give_up "no answer came in time while it was measured what can be held"
	overload steps overload-steps at-least-once "$wait_ms" $((1000000 / $(figure us_each 2)))
	expect "steps: refused at the peak, which is another's where the engine could do all" "$(figure refused 1)" "-gt 0"
	kill_at_once $till
}

command -v curl >/dev/null || skip "curl is not installed"
start_broker
for story in ${STORIES:-callers exact backlog steps}; do
	case $story in
	callers) overload_model callers at-least-once "$wait_ms" ;;
	exact) overload_model exact exactly-once "$wait_ms" ;;
	backlog) overload_model backlog at-least-once 0 ;;
	steps) overload_steps ;;
	*) give_up "there is no story $story" ;;
	esac
done
tell_result
