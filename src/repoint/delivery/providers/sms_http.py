"""Text messages through any gateway with an HTTP API: the request and how its answer is read are options.

The request is a URL, headers, and a form, a query or a JSON document, in which placeholders stand for parts of the
message. Redirects are not followed. A request that was sent and not answered leaves its message in doubt.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, Self
from urllib.parse import urlencode

from msgspec.structs import replace
from pydantic import BaseModel, Field, FilePath, SecretStr, field_validator, model_validator

from repoint.delivery.gateway.answer import Finder, Reading
from repoint.delivery.gateway.callback import CallbackOptions
from repoint.delivery.gateway.template import (
    NAMES,
    NAMES_IN_HEADERS,
    Values,
    check,
    fill_fields,
    fill_json,
    fill_url,
    texts,
    values_of,
)
from repoint.delivery.heard import named
from repoint.delivery.message import Message, Sms
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider
from repoint.web import NoReplyError, Reply, Web, open_web, trust

# More of an answer is not read.
_ANSWER_BYTES = 64 << 10
# No server takes more.
_URL_CHARACTERS = 64 << 10
_TOKEN = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"  # noqa: S105 - a header's name, RFC 9110 section 5.6.2


class SmsHttpOptions(BaseModel, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "sms_http"`."""

    url: str = Field(
        pattern=r"^https?://[^/?#{}@\s]+(/[^#\s]*)?$",
        description="Where requests go; placeholders may stand in its path.",
    )
    method: Literal["POST", "PUT", "GET"] = Field(default="POST", description="The method of a request.")
    query: dict[str, str] = Field(default={}, description="Parameters that are added to the URL.")
    form: dict[str, str] | None = Field(default=None, description="Fields of a form that is the body.")
    json_body: dict[str, Any] | None = Field(default=None, description="A JSON document that is the body.")
    headers: dict[str, SecretStr] = Field(default={}, description="Headers of a request.")
    user: str | None = Field(default=None, min_length=1, description="Who we are (HTTP Basic).")
    password: SecretStr | None = Field(default=None, description="The password of `user`.")
    secrets: dict[str, SecretStr] = Field(default={}, description="Values of the placeholders `{secret.<name>}`.")
    alphabets: dict[Literal["gsm", "ucs2"], str] = Field(
        default={"gsm": "gsm", "ucs2": "ucs2"},
        description="What `{alphabet}` stands for in a text of GSM 03.38 letters only, and in any other.",
    )
    idempotency_header: str | None = Field(
        default=None, pattern=_TOKEN, description="Header that carries the message's id, the same whenever it is sent."
    )
    id_at: str | None = Field(
        default=None,
        description="Where the message's id stands in an answer: `/json/pointer`, or a regular expression.",
    )
    status_at: str | None = Field(default=None, description="Where a word stands that tells how it went, likewise.")
    detail_at: str | None = Field(default=None, description="Where a text stands that explains a failure, likewise.")
    sent: tuple[str, ...] = Field(
        default=(), description="Words, or HTTP statuses, for success; with any, nothing else means it."
    )
    throttled: tuple[str, ...] = Field(default=(), description="Words, or HTTP statuses, that ask to come later.")
    temporary: tuple[str, ...] = Field(default=(), description="Words, or HTTP statuses, for failures that may pass.")
    permanent: tuple[str, ...] = Field(default=(), description="Words, or HTTP statuses, for failures that stay.")
    opted_out: tuple[str, ...] = Field(default=(), description="Words for a recipient who wants no messages.")
    callbacks: CallbackOptions | None = Field(
        default=None, description="How the gateway tells of receipts and messages; docs/gateways.md."
    )
    connections: int = Field(default=16, ge=1, le=1000, description="Most requests of one process at a time.")
    connect_timeout_s: float = Field(default=5, gt=0, description="Seconds to connect.")
    answer_timeout_s: float = Field(
        default=30, gt=0, description="Seconds that the gateway has for an answer; then the message is in doubt."
    )
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of CAs that the gateway may be proved by, beside the public ones."
    )

    @field_validator("alphabets")
    @classmethod
    def _alphabets_are_whole(cls, names: dict[str, str]) -> dict[str, str]:
        if len(names) < 2:  # noqa: PLR2004 - both
            raise ValueError("gsm and ucs2 belong together")
        return names

    @field_validator("id_at", "status_at", "detail_at")
    @classmethod
    def _can_be_looked_for(cls, text: str | None) -> str | None:
        Finder.of(text)
        return text

    @model_validator(mode="after")
    def _request_can_be_made(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if self.form is not None and self.json_body is not None:
            raise ValueError("a request has one body: form or json_body")
        if self.method == "GET" and (self.form is not None or self.json_body is not None):
            raise ValueError("a GET has no body: use query")
        for text in (self.url, *self.query.values(), *texts(self.form), *texts(self.json_body)):
            check(text, NAMES, self.secrets)
        return self

    @model_validator(mode="after")
    def _headers_can_be_sent(self) -> Self:
        for name, secret in self.headers.items():
            text = secret.get_secret_value()
            if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"{name} is no name of a header")
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"the header {name} holds what no header can: line ends, or letters beyond ASCII")
            check(text, NAMES_IN_HEADERS, self.secrets)
        return self

    @model_validator(mode="after")
    def _words_have_one_meaning(self) -> Self:
        lists = [self.sent, self.throttled, self.temporary, self.permanent, self.opted_out]
        words = [word for each in lists for word in each]
        twice = sorted({word for word in words if words.count(word) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} cannot mean two things")
        return self

    def reading(self) -> Reading:
        """How answers are read."""
        meanings = {
            Status.SUCCESSFUL: self.sent,
            Status.THROTTLED: self.throttled,
            Status.TEMPORARY_FAILURE: self.temporary,
            Status.PERMANENT_FAILURE: self.permanent,
            Status.OPT_OUT: self.opted_out,
        }
        words = {word: status for status, each in meanings.items() for word in each}
        finders = (Finder.of(self.id_at), Finder.of(self.status_at), Finder.of(self.detail_at))
        return Reading(words, *finders, needs_word=bool(self.sent))


@provider("sms_http", "SMS", options=SmsHttpOptions)
@asynccontextmanager
async def open_sms_http(options: SmsHttpOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""
    opened = open_web(
        await asyncio.to_thread(trust, options.ca_file),
        connect_timeout_s=options.connect_timeout_s,
        silence_timeout_s=options.answer_timeout_s,
        connections=options.connections,
    )
    async with opened as web:
        yield Gateway(web, options, surroundings.name)


class Gateway:
    """A gateway with our connections to it."""

    def __init__(self, web: Web, options: SmsHttpOptions, name: str) -> None:
        self._web = web
        self._name = name
        self._tells_receipts = options.callbacks is not None and options.callbacks.receipts is not None
        self._options = options
        self._reading = options.reading()
        self._turns = asyncio.Semaphore(options.connections)
        self._secrets = {name: secret.get_secret_value() for name, secret in options.secrets.items()}
        self._headers = {name: secret.get_secret_value() for name, secret in options.headers.items()}
        password = options.password.get_secret_value() if options.password else ""
        self._hidden = [text for text in (*self._secrets.values(), *self._headers.values(), password) if text]

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Provider."""
        return await asyncio.gather(*(self._send(message) for message in messages))

    async def _send(self, message: Message) -> Outcome:
        if not isinstance(message.content, Sms):
            detail = f"an SMS gateway carries text messages, and no {type(message.content).__name__}"
            return Outcome(Status.PERMANENT_FAILURE, 400, detail)
        values = values_of(message, message.content, self._secrets, self._options.alphabets)
        url = self._url(values)
        if len(url) > _URL_CHARACTERS:
            return Outcome(Status.PERMANENT_FAILURE, 400, "the message is too long for the gateway's URL")
        body, content_type = self._body(values)
        headers = self._headers_of(message, values, content_type)
        async with self._turns:
            return await self._ask(url, headers, body)

    async def _ask(self, url: str, headers: dict[str, str], body: bytes | None) -> Outcome:
        options = self._options
        timeout_s = options.connect_timeout_s + options.answer_timeout_s
        try:
            reply = await self._web.ask(
                options.method, url, headers, body, timeout_s=timeout_s, answer_bytes=_ANSWER_BYTES
            )
        except NoReplyError as error:
            return _unanswered(error)
        return self._outcome(reply)

    def _url(self, values: Values) -> str:
        url, query = fill_url(self._options.url, values), urlencode(fill_fields(self._options.query, values))
        if not query:
            return url
        return f"{url}{'&' if '?' in url else '?'}{query}"

    def _headers_of(self, message: Message, values: Values, content_type: str | None) -> dict[str, str]:
        options = self._options
        # An answer that is compressed could grow to any size.
        headers = {"Accept-Encoding": "identity"}
        if content_type is not None:
            headers["Content-Type"] = content_type
        if options.user and options.password:
            known = base64.b64encode(f"{options.user}:{options.password.get_secret_value()}".encode())
            headers["Authorization"] = f"Basic {known.decode('ascii')}"
        if options.idempotency_header is not None:
            headers[options.idempotency_header] = message.id
        given = fill_fields(self._headers, values)
        lower = {name.lower() for name in given}
        return {name: value for name, value in headers.items() if name.lower() not in lower} | given

    def _body(self, values: Values) -> tuple[bytes | None, str | None]:
        """The body, and what it is."""
        if self._options.form is not None:
            form = urlencode(fill_fields(self._options.form, values))
            return form.encode("ascii"), "application/x-www-form-urlencoded"
        if self._options.json_body is not None:
            document = fill_json(self._options.json_body, values)
            return json.dumps(document, ensure_ascii=False).encode(), "application/json"
        return None, None

    def _outcome(self, reply: Reply) -> Outcome:
        text = reply.body.decode("utf-8", "replace")
        outcome = self._reading.outcome(reply.status, reply.headers.get("Retry-After"), text, self._hidden)
        if outcome.is_sent and self._tells_receipts and outcome.provider_message_id is not None:
            return replace(outcome, receipt_ids=(named(self._name, outcome.provider_message_id),))
        return outcome


def _unanswered(error: NoReplyError) -> Outcome:
    if not error.had_left:
        if error.is_late:
            return Outcome(Status.TEMPORARY_FAILURE, 504, "the gateway could not be reached in time")
        return Outcome(Status.TEMPORARY_FAILURE, 500, f"the gateway cannot be reached: {error}")
    if error.is_late:
        return _in_doubt(504, "the gateway did not answer in time")
    return _in_doubt(500, f"the connection to the gateway broke ({error})")


def _in_doubt(status_code: int, why: str) -> Outcome:
    return Outcome(Status.UNKNOWN_FAILURE, status_code, f"{why}; it may have taken the message", is_in_doubt=True)
