#!/bin/sh
# swarmlite at work, for real: three Docker hosts on this machine, a stack on them, and a host killed before your eyes.
# `make demo` runs it; every line that begins with $ is a command that you can type yourself.
set -eu
cd "$(dirname "$0")"

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
[ -t 1 ] || step() { printf '\n== %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }
on_host() {  # HOST COMMAND…: in that host's network, under its name
    host=$1; shift
    swarmlite lab run "$host" -- "$@"
}
inside() { swarmlite lab docker 1 exec "$client" "$@"; }
addresses() { inside nslookup -type=a web | awk '/^Name:/{seen=1} seen && /^Address/{printf "%s ", $NF} END{print ""}'; }
watch_dns() {  # UPTIME: how many addresses `web` has, whenever that changes, in seconds after UPTIME, until all five are back
    inside sh -c 'said=5 fewer=
    while :; do
        after=$(awk -v since="$1" "{printf \"%4.1f\", \$1 - since}" /proc/uptime)
        there=$(nslookup -type=a web | awk "/^Name:/{seen=1} seen && /^Address/{n++} END{print n + 0}")
        [ "$there" = "$said" ] || echo "  after $after s: $there healthy replicas in DNS"
        said=$there
        if [ "$there" -lt 5 ]; then fewer=yes; elif [ "$fewer" ]; then exit 0; fi
        [ "${after%.*}" -lt 30 ] || { echo "  not whole again within 30 s"; exit 1; }
        usleep 100000
    done' watch "$1"
}
ended() {
    code=$?
    [ "$code" = 0 ] || printf '\nThe demo stopped half-way. What is there is left for a look; clean up with\n  make demo-down\n'
    exit "$code"
}
trap ended EXIT
trap 'exit 130' INT TERM

step "Three Docker hosts on this machine, each with an engine and a network of its own"
swarmlite lab down >/dev/null 2>&1 || true
show swarmlite lab up --hosts 3

step "host1 becomes the manager; host2 and host3 join it with the token that init prints"
show swarmlite lab run 1 -- swarmlite init
token=$(on_host 1 swarmlite token create --quiet)
for host in 2 3; do
    show swarmlite lab run $host -- swarmlite join --token "$token" "$(on_host 1 hostname -I | cut -d ' ' -f 1):2377"
done
show swarmlite lab run 1 -- swarmlite node ls

step "A Compose file: five replicas of a web service, and a client that runs on host1"
show swarmlite lab run 1 -- swarmlite deploy -c whoami.yaml whoami

step "Where everything runs"
show swarmlite lab run 1 -- swarmlite ps

step "The name web, asked three times from inside a container: the healthy replicas, in rotation"
client=$(swarmlite lab docker 1 ps --quiet --filter label=com.docker.swarm.service.name=whoami_client | head -n 1)
for _ in 1 2 3; do
    printf '$ nslookup web\n'
    addresses
done

step "An HTTP request by that name, until each of the five has answered"
inside sh -c 'seen=; n=0; tries=0
while [ $n -lt 5 ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1)); answer=$(timeout 2 wget -q -O - http://web/ | head -n 1)
    case " $seen " in *" $answer "*) ;; *) seen="$seen $answer"; n=$((n + 1)); echo "  request $tries: $answer";; esac
done'

step "The power cord of host3 is pulled: its replicas leave the answers, then run elsewhere"
show swarmlite lab kill 3
watch_dns "$(cut -d ' ' -f 1 /proc/uptime)"
show swarmlite lab run 1 -- swarmlite service ps whoami_web
show swarmlite lab run 1 -- swarmlite node ls

step "That was it"
printf 'The cluster still runs. To look around'
[ -z "${SUDO_USER:-}" ] || printf ', as root (sudo -s)'
cat <<END
:
  export SWARMLITE_LAB_DIR=$SWARMLITE_LAB_DIR PATH="$(dirname "$(command -v swarmlite)"):\$PATH"
  swarmlite lab run 1 -- swarmlite ps
  swarmlite lab start 3                      # host3 comes back
and clean up with
  make demo-down
END
