"""What providers that lead to Amazon's services have in common, tried with text messages."""

import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from repoint.delivery.aws import call
from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider
from repoint.delivery.routes import shown_providers
from repoint.discover import discover
from repoint.settings import Settings
from tests.delivery.providers.ways import opening
from tests.fixtures.amazon import MESSAGE_ID, REGION, Amazon, error
from tests.fixtures.certificates import serving
from tests.fixtures.messages import sms
from tests.fixtures.receiver import Answer

discover()

TAKEN = Outcome(Status.SUCCESSFUL, 200, f"MessageId: {MESSAGE_ID}", MESSAGE_ID)
NOT_ANSWERED = "the service did not answer as it should"


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """A service that takes everything."""
    with Amazon().running() as amazon:
        yield amazon


@asynccontextmanager
async def sending(options: dict[str, Any]) -> AsyncIterator[Provider]:
    """A provider of text messages with these options."""
    async with opening("sms_aws", options, [])() as provider:
        yield provider


async def send(options: dict[str, Any], messages: Sequence[Message] = (sms(),)) -> list[Outcome]:
    """Send these."""
    async with sending(options) as provider:
        return await provider.send(messages)


def later(detail: str, status_code: int = 500, **more: Any) -> Outcome:
    """A failure after which another provider is asked."""
    return Outcome(Status.TEMPORARY_FAILURE, status_code, detail, **more)


def never(detail: str, status_code: int = 400) -> Outcome:
    """A failure after which nobody is."""
    return Outcome(Status.PERMANENT_FAILURE, status_code, detail)


def throttled(detail: str, **more: Any) -> Outcome:
    return Outcome(Status.THROTTLED, 429, detail, **more)


def doubted(detail: str, status_code: int = 500) -> Outcome:
    return Outcome(Status.UNKNOWN_FAILURE, status_code, f"{detail}; it may have taken the message", is_in_doubt=True)


DENIED = "User: arn:aws:iam::123456789012:user/shop is not authorized to perform: sms-voice:SendTextMessage"
ANSWERS = [
    (error("ThrottlingException", "Rate exceeded"), throttled("ThrottlingException: Rate exceeded")),
    (error("TooManyRequestsException", "slow", status=429), throttled("TooManyRequestsException: slow")),
    (
        error("LimitExceededException", "day", headers={"Retry-After": "9"}),
        throttled("LimitExceededException: day", retry_after_s=9),
    ),
    (
        error("ServiceQuotaExceededException", "no money", Reason="MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"),
        throttled("ServiceQuotaExceededException: no money"),
    ),
    (error("AccessDeniedException", DENIED), never(DENIED, 403)),
    (error("AccessDeniedException", "", status=403), never("AccessDeniedException", 403)),
    (error("MessageRejected", "It has a virus"), never("MessageRejected: It has a virus")),
    (error("BadRequestException", "Illegal\naddress"), never("BadRequestException: Illegal address")),
    (error("MailFromDomainNotVerifiedException", "no"), never("MailFromDomainNotVerifiedException: no")),
    (error("ResourceNotFoundException", "pool", status=404), never("ResourceNotFoundException: pool")),
    (error("ValidationException", "x" * 600, Reason="OTHER"), never(f"ValidationException: {'x' * 479}")),
    (error("ConflictException", "pool", Reason="NO_ORIGINATION_IDENTITIES_FOUND"), never("ConflictException: pool")),
    (
        error("ConflictException", "opted out", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT"),
        Outcome(Status.OPT_OUT, 400, "Destination phone number opted out"),
    ),
    (error("SendingPausedException", "paused"), later("SendingPausedException: paused")),
    (error("AccountSuspendedException", "no"), later("AccountSuspendedException: no")),
    (error("ExpiredTokenException", "expired"), later("ExpiredTokenException: expired")),
    (error("UnrecognizedClientException", "who?"), later("UnrecognizedClientException: who?")),
    (error("InvalidSignatureException", "x-amz-security-token:quoted", status=403), later("InvalidSignatureException")),
    (error("InternalServerException", "oops", status=500), later("InternalServerException: oops")),
    (
        error("ServiceUnavailable", "later", status=503, headers={"Retry-After": "7"}),
        later("ServiceUnavailable: later", retry_after_s=7),
    ),
    (error("SomethingNew", "unheard of"), never("SomethingNew: unheard of")),
    (error("SomethingNew", "unheard of", status=500), later("SomethingNew: unheard of")),
    (Answer(503), later("the service answered 503")),
    (Answer(302, headers={"Location": "http://127.0.0.1:9/"}), later("the service answered 302")),
    (Answer(400, b"<html>go away</html>"), never("the service answered 400")),
    (Answer(502, b"<html>bad gateway</html>"), doubted("the service answered 502")),
    (Answer(504), doubted("the service answered 504")),
    (Answer(200, b"<html>welcome</html>"), doubted("the service answered without a MessageId")),
    (Answer(200, b"[]"), doubted(f"{NOT_ANSWERED} (AttributeError)")),
    (Answer(200, b"{}"), doubted("the service answered without a MessageId")),
    (Answer(200, b'{"MessageId": null}'), doubted("the service answered without a MessageId")),
    (Answer(200, b'{"MessageId": "a\\u0000b"}'), doubted("the service answered without a MessageId")),
    (Answer(200, b'{"MessageId": "%b"}' % (b"x" * 5000)), doubted("the service answered without a MessageId")),
    (Answer(200, b"[" * 200_000), doubted(f"{NOT_ANSWERED} (RecursionError)")),
    (Answer(400, b'{"__type": null, "message": null}'), never("the service answered 400")),
    (Answer(400, b'{"__type": 5}'), doubted(f"{NOT_ANSWERED} (TypeError)")),
    (Answer(is_dropped=True), doubted(f"{NOT_ANSWERED} (ConnectionClosedError)")),
]


async def test_each_answer_is_told_as_what_it_is_and_asked_for_once(amazon: Amazon) -> None:
    numbered = dict(enumerate(ANSWERS, 1))
    amazon.says = lambda _, members: numbered[int(members["DestinationPhoneNumber"][-4:])][0]

    outcomes = await send(amazon.options(connections=4, attempts=1), [sms(number) for number in numbered])

    assert outcomes == [expected for _, expected in ANSWERS]
    assert len(amazon.receiver.received) == len(ANSWERS)


@pytest.mark.parametrize(
    ("first", "calls", "expected"),
    [
        ([error("ThrottlingException", "Rate exceeded")] * 2, 3, TAKEN),
        ([Answer(429)], 2, TAKEN),
        ([error("TooManyRequestsException", "slow")] * 3, 3, throttled("TooManyRequestsException: slow")),
        (
            [error("ThrottlingException", "", headers={"Retry-After": "6"})],
            1,
            throttled("ThrottlingException", retry_after_s=6),
        ),
        ([error("LimitExceededException", "day")], 1, throttled("LimitExceededException: day")),
        ([error("InternalServerException", "oops", status=500)], 1, later("InternalServerException: oops")),
        (
            [error("ThrottlingException", "slow"), Answer(is_dropped=True)],
            2,
            doubted(f"{NOT_ANSWERED} (ConnectionClosedError)"),
        ),
    ],
)
async def test_a_call_is_made_again_only_when_it_came_too_soon(
    amazon: Amazon, monkeypatch: pytest.MonkeyPatch, first: list[Answer], calls: int, expected: Outcome
) -> None:
    monkeypatch.setattr(call, "FIRST_WAIT_S", 0.01)
    answers = iter(first)
    amazon.says = lambda _operation, _members: next(answers, None)

    assert await send(amazon.options()) == [expected]
    assert len(amazon.receiver.received) == calls


async def test_a_service_that_says_nothing_leaves_its_message_in_doubt(amazon: Amazon) -> None:
    is_over = threading.Event()
    amazon.says = lambda _operation, _members: Answer(is_dropped=is_over.wait(5))

    outcomes = await send(amazon.options(answer_timeout_s=0.3))
    is_over.set()

    assert outcomes == [doubted(f"{NOT_ANSWERED} (ReadTimeoutError)", 504)]
    assert len(amazon.receiver.received) == 1


async def test_nobody_there_is_told_apart_from_a_bad_certificate(amazon: Amazon, tmp_path: Path) -> None:
    tls, ca_file = serving("localhost", tmp_path)
    nobody = amazon.options(endpoint_url="http://127.0.0.1:9")
    with Amazon().running(tls) as proved:
        there = proved.options(endpoint_url=f"https://localhost:{proved.receiver.port}")

        outcomes = [
            *await send(nobody),
            *await send(there),
            *await send({**there, "ca_file": ca_file}),
        ]

    assert outcomes == [
        later("the service cannot be reached (EndpointConnectionError)"),
        later("the service cannot be reached (SSLError)"),
        TAKEN,
    ]


async def test_no_more_calls_are_made_at_a_time_than_allowed_and_connections_are_kept(amazon: Amazon) -> None:
    lock, counts = threading.Lock(), {"now": 0, "most": 0}

    def says(_operation: str, _members: Mapping[str, Any]) -> None:
        with lock:
            counts["now"] += 1
            counts["most"] = max(counts.values())
        time.sleep(0.02)
        with lock:
            counts["now"] -= 1

    amazon.says = says

    async with sending(amazon.options(connections=3)) as provider:
        first = await provider.send([sms(number) for number in range(1, 16)])
        second = await provider.send([sms(number) for number in range(16, 21)])

    assert first + second == [TAKEN] * 20
    assert counts["most"] == 3
    assert amazon.receiver.connections == 3


async def test_a_temporary_key_comes_with_its_token_which_nobody_is_told(amazon: Amazon) -> None:
    options = amazon.options()
    options["credentials"]["session_token"] = "token-of-the-session"
    amazon.says = lambda _operation, _members: error("ValidationException", "you said token-of-the-session")

    outcomes = await send(options)

    assert outcomes == [never("ValidationException: you said ***")]
    assert amazon.receiver.received[0].headers["x-amz-security-token"] == "token-of-the-session"


@pytest.mark.usefixtures("bare_environment")
async def test_without_credentials_nobody_is_called(amazon: Amazon) -> None:
    outcomes = await send(amazon.options(credentials=None))

    assert outcomes == [later("no credentials are set for the service")]
    assert amazon.receiver.received == []


async def test_calls_are_signed_for_the_first_of_our_regions_unless_another_is_named(amazon: Amazon) -> None:
    options = amazon.options(region=None)

    async with opening("sms_aws", options, [], Settings(regions=(REGION, "us-east-1")))() as provider:
        assert await provider.send([sms()]) == [TAKEN]


def test_secrets_may_stand_in_the_environment_and_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "REPOINT_PROVIDERS__SES__"
    monkeypatch.setenv(f"{place}KIND", "email_ses")
    monkeypatch.setenv(f"{place}CREDENTIALS__ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv(f"{place}CREDENTIALS__SECRET_ACCESS_KEY", "a-secret")

    shown = shown_providers(Settings())["ses"]

    assert shown["credentials"] == {
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": "**********",
        "session_token": None,
    }
