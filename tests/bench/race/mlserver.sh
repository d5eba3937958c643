#!/bin/bash
# A real MLServer, saturated: by wrk straight, and by an engine that calls it for a backlog on
# Kafka, in turn, by REST; what the engine gets of what wrk gets. MLServer works in one
# process on the last core, all else on the others, and it is the same one for both.
#   mlserver.sh SLUICE PROGRAMS     with requests in PROGRAMS
# ROUNDS, SECONDS_EACH, CONNECTIONS (of wrk, 32) change the sizes. Takes about two minutes.
set -u
what=mlserver
cores=$(nproc)
[ "$cores" -lt 2 ] || taskset -pc "0-$((cores - 2))" $$ >/dev/null # and so all that is started here
command -v wrk >/dev/null || { echo "skipped: mlserver: wrk is not installed"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-8} connections=${CONNECTIONS:-32}

end_of_test() {
	"$here/mlserver.sh" stop "$dir/mlserver"
}

addresses=$(taskset -c "$((cores - 1))" "$here/mlserver.sh" start "$dir/mlserver" 2>"$dir/mlserver.log")
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

# Milliseconds for which MLServer has worked so far, and for which it had work but no core.
worked_waited_ms() {
	awk '{ print int($1 / 1000000), int($2 / 1000000) }' "/proc/$(cat "$dir/mlserver/pid")/schedstat"
}

now_ms() { date +%s%3N; }

begin() {
	read -r worked waited < <(worked_waited_ms)
	from_ms=$(now_ms)
}

# What came of it: answers a second, answers a second of MLServer's work, and in which share
# of the time, in thousandths, MLServer had work.
note() { # $1 who, $2 answers
	local worked_now waited_now took=$(($(now_ms) - from_ms))
	read -r worked_now waited_now < <(worked_waited_ms)
	worked=$((worked_now - worked)) waited=$((waited_now - waited))
	echo "$1 $(($2 * 1000 / took))" >>"$dir/speeds"
	echo "$1-work $(($2 * 1000 / worked))" >>"$dir/speeds"
	echo "$1-busy $(((worked + waited) * 1000 / took))" >>"$dir/speeds"
}

by_wrk() {
	begin
	speed=$(wrk -t1 -c$connections -d"${seconds}s" -s "$dir/request.lua" "$rest/v2/models/iris/infer" |
		sed -n 's/^ *\([0-9]*\) requests in .*/\1/p')
	[ -n "$speed" ] || give_up "wrk got no answers"
	note wrk "$speed"
}

done_by() { # $1 namespace, $2 topic, $3 how many
	"$build/requests" follow -b "$brokers" -i "$2" -g "sluice.$1.at-least-once" -n "$3" -p "$runner" >/dev/null 2>"$dir/follow.log" ||
		give_up "$2: $(tail -1 "$dir/follow.log")"
}

# Works off what wrk would in that time. The first quarter is the engine's start; what would be
# the last quarter is more than that, so that the end of the backlog is not in it.
by_engine() { # $1 number
	local name=engine-$1 count=$speed
	topics "$name" "$name-answers"
	fill "$name" $((count * 3 / 2))
	fill_in mlserver "$name" "$name" at-least-once >"$dir/$name.yaml"
	start_sluice "$dir/$name.yaml" --server "iris=$rest"
	done_by "$name" "$name" $((count / 4))
	begin
	done_by "$name" "$name" $((count * 5 / 4))
	note engine "$count"
	stop_runner
}

for ((round = 1; round <= rounds; round++)); do
	by_wrk
	by_engine "$round"
done
echo "answers a second of a saturated MLServer, medians of $rounds; ratio (least..most); load $(cut -d' ' -f1 /proc/loadavg)"
compare "one call by REST, beside wrk on $connections connections" engine wrk 0.95
echo "answers a second of MLServer's own processor time: $(median engine-work) beside $(median wrk-work), ratio $(ratio engine-work wrk-work)"
echo "thousandths of the time in which it had work: $(median engine-busy) beside $(median wrk-busy)"
tell_result
