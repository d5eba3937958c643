#!/bin/sh
# Starts Kafka in the stand-in's container: the class that the published image starts reads
# the same KAFKA_* variables. Its first start formats the folder of logs; on a restart that
# is refused, which is no fault.
set -eu
work=$(mktemp -d)
mkdir "$work/defaults" "$work/mounted" "$work/made"
cat >"$work/defaults/server.properties" <<-END
	process.roles=broker,controller
	node.id=1
	controller.listener.names=CONTROLLER
END
cat >"$work/defaults/log4j2.yaml" <<-END
	Configuration:
	  Appenders: {Console: {name: STDOUT, PatternLayout: {pattern: "%d %p %m%n"}}}
	  Loggers: {Root: {level: WARN, AppenderRef: {ref: STDOUT}}}
END
cp "$work/defaults/log4j2.yaml" "$work/defaults/tools-log4j2.yaml"

said=$(java -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*' kafka.docker.KafkaDockerWrapper setup \
	--default-configs-dir "$work/defaults" --mounted-configs-dir "$work/mounted" --final-configs-dir "$work/made" 2>&1) ||
	case $said in
	*"already formatted"*) ;;
	*) echo "$said" >&2; exit 1 ;;
	esac
# The options are words.
# shellcheck disable=SC2086
exec java -XX:+UseSerialGC ${KAFKA_HEAP_OPTS:--Xmx512m} -Dlog4j2.configurationFile="$work/defaults/log4j2.yaml" \
	-cp '/opt/kafka/libs/*' kafka.Kafka "$work/made/server.properties"
