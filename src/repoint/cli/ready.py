import asyncio
import ssl
from contextlib import suppress

PAUSE_S = 0.05


async def wait_ready(host: str, port: int, *, with_tls: bool) -> None:
    """Wait until the API answers GET /readyz with 200."""
    # Our own process behind our own socket: nothing to verify, and the certificate names another host.
    context = ssl._create_unverified_context() if with_tls else None  # noqa: S323, SLF001 - the reason above
    while True:
        if await _is_ready(host, port, context):
            return
        await asyncio.sleep(PAUSE_S)


async def _is_ready(host: str, port: int, context: ssl.SSLContext | None) -> bool:
    with suppress(OSError):
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        try:
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status = await reader.readline()
            return b" 200 " in status
        finally:
            writer.close()
    return False
