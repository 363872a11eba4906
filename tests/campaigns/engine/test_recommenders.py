"""Recommendations in a campaign's messages: asked for where a text shows them, once for each endpoint or user."""

import asyncio
import json
import time
from typing import Any

import pytest

from repoint.functions import call
from repoint.functions.call import open_functions
from repoint.recommenders.ask import Recommended, open_recommender
from repoint.recommenders.recommender import RECOMMENDERS
from repoint.settings import Settings
from tests.campaigns.engine.conftest import Shop
from tests.fixtures.receiver import Answer, Received, Receiver

SHOWN = {"Subject": "{{RecommendationItems}}", "TextPart": "{{RecommendationItems.[1]}} or {{RecommendationItems.[0]}}"}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(call, "WAITS_S", (0.0, 0.0))


def items(received: Received) -> Answer:
    """As many items as are wanted, which tell for whom they are."""
    asked = json.loads(received.body)
    listed = [{"itemId": f"{asked['userId']}-{number}"} for number in range(asked["numResults"])]
    return Answer(200, json.dumps({"itemList": listed}).encode())


def recommender(shop: Shop, uri: str, **members: Any) -> str:
    """The id of a new one."""
    usual = {
        "RecommendationProviderUri": uri,
        "RecommendationProviderRoleArn": "arn:aws:iam::000000000000:role/recommend",
        "RecommendationsPerMessage": 2,
    }
    named = {} if "Attributes" in members else {"RecommendationsDisplayName": "Books"}
    request = {**usual, **named, **members}
    answer = shop.client.create_recommender_configuration(CreateRecommenderConfiguration=request)
    return str(answer["RecommenderConfigurationResponse"]["Id"])


def offer(shop: Shop, recommender_id: str, **parts: str) -> str:
    """A campaign with a template that has the recommender."""
    template = {**(parts or SHOWN), "RecommenderId": recommender_id}
    shop.client.create_email_template(TemplateName="books", EmailTemplateRequest=template)
    return shop.create(MessageConfiguration={}, TemplateConfiguration={"EmailTemplate": {"Name": "books"}})


def headlines(shop: Shop) -> dict[str, str]:
    """Subjects by address."""
    return {each["Address"].partition("@")[0]: each["Headline"] for each in shop.kept()}


async def test_each_endpoint_is_recommended_to(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = items
    shop.put("ann")
    shop.put("bob")
    offer(shop, recommender(shop, receiver.url + "/items"))

    await shop.run()

    assert headlines(shop) == {"ann": "ann-0", "bob": "bob-0"}
    asked = sorted((json.loads(each.body) for each in receiver.received), key=lambda each: str(each["userId"]))
    assert asked == [{"userId": "ann", "numResults": 2}, {"userId": "bob", "numResults": 2}]
    assert shop.statuses() == {"ann": "SUCCESS", "bob": "SUCCESS"}
    stored = shop.client.get_endpoint(ApplicationId=shop.id, EndpointId="ann")["EndpointResponse"]
    assert "RecommendationItems" not in stored


async def test_a_user_is_recommended_to_once_in_a_run(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = items
    for name in ("a1", "a2", "a3"):
        shop.put(name, User={"UserId": "ann"})
    shop.put("stranger", User=None)
    offer(shop, recommender(shop, receiver.url, RecommendationProviderIdType="PINPOINT_USER_ID"))

    await shop.run()

    assert headlines(shop) == dict.fromkeys(("a1", "a2", "a3"), "ann-0")
    assert len(receiver.received) == 1
    assert shop.statuses()["stranger"] == "RECOMMENDATION_FAILURE"
    [failed] = await shop.rows("SELECT detail FROM deliveries WHERE status = 'RECOMMENDATION_FAILURE'")
    assert failed["detail"] == "the endpoint has no user"


async def test_functions_recommend_and_transform(shop: Shop) -> None:
    for name in ("ann", "bob", "cid"):
        shop.put(name)
    parts = {
        "Subject": "{{Recommendations.Title.[1]}}, {{Recommendations.Genre}}{{#if Recommendations.Secret}}!{{/if}}"
    }
    uses = recommender(
        shop, "pick", RecommendationTransformerUri="titles", Attributes={"Title": "Title", "Genre": "Genre"}
    )
    offer(shop, uses, **parts, TextPart="x")

    await shop.run()

    assert headlines(shop) == {"ann": "The ann-1, poetry"}
    assert shop.statuses() == {
        "ann": "SUCCESS",
        "bob": "RECOMMENDATION_FAILURE",
        "cid": "RECOMMENDATION_FAILURE",
    }


async def test_a_transformer_is_told_of_the_run_and_the_items(
    shop: Shop, receiver: Receiver, settings: Settings
) -> None:
    def answer(received: Received) -> Answer:
        if received.path == "/items":
            return items(received)
        endpoints = json.loads(received.body)["Endpoints"]
        for each in endpoints.values():
            each["Recommendations"] = {"Title": "T"}
        return Answer(200, json.dumps(endpoints).encode())

    receiver.answer = answer
    functions = {"titles": {"url": receiver.url + "/titles"}}
    shop.context = type(shop.context)(
        shop.database, Settings(**{**settings.model_dump(), "functions": functions}), "w", clock=[]
    )
    await shop.put_many(60)
    uses = recommender(
        shop, receiver.url + "/items", RecommendationTransformerUri="titles", Attributes={"Title": "Title"}
    )
    campaign = offer(shop, uses, Subject="{{Recommendations.Title}}", TextPart="x")

    await shop.run()

    asked = [json.loads(each.body) for each in receiver.received if each.path == "/titles"]
    assert sorted(len(each["Endpoints"]) for each in asked) == [10, 50]
    told = asked[0]
    assert (told["ApplicationId"], told["CampaignId"], told["TreatmentId"]) == (shop.id, campaign, "0")
    assert told.keys() >= {"MessageConfiguration", "ActivityId", "ScheduledTime"}
    endpoint_id, definition = next(iter(told["Endpoints"].items()))
    assert definition["RecommendationItems"] == [f"{endpoint_id}-0", f"{endpoint_id}-1"]
    assert definition["Attributes"]["City"] == ["Rome"]
    assert set(headlines(shop).values()) == {"T"}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("answer", "detail", "attempts"),
    [
        (Answer(500), "answered 500", 3),
        (Answer(200, b'{"itemList": []}'), "the recommender answered no items", 1),
        (Answer(200, b"[]"), "the recommender answered no items", 1),
        (Answer(200, b'{"itemList": [7]}'), "an item was answered that is no text of 1 to 100 characters", 1),
        (
            Answer(200, b'{"itemList": [{"itemId": "' + b"x" * 101 + b'"}]}'),
            "an item was answered that is no text of 1 to 100 characters",
            1,
        ),
        (Answer(200, b"nonsense"), "is not JSON", 1),
        (Answer(404), "answered 404", 1),
    ],
)
async def test_who_cannot_be_recommended_to_gets_no_message(
    shop: Shop, receiver: Receiver, answer: Answer, detail: str, attempts: int
) -> None:
    receiver.answer = lambda received: answer if b'"ann"' in received.body else items(received)
    shop.put("ann")
    shop.put("bob")
    offer(shop, recommender(shop, receiver.url))

    await shop.run()

    assert shop.statuses() == {"ann": "RECOMMENDATION_FAILURE", "bob": "SUCCESS"}
    [failed] = await shop.rows("SELECT detail FROM deliveries WHERE endpoint_key = 'ann'")
    assert detail in failed["detail"]
    assert len([each for each in receiver.received if b'"ann"' in each.body]) == attempts


async def test_nobody_is_asked_at_an_address_of_our_own_network(
    shop: Shop, receiver: Receiver, settings: Settings
) -> None:
    given = {**settings.model_dump(), "allowed_private_networks": ()}
    shop.context = type(shop.context)(shop.database, Settings(**given), "w", clock=[])
    shop.put("ann")
    offer(shop, recommender(shop, receiver.url.replace("http:", "https:")))

    await shop.run()

    assert shop.statuses() == {"ann": "RECOMMENDATION_FAILURE"}
    [failed] = await shop.rows("SELECT detail FROM deliveries WHERE endpoint_key = 'ann'")
    assert failed["detail"] == "not allowed: 127.0.0.1 is not on the public internet, see allowed_private_networks"
    assert receiver.connections == 0


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(200, b"[]"),
        Answer(200, b"{}"),
        Answer(200, b'{"ann": 7}'),
        Answer(200, b'{"ann": {"Recommendations": []}}'),
        Answer(200, b'{"ann": {"Recommendations": {"Title": 7}}}'),
        Answer(200, b'{"ann": {"Recommendations": {"Title": [["T"]]}}}'),
        Answer(200, b'{"Endpoints": {"bob": {"Recommendations": {"Title": "T"}}}}'),
    ],
)
async def test_a_transformer_that_answers_nonsense_costs_the_message(
    shop: Shop, receiver: Receiver, settings: Settings, answer: Answer
) -> None:
    receiver.answer = lambda received: items(received) if received.path == "/items" else answer
    given = {**settings.model_dump(), "functions": {"titles": {"url": receiver.url + "/titles"}}}
    shop.context = type(shop.context)(shop.database, Settings(**given), "w", clock=[])
    shop.put("ann")
    uses = recommender(
        shop, receiver.url + "/items", RecommendationTransformerUri="titles", Attributes={"Title": "Title"}
    )
    offer(shop, uses, Subject="{{Recommendations.Title}}", TextPart="x")

    await shop.run()

    assert shop.statuses() == {"ann": "RECOMMENDATION_FAILURE"}
    assert shop.kept() == []


async def test_whoever_asks_at_the_same_time_shares_an_answer(
    shop: Shop, receiver: Receiver, settings: Settings
) -> None:
    def slow(received: Received) -> Answer:
        time.sleep(0.2)
        return items(received)

    receiver.answer = slow
    recommender_id = recommender(shop, receiver.url)
    async with shop.database.connection() as db:
        found = await RECOMMENDERS.get(db, recommender_id)

    async with (
        open_functions(settings) as functions,
        open_recommender(found, functions, settings, run_id="run-1") as one,
        open_recommender(found, functions, settings, run_id="run-1") as other,
    ):
        answers = await asyncio.gather(*(each.ask({}, {"ann": {}}) for each in (one, other, one)))

    assert answers == [{"ann": Recommended({"RecommendationItems": ["ann-0", "ann-1"]})}] * 3
    assert len(receiver.received) == 1


async def test_an_answer_of_more_or_fewer_items_than_were_wanted_is_good(shop: Shop, receiver: Receiver) -> None:
    listed = {"ann": ["a1"], "bob": ["b1", "b2", "b3"]}

    def answer(received: Received) -> Answer:
        found = [{"itemId": item} for item in listed[json.loads(received.body)["userId"]]]
        return Answer(200, json.dumps({"itemList": found}).encode())

    receiver.answer = answer
    shop.put("ann")
    shop.put("bob")
    offer(
        shop,
        recommender(shop, receiver.url),
        Subject="{{#each RecommendationItems}}{{this}} {{/each}}",
        TextPart="x",
    )

    await shop.run()

    assert {name: text.split() for name, text in headlines(shop).items()} == {"ann": ["a1"], "bob": ["b1", "b2"]}


async def test_a_recommender_that_is_gone_recommends_nothing(shop: Shop) -> None:
    shop.put("ann")
    gone = recommender(shop, "pick")
    offer(shop, gone)
    shop.client.delete_recommender_configuration(RecommenderId=gone)

    await shop.run()

    assert shop.statuses() == {"ann": "RECOMMENDATION_FAILURE"}


async def test_nobody_is_asked_for_what_no_text_shows(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = items
    shop.put("ann")
    offer(shop, recommender(shop, receiver.url), Subject="Recommendation of the day", TextPart="x")

    await shop.run()

    assert headlines(shop) == {"ann": "Recommendation of the day"}
    assert receiver.received == []


async def test_endpoints_of_other_channels_are_not_asked_about(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = items
    shop.client.update_sms_channel(ApplicationId=shop.id, SMSChannelRequest={"SenderId": "SHOP"})
    shop.put("ann")
    shop.put("bob", ChannelType="SMS", Address="+14255550199")
    template = {**SHOWN, "RecommenderId": recommender(shop, receiver.url)}
    shop.client.create_email_template(TemplateName="books", EmailTemplateRequest=template)
    shop.create(
        MessageConfiguration={"SMSMessage": {"Body": "Hi", "MessageType": "PROMOTIONAL"}},
        TemplateConfiguration={"EmailTemplate": {"Name": "books"}},
    )

    await shop.run()

    assert shop.statuses() == {"ann": "SUCCESS", "bob": "SUCCESS"}
    assert [json.loads(each.body)["userId"] for each in receiver.received] == ["ann"]


async def test_personalize_is_asked_where_a_recommender_names_it(
    shop: Shop, receiver: Receiver, settings: Settings
) -> None:
    receiver.answer = lambda received: items(
        Received("", {}, json.dumps({"userId": "ann", "numResults": 2}).encode())
        if b'"ann"' in received.body
        else received
    )
    service = {
        "endpoint_url": receiver.url,
        "credentials": {"access_key_id": "key", "secret_access_key": "secret"},
    }
    given = {**settings.model_dump(), "personalize": service}
    shop.context = type(shop.context)(shop.database, Settings(**given), "w", clock=[])
    shop.put("ann")
    arn = "arn:aws:personalize:us-east-1:123456789012:campaign/books"
    offer(shop, recommender(shop, arn))

    await shop.run()

    assert headlines(shop) == {"ann": "ann-0"}
    [asked] = receiver.received
    assert (asked.method, asked.path) == ("POST", "/recommendations")
    assert json.loads(asked.body) == {"campaignArn": arn, "userId": "ann", "numResults": 2}


@pytest.mark.usefixtures("hasty")
async def test_personalize_that_refuses_is_a_failure(shop: Shop, receiver: Receiver, settings: Settings) -> None:
    error = json.dumps({"message": "no such campaign"}).encode()
    receiver.answer = lambda _: Answer(404, error, {"x-amzn-errortype": "ResourceNotFoundException"})
    service = {"endpoint_url": receiver.url, "credentials": {"access_key_id": "k", "secret_access_key": "s"}}
    given = {**settings.model_dump(), "personalize": service}
    shop.context = type(shop.context)(shop.database, Settings(**given), "w", clock=[])
    shop.put("ann")
    offer(shop, recommender(shop, "arn:aws:personalize:us-east-1:123456789012:recommender/books"))

    await shop.run()

    assert shop.statuses() == {"ann": "RECOMMENDATION_FAILURE"}
    [failed] = await shop.rows("SELECT detail FROM deliveries WHERE endpoint_key = 'ann'")
    assert failed["detail"] == "ResourceNotFoundException"
