"""What `repoint api` and `repoint worker` have in common: settings with a database, from the user or from `serve`."""

import asyncio
import gc
import socket
import sys
from collections.abc import Coroutine
from typing import Any

from pydantic import SecretStr

from repoint.cli.configure import check_runnable, read_settings
from repoint.cli.mistake import Mistake
from repoint.cli.supervised import take_orders
from repoint.db.embedded import running_url
from repoint.settings import Settings


def process_settings(*, is_supervised: bool, **arguments: Any) -> tuple[Settings, socket.socket | None]:
    """The settings of this process, `database_url` among them, and the listening socket that `serve` handed down.

    Raises Mistake when no database is named and none runs on the data folder.
    """
    if is_supervised:
        orders = take_orders()
        listener = None if orders["listener"] is None else socket.socket(fileno=orders["listener"])
        return read_settings(**orders["settings"]), listener
    settings = check_runnable(read_settings(**arguments))
    if settings.database_url is not None:
        return settings, None
    url = running_url(settings.data_dir)
    if url is None:
        raise Mistake("no database: name one with --database-url, or let `repoint serve` run one on this data folder")
    return settings.model_copy(update={"database_url": SecretStr(url)}), None


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a process's main coroutine to its end, on uvloop where there is one, as the API does."""
    # What was imported stays: looking through it again and again, for garbage, took a twentieth of a worker's time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    if sys.platform == "win32":
        asyncio.run(main)
        return
    import uvloop  # noqa: PLC0415 - not for Windows

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
