"""`swarmlite lab …`: several Docker hosts on this machine."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
import msgspec
from rich.console import Console

from swarmlite.cli import render
from swarmlite.errors import FailedPrecondition
from swarmlite.lab import app, hosts, needs, nodes, status, transfer
from swarmlite.lab.layout import Layout, layout_of

PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}


def _number(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """`2` or `host2`."""
    text = value.removeprefix("host")
    if not text.isdecimal() or int(text) < 1:
        raise click.BadParameter(f"{value!r} is not a host of the lab: write its number, from 1")
    return int(text)


HOST = click.argument("host", callback=_number)
COLUMNS = (
    render.Column("HOST", "Name"),
    render.Column("ADDRESS", "Address"),
    render.Column("POWER", "Power"),
    render.Column("LINK", "Link"),
    render.Column("ENGINE", "Engine"),
    render.Column("SWARMLITE", "Daemon"),
    render.Column("MEMORY", lambda row: f"{row['Memory'] / 1e6:.0f} MB"),
)


@click.group()
def lab() -> None:
    """Several Docker hosts on this one machine, to try a cluster and to test it.

    Needs root. Its state lies in /var/lib/swarmlite-lab, or where SWARMLITE_LAB_DIR says; each directory is a lab of
    its own, and they do not see each other.
    """


@lab.command()
@click.option("--hosts", "count", type=int, metavar="N", help="How many Docker hosts.  [default: 3]")
def up(count: int | None) -> None:
    """Start the lab, or add hosts to it."""
    layout = _layout()
    with _terminable(), _progress("starting the lab") as say:
        app.up(layout, count, say)


@lab.command()
def down() -> None:
    """End the lab and remove all of it, also after a crash."""
    layout = _layout()
    with _progress("ending the lab"):
        found = app.down(layout)
    click.echo("the lab is gone" if found else "there is no lab")


@lab.command(context_settings=PASS_ON)
@HOST
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def docker(host: int, arguments: tuple[str, ...]) -> None:
    """Run Docker's own command line on host HOST's engine."""
    node = app.host(_layout(), host)
    nodes.running_pid(node)
    _replace_by(["docker", "-H", f"unix://{node.socket}", *_after_dashes(arguments)], dict(os.environ))


@lab.command(context_settings=PASS_ON)
@HOST
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
def run(host: int, command: tuple[str, ...]) -> None:
    """Run a command on host HOST.

    It is in that host's network, under its host name, with its Docker Engine.

    DOCKER_HOST and SWARMLITE_DATA_DIR are set to the host's own. Files are this machine's, /run and /etc apart.
    """
    node = app.host(_layout(), host)
    inside = ["env", "--chdir", os.getcwd(), "--", *_after_dashes(command)]
    _replace_by([*nodes.enter(nodes.running_pid(node)), *inside], nodes.entered_environment(node, _programs()))


@lab.command()
@HOST
def kill(host: int) -> None:
    """Pull host HOST's power cord."""
    app.kill(_layout(), host)


@lab.command()
@HOST
def start(host: int) -> None:
    """Boot host HOST again, with the data it had.

    If it is in a cluster, its swarmlite daemon starts, too.
    """
    with _progress("booting") as say:
        app.start(_layout(), host, say)


@lab.command()
@HOST
def cut(host: int) -> None:
    """Cut host HOST off the network; everything on it goes on running."""
    app.set_link(_layout(), host, up=False)


@lab.command()
@HOST
def heal(host: int) -> None:
    """Connect host HOST to the network again."""
    app.set_link(_layout(), host, up=True)


@lab.command()
def registry() -> None:
    """Print the address of the lab's own image registry."""
    layout = _layout()
    app.running(layout)
    click.echo(layout.registry_url)


@lab.command()
@click.argument("image")
def push(image: str) -> None:
    """Put IMAGE into the lab's registry.

    IMAGE is the name of one on any host of the lab, on this machine's own Docker Engine, or that the lab makes itself
    (see `lab load`); or the path of a `docker save` archive. Hosts can pull it under its plain name, too.
    """
    for name in transfer.push(_layout(), image):
        click.echo(name)


@lab.command()
@click.argument("image")
def load(image: str) -> None:
    """Put IMAGE on every host, without a registry.

    Beside what `lab push` takes, the lab makes small images of its own: busybox and swarmlite/whoami (on every host
    from the start), glibc:lab (getent, python3, busybox) and, where the package musl-tools is installed, musl:lab.
    """
    for name in transfer.load(_layout(), image):
        click.echo(name)


@lab.command()
@click.argument("action", type=click.Choice(["stop", "kill", "start", "restart"]))
@HOST
def engine(action: str, host: int) -> None:
    """Stop, kill, start or restart a host's Docker Engine.

    Only the engine of host HOST; `kill` is SIGKILL.
    """
    node = app.host(_layout(), host)
    nodes.running_pid(node)
    if action != "start":
        hosts.stop_engine(node, signal.SIGKILL if action == "kill" else signal.SIGTERM)
    if action in ("start", "restart") and hosts.engine_pid(node) is None:
        hosts.start_engine(node)


@lab.command("status")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def show_status(form: str) -> None:
    """Show the hosts of the lab."""
    found = status.status(_layout())
    if form == "json":
        click.echo(msgspec.json.encode(found).decode())
        return
    render.table([msgspec.to_builtins(host) for host in found.hosts], COLUMNS)
    click.echo(f"registry {found.registry}, in {found.directory}")


def _layout() -> Layout:
    needs.check_right()
    return layout_of(dict(os.environ))


def _after_dashes(arguments: tuple[str, ...]) -> tuple[str, ...]:
    return arguments[1:] if arguments and arguments[0] == "--" else arguments


def _programs() -> Path:
    """Where this command itself lies, so that `lab run 1 -- swarmlite …` is this very one."""
    beside = Path(sys.executable).parent
    return beside if (beside / "swarmlite").exists() else Path(sys.argv[0]).resolve().parent


def _replace_by(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Become the command: terminal, standard input, signals and exit code are then its own."""
    try:
        os.execvpe(command[0], command, environment)
    except FileNotFoundError as error:
        raise FailedPrecondition(f"the program `{command[0]}` is not installed") from error


@contextmanager
def _progress(title: str) -> Iterator[Callable[[str], None]]:
    """A spinner over the lines on a terminal, only the lines in a pipe."""
    console = Console(stderr=False, highlight=False)
    if not console.is_terminal:
        yield lambda text: click.echo(text)
        return
    with console.status(title):
        yield lambda text: console.print(text)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind as Ctrl-C does, so that what was begun is taken back."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
