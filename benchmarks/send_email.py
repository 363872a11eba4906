"""E-mail sent over 16 connections to Postfix's `smtp-sink`: messages a second, one process, no database.

The bound is Postfix's own `smtp-source`, written in C: as many messages of the same size, over as many connections, to
the same sink. The messages are made before; each goes to a recipient of its own, and every answer is asked for.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvloop
from figure import Figure, arguments, exit_code
from server import NotMeasured

from repoint.delivery.message import Email, Message
from repoint.delivery.provider import Provider, Surroundings
from repoint.delivery.providers.email_smtp import EmailSmtpOptions, open_email_smtp
from repoint.functions.call import Functions
from repoint.settings import Settings

CONNECTIONS = 16
# As many as a worker has under way, from a few callers at once.
GROUP = 100
CALLERS = 4
SENDER = "bounces@shop.example"
# What smtp-source writes before the bytes that it is asked for.
HEAD_BYTES = 126
PART = b"".join(
    b"line %02d of what somebody wrote to you about your order, as long as lines are\r\n" % n for n in range(24)
)
MIME = (
    b"From: Shop <news@shop.example>\r\nTo: someone@example.com\r\nSubject: Your order is on its way\r\n"
    b"Date: Sat, 02 May 2026 10:00:00 +0000\r\nMessage-ID: <0100016d-bench@shop.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b'--b\r\nContent-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n' + PART + b"\r\n"
    b'--b\r\nContent-Type: text/html; charset="utf-8"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n' + PART + b"\r\n"
    b"--b--\r\n"
)


@contextmanager
def smtp_sink() -> Iterator[int]:
    """The port of a sink of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Started by root it wants to be somebody else.
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    with subprocess.Popen([program("smtp-sink"), *user, f"127.0.0.1:{port}", "1000"]) as process:
        try:
            wait_for(port)
            yield port
        finally:
            process.kill()


def program(name: str) -> str:
    """Where one of Postfix's test programs is; raises NotMeasured without it."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise NotMeasured(f"there is no {name}; it comes with Postfix, which need not run")
    return found


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise NotMeasured("smtp-sink does not listen")


def bound(port: int, count: int) -> float:
    """Messages a second of smtp-source, its start and its end included: they are milliseconds."""
    size = len(MIME) - HEAD_BYTES
    command = f"-d -s {CONNECTIONS} -m {count} -l {size} -f {SENDER} -t someone@example.com 127.0.0.1:{port}"
    started = time.perf_counter()
    subprocess.run([program("smtp-source"), *command.split()], check=True)
    return count / (time.perf_counter() - started)


def product(port: int, count: int) -> float:
    """Messages a second of our own client, its connections being opened included."""
    return uvloop.run(_product(port, count))


async def _product(port: int, count: int) -> float:
    options = EmailSmtpOptions(host="127.0.0.1", port=port, tls="none", connections=CONNECTIONS)
    messages = [
        Message(
            f"m-{n}", "bench", "EMAIL", f"user{n}@example.com", Email(SENDER, MIME, "news@shop.example", "Your order")
        )
        for n in range(count)
    ]
    async with open_email_smtp(options, Surroundings(Settings(), _keep, Functions(Settings()))) as provider:
        started = time.perf_counter()
        await asyncio.gather(*(_send_all(provider, messages[caller::CALLERS]) for caller in range(CALLERS)))
        return count / (time.perf_counter() - started)


async def _send_all(provider: Provider, messages: Sequence[Message]) -> None:
    for start in range(0, len(messages), GROUP):
        outcomes = await provider.send(messages[start : start + GROUP])
        for outcome in outcomes:
            if not outcome.is_sent:
                raise NotMeasured(f"not everything was sent: {outcome.detail}")


async def _keep(_messages: Sequence[Message]) -> None:
    raise NotMeasured("messages were kept instead of sent")


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=40_000)
    figure = Figure("e-mail to smtp-sink", "messages/s", must=1, more_is_better=True)
    with smtp_sink() as port:
        for _ in range(given.runs):
            figure.add(bound(port, given.count), product(port, given.count))
    return exit_code([figure])


if __name__ == "__main__":
    sys.exit(main())
