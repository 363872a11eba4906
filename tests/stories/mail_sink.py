"""A mail server in a process of its own, to be killed: `mail_sink.py PORT FILE`.

Each message that it takes is in FILE, as one line of JSON, before it says so. It takes its time for some of them, so
that a kill lands while messages are under way.
"""

import asyncio
import json
import os
import random
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """Takes every message."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._chance = random.Random(0)  # noqa: S311 - pauses, no secrets

    async def handle_DATA(self, _smtp: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's
        """Keep a message."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        told = {"to": envelope.rcpt_tos[0], "id": message["Message-ID"], "subject": message["Subject"]}
        body = message.get_body(("html", "plain"))
        told["text"] = body.get_content() if body else ""
        os.write(self._file, json.dumps(told).encode() + b"\n")
        await asyncio.sleep(self._chance.choice((0, 0, 0.02)))
        return "250 2.0.0 Ok"


async def main(port: int, path: str) -> None:
    """Serve until killed; the first line of the output says that it listens."""
    loop = asyncio.get_running_loop()
    sink = Sink(path)
    server = await loop.create_server(lambda: SMTP(sink, hostname="sink", loop=loop), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - for who started it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
