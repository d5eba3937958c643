#!/bin/bash
# The broker of `sluice dev`, used by Kafka's own console tools, which are Java clients: topics are listed,
# made and described, a request is produced, its answer consumed by a group; and it is there again at its port
# after a restart. `top` and `health` see the engine, and `run` makes the topics of another pipeline there and serves it.
#   dev.sh SLUICE BUILD      VERSIONS="3.9.1 4.2.1" are the tools', PYTHONS="2.2.15 3.0.12" those of kafka-python
# The tools come from Maven once, kafka-python from PyPI, and stay in ${XDG_CACHE_HOME:-~/.cache}/sluice. Takes about 25 s a version.
set -u
what=dev
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
request='{"id":"r","inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[21]}]}'
command -v java >/dev/null || skip "Java is not installed"

fetch_tools() { # $1 version
	jars=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/tools-$1
	[ -d "$jars" ] && return
	command -v mvn >/dev/null || skip "Maven is not installed, and $jars is not there"
	local part
	mkdir -p "$(dirname "$jars")"
	part=$(mktemp -d "$jars.XXXXXX")
	if ! timeout 600 mvn -q -B -f "$here/tools.xml" -Dtools="$1" dependency:copy-dependencies -DincludeScope=runtime \
		-DoutputDirectory="$part" >"$dir/maven.log" 2>&1; then
		rm -rf "$part"
		skip "Maven could not fetch Kafka's tools $1"
	fi
	mv -T "$part" "$jars" 2>/dev/null || rm -rf "$part" # somebody else was quicker
}

tool() { # $1 class, then its arguments
	timeout $((60 * patience)) java -Xmx128m -XX:TieredStopAtLevel=1 -cp "$jars/*" "$@" 2>&1
}

topic_tool() {
	tool org.apache.kafka.tools.TopicCommand --bootstrap-server "$brokers" "$@"
}

start_dev() { # $1 port
	: >"$dir/dev.log"
	"$sluice" dev "$dir/pipelines" --port "$1" >"$dir/dev.log" 2>&1 &
	ours $!
	engine=$started
	wait_until 10 grep -q '^edit' "$dir/dev.log" || give_up "sluice dev does not start"
	brokers=$(sed -n 's/^broker  *//p' "$dir/dev.log")
}

top_has_answered() {
	"$sluice" top --once -o json --brokers "$brokers" >"$dir/top" && grep -q '"answered": 1,' "$dir/top"
}

asked() { # $1 version: by a client of that version
	local producer=org.apache.kafka.tools.ConsoleProducer
	[ "${1%%.*}" -gt 3 ] || producer=kafka.tools.ConsoleProducer
	topic_tool --create --topic "mine-$1" --partitions 2 >"$dir/created"
	expect_words "$1: a topic is made" "$dir/created" "Created topic"
	topic_tool --list >"$dir/listed"
	expect_words "$1: topics are listed" "$dir/listed" "^mine-$1\$"
	expect_words "$1: those of the pipeline too" "$dir/listed" '^sluice.default.pipeline.p.inputs$'
	topic_tool --describe --topic "mine-$1" >"$dir/described"
	expect_words "$1: a topic is described" "$dir/described" "PartitionCount: 2"
	topic_tool --describe --topic missing >"$dir/missing"
	expect_words "$1: a topic that is not there" "$dir/missing" "does not exist"
	echo "$request" | tool $producer --bootstrap-server "$brokers" --topic sluice.default.pipeline.p.inputs >"$dir/produced"
	tool org.apache.kafka.tools.consumer.ConsoleConsumer --bootstrap-server "$brokers" --group "g-$1" --from-beginning \
		--topic sluice.default.pipeline.p.outputs --max-messages 1 --timeout-ms $((30000 * patience)) >"$dir/consumed"
	expect_words "$1: a request is answered" "$dir/consumed" '"data":\[42.0\]'
}

asked_by_python() { # $1 version of kafka-python
	"$here/../clients.sh" kafka-python "$1" "$dir/python-$1" >"$dir/python.log" 2>&1 || skip "$(tail -n 1 "$dir/python.log")"
	"$dir/python-$1/bin/python" "$here/dev_client.py" "$brokers" sluice.default.pipeline.p.inputs sluice.default.pipeline.p.outputs \
		"$request" >"$dir/python.seen" 2>"$dir/python.log"
	expect "kafka-python $1: exit status" $? "-eq 0"
	expect_words "kafka-python $1: a topic is made" "$dir/python.seen" "^made True partitions 3$"
	expect_words "kafka-python $1: a request is answered" "$dir/python.seen" '^answered alone .*"data":\[42.0\]'
	expect_words "kafka-python $1: a group reads the answer" "$dir/python.seen" '^answered in a group .*"data":\[42.0\]'
}

mkdir "$dir/pipelines"
cat >"$dir/pipelines/p.yaml" <<-EOF
	apiVersion: mlops.seldon.io/v1alpha1
	kind: Pipeline
	metadata: {name: p}
	spec:
	  steps: [{name: a, expression: {set: {y: x * 2}}}]
	  output: {steps: [a]}
EOF
for version in ${VERSIONS:-3.9.1 4.2.1}; do
	fetch_tools "$version"
	start_dev 0
	asked "$version"
	wait_until 10 top_has_answered # an engine reports each second
	expect_words "top sees what was answered" "$dir/top" '"answered": 1,'
	"$sluice" health --brokers "$brokers" >"$dir/health" 2>&1
	expect "health of the engine" $? "-eq 0"
	stop_engine "$version" "$engine"
done
start_dev 0
for version in ${PYTHONS:-2.2.15 3.0.12}; do asked_by_python "$version"; done
stop_engine pythons "$engine"
# Clients find it again where it was.
port=${brokers##*:}
start_dev "$port"
expect "the port after a restart" "${brokers##*:}" "-eq $port"
"$sluice" dev "$dir/pipelines" --port "$port" >"$dir/second" 2>&1
expect "the exit status of a second one there" $? "-eq 2"
expect_words "what it says" "$dir/second" "give --port NUMBER"
timeout $((20 * patience)) "$sluice" doctor "$dir/pipelines" --brokers "$brokers" >"$dir/doctor" 2>&1
expect "the doctor's exit status" $? "-eq 0"
expect_words "the doctor" "$dir/doctor" "^good +groups"
# An engine of its own beside it.
sed 's/{name: p}/{name: q}/; s/x \* 2/x * 3/' "$dir/pipelines/p.yaml" >"$dir/q.yaml"
"$sluice" run "$dir/q.yaml" --brokers "$brokers" --instance beside >"$dir/run.log" 2>&1 &
ours $!
beside=$started
wait_until 15 grep -q " info  q: reads" "$dir/run.log"
expect "an engine of its own beside it: status of looking for what it reads" $? "-eq 0"
expect_words "its topics are made" "$dir/run.log" " info  3 of 4 topics created"
echo "$request" | "$sluice" infer q -f - --pipelines "$dir/q.yaml" --brokers "$brokers" --timeout $((20 * patience))s >"$dir/inferred" 2>&1
expect_words "it answers" "$dir/inferred" "63"
stop_engine beside "$beside"
stop_engine restarted "$engine"
tell_result
