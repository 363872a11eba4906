"""The counterparts of providers, one way each, that do what the conformance suite asks of them."""

import json
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from msgspec.structs import replace

from repoint.delivery.message import Custom, Message, Voice
from repoint.delivery.provider import KINDS, FindsChannel, Provider, Surroundings, no_channel
from repoint.functions.call import open_functions
from repoint.settings import Settings
from tests.fixtures.amazon import Amazon, error
from tests.fixtures.certificates import serving
from tests.fixtures.mail_server import DROP, SILENCE, MailServer
from tests.fixtures.messages import CUSTOM, PUSH, VOICE, email, other, sms
from tests.fixtures.receiver import Answer, Received, Receiver
from tests.fixtures.smsc import Smsc, running_smsc

# Whatever a provider is told in confidence.
PASSWORD = "hidden-password"


class Does(Enum):
    """What a counterpart does with the messages to one recipient."""

    TAKE = auto()
    # It never will.
    REFUSE = auto()
    # It may later.
    FAIL = auto()
    # It asks for a pause of 120 seconds.
    THROTTLE = auto()
    # It says nothing once it has the message.
    HANG = auto()
    # It breaks the connection off once it has the message.
    DROP = auto()


@dataclass
class Way:
    """A provider, its counterpart, and how to make that do things."""

    opens: Callable[[], AbstractAsyncContextManager[Provider]]
    # A message to the recipient of that number.
    message: Callable[[int], Message]
    # What it cannot carry.
    others: Sequence[Message]
    # By number of the recipient.
    does: defaultdict[int, Does]
    can: frozenset[Does]
    # What has arrived: what names the message, and its recipient's number.
    received: Callable[[], list[tuple[str, int]]]
    # Make it unreachable; None where that is no matter of a connection.
    stop: Callable[[], Awaitable[None]] | None


def opening(
    kind: str,
    options: dict[str, Any],
    kept: list[Message],
    settings: Settings | None = None,
    channel: FindsChannel = no_channel,
) -> Callable[[], AbstractAsyncContextManager[Provider]]:
    """What opens a provider as a process does."""

    async def keep(messages: Sequence[Message]) -> None:
        kept.extend(messages)

    found = KINDS[kind]
    settings = settings or Settings()

    @asynccontextmanager
    async def opens() -> AsyncIterator[Provider]:
        async with open_functions(settings) as functions:
            surroundings = Surroundings(settings, keep, functions, channel)
            async with found.opens(found.options.model_validate(options), surroundings) as provider:
                yield provider

    return opens


@asynccontextmanager
async def email_smtp(folder: Path) -> AsyncIterator[Way]:
    """A mail server with TLS, a login and PIPELINING."""
    does: defaultdict[int, Does] = defaultdict(lambda: Does.TAKE)
    rcpt = {
        Does.REFUSE: "550 5.1.1 no such user",
        Does.FAIL: "451 4.3.0 not now",
        Does.THROTTLE: "451 4.7.1 slow down, wait 120 seconds",
    }
    message = {Does.HANG: SILENCE, Does.DROP: DROP}

    def number(address: str) -> int:
        return int(address.removeprefix("user").partition("@")[0])

    context, ca_file = serving("localhost", folder)
    server = MailServer(
        on_rcpt=lambda address: rcpt.get(does[number(address)]),
        on_message=lambda address: message.get(does[number(address)]),
        logins={"shop": PASSWORD},
    )
    async with server.running(starttls=context, auth_required=True):
        options = {
            "host": "localhost",
            "port": server.port,
            "ca_file": ca_file,
            "user": "shop",
            "password": PASSWORD,
            "connections": 4,
            "data_timeout_s": 0.5,
        }
        yield Way(
            opens=opening("email_smtp", options, []),
            message=email,
            others=[sms(), VOICE, PUSH, CUSTOM],
            does=does,
            can=frozenset(Does),
            received=lambda: [(message_id(mail.content), number(mail.recipient)) for mail in server.received],
            stop=server.stop,
        )


def message_id(content: bytes) -> str:
    """What a mail's header Message-ID says."""
    (line,) = [line for line in content.decode().splitlines() if line.startswith("Message-ID: ")]
    return line.removeprefix("Message-ID: ")


@asynccontextmanager
async def mailbox(_folder: Path) -> AsyncIterator[Way]:
    """The database's mailbox, which takes everything."""
    kept: list[Message] = []
    yield Way(
        opens=opening("mailbox", {}, kept),
        message=email,
        others=[],
        does=defaultdict(lambda: Does.TAKE),
        can=frozenset({Does.TAKE}),
        received=lambda: [(message.id, int(message.id.removeprefix("m-"))) for message in kept],
        stop=None,
    )


@asynccontextmanager
async def sms_http(_folder: Path) -> AsyncIterator[Way]:
    """A gateway that takes forms and answers JSON."""
    does: defaultdict[int, Does] = defaultdict(lambda: Does.TAKE)
    is_over = threading.Event()
    taken: list[tuple[str, int]] = []

    def answer(received: Received) -> Answer:
        number = int(parse_qs(received.body.decode())["To"][0][-4:])
        if does[number] is Does.HANG:
            is_over.wait(5)
        if does[number] in answers:
            return answers[does[number]]
        taken.append((received.headers["idempotency-key"], number))
        return Answer(201, json.dumps({"sid": f"SM{number}", "status": "queued"}).encode())

    answers = {
        Does.REFUSE: Answer(400, json.dumps({"code": 21211, "message": f"bad: {PASSWORD}"}).encode()),
        Does.FAIL: Answer(503),
        Does.THROTTLE: Answer(429, headers={"Retry-After": "120"}),
        Does.HANG: Answer(is_dropped=True),
        Does.DROP: Answer(is_dropped=True),
    }
    receiver = Receiver()
    receiver.answer = answer
    running = ExitStack()
    running.enter_context(receiver.running())
    with running:
        options = {
            "url": f"{receiver.url}/Accounts/shop/Messages.json",
            "form": {"To": "{address}", "Body": "{body}", "From": "{origin}", "Key": "{secret.key}"},
            "user": "shop",
            "password": PASSWORD,
            "secrets": {"key": PASSWORD},
            "idempotency_header": "Idempotency-Key",
            "id_at": "/sid",
            "status_at": "/code",
            "detail_at": "/message",
            # A test server has few connections waiting.
            "connections": 4,
            "answer_timeout_s": 0.7,
        }

        async def stop() -> None:
            running.close()

        yield Way(
            opens=opening("sms_http", options, []),
            message=sms,
            others=[email(), VOICE, PUSH, CUSTOM],
            does=does,
            can=frozenset(Does),
            received=lambda: list(taken),
            stop=stop,
        )
        is_over.set()


def email_ses(_folder: Path) -> AbstractAsyncContextManager[Way]:
    """Amazon SES."""

    def read(members: Mapping[str, Any]) -> tuple[str, int]:
        tags = {tag["Name"]: tag["Value"] for tag in members["EmailTags"]}
        (address,) = members["Destination"]["ToAddresses"]
        return tags["repoint-message-id"], int(address.removeprefix("user").partition("@")[0])

    return amazon("email_ses", {}, email, [sms(), VOICE, PUSH, CUSTOM], read)


def sms_aws(_folder: Path) -> AbstractAsyncContextManager[Way]:
    """End User Messaging."""
    return amazon("sms_aws", {}, sms, [email(), VOICE, PUSH, CUSTOM], read_call)


def voice_aws(_folder: Path) -> AbstractAsyncContextManager[Way]:
    """Calls of End User Messaging."""

    def message(number: int) -> Message:
        return replace(sms(number), channel_type="VOICE", content=Voice("Hi"))

    options = {"origination_identity": "+12065550199"}
    return amazon("voice_aws", options, message, [email(), sms(), PUSH, CUSTOM], read_call)


def read_call(members: Mapping[str, Any]) -> tuple[str, int]:
    """What names the message, and its recipient's number."""
    return members["Context"]["repoint-message-id"], int(members["DestinationPhoneNumber"][-4:])


@asynccontextmanager
async def amazon(
    kind: str,
    options: dict[str, Any],
    message: Callable[[int], Message],
    others: Sequence[Message],
    read: Callable[[Mapping[str, Any]], tuple[str, int]],
) -> AsyncIterator[Way]:
    """A service that looks at signatures."""
    does: defaultdict[int, Does] = defaultdict(lambda: Does.TAKE)
    is_over = threading.Event()
    answers = {
        Does.REFUSE: error("MessageRejected", f"bad: {PASSWORD}"),
        Does.FAIL: error("InternalServerException", "not now", status=500),
        Does.THROTTLE: error("ThrottlingException", "Rate exceeded", headers={"Retry-After": "120"}),
        Does.HANG: Answer(is_dropped=True),
        Does.DROP: Answer(is_dropped=True),
    }

    def says(_operation: str, members: Mapping[str, Any]) -> Answer | None:
        _, number = read(members)
        if does[number] is Does.HANG:
            is_over.wait(5)
        return answers.get(does[number])

    service = Amazon(PASSWORD)
    service.says = says
    running = ExitStack()
    running.enter_context(service.running())

    async def stop() -> None:
        running.close()

    with running:
        yield Way(
            # A test server has few connections waiting.
            opens=opening(kind, service.options(connections=4, answer_timeout_s=0.7, **options), []),
            message=message,
            others=others,
            does=does,
            can=frozenset(Does),
            received=lambda: [read(members) for _, members in service.taken],
            stop=stop,
        )
        is_over.set()


@asynccontextmanager
async def sms_smpp(_folder: Path) -> AsyncIterator[Way]:
    """An SMSC in a process of its own."""
    codes = {Does.TAKE: "take", Does.REFUSE: "0x0b", Does.FAIL: "0x08", Does.THROTTLE: "0x58"}
    with running_smsc(password=PASSWORD) as smsc:
        does = _Doing(smsc, {**codes, Does.HANG: "hang", Does.DROP: "drop"})
        taken: list[tuple[str, int]] = []

        def received() -> list[tuple[str, int]]:
            if smsc.process.poll() is None:
                taken[:] = [(each["text"], int(each["destination"][-4:])) for each in smsc.submits]
            return list(taken)

        async def stop() -> None:
            received()
            smsc.stop()

        options = {
            "host": "127.0.0.1",
            "port": smsc.port,
            "password": PASSWORD,
            # An end of the connection puts in doubt whatever is in its window.
            "window": 1,
            "binds": 4,
            "throttled_s": 120,
            "answer_timeout_s": 0.7,
        }
        yield Way(
            opens=opening("sms_smpp", options, []),
            message=sms,
            others=[email(), VOICE, PUSH, CUSTOM],
            does=does,
            can=frozenset(Does),
            received=received,
            stop=stop,
        )


class _Doing(defaultdict[int, Does]):
    """Tells the SMSC what it is to do."""

    def __init__(self, smsc: Smsc, words: dict[Does, str]) -> None:
        super().__init__(lambda: Does.TAKE)
        self._smsc = smsc
        self._words = words

    def __setitem__(self, number: int, does: Does) -> None:
        super().__setitem__(number, does)
        self._smsc.does(f"1206555{number:04}", self._words[does])


def custom_lambda(_folder: Path) -> AbstractAsyncContextManager[Way]:
    """A function behind a URL, by its name."""
    return custom("custom_lambda", {}, lambda _: "deliver")


def custom_webhook(_folder: Path) -> AbstractAsyncContextManager[Way]:
    """A URL that a campaign names."""
    return custom("custom_webhook", {"timeout_s": 0.7}, lambda url: url)


@asynccontextmanager
async def custom(kind: str, options: dict[str, Any], target: Callable[[str], str]) -> AsyncIterator[Way]:
    """A receiver; each message has an envelope, and so a call, of its own."""
    does: defaultdict[int, Does] = defaultdict(lambda: Does.TAKE)
    is_over = threading.Event()
    taken: list[tuple[str, int]] = []

    def answer(received: Received) -> Answer:
        payload = json.loads(received.body)
        (endpoint_id,) = payload["Endpoints"]
        number = int(endpoint_id.removeprefix("e-"))
        if does[number] is Does.HANG:
            is_over.wait(5)
        if does[number] in answers:
            return answers[does[number]]
        taken.append((f"{payload['ActivityId']}/{endpoint_id}", number))
        return Answer()

    answers = {
        Does.REFUSE: Answer(400, f"bad: {PASSWORD}".encode()),
        Does.FAIL: Answer(503),
        Does.THROTTLE: Answer(429, headers={"Retry-After": "120"}),
        Does.HANG: Answer(is_dropped=True),
        Does.DROP: Answer(is_dropped=True),
    }
    receiver = Receiver()
    receiver.answer = answer
    running = ExitStack()
    running.enter_context(receiver.running())

    async def stop() -> None:
        running.close()

    with running:
        url = f"{receiver.url}/deliver"
        given: dict[str, Any] = {
            "allowed_private_networks": ("127.0.0.0/8",),
            "functions": {"deliver": {"url": url, "timeout_s": 0.7}},
        }

        def message(number: int) -> Message:
            endpoint = {"ChannelType": "CUSTOM", "Address": f"address-{number}"}
            content = Custom(f"e-{number}", endpoint, {"ActivityId": "a-1"}, target(url))
            return other("CUSTOM", content, number)

        yield Way(
            # A test server has few connections waiting.
            opens=opening(kind, {"attempts": 1, "calls": 4, **options}, [], Settings(**given)),
            message=message,
            others=[email(), sms(), VOICE, PUSH],
            does=does,
            can=frozenset(Does),
            received=lambda: list(taken),
            stop=stop,
        )
        is_over.set()


WAYS = {
    "custom_lambda": custom_lambda,
    "custom_webhook": custom_webhook,
    "email_ses": email_ses,
    "email_smtp": email_smtp,
    "mailbox": mailbox,
    "sms_aws": sms_aws,
    "sms_http": sms_http,
    "sms_smpp": sms_smpp,
    "voice_aws": voice_aws,
}
