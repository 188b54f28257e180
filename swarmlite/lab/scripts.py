"""The shell scripts that a node boots with, run inside its own namespaces.

Everything that a boot makes lives in those namespaces or in the node's directory. `/run` is the node's own, as after
any boot: sockets, pid files and locks of its engine lie there, and no init system of the machine is seen.
"""

BOOT = """\
set -e
echo $$ > "$LAB_DIR/pid"
echo "$LAB_NAME" > /proc/sys/kernel/hostname
exec 9< "$LAB_ROOT"
mount -n -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
case "$LAB_ROOT" in /run/*|/var/run/*) mkdir -p "$LAB_ROOT"; mount -c --bind /proc/self/fd/9 "$LAB_ROOT";; esac
exec 9<&-
mkdir -p "$LAB_DIR/etc" "$LAB_DIR/etc.work"
if ! mount -t overlay -o "lowerdir=/etc,upperdir=$LAB_DIR/etc,workdir=$LAB_DIR/etc.work" overlay /etc 2>/dev/null; then
  mkdir -p /run/etc /run/etc.work
  mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc.work overlay /etc
fi
for file in hosts hostname resolv.conf; do
  umount "/etc/$file" 2>/dev/null || :
  rm -f "/etc/$file"
done
cp "$LAB_ROOT/hosts" /etc/hosts
echo "$LAB_NAME" > /etc/hostname
echo "nameserver $LAB_GATEWAY" > /etc/resolv.conf
for database in passwd group shadow hosts networks services protocols; do
  case $database in hosts) echo "hosts: files dns";; *) echo "$database: files";; esac
done > /etc/nsswitch.conf
[ -e "$LAB_DIR/etc/docker/key.json" ] || rm -f /etc/docker/key.json
ip link set lo up
"""
"""Name, mounts and the files of /etc that a machine of its own would have. The engine makes its id
from the key: the machine's own key would give all the same.
Of name services, only those that need nothing else that runs."""

PLUG = """\
nsenter --target "$LAB_SWITCH" --net ip link delete "$LAB_NAME" 2>/dev/null || :
ip -batch - <<END
link add eth0 address $LAB_MAC type veth peer name $LAB_NAME netns $LAB_SWITCH
address add $LAB_ADDRESS/$LAB_PREFIX dev eth0
link set eth0 up
route add default via $LAB_GATEWAY
END
nsenter --target "$LAB_SWITCH" --net ip link set "$LAB_NAME" master switch up
"""
"""The node's cable to the switch; a port that an earlier life of the node left is pulled first."""

SWITCH = """\
ip -batch - <<END
link add switch type bridge forward_delay 0 mcast_snooping 0
address add $LAB_ADDRESS/$LAB_PREFIX dev switch
link set switch up
END
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then
  echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables
fi
: > "$LAB_DIR/ready"
exec sleep infinity
"""
"""A bridge without filters. It forwards, and answers without a limit, so that what leads
nowhere is refused at once: a name server that is not there would cost five seconds otherwise."""

REGISTRY = """\
docker-registry serve "$LAB_DIR/config.yml" >> "$LAB_DIR/registry.log" 2>&1 &
: > "$LAB_DIR/ready"
wait $! || :
: > "$LAB_DIR/registry.exit"
exec sleep infinity
"""

HOST = """\
echo 1 > /proc/sys/net/ipv4/ip_forward
for family in ip ip6; do
  setting=/proc/sys/net/bridge/bridge-nf-call-${family}tables
  if [ -e $setting ]; then echo 1 > $setting; fi
done
mkdir -p "$LAB_DIR/swarmlite"
ln -s "$LAB_DIR/docker.sock" /run/docker.sock
"""

ENGINE = """\
rm -f "$LAB_DIR/docker.sock" "$LAB_DIR"/engine.exit.*
echo $$ > "$LAB_DIR/engine.parent"
if ! kill -0 "$(cat /run/containerd.pid 2>/dev/null)" 2>/dev/null; then
  rm -f /run/containerd/containerd.sock
  containerd --config "$LAB_DIR/containerd.toml" >> "$LAB_DIR/containerd.log" 2>&1 &
  echo $! > /run/containerd.pid
  until [ -S /run/containerd/containerd.sock ]; do kill -0 $!; sleep 0.01; done
fi
dockerd --config-file "$LAB_DIR/daemon.json" >> "$LAB_DIR/dockerd.log" 2>&1 &
: > "$LAB_DIR/ready"
wait $! && code=0 || code=$?
echo $code > "$LAB_DIR/engine.exit.$$"
"""
"""Stays as the engine's parent, so that a dead engine is reaped and its exit status known (under the parent's pid, as
it may come late, when the next engine is on). containerd is not its child, so that it and the containers' shims
outlive an engine that is killed, as on any server."""

STAY = "exec sleep infinity\n"

PROBE = """\
try() { what=$1; shift; "$@" >/dev/null 2>&1 || { echo "$what"; exit 1; }; }
try namespaces ip link set lo up
try bridge ip link add probe0 type bridge
try veth ip link add probe1 type veth peer name probe2
try vxlan ip link add probe3 type vxlan id 1 dstport 4789 local 127.0.0.1
try sysctl sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
try nat iptables -t nat -S
try tmpfs mount -n -t tmpfs tmpfs /run
mkdir -p /run/upper /run/work /run/merged
try overlay mount -t overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work overlay /run/merged
mkdir -p "$1/probe/lower" "$1/probe/upper" "$1/probe/work" "$1/probe/merged"
mount -t overlay -o "lowerdir=$1/probe/lower,upperdir=$1/probe/upper,workdir=$1/probe/work" overlay "$1/probe/merged" \
  2>/dev/null && echo overlay2 || echo vfs
"""
"""Makes in namespaces that vanish with it what a lab needs; says what is missing, or which storage driver fits."""
