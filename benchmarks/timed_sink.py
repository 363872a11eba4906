"""A mail server that notes when each message came, in a process of its own: `timed_sink.py FILE`.

The file has a line for each message: seconds since 1970, and the recipient.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """Takes every message."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115 - open until it is killed

    async def handle_DATA(self, _smtp: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's
        """Note a message."""
        self._file.write(f"{time.time()} {envelope.rcpt_tos[0]}\n")
        return "250 2.0.0 Ok"


async def serve(path: str) -> None:
    """Serve until killed; prints the port."""
    loop, sink = asyncio.get_running_loop(), Sink(path)
    server = await loop.create_server(lambda: SMTP(sink, hostname="sink", loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


@contextmanager
def timed_sink(path: Path) -> Iterator[int]:
    """The port of a running one."""
    with subprocess.Popen([sys.executable, __file__, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def arrivals(path: Path) -> list[tuple[float, str]]:
    """When each message came, and to whom, in order."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(float(at), to) for at, to in (line.split(" ", 1) for line in lines if " " in line)]


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
