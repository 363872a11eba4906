"""A call of a local function whose process is warm, in ms; the promise is 1.5.

Beside it is printed what a bare echo takes: a process that reads lines as JSON and writes them back over the same
kind of socket, with the same event loop on our side. Both are printed for 50 endpoints of a custom channel, too.
"""

import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from figure import Figure, arguments, exit_code

from repoint.functions.call import Functions, open_functions
from repoint.functions.result import Returned
from repoint.settings import Settings
from repoint.tables import Function

PROMISE_MS = 1.5
HANDLER = "def handler(event, context):\n    return event\n"
ECHO = """
import json, socket, sys
stream = socket.socket(fileno=int(sys.argv[1])).makefile("rwb")
for line in stream:
    stream.write(json.dumps(json.loads(line)).encode() + b"\\n")
    stream.flush()
"""
ENDPOINT = {
    "ChannelType": "EMAIL",
    "Address": "mary.major@example.com",
    "EndpointStatus": "ACTIVE",
    "OptOut": "NONE",
    "Location": {"City": "Seattle", "Country": "USA"},
    "Demographic": {"Make": "OnePlus", "Platform": "android"},
    "Attributes": {"CohortId": ["42"], "plan": ["pro"]},
    "User": {"UserId": "mary", "UserAttributes": {"FirstName": ["Mary"]}},
}
SMALL: dict[str, object] = {"a": "b"}
LARGE: dict[str, object] = {
    "Message": {},
    "Data": "text",
    "Endpoints": {f"endpoint-{number}": ENDPOINT for number in range(50)},
}


async def each_ms(call: Callable[[], Awaitable[object]], count: int) -> float:
    """What one call takes when many follow each other."""
    await call()
    started = time.perf_counter()
    for _ in range(count):
        await call()
    return (time.perf_counter() - started) / count * 1000


async def function_ms(functions: Functions, payload: dict[str, object], count: int) -> float:
    """What one call of the function takes."""
    if await functions.call("echo", payload) != Returned(payload):
        raise SystemExit("the function does not answer")
    return await each_ms(lambda: functions.call("echo", payload), count)


async def echo_ms(payload: dict[str, object], count: int) -> float:
    """What one line there and back takes."""
    ours, theirs = socket.socketpair()
    line = json.dumps(payload).encode() + b"\n"
    with theirs:
        number = theirs.fileno()
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", ECHO, str(number), pass_fds=[number])
    reader, writer = await asyncio.open_unix_connection(sock=ours, limit=1 << 20)

    async def call() -> None:
        writer.write(line)
        await writer.drain()
        await reader.readline()

    found = await each_ms(call, count)
    writer.close()
    await process.wait()
    return found


async def measure(runs: int, count: int) -> int:
    """Measure; the exit code."""
    figure = Figure("warm call of a local function", "ms", must=1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hooks.py"
        file.write_text(HANDLER, encoding="utf-8")
        async with open_functions(Settings(functions={"echo": Function(file=f"{file}:handler")})) as functions:
            for _ in range(runs):
                figure.add(PROMISE_MS, await compared_ms(functions, "10 bytes", SMALL, count))
                await compared_ms(functions, "50 endpoints", LARGE, count)
    return exit_code([figure])


async def compared_ms(functions: Functions, name: str, payload: dict[str, object], count: int) -> float:
    """What one call of the function takes, and print it beside the echo."""
    bare = await echo_ms(payload, count)
    found = await function_ms(functions, payload, count)
    print(f"{name}: bare echo {bare:.2f} ms, function {found:.2f} ms, {found / bare:.1f}x")
    return found


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=1_000)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(given.runs, given.count))


if __name__ == "__main__":
    sys.exit(main())
