#!/bin/bash
# A stranger's first day: in a bare system, pipelines/TUTORIAL.md from its first command to its last; then in
# another, a clone, the commands of README.md's first screen, and what a stranger meets there: no /proc, a locale
# that was never made, a user who may install nothing, folders with a blank in their names, another compiler. Says how
# long it took and how much was installed. Needs root, the mirrors of the system in question, and PyPI.
#   newcomer.sh          in the Debian 12 of compose/engine.sh, which is made once and kept
#   newcomer.sh trixie   in a Debian of that name, made in the same way
#   newcomer.sh ROOT     in a copy of the bare system in the folder ROOT, as debootstrap makes one
# PARTS="tutorial" runs the tutorial alone, PARTS="screen" the rest.
# Of the second command, `make check`, it runs the packages that it installs, and the parts that are soon over.
# Prints `N passed, N failed` last.
set -u
parts=" ${PARTS:-tutorial screen} "
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice
given='' suite=''
if [ -d "${1-}" ]; then
	given=$(realpath "$1")
elif [[ ${1-} =~ ^[a-z]+$ ]]; then
	suite=$1
elif [ $# -gt 0 ]; then
	echo "newcomer: there is no folder $1" >&2
	exit 2
fi
cd "$(dirname "$0")/.." || exit 2

skip() {
	echo "skipped: a stranger's first day: $*"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

# Makes the bare Debian $1 of this machine's mirrors once, and prints where its archive is.
bare_debian() {
	local archive=$cache/bare-$1.tar sources=/etc/apt/sources.list.d/debian.sources list
	if [ ! -s "$archive" ]; then
		[ -s $sources ] || sources=/etc/apt/sources.list
		list=$(mktemp "/tmp/XXXXXX.${sources##*.}")
		sed "s/bookworm/$1/g" $sources >"$list"
		mkdir -p "$cache"
		mmdebstrap --quiet --variant=apt "$1" "$archive.part.tar" "$list" >&2 && mv "$archive.part.tar" "$archive"
		rm -f "$list"
	fi
	[ -s "$archive" ] && echo "$archive"
}

[ "$(id -u)" -eq 0 ] || skip "only root can make a root of its own"
if [ -n "$suite" ]; then
	base=$(bare_debian "$suite") || skip "no bare Debian of the name $suite could be made"
elif [ -z "$given" ]; then
	base=$(compose/engine.sh base) || skip "no bare Debian could be made"
fi

root=$(mktemp -d) reader=$(mktemp -d)
passed=0 failed=0
trap 'rm -rf --one-file-system "$root" "$reader"' EXIT

# A bare system in the folder $1, with a place to clone from.
make_root() {
	if [ -n "$given" ]; then
		cp -a "$given/." "$1"
	else
		tar -xf "$base" -C "$1"
	fi || exit 1
	cp /etc/resolv.conf /etc/hosts "$1/etc/"
	git clone -q --bare . "$1/srv/sluice.git"
	# Others may own the clone's parts in the root: git asks to be told that this is meant.
	printf '[safe]\n\tdirectory = *\n' >"$1/etc/gitconfig"
}

# The shell's text $2 as user $1 in the root, which no mount and no process outlives. Its locale is one that is not there.
inside() {
	unshare --mount --pid --fork --kill-child chroot --userspec="$1" "$root" env -i \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=de_DE.UTF-8 HOME=/home/stranger \
		DEBIAN_FRONTEND=noninteractive \
		sh -ec "cd; $2"
}

size_mib() { du -sxm "${1-$root}" | cut -f1; }

# What is to be seen ($1), in the last thing that was done, whose status was $2 and whose words are in $root/said.
seen() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "  ok    $1"
	else
		failed=$((failed + 1))
		echo "  FAIL  $1"
		tail -n 15 "$root/said" | sed 's/^/        /'
	fi
}

# The commands of README.md's first screen, one in each line, with a place to clone from.
first_screen() {
	sed '/^## /,$d' README.md | sed -n '/^```sh/,/^```/{/^```/!p}; s/^\$ //p' | sed 's:REPOSITORY:/srv/sluice.git:'
}

check_parts='deps unit layers house cases judge docs readme install'

# Where the system's Python is too new for MLServer, the page has uv download one, from a place that not every machine
# reaches. uv takes one that is there instead: that of Debian 12.
put_python() { # $1 the root
	local release list
	release=$(sed -n 's/^VERSION_CODENAME=//p' "$1/etc/os-release")
	for list in "$1/etc/apt/sources.list" "$1"/etc/apt/sources.list.d/*; do
		[ ! -s "$list" ] || sed "s/$release/bookworm/g" "$list" >"$1/etc/apt/sources.list.d/older-${list##*/}"
	done
	printf 'Package: *\nPin: release n=bookworm\nPin-Priority: 100\n' >"$1/etc/apt/preferences.d/older"
	unshare --mount --pid --fork --kill-child chroot "$1" sh -ec "apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3.11"
}

follow_tutorial() {
	local before began=$SECONDS
	make_root "$reader"
	install -d "$reader/home/reader" "$reader/proc"
	if grep -q '^VERSION_ID="13"' "$reader/etc/os-release"; then
		put_python "$reader" >"$root/said" 2>&1
		seen "uv has a Python 3.11 to find" $?
	fi
	before=$(size_mib "$reader")
	tests/readme.py follow "$reader" /home/reader pipelines/TUTORIAL.md >"$root/said" 2>&1
	seen "the tutorial, from its first command to its last: $(tail -n 1 "$root/said")" $?
	echo "        $((SECONDS - began)) s in all; $(($(size_mib "$reader") - before)) MiB brought"
	rm -rf --one-file-system "$reader"
}

finish() {
	echo "$passed passed, $failed failed"
	[ $failed -eq 0 ]
	exit
}

[[ $parts != *" tutorial "* ]] || follow_tutorial
[[ $parts == *" screen "* ]] || finish
rm -f "$root/said"
make_root "$root"
install -d -m 1777 "$root/home/stranger"
# A bare system may have no useradd.
echo "stranger:x:1000:1000::/home/stranger:/bin/sh" >>"$root/etc/passwd"
began=$SECONDS
inside root "apt-get update -qq; apt-get install -y -qq --no-install-recommends git make ca-certificates" >"$root/said" 2>&1
seen "git and make come by apt, in $((SECONDS - began)) s" $?
[ $failed -eq 0 ] || finish

inside stranger "git clone -q /srv/sluice.git theirs; cd theirs; make demo" >"$root/said" 2>&1
[ $? -ne 0 ] && grep -q '^deps: .*only root can install it: apt-get install .*librdkafka-dev' "$root/said" && ! grep -q 'gcc: ' "$root/said"
seen "a user who may install nothing is told what root has to type" $?

before=$(size_mib) began=$SECONDS
inside root "$(first_screen | head -n 1)" >"$root/said" 2>&1
status=$?
took=$((SECONDS - began))
seen "the first screen's first command: a clone, and make demo, as root without /proc" $status
sed -n '/^\$ build\/sluice infer hello /,$p' "$root/said" | grep -q '^ *action .*"buy"'
seen "make demo ends with an answer" $?
! grep -qiE 'warning|cannot set|not permitted' "$root/said"
seen "nothing on the way is a warning" $?
echo "        $took s in all; $(($(size_mib) - before)) MiB brought, packages and build together"

began=$SECONDS
inside root "cd /home/stranger/sluice; make check ONLY='$check_parts'" >"$root/said" 2>&1 &&
	tail -n 1 "$root/said" | grep -q ' 0 failed'
seen "make check of $check_parts, in $((SECONDS - began)) s" $?

inside stranger "cd theirs; make demo" >"$root/said" 2>&1
seen "with the packages there, a user without rights builds and sees the same" $?

dev='build/sluice dev pipelines/hello >dev.log 2>&1 & dev=$!
for try in $(seq 300); do grep -q ^edit dev.log && break; sleep 0.1; done
'
inside stranger "cd theirs; $(first_screen | sed -n 2p) >dev.log 2>&1 & dev=\$!
for try in \$(seq 300); do grep -q ^edit dev.log && break; sleep 0.1; done
$(first_screen | sed -n 3p); kill \$dev" >"$root/said" 2>&1
grep -q '"data":\["buy"\]' "$root/said"
seen "the first screen's second and third command: sluice dev, and an answer over HTTP" $?

inside stranger "cd theirs; $dev"'
eval "$(grep -o "build/sluice infer .*\|sluice infer .*" dev.log | head -1 | sed "s:^sluice:build/sluice:")" >answer
kill $dev; wait $dev || true; cat dev.log; grep "action.*buy" answer' >"$root/said" 2>&1
seen "sluice dev starts, and the command that it prints is answered when pasted" $?

inside stranger "cd theirs; build/sluice init 'my first'; build/sluice lint 'my first'; build/sluice test 'my first'" >"$root/said" 2>&1
seen "a pipeline of one's own, in a folder with a blank in its name, passes its test" $?

inside root "cd /home/stranger/sluice; make install DESTDIR='/tmp/over there'" >"$root/said" 2>&1 &&
	[ -x "$root/tmp/over there/usr/local/bin/sluice" ]
seen "make install puts binary, man page and completions where it is told, in a folder with a blank in its name" $?

inside root "cd /home/stranger/sluice; make test NAME='arena text'" >"$root/said" 2>&1
seen "make test behind make demo installs what it needs, and passes" $?

began=$SECONDS
inside root "apt-get install -y -qq --no-install-recommends clang" >"$root/said" 2>&1
inside stranger "git clone -q /srv/sluice.git 'by clang'; cd 'by clang'; make CC=clang demo; \
	make CC=clang test NAME=arena" >>"$root/said" 2>&1
status=$?
grep -iE 'warning' "$root/said" | grep -v 'delaying package configuration' >"$root/warned"
[ $status -eq 0 ] && [ ! -s "$root/warned" ]
seen "clang builds the same in a folder with a blank in its name, without a warning, in $((SECONDS - began)) s" $?

finish
