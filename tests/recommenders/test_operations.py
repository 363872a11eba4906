from typing import Any

import pytest

from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Serve, make_client

ROLE = "arn:aws:iam::123456789012:role/recommend"
PLAIN = {
    "RecommendationProviderUri": "arn:aws:personalize:us-east-1:123456789012:campaign/books",
    "RecommendationProviderRoleArn": ROLE,
    "RecommendationsDisplayName": "Books",
}
TRANSFORMED = {
    "RecommendationProviderUri": "https://recommend.example/items?for=shop",
    "RecommendationProviderRoleArn": ROLE,
    "RecommendationTransformerUri": "arn:aws:lambda:us-east-1:123456789012:function:titles",
    "Attributes": {"Title": "Title of the book", "genre-2": "Genre"},
    "Name": "books 2",
    "Description": "What people read; (all of it), now_ -",
    "RecommendationProviderIdType": "PINPOINT_USER_ID",
    "RecommendationsPerMessage": 3,
}


def create(client: Any, **members: Any) -> dict[str, Any]:
    answer = client.create_recommender_configuration(CreateRecommenderConfiguration=PLAIN | members)
    found: dict[str, Any] = answer["RecommenderConfigurationResponse"]
    return found


def test_a_configuration_is_shown_as_it_was_sent_with_its_defaults(client: Any, raw: Raw) -> None:
    made = raw.send("POST", "/v1/recommenders", PLAIN)

    document = made.json
    assert made.status == 201
    assert len(document["Id"]) == 32
    assert document["CreationDate"] == document["LastModifiedDate"]
    assert document == PLAIN | {
        "RecommendationProviderIdType": "PINPOINT_ENDPOINT_ID",
        "RecommendationsPerMessage": 5,
        "Id": document["Id"],
        "CreationDate": document["CreationDate"],
        "LastModifiedDate": document["LastModifiedDate"],
    }
    found = client.get_recommender_configuration(RecommenderId=document["Id"])
    assert found["RecommenderConfigurationResponse"] == document


def test_an_update_replaces_all_members(client: Any) -> None:
    made = client.create_recommender_configuration(CreateRecommenderConfiguration=TRANSFORMED)
    recommender_id = made["RecommenderConfigurationResponse"]["Id"]

    changed = client.update_recommender_configuration(
        RecommenderId=recommender_id, UpdateRecommenderConfiguration=PLAIN
    )["RecommenderConfigurationResponse"]

    assert made["RecommenderConfigurationResponse"].items() >= TRANSFORMED.items()
    assert "Name" not in changed
    assert "Attributes" not in changed
    assert (changed["RecommendationProviderIdType"], changed["RecommendationsPerMessage"]) == (
        "PINPOINT_ENDPOINT_ID",
        5,
    )


def test_configurations_are_listed_newest_first_and_deleted(client: Any) -> None:
    first, second, third = (create(client, Name=f"n{number}") for number in range(3))

    page = client.get_recommender_configurations(PageSize="2")["ListRecommenderConfigurationsResponse"]
    rest = client.get_recommender_configurations(PageSize="2", Token=page["NextToken"])
    deleted = client.delete_recommender_configuration(RecommenderId=second["Id"])

    assert page["Item"] == [third, second]
    assert rest["ListRecommenderConfigurationsResponse"] == {"Item": [first]}
    assert deleted["RecommenderConfigurationResponse"] == second
    left = client.get_recommender_configurations()["ListRecommenderConfigurationsResponse"]
    assert left == {"Item": [third, first]}


@pytest.mark.parametrize("verb", ["get", "update", "delete"])
def test_what_is_not_there_is_not_found(client: Any, verb: str) -> None:
    call = getattr(client, f"{verb}_recommender_configuration")
    body = {"UpdateRecommenderConfiguration": PLAIN} if verb == "update" else {}

    assert refusal(call, RecommenderId="0" * 32, **body) == (404, "NotFoundException", "Resource not found")


def test_what_is_not_there_is_told_before_what_is_wrong(raw: Raw) -> None:
    assert raw.send("PUT", f"/v1/recommenders/{'0' * 32}", {}).status == 404


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"RecommendationProviderUri": ""}, "Missing RecommendationProviderUri"),
        ({"RecommendationProviderRoleArn": ""}, "Missing RecommendationProviderRoleArn"),
        ({"RecommendationsDisplayName": ""}, "Missing RecommendationsDisplayName"),
        ({"RecommendationProviderUri": "arn:aws:s3:::x"}, "Invalid RecommendationProviderUri"),
        ({"RecommendationProviderUri": "http://recommend.example"}, "Invalid RecommendationProviderUri"),
        ({"RecommendationProviderUri": "https://u:p@recommend.example"}, "Invalid RecommendationProviderUri"),
        ({"RecommendationProviderUri": "ftp://recommend.example"}, "Invalid RecommendationProviderUri"),
        ({"RecommendationProviderRoleArn": "role"}, "Invalid RecommendationProviderRoleArn"),
        ({"RecommendationProviderIdType": "USER"}, "Invalid RecommendationProviderIdType"),
        ({"RecommendationsPerMessage": 0}, "Invalid RecommendationsPerMessage"),
        ({"RecommendationsPerMessage": 6}, "Invalid RecommendationsPerMessage"),
        ({"Name": "_x"}, "Invalid Name"),
        ({"Name": "x" * 129}, "Invalid Name"),
        ({"Name": "a.b"}, "Invalid Name"),
        ({"Description": "x" * 129}, "Invalid Description"),
        ({"Description": "a.b"}, "Invalid Description"),
        ({"RecommendationsDisplayName": "x" * 26}, "Invalid RecommendationsDisplayName"),
        ({"Attributes": {"Title": "T"}}, "Invalid Attributes"),
        ({"RecommendationTransformerUri": "f"}, "Missing Attributes"),
        ({"RecommendationTransformerUri": "not a function"}, "Invalid RecommendationTransformerUri"),
        ({"RecommendationTransformerUri": "f", "Attributes": {"_x": "T"}}, "Invalid Attributes"),
        ({"RecommendationTransformerUri": "f", "Attributes": {"a b": "T"}}, "Invalid Attributes"),
        ({"RecommendationTransformerUri": "f", "Attributes": {"x" * 51: "T"}}, "Invalid Attributes"),
        ({"RecommendationTransformerUri": "f", "Attributes": {"x": "T" * 26}}, "Invalid Attributes"),
        ({"RecommendationTransformerUri": "f", "Attributes": {f"x{n}": "T" for n in range(11)}}, "Invalid Attributes"),
    ],
)
def test_what_may_not_be_said_is_refused(client: Any, members: dict[str, Any], message: str) -> None:
    recommender_id = create(client)["Id"]
    request = PLAIN | members

    created = refusal(client.create_recommender_configuration, CreateRecommenderConfiguration=request)
    updated = refusal(
        client.update_recommender_configuration, RecommenderId=recommender_id, UpdateRecommenderConfiguration=request
    )

    assert created == updated == (400, "BadRequestException", message)


def test_a_role_must_be_one_of_the_operators(serve: Serve) -> None:
    credentials = {"access_key_id": "key", "secret_access_key": "secret"}
    client = make_client(serve(personalize={"roles": {ROLE: credentials}}))

    refused = refusal(
        client.create_recommender_configuration,
        CreateRecommenderConfiguration=PLAIN | {"RecommendationProviderRoleArn": ROLE + "2"},
    )

    assert refused == (400, "BadRequestException", "Invalid RecommendationProviderRoleArn")
    assert create(client)["Id"]
    client.close()


def test_the_quota_is_exact(serve: Serve) -> None:
    client = make_client(serve(max_recommenders=2))
    first, _ = create(client), create(client)

    refused = refusal(client.create_recommender_configuration, CreateRecommenderConfiguration=PLAIN)
    client.delete_recommender_configuration(RecommenderId=first["Id"])

    assert refused == (400, "BadRequestException", "Exceeded maximum number of recommender configurations: 2")
    assert create(client)["Id"]
    client.close()


@pytest.mark.parametrize(
    ("word", "request_name"),
    [("email", "EmailTemplateRequest"), ("push", "PushNotificationTemplateRequest"), ("sms", "SMSTemplateRequest")],
)
def test_templates_name_recommenders_that_there_are(client: Any, word: str, request_name: str) -> None:
    create_template = getattr(client, f"create_{word}_template")
    update_template = getattr(client, f"update_{word}_template")
    recommender_id, missing = create(client)["Id"], "0" * 32

    refused = refusal(create_template, TemplateName="books", **{request_name: {"RecommenderId": missing}})
    create_template(TemplateName="books", **{request_name: {"RecommenderId": recommender_id}})
    refused_again = refusal(update_template, TemplateName="books", **{request_name: {"RecommenderId": missing}})

    assert refused == refused_again == (400, "BadRequestException", f"Recommender not found: {missing}")
    found = getattr(client, f"get_{word}_template")(TemplateName="books")
    assert next(iter(value for key, value in found.items() if key.endswith("Response")))["RecommenderId"] == (
        recommender_id
    )
