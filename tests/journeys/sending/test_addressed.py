"""To which endpoints messages go, and of which nothing is told (journeys.md section 8)."""

from typing import Any

import pytest

from tests.journeys.sending.conftest import People, Stage

EMAIL = {"EMAIL": {"TemplateName": "hello"}}
OUT: dict[str, Any] = {"OptOut": "ALL"}
# Whose endpoints may share an address.
ANN: dict[str, Any] = {"User": {"UserId": "ann"}}


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        ({}, "SUCCESS"),
        ({"OptOut": "NONE", "EndpointStatus": "ACTIVE"}, "SUCCESS"),
        # Nothing is told of those.
        (OUT, None),
        (OUT | {"ChannelType": "SMS", "Address": "+14255550199"}, None),
        ({"EndpointStatus": "INACTIVE"}, None),
        # Of other channels: they pass.
        ({"ChannelType": "SMS", "Address": "+14255550199"}, "UNSUPPORTED_CHANNEL"),
        ({"ChannelType": "CUSTOM"}, "UNSUPPORTED_CHANNEL"),
        ({"ChannelType": "APNS"}, "UNSUPPORTED_CHANNEL"),
        ({"Address": "no address"}, "FAILURE_PERMANENT"),
    ],
)
async def test_one_endpoint(stage: Stage, endpoint: dict[str, Any], told: str | None) -> None:
    stage.put("ann", **endpoint)
    stage.template()
    journey = await stage.journey(**EMAIL)

    played = await stage.play(stage.group(journey, ["ann"]))

    assert stage.statuses() == ([] if told is None else [("ann", told)])
    assert played.counts == ({} if told is None else {told: 1})
    assert [each["status"] for each in await stage.ledger()] == ([] if told is None else [told])
    assert len(stage.kept()) == (told == "SUCCESS")


async def test_one_that_is_gone(stage: Stage) -> None:
    stage.template()
    journey = await stage.journey(**EMAIL)

    played = await stage.play(stage.group(journey, ["nobody"]))

    assert (played.counts, stage.records()) == ({}, [])


async def test_a_number_on_the_list_of_those_who_said_stop(stage: Stage) -> None:
    stage.put("ann", ChannelType="SMS", Address="+14255550199")
    stage.client.create_sms_template(TemplateName="text", SMSTemplateRequest={"Body": "Hi"})
    request = {"channel": "SMS", "address": "+14255550199", "reason": "OPT_OUT"}
    await stage.rows(
        "INSERT INTO suppressions (channel_type, address, reason, suppressed_at) "
        "VALUES (%(channel)s, %(address)s, %(reason)s, now()) RETURNING 1",
        **request,
    )
    journey = await stage.journey(SMS={"TemplateName": "text"})

    await stage.play(stage.group(journey, ["ann"]))

    assert stage.statuses() == [("ann", "FAILURE_PERMANENT")]
    [opt_out] = stage.records("_SMS.OPTOUT")
    assert opt_out["attributes"]["journey_id"] == journey.id


@pytest.mark.parametrize(
    ("endpoints", "sent", "told"),
    [
        # All endpoints of the right channel.
        ({"a": {}, "b": {}}, ["a", "b"], []),
        ({"a": {}, "b": {"ChannelType": "SMS", "Address": "+14255550199"}}, ["a"], ["b"]),
        ({"a": {}, "b": OUT}, ["a"], []),
        # One of those with the same address: the one that was written last. (Of those that are spelt alike all but one
        # are inactive.)
        ({"a": {"Address": "x@example.com"}, "b": {"Address": "X@Example.com"}}, ["b"], []),
        ({"b": {"Address": "x@example.com"}, "a": {"Address": "X@Example.com"}}, ["a"], []),
        ({"a": {"Address": "x@example.com"}, "b": {"Address": "X@Example.com"} | OUT}, ["a"], []),
        # Those that are none are each told of.
        ({"a": {"Address": "none"}, "b": {"Address": "None"}}, [], ["a", "b"]),
    ],
)
async def test_users_with_several_endpoints(
    stage: Stage, endpoints: dict[str, dict[str, Any]], sent: list[str], told: list[str]
) -> None:
    for name, endpoint in endpoints.items():
        stage.put(name, **endpoint, **ANN)
    stage.template()
    journey = await stage.journey(**EMAIL)

    await stage.play(stage.group(journey, [sorted(endpoints)]))

    assert [name for name, status in stage.statuses() if status == "SUCCESS"] == sent
    assert [name for name, status in stage.statuses() if status != "SUCCESS"] == told


async def test_another_participant_with_the_same_address_gets_its_own(stage: Stage) -> None:
    stage.put("a", Address="x@example.com", **ANN)
    stage.put("b", Address="X@Example.com", **ANN)
    stage.template()
    journey = await stage.journey(**EMAIL)

    await stage.play(stage.group(journey, ["a", "b"]))

    assert stage.statuses() == [("a", "SUCCESS"), ("b", "SUCCESS")]


@pytest.mark.parametrize("people", [["a", "b"], [["a", "b"]]], ids=["two", "a user's two"])
async def test_what_is_sent_again_keeps_its_id(stage: Stage, people: list[People]) -> None:
    for name in ("a", "b"):
        stage.put(name)
    stage.template()
    journey = await stage.journey(**EMAIL)

    dispatch = await stage.dispatch(stage.group(journey, people), {"a": "0102-known"})

    ids = {each.endpoint_key: each.recipient.message_id for each in dispatch.attempts}
    assert ids["a"] == "0102-known"
    assert ids["b"] != "0102-known"


async def test_who_waits_for_one_endpoint_is_sent_nothing_twice(stage: Stage) -> None:
    stage.put("a", Address="x@example.com", **ANN)
    stage.put("b", Address="X@Example.com", **ANN)
    stage.put("c")
    stage.template()
    journey = await stage.journey(**EMAIL)
    await stage.play(stage.group(journey, [["a", "c"]]))
    # Written later, so that it would go before its double.
    stage.put("b", Address="X@Example.com", **ANN)

    played = await stage.play(stage.group(journey, [["a", "b", "c"]], is_waiting=True))
    again = await stage.play(stage.group(journey, [["a", "b", "c"]], entries=2))

    assert played.counts == {}
    assert again.counts == {"SUCCESS": 2}
    assert stage.addresses() == ["X@Example.com", "c@example.com", "c@example.com", "x@example.com"]


async def test_who_waited_for_an_endpoint_that_is_gone_is_sent_nothing_more(stage: Stage) -> None:
    stage.put("a")
    stage.template()
    journey = await stage.journey(**EMAIL)
    await stage.play(stage.group(journey, [["a"]]))

    played = await stage.play(stage.group(journey, [["a"]], is_waiting=True))

    assert played.counts == {}
