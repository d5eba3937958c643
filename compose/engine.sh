#!/bin/bash
# A Docker engine of our own, for machines where none runs and none of the public images
# can be had: Debian's docker.io, under a folder, touching no other engine.
#   engine.sh up DIR      starts it; prints the DOCKER_HOST of it
#   engine.sh down DIR    ends the one that runs in DIR, and no other
#   engine.sh base        prints where the base image's archive is, made if it is not there
# It knows one image, `debian:12-slim`: a Debian of this machine's mirrors, made once and
# kept in ${XDG_CACHE_HOME:-~/.cache}/sluice. It is not the published one of that name.
# Exit 3: this machine cannot run it.
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice
base=$cache/debian-12.tar

missing() {
	echo "engine: $*" >&2
	exit 3
}

needs() { # $1 a command
	command -v "$1" >/dev/null || missing "$1 is not installed; what is needed: apt-get install docker.io iptables mmdebstrap"
}

make_base() {
	[ ! -s "$base" ] || return 0
	needs mmdebstrap
	mkdir -p "$cache"
	local sources=/etc/apt/sources.list.d/debian.sources
	[ -s $sources ] || sources=/etc/apt/sources.list
	mmdebstrap --quiet --variant=apt --aptopt='Apt::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --include=ca-certificates \
		bookworm "${base%.tar}.part.tar" $sources >&2 || missing "no Debian could be made for the base image"
	mv "${base%.tar}.part.tar" "$base"
}

answers() { docker -H "$1" info >/dev/null 2>&1; }

up() { # $1 DIR
	local host=unix://$1/docker.sock waited=0
	needs docker
	needs dockerd
	needs iptables
	[ "$(id -u)" -eq 0 ] || missing "only root can start it"
	if answers "$host"; then # one that was left running
		echo "$host"
		return
	fi
	make_base
	mkdir -p "$1"
	setsid dockerd --data-root "$1/data" --exec-root "$1/exec" -p "$1/pid" -H "$host" >"$1/log" 2>&1 </dev/null &
	until answers "$host"; do
		waited=$((waited + 1))
		if [ $waited -gt 300 ] || ! kill -0 $! 2>/dev/null; then
			tail -n 5 "$1/log" >&2
			missing "it does not start; see $1/log"
		fi
		sleep 0.2
	done
	docker -H "$host" image inspect debian:12-slim >/dev/null 2>&1 ||
		docker -H "$host" import -c 'CMD ["bash"]' "$base" debian:12-slim >/dev/null
	echo "$host"
}

down() { # $1 DIR
	local pid
	[ -s "$1/pid" ] || return 0
	pid=$(cat "$1/pid")
	tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "-H unix://$1/docker.sock" || return 0
	kill "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}

case "${1-} $#" in
"up 2") up "$(realpath -m "$2")" ;;
"base 1") make_base && echo "$base" ;;
"down 2") down "$(realpath -m "$2")" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
