"""Keeps processes running: starts them, starts again what dies, pausing longer each time, and stops them at the end.

A child gets its orders as one line of JSON on its standard input, which then stays open. Its end tells the child that
the supervisor is gone, however that went, and the child stops itself (`supervised.py`). A child is started before its
orders are known: it reads its modules while the database comes up.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from repoint.cli.mistake import Mistake

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
# Who ran this long is well again, and dies for a new reason.
WELL_AFTER_S = 30.0

Orders = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep running: `repoint <arguments>`, with the orders of the moment.

    `listener` is the descriptor of a listening socket that it inherits; the orders tell it under that name.
    """

    name: str
    arguments: tuple[str, ...]
    orders: Callable[[], Awaitable[Orders]]
    listener: int | None = None


async def keep_running(program: Program, *, grace_s: float, is_settled: Callable[[], bool]) -> None:
    """Run the program, again after each of its deaths, until cancelled; then stop it.

    It has `grace_s` seconds to end after SIGTERM, before it is killed. A death before `is_settled` is a Mistake: what
    does not even start will not do so the next time.
    """
    clock = asyncio.get_running_loop().time
    pause_s = FIRST_PAUSE_S
    while True:
        started = clock()
        code = await run_once(program, grace_s=grace_s)
        if not is_settled():
            raise Mistake(f"the {program.name} process {ending(code)} while starting; its own words stand above")
        if clock() - started > WELL_AFTER_S:
            pause_s = FIRST_PAUSE_S
        log.warning("The %s process %s; it is started again in %g s", program.name, ending(code), pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


async def run_once(program: Program, *, grace_s: float) -> int:
    """Run the program to its end; its exit code, or minus the signal that killed it. Stops it when cancelled."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "repoint.cli.main", *program.arguments),
        stdin=asyncio.subprocess.PIPE,
        # Standard output is the supervisor's own: it holds the lines to paste, and whoever reads those may stop then.
        stdout=sys.stderr,
        pass_fds=() if program.listener is None else (program.listener,),
        # Ctrl-C in a terminal goes to the supervisor alone, which stops all others in order.
        start_new_session=True,
    )
    try:
        await _give(process, {"settings": await program.orders(), "listener": program.listener})
        return await process.wait()
    finally:
        await asyncio.shield(_stop(process, grace_s))


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


async def _give(process: asyncio.subprocess.Process, orders: Orders) -> None:
    assert process.stdin is not None  # noqa: S101 - it was asked for
    process.stdin.write(json.dumps(orders).encode() + b"\n")
    # A child that has died already says why itself, and its exit code is what counts.
    with suppress(ConnectionError):
        await process.stdin.drain()


async def _stop(process: asyncio.subprocess.Process, grace_s: float) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), grace_s)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
