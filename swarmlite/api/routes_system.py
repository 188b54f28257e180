"""Handshake, version, info, and the `/swarm` calls, whose work the `swarmlite` command does instead."""

from datetime import UTC, datetime

from aiohttp import web

from swarmlite import __version__, settings
from swarmlite.api.backend import ManagerFacts
from swarmlite.api.http import BACKEND, FACTS, Route, answer
from swarmlite.api.render import Json
from swarmlite.errors import NotImplementedHere, Unavailable
from swarmlite.model.view import View

IN_SWARM = (
    "This node is already part of a swarm. Use `swarmlite leave` to leave this cluster, and `swarmlite init` or"
    " `swarmlite join` for another one."
)
TOKEN_HINT = "(run: swarmlite token create)"


async def ping(request: web.Request) -> web.Response:
    """`HEAD` has no body; `Swarm:` saves newer clients a call."""
    headers = {"Swarm": "active/manager", "Builder-Version": "1", "Cache-Control": "no-cache, no-store"}
    return web.Response(text="" if request.method == "HEAD" else "OK", headers=headers)


async def version(_: web.Request) -> web.Response:
    about = {
        "Platform": {"Name": f"swarmlite {__version__}"},
        "Version": __version__,
        "ApiVersion": settings.API_VERSION,
        "MinAPIVersion": settings.MIN_API_VERSION,
        "Os": "linux",
        "Arch": "amd64",
        "Components": [{"Name": "swarmlite", "Version": __version__, "Details": {}}],
    }
    return answer(about)


async def info(request: web.Request) -> web.Response:
    return answer(_info(request.app[BACKEND].view, request.app[FACTS]))


async def swarm(request: web.Request) -> web.Response:
    """Tokens are kept as digests, so the stock `join-token` has none to show: the hint stands in their place."""
    cluster = request.app[BACKEND].view.cluster
    out = _cluster(request.app[BACKEND].view)
    out["JoinTokens"] = {"Worker": TOKEN_HINT, "Manager": TOKEN_HINT}
    out["DefaultAddrPool"] = cluster.pools
    out["SubnetSize"] = cluster.subnet_size
    return answer(out)


async def swarm_joined(_: web.Request) -> web.Response:
    raise Unavailable(IN_SWARM)


async def swarm_elsewhere(_: web.Request) -> web.Response:
    raise NotImplementedHere("the cluster itself is managed by the swarmlite command: swarmlite --help")


async def none(_: web.Request) -> web.Response:
    """Secrets and configs: `stack rm` and `stack deploy` list them and go on when there are none."""
    return answer([])


async def no_registry(_: web.Request) -> web.Response:
    raise NotImplementedHere("the manager asks no registry for digests: nodes pull the image by its tag")


async def on_a_node(request: web.Request) -> web.Response:
    """Calls for one engine (`docker run`, `build`, `ps` …), which this is not."""
    raise NotImplementedHere(
        f"this is a swarmlite cluster, not a single Docker Engine: {request.method} {request.path} works on a node's"
        " own engine only. Run services here (docker service create, swarmlite deploy), or use the node's Docker socket"
    )


_ENGINE_ONLY = ("containers", "images", "volumes", "exec", "build", "commit", "session", "plugins", "auth", "grpc")

ROUTES = (
    Route("HEAD", "/_ping", ping),
    Route("GET", "/_ping", ping),
    Route("GET", "/version", version),
    Route("GET", "/info", info),
    Route("GET", "/swarm", swarm),
    Route("POST", "/swarm/init", swarm_joined),
    Route("POST", "/swarm/join", swarm_joined),
    Route("*", "/swarm/{rest:.+}", swarm_elsewhere),
    Route("GET", "/secrets", none),
    Route("GET", "/configs", none),
    Route("GET", "/distribution/{name:.+}", no_registry),
    Route("*", "/system/df", on_a_node),
    *(Route("*", f"/{name}{{rest:(/.*)?}}", on_a_node) for name in _ENGINE_ONLY),
)


def _info(view: View, facts: ManagerFacts) -> Json:
    nodes = list(view.nodes.values())
    own = view.nodes.get(facts.node_id)
    managers = [node for node in nodes if node.manager_status is not None]
    remote = [{"NodeID": node.id, "Addr": facts.address} for node in managers]
    return {
        "ID": view.cluster.id,
        "Name": own.name if own else "",
        "ServerVersion": f"{__version__} (swarmlite)",
        "SystemTime": datetime.now(UTC),
        "NCPU": sum(node.description.resources.nano_cpus for node in nodes) // 1_000_000_000,
        "MemTotal": sum(node.description.resources.memory_bytes for node in nodes),
        "OSType": "linux",
        "OperatingSystem": f"swarmlite {__version__}",
        "Architecture": own.description.platform.architecture if own else "",
        "Containers": len(view.tasks),
        "ContainersRunning": sum(task.status.state == "running" for task in view.tasks.values()),
        "DockerRootDir": facts.data_dir,
        "Driver": "",
        "Plugins": {"Volume": [], "Network": ["overlay"], "Authorization": None, "Log": []},
        "RegistryConfig": {"IndexConfigs": {}, "InsecureRegistryCIDRs": [], "Mirrors": []},
        "Labels": [],
        "Warnings": None,
        "MemoryLimit": True,
        "SwapLimit": True,
        "CpuCfsPeriod": True,
        "CpuCfsQuota": True,
        "CPUShares": True,
        "CPUSet": True,
        "PidsLimit": True,
        "OomKillDisable": True,
        "IPv4Forwarding": True,
        "Swarm": {
            "NodeID": facts.node_id,
            "NodeAddr": facts.address.rpartition(":")[0],
            "LocalNodeState": "active",
            "ControlAvailable": True,
            "Error": "",
            "RemoteManagers": remote,
            "Nodes": len(nodes),
            "Managers": len(managers),
            "Cluster": _cluster(view),
        },
    }


def _cluster(view: View) -> Json:
    cluster = view.cluster
    return {
        "ID": cluster.id,
        "Version": {"Index": cluster.version.index},
        "CreatedAt": cluster.created_at,
        "UpdatedAt": cluster.updated_at,
        "Spec": {
            "Name": "default",
            "Labels": {},
            "Orchestration": {"TaskHistoryRetentionLimit": settings.TASK_HISTORY},
            "Raft": {"SnapshotInterval": 0, "LogEntriesForSlowFollowers": 0, "ElectionTick": 0, "HeartbeatTick": 0},
            "Dispatcher": {"HeartbeatPeriod": int(settings.BEAT * 1_000_000_000)},
            "CAConfig": {},
            "TaskDefaults": {},
            "EncryptionConfig": {"AutoLockManagers": False},
        },
        "TLSInfo": {},
        "RootRotationInProgress": False,
        "DataPathPort": settings.VXLAN_PORT,
    }
