#!/bin/bash
# A real Apache Kafka of one broker on loopback, for tests.
#   broker.sh start DIR   prints its address; everything of it stands in DIR
#   broker.sh stop DIR    ends the broker that runs in DIR, and no other
#   broker.sh fetch       only fills the cache of jars
# The jars come from Maven once and stay in ${XDG_CACHE_HOME:-~/.cache}/sluice.
# Exit 3: this machine cannot run it (no Java, or no jars and no way to get them).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n '/kafka_2.13/,/version/s:.*<version>\(.*\)</version>.*:\1:p' "$here/pom.xml")
jars=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/kafka-$version

missing() {
	echo "broker: $*" >&2
	exit 3
}

fetch() {
	[ -d "$jars" ] && return
	command -v mvn >/dev/null || missing "Maven is not installed, and $jars is not there"
	mkdir -p "$(dirname "$jars")"
	local part
	part=$(mktemp -d "$jars.XXXXXX")
	timeout 600 mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$part" >&2 ||
		{ rm -rf "$part"; missing "Maven could not fetch Kafka $version"; }
	mv -T "$part" "$jars" 2>/dev/null || rm -rf "$part" # somebody else was quicker
}

# The pid of the broker in $1, while it runs. A pid that went to another process is not ours.
running() {
	local pid
	[ -s "$1/pid" ] || return 1
	pid=$(cat "$1/pid")
	tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "kafka.Kafka $1/server.properties" && echo "$pid"
}

answers() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range that the kernel gives to outgoing connections, so that none takes it in between.
free_port() {
	local port
	while port=$((20000 + RANDOM % 12000)); do
		answers "$port" || break
	done
	echo "$port"
}

configure() { # $1 DIR, $2 port, $3 controller's port
	cat >"$1/server.properties" <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$3
		listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$3
		advertised.listeners=PLAINTEXT://127.0.0.1:$2
		controller.listener.names=CONTROLLER
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
		log.dirs=$1/data
		num.network.threads=2
		num.io.threads=2
		background.threads=2
		default.replication.factor=1
		min.insync.replicas=1
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=4
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		transaction.state.log.num.partitions=4
		share.coordinator.state.topic.replication.factor=1
		share.coordinator.state.topic.min.isr=1
		group.initial.rebalance.delay.ms=0
		log.cleaner.dedupe.buffer.size=2097152
	END
	cat >"$1/log4j2.yaml" <<-END
		Configuration:
		  status: error
		  Appenders: { Console: { name: out, PatternLayout: { pattern: "%d %p %c{1} %m%n" } } }
		  Loggers: { Root: { level: warn, AppenderRef: { ref: out } } }
	END
}

# One try: false when it ended before it answered.
launch() { # $1 DIR, $2 port
	[ -s "$1/data/meta.properties" ] || java -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$jars/*" \
		kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$1/server.properties" >"$1/format.log" 2>&1 || return 1
	setsid java -Xms384m -Xmx384m -XX:+UseSerialGC -XX:MaxDirectMemorySize=128m -Xss512k -Djava.awt.headless=true \
		-Dlog4j2.configurationFile="$1/log4j2.yaml" -cp "$jars/*" kafka.Kafka "$1/server.properties" \
		>>"$1/log" 2>&1 </dev/null &
	echo $! >"$1/pid"
	local waited=0
	until answers "$2"; do
		sleep 0.1
		waited=$((waited + 1))
		[ $waited -lt 5 ] || running "$1" >/dev/null || return 1
		[ $waited -lt 600 ] || return 1
	done
}

start() { # $1 DIR
	command -v java >/dev/null || missing "Java is not installed"
	fetch
	local try port
	for try in 1 2 3; do # a port may be taken between the look and the broker's start
		port=$(free_port)
		configure "$1" "$port" "$(free_port)"
		if launch "$1" "$port"; then
			echo "127.0.0.1:$port"
			return
		fi
		stop "$1"
		rm -rf "$1/data"
	done
	echo "broker: Kafka did not start after $try tries; its last words:" >&2
	tail -20 "$1/format.log" "$1/log" >&2
	exit 1
}

stop() { # $1 DIR
	local pid waited=0
	while pid=$(running "$1"); do
		[ $waited -gt 0 ] || kill "$pid"
		[ $waited -ne 80 ] || kill -9 "$pid"
		sleep 0.1
		waited=$((waited + 1))
	done
	rm -f "$1/pid"
}

case "${1-} $#" in
"fetch 1") fetch ;;
"start 2") mkdir -p "$2" && start "$(cd "$2" && pwd)" ;;
"stop 2") [ ! -d "$2" ] || stop "$(cd "$2" && pwd)" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
