"""The process of a local function from our side: started, called, listened to, killed. `child.py` is the other side."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import msgspec

from repoint.functions.local.printed import Allowance, Printed
from repoint.functions.result import MOST_BYTES, Failed, FailureKind, Result, returned, thrown

_CHILD = Path(__file__).with_name("child.py")
_CHUNK_BYTES = 64 << 10
# What a process that has closed its socket may take to end.
_ENDING_S = 1
# What a process that has ended may have answered and printed last comes within this time.
_LAST_WORDS_S = 0.2


@dataclass(frozen=True, slots=True)
class Program:
    """What processes of one function run."""

    name: str
    folder: Path
    # `module.function`.
    handler: str
    python: str
    memory_bytes: int
    environment: Mapping[str, str]


class UnstartableError(Exception):
    """A process could not be started; the text tells why."""


class _Head(msgspec.Struct):
    """The line before the `size` bytes of a message."""

    kind: Literal["response", "error", "init"]
    id: str
    size: Annotated[int, msgspec.Meta(ge=0)]


class Process:
    """A running process; it takes one call at a time. Made by `start_process`, and always to be killed at the end."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        output: "_Output",
        lifeline: BinaryIO,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._output = output
        # While this is open the process lives.
        self._lifeline = lifeline
        self._is_killed = False
        self._is_spent = False
        self._watching = asyncio.create_task(self._watch())
        self.idle_since = 0.0

    @property
    def is_spent(self) -> bool:
        """Whether it takes no further call."""
        return self._is_spent or self._process.returncode is not None or self._reader.at_eof()

    async def call(self, request_id: str, arn: str, payload: bytes, deadline_ms: int) -> Result:
        """Have the handler called; whatever fails is told, but for the time it takes."""
        self._output.printed.begin(request_id)
        head = {"id": request_id, "arn": arn, "deadline_ms": deadline_ms, "size": len(payload)}
        try:
            self._writer.write(msgspec.json.encode(head) + b"\n" + payload)
            await self._writer.drain()
            while True:
                found, body = await self._read()
                # Another one's is the answer of a copy, or of a thread, that came late.
                if found.id in {request_id, ""}:
                    break
        except (EOFError, ConnectionError):
            self._is_spent = True
            return Failed(FailureKind.CRASHED, await self._ending())
        except (ValueError, msgspec.MsgspecError):
            self._is_spent = True
            return Failed(FailureKind.CRASHED, "the process did not keep to the protocol")
        if body is None:
            return Failed(FailureKind.TOO_LARGE, f"the answer, {found.size} bytes, has more than {MOST_BYTES}")
        # A process whose handler cannot be loaded ends by itself.
        self._is_spent = found.kind == "init"
        return returned(body) if found.kind == "response" else thrown(body)

    async def _read(self) -> tuple[_Head, bytes | None]:
        """The next message, without its body when that is too large; raises EOFError, and ValueError for nonsense."""
        line = await self._reader.readline()
        if not line:
            raise EOFError
        head = msgspec.json.decode(line, type=_Head)
        if head.size <= MOST_BYTES:
            return head, await self._reader.readexactly(head.size)
        left = head.size
        while left:
            chunk = await self._reader.read(min(left, _CHUNK_BYTES))
            if not chunk:
                raise EOFError
            left -= len(chunk)
        return head, None

    async def _ending(self) -> str:
        """How the process ended, in words."""
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._process.wait()), _ENDING_S)
        code = self._process.returncode
        if code is None:
            return "the process closed its connection"
        return f"the process was killed by signal {-code}" if code < 0 else f"the process ended with exit code {code}"

    async def kill(self) -> None:
        """End it and whatever it started, at once."""
        self._kill_group()
        self._lifeline.close()
        await self._process.wait()
        self._watching.cancel()
        self._writer.transport.abort()
        await self._output.close()

    async def _watch(self) -> None:
        """When it ends by itself, end what it leaves behind, and the call that it is in."""
        await self._process.wait()
        self._kill_group()
        # What it answered last may be on its way; a daemon that it left may hold the socket open for ever.
        await asyncio.sleep(_LAST_WORDS_S)
        self._writer.transport.abort()

    def _kill_group(self) -> None:
        # Once, as the number may be another's some time later.
        if not self._is_killed:
            self._is_killed = True
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


class _Output(asyncio.Protocol):
    """What a process prints, standard output and errors in one."""

    def __init__(self, printed: Printed) -> None:
        self.printed = printed
        self._transport: asyncio.BaseTransport
        self._is_over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.printed.take(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._is_over.set()

    async def close(self) -> None:
        """Listen to the last words of a process that has ended, unless a daemon that it left goes on."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_over.wait(), _LAST_WORDS_S)
        self._transport.close()
        self.printed.end()


async def start_process(program: Program, allowance: Allowance) -> Process:
    """Start a process; raises UnstartableError."""
    loop = asyncio.get_running_loop()
    with ExitStack() as theirs, ExitStack() as ours:
        # Each of ours is kept if all goes well; theirs are inherited.
        our_socket, their_socket = socket.socketpair()
        ours.callback(our_socket.close)
        theirs.callback(their_socket.close)
        their_input, our_input = os.pipe()
        lifeline = ours.enter_context(os.fdopen(our_input, "wb"))
        theirs.callback(os.close, their_input)
        our_output, their_output = os.pipe()
        output_file = ours.enter_context(os.fdopen(our_output, "rb", buffering=0))
        theirs.callback(os.close, their_output)
        try:
            process = await asyncio.create_subprocess_exec(
                program.python,
                str(_CHILD),
                str(their_socket.fileno()),
                program.handler,
                str(program.memory_bytes),
                str(_packages()),
                stdin=their_input,
                stdout=their_output,
                stderr=their_output,
                cwd=program.folder,
                env=program.environment,
                pass_fds=(their_socket.fileno(),),
                # What it starts is killed with it.
                start_new_session=True,
            )
        except OSError as error:
            raise UnstartableError(f"{program.python} cannot be run: {error.strerror or error}") from error
        output = _Output(Printed(program.name, allowance))
        await loop.connect_read_pipe(lambda: output, output_file)
        reader, writer = await asyncio.open_unix_connection(sock=our_socket, limit=1 << 20)
        ours.pop_all()
        return Process(process, reader, writer, output, lifeline)


def _packages() -> Path:
    """The folder that awslambdaric was installed in."""
    spec = find_spec("awslambdaric")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"awslambdaric is not installed for {sys.executable}")
    return Path(spec.origin).parent.parent
