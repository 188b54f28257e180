"""`swarmlite completion`."""

import click
from click.shell_completion import get_completion_class

from swarmlite.errors import InvalidArgument


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash   swarmlite completion bash > /etc/bash_completion.d/swarmlite
    zsh    swarmlite completion zsh > "${fpath[1]}/_swarmlite"
    fish   swarmlite completion fish > ~/.config/fish/completions/swarmlite.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise InvalidArgument(f"no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "swarmlite", "_SWARMLITE_COMPLETE").source())
