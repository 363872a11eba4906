"""The beginning of a session: connecting, EHLO, TLS and AUTH, until messages can be sent."""

import asyncio
import base64
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from repoint.delivery.smtp.line import Line, LostError, TimedOutError
from repoint.delivery.smtp.reply import Reply
from repoint.delivery.smtp.server import Login, Server

_READY = 220
_GO_ON = 334


class NoSessionError(Exception):
    """The server could not be entered. The text tells why; it holds no secret, and no reply to a password."""


class NoAnswerError(NoSessionError):
    """It took too long."""


class Extensions(dict[str, str]):
    """What the server offers beyond plain SMTP: keyword in upper case → its parameters."""

    @property
    def size_limit_bytes(self) -> int | None:
        """The largest message it takes; None when it does not say."""
        limit = self.get("SIZE", "").strip()
        return int(limit) or None if limit.isdecimal() else None

    @property
    def mechanisms(self) -> list[str]:
        """How one may log in."""
        return self.get("AUTH", "").upper().split()


async def open_line(server: Server) -> tuple[Line, Extensions]:
    """A connection on which messages can be sent; raises NoSessionError."""
    with _explained(server):
        async with asyncio.timeout(server.connect_timeout_s):
            talk = await _connect(server)
        try:
            extensions = await _enter(talk, server)
            talk.check()
        except BaseException:
            talk.line.lose(LostError("given up"))
            raise
    return talk.line, extensions


class Talk:
    """Commands that wait for their reply, one after another."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._heard: deque[Reply] = deque()
        self._waiting: asyncio.Future[Reply] | None = None
        self._why: LostError | None = None
        self.line = Line()
        self.line.listener = self

    def replied(self, reply: Reply) -> None:
        """See Listener."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)
        else:
            self._heard.append(reply)

    def overdue(self) -> None:
        """See Listener."""
        self.line.lose(TimedOutError("the server did not answer in time"))

    def lost(self, why: LostError) -> None:
        """See Listener."""
        self._why = why
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(why)

    async def say(self, command: str) -> Reply:
        """Send a command and wait for the reply. Raises LostError."""
        self.check()
        self.line.write(command.encode() + b"\r\n")
        return await self.hear()

    async def hear(self) -> Reply:
        """The next reply, whether it was asked for or not. Raises LostError."""
        if self._heard:
            return self._heard.popleft()
        self.check()
        self._waiting = asyncio.get_running_loop().create_future()
        self.line.wait(self._timeout_s)
        try:
            return await self._waiting
        finally:
            self._waiting = None

    def check(self) -> None:
        """Raise LostError when the connection has ended."""
        if self._why is not None:
            raise self._why

    @property
    def is_silent(self) -> bool:
        """Whether the server has said nothing that was not heard."""
        return not self._heard and self.line.is_silent


async def _connect(server: Server) -> Talk:
    loop = asyncio.get_running_loop()
    talk = Talk(server.command_timeout_s)
    tls = server.trust if server.tls == "implicit" else None
    name = None if tls is None else server.host
    await loop.create_connection(lambda: talk.line, server.host, server.port, ssl=tls, server_hostname=name)
    return talk


async def _enter(talk: Talk, server: Server) -> Extensions:
    greeting = await talk.hear()
    if greeting.code != _READY:
        raise NoSessionError(f"the server does not want us: {greeting}")
    extensions = await _hello(talk, server)
    if server.tls == "starttls":
        await _start_tls(talk, server, extensions)
        # What was offered before could have been anybody's words.
        extensions = await _hello(talk, server)
    if server.login is not None:
        await _log_in(talk, server, server.login, extensions)
    return extensions


async def _hello(talk: Talk, server: Server) -> Extensions:
    name = server.helo_name or _address_literal(talk)
    reply = await talk.say(f"EHLO {name}")
    if reply.is_good:
        return _extensions(reply)
    reply = await talk.say(f"HELO {name}")
    if not reply.is_good:
        raise NoSessionError(f"the server refused HELO: {reply}")
    return Extensions()


def _address_literal(talk: Talk) -> str:
    address = str(talk.line.transport.get_extra_info("sockname")[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _extensions(reply: Reply) -> Extensions:
    offered = Extensions()
    for line in reply.text.split("\n")[1:]:
        # Some say "AUTH=PLAIN" beside or instead of "AUTH PLAIN".
        keyword, _, parameters = line.replace("AUTH=", "AUTH ", 1).partition(" ")
        known = offered.get(keyword.upper())
        offered[keyword.upper()] = parameters if known is None else f"{known} {parameters}"
    return offered


async def _start_tls(talk: Talk, server: Server, extensions: Extensions) -> None:
    if "STARTTLS" not in extensions:
        raise NoSessionError("the server does not offer STARTTLS")
    reply = await talk.say("STARTTLS")
    if reply.code != _READY:
        raise NoSessionError(f"the server refused STARTTLS: {reply}")
    if not talk.is_silent:
        raise NoSessionError("the server, or somebody between, spoke on before TLS had begun")
    async with asyncio.timeout(server.connect_timeout_s):
        transport = await asyncio.get_running_loop().start_tls(
            talk.line.transport,
            talk.line,
            server.trust,  # type: ignore[arg-type] # there is one, see Server
            server_hostname=server.host,
        )
    if transport is None:
        raise NoSessionError("the server closed the connection")
    talk.line.use(transport)


async def _log_in(talk: Talk, server: Server, login: Login, extensions: Extensions) -> None:
    if server.tls == "none" and not login.may_be_plain:
        raise NoSessionError("passwords are sent over TLS only")
    if "PLAIN" in extensions.mechanisms:
        reply = await talk.say("AUTH PLAIN " + _base64(f"\0{login.user}\0{login.password}"))
    elif "LOGIN" in extensions.mechanisms:
        reply = await talk.say("AUTH LOGIN")
        for secret in (login.user, login.password):
            if reply.code == _GO_ON:
                reply = await talk.say(_base64(secret))
    else:
        raise NoSessionError("the server offers neither AUTH PLAIN nor AUTH LOGIN")
    if not reply.is_good:
        # Its text is left out: there are servers that repeat what they were told.
        raise NoSessionError(f"the server refused our login with {reply.code}")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


@contextmanager
def _explained(server: Server) -> Iterator[None]:
    where = f"{server.host}:{server.port}"
    try:
        yield
    except NoSessionError as error:
        raise type(error)(f"{where}: {error}") from error
    except (TimeoutError, TimedOutError) as error:
        raise NoAnswerError(f"{where}: the server did not answer in time") from error
    except LostError as error:
        raise NoSessionError(f"{where}: {error}") from error
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "no common language"
        raise NoSessionError(f"{where}: TLS failed: {reason}") from error
    except (OSError, UnicodeError) as error:  # a host's name can be one that nobody can have
        raise NoSessionError(
            f"{where}: {getattr(error, 'strerror', None) or str(error) or type(error).__name__}"
        ) from error
