#!/bin/bash
# A real Apache Kafka on loopback, for tests.
#   broker.sh start DIR [WITH]...   prints its address; everything of it stands in DIR
#   broker.sh stop DIR              ends what runs in DIR, and no other
#   broker.sh kill DIR [N]          kills the broker (the one of number N) with -9
#   broker.sh resume DIR [N]        starts it again where it stood, its data and ports kept
#   broker.sh fetch                 only fills the cache of jars, and prints where it is
# WITH, any of them:
#   brisk     it looks each second, and not each ten, for transactions whose time is over
#   creates   it makes topics that a client names and that are not there
#   appended  records have the time at which it wrote them, and not what their producer says
#   proxied   a second address, for clients that come through proxy.c: DIR/proxied says
#             `FRONT BACK`, the ports that the proxy takes and gives on to
#   secure    a third, of TLS with SCRAM or PLAIN, in DIR/secure; its authority in DIR/authority.pem; user
#             `sluice`, password in DIR/password; rights are granted by `admin BROKERS grant`
# or three, instead of them: three brokers in DIR/1 to DIR/3, all topics at all of them.
# The jars come from Maven once and stay in ${XDG_CACHE_HOME:-~/.cache}/sluice, and beside them an archive of their classes, by which
# a broker starts in half the time. JAVA_FLAGS is given to each broker, and CLUSTER is
# the id of its cluster.
# Exit 3: this machine cannot run it (no Java, or no jars and no way to get them).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kafka/ports.sh
. "$here/ports.sh"
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

# The classes of a broker as Java lays them out, in $archive. Java itself does not use one that another Java or other jars made.
archive=$jars.$(stat -Lc %Y "$(command -v java)" 2>/dev/null).jsa

# Made once, by a broker that ends well; who comes meanwhile starts without it.
make_archive() {
	local trial
	[ ! -e "$archive" ] || return 0
	(
		flock -n 9 || exit 0
		[ ! -e "$archive" ] || exit 0
		trial=$(mktemp -d)
		flags="-XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit=$trial/jsa"
		if start_all 1 "$trial"; then
			kill "$(running "$trial")"
			for _ in {1..300}; do running "$trial" >/dev/null || break; sleep 0.1; done
			[ ! -s "$trial/jsa" ] || mv "$trial/jsa" "$archive"
		fi
		stop "$trial"
		rm -rf "$trial"
	) 9>"$archive.lock" 2>/dev/null
}

# The pid of the broker in $1, while it runs. A pid that went to another process is not ours.
running() {
	local pid
	[ -s "$1/pid" ] || return 1
	pid=$(cat "$1/pid")
	tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "kafka.Kafka $1/server.properties" && echo "$pid"
}

# Lines for $1/server.properties beside those that every broker has.
brisk_lines() { # $1 DIR
	echo transaction.abort.timed.out.transaction.cleanup.interval.ms=1000 >>"$1/server.properties"
}

proxied_lines() { # $1 DIR
	local front back
	front=$(free_port) back=$(free_port)
	echo "$front $back" >"$1/proxied"
	listeners=$listeners,PROXIED://127.0.0.1:$back
	advertised=$advertised,PROXIED://127.0.0.1:$front
}

# An authority of a day, and a certificate of the broker by it.
make_certificates() { # $1 DIR
	local key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
	# shellcheck disable=SC2086
	openssl req -x509 $key -days 1 -subj /CN=authority -keyout "$1/authority.key" -out "$1/authority.pem" &&
		openssl req $key -subj /CN=localhost -keyout "$1/server.key" -out "$1/server.request" &&
		openssl x509 -req -days 1 -in "$1/server.request" -CA "$1/authority.pem" -CAkey "$1/authority.key" -CAcreateserial \
			-extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost") -out "$1/server.crt"
	cat "$1/server.key" "$1/server.crt" >"$1/server.pem"
}

appended_lines() { # $1 DIR
	echo log.message.timestamp.type=LogAppendTime >>"$1/server.properties"
}

creates_lines() { # $1 DIR
	echo auto.create.topics.enable=true >>"$1/server.properties"
}

secure_lines() { # $1 DIR
	local port
	port=$(free_port)
	make_certificates "$1" >"$1/openssl.log" 2>&1 || missing "openssl could not make certificates"
	openssl rand -hex 12 >"$1/password"
	echo "127.0.0.1:$port" >"$1/secure"
	listeners=$listeners,SECURE://127.0.0.1:$port
	advertised=$advertised,SECURE://127.0.0.1:$port
	cat >>"$1/server.properties" <<-END
		listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
		listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_sluice="$(cat "$1/password")";
		listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
		listener.name.secure.ssl.keystore.type=PEM
		listener.name.secure.ssl.keystore.location=$1/server.pem
		authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
		super.users=User:ANONYMOUS
	END
}

configure() { # $1 DIR, $2 number, $3 port, $4 controller's port, $5 voters, $6 replicas, then WITH
	local dir=$1 with listeners="PLAINTEXT://127.0.0.1:$3" advertised="PLAINTEXT://127.0.0.1:$3"
	cat >"$dir/server.properties" <<-END
		process.roles=broker,controller
		node.id=$2
		controller.quorum.voters=$5
		inter.broker.listener.name=PLAINTEXT
		controller.listener.names=CONTROLLER
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
		log.dirs=$dir/data
		num.network.threads=2
		num.io.threads=2
		background.threads=2
		default.replication.factor=$6
		min.insync.replicas=$((($6 + 1) / 2))
		offsets.topic.replication.factor=$6
		offsets.topic.num.partitions=4
		transaction.state.log.replication.factor=$6
		transaction.state.log.min.isr=$((($6 + 1) / 2))
		transaction.state.log.num.partitions=4
		share.coordinator.state.topic.replication.factor=$6
		share.coordinator.state.topic.min.isr=1
		group.initial.rebalance.delay.ms=0
		auto.create.topics.enable=false
		broker.session.timeout.ms=3000
		broker.heartbeat.interval.ms=500
		log.cleaner.dedupe.buffer.size=2097152
	END
	for with in "${@:7}"; do
		"${with}_lines" "$dir"
	done
	cat >>"$dir/server.properties" <<-END
		listeners=$listeners,CONTROLLER://127.0.0.1:$4
		advertised.listeners=$advertised
	END
	cat >"$dir/log4j2.yaml" <<-END
		Configuration:
		  status: error
		  Appenders: { Console: { name: out, PatternLayout: { pattern: "%d %p %c{1} %m%n" } } }
		  Loggers:
		    Root: { level: warn, AppenderRef: { ref: out } }
		    Logger: { name: kafka.authorizer.logger, level: info } # each access that is denied
	END
}

# What it writes without a user is the same for each broker of a cluster and number, and is kept: a copy takes no Java.
format() { # $1 DIR
	local user= cluster=${CLUSTER:-AAAAAAAAAAAAAAAAAAAAAQ} kept part
	[ -s "$1/data/meta.properties" ] && return
	kept=$jars.formatted-$cluster-$(sed -n 's/^node.id=//p' "$1/server.properties")
	if [ -s "$1/password" ]; then
		user="--add-scram SCRAM-SHA-512=[name=sluice,password=$(cat "$1/password")]"
	elif [ -d "$kept" ]; then
		cp -r "$kept" "$1/data"
		return
	fi
	# shellcheck disable=SC2046,SC2086
	java -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 $(archived) -cp "$jars/*" \
		kafka.tools.StorageTool format -t "$cluster" -c "$1/server.properties" $user >"$1/format.log" 2>&1 || return
	[ -z "$user" ] || return 0
	part=$(mktemp -d "$kept.XXXXXX")
	cp "$1"/data/* "$part" && mv -T "$part" "$kept" 2>/dev/null || rm -rf "$part" # somebody else was quicker
}

archived() { [ ! -e "$archive" ] || echo "-XX:SharedArchiveFile=$archive"; }

launch() { # $1 DIR
	# shellcheck disable=SC2046,SC2086
	setsid java ${flags:-$(archived) ${JAVA_FLAGS-}} -Xms"${heap}m" -Xmx"${heap}m" -XX:+UseSerialGC -XX:MaxDirectMemorySize=128m -Xss512k -Djava.awt.headless=true \
		-Dlog4j2.configurationFile="$1/log4j2.yaml" -cp "$jars/*" kafka.Kafka "$1/server.properties" \
		>>"$1/log" 2>&1 </dev/null &
	echo $! >"$1/pid"
}

# False when it ended before it answered.
wait_for() { # $1 DIR
	local waited=0 port
	port=$(cat "$1/port")
	until port_answers "$port"; do
		sleep 0.1
		waited=$((waited + 1))
		[ $waited -lt 5 ] || running "$1" >/dev/null || return 1
		[ $waited -lt 600 ] || return 1
	done
}

# One try, of as many brokers as there are folders: a port may be taken between the look and the start.
start_all() { # $1 replicas, $2 "DIR ...", then WITH
	local replicas=$1 dir voters='' number=0 controllers=()
	for dir in $2; do
		controllers+=("$(free_port)")
		number=$((number + 1))
		voters=$voters${voters:+,}$number@127.0.0.1:${controllers[number - 1]}
	done
	number=0
	for dir in $2; do
		number=$((number + 1))
		free_port >"$dir/port"
		configure "$dir" $number "$(cat "$dir/port")" "${controllers[number - 1]}" "$voters" "$replicas" "${@:3}"
		format "$dir" || return 1
		launch "$dir"
	done
	for dir in $2; do
		wait_for "$dir" || return 1
	done
}

start() { # $1 DIR, then WITH
	command -v java >/dev/null || missing "Java is not installed"
	fetch
	make_archive
	local try dirs=$1 replicas=1 address='' dir
	if [ "${2-}" = three ]; then
		mkdir -p "$1/1" "$1/2" "$1/3"
		dirs="$1/1 $1/2 $1/3" replicas=3 heap=192
		shift
	fi
	for try in 1 2 3; do
		if start_all $replicas "$dirs" "${@:2}"; then
			for dir in $dirs; do
				address=$address${address:+,}127.0.0.1:$(cat "$dir/port")
			done
			echo "$address"
			return
		fi
		for dir in $dirs; do
			stop "$dir"
			rm -rf "$dir/data"
		done
	done
	echo "broker: Kafka did not start after $try tries; its last words:" >&2
	for dir in $dirs; do
		tail -20 "$dir/format.log" "$dir/log" >&2
	done
	exit 1
}

# Nothing of it is needed any longer, so it need not end well.
stop() { # $1 DIR
	local pid
	while pid=$(running "$1"); do
		kill -9 "$pid"
		sleep 0.05
	done
	rm -f "$1/pid"
}

stop_all() { # $1 DIR
	local dir
	for dir in "$1" "$1/1" "$1/2" "$1/3"; do
		[ ! -d "$dir" ] || stop "$dir"
	done
}

kill_at_once() { # $1 DIR
	local pid
	pid=$(running "$1") || { echo "broker: none runs in $1" >&2; exit 1; }
	kill -9 "$pid"
	while running "$1" >/dev/null; do sleep 0.05; done
}

resume() { # $1 DIR
	launch "$1"
	wait_for "$1" || { tail -20 "$1/log" >&2; exit 1; }
}

heap=384 flags=
dir=$(realpath -m "${2-.}")
case "${1-} $#" in
"fetch 1") fetch && make_archive && echo "$jars" ;;
"start "[2-4]) mkdir -p "$dir" && start "$dir" "${@:3}" ;;
"stop 2") stop_all "$dir" ;;
"kill "[23]) kill_at_once "$dir${3:+/$3}" ;;
"resume "[23]) resume "$dir${3:+/$3}" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
