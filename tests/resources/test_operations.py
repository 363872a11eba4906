from typing import Any
from urllib.parse import quote

import pytest

from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Serve, make_client

UNKNOWN = "0123456789abcdef0123456789abcdef"
ACCOUNT = "arn:aws:mobiletargeting:us-east-1:000000000000:"


@pytest.fixture
def arn(client: Any) -> str:
    """An application's, without tags."""
    return str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Arn"])


def tag(client: Any, arn: str, tags: dict[str, str]) -> None:
    client.tag_resource(ResourceArn=arn, TagsModel={"tags": tags})


def tags_of(client: Any, arn: str) -> Any:
    return client.list_tags_for_resource(ResourceArn=arn)["TagsModel"]["tags"]


def test_tag_resource_adds_and_overwrites_by_key(client: Any, arn: str) -> None:
    tag(client, arn, {"Owner": "ana", "Stage": "test"})
    tag(client, arn, {"Stage": "live", "stage": "x"})

    assert tags_of(client, arn) == {"Owner": "ana", "Stage": "live", "stage": "x"}


def test_tags_of_an_application_show_in_the_application(client: Any, arn: str) -> None:
    tag(client, arn, {"Owner": "ana"})

    assert client.get_apps()["ApplicationsResponse"]["Item"][0]["tags"] == {"Owner": "ana"}


def test_untag_resource_removes_keys_and_passes_over_unknown_ones(client: Any, arn: str) -> None:
    tag(client, arn, {"Owner": "ana", "Stage": "test", "Cost": "1"})

    client.untag_resource(ResourceArn=arn, TagKeys=["Owner", "Cost", "owner", "none"])

    assert tags_of(client, arn) == {"Stage": "test"}


def test_tag_operations_answer_as_the_contract_says(raw: Raw, arn: str) -> None:
    path = "/v1/tags/" + quote(arn, safe="")

    tagged = raw.send("POST", path, {"tags": {"a": "1", "b": ""}})
    listed = raw.send("GET", path)
    untagged = raw.send("DELETE", path + "?tagKeys=a&tagKeys=b")
    empty = raw.send("GET", path)

    assert (tagged.status, tagged.body) == (204, b"")
    assert (listed.status, listed.json) == (200, {"tags": {"a": "1", "b": ""}})
    assert (untagged.status, untagged.body) == (204, b"")
    assert (empty.status, empty.json) == (200, {"tags": {}})


def test_arn_may_come_with_bare_slashes_and_colons(raw: Raw, arn: str) -> None:
    assert raw.send("POST", f"/v1/tags/{arn}", {"tags": {"a": "1"}}).status == 204
    assert raw.send("GET", f"/v1/tags/{arn}").json == {"tags": {"a": "1"}}


def test_arn_carries_the_region_of_the_signature(serve: Serve) -> None:
    server = serve(regions=("us-east-1", "eu-west-1"))
    raw = Raw(server)
    arn = raw.send("POST", "/v1/apps", {"Name": "Shop"}, region="eu-west-1").json["Arn"]

    assert arn.startswith("arn:aws:mobiletargeting:eu-west-1:000000000000:apps/")
    assert raw.send("GET", f"/v1/tags/{arn}", region="eu-west-1").status == 200
    assert raw.send("GET", f"/v1/tags/{arn}").json["Message"] == "Invalid resource ARN"


def test_tags_may_have_letters_digits_blanks_and_signs(client: Any, arn: str) -> None:
    tags = {"k" * 128: "v" * 256, "Kosten Stelle": "_.:/=+-@", "部門": "Überwachung 9", "xaws:": "not aws:"}

    tag(client, arn, tags)

    assert tags_of(client, arn) == tags


BAD_TAGS = [
    ({"": "v"}, "Tag keys must have between 1 and 128 characters"),
    ({"k" * 129: "v"}, "Tag keys must have between 1 and 128 characters"),
    ({"k": "v" * 257}, "Value of tag k exceeds 256 characters"),
    ({"k!": "v"}, "Invalid tag key: k!"),
    ({"k\n": "v"}, "Invalid tag key: k\n"),
    ({"k": "a,b"}, "Invalid value of tag k"),
    ({"aws:k": "v"}, "Tag keys and values must not begin with aws:"),
    ({"AWS:k": "v"}, "Tag keys and values must not begin with aws:"),
    ({"k": "Aws:v"}, "Tag keys and values must not begin with aws:"),
    ({f"k{number}": "v" for number in range(51)}, "Exceeded maximum number of tags per resource: 50"),
]


def test_tag_resource_refuses_tags(client: Any, arn: str) -> None:
    told = [
        refusal(client.tag_resource, ResourceArn=arn, TagsModel={"tags": {"good": "v"} | tags}) for tags, _ in BAD_TAGS
    ]

    assert told == [(400, "BadRequestException", message) for _, message in BAD_TAGS]
    assert tags_of(client, arn) == {}


def test_create_app_refuses_the_same_tags(client: Any) -> None:
    told = [refusal(client.create_app, CreateApplicationRequest={"Name": "Shop", "tags": tags}) for tags, _ in BAD_TAGS]

    assert told == [(400, "BadRequestException", message) for _, message in BAD_TAGS]
    assert client.get_apps()["ApplicationsResponse"]["Item"] == []


def test_51st_tag_is_refused_and_overwriting_is_not(client: Any, arn: str) -> None:
    tag(client, arn, {f"k{number}": "v" for number in range(50)})

    told = refusal(client.tag_resource, ResourceArn=arn, TagsModel={"tags": {"k0": "w", "k50": "v"}})
    tag(client, arn, {"k0": "x"})

    assert told == (400, "BadRequestException", "Exceeded maximum number of tags per resource: 50")
    assert tags_of(client, arn) == {"k0": "x"} | {f"k{number}": "v" for number in range(1, 50)}


def test_tag_resource_needs_tags(raw: Raw, arn: str) -> None:
    answer = raw.send("POST", f"/v1/tags/{arn}", {})

    assert (answer.status, answer.json["Message"]) == (400, "Missing tags")


def test_untag_resource_needs_keys_and_refuses_reserved_ones(raw: Raw, arn: str) -> None:
    none = raw.send("DELETE", f"/v1/tags/{arn}")
    reserved = raw.send("DELETE", f"/v1/tags/{arn}?tagKeys=aWs%3Acreated")

    assert (none.status, none.json["Message"]) == (400, "Missing tagKeys")
    assert (reserved.status, reserved.json["Message"]) == (400, "Tag keys and values must not begin with aws:")


def test_unknown_resources_are_not_found(raw: Raw) -> None:
    suffixes = [
        f"apps/{UNKNOWN}",
        "apps/x",
        f"apps/{UNKNOWN}/campaigns/{UNKNOWN}",
        f"apps/{UNKNOWN}/segments/{UNKNOWN}",
        f"apps/{UNKNOWN}/journeys/{UNKNOWN}",
        "templates/Welcome/EMAIL",
        "templates/Welcome/PUSH",
        "templates/Welcome/SMS",
        "templates/Welcome/VOICE",
        "templates/Welcome/INAPP",
    ]

    for suffix in suffixes:
        assert answers(raw, ACCOUNT + suffix) == [(404, "NotFoundException", "Resource not found")] * 3, suffix


def test_resource_is_found_under_its_own_application_only(client: Any, raw: Raw, arn: str) -> None:
    other = client.create_app(CreateApplicationRequest={"Name": "Other"})["ApplicationResponse"]["Id"]

    told = answers(raw, f"{ACCOUNT}apps/{other}/segments/{arn[-32:]}")

    assert told == [(404, "NotFoundException", "Resource not found")] * 3


def test_malformed_arns_and_those_of_elsewhere_are_refused(raw: Raw) -> None:
    arns = [
        "x",
        ACCOUNT,
        f"{ACCOUNT}apps",
        f"{ACCOUNT}apps/",
        f"{ACCOUNT}templates/Welcome/email",
        f"{ACCOUNT}templates/Welcome/EMAIL/",
        f"{ACCOUNT}queues/x",
        f"apps/{UNKNOWN}",
        f"arn:aws:mobiletargeting:us-east-1:111111111111:apps/{UNKNOWN}",
        f"arn:aws:mobiletargeting:eu-west-1:000000000000:apps/{UNKNOWN}",
        f"arn:aws-us-gov:mobiletargeting:us-east-1:000000000000:apps/{UNKNOWN}",
        f"arn:aws:sns:us-east-1:000000000000:apps/{UNKNOWN}",
    ]

    for arn in arns:
        assert answers(raw, arn) == [(400, "BadRequestException", "Invalid resource ARN")] * 3, arn


def test_what_has_no_tags_is_refused(raw: Raw) -> None:
    suffixes = [
        f"apps/{UNKNOWN}/endpoints/e1",
        f"apps/{UNKNOWN}/channels/email",
        f"apps/{UNKNOWN}/jobs/import/{UNKNOWN}",
        f"recommenders/{UNKNOWN}",
        "recommenders",
        "templates",
    ]

    for suffix in suffixes:
        assert answers(raw, ACCOUNT + suffix) == [(400, "BadRequestException", "Resource can't be tagged")] * 3, suffix


def test_missing_resource_goes_before_bad_tags(raw: Raw) -> None:
    for body in ({}, {"tags": {"aws:x": "y"}}):
        answer = raw.send("POST", f"/v1/tags/{ACCOUNT}apps/{UNKNOWN}", body)

        assert (answer.status, answer.json["Message"]) == (404, "Resource not found")


def test_tags_survive_the_server(serve: Serve) -> None:
    client = make_client(serve())
    arn = client.create_app(CreateApplicationRequest={"Name": "Shop", "tags": {"a": "1"}})["ApplicationResponse"]["Arn"]
    client.close()
    other = make_client(serve())

    assert tags_of(other, arn) == {"a": "1"}
    other.close()


def answers(raw: Raw, arn: str) -> list[tuple[int, str, str]]:
    """How each of the three operations refuses an ARN."""
    path = "/v1/tags/" + quote(arn, safe="")
    told = (
        raw.send("GET", path),
        raw.send("POST", path, {"tags": {"a": "1"}}),
        raw.send("DELETE", path + "?tagKeys=a"),
    )
    return [(answer.status, answer.headers["x-amzn-errortype"], answer.json["Message"]) for answer in told]
