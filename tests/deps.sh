#!/bin/bash
# Installs what the build needs (deps.sh build), and what the whole check needs beside
# it (deps.sh check), on a Debian: says what is missing, asks apt once, and touches
# neither apt nor the network when all is there.
set -u

build="gcc libc6-dev make pkg-config librdkafka-dev libavro-dev libjansson-dev libcurl4-openssl-dev libyaml-dev
	libnghttp2-dev libmicrohttpd-dev libhiredis-dev libssl-dev"
check="libcmocka-dev git clang clang-tidy cppcheck libclang-rt-14-dev llvm-14 valgrind python3"
# Without these a part of the check is skipped, and says so: the official protobuf
# library as a second opinion, a real Kafka, other shells, a Redis.
beside="protobuf-compiler python3-protobuf default-jre-headless maven zsh fish redis-server"

missing_of() {
	local package
	for package in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
	done
}

install() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >"$log" 2>&1
}

case ${1-} in
build) needed=$build wished= ;;
check) needed="$build $check" wished=$beside ;;
*) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is no Debian; what a Debian would need, by its names there: $needed $wished"
	exit 0
fi
# The lists are words.
# shellcheck disable=SC2086
missing=$(missing_of $needed) absent=$(missing_of $wished)
[ -n "$missing$absent" ] || { echo "deps: all is there"; exit 0; }

sudo=
if [ "$(id -u)" -ne 0 ]; then
	sudo=sudo
	if ! command -v sudo >/dev/null; then
		echo "deps: missing, and only root can install it: apt-get install $missing$absent" >&2
		[ -z "$missing" ]
		exit
	fi
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "deps: asking apt for $missing$absent"
$sudo apt-get update -qq </dev/null >"$log" 2>&1 || tail -3 "$log" >&2
# shellcheck disable=SC2086
install $missing $absent && exit 0
# shellcheck disable=SC2086
if [ -n "$missing" ] && ! install $missing; then
	tail -5 "$log" >&2
	echo "deps: apt could not install $missing; see above" >&2
	exit 1
fi
echo "deps: could not be had, so their part of the check will be skipped: $absent"
