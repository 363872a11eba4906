"""`repoint settings`: every setting, its value and where that comes from."""

import json
from collections.abc import Iterator
from typing import Any

import typer
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from repoint.cli.configure import DatabaseUrl, DataDir, Host, Port, given, read_settings
from repoint.cli.table import print_table
from repoint.settings import Settings

Document = dict[str, Any]

app = typer.Typer()


@app.command()
def settings(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Print every setting with its value and its origin: default, repoint.toml, environment or argument."""
    arguments = given({"data_dir": data_dir, "database_url": database_url, "host": host, "port": port})
    # Dumped as JSON, so secrets come out masked.
    values = read_settings(**arguments).model_dump(mode="json")
    sources = {
        "argument": arguments,
        "environment": EnvSettingsSource(Settings)(),
        "repoint.toml": TomlConfigSettingsSource(Settings)(),
    }
    rows = [(".".join(path), _shown(value), _origin(path, sources)) for path, value in _leaves(values)]
    print_table(("setting", "value", "origin"), rows)


def _leaves(document: Document, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in document.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _origin(path: tuple[str, ...], sources: dict[str, Document]) -> str:
    return next((origin for origin, document in sources.items() if _has(document, path)), "default")


def _has(document: Any, path: tuple[str, ...]) -> bool:
    """Whether a source says something about the setting, or about the whole group it belongs to as plain text."""
    for name in path:
        if not isinstance(document, dict):
            return True
        if name not in document:
            return False
        document = document[name]
    return True
