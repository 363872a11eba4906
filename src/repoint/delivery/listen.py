"""Every worker holds those providers open that are told things unasked, also while nothing is sent."""

import asyncio

from repoint.delivery.opened import providers_of
from repoint.queue import TaskContext
from repoint.queue.beside import runs_beside

# Until a provider is opened again that could not be.
RETRY_S = 5.0


@runs_beside
async def listen(context: TaskContext) -> None:
    """Until the worker is stopped."""
    providers = providers_of(context.database, context.settings)
    while True:
        await providers.open_receiving()
        await asyncio.sleep(RETRY_S)
