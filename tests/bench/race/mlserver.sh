#!/bin/bash
# A real MLServer, saturated: by wrk straight, and by an engine that calls it for a backlog on
# Kafka, in turn, by REST; what the engine gets of what wrk gets. MLServer works in one
# process on one core, and is the same one for both.
#   mlserver.sh SLUICE PROGRAMS     with requests in PROGRAMS
# ROUNDS, SECONDS_EACH, CONNECTIONS (of wrk, 32) change the sizes. Takes about two minutes.
set -u
what=mlserver
command -v wrk >/dev/null || { echo "skipped: mlserver: wrk is not installed"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-8} connections=${CONNECTIONS:-32}

end_of_test() {
	"$here/mlserver.sh" stop "$dir/mlserver"
}

addresses=$("$here/mlserver.sh" start "$dir/mlserver" 2>"$dir/mlserver.log")
status=$?
[ $status -ne 3 ] || skip "$(tail -1 "$dir/mlserver.log")"
[ $status -eq 0 ] || give_up "no MLServer"
rest=${addresses%% *}

# What the engine sends of each request: four numbers, under its id.
cat >"$dir/request.lua" <<'END_OF_LUA'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"id":"1","inputs":[{"name":"predict","shape":[1,4],"datatype":"FP64","data":[5.1,3.5,1.4,0.2]}]}'
END_OF_LUA

# Milliseconds of processor time that MLServer has taken so far.
worked_ms() {
	awk -v hertz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hertz) }' "/proc/$(cat "$dir/mlserver/pid")/stat"
}

by_wrk() {
	local worked
	worked=$(worked_ms)
	speed=$(wrk -t1 -c$connections -d"${seconds}s" -s "$dir/request.lua" "$rest/v2/models/iris/infer" |
		sed -n 's/^Requests\/sec: *\([0-9.]*\)/\1/p')
	[ -n "$speed" ] || give_up "wrk got no answers"
	echo "wrk ${speed%.*}" >>"$dir/speeds"
	echo "wrk-cpu $((${speed%.*} * seconds * 1000 / ($(worked_ms) - worked)))" >>"$dir/speeds"
}

now_ms() { date +%s%3N; }

done_by() { # $1 namespace, $2 topic, $3 how many; the time into $at_ms
	"$build/requests" follow -b "$brokers" -i "$2" -g "sluice.$1.at-least-once" -n "$3" -p "$runner" >/dev/null 2>"$dir/follow.log" ||
		give_up "$2: $(tail -1 "$dir/follow.log")"
	at_ms=$(now_ms)
}

# Works off what wrk would in that time; the first quarter is the engine's start.
by_engine() { # $1 number
	local name=engine-$1 count=$((${speed%.*} * seconds)) from_ms worked
	topics "$name" "$name-answers"
	fill "$name" "$count"
	fill_in mlserver "$name" "$name" at-least-once >"$dir/$name.yaml"
	start_sluice "$dir/$name.yaml" --server "iris=$rest"
	done_by "$name" "$name" $((count / 4))
	from_ms=$at_ms worked=$(worked_ms)
	done_by "$name" "$name" "$count"
	echo "engine $((count * 3 / 4 * 1000 / (at_ms - from_ms)))" >>"$dir/speeds"
	echo "engine-cpu $((count * 3 / 4 * 1000 / ($(worked_ms) - worked)))" >>"$dir/speeds"
	stop_runner
}

for ((round = 1; round <= rounds; round++)); do
	by_wrk
	by_engine "$round"
done
echo "answers a second of a saturated MLServer, medians of $rounds; ratio (least..most); load $(cut -d' ' -f1 /proc/loadavg)"
compare "one call by REST, beside wrk on $connections connections" engine wrk 0.95
echo "of them in a second of MLServer's processor time: $(median engine-cpu) beside $(median wrk-cpu), ratio $(ratio engine-cpu wrk-cpu)"
tell_result
