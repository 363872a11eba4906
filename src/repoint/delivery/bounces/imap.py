"""One visit to a mailbox over IMAP4rev1 (RFC 3501). Every method blocks: it runs on a thread.

Mails are read with PEEK, so that one is marked only when what it tells is safe, and no further than a bounce need be
read, however large it is.
"""

import imaplib
import socket
import ssl
from contextlib import suppress
from typing import Any

from repoint.delivery.bounces.mail import MAX_BYTES
from repoint.tables import BounceMailbox

MOST_MAILS = 500
# So many mails are searched at once, since the library takes no answer of more than a million bytes.
SEARCHED_AT_ONCE = 50_000
_PORTS = {"implicit": 993, "starttls": 143, "none": 143}
# Beside the mail itself there is little in an answer.
_MOST_LITERAL = MAX_BYTES + (64 << 10)

# What the outside does: the connection, TLS, the server's refusals.
FAILURES = (OSError, imaplib.IMAP4.error)


class _Bounded:
    """Takes no longer literals from a server than it was asked for."""

    def read(self, size: int) -> bytes:
        if size > _MOST_LITERAL:
            raise imaplib.IMAP4.abort(f"the server sent {size} bytes at once")
        found: bytes = super().read(size)  # type: ignore[misc] # of the class beside it
        return found


class _Plain(_Bounded, imaplib.IMAP4):
    pass


class _Encrypted(_Bounded, imaplib.IMAP4_SSL):
    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        # The library's own forgets the connection when the server is not who it should be.
        plain = imaplib.IMAP4._create_socket(self, timeout)  # type: ignore[attr-defined] # noqa: SLF001 - see above
        try:
            encrypted: ssl.SSLSocket = self.ssl_context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        return encrypted


class Visit:
    """A connection to the mailbox's folder. Methods raise one of FAILURES."""

    def __init__(self, box: BounceMailbox) -> None:
        self._box = box
        self._server: imaplib.IMAP4 | None = None
        self._capabilities: set[str] = set()
        # Mails in the folder when it was opened.
        self._count = 0
        self._is_closed = False

    def open(self) -> None:
        """Connect, log in, and open the folder."""
        server = self._connect()
        if self._box.tls == "starttls":
            server.starttls(self._trust())
        self._log_in(server)
        _, told = server.capability()
        self._capabilities = {word.upper() for word in _text(told).split()}
        self._count = int(_text(self._do(server.select(_quoted(self._box.folder)))) or 0)

    def close(self) -> None:
        """Break off, from whichever thread: what waits for the server fails."""
        self._is_closed = True
        if self._server is None:
            return
        with suppress(OSError):
            # Before it is closed: a thread that reads keeps it until it is woken.
            self._server.sock.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._server.shutdown()

    def leave(self) -> None:
        """Say good-bye."""
        self._open.logout()

    def unread(self) -> list[str]:
        """The ids of mails that nobody has read, the oldest first, and not very many."""
        found: list[str] = []
        for start in range(1, self._count + 1, SEARCHED_AT_ONCE):
            end = min(start + SEARCHED_AT_ONCE - 1, self._count)
            told = self._do(self._open.uid("SEARCH", f"{start}:{end}", "UNSEEN", "UNDELETED"))
            found += [each for each in _text(told).split() if each.isdigit()]
            if len(found) >= MOST_MAILS:
                break
        return found[:MOST_MAILS]

    def fetch(self, uid: str) -> bytes:
        """The beginning of a mail; empty when it is gone."""
        told = self._do(self._open.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MAX_BYTES}>)"))
        return next((each[1] for each in told if isinstance(each, tuple)), b"")

    def done(self, uid: str, *, is_bounce: bool) -> None:
        """Mark a mail as read, and move it if it was a bounce and there is where to."""
        self._do(self._open.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"))
        if not is_bounce or self._box.done_folder is None:
            return
        folder = _quoted(self._box.done_folder)
        if "MOVE" in self._capabilities:
            self._do(self._open.uid("MOVE", uid, folder))
            return
        self._do(self._open.uid("COPY", uid, folder))
        self._do(self._open.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"))
        # Without ids, EXPUNGE would take what others have marked, too.
        if "UIDPLUS" in self._capabilities:
            self._do(self._open.uid("EXPUNGE", uid))

    @property
    def _open(self) -> imaplib.IMAP4:
        assert self._server is not None  # noqa: S101 - it is opened first
        return self._server

    def _connect(self) -> imaplib.IMAP4:
        box = self._box
        port = box.port or _PORTS[box.tls]
        if box.tls == "implicit":
            server: imaplib.IMAP4 = _Encrypted(box.host, port, ssl_context=self._trust(), timeout=box.timeout_s)
        else:
            server = _Plain(box.host, port, box.timeout_s)
        self._server = server
        if self._is_closed:
            self.close()
        return server

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._box.ca_file is not None:
            context.load_verify_locations(self._box.ca_file)
        return context

    def _log_in(self, server: imaplib.IMAP4) -> None:
        user, password = self._box.user, self._box.password.get_secret_value()
        try:
            if "AUTH=PLAIN" in server.capabilities:
                # It has room for every letter, which LOGIN has not.
                server.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
            else:
                server._encoding = "utf-8"  # type: ignore[attr-defined] # noqa: SLF001 - the library's own, ASCII
                server.login(_quoted(user), password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            told = _text([each if isinstance(each, bytes) else str(each).encode() for each in error.args])
            raise imaplib.IMAP4.error(f"the server does not take user and password: {told[:200]}") from error

    def _do(self, answer: tuple[str, list[Any]]) -> list[Any]:
        """What a command was answered; raises the library's error for a refusal."""
        status, told = answer
        if status != "OK":
            raise imaplib.IMAP4.error(_text(told)[:200] or status)
        return told


def _text(told: list[Any]) -> str:
    return b" ".join(each for each in told if isinstance(each, bytes)).decode("utf-8", "replace")


def _quoted(name: str) -> str:
    """As a quoted string (RFC 3501 section 4.3)."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
