"""Custom messages to functions: files in processes of their own, and what stands between."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog

from repoint.delivery.message import Custom, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Surroundings
from repoint.delivery.providers.custom_lambda import CustomLambdaOptions, open_custom_lambda
from repoint.functions.call import open_functions
from repoint.settings import Settings
from tests.fixtures.messages import other

FILE = Path(__file__).with_name("channels.py")
ARN = "arn:aws:lambda:us-east-1:111122223333:function:deliver"
CAMPAIGN = "arn:aws:mobiletargeting:us-east-1:000000000000:apps/a1/campaigns/c1"
DELIVERED = Outcome(Status.SUCCESSFUL, 200, "delivered")
ADDRESS = "mary@example.com"


def settings_with(deliver: Any) -> Settings:
    """Settings with one function."""
    return Settings(functions={"deliver": deliver})


async def send(
    messages: Sequence[Message], handler: str = "answer", *, attempts: int = 3, **function: Any
) -> list[Outcome]:
    """Send these; `deliver` is this handler."""

    async def keep(_: object) -> None:
        raise AssertionError("custom messages go out")

    settings = settings_with({"file": f"{FILE}:{handler}", "processes": 1, **function})
    async with (
        open_functions(settings) as functions,
        open_custom_lambda(CustomLambdaOptions(attempts=attempts), Surroundings(settings, keep, functions)) as provider,
    ):
        return await provider.send(messages)


def messages(envelope: dict[str, Any], channel_types: Sequence[str], *, target: str = ARN) -> list[Message]:
    """One message for an endpoint of each of these types, named e-0 and so on."""
    return [
        other("CUSTOM", Custom(f"e-{number}", {"ChannelType": channel_type, "Address": ADDRESS}, envelope, target))
        for number, channel_type in enumerate(channel_types)
    ]


def answering(value: Any) -> dict[str, Any]:
    """Have the handler `answer` return this."""
    return {"Message": {}, "Data": json.dumps(value)}


async def test_a_function_written_for_lambda_counts_endpoints_in_batches_of_fifty() -> None:
    envelope = {"Message": {}, "Data": "", "ApplicationId": "a1", "CampaignId": "c1", "TreatmentId": "0"}

    with structlog.testing.capture_logs() as logs:
        outcomes = await send(messages(envelope, ["EMAIL", "SMS", "GCM"] * 40), "count")

    assert outcomes == [DELIVERED] * 120
    printed = [log["line"] for log in logs if "line" in log]
    assert sorted(printed) == [
        '{"EMAIL": 17, "GCM": 16, "SMS": 17, "campaign": "c1"}',
        '{"EMAIL": 17, "GCM": 17, "SMS": 16, "campaign": "c1"}',
        '{"EMAIL": 6, "GCM": 7, "SMS": 7, "campaign": "c1"}',
    ]


@pytest.mark.parametrize(
    ("answer", "attributes"),
    [
        ({"e-0": {"EventAttributes": {"status": "ok", "n": "x" * 128}}}, {"status": "ok", "n": "x" * 128}),
        ({"e-0": {"EventAttributes": {"a": 1, "b": "x" * 129, "x" * 129: "c", "d": "e"}}}, {"d": "e"}),
        ({"e-0": {"EventAttributes": dict.fromkeys("abcdef", "v")}}, dict.fromkeys("abcde", "v")),
        ({"e-0": {"EventAttributes": {}}}, None),
        ({"e-1": {"EventAttributes": {"a": "b"}}}, None),
        ({"e-0": {"EventAttributes": ["a"]}}, None),
        ({"e-0": "delivered"}, None),
        (["e-0"], None),
        ("done", None),
        (None, None),
    ],
)
async def test_any_answer_is_a_success_and_attributes_are_read(
    answer: Any, attributes: Mapping[str, str] | None
) -> None:
    (outcome,) = await send(messages(answering(answer), ["EMAIL"]))

    assert outcome == Outcome(Status.SUCCESSFUL, 200, "delivered", event_attributes=attributes)


@pytest.mark.parametrize(
    ("handler", "detail"),
    [
        ("throw", "threw: the function failed: LookupError"),
        ("leave", "crashed: the process ended with exit code 3"),
        ("answer_a_set", "answered no JSON: the function failed: Runtime.MarshalError"),
    ],
)
async def test_a_function_that_fails_fails_for_all_in_the_call(handler: str, detail: str) -> None:
    outcomes = await send(messages(answering(None), ["EMAIL", "SMS"]), handler)

    assert outcomes == [Outcome(Status.PERMANENT_FAILURE, 500, detail)] * 2


@pytest.mark.parametrize(
    ("source_arn", "expected"),
    [
        (CAMPAIGN, DELIVERED),
        (
            CAMPAIGN.replace("a1", "a2"),
            Outcome(
                Status.PERMANENT_FAILURE,
                403,
                "not allowed: functions.deliver.allow does not fit "
                "arn:aws:mobiletargeting:us-east-1:000000000000:apps/a2/campaigns/c1",
            ),
        ),
        (
            None,
            Outcome(Status.PERMANENT_FAILURE, 403, "not allowed: functions.deliver.allow does not fit None"),
        ),
    ],
)
async def test_only_whom_the_function_allows_may_have_it_called(source_arn: str | None, expected: Outcome) -> None:
    content = Custom("e-0", {"ChannelType": "EMAIL"}, answering(None), "deliver", source_arn)

    (outcome,) = await send([other("CUSTOM", content)], allow=["arn:aws:mobiletargeting:us-east-1:*:apps/a1/*"])

    assert outcome == expected


async def test_a_function_that_was_given_up_leaves_its_messages_in_doubt() -> None:
    outcomes = await send(messages(answering(None), ["EMAIL", "SMS"]), "wait", attempts=1, timeout_s=0.5)

    detail = "timed out: no answer within 0.5 s; it may have taken the message"
    assert outcomes == [Outcome(Status.UNKNOWN_FAILURE, 504, detail, is_in_doubt=True)] * 2


async def test_a_file_that_is_not_there_is_not_found() -> None:
    (outcome,) = await send(messages(answering(None), ["EMAIL"]), file="/nowhere/channels.py:answer")

    assert outcome == Outcome(Status.PERMANENT_FAILURE, 404, "not found: there is no file /nowhere/channels.py")


async def test_a_function_of_a_region_that_is_not_called_is_not_found() -> None:
    target = "arn:aws:lambda:eu-west-1:111122223333:function:other"

    (outcome,) = await send(messages(answering(None), ["EMAIL"], target=target))

    assert (outcome.status, outcome.status_code) == (Status.PERMANENT_FAILURE, 404)


@pytest.mark.parametrize("target", ["https://hooks.example/secret", "", "no name", "deliver\n"])
async def test_what_is_no_function_is_refused_aloud(target: str) -> None:
    wrong = messages(answering(None), ["EMAIL"], target=target)

    outcomes = await send([*wrong, *messages(answering(None), ["EMAIL"])])

    assert outcomes == [
        Outcome(
            Status.PERMANENT_FAILURE,
            400,
            "DeliveryUri is no name and no ARN of a function, and a URL is called by a provider of the kind "
            "custom_webhook",
        ),
        DELIVERED,
    ]
