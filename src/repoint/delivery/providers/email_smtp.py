"""E-mail through an SMTP server: your own relay, or a service that speaks SMTP.

Connections are opened as messages come, shared by all messages of the process, and used again; with a server that
offers PIPELINING a message costs one round trip. Only when the server has taken a message is it told as sent; one whose
last byte had left when the connection broke is told as in doubt. A server that offers DSN (RFC 3461) is told the
message's id, which its bounces name.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.utils import parseaddr
from typing import Literal, Self

from msgspec.structs import replace
from pydantic import BaseModel, Field, FilePath, SecretStr, model_validator

from repoint.delivery.message import Email, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider
from repoint.delivery.smtp.dkim import Signer, load_signer
from repoint.delivery.smtp.envelope import UnsendableError, path, sender_path, with_plain_line_ends
from repoint.delivery.smtp.job import Batch, Job
from repoint.delivery.smtp.pool import Pool
from repoint.delivery.smtp.server import Login, Server
from repoint.delivery.smtp.verp import LONGEST_LOCAL, verp_sender

_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
# So many messages are signed before the connections get their turn.
_SIGNED_AT_ONCE = 4


class EmailSmtpOptions(BaseModel, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "email_smtp"`."""

    host: str = Field(min_length=1, description="The server's name or address.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port; by default 587, 465 or 25, as `tls` has it."
    )
    tls: Literal["starttls", "implicit", "none"] = Field(
        default="starttls",
        description="How the connection is encrypted; `none` is for a relay on the same machine or network.",
    )
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of CAs that the server may be proved by, beside the public ones."
    )
    user: str | None = Field(default=None, min_length=1, description="Who we are at the server (AUTH PLAIN or LOGIN).")
    password: SecretStr | None = Field(default=None, description="The password of `user`.")
    allow_plain_auth: bool = Field(
        default=False, description="Send the password although `tls` is `none`, for everybody on the way to read."
    )
    helo_name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.:\[\]-]+$",
        description="How we introduce ourselves; by default the address of our side.",
    )
    connections: int = Field(default=16, ge=1, le=1000, description="Most connections of one process at a time.")
    messages_per_connection: int = Field(
        default=500, ge=1, description="Messages after which a connection is closed and another one opened."
    )
    connect_timeout_s: float = Field(default=10, gt=0, description="Seconds to connect, and again to begin TLS.")
    command_timeout_s: float = Field(default=30, gt=0, description="Seconds that the server has for each reply.")
    data_timeout_s: float = Field(
        default=60, gt=0, description="Seconds that it has to take a message after the last byte; then it is in doubt."
    )
    idle_timeout_s: float = Field(default=20, gt=0, description="Seconds after which an idle connection is closed.")
    bounces_to: str | None = Field(
        default=None,
        pattern=rf"^[A-Za-z0-9._-]{{1,{LONGEST_LOCAL}}}@[A-Za-z0-9.-]+$",
        description="Where bounces go that no message says otherwise for, `bounces@mail.example`: with a plus and the "
        "message's id behind its name, so that every bounce tells which message it is about.",
    )
    tells_of_delivery: bool = Field(
        default=False,
        description="Whether the server tells later what was delivered (Amazon SES, over `sns_topics`); otherwise what "
        "it has taken counts as delivered.",
    )
    dkim_domain: str | None = Field(default=None, min_length=1, description="Sign messages (DKIM) for this domain.")
    dkim_selector: str | None = Field(
        default=None, min_length=1, description="Where its key is published: `<selector>._domainkey.<domain>`."
    )
    dkim_key_file: FilePath | None = Field(
        default=None, description="PEM file with the private key, RSA or Ed25519, without a passphrase."
    )

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if self.user is not None and self.tls == "none" and not self.allow_plain_auth:
            raise ValueError("a password without TLS can be read on the way; set tls, or allow_plain_auth = true")
        return self

    @model_validator(mode="after")
    def _dkim_is_whole(self) -> Self:
        given = [self.dkim_domain, self.dkim_selector, self.dkim_key_file]
        if any(given) and not all(given):
            raise ValueError("dkim_domain, dkim_selector and dkim_key_file belong together")
        self.signer()
        return self

    def signer(self) -> Signer | None:
        """What signs messages; None without the options for it. Raises ValueError for a key that cannot be used."""
        if self.dkim_domain is None or self.dkim_selector is None or self.dkim_key_file is None:
            return None
        return load_signer(self.dkim_domain, self.dkim_selector, self.dkim_key_file)

    def server(self) -> Server:
        """Where messages are taken to."""
        secret = self.password and self.password.get_secret_value()
        login = Login(self.user, secret, may_be_plain=self.allow_plain_auth) if self.user and secret else None
        return Server(
            self.host,
            self.port or _PORTS[self.tls],
            self.tls,
            self._trust(),
            login,
            self.helo_name,
            self.connections,
            self.messages_per_connection,
            self.connect_timeout_s,
            self.command_timeout_s,
            self.data_timeout_s,
            self.idle_timeout_s,
        )

    def _trust(self) -> ssl.SSLContext | None:
        if self.tls == "none":
            return None
        context = ssl.create_default_context()
        if self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        return context


@provider("email_smtp", "EMAIL", options=EmailSmtpOptions)
@asynccontextmanager
async def open_email_smtp(options: EmailSmtpOptions, _surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""
    server, signer = await asyncio.to_thread(lambda: (options.server(), options.signer()))
    pool = Pool(server)
    try:
        yield SmtpProvider(pool, signer, options.bounces_to, tells_of_delivery=options.tells_of_delivery)
    finally:
        await pool.close()


class SmtpProvider:
    """An SMTP server with our connections to it."""

    def __init__(
        self, pool: Pool, signer: Signer | None, bounces_to: str | None = None, *, tells_of_delivery: bool = False
    ) -> None:
        self._pool = pool
        self._signer = signer
        self._bounces_to = bounces_to
        self._tells_of_delivery = tells_of_delivery

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Provider."""
        batch = Batch(len(messages))
        try:
            await self._add(batch, messages)
            outcomes = await batch.outcomes()
        finally:
            # When the caller has gone, what was not begun is not begun any more.
            batch.done.cancel()
        if not self._tells_of_delivery:
            return outcomes
        return [replace(each, tells_of_delivery=each.is_sent) for each in outcomes]

    async def _add(self, batch: Batch, messages: Sequence[Message]) -> None:
        jobs = []
        for number, message in enumerate(messages):
            job = self._job(batch, number, message)
            if isinstance(job, Outcome):
                batch.finish(number, job)
            else:
                jobs.append(job)
            if self._signer is not None and len(jobs) == _SIGNED_AT_ONCE:
                self._pool.add(jobs)
                jobs = []
                await asyncio.sleep(0)
        self._pool.add(jobs)

    def _job(self, batch: Batch, number: int, message: Message) -> Job | Outcome:
        content = message.content
        if not isinstance(content, Email):
            detail = f"an SMTP server carries e-mail, and no {type(content).__name__}"
            return Outcome(Status.PERMANENT_FAILURE, 400, detail)
        try:
            sender = sender_path(self._sender(message.id, content))
            recipient = path(message.address)
        except UnsendableError as error:
            return Outcome(Status.PERMANENT_FAILURE, 400, str(error))
        mime = with_plain_line_ends(content.mime)
        signed = mime if self._signer is None else self._signer.signed(mime)
        return Job(batch, number, message.id, sender, recipient, signed)

    def _sender(self, message_id: str, content: Email) -> str:
        """Where bounces go: where the message says, if it says another address than that of its From."""
        if self._bounces_to is None or not _is_own(content):
            return content.sender
        return verp_sender(self._bounces_to, message_id)


def _is_own(content: Email) -> bool:
    """Whether bounces go to the address in From."""
    written, sender = content.from_address, content.sender
    # A RawEmail may have `news@shop.example (News)`.
    return written == sender or written.endswith(f"<{sender}>") or parseaddr(written)[1] == sender
