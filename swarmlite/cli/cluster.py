"""`swarmlite init`, `join`, `leave`, `status` and `daemon`: only parsed and shown here, done by the manager's room."""

from pathlib import Path
from typing import Any

import click

from swarmlite import logs, settings
from swarmlite.api.client import Client
from swarmlite.cli import options, render
from swarmlite.model.spec import Role

_docker_host = click.option(
    "--docker-host", metavar="URL", default="", help="This host's Docker Engine.  [default: as Docker's clients decide]"
)
_advertise = click.option(
    "--advertise-addr", metavar="IP|INTERFACE", default="", help="Where other hosts reach this one.  [default: found]"
)
_name = click.option("--name", default="", help="The node's name.  [default: the host's name]")
_LEVELS = ("debug", "info", "warning", "error")
_foreground = click.option("--foreground", is_flag=True, help="Stay in the terminal as the daemon.")
_dns_listen = click.option("--dns-listen", metavar="IP[:PORT]", help="Answer DNS for clients outside, too.")


@click.command()
@_advertise
@click.option("--listen", metavar="IP[:PORT]", default="", help="Where the manager listens.  [default: all, 2377]")
@click.option("--default-addr-pool", multiple=True, metavar="CIDR", help="Where networks' addresses come from.")
@_name
@_dns_listen
@_docker_host
@_foreground
@options.data_dir
def init(dns_listen: str | None, **given: Any) -> None:
    """Make this host a manager, the first of a new cluster.

    Makes the cluster's certificates and its state, starts the daemon (as a systemd unit where systemd runs), and
    prints the command with which other hosts join.
    """
    from swarmlite.manager import setup

    _log_if_staying(given)
    options.run(setup.init(setup.InitOptions(dns_listen=dns_listen or "", say=click.echo, **given)))


@click.command()
@click.option("--token", required=True, envvar="SWARMLITE_TOKEN", show_envvar=True, help="As init printed it.")
@click.argument("remote", metavar="HOST[:2377]")
@_advertise
@_name
@_docker_host
@_foreground
@options.data_dir
def join(**given: Any) -> None:
    """Join a cluster with a token, which its manager at HOST made."""
    from swarmlite.manager import setup

    _log_if_staying(given)
    options.run(setup.join(setup.JoinOptions(say=click.echo, **given)))


@click.command()
@click.option("--force", is_flag=True, help="Also when the manager cannot be reached, or this is the manager.")
@options.data_dir
def leave(force: bool, data_dir: Path) -> None:
    """Leave the cluster: its containers and networks on this host go, then all that the data directory holds of it."""
    from swarmlite.manager import setup

    options.run(setup.leave(setup.LeaveOptions(data_dir=data_dir, force=force, say=click.echo)))


@click.command()
@options.output
@options.data_dir
def status(output: str, data_dir: Path) -> None:
    """What this host is in its cluster, and how the cluster is."""
    found = options.run(Client(data_dir).status())
    if output == "json":
        render.json_value({name: getattr(found, name) for name in found.__struct_fields__})
        return
    is_manager = found.role is Role.MANAGER
    pairs = [
        ("role", found.role.value),
        ("node", f"{found.node_name} ({found.node_id})"),
        ("cluster", found.cluster_id),
        ("manager", found.manager_address if found.connected else f"{found.manager_address} (not connected)"),
        ("version", found.version),
        ("message", found.message),
    ]
    if is_manager:
        pairs += [
            ("nodes", f"{found.nodes_ready} of {found.nodes} ready"),
            ("services", str(found.services)),
            ("tasks", f"{found.tasks_running} of {found.tasks} running"),
            ("docker", f"docker -H unix://{data_dir / settings.DOCKER_SOCKET} …"),
        ]
    render.facts(pairs)


@click.command()
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@_dns_listen
@click.option("--docker-host", metavar="URL", help="Another Docker Engine than init or join noted.")
@click.option("--detach", "-d", is_flag=True, help="In the background, as init and join start it.")
@options.data_dir
def daemon(log_level: str, dns_listen: str | None, docker_host: str | None, detach: bool, data_dir: Path) -> None:
    """Run the daemon of a host that is in a cluster, in the foreground, with what the data directory holds.

    init and join start it in the background; this is for containers, other supervisors, and for looking. Where no
    systemd runs, `--detach` starts it again after a boot.
    """
    from swarmlite.manager import setup

    if detach:
        if dns_listen is not None or docker_host is not None:
            raise click.UsageError("a daemon in the background runs with what init or join noted")
        options.run(setup.boot(data_dir))
        return
    logs.setup(log_level)
    wanted = setup.DaemonOptions(data_dir=data_dir, docker_host=docker_host, dns_listen=dns_listen)
    options.run(setup.run_daemon(wanted))


def _log_if_staying(given: dict[str, Any]) -> None:
    if given["foreground"]:
        logs.setup()
