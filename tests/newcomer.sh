#!/bin/bash
# A stranger's first day: in a bare system, a clone, the commands of README.md's first screen,
# and what a stranger meets there: no /proc, a locale that was never made, a user who may install
# nothing, folders with a blank in their names, another compiler. Says how long it took and how
# much was installed. Needs root, and the mirrors of the system in question.
#   newcomer.sh          in the Debian 12 of compose/engine.sh, which is made once and kept
#   newcomer.sh ROOT     in a copy of the bare system in the folder ROOT, as debootstrap makes one
# Of the second command, `make check`, it runs the packages that it installs, and the parts that are soon over.
# Prints `N passed, N failed` last.
set -u
given=
if [ $# -gt 0 ]; then
	given=$(realpath -e "$1") || exit 2
fi
cd "$(dirname "$0")/.." || exit 2

skip() {
	echo "skipped: a stranger's first day: $*"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
[ "$(id -u)" -eq 0 ] || skip "only root can make a root of its own"
[ -n "$given" ] || base=$(compose/engine.sh base) || skip "no bare Debian could be made"

root=$(mktemp -d)
passed=0 failed=0
trap 'rm -rf --one-file-system "$root"' EXIT
if [ -n "$given" ]; then
	cp -a "$given/." "$root"
else
	tar -xf "$base" -C "$root"
fi || exit 1
cp /etc/resolv.conf /etc/hosts "$root/etc/"
git clone -q --bare . "$root/srv/sluice.git"
# Others may own the clone's parts in the root: git asks to be told that this is meant.
printf '[safe]\n\tdirectory = *\n' >"$root/etc/gitconfig"

# The shell's text $2 as user $1 in the root, which no mount and no process outlives. Its locale is one that is not there.
inside() {
	unshare --mount --pid --fork --kill-child chroot --userspec="$1" "$root" env -i \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=de_DE.UTF-8 HOME=/home/stranger \
		DEBIAN_FRONTEND=noninteractive \
		sh -ec "cd; $2"
}

size_mib() { du -sxm "$root" | cut -f1; }

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

# The command block below the heading $1 of README.md, with a place to clone from.
readme_commands() {
	sed -n "/^## $1/,/^## /{/^\`\`\`sh/,/^\`\`\`/{/^\`\`\`/!p}}" README.md | sed 's:REPOSITORY:/srv/sluice.git:'
}

check_parts='deps unit layers house cases judge docs readme install'

install -d -m 1777 "$root/home/stranger"
inside root "useradd --no-create-home stranger" >"$root/said" 2>&1
began=$SECONDS
inside root "apt-get update -qq; apt-get install -y -qq --no-install-recommends git make ca-certificates" >"$root/said" 2>&1
seen "git and make come by apt, in $((SECONDS - began)) s" $?
[ $failed -eq 0 ] || { echo "$passed passed, $failed failed"; exit 1; }

inside stranger "git clone -q /srv/sluice.git theirs; cd theirs; make demo" >"$root/said" 2>&1
[ $? -ne 0 ] && grep -q '^deps: .*only root can install it: apt-get install .*librdkafka-dev' "$root/said" && ! grep -q 'gcc: ' "$root/said"
seen "a user who may install nothing is told what root has to type" $?

before=$(size_mib) began=$SECONDS
inside root "$(readme_commands 'Two commands' | grep -v '^make check')" >"$root/said" 2>&1
status=$?
took=$((SECONDS - began))
seen "the first screen's first command: a clone, and make demo, as root without /proc" $status
sed -n '/^\$ build\/sluice infer hello /,$p' "$root/said" | grep -q '^ *action .*"buy"'
seen "make demo ends with an answer" $?
! grep -qiE 'warning|cannot set|not permitted' "$root/said"
seen "nothing on the way is a warning" $?
echo "        $took s in all; $(($(size_mib) - before)) MiB brought, packages and build together"

check=$(readme_commands 'Two commands' | grep '^make check$')
began=$SECONDS
[ -n "$check" ] && inside root "cd /home/stranger/sluice; $check ONLY='$check_parts'" >"$root/said" 2>&1 &&
	tail -n 1 "$root/said" | grep -q ' 0 failed'
seen "the first screen's second command: $check of $check_parts, in $((SECONDS - began)) s" $?

inside stranger "cd theirs; make demo" >"$root/said" 2>&1
seen "with the packages there, a user without rights builds and sees the same" $?

dev='build/sluice dev pipelines/hello >dev.log 2>&1 & dev=$!
for try in $(seq 300); do grep -q ^edit dev.log && break; sleep 0.1; done
'
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

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
