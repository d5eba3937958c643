# What the races have in common; sourced by them, after they have set `what`, their name:
# all that tests on a real Kafka have (stand.sh), a broker that runs (with what $broker_with says), and one contestant at
# a time, which is $runner.
#
# shellcheck shell=bash
race=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/kafka/stand.sh
. "$race/../../kafka/stand.sh"
runner=''
under=() # a command, as a profiler, that runs the contestant

# Where the jars are kept that a file for Maven names.
jars_of() { # $1 file
	echo "${XDG_CACHE_HOME:-$HOME/.cache}/sluice/race-$(cksum <"$1" | cut -d' ' -f1)"
}
jars=$(jars_of "$race/pom.xml") # of Kafka Streams

# Seldon Core 2 does a chain of three models, called by gRPC, at about 1,900 messages per CPU second (1,630 to
# 2,220, Kafka-fed, version 2.9.1, broker and models not counted). It was measured on a machine on which a bare
# forwarder does 840,000, so here it counts for as much less, or more, as the forwarder of this run ($1) does.
seldon_beside() { # $1 messages per CPU second of a bare forwarder
	awk -v forward="$1" 'BEGIN {print int(1900 * forward / 840000)}'
}

contends() { # $1 pid
	ours "$1"
	runner=$1
}

stop_runner() {
	kill "$runner" 2>/dev/null && wait_for "$runner"
	runner=''
}

# One of the pipelines beside this file, on topics $2 and $2-answers.
fill_in() { # $1 pipeline, $2 topic, $3 namespace, $4 delivery, $5 what race.yaml answers
	sed -e "s/TOPIC/$2/; s/GROUP/$3/; s/DELIVERY/$4/; s/KEEP/${5-mean, above}/" "$race/$1.yaml"
}

start_sluice() { # $1 file or folder, then more arguments
	"${under[@]}" "$sluice" run -f "$1" --brokers "$brokers" --instance one "${@:2}" >"$dir/sluice.log" 2>&1 &
	contends $!
}

# A program that copies records, at least once (-a) or exactly once, and commits as often as an engine here.
start_copier() { # $1 form, $2 group, $3.. options
	"${under[@]}" "$build/forward" -b "$brokers" -i "$1" -o "$1-answers" -g "$2" -t "${commit_ms:-100}" "${@:3}" 2>"$dir/forward.log" &
	contends $!
}

# The models beside this file, in another process, which is not counted; their gRPC door into $door.
serve_models() {
	mkdir "$dir/models"
	sed 's/BATCHING//' "$race/models.yaml" >"$dir/models/models.yaml"
	"$sluice" models serve "$dir/models" >"$dir/models.log" 2>&1 &
	ours $!
	wait_until 10 grep -qs '^ready' "$dir/models.log" || give_up "the models are not served"
	door=$(sed -n 's/.*\(grpc:[^:]*:[0-9]*\):.*/\1/p' "$dir/models.log")
}

# The same models, to be called at that door.
call_models() { # $1 what their batchingConfig is
	sed "s/BATCHING/$1/; s,stub://identity,$door," "$race/models.yaml"
}

fill() { # $1 topic, $2 how many, of random numbers; then options of requests
	send "$1" "$2" 0 -f "${@:3}"
	sent
}

# The messages per CPU second at which $runner works off the $backlog of a topic, into
# $speed, and its most resident memory in MiB, into $resident; it is stopped then.
pace() { # $1 group, $2 topic; then options of requests
	speed=$("$build/requests" pace -b "$brokers" -i "$2" -g "$1" -n "$backlog" -p "$runner" "${@:3}" 2>"$dir/pace.log") ||
		give_up "$1 did not finish"
	resident=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$runner/status")
	stop_runner
}

# A bare forwarder works off the backlog of a topic, $1; its speed is that of forward-DELIVERY, or of NAME-DELIVERY.
through_forward() { # $1 topic, $2 round, $3 delivery, $4 name, $5.. options
	local name=${4-forward} once=()
	[ "$3" = exactly-once ] || once=(-a)
	start_copier "$1" "$name-$2-$3" "${once[@]}" "${@:5}"
	pace "$name-$2-$3" "$1"
	echo "$name-$3 $speed" >>"$dir/speeds"
}

# One of the programs beside this file in Java; where what it needs cannot be had it says why.
build_java() { # $1 its class, $2 the file for Maven that names its jars
	local jars part
	jars=$(jars_of "$2")
	command -v javac >/dev/null || { echo "there is no Java compiler"; return 1; }
	if [ ! -d "$jars" ]; then
		command -v mvn >/dev/null || { echo "there is no Maven"; return 1; }
		part=$(mktemp -d "$jars.XXXXXX")
		timeout 600 mvn -q -B -f "$2" dependency:copy-dependencies -DincludeScope=runtime \
			-DoutputDirectory="$part" >"$dir/maven.log" 2>&1 || { rm -rf "$part"; echo "Maven could not fetch it"; return 1; }
		mv -T "$part" "$jars" 2>/dev/null || rm -rf "$part"
	fi
	javac -d "$dir/classes" -cp "$jars/*" "$race/$1.java" >"$dir/javac.log" 2>&1 || give_up "$1.java does not compile"
}

build_streams() { # $1 its class
	build_java "$1" "$race/pom.xml"
}

# ---- what came of it: a line of $dir/speeds for each run ----

median() { # $1 name
	awk -v name="$1" '$1 == name { print $2 }' "$dir/speeds" | sort -n | awk '{ all[NR] = $1 } END { print NR ? all[int((NR + 1) / 2)] : 0 }'
}

# Ratios within a round, since what else the machine does is much the same there.
ratio() { # $1 ours, $2 theirs
	paste <(awk -v name="$1" '$1 == name { print $2 }' "$dir/speeds") <(awk -v name="$2" '$1 == name { print $2 }' "$dir/speeds") |
		awk '{ printf "%.2f\n", $1 / $2 }' | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)], "(" all[1] ".." all[NR] ")" }'
}

compare() { # $1 what, $2 ours, $3 theirs, $4 bar
	local figures verdict=holds
	figures=$(ratio "$2" "$3")
	if awk "BEGIN { exit !(${figures%% *} >= $4) }"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1)) verdict='FALLS SHORT'
	fi
	printf '%-62s %8d beside %8d  %-20s at least %-5s %s\n' "$1" "$(median "$2")" "$(median "$3")" "$figures" "$4" "$verdict"
}

# shellcheck disable=SC2086
start_broker ${broker_with-}
