"""Campaigns through the custom channel: endpoints a second to a webhook with TLS on this machine, and to a function.

`repoint serve` with its one worker, ledger and events as they are by default. What must be reached is a number of
endpoints a second, so that stands for the bound. Webhook and function do nothing but answer.
"""

import asyncio
import json
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figure import Figure, arguments, exit_code
from send_campaign import everybody, start, wait
from send_email import wait_for
from server import NotMeasured, Server, serving

MUST_REACH = 5_000
ACCOUNT = "000000000000"
HANDLER = "def handler(event, context):\n    return {}\n"


@contextmanager
def webhook(folder: Path) -> Iterator[int]:
    """The port of a webhook in a process of its own; `ca.pem` in the folder is whom its certificate is from."""
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "ca.pem"]
    try:
        subprocess.run(["openssl", *command.split(), *names], check=True, cwd=folder, capture_output=True)
    except FileNotFoundError:
        raise NotMeasured("there is no openssl to make a certificate with") from None
    with subprocess.Popen([sys.executable, __file__, "webhook", folder], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            port = int(process.stdout.readline())
            wait_for(port)
            yield port
        finally:
            process.kill()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: every request is read and answered with what Pinpoint wants to see."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.lower().split(b"\r\n")
            size = next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)
            await reader.readexactly(size)
            writer.write(
                f"HTTP/1.1 200 OK\r\nX-Amz-Pinpoint-AccountId: {ACCOUNT}\r\nContent-Length: 0\r\n\r\n".encode()
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve_webhook(folder: Path) -> None:
    """Serve until killed; prints the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def rate(server: Server, target: str, count: int) -> float:
    """Endpoints a second of a campaign whose messages go to this target."""
    with server.application() as application_id:
        segment_id = everybody(server, application_id, count)
        started = time.perf_counter()
        campaign_id = start(
            server,
            application_id,
            segment_id,
            MessageConfiguration={"CustomMessage": {"Data": "hello"}},
            CustomDeliveryConfiguration={"DeliveryUri": target, "EndpointTypes": ["EMAIL"]},
        )
        activity = wait(server, application_id, campaign_id)
        took_s = time.perf_counter() - started
    if activity["SuccessfulEndpointCount"] != count:
        raise NotMeasured(f"not everything was delivered: {activity}")
    return count / took_s


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=50_000)
    by_webhook = Figure("campaign to a webhook", "endpoints/s", must=1, aim=1.6, more_is_better=True)
    by_function = Figure("campaign to a function", "endpoints/s", must=1, aim=1.6, more_is_better=True)
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as name, webhook(Path(name)) as port:
        Path(name, "sender.py").write_text(HANDLER, encoding="utf-8")
        settings = {
            "REPOINT_FUNCTIONS": json.dumps({"sender": {"file": f"{name}/sender.py:handler"}}),
            "REPOINT_ALLOWED_PRIVATE_NETWORKS": json.dumps(["127.0.0.0/8", "::1/128"]),
            "REPOINT_WEBHOOK_CA_FILE": f"{name}/ca.pem",
        }
        with serving(settings) as server:
            for _ in range(given.runs):
                by_webhook.add(MUST_REACH, rate(server, f"https://localhost:{port}/", given.count))
                by_function.add(MUST_REACH, rate(server, "sender", given.count))
    return exit_code([by_webhook, by_function])


if __name__ == "__main__":
    if sys.argv[1:2] == ["webhook"]:
        asyncio.run(serve_webhook(Path(sys.argv[2])))
    else:
        sys.exit(main())
