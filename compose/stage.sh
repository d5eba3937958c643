#!/bin/bash
# Brings what the stand-ins of compose.local.yaml and the image's local build need into
# build/compose: Kafka and the schema registry from Maven, MLServer from PyPI, the source of
# librdkafka from its crate. And docker compose itself, built from its Go module where no
# current one is installed; prints the command to call it by.
# All of it stays in ${XDG_CACHE_HOME:-~/.cache}/sluice and is brought once.
# Exit 3: this machine cannot have it.
set -eu
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice
stage=build/compose
compose_version=v2.40.3
registry_version=3.0.9
registry=$cache/apicurio-$registry_version
wheels=$cache/wheels-mlserver-1.7.1
mlserver="mlserver==1.7.1 mlserver-lightgbm==1.7.1 mlserver-xgboost==1.7.1 mlserver-sklearn==1.7.1"

missing() {
	echo "stage: $*" >&2
	exit 3
}

work=
trap 'rm -rf "$work"' EXIT

begin() { # $1 where it will be
	work=$(mktemp -d "$1.XXXXXX")
}

finish() { # $1 where it is to be
	mv -T "$work" "$1"
	work=
}

bring_registry() {
	[ ! -d "$registry" ] || return 0
	command -v mvn >/dev/null || missing "Maven is not installed"
	begin "$registry"
	# Newer versions of this plugin want the parent's POM, which is not published.
	timeout 900 mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:2.10:get -Dtransitive=false \
		-Dartifact="io.apicurio:apicurio-registry-app:$registry_version:tar.gz:all" -Ddest="$work/all.tar.gz" >&2 ||
		missing "Maven could not fetch the schema registry"
	tar -xzf "$work/all.tar.gz" -C "$work"
	rm "$work/all.tar.gz"
	finish "$registry"
}

# Without what only graphics cards need.
bring_wheels() {
	[ ! -d "$wheels" ] || return 0
	command -v python3 >/dev/null || missing "Python is not installed"
	begin "$wheels"
	# The names are words.
	# shellcheck disable=SC2086
	python3 -m pip download -q -d "$work" $mlserver >&2 || missing "pip could not fetch MLServer"
	rm -f "$work"/nvidia_*.whl
	finish "$wheels"
}

bring_compose() {
	if docker compose version --short 2>/dev/null | grep -q '^v\{0,1\}2\.[2-9][0-9]'; then
		compose="docker compose"
		return
	fi
	compose=$cache/docker-compose-$compose_version
	[ ! -x "$compose" ] || return 0
	command -v go >/dev/null || missing "neither docker compose nor Go is installed"
	begin "$compose"
	printf 'package tools\n\nimport _ "github.com/docker/compose/v2/cmd"\n' >"$work/tools.go"
	(cd "$work" && go mod init compose && go get github.com/docker/compose/v2@$compose_version && go mod tidy &&
		go build -trimpath -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$compose_version" \
			-o "$work/docker-compose" github.com/docker/compose/v2/cmd) >&2 || missing "Go could not build docker compose"
	mv "$work/docker-compose" "$compose"
}

mkdir -p "$cache" $stage
kafka=$(tests/kafka/broker.sh fetch)
bring_registry
bring_wheels
bring_compose
tests/librdkafka.sh crate $stage/rdkafka.crate
rm -rf $stage/kafka $stage/registry $stage/wheels
cp -rl "$kafka" $stage/kafka 2>/dev/null || cp -r "$kafka" $stage/kafka
cp -rl "$registry" $stage/registry 2>/dev/null || cp -r "$registry" $stage/registry
cp -rl "$wheels" $stage/wheels 2>/dev/null || cp -r "$wheels" $stage/wheels
echo "$compose"
