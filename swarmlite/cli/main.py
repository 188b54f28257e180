"""The command `swarmlite`. Groups are imported only when asked for, since each one brings its room with it."""

from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from swarmlite.errors import SwarmliteError

INTERRUPTED = 130  # what shells expect of a command that Ctrl-C ended


class Row(NamedTuple):
    """Where a command stands, and what the overview says of it."""

    section: str
    module: str
    help: str


COMMANDS = {
    "init": Row("Cluster", "cluster", "Make this host a manager, the first of a new cluster."),
    "join": Row("Cluster", "cluster", "Join a cluster with a token."),
    "leave": Row("Cluster", "cluster", "Leave the cluster and forget it."),
    "status": Row("Cluster", "cluster", "What this host is in its cluster."),
    "node": Row("Cluster", "node", "The hosts: list, inspect, label, drain, remove."),
    "token": Row("Cluster", "token", "Join tokens: create, list, revoke."),
    "daemon": Row("Cluster", "cluster", "Run the daemon of a host that is in a cluster."),
    "deploy": Row("Stacks", "deploy", "Deploy a Compose file, and wait until it runs."),
    "config": Row("Stacks", "config", "Show a Compose file as swarmlite understands it."),
    "stack": Row("Stacks", "stack", "Stacks: list, tasks, services, remove."),
    "service": Row("Stacks", "service", "Services: list, tasks, inspect, scale, logs, remove."),
    "network": Row("Stacks", "network", "Cluster networks: list, inspect."),
    "ps": Row("Stacks", "tasks", "All tasks, on all hosts."),
    "logs": Row("Stacks", "logs", "Logs of stacks and services, merged from all hosts."),
    "lab": Row("More", "lab", "Several Docker hosts on this machine, to try all this."),
    "completion": Row("More", "completion", "Print the shell's completion script."),
}


class Root(click.Group):
    """Knows its commands by the table above, and turns errors on purpose into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        command: click.Command = getattr(import_module(f"swarmlite.cli.{row.module}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section in dict.fromkeys(row.section for row in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl([(name, row.help) for name, row in COMMANDS.items() if row.section == section])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [CompletionItem(name, help=row.help) for name, row in COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SwarmliteError as error:
            click.echo(f"swarmlite: {error.message}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from swarmlite import __version__

        click.echo(f"swarmlite {__version__}")
        ctx.exit()


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def main() -> None:
    """Run Docker Compose files on a pool of Docker hosts.

    \b
    swarmlite init                        this host is now a manager and a node
    swarmlite join --token T HOST:2377    on every other host, as init printed it
    swarmlite deploy -c compose.yaml shop
    swarmlite ps
    """
