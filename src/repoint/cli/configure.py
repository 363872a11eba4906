"""Settings as a command sees them: its own arguments first, then the environment, then `repoint.toml`."""

import os
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from repoint.cli.mistake import Mistake
from repoint.settings import Settings

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder of the embedded database, keys and files.", show_default="./repoint-data"),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", help="PostgreSQL server (15 or later) to use instead of the embedded one."),
]
Host = Annotated[str | None, typer.Option(help="Address that the API listens on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port of the API; 0 takes a free one.", show_default="8100")]
_PREFIX = "REPOINT_"

Supervised = Annotated[bool, typer.Option("--supervised", hidden=True, help="Take orders from `repoint serve`.")]


def read_settings(**arguments: Any) -> Settings:
    """The settings, with every argument that is not None before all other sources.

    Raises Mistake naming the setting when a value does not fit or `repoint.toml` cannot be read.
    """
    unknown = [name for name in os.environ if name.startswith(_PREFIX) and not _is_setting(name)]
    if unknown:
        raise Mistake(f"{', '.join(unknown)}: there is no such setting (repoint settings lists all)")
    try:
        settings = Settings(**given(arguments))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}" for mistake in error.errors()]
        raise _not_valid(lines) from error
    except SettingsError as error:
        # Its text names the setting and the source, not the value; only lists and tables are read as JSON.
        raise Mistake(f"{error}: in the environment a list or table is written as JSON") from error
    except TOMLDecodeError as error:
        raise Mistake(f"repoint.toml is not valid TOML: {error}") from error
    except OSError as error:
        raise Mistake(f"repoint.toml cannot be read: {error.strerror}") from error
    if settings.providers or settings.channel_providers or settings.application_providers:
        _check_providers(settings)
    return settings


def _check_providers(settings: Settings) -> None:
    # What providers may be told is known to the providers only; without any there is no need to read their modules.
    from repoint.delivery import providers  # noqa: PLC0415
    from repoint.delivery.routes import RouteError, read_routes  # noqa: PLC0415
    from repoint.discover import discover  # noqa: PLC0415

    discover(providers)
    try:
        read_routes(settings)
    except RouteError as error:
        raise _not_valid(error.mistakes) from error


def _not_valid(lines: list[str]) -> Mistake:
    return Mistake("the settings are not valid (repoint settings --help):\n  " + "\n  ".join(lines))


def check_runnable(settings: Settings) -> Settings:
    """The settings, if a server can run on them; raises Mistake for functions that are not there."""
    # Commands that only call the API do without the room, which takes its time to be read.
    from repoint.functions.check import check_functions  # noqa: PLC0415 - for the reason above

    if settings.functions:
        try:
            remarks = check_functions(settings)
        except ValueError as error:
            raise Mistake(str(error)) from error
        for remark in remarks:
            typer.echo(f"Note: {remark}", err=True)
    return settings


def _is_setting(variable: str) -> bool:
    return variable.removeprefix(_PREFIX).lower().partition("__")[0] in Settings.model_fields


def given(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that were given: None stands for one that was left out."""
    return {name: value for name, value in arguments.items() if value is not None}
