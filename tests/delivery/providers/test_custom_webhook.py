"""Custom messages to URLs: what is posted, in which batches, how often, and what answers mean."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from repoint.delivery.message import Custom, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Surroundings
from repoint.delivery.providers.custom_webhook import CustomWebhookOptions, open_custom_webhook
from repoint.functions import call as module
from repoint.functions.call import open_functions
from repoint.settings import Settings
from tests.fixtures.messages import other
from tests.fixtures.receiver import Answer, Receiver

ENVELOPE = {
    "Message": {},
    "Data": '{"text": "Grüße"}',
    "ApplicationId": "3a9b",
    "CampaignId": "1397",
    "TreatmentId": "0",
    "ActivityId": "575c",
    "ScheduledTime": "2020-04-08T19:00:16.843Z",
}
ENDPOINT = {
    "ChannelType": "EMAIL",
    "Address": "mary.major@example.com",
    "EndpointStatus": "ACTIVE",
    "OptOut": "NONE",
    "Attributes": {"CohortId": ["42"]},
    "User": {},
}
DELIVERED = Outcome(Status.SUCCESSFUL, 200, "delivered")
NO_URL = Outcome(
    Status.PERMANENT_FAILURE,
    400,
    "DeliveryUri is no https:// URL of letters, digits and - . _ ~ ? / # : ; only, and a function is called by a "
    "provider of the kind custom_lambda",
)


async def send(messages: Sequence[Message], networks: Any = ("127.0.0.0/8",), **options: Any) -> list[Outcome]:
    """Send these, by default with the test's own network allowed."""

    async def keep(_: object) -> None:
        raise AssertionError("custom messages go out")

    settings = Settings(allowed_private_networks=networks)
    given = CustomWebhookOptions.model_validate(options)
    async with (
        open_functions(settings) as functions,
        open_custom_webhook(given, Surroundings(settings, keep, functions)) as provider,
    ):
        return await provider.send(messages)


def message(
    target: str, endpoint_id: str = "1dbc", envelope: dict[str, Any] = ENVELOPE, endpoint: dict[str, Any] = ENDPOINT
) -> Message:
    return other("CUSTOM", Custom(endpoint_id, endpoint, envelope, target))


def ids(receiver: Receiver) -> list[list[str]]:
    """The endpoints of each request."""
    return [list(json.loads(received.body)["Endpoints"]) for received in receiver.received]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(module, "WAITS_S", (0.0, 0.0))


async def test_the_payload_is_the_contracts(receiver: Receiver) -> None:
    outcomes = await send([message(f"{receiver.url}/hook?a;b", "1dbc"), message(f"{receiver.url}/hook?a;b", "2ecd")])

    assert outcomes == [DELIVERED] * 2
    (received,) = receiver.received
    assert (received.method, received.path) == ("POST", "/hook?a;b")
    assert received.headers["content-type"] == "application/json"
    endpoint = (
        '{"ChannelType":"EMAIL","Address":"mary.major@example.com","EndpointStatus":"ACTIVE","OptOut":"NONE",'
        '"Attributes":{"CohortId":["42"]},"User":{}}'
    )
    assert received.body.decode() == (
        '{"Message":{},"Data":"{\\"text\\": \\"Grüße\\"}","ApplicationId":"3a9b","CampaignId":"1397","TreatmentId":"0",'
        '"ActivityId":"575c","ScheduledTime":"2020-04-08T19:00:16.843Z",'
        f'"Endpoints":{{"1dbc":{endpoint},"2ecd":{endpoint}}}}}'
    )


async def test_a_request_has_fifty_endpoints_at_most(receiver: Receiver) -> None:
    outcomes = await send([message(receiver.url, f"e-{number}") for number in range(101)])

    assert outcomes == [DELIVERED] * 101
    assert sorted(map(len, ids(receiver))) == [1, 50, 50]
    assert {each for batch in ids(receiver) for each in batch} == {f"e-{number}" for number in range(101)}


async def test_a_request_has_six_megabytes_at_most(receiver: Receiver) -> None:
    large = {"Address": "x" * (4 << 20)}

    outcomes = await send([message(receiver.url, name, endpoint=large) for name in ("e-1", "e-2")])

    assert outcomes == [DELIVERED] * 2
    assert sorted(ids(receiver)) == [["e-1"], ["e-2"]]


async def test_an_endpoint_that_is_too_large_is_refused_by_itself(receiver: Receiver) -> None:
    large = {"Address": "x" * (6 << 20)}

    outcomes = await send([message(receiver.url, "e-1", endpoint=large), message(receiver.url, "e-2")])

    assert [(each.status, each.status_code) for each in outcomes] == [
        (Status.PERMANENT_FAILURE, 413),
        (Status.SUCCESSFUL, 200),
    ]
    assert ids(receiver) == [["e-2"]]


async def test_messages_of_different_runs_targets_and_one_endpoint_travel_apart(receiver: Receiver) -> None:
    other_run = {**ENVELOPE, "ActivityId": "other"}
    sent = [
        message(f"{receiver.url}/a", "e-1"),
        message(f"{receiver.url}/a", "e-1"),
        message(f"{receiver.url}/a", "e-2"),
        message(f"{receiver.url}/b", "e-1"),
        message(f"{receiver.url}/a", "e-1", other_run),
    ]

    outcomes = await send(sent)

    assert outcomes == [DELIVERED] * 5
    told = [
        (each.path, json.loads(each.body)["ActivityId"], len(json.loads(each.body)["Endpoints"]))
        for each in receiver.received
    ]
    assert sorted(told) == [("/a", "575c", 1), ("/a", "575c", 2), ("/a", "other", 1), ("/b", "575c", 1)]


@pytest.mark.parametrize(
    "answer", [Answer(200, b"OK"), Answer(204), Answer(202, b'"later"'), Answer(200, b"x" * 6_291_457)]
)
async def test_any_2xx_is_a_success_whatever_it_says(receiver: Receiver, answer: Answer) -> None:
    receiver.answer = lambda _: answer

    assert await send([message(receiver.url)]) == [DELIVERED]
    assert len(receiver.received) == 1


async def test_attributes_of_an_answer_are_each_endpoints_own(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, b'{"e-2": {"EventAttributes": {"status": "ok"}}, "e-3": {}}')

    first, second = await send([message(receiver.url, "e-1"), message(receiver.url, "e-2")])

    assert (first, second.event_attributes) == (DELIVERED, {"status": "ok"})


@pytest.mark.usefixtures("hasty")
async def test_what_may_pass_is_tried_three_times(receiver: Receiver) -> None:
    left = [503, 429, 201]
    receiver.answer = lambda _: Answer(left.pop(0))

    assert await send([message(receiver.url, f"e-{number}") for number in range(2)]) == [DELIVERED] * 2
    assert ids(receiver) == [["e-0", "e-1"]] * 3
    assert len({each.body for each in receiver.received}) == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("answer", "requests", "expected"),
    [
        (Answer(500), 3, Outcome(Status.TEMPORARY_FAILURE, 500, "unreachable: 127.0.0.1 answered 500")),
        (Answer(429), 3, Outcome(Status.THROTTLED, 429, "throttled: 127.0.0.1 answered 429")),
        (Answer(301), 1, Outcome(Status.PERMANENT_FAILURE, 400, "threw: 127.0.0.1 answered 301")),
        (Answer(403), 1, Outcome(Status.PERMANENT_FAILURE, 403, "not allowed: 127.0.0.1 answered 403")),
        (Answer(410), 1, Outcome(Status.PERMANENT_FAILURE, 404, "not found: 127.0.0.1 answered 410")),
        (Answer(413), 1, Outcome(Status.PERMANENT_FAILURE, 413, "too large: 127.0.0.1 answered 413")),
        (
            Answer(502),
            3,
            Outcome(
                Status.UNKNOWN_FAILURE,
                500,
                "unreachable: 127.0.0.1 answered 502; it may have taken the message",
                is_in_doubt=True,
            ),
        ),
    ],
)
async def test_other_answers_are_failures(receiver: Receiver, answer: Answer, requests: int, expected: Outcome) -> None:
    receiver.answer = lambda _: answer

    assert await send([message(receiver.url)]) == [expected]
    assert len(receiver.received) == requests


@pytest.mark.usefixtures("hasty")
async def test_a_doubt_stays_when_later_attempts_fail_for_certain(receiver: Receiver) -> None:
    left = [Answer(is_dropped=True), Answer(404)]
    receiver.answer = lambda _: left.pop(0)

    (outcome,) = await send([message(receiver.url)])

    assert (outcome.status, outcome.status_code, outcome.is_in_doubt) == (Status.UNKNOWN_FAILURE, 404, True)


@pytest.mark.usefixtures("hasty")
async def test_a_doubt_ends_when_a_later_attempt_succeeds(receiver: Receiver) -> None:
    left = [Answer(is_dropped=True), Answer(200)]
    receiver.answer = lambda _: left.pop(0)

    assert await send([message(receiver.url)]) == [DELIVERED]


@pytest.mark.parametrize(
    "target",
    ["deliver", "arn:aws:lambda:us-east-1:111122223333:function:deliver", "https://a.example/?k=v", "ftp://a/"],
)
async def test_what_is_no_url_is_refused_aloud(receiver: Receiver, target: str) -> None:
    assert await send([message(target), message(receiver.url)]) == [NO_URL, DELIVERED]


async def test_private_addresses_are_not_called(receiver: Receiver) -> None:
    outcomes = await send([message(receiver.url), message(receiver.url.replace("http:", "https:"))], networks=())

    assert [(each.status, each.status_code) for each in outcomes] == [(Status.PERMANENT_FAILURE, 403)] * 2
    assert receiver.received == []
