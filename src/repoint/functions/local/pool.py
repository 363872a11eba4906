"""A local function: a file of the user's, run by a few processes that are started on demand and stay warm."""

import asyncio
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from repoint.functions.local.printed import Allowance
from repoint.functions.local.process import Process, Program, UnstartableError, start_process
from repoint.functions.result import Failed, FailureKind, Result
from repoint.tables import Function

# A process that nobody needed for so long is ended.
IDLE_S = 300
# Of the server's environment, what says how programs are found and texts are written.
_BASICS = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


@asynccontextmanager
async def open_local(name: str, function: Function, region: str) -> AsyncIterator["LocalFunction"]:
    """A function with `file`; its processes are started on demand, and ended at the end."""
    local = LocalFunction(name, function, region)
    try:
        yield local
    finally:
        await local.close()


class LocalFunction:
    """The processes of one function."""

    def __init__(self, name: str, function: Function, region: str) -> None:
        self._file, _ = file_of(function)
        self._program = _program(name, function, region)
        self._timeout_s = function.timeout_s
        self._processes = function.processes
        self._free = asyncio.Semaphore(function.processes)
        self._allowance = Allowance()
        # With what the file's time of change was when they started.
        self._running: dict[Process, int] = {}
        # The latest to have been busy comes last, and is the next to be.
        self._idle: list[Process] = []
        self._sweeping: asyncio.Task[None] | None = None

    async def check(self) -> Failed | None:
        """See that the file is there."""
        return None if self._file.is_file() else _missing(self._file)

    async def call(self, arn: str, payload: bytes) -> Result:
        """Call the handler in a process that is free; waits for one as long as a call may take."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._free.acquire()
        except TimeoutError:
            return Failed(FailureKind.THROTTLED, f"all of its processes ({self._processes}) are busy")
        try:
            return await self._call(await self._take(), arn, payload, str(uuid.uuid4()))
        except FileNotFoundError:
            return _missing(self._file)
        except UnstartableError as error:
            return Failed(FailureKind.NOT_FOUND, str(error))
        finally:
            self._free.release()

    async def close(self) -> None:
        """End every process."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._end([*self._running])

    async def _call(self, process: Process, arn: str, payload: bytes, request_id: str) -> Result:
        deadline_ms = int((time.time() + self._timeout_s) * 1000)
        is_fit = False
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await process.call(request_id, arn, payload, deadline_ms)
            is_fit = not process.is_spent
        except TimeoutError:
            return Failed(FailureKind.TIMED_OUT, f"no answer within {self._timeout_s:g} s", may_have_run=True)
        finally:
            if is_fit:
                self._put(process)
            else:
                await asyncio.shield(self._end([process]))
        return result

    async def _take(self) -> Process:
        """A warm process, or a new one; raises FileNotFoundError for a missing file, and UnstartableError."""
        modified_ns = self._file.stat().st_mtime_ns
        while self._idle:
            process = self._idle.pop()
            if self._running[process] == modified_ns and not process.is_spent:
                return process
            await self._end([process])
        process = await start_process(self._program, self._allowance)
        self._running[process] = modified_ns
        return process

    def _put(self, process: Process) -> None:
        process.idle_since = time.monotonic()
        self._idle.append(process)
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep())

    async def _sweep(self) -> None:
        """End processes that nobody needs, until none is left."""
        while self._idle:
            await asyncio.sleep(max(0, self._idle[0].idle_since + IDLE_S - time.monotonic()))
            now = time.monotonic()
            unneeded = [process for process in self._idle if process.idle_since + IDLE_S <= now]
            self._idle = [process for process in self._idle if process not in unneeded]
            await self._end(unneeded)

    async def _end(self, processes: list[Process]) -> None:
        for process in processes:
            self._running.pop(process, None)
        await asyncio.gather(*(process.kill() for process in processes))


def _missing(file: Path) -> Failed:
    return Failed(FailureKind.NOT_FOUND, f"there is no file {file}")


def file_of(function: Function) -> tuple[Path, str]:
    """The path, and the handler in it, of a function with `file`."""
    assert function.file is not None  # noqa: S101 - there are no other local functions
    path, _, handler = function.file.rpartition(":")
    return Path(path).absolute(), handler


def _program(name: str, function: Function, region: str) -> Program:
    file, handler = file_of(function)
    about = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": name,
        "LAMBDA_TASK_ROOT": str(file.parent),
        "_HANDLER": f"{file.stem}.{handler}",
    }
    basics = {name: os.environ[name] for name in _BASICS if name in os.environ}
    given = {name: value.get_secret_value() for name, value in function.env.items()}
    return Program(
        name=name,
        folder=file.parent,
        handler=f"{file.stem}.{handler}",
        python=function.python or sys.executable,
        memory_bytes=function.memory_mb << 20,
        environment={**basics, **about, **given},
    )
