# What the races have in common; sourced by them, after they have set `what`, their name:
# all that tests on a real Kafka have (stand.sh), a broker that runs, and one contestant at
# a time, which is $runner.
#
# shellcheck shell=bash
race=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/kafka/stand.sh
. "$race/../../kafka/stand.sh"
runner=''

contends() { # $1 pid
	ours "$1"
	runner=$1
}

stop_runner() {
	kill "$runner" 2>/dev/null && wait_for "$runner"
	runner=''
}

# One of the pipelines beside this file, on topics $2 and $2-answers.
fill_in() { # $1 pipeline, $2 topic, $3 namespace, $4 delivery
	sed -e "s/TOPIC/$2/; s/GROUP/$3/; s/DELIVERY/$4/" "$race/$1.yaml"
}

start_sluice() { # $1 file or folder, then more arguments
	"$sluice" run -f "$1" --brokers "$brokers" --instance one "${@:2}" >"$dir/sluice.log" 2>&1 &
	contends $!
}

fill() { # $1 topic, $2 how many; then options of requests
	send "$1" "$2" 0 "${@:3}"
	sent
}

# The messages per CPU second at which $runner works off the $backlog of a topic, into
# $speed; it is stopped then.
pace() { # $1 group, $2 topic; then options of requests
	speed=$("$build/requests" pace -b "$brokers" -i "$2" -g "$1" -n "$backlog" -p "$runner" "${@:3}" 2>"$dir/pace.log") ||
		give_up "$1 did not finish"
	stop_runner
}

start_broker
