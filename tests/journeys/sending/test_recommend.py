"""Recommendations in a journey's messages, asked for as campaigns do (templates.md section 9)."""

import json
from typing import Any

import pytest

from repoint.delivery.message import Email, Message
from repoint.functions import call
from tests.fixtures.receiver import Answer, Received, Receiver
from tests.journeys.sending.conftest import RUN, Stage, at


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(call, "WAITS_S", (0.0, 0.0))


def items(received: Received) -> Answer:
    """As many items as are wanted, which tell for whom they are."""
    asked = json.loads(received.body)
    listed = [{"itemId": f"{asked['userId']}-{number}"} for number in range(asked["numResults"])]
    return Answer(200, json.dumps({"itemList": listed}).encode())


def recommender(stage: Stage, uri: str, **members: Any) -> str:
    """The id of a new one."""
    request = {
        "RecommendationProviderUri": uri,
        "RecommendationProviderRoleArn": "arn:aws:iam::000000000000:role/recommend",
        "RecommendationsPerMessage": 2,
        **({} if "Attributes" in members else {"RecommendationsDisplayName": "Books"}),
        **members,
    }
    answer = stage.client.create_recommender_configuration(CreateRecommenderConfiguration=request)
    return str(answer["RecommenderConfigurationResponse"]["Id"])


async def test_each_endpoint_is_recommended_to(stage: Stage, receiver: Receiver) -> None:
    receiver.answer = items
    stage.put("ann")
    stage.put("bob")
    stage.template(Subject="{{RecommendationItems}}", RecommenderId=recommender(stage, receiver.url + "/items"))
    journey = await stage.journey(EMAIL={"TemplateName": "hello"})

    await stage.play(stage.group(journey, ["ann", "bob"]))

    assert {each["Address"]: each["Headline"] for each in stage.kept()} == {
        "ann@example.com": "ann-0",
        "bob@example.com": "bob-0",
    }


async def test_who_is_recommended_nothing_gets_no_message(stage: Stage, receiver: Receiver) -> None:
    receiver.answer = lambda asked: Answer(500) if b"bob" in asked.body else items(asked)
    stage.put("ann")
    stage.put("bob")
    stage.template(Subject="{{RecommendationItems}}", RecommenderId=recommender(stage, receiver.url + "/items"))
    journey = await stage.journey(EMAIL={"TemplateName": "hello"})

    played = await stage.play(stage.group(journey, ["ann", "bob"]))

    assert stage.statuses() == [("ann", "SUCCESS"), ("bob", "FAILURE")]
    assert played.counts == {"SUCCESS": 1, "SERVICE_FAILURE": 1}
    [_, entry] = await stage.ledger()
    assert (entry["status"], bool(entry["detail"])) == ("FAILURE", True)


async def test_nobody_is_asked_where_nothing_is_shown(stage: Stage, receiver: Receiver) -> None:
    stage.put("ann")
    stage.template(RecommenderId=recommender(stage, receiver.url + "/items"))
    journey = await stage.journey(EMAIL={"TemplateName": "hello"})

    await stage.play(stage.group(journey, ["ann"]))

    assert (stage.statuses(), receiver.received) == ([("ann", "SUCCESS")], [])


async def test_a_transformer_is_told_of_the_journey(stage: Stage, receiver: Receiver) -> None:
    receiver.answer = items
    stage.put("ann")
    made = recommender(
        stage, receiver.url + "/items", Attributes={"Title": "Title"}, RecommendationTransformerUri="titles"
    )
    stage.template(Subject="{{Recommendations.Title.[0]}}", RecommenderId=made)
    journey = await stage.journey(EMAIL={"TemplateName": "hello", "MessageConfig": {"FromAddress": "a@example.com"}})

    [attempt] = (await stage.dispatch(stage.group(journey, ["ann"], at("2031-01-10 12:00")))).attempts

    assert isinstance(attempt.judged, Message)
    content = attempt.judged.content
    assert isinstance(content, Email)
    told = json.loads(content.subject)
    assert told == {
        "MessageConfiguration": {"EmailMessage": {"FromAddress": "a@example.com"}},
        "ApplicationId": stage.id,
        "JourneyId": journey.id,
        "JourneyRunId": RUN,
        "ActivityId": "m1",
        "ScheduledTime": "2031-01-10T12:00:00.000Z",
    }
