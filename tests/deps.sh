#!/bin/bash
# Installs the packages of the build (deps.sh build), of the unit tests (deps.sh test) or of
# the whole check (deps.sh check), on Debian and Ubuntu: names what is missing, calls apt once,
# and uses neither apt nor the network when nothing is missing.
set -u

build="gcc libc6-dev make pkg-config librdkafka-dev libavro-dev libjansson-dev libcurl4-openssl-dev libyaml-dev
	libnghttp2-dev libhiredis-dev libssl-dev zlib1g-dev"
build_optional="libjemalloc-dev" # without it an engine is slower
test="libcmocka-dev"
check="git clang clang-tidy cppcheck libclang-rt-dev llvm valgrind python3 curl"
# Tests that need one of these are skipped by name where it is missing: the official protobuf
# library as a second opinion, a Redis; and in the check a real Kafka, other shells, a validator of schemas.
test_optional="protobuf-compiler python3-protobuf redis-server"
check_optional="default-jre-headless maven zsh fish python3-jsonschema python3-yaml"

missing_of() {
	local package
	for package in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
	done
}

# Packages that are unpacked, and not set up.
halfway_of() {
	dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' | sed -n 's/^i[FUHWt] *//p'
}

install() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >"$log" 2>&1
}

case ${1-} in
build) needed=$build optional=$build_optional ;;
test) needed="$build $test" optional="$build_optional $test_optional" ;;
check) needed="$build $test $check" optional="$build_optional $test_optional $check_optional" ;;
*) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is no Debian; what a Debian would need, by its names there: $needed $optional"
	exit 0
fi
# The lists are words.
# shellcheck disable=SC2086
missing=$(missing_of $needed) absent=$(missing_of $optional)
[ -n "$missing$absent" ] || { echo "deps: nothing is missing"; exit 0; }

sudo=
if [ "$(id -u)" -ne 0 ]; then
	sudo=sudo
	if ! command -v sudo >/dev/null; then
		if [ -n "$missing" ]; then
			echo "deps: missing, and only root can install it: apt-get install $missing$absent" >&2
		else
			echo "deps: optional packages are missing, and only root can install them: apt-get install $absent" >&2
		fi
		[ -z "$missing" ]
		exit
	fi
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "deps: asking apt for $missing$absent"
$sudo apt-get update -qq </dev/null >"$log" 2>&1 || tail -3 "$log" >&2
halfway=$(halfway_of)
# shellcheck disable=SC2086
install $missing $absent && exit 0
# What broke off is taken away, so that apt works again: Java, for one, cannot be set up without /proc.
abandon() {
	local broken
	broken=$(halfway_of | grep -vxF -e "$halfway" || true)
	# shellcheck disable=SC2086
	[ -z "$broken" ] || $sudo env DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq $broken </dev/null >>"$log" 2>&1
}
abandon
# shellcheck disable=SC2086
if [ -n "$missing" ] && ! install $missing; then
	tail -5 "$log" >&2
	echo "deps: apt could not install $missing; the reason stands above. On Ubuntu the component universe must be enabled." >&2
	exit 1
fi
refused=
for package in $absent; do
	install "$package" || { abandon; refused="$refused $package"; }
done
[ -z "$refused" ] || echo "deps: apt could not install these optional packages; tests that need them are skipped, and an engine without jemalloc is slower:$refused"
