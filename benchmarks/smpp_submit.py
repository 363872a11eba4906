"""Text messages submitted to an SMSC by SMPP: submit_sm a second, one process, one bind, a window of 100, no database.

The bound is the library's own client (smpp34), which is written in Rust, with the same bind and window, to the same
SMSC: a program of its own that reads heads and answers. Messages are made before; every answer is waited for.
"""

import asyncio
import gc
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import smpp34
import uvloop
from figure import Figure, arguments, exit_code
from server import NotMeasured

from repoint.delivery.message import Message, Sms
from repoint.delivery.provider import Provider, Surroundings
from repoint.delivery.providers.sms_smpp import SmsSmppOptions, open_sms_smpp
from repoint.functions.call import Functions
from repoint.settings import Settings

WINDOW = 100
# As many as a worker has under way, from a few callers at once.
GROUP = 100
CALLERS = 4
BODY = "Your order 12345 is on its way and will be with you tomorrow between 9 and 12. Reply STOP to end."
SOURCE = "12065550142"


class _Center(asyncio.Protocol):
    """Answers binds, submits and enquiries; nothing of a body is read."""

    def __init__(self) -> None:
        self._buffer = b""
        self._count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        buffer, start, answers = self._buffer + data, 0, []
        while len(buffer) - start >= 16:  # noqa: PLR2004 - a head
            length = int.from_bytes(buffer[start : start + 4], "big")
            if len(buffer) - start < length:
                break
            command = buffer[start + 7]
            body = b""
            if command == 4:  # noqa: PLR2004 - submit_sm
                self._count += 1
                body = b"%010x\0" % self._count
            elif command == 9:  # noqa: PLR2004 - bind_transceiver
                body = b"bench\0"
            size = (16 + len(body)).to_bytes(4, "big")
            answers.append(size + b"\x80\0\0" + bytes([command]) + b"\0\0\0\0" + buffer[start + 12 : start + 16] + body)
            start += length
        self._buffer = buffer[start:]
        self._transport.write(b"".join(answers))  # type: ignore[attr-defined] # of a stream


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Center, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


@contextmanager
def center() -> Iterator[int]:
    """The port of an SMSC of its own."""
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - asked for
            yield int(process.stdout.readline())
        finally:
            process.kill()


async def bound(port: int, count: int) -> float:
    """Submits a second of the library's client."""
    client = smpp34.Client("127.0.0.1", port, "shop", "secret", bind_type="TRX", window_size=WINDOW)
    smsc = await client.connect()
    started = time.perf_counter()
    await asyncio.gather(*(_submit(smsc, count // WINDOW) for _ in range(WINDOW)))
    rate = count // WINDOW * WINDOW / (time.perf_counter() - started)
    await client.stop()
    return rate


async def _submit(smsc: smpp34.Smsc, count: int) -> None:
    text = BODY.encode()
    for number in range(count):
        answer = await smsc.submit_sm(
            f"1206555{number % 10000:04}",
            text,
            source_addr=SOURCE,
            source_addr_ton=1,
            source_addr_npi=1,
            dest_addr_ton=1,
            dest_addr_npi=1,
            registered_delivery=1,
        )
        if not answer.is_success:
            raise NotMeasured("not everything was taken")


async def product(port: int, count: int) -> float:
    """Submits a second of our provider, its bind being made included."""
    options = SmsSmppOptions(host="127.0.0.1", port=port, window=WINDOW, source=f"+{SOURCE}")
    messages = [
        Message(f"m-{n}", "bench", "SMS", f"+1206555{n % 10000:04}", Sms(BODY, "TRANSACTIONAL")) for n in range(count)
    ]
    async with open_sms_smpp(options, Surroundings(Settings(), _keep, Functions(Settings()), "carrier")) as provider:
        started = time.perf_counter()
        await asyncio.gather(*(_send_all(provider, messages[caller::CALLERS]) for caller in range(CALLERS)))
        return count / (time.perf_counter() - started)


async def _send_all(provider: Provider, messages: Sequence[Message]) -> None:
    for start in range(0, len(messages), GROUP):
        for outcome in await provider.send(messages[start : start + GROUP]):
            if not outcome.is_sent:
                raise NotMeasured(f"not everything was sent: {outcome.detail}")


async def _keep(_messages: Sequence[Message]) -> None:
    raise NotMeasured("messages were kept instead of sent")


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, runs=9, count=15_000)
    # The library's threads, by its documents best with few; as a user of it would have them.
    os.environ.setdefault("SMPP34_WORKER_THREADS", "1")
    # As the product's processes have it; what the bound leaves behind costs it nothing, either.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    figure = Figure("submit_sm", "messages/s", must=0.7, more_is_better=True)
    with center() as port:
        for _ in range(given.runs):
            figure.add(uvloop.run(bound(port, given.count)), uvloop.run(product(port, given.count)))
    return exit_code([figure])


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        uvloop.run(_serve())
    sys.exit(main())
