"""Custom channels of journeys: functions and webhooks take the place of a provider (journeys.md section 8)."""

import json
from typing import Any

import pytest

from repoint.functions import call
from tests.fixtures.receiver import Answer, Received, Receiver
from tests.journeys.sending.conftest import RUN, Stage, at


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(call, "WAITS_S", (0.0, 0.0))


def custom(uri: str, *types: str, data: str | None = None) -> dict[str, Any]:
    config = {} if data is None else {"MessageConfig": {"Data": data}}
    return {"CUSTOM": {"DeliveryUri": uri, **({"EndpointTypes": list(types)} if types else {}), **config}}


def posted(webhook: Receiver) -> list[Received]:
    return [each for each in webhook.received if each.method == "POST"]


async def test_a_webhook_is_sent_the_payload_that_was_captured(stage: Stage, webhook: Receiver) -> None:
    stage.put("ep1", User={"UserId": "u1", "UserAttributes": {"Name": ["Ann"]}})
    journey = await stage.journey(**custom(webhook.url, "EMAIL"))

    played = await stage.play(stage.group(journey, ["ep1"], at("2021-09-02 12:09:00.123")))

    stored = stage.client.get_endpoint(ApplicationId=stage.id, EndpointId="ep1")["EndpointResponse"]
    [received] = posted(webhook)
    assert received.headers["content-type"] == "application/json"
    assert received.body.decode() == (
        f'{{"Message":{{}},"ApplicationId":"{stage.id}","JourneyId":"{journey.id}","JourneyRunId":"{RUN}",'
        '"ActivityId":"m1","ScheduledTime":"2021-09-02T12:09:00Z",'
        '"Endpoints":{"ep1":{"ChannelType":"EMAIL","Address":"ep1@example.com","EndpointStatus":"ACTIVE",'
        f'"OptOut":"NONE","Location":{{}},"EffectiveDate":"{stored["EffectiveDate"]}",'
        f'"CreationDate":"{stored["CreationDate"]}",'
        '"User":{"UserId":"u1","UserAttributes":{"Name":["Ann"]}}}}}'
    )
    assert played.counts == {"SUCCESS": 1}
    [record] = stage.records()
    assert record["attributes"] == {
        "journey_id": journey.id,
        "journey_run_id": RUN,
        "journey_activity_id": "m1",
        "journey_activity_type": "CUSTOM",
        "journey_send_status": "SUCCESS",
        "journey_send_status_code": "200",
        "journey_send_status_message": "200",
    }


async def test_data_and_everything_an_endpoint_has(stage: Stage, webhook: Receiver) -> None:
    more = {
        "Attributes": {"City": ["Oslo"]},
        "Metrics": {"visits": 2.0},
        "Demographic": {"Make": "OnePlus"},
        "Location": {"Country": "NO"},
    }
    stage.put("ep1", **more)
    journey = await stage.journey(**custom(webhook.url, "EMAIL", data='{"a": "{{User.UserId}} ü"}'))

    await stage.play(stage.group(journey, ["ep1"]))

    [received] = posted(webhook)
    payload = json.loads(received.body)
    assert list(payload)[:3] == ["Message", "Data", "ApplicationId"]
    # Variables in it are the receiver's affair.
    assert payload["Data"] == '{"a": "{{User.UserId}} ü"}'
    endpoint = payload["Endpoints"]["ep1"]
    assert list(endpoint) == [
        "ChannelType",
        "Address",
        "EndpointStatus",
        "OptOut",
        "Location",
        "Demographic",
        "EffectiveDate",
        "Attributes",
        "Metrics",
        "CreationDate",
        "User",
    ]
    assert {member: endpoint[member] for member in more} == more
    assert endpoint["User"] == {}


async def test_a_function_answers_something_for_later_splits(stage: Stage) -> None:
    for name in ("a", "b"):
        stage.put(name)
    journey = await stage.journey(**custom("note", "EMAIL"))

    played = await stage.play(stage.group(journey, ["a", "b"]))

    assert played.answers == {"a": {"status": "ok", "for": "a"}, "b": {"status": "ok", "for": "b"}}
    told = {each["client"]["client_id"]: each["attributes"] for each in stage.records()}
    assert (told["a"]["status"], told["a"]["for"], told["b"]["for"]) == ("ok", "a", "b")
    assert told["a"]["journey_send_status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b'{"ep1": {"EventAttributes": {"status": "ok"}}}', {"status": "ok"}),
        # At most five, and 128 characters each.
        (
            json.dumps({"ep1": {"EventAttributes": {f"a{number}": "x" for number in range(7)}}}).encode(),
            {f"a{number}": "x" for number in range(5)},
        ),
        (
            json.dumps({"ep1": {"EventAttributes": {"a" * 129: "x", "b": "x" * 129, "c": "x" * 128}}}).encode(),
            {"c": "x" * 128},
        ),
        # Any other answer is none, and a success.
        (b"", None),
        (b"thanks", None),
        (b"[]", None),
        (b'{"ep2": {"EventAttributes": {"status": "ok"}}}', None),
        (b'{"ep1": {"EventAttributes": {"status": 1}}}', None),
    ],
)
async def test_answers(stage: Stage, webhook: Receiver, answer: bytes, expected: dict[str, str] | None) -> None:
    webhook.answer = lambda _: Answer(200, answer)
    stage.put("ep1")
    journey = await stage.journey(**custom(webhook.url, "EMAIL"))

    played = await stage.play(stage.group(journey, ["ep1"]))

    assert played.counts == {"SUCCESS": 1}
    assert played.answers == ({} if expected is None else {"ep1": expected})


@pytest.mark.parametrize(
    ("uri", "status", "code"),
    [
        ("/500", "CUSTOM_DELIVERY_FAILURE", "500"),
        ("/400", "CUSTOM_DELIVERY_FAILURE", "400"),
        ("/429", "CUSTOM_DELIVERY_FAILURE", "429"),
        ("fail", "CUSTOM_DELIVERY_FAILURE", "500"),
        ("arn:aws:lambda:eu-north-1:000000000000:function:gone", "CUSTOM_DELIVERY_FAILURE", "404"),
        # The function's policy refuses the journey.
        ("shut", "FAILURE_PERMANENT", "403"),
    ],
)
async def test_failures(stage: Stage, webhook: Receiver, uri: str, status: str, code: str) -> None:
    webhook.answer = lambda asked: Answer(int(asked.path.strip("/")))
    stage.put("ep1")
    journey = await stage.journey(**custom(webhook.url + uri if uri.startswith("/") else uri, "EMAIL"))

    played = await stage.play(stage.group(journey, ["ep1"]))

    assert played.counts == {status: 1}
    [record] = stage.records()
    told = record["attributes"]
    assert told["journey_send_status"] == status
    assert (told["journey_send_status_code"], told["journey_send_status_message"]) == (code, code)
    [entry] = await stage.ledger()
    assert entry["status"] == status
    assert entry["detail"]


async def test_only_the_types_that_were_named_go_there(stage: Stage, webhook: Receiver) -> None:
    stage.put("mail")
    stage.put("text", ChannelType="SMS", Address="+14255550199")
    stage.put("call", ChannelType="VOICE", Address="+14255550198")
    stage.put("own", ChannelType="CUSTOM", Address="mary")
    everybody = ["mail", "text", "call", "own"]
    named = await stage.journey(**custom(webhook.url + "/named", "VOICE", "SMS"))
    usual = await stage.journey(**custom(webhook.url + "/usual"))

    await stage.play(stage.group(named, everybody))
    await stage.play(stage.group(usual, everybody, entries=2))

    told = {each.path: sorted(json.loads(each.body)["Endpoints"]) for each in posted(webhook)}
    assert told == {"/named": ["call", "text"], "/usual": ["own"]}
    refused = [name for name, status in stage.statuses() if status == "UNSUPPORTED_CHANNEL"]
    assert sorted(refused) == ["call", "mail", "mail", "own", "text"]


async def test_a_call_has_50_endpoints_at_most(stage: Stage, webhook: Receiver) -> None:
    names = [f"e{number}" for number in range(60)]
    for name in names:
        stage.put(name)
    journey = await stage.journey(**custom(webhook.url, "EMAIL"))

    await stage.play(stage.group(journey, names))

    sizes = sorted(len(json.loads(each.body)["Endpoints"]) for each in posted(webhook))
    assert sizes == [10, 50]


async def test_a_call_that_failed_is_made_again(stage: Stage, webhook: Receiver) -> None:
    webhook.answer = lambda _: Answer(503 if len(posted(webhook)) < 3 else 200)
    stage.put("ep1")
    journey = await stage.journey(**custom(webhook.url, "EMAIL"))

    played = await stage.play(stage.group(journey, ["ep1"]))

    assert played.counts == {"SUCCESS": 1}
    assert len(posted(webhook)) == 3


async def test_times_and_caps_hold_here_too(stage: Stage, webhook: Receiver) -> None:
    stage.put("ann", Demographic={"Timezone": "UTC"})
    stage.put("bob")
    journey = await stage.journey(
        **custom(webhook.url, "EMAIL"), QuietTime={"Start": "11:00", "End": "13:00"}, Limits={"DailyCap": 1}
    )

    await stage.play(stage.group(journey, ["ann", "bob"]))
    await stage.play(stage.group(journey, ["bob"], entries=2))

    assert stage.statuses() == [("ann", "QUIET_TIME"), ("bob", "DAILY_CAP"), ("bob", "SUCCESS")]
