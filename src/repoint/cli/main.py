"""The `repoint` command. Each command is one file of `commands/`, found by its name and read only when it is asked for.

A file holds `app`, a typer.Typer: without a name it brings one command, with a name a group of them (`repoint keys …`).
"""

import pkgutil
import sys
from importlib import import_module

import typer

from repoint.cli import commands
from repoint.cli.mistake import Mistake

EXIT_MISTAKE = 1


def main() -> None:
    """Run the command that the arguments name; ends the process with its exit code."""
    try:
        command_line(sys.argv[1:])(prog_name="repoint")
    except Mistake as mistake:
        typer.secho("Error: ", fg=typer.colors.RED, bold=True, nl=False, err=True)
        typer.echo(str(mistake), err=True)
        sys.exit(EXIT_MISTAKE)


def command_line(arguments: list[str]) -> typer.Typer:
    """The command that comes first in `arguments`; all of them when it is none, for help and for completion."""
    whole = typer.Typer(
        help="A self-hosted customer-engagement server that speaks the Amazon Pinpoint API.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    # A group stays a group with one command in it.
    @whole.callback()
    def _group() -> None: ...

    # A trailing underscore keeps a file's name from being a keyword of Python (`import_.py`).
    files = {module.name.rstrip("_"): module.name for module in pkgutil.iter_modules(commands.__path__)}
    for name in arguments[:1] if arguments and arguments[0] in files else files:
        whole.add_typer(import_module(f"{commands.__name__}.{files[name]}").app)
    return whole


if __name__ == "__main__":
    main()
