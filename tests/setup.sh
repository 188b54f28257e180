#!/bin/sh
# Installs from Debian what is absent, and nothing that is there: `setup.sh python PYTHON` for the virtual environment,
# `setup.sh lab` for the Docker hosts of the lab, `setup.sh tests` for these and the tests' images.
set -eu

missing=
need() {  # COMMAND PACKAGE
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 && return
    case "$missing " in *" $2 "*) ;; *) missing="$missing $2";; esac
}

case "$1" in
python)
    if command -v "$2" >/dev/null 2>&1; then
        "$2" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
            echo "swarmlite needs Python 3.11 or later; $2 is $("$2" --version 2>&1). Give another: make PYTHON=python3.12 …" >&2
            exit 1
        }
        "$2" -c 'import ensurepip, venv' 2>/dev/null || missing=" python3-venv"
    else
        missing=" python3 python3-venv"
    fi
    ;;
lab | tests)
    need dockerd docker.io
    need docker docker.io
    need containerd containerd
    need runc runc
    need docker-registry docker-registry
    need busybox busybox-static
    need nft nftables
    need ip iproute2
    need iptables iptables
    need nsenter util-linux
    if [ "$1" = tests ]; then
        need musl-gcc musl-tools
        need gcc gcc
    fi
    ;;
esac

[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null 2>&1 || {
    echo "please install:$missing (this is not a Debian or Ubuntu machine, so it was not done for you)" >&2
    exit 1
}
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "installing from Debian:$missing"
$sudo apt-get -qq update
# shellcheck disable=SC2086  a list of packages, to be split
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null
