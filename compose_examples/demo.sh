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
replicas() {  # how many run, on hosts that are there
    on_host 1 swarmlite service ps whoami_web --format json | python3 -c 'import json, sys
print(sum(t["state"] == t["desired_state"] == "running" and t["node"] != "host3" for t in json.load(sys.stdin)))'
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

step "The power cord of host3 is pulled"
show swarmlite lab kill 3
start=$(date +%s%N)
said=
while :; do
    in_dns=$(addresses | wc -w) running=$(replicas)
    after=$((($(date +%s%N) - start) / 100000000))
    now="$in_dns addresses in DNS, $running of 5 replicas run on what is left"
    [ "$now" = "$said" ] || printf '  after %2d.%d s: %s\n' $((after / 10)) $((after % 10)) "$now"
    said=$now
    if [ "$in_dns" -ge 5 ] && [ "$running" -ge 5 ]; then break; fi
    [ $after -lt 300 ] || { echo "not whole within 30 s"; exit 1; }
    sleep 0.2
done
show swarmlite lab run 1 -- swarmlite service ps whoami_web
show swarmlite lab run 1 -- swarmlite node ls

step "That was it"
cat <<'END'
The cluster still runs. Look around:
  swarmlite lab run 1 -- swarmlite ps
  swarmlite lab start 3                      # host3 comes back
and clean up with
  make demo-down
(`swarmlite` is .venv/bin/swarmlite; the demo's lab is SWARMLITE_LAB_DIR=/var/lib/swarmlite-demo)
END
