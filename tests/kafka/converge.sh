#!/bin/bash
# Engines run what the control plane has in force, on a real Kafka: a first version, a second one under load while one of
# two engines is killed, a rollback, an engine that is added, and one that is removed, under load; before that another delivery, and
# back. Nothing may be lost or doubled. An engine that starts later runs what is in force.
#   converge.sh SLUICE BUILD      with requests in BUILD
# RATE is that of the requests. Takes half a minute.
set -u
what=converge
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
rate=${RATE:-1000} seconds_most=$((120 * patience))

start_broker brisk
start_model
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester

start_follower() { # $1 instance; its pid into $started
	: >>"$dir/$1.log" # it is read at once
	"$sluice" run --control -n converge --server "sum=$url" --instance "$1" "${@:2}" >>"$dir/$1.log" 2>&1 &
	ours $!
}
has_said() { # $1 instance, $2 words, $3 how often at least
	[ "$(grep -c "$2" "$dir/$1.log")" -ge "$3" ]
}
says() { # $1 seconds, $2 instance, $3 words, $4 how often
	wait_until "$1" has_said "$2" "$3" "$4"
	expect "status of waiting for $2 to say \"$3\"" $? "-eq 0"
}
call() { # $1 the file of the pipeline with that line in its spec
	sed -e "s/TOPIC/converge/; s/GROUP/converge/; s/DELIVERY/exactly-once/; s/^spec:/spec:\n  $2/" "$here/call.yaml" >"$1"
}
apply() { # $1 file; $2 words that it must say
	"$sluice" apply -n converge -f "$1" >"$dir/apply.log" 2>&1
	expect "status of apply" $? "-eq 0"
	expect_words "apply" "$dir/apply.log" "$2"
}

end_of_test() {
	cat "$dir"/one.log "$dir"/two.log "$dir"/three.log "$dir"/four.log >"$dir/engine.log" 2>/dev/null
}

topics converge converge-answers
port=$(free_port)
start_follower one --http $port
one=$started
says 20 one "is now the keeper of namespace" 1
start_follower two
two=$started

call "$dir/call.yaml" "timeout: 9s"
apply "$dir/call.yaml" "^Pipeline/call version 1 accepted"
says 15 one ": reads converge," 1
says 15 two ": reads converge," 1

"$sluice" wait -n converge pipeline/call --for ready --timeout $((20 * patience))s >"$dir/wait.log" 2>&1
expect "status of wait for ready" $? "-eq 0"
says 20 one "pipelines are served at http" 1
curl -s --max-time 10 -o "$dir/pipelines" "127.0.0.1:$port/v2/models/call/ready"
expect "status of asking the gateway of the engine for the pipeline" $? "-eq 0"

# turned: a change of delivery while both engines run, and back. The same requests are sent again, and answered once more.
turn() { # $1 delivery, $2 version, $3 how often each engine has begun to read so
	sed "s/delivery: exactly-once/delivery: $1/" "$dir/call.yaml" >"$dir/turned.yaml"
	send converge 1000 1000
	apply "$dir/turned.yaml" "^Pipeline/call version $2 accepted"
	says 20 one "in group sluice.converge.$1 as one" "$3"
	says 20 two "in group sluice.converge.$1 as two" "$3"
	"$sluice" wait -n converge pipeline/call --for ready --timeout $((20 * patience))s >"$dir/wait.log" 2>&1
	expect "status of waiting until it is ready again" $? "-eq 0"
	sent
}
turn at-least-once 2 1
expect_words "turned: what is said of the pause" "$dir/one.log" "call: pauses until group sluice.converge.at-least-once can continue where group sluice.converge.exactly-once ended"
turn exactly-once 3 2
check_answers converge 1000 "uncommitted: silence_ms: doubled:-eq:1000"

send converge $((rate * seconds_most)) "$rate" # until all has happened
sleep 1
call "$dir/call.yaml" "timeout: 8s"
apply "$dir/call.yaml" "^Pipeline/call version 4 accepted"
kill_at_once "$two"
says 20 one "call: changed" 1
start_follower two
two=$started
says 15 two "call: .*reads converge," 4
"$sluice" rollback -n converge pipeline/call --to 1 --reason "a test" >"$dir/rollback.log" 2>&1
expect "status of rollback" $? "-eq 0"
says 10 one "call: changed" 2
says 10 two "call: changed" 1
start_follower four
four=$started
says 15 four ": reads converge," 1
stop_engine converge "$two"
send_no_more converge
check_answers converge "$count" "uncommitted: silence_ms: doubled:-eq:2000" # of the requests before

# What is in force needs no keeper: the other engine has gone, and this one said no farewell, so none can follow it for 3 s.
stop_engine converge "$one"
kill_at_once "$four"
: >"$dir/four.log"
start_follower four
four=$started
says 15 four ": reads converge," 1
expect "keepers before it reads" "$(awk '/: reads converge,/ {exit} /is now the keeper/ {n++} END {print n + 0}' "$dir/four.log")" "-eq 0"
start_follower three
three=$started
says 15 three ": reads converge," 1
"$sluice" get -n converge pipeline/call -o name >"$dir/get.log" 2>&1
expect_words "get" "$dir/get.log" "Pipeline/call"
stop_engine converge "$three"
stop_engine converge "$four"

tell_result
