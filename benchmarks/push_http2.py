"""Notifications to a local HTTP/2 server with TLS over one connection: messages a second, one process, no database.

The bound is `h2load`, written in C: as many requests with the same body and headers over one connection, as many of
them under way at once, to the same server, which is nghttp2's `nghttpd`. Ours are made from messages, each with its own
header, and every answer is read. What the client library alone makes of such requests is printed beside it.
"""

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import uvloop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from figure import Figure, arguments, exit_code
from send_email import wait_for
from server import NotMeasured

from repoint.channels.kinds import KINDS
from repoint.channels.stored import Channel
from repoint.contract.shapes import ChannelType
from repoint.delivery.message import Message, Push
from repoint.delivery.provider import Provider, Surroundings
from repoint.delivery.providers.push_apns import PushApnsOptions, open_push_apns
from repoint.delivery.push.apns import make_payload
from repoint.functions.call import Functions
from repoint.settings import Settings

STREAMS = 100
# As many as a worker has under way, from a few callers at once.
GROUP = 100
CALLERS = 4
LIBRARY_REQUESTS = 1_000
TOKEN = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"  # noqa: S105 - of a device that never was
PATH = f"/3/device/{TOKEN}"
CONTENT = Push(
    {
        "Title": "Your order is on its way",
        "Body": "It will be there tomorrow between nine and eleven.",
        "Action": "DEEP_LINK",
        "Url": "shop://orders/1",
    },
    {},
    {
        "campaign_id": "0123456789abcdef0123456789abcdef",
        "treatment_id": "0",
        "campaign_activity_id": "0123456789abcdef0123456789abcdef",
    },
    "endpoint-1",
)
HEADERS = {"apns-topic": "com.example.shop", "apns-push-type": "alert", "apns-priority": "10"}


@contextmanager
def nghttpd(folder: Path) -> Iterator[int]:
    """The port of a server that answers 200 to every request for PATH; `ca.pem` in the folder proves it."""
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "ca.pem"]
    subprocess.run([program("openssl"), *command.split(), *names], check=True, cwd=folder, capture_output=True)
    (folder / "root" / PATH[1:]).parent.mkdir(parents=True)
    (folder / "root" / PATH[1:]).touch()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["-a", "127.0.0.1", "-d", str(folder / "root"), "-m", str(STREAMS), str(port), "key.pem", "ca.pem"]
    with subprocess.Popen([program("nghttpd"), *arguments], cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield port
        finally:
            process.kill()


def program(name: str) -> str:
    """Where a program is; raises NotMeasured without it."""
    packages = {"h2load": "nghttp2-client", "nghttpd": "nghttp2-server"}
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise NotMeasured(f"there is no {name}; it comes with Debian's {packages.get(name, name)}")
    return found


def bound(folder: Path, port: int, count: int) -> float:
    """Requests a second of h2load."""
    (folder / "body.json").write_bytes(make_payload(CONTENT)[0])
    headers = [part for name, value in HEADERS.items() for part in ("-H", f"{name}: {value}")]
    command = [program("h2load"), f"-n{count}", "-c1", "-t1", f"-m{STREAMS}", "-d", "body.json", *headers]
    url = f"https://localhost:{port}{PATH}"
    told = subprocess.run([*command, url], check=True, cwd=folder, capture_output=True, text=True).stdout
    rate = re.search(r"finished in .*, ([0-9.]+) req/s", told)
    if rate is None or f"{count} succeeded" not in told:
        raise NotMeasured(f"h2load did not get through: {told}")
    return float(rate[1])


def library(folder: Path, port: int) -> float:
    """Requests a second of the client library."""
    return uvloop.run(_library(folder, port))


async def _library(folder: Path, port: int) -> float:
    trust = ssl.create_default_context(cafile=folder / "ca.pem")
    body, turns = make_payload(CONTENT)[0], asyncio.Semaphore(STREAMS)
    limits = httpx2.Limits(max_connections=1)
    async with httpx2.AsyncClient(http2=True, verify=trust, limits=limits, timeout=60) as client:

        async def post() -> None:
            async with turns:
                answer = await client.post(f"https://localhost:{port}{PATH}", content=body, headers=HEADERS)
            if answer.status_code != 200:  # noqa: PLR2004 - RFC 9110
                raise NotMeasured(f"the client library got {answer.status_code}")

        await post()
        started = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(LIBRARY_REQUESTS)))
        return LIBRARY_REQUESTS / (time.perf_counter() - started)


def product(folder: Path, port: int, count: int) -> float:
    """Messages a second of our own client, its connection being opened included."""
    return uvloop.run(_product(folder, port, count))


async def _product(folder: Path, port: int, count: int) -> float:
    options = PushApnsOptions(url=f"https://localhost:{port}", ca_file=folder / "ca.pem", streams=STREAMS)
    messages = [Message(f"m-{n}", "bench", "APNS", TOKEN, CONTENT) for n in range(count)]
    key = ec.generate_private_key(ec.SECP256R1())
    members = {
        "TokenKey": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "TokenKeyId": "KEY1",
        "TeamId": "TEAM1",
        "BundleId": HEADERS["apns-topic"],
    }
    kind, now = next(kind for kind in KINDS if kind.type == "APNS"), datetime.now(UTC)
    channel = Channel(kind, "bench", True, members, 1, now, now)  # noqa: FBT003 - is_enabled

    async def find(_application_id: str, _channel_type: ChannelType) -> Channel:
        return channel

    async with open_push_apns(options, Surroundings(Settings(), _keep, Functions(Settings()), find)) as provider:
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
    given = arguments(__doc__, count=40_000)
    figure = Figure("notifications over one connection", "messages/s", must=0.2, more_is_better=True)
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as name:
        folder = Path(name)
        with nghttpd(folder) as port:
            for _ in range(given.runs):
                figure.add(bound(folder, port, given.count), product(folder, port, given.count))
                print(f"  the client library alone: {library(folder, port):,.0f} requests/s", flush=True)
    return exit_code([figure])


if __name__ == "__main__":
    sys.exit(main())
