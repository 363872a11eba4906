"""Text messages to an SMSC by SMPP 3.4, and what it tells: receipts, and messages from people.

The library writes and reads PDUs; connections, windows and answers are ours, since a deliver_sm is to be answered only
when it is committed. The protocol: SMPP Developers Forum, Short Message Peer to Peer Protocol Specification v3.4.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Annotated, Literal, Self

import msgspec
from pydantic import BaseModel, Field, FilePath, SecretStr, field_validator, model_validator

from repoint.delivery.heard import named
from repoint.delivery.message import Message, Sms
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider
from repoint.delivery.smpp.access import Access
from repoint.delivery.smpp.alphabet import Default
from repoint.delivery.smpp.answers import Answered, LostError, Waiting
from repoint.delivery.smpp.binds import Binds, open_binds
from repoint.delivery.smpp.deliver import Ids, answered_id
from repoint.delivery.smpp.ear import Ear
from repoint.delivery.smpp.pdu import Command
from repoint.delivery.smpp.session import FullError, Session
from repoint.delivery.smpp.status import refusal, status_of
from repoint.delivery.smpp.submit import Joins, Kind, Member, Submits, UnfitAddressError
from repoint.delivery.sms_parts import TooLongError
from repoint.settings import Settings

# How often a later part is tried again that the SMSC has no room for: the first one is out already.
_PART_TRIES = 5
# How many connections a message is brought to that end while it waits for its place in the window.
_TRIES = 3
_UNSENT = Outcome(Status.TEMPORARY_FAILURE, 500, "the connection to the SMSC broke before it was sent")
_FULL = Outcome(Status.THROTTLED, 429, "by the rate of its provider its turn would come too late")
_COMMANDS = {
    "transceiver": Command.BIND_TRANSCEIVER,
    "transmitter": Command.BIND_TRANSMITTER,
    "pair": Command.BIND_TRANSMITTER,
}


class SmsSmppOptions(BaseModel, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "sms_smpp"`."""

    host: str = Field(min_length=1, description="The SMSC.")
    port: int = Field(default=2775, ge=1, le=65535, description="Its port.")
    tls: bool = Field(default=False, description="Speak TLS from the beginning; the certificate must be the host's.")
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of CAs that the SMSC may be proved by, beside the public ones."
    )
    system_id: str = Field(default="", max_length=15, description="Who we are.")
    password: SecretStr = Field(default=SecretStr(""), description="Its password, 8 letters by the standard.")
    system_type: str = Field(default="", max_length=12, description="What we are, where the SMSC asks for it.")
    bind: Literal["transceiver", "transmitter", "pair"] = Field(
        default="transceiver",
        description="Send and receive over one connection, send only, or do both over two, for an older SMSC.",
    )
    binds: int = Field(default=1, ge=1, le=100, description="Connections of each process that sends or receives.")
    window: int = Field(default=10, ge=1, le=10_000, description="Submits of one connection that wait for an answer.")
    rate: float | None = Field(
        default=None, gt=0, le=100_000, description="Most submits of one connection in a second; others wait."
    )
    source: str | None = Field(
        default=None,
        max_length=20,
        description="Number, short code or name to send from where a message names none; by default the first in "
        "`sms_numbers`.",
    )
    alphabet: Default = Field(default="gsm", description="The SMSC's default alphabet, which data_coding 0 stands for.")
    joins: Joins = Field(
        default="udh",
        description="How long texts are sent: in parts with a header, with sar_ TLVs, or whole as message_payload.",
    )
    ton_npi: dict[Kind, tuple[int, int]] = Field(
        default={}, description="Type of number and numbering plan by kind of address, `{number: [1, 1]}`."
    )
    tlvs: dict[Member, Annotated[int, Field(ge=0x1400, le=0x3FFF)]] = Field(
        default={},
        description="Vendor's tags for members of a message, `{entity_id: 0x1400, template_id: 0x1401}` in India.",
    )
    receipts: bool = Field(default=True, description="Ask for receipts; without, what was taken counts as delivered.")
    receipt_ids: Ids = Field(
        default="same", description="How ids in texts of receipts are made of those that submits were answered with."
    )
    throttled_s: float = Field(default=1, gt=0, description="Seconds until what was throttled may be tried again.")
    throttled: tuple[int, ...] = Field(default=(), description="More command_status that ask to come later.")
    temporary: tuple[int, ...] = Field(default=(), description="More for failures that may pass.")
    permanent: tuple[int, ...] = Field(default=(), description="More for failures that stay.")
    opted_out: tuple[int, ...] = Field(default=(), description="Those for a recipient who wants no messages.")
    connect_timeout_s: float = Field(default=5, gt=0, description="Seconds to connect.")
    answer_timeout_s: float = Field(
        default=30, gt=0, description="Seconds that the SMSC has for an answer; then the message is in doubt."
    )
    enquire_link_s: float = Field(default=30, gt=0, description="Seconds of silence before the link is tried.")

    @field_validator("ton_npi")
    @classmethod
    def _are_bytes(cls, given: dict[Kind, tuple[int, int]]) -> dict[Kind, tuple[int, int]]:
        if any(not 0 <= value <= 255 for pair in given.values() for value in pair):  # noqa: PLR2004 - a byte
            raise ValueError("types and plans are from 0 to 255")
        return given

    @field_validator("system_id", "password", "system_type")
    @classmethod
    def _can_be_sent(cls, given: str | SecretStr) -> str | SecretStr:
        text = given if isinstance(given, str) else given.get_secret_value()
        if not text.isascii() or "\0" in text:
            raise ValueError("must be ASCII")
        return given

    @model_validator(mode="after")
    def _codes_have_one_meaning(self) -> Self:
        codes = [*self.throttled, *self.temporary, *self.permanent, *self.opted_out]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"{', '.join(map(hex, twice))} cannot mean two things")
        return self

    def statuses(self) -> dict[int, Status]:
        """What the operator says of single codes."""
        meanings = {
            Status.THROTTLED: self.throttled,
            Status.TEMPORARY_FAILURE: self.temporary,
            Status.PERMANENT_FAILURE: self.permanent,
            Status.OPT_OUT: self.opted_out,
        }
        return {code: status for status, codes in meanings.items() for code in codes}


@provider("sms_smpp", "SMS", options=SmsSmppOptions, receives=lambda options: options.bind != "transmitter")
@asynccontextmanager
async def open_sms_smpp(options: SmsSmppOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Bind at once, and stay bound: whoever is bound is told what there is to tell."""
    access = Access(
        options.host,
        options.port,
        await asyncio.to_thread(_trust, options) if options.tls else None,
        _COMMANDS[options.bind],
        options.system_id,
        options.password.get_secret_value(),
        options.system_type,
        options.window,
        options.rate,
        options.connect_timeout_s,
        options.answer_timeout_s,
        options.enquire_link_s,
    )
    ear = Ear(surroundings.hear, surroundings.name, ids=options.receipt_ids, default=options.alphabet)
    async with AsyncExitStack() as stack:
        if options.bind == "pair":
            receiving = replace(access, command=Command.BIND_RECEIVER)
            await stack.enter_async_context(open_binds(receiving, ear.hear, options.binds))
        binds = await stack.enter_async_context(open_binds(access, ear.hear, options.binds))
        yield Smsc(binds, options, surroundings.name, options.source or _first_number(surroundings.settings))


def _first_number(settings: Settings) -> str | None:
    """What a message is sent from that says nothing, nor its channel or provider (channels.md section 5)."""
    return next((number for number in settings.sms_numbers if number != "*"), None)


def _trust(options: SmsSmppOptions) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if options.ca_file is not None:
        context.load_verify_locations(options.ca_file)
    return context


class Smsc:
    """An SMSC with our binds to it."""

    def __init__(self, binds: Binds, options: SmsSmppOptions, name: str, source: str | None) -> None:
        self._binds = binds
        self._options = options
        self._name = name
        self._ids: Ids = options.receipt_ids
        self._statuses = options.statuses()
        self._submits = Submits(
            joins=options.joins,
            default=options.alphabet,
            ton_npi=options.ton_npi,
            source=source,
            receipts=options.receipts,
            tlvs=options.tlvs,
        )

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Provider."""
        outcomes: dict[int, Outcome] = {}
        whole: dict[int, bytes] = {}
        in_parts: dict[int, list[bytes]] = {}
        for number, message in enumerate(messages):
            found = self._pdus(message)
            if isinstance(found, Outcome):
                outcomes[number] = found
            elif len(found) == 1:
                whole[number] = found[0]
            else:
                in_parts[number] = found
        within_s = [message.within_s for message in messages]
        others = asyncio.gather(*(self._send_parts(pdus, within_s[number]) for number, pdus in in_parts.items()))
        outcomes |= await self._send_whole(whole, within_s)
        outcomes |= zip(in_parts, await others, strict=True)
        return [self._with_sender(message, outcomes[number]) for number, message in enumerate(messages)]

    def _with_sender(self, message: Message, outcome: Outcome) -> Outcome:
        sent_from = self._submits.sent_from(message.content) if isinstance(message.content, Sms) else None
        return outcome if sent_from is None else msgspec.structs.replace(outcome, sent_from=sent_from)

    def _pdus(self, message: Message) -> list[bytes] | Outcome:
        if not isinstance(message.content, Sms):
            detail = f"an SMSC carries text messages, and no {type(message.content).__name__}"
            return Outcome(Status.PERMANENT_FAILURE, 400, detail)
        try:
            return self._submits.pdus(message, message.content)
        except TooLongError as error:
            return Outcome(Status.PERMANENT_FAILURE, 400, str(error))
        except UnfitAddressError:
            return Outcome(Status.PERMANENT_FAILURE, 400, "an address of the message does not fit into SMPP")

    async def _send_whole(self, pdus: dict[int, bytes], within_s: Sequence[float | None]) -> dict[int, Outcome]:
        """Messages of one part, all at once: a task for each would cost as much as the rest of it."""
        outcomes: dict[int, Outcome] = {}
        for _ in range(_TRIES):
            if not pdus:
                break
            session = await self._binds.session()
            if isinstance(session, str):
                return outcomes | dict.fromkeys(pdus, Outcome(Status.TEMPORARY_FAILURE, 500, session))
            waiting: dict[int, Waiting] = {}
            for number, pdu in pdus.items():
                least_busy = self._binds.open_session() or session
                waiting[number] = least_busy.submit(pdu, within_s[number])
            await _all_done(waiting.values())
            outcomes |= {number: self._outcome(answered) for number, answered in waiting.items()}
            pdus = {number: pdu for number, pdu in pdus.items() if outcomes[number] is _UNSENT}
        return outcomes

    def _outcome(self, answered: Waiting) -> Outcome:
        error = answered.exception()
        if error is None:
            found = answered.result()
            return self._refused(found) if found.status else self._taken([found])
        if isinstance(error, FullError):
            return _FULL
        assert isinstance(error, LostError)  # noqa: S101 - nothing else is set
        return _in_doubt("the SMSC did not answer") if error.may_be_taken else _UNSENT

    async def _send_parts(self, pdus: Sequence[bytes], within_s: float | None) -> Outcome:
        for _ in range(_TRIES):
            session = await self._binds.session()
            if isinstance(session, str):
                return Outcome(Status.TEMPORARY_FAILURE, 500, session)
            try:
                return await self._submit(session, pdus, within_s)
            except FullError:
                return _FULL
            except LostError as error:
                if error.may_be_taken:
                    return _in_doubt("the SMSC did not answer")
        return _UNSENT

    async def _submit(self, session: Session, pdus: Sequence[bytes], within_s: float | None) -> Outcome:
        """The first part alone, since it tells whether the message is taken at all; then the others together."""
        first = await session.submit(pdus[0], within_s)
        if first.status:
            return self._refused(first)
        try:
            rest = await asyncio.gather(*(self._submit_later(session, pdu) for pdu in pdus[1:]))
        except LostError:
            return _in_doubt("the SMSC did not answer for every part")
        failed = next((each.status for each in rest if each.status), None)
        if failed is not None:
            return _in_doubt(f"the SMSC has the first part and refused another with {failed:#010x}")
        return self._taken([first, *rest])

    def _refused(self, answered: Answered) -> Outcome:
        return refusal(answered.status, self._statuses, self._options.throttled_s)

    async def _submit_later(self, session: Session, pdu: bytes) -> Answered:
        for _ in range(_PART_TRIES - 1):
            found = await session.submit(pdu)
            if status_of(found.status, self._statuses) != Status.THROTTLED:
                return found
            await asyncio.sleep(self._options.throttled_s)
        return await session.submit(pdu)

    def _taken(self, parts: Sequence[Answered]) -> Outcome:
        first = parts[0].message_id
        ids: list[str] = []
        if self._options.receipts:
            ids = [named(self._name, answered_id(part.message_id, self._ids)) for part in parts if part.message_id]
        if len(ids) < len(parts):
            return Outcome(Status.SUCCESSFUL, 200, "", first or None)
        return Outcome(Status.SUCCESSFUL, 200, "", first, receipt_ids=tuple(ids))


async def _all_done(waiting: Collection[Waiting]) -> None:
    if waiting:
        await asyncio.wait(waiting)


def _in_doubt(why: str) -> Outcome:
    return Outcome(Status.UNKNOWN_FAILURE, 504, f"{why}; it may have taken the message", is_in_doubt=True)
