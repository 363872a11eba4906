"""The API as a process: uvicorn on a socket that listens already, until it is told to stop."""

import asyncio
import signal
import socket
import ssl
import threading

import uvicorn

from repoint.access.ring import check_master_key
from repoint.db.pool import Database
from repoint.discover import discover
from repoint.http.app import create_app
from repoint.http.connection import connection_class
from repoint.log import configure_logs
from repoint.settings import Settings

# Longer than the minute after which load balancers usually let go, so that they never use a connection just closed.
KEEP_ALIVE_S = 75
# Forward secrecy for TLS 1.2; TLS 1.3 has nothing else.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class ServeError(Exception):
    """The API cannot be served as the settings ask; the text tells why."""


def run_api(settings: Settings, listener: socket.socket) -> None:
    """Serve the API on `listener` until SIGTERM or SIGINT, then let calls under way end for `shutdown_s` seconds.

    Needs `database_url`. Raises ServeError for settings that cannot be served, MasterKeyError when the secrets of the
    database cannot be opened, psycopg's errors when the database cannot be reached.
    """
    if settings.database_url is None:
        raise ServeError("database_url is not set: give it, or run repoint serve, which brings a database")
    configure_logs(settings.log_level)
    discover()
    database = Database(settings.database_url.get_secret_value())
    server = create_server(settings, database)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(settings, database, server, listener))


def create_server(settings: Settings, database: Database) -> uvicorn.Server:
    """A server of the API on `database`, which is open while it runs; it serves the sockets that it is given.

    Raises ServeError for a certificate that cannot be used and for a throttle on an operation that there is not.
    """
    try:
        app = create_app(settings, database)
    except ValueError as error:
        raise ServeError(str(error)) from error
    config = uvicorn.Config(
        app,
        http=connection_class(settings.read_timeout_s),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.shutdown_s,
        workers=1,
    )
    context = _tls(settings)
    if context is not None:
        config.ssl_context_factory = lambda _config, _default: context
    config.load()
    return uvicorn.Server(config)


async def _serve(settings: Settings, database: Database, server: uvicorn.Server, listener: socket.socket) -> None:
    _end_quietly()
    await database.open()
    try:
        async with database.connection() as db:
            await check_master_key(settings, db)
        await server.serve([listener])
    finally:
        await database.close()


def _end_quietly() -> None:
    # The server raises the signal that stopped it once more when it is done, for whoever was there before it. Having
    # stopped as asked is no failure, so nobody is.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: None)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None:
        if settings.tls_key is not None:
            raise ServeError("tls_key is set without tls_certificate")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:  # ssl.SSLError is one
        raise ServeError(f"the certificate {settings.tls_certificate} or its key cannot be used: {error}") from error
    return context
