"""A worker as a process of its own, for tests that kill or freeze it: `python program.py URL SETTINGS_JSON`.

Exports have small pieces here, so that a few thousand endpoints make many of them.
"""

import asyncio
import sys

from repoint.db.pool import Database
from repoint.discover import discover
from repoint.jobs import exports
from repoint.queue.worker import run_worker
from repoint.settings import Settings

exports.PIECE_ENDPOINTS = 100


async def main(url: str, settings: str) -> None:
    """Work until stopped."""
    discover()
    database = Database(url)
    await database.open()
    await run_worker(database, Settings.model_validate_json(settings))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
