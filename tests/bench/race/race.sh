#!/bin/bash
# Engines beside each other on one Kafka, doing the same four steps over the same backlog:
# messages per CPU second of each engine's own process, behind its start, so that neither
# the broker nor the machine's other work counts.
# Beside Seldon Core 2, whose figures are of another day: it does a chain of three models,
# called by gRPC, at about 1,900 messages per CPU second (1,630 to 2,220, Kafka-fed, version
# 2.9.1, broker and models not counted).
#   race.sh SLUICE PROGRAMS     with forward and requests in PROGRAMS
# BACKLOG, ROUNDS change the sizes. Takes about five minutes. Exit 3: no Kafka can be had.
set -u
here=$(cd "$(dirname "$0")" && pwd)
kafka=$(cd "$here/../../kafka" && pwd)
sluice=$(realpath "$1") programs=$(cd "$2" && pwd)
backlog=${BACKLOG:-400000} rounds=${ROUNDS:-3} commit_ms=100
jars=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/race-$(cksum <"$here/pom.xml" | cut -d' ' -f1)
seldon=1900
dir=$(mktemp -d) runner='' models=''

end() {
	local pid
	for pid in $runner $models; do
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	"$kafka/broker.sh" stop "$dir/kafka"
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM

give_up() {
	echo "race: $*" >&2
	tail -n 5 "$dir"/*.log >&2 2>/dev/null
	exit 1
}

brokers=$("$kafka/broker.sh" start "$dir/kafka") || exit $?

# ---- Kafka Streams, where it can be had ----

build_streams() {
	command -v javac >/dev/null || { echo "there is no Java compiler"; return 1; }
	if [ ! -d "$jars" ]; then
		command -v mvn >/dev/null || { echo "there is no Maven"; return 1; }
		local part
		part=$(mktemp -d "$jars.XXXXXX")
		timeout 600 mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
			-DoutputDirectory="$part" >"$dir/maven.log" 2>&1 || { rm -rf "$part"; echo "Maven could not fetch it"; return 1; }
		mv -T "$part" "$jars" 2>/dev/null || rm -rf "$part"
	fi
	javac -d "$dir/classes" -cp "$jars/*" "$here/FixedSteps.java" >"$dir/javac.log" 2>&1 || give_up "FixedSteps.java does not compile"
}
streams=no
if why=$(build_streams); then
	streams=yes
else
	echo "skipped: Kafka Streams: $why"
fi

# ---- the backlogs ----

for form in avro json; do
	"$programs/requests" topics -b "$brokers" -i $form -o $form-answers 2>"$dir/topics.log" || give_up "no topics"
done
"$programs/requests" send -b "$brokers" -i avro -n "$backlog" 2>"$dir/send.log" || give_up "not all requests were sent"
"$programs/requests" send -b "$brokers" -i json -n "$backlog" -j 2>"$dir/send.log" || give_up "not all requests were sent"

# ---- who runs ----

start_forward() { # $1 form, $2 group, $3.. options
	local form=$1 group=$2
	shift 2
	"$programs/forward" -b "$brokers" -i "$form" -o "$form-answers" -g "$group" -t $commit_ms "$@" 2>"$dir/forward.log" &
	runner=$!
}

start_sluice() { # $1 form, $2 namespace, $3 delivery
	sed -e "s/TOPIC/$1/; s/GROUP/$2/; s/DELIVERY/$3/" "$here/race.yaml" >"$dir/$2.yaml"
	"$sluice" run -f "$dir/$2.yaml" --brokers "$brokers" --instance one --commit ${commit_ms}ms >"$dir/sluice.log" 2>&1 &
	runner=$!
}

# The models are another process, and so are not counted.
mkdir "$dir/models"
sed 's/BATCHING//' "$here/models.yaml" >"$dir/models/models.yaml"
"$sluice" models serve "$dir/models" >"$dir/models.log" 2>&1 &
models=$!
for ((try = 0; try < 100; try++)); do
	door=$(sed -n 's/.*\(grpc:[^:]*:[0-9]*\):.*/\1/p' "$dir/models.log")
	[ -z "$door" ] || break
	sleep 0.1
done
[ -n "$door" ] || give_up "the models are not served"

start_chain() { # $1 form, $2 namespace, $3 what the models' batchingConfig is
	sed -e "s/TOPIC/$1/; s/GROUP/$2/; s/DELIVERY/at-least-once/" "$here/chain.yaml" >"$dir/$2.yaml"
	sed "s/BATCHING/$3/" "$here/models.yaml" | sed 's,stub://identity,'"$door"',' >"$dir/$2-models.yaml"
	"$sluice" run -f "$dir/$2.yaml" -f "$dir/$2-models.yaml" --brokers "$brokers" --instance one --commit ${commit_ms}ms \
		>"$dir/sluice.log" 2>&1 &
	runner=$!
}

start_streams() { # $1 form, $2 group, $3.. settings
	local form=$1 group=$2
	shift 2
	# It commits once a second, not every 30 s, so that its progress can be seen.
	java -Xmx1g -cp "$dir/classes:$jars/*" FixedSteps "$brokers" "$form" "$form-answers" "$group" commit.interval.ms=1000 \
		state.dir="$dir/streams" "$@" >"$dir/streams.log" 2>&1 &
	runner=$!
}

measure() { # $1 group, $2 form
	"$programs/requests" pace -b "$brokers" -i "$2" -g "$1" -n "$backlog" -p "$runner" 2>"$dir/pace.log" || give_up "$1 did not finish"
	kill "$runner" && wait "$runner" 2>/dev/null
	runner=''
}

run_round() { # $1 number
	start_forward avro "forward-alo-$1" -a
	echo "forward-alo $(measure "forward-alo-$1" avro)"
	start_sluice avro "alo-$1" at-least-once
	echo "sluice-alo $(measure "sluice.alo-$1.at-least-once" avro)"
	start_forward avro "forward-eos-$1"
	echo "forward-eos $(measure "forward-eos-$1" avro)"
	start_sluice avro "eos-$1" exactly-once
	echo "sluice-eos $(measure "sluice.eos-$1.exactly-once" avro)"
	start_sluice json "json-$1" at-least-once
	echo "sluice-json $(measure "sluice.json-$1.at-least-once" json)"
	start_chain avro "chain-$1" ''
	echo "sluice-chain $(measure "sluice.chain-$1.at-least-once" avro)"
	start_chain avro "batched-$1" ', batchingConfig: {maxBatchSize: 32, maxLatency: 5ms}'
	echo "sluice-batched $(measure "sluice.batched-$1.at-least-once" avro)"
	echo "seldon $seldon"
	if [ $streams = yes ]; then
		start_streams json "streams-$1"
		echo "streams-json $(measure "streams-$1" json)"
	fi
}

for ((round = 1; round <= rounds; round++)); do
	run_round "$round"
done >"$dir/speeds"

# ---- the table ----

median() { # $1 name
	awk -v name="$1" '$1 == name { print $2 }' "$dir/speeds" | sort -n | awk '{ all[NR] = $1 } END { print NR ? all[int((NR + 1) / 2)] : 0 }'
}

# Ratios within a round, since what else the machine does is much the same there.
ratio() { # $1 ours, $2 theirs
	paste <(awk -v name="$1" '$1 == name { print $2 }' "$dir/speeds") <(awk -v name="$2" '$1 == name { print $2 }' "$dir/speeds") |
		awk '{ printf "%.2f\n", $1 / $2 }' | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)], "(" all[1] ".." all[NR] ")" }'
}

passed=0 failed=0
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

echo "messages per CPU second, medians of $rounds; ratio (least..most); load $(cut -d' ' -f1 /proc/loadavg)"
compare "Avro FP32[1,16], at least once, beside a bare forwarder" sluice-alo forward-alo 0.75
compare "the same, exactly once" sluice-eos forward-eos 0.75
[ $streams = no ] || compare "JSON, at least once, beside Kafka Streams" sluice-json streams-json 5
compare "three models in a chain, a gRPC call each, beside Seldon Core 2" sluice-chain seldon 30
compare "the same, calls merged up to 32 rows" sluice-batched seldon 60
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
