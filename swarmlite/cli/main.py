"""The command `swarmlite`."""

import click

from swarmlite.cli.lab import lab


@click.group()
def main() -> None:
    """Run Docker Compose files on a pool of Docker hosts."""


main.add_command(lab)
