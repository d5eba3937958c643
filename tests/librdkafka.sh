#!/bin/bash
# A current librdkafka beside the system's, built once from sources that lie inside a
# crate, pinned by its checksum: `make RDKAFKA=$(tests/librdkafka.sh) ...` builds with it.
#   librdkafka.sh             builds it where it is not there yet; prints its prefix
#   librdkafka.sh crate FILE  only brings the crate, for a machine that cannot fetch: there
#                             CRATE=FILE librdkafka.sh builds from it
# It stays in ${XDG_CACHE_HOME:-~/.cache}/sluice. Exit 3: this machine cannot have it.
set -eu

crate=rdkafka-sys crate_version=4.10.0 version=2.12.1
checksum=e234cf318915c1059d4921ef7f75616b5219b10b46e9f3a511a15eb4b56a3f77
prefix=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/librdkafka-$version

missing() {
	echo "librdkafka: $*" >&2
	exit 3
}

work=
trap 'rm -rf "$work"' EXIT

# The crate's file, as cargo keeps it. What it depends on comes along, and is not used.
fetch() { # $1 where to work
	mkdir -p "$1/src"
	: >"$1/src/lib.rs"
	printf '[package]\nname = "pinned"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = "=%s"\n' \
		$crate $crate_version >"$1/Cargo.toml"
	(cd "$1" && timeout 300 cargo fetch --quiet) >&2 || missing "cargo could not fetch $crate $crate_version"
	find "${CARGO_HOME:-$HOME/.cargo}/registry/cache" -name "$crate-$crate_version+$version.crate" | head -n 1
}

# The crate's file, and it is the pinned one; into $file.
pinned() { # $1 where to work
	if [ -n "${CRATE-}" ]; then
		file=$CRATE
	else
		command -v cargo >/dev/null || missing "cargo is not installed, and $prefix is not there"
		file=$(fetch "$1/crate")
	fi
	[ -n "$file" ] || missing "cargo keeps no file of $crate $crate_version"
	echo "$checksum  $file" | sha256sum --check --status || missing "$file is not the one that is pinned: its checksum differs"
}

build() {
	mkdir -p "$(dirname "$prefix")"
	work=$(mktemp -d "$prefix.XXXXXX")
	pinned "$work"
	tar -xzf "$file" -C "$work" --strip-components=1
	# Without Cyrus SASL and OIDC, which need more libraries; SCRAM and TLS are in.
	(cd "$work/librdkafka" &&
		./configure --prefix="$work/made" --disable-gssapi --disable-curl >/dev/null &&
		make -s -j"$(nproc)" libs >/dev/null && make -s -C src install >/dev/null) >"$work/log" 2>&1 ||
		{ tail -n 20 "$work/log" >&2; missing "librdkafka $version could not be built"; }
	sed -i "s:$work/made:$prefix:" "$work"/made/lib/pkgconfig/*.pc
	mv -T "$work/made" "$prefix" 2>/dev/null || true # somebody else was quicker
}

case "${1-} $#" in
" 0")
	[ -d "$prefix" ] || build >&2
	echo "$prefix"
	;;
"crate 2")
	work=$(mktemp -d)
	pinned "$work"
	cp "$file" "$2"
	;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
