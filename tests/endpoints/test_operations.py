"""The operations on endpoints and users, driven by boto3 (endpoints.md)."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.queue.worker import Worker
from tests.fixtures.server import Raw

Client = Any


@pytest.fixture
def app(client: Client) -> str:
    created: str = client.create_app(CreateApplicationRequest={"Name": "shop"})["ApplicationResponse"]["Id"]
    return created


def put(client: Client, app: str, endpoint_id: str, **request: Any) -> None:
    client.update_endpoint(ApplicationId=app, EndpointId=endpoint_id, EndpointRequest=request)


def put_all(client: Client, app: str, *items: dict[str, Any]) -> None:
    client.update_endpoints_batch(ApplicationId=app, EndpointBatchRequest={"Item": list(items)})


def get(client: Client, app: str, endpoint_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get_endpoint(ApplicationId=app, EndpointId=endpoint_id)["EndpointResponse"]
    return found


def ids_of(client: Client, app: str, user_id: str) -> list[str]:
    found = client.get_user_endpoints(ApplicationId=app, UserId=user_id)["EndpointsResponse"]["Item"]
    return [endpoint["Id"] for endpoint in found]


def refusal(call: Any, *arguments: Any, **request: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **request)
    answer: dict[str, Any] = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def test_worked_sequence(client: Client, app: str) -> None:
    """Section 15, line by line."""
    put(
        client, app, "e1", ChannelType="SMS", Address="+12065550142", Attributes={"A": ["1"], "B": ["2"]},
        User={"UserId": "u1", "UserAttributes": {"Plan": ["gold"]}},
    )  # fmt: skip
    e1 = get(client, app, "e1")
    assert (e1["EndpointStatus"], e1["OptOut"]) == ("ACTIVE", "NONE")

    put(client, app, "e2", ChannelType="EMAIL", Address="a@example.com", User={"UserId": "u1"})
    assert get(client, app, "e2")["User"]["UserAttributes"] == {"Plan": ["gold"]}

    put(client, app, "e2", User={"UserAttributes": {"Plan": ["free"], "City": ["Oslo"]}})
    assert get(client, app, "e1")["User"]["UserAttributes"] == {"Plan": ["free"], "City": ["Oslo"]}
    assert get(client, app, "e1")["EffectiveDate"] == e1["EffectiveDate"]

    put(client, app, "e1", Attributes={"A": ["9", "8"]})
    assert get(client, app, "e1")["Attributes"] == {"A": ["9", "8"], "B": ["2"]}

    put(client, app, "e1", EndpointStatus="INACTIVE")
    assert get(client, app, "e1")["EndpointStatus"] == "INACTIVE"

    put(client, app, "e1", Metrics={"V": 1})
    assert get(client, app, "e1")["EndpointStatus"] == "ACTIVE"

    put(client, app, "e3", ChannelType="SMS", Address="+12065550142")
    e3 = get(client, app, "e3")
    assert (e3["EndpointStatus"], e3["OptOut"]) == ("ACTIVE", "NONE")
    assert get(client, app, "e1")["EndpointStatus"] == "INACTIVE"

    put(client, app, "e4", User={"UserId": "u1"})
    e4 = get(client, app, "e4")
    assert "ChannelType" not in e4
    assert "Address" not in e4
    assert e4["OptOut"] == "ALL"
    assert ids_of(client, app, "u1") == ["e1", "e2", "e4"]

    assert refusal(put, client, app, "e4", OptOut="NONE") == (400, "BadRequestException", "Missing Address")
    assert refusal(put, client, app, "e4", Address="b@example.com") == (
        400, "BadRequestException", "Missing ChannelType",
    )  # fmt: skip
    assert get(client, app, "e4") == e4

    put(client, app, "e2", User={"UserId": ""})
    assert get(client, app, "e2")["User"] == {}
    assert get(client, app, "e1")["User"] == {
        "UserId": "u1", "UserAttributes": {"Plan": ["free"], "City": ["Oslo"]},
    }  # fmt: skip

    put(client, app, "E1", Attributes={"B": []})
    e1 = get(client, app, "e1")
    assert e1["Id"] == "e1"
    assert e1["Attributes"] == {"A": ["9", "8"]}
    assert e1["EndpointStatus"] == "ACTIVE"


def test_answer_shows_what_is_always_there_and_nothing_empty(client: Client, app: str) -> None:
    put(client, app, "e1")

    found = get(client, app, "e1")

    assert sorted(found) == [
        "ApplicationId", "Attributes", "CohortId", "CreationDate", "EffectiveDate", "EndpointStatus", "Id", "Metrics",
        "OptOut", "RequestId", "User",
    ]  # fmt: skip
    assert (found["Attributes"], found["Metrics"], found["User"], found["OptOut"]) == ({}, {}, {}, "ALL")
    assert 0 <= int(found["CohortId"]) <= 99


def test_whole_endpoint_reads_back(client: Client, app: str) -> None:
    put(
        client, app, "e/x y:z@1", ChannelType="SMS", Address=" +12065550142 ", OptOut="ALL", RequestId="mine",
        EffectiveDate="2025-06-30T14:00+02:00", Attributes={'Quote"\\': ["tab\t", "line\n", "é"]}, Metrics={"V": 3},
        Demographic={"Make": "Ä\\b", "Locale": "", "Timezone": "Americas/Los_Angeles"},
        Location={"Country": "USA", "Latitude": 47.61, "Longitude": -122.35},
        User={"UserId": "u", "UserAttributes": {"Plan": ["gold"]}},
    )  # fmt: skip

    found = get(client, app, "E/X Y:Z@1")

    assert found["Id"] == "e/x y:z@1"
    assert found["Address"] == "+12065550142"
    assert found["OptOut"] == "ALL"
    assert found["RequestId"] == "mine"
    assert found["EffectiveDate"] == "2025-06-30T12:00:00.000Z"
    assert found["Attributes"] == {'Quote"\\': ["tab\t", "line\n", "é"]}
    assert found["Metrics"] == {"V": 3.0}
    assert found["Demographic"] == {"Make": "Ä\\b", "Timezone": "Americas/Los_Angeles"}
    assert found["Location"] == {"Country": "USA", "Latitude": 47.6, "Longitude": -122.4}
    assert found["User"] == {"UserId": "u", "UserAttributes": {"Plan": ["gold"]}}


def test_empty_text_clears_and_absent_keeps(client: Client, app: str) -> None:
    put(client, app, "e1", ChannelType="EMAIL", Address="a@example.com", Demographic={"Make": "A", "Model": "B"})

    put(client, app, "e1", Address="", Demographic={"Make": ""}, Location={"City": "Oslo"})

    found = get(client, app, "e1")
    assert "Address" not in found
    assert found["Demographic"] == {"Model": "B"}
    assert found["Location"] == {"City": "Oslo"}
    assert found["OptOut"] == "ALL"


def test_opt_out_follows_the_address_until_it_is_set(client: Client, app: str) -> None:
    put(client, app, "e1", ChannelType="GCM", OptOut="ALL")
    put(client, app, "e2", ChannelType="GCM")

    put(client, app, "e1", Address="t1")
    put(client, app, "e2", Address="t2")

    assert get(client, app, "e1")["OptOut"] == "ALL"
    assert get(client, app, "e2")["OptOut"] == "NONE"


def test_in_app_needs_no_address(client: Client, app: str) -> None:
    put(client, app, "e1", ChannelType="IN_APP", OptOut="NONE")

    assert get(client, app, "e1")["OptOut"] == "NONE"


def test_effective_date_that_cannot_be_read_is_the_servers_time(client: Client, app: str) -> None:
    put(client, app, "e1", EffectiveDate="Mon Jul 01 2019")

    assert get(client, app, "e1")["EffectiveDate"] == get(client, app, "e1")["CreationDate"]


def test_relinking_shows_the_new_users_attributes(client: Client, app: str) -> None:
    put(client, app, "a", User={"UserId": "A", "UserAttributes": {"Plan": ["gold"]}})
    put(client, app, "b", User={"UserId": "B", "UserAttributes": {"Plan": ["free"]}})
    put(client, app, "e", User={"UserId": "A"})

    put(client, app, "e", User={"UserId": "B", "UserAttributes": {"City": ["Oslo"]}})

    assert get(client, app, "e")["User"]["UserAttributes"] == {"Plan": ["free"], "City": ["Oslo"]}
    assert get(client, app, "a")["User"]["UserAttributes"] == {"Plan": ["gold"]}


def test_own_user_attributes_fill_what_the_user_lacks(client: Client, app: str) -> None:
    put(client, app, "u", User={"UserId": "U", "UserAttributes": {"Plan": ["gold"]}})
    put(client, app, "e", User={"UserAttributes": {"Plan": ["own"], "City": ["Oslo"], "Tier": ["own"]}})
    assert get(client, app, "e")["User"] == {
        "UserAttributes": {"Plan": ["own"], "City": ["Oslo"], "Tier": ["own"]},
    }  # fmt: skip

    put(client, app, "e", User={"UserId": "U", "UserAttributes": {"Tier": ["one"]}})

    assert get(client, app, "u")["User"]["UserAttributes"] == {"Plan": ["gold"], "City": ["Oslo"], "Tier": ["one"]}


def test_user_attributes_go_with_the_last_endpoint(client: Client, app: str) -> None:
    put(client, app, "e", User={"UserId": "U", "UserAttributes": {"Plan": ["gold"]}})

    put(client, app, "e", User={"UserId": ""})
    put(client, app, "e", User={"UserId": "U"})

    assert get(client, app, "e")["User"] == {"UserId": "U"}


def test_user_ids_keep_their_case(client: Client, app: str) -> None:
    put(client, app, "a", User={"UserId": "u"})
    put(client, app, "b", User={"UserId": "U"})

    assert ids_of(client, app, "u") == ["a"]


@pytest.mark.parametrize("channel", ["SMS", "EMAIL", "PUSH", "VOICE", "CUSTOM", "IN_APP"])
def test_sixteenth_endpoint_of_a_direct_channel_is_refused(client: Client, app: str, channel: str) -> None:
    put_all(client, app, *({"Id": f"e{n}", "ChannelType": "GCM", "User": {"UserId": "u"}} for n in range(15)))

    refused = refusal(put, client, app, "e15", ChannelType=channel, User={"UserId": "u"})

    assert refused == (400, "BadRequestException", "Exceeded maximum endpoint per user count: 15")
    assert refusal(get, client, app, "e15") == (404, "NotFoundException", "Resource not found")


def test_sixteenth_push_endpoint_takes_the_place_of_the_oldest(client: Client, app: str) -> None:
    put_all(
        client, app, {"Id": "mail", "ChannelType": "EMAIL", "User": {"UserId": "u"}},
        *({"Id": f"e{n}", "ChannelType": "APNS_SANDBOX", "User": {"UserId": "u"}} for n in range(14)),
    )  # fmt: skip
    put(client, app, "e0", User={"UserAttributes": {"Plan": ["gold"]}})

    put(client, app, "new", ChannelType="GCM", User={"UserId": "u"})

    evicted = get(client, app, "e1")
    assert (evicted["EndpointStatus"], evicted["User"]) == ("INACTIVE", {})
    assert len(ids_of(client, app, "u")) == 15
    assert get(client, app, "new")["User"] == {"UserId": "u", "UserAttributes": {"Plan": ["gold"]}}


def test_sixteenth_push_endpoint_without_another_is_refused(client: Client, app: str) -> None:
    put_all(client, app, *({"Id": f"e{n}", "ChannelType": "SMS", "User": {"UserId": "u"}} for n in range(15)))

    refused = refusal(put, client, app, "e15", ChannelType="GCM", User={"UserId": "u"})

    assert refused[2] == "Exceeded maximum endpoint per user count: 15"


def test_updating_one_of_fifteen_evicts_nobody(client: Client, app: str) -> None:
    put_all(client, app, *({"Id": f"e{n}", "ChannelType": "GCM", "User": {"UserId": "u"}} for n in range(15)))

    put(client, app, "e3", User={"UserId": "u"}, Metrics={"V": 1})

    assert len(ids_of(client, app, "u")) == 15


def test_same_address_on_another_channel_stays_active(client: Client, app: str) -> None:
    put(client, app, "sms", ChannelType="SMS", Address="+1206")

    put(client, app, "voice", ChannelType="VOICE", Address="+1206")

    assert get(client, app, "sms")["EndpointStatus"] == "ACTIVE"


def test_inactive_write_leaves_the_other_active(client: Client, app: str) -> None:
    put(client, app, "a", ChannelType="SMS", Address="+1206")

    put(client, app, "b", ChannelType="SMS", Address="+1206", EndpointStatus="INACTIVE")

    assert get(client, app, "a")["EndpointStatus"] == "ACTIVE"


def test_batch_is_applied_wholly_or_not_at_all(client: Client, app: str) -> None:
    refused = refusal(put_all, client, app, {"Id": "a", "ChannelType": "SMS"}, {"Id": "b", "Address": "x"})

    assert refused == (400, "BadRequestException", "Item 1: Missing ChannelType")
    assert refusal(get, client, app, "a")[0] == 404


def test_batch_applies_an_id_twice_in_order(client: Client, app: str) -> None:
    put_all(
        client, app,
        {"Id": "a", "Attributes": {"A": ["1"], "B": ["1"]}, "Demographic": {"Make": "x", "Model": "m"}},
        {"Id": "A", "Attributes": {"A": [], "C": ["2"]}, "Demographic": {"Make": ""}, "Metrics": {"V": 1}},
        {"Id": "a", "Attributes": {"D": ["3"]}, "Metrics": {"W": 2}},
    )  # fmt: skip

    found = get(client, app, "a")
    assert found["Attributes"] == {"B": ["1"], "C": ["2"], "D": ["3"]}
    assert found["Demographic"] == {"Model": "m"}
    assert found["Metrics"] == {"V": 1.0, "W": 2.0}


def test_batch_limits(client: Client, app: str) -> None:
    too_many = [{"Id": f"e{n}"} for n in range(101)]

    for items in ([], too_many):
        refused = refusal(put_all, client, app, *items)
        assert refused == (400, "BadRequestException", "Item must contain between 1 and 100 endpoints")
    assert refusal(put_all, client, app, {"Address": "x"}) == (400, "BadRequestException", "Item 0: Missing Id")


def test_batch_keeps_the_start_of_texts_that_clients_match(client: Client, app: str) -> None:
    put_all(client, app, *({"Id": f"e{n}", "ChannelType": "SMS", "User": {"UserId": "u"}} for n in range(15)))

    refused = refusal(put_all, client, app, {"Id": "ok"}, {"Id": "e15", "ChannelType": "SMS", "User": {"UserId": "u"}})

    assert refused[2].startswith("Exceeded maximum endpoint per user count: 15")


def test_delete_endpoint_answers_what_it_was(client: Client, app: str) -> None:
    put(client, app, "e1", ChannelType="SMS", User={"UserId": "u", "UserAttributes": {"Plan": ["gold"]}})
    before = get(client, app, "e1")

    deleted = client.delete_endpoint(ApplicationId=app, EndpointId="E1")

    assert deleted["EndpointResponse"] == before
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert refusal(get, client, app, "e1") == (404, "NotFoundException", "Resource not found")
    assert refusal(ids_of, client, app, "u") == (404, "NotFoundException", "Resource not found")
    assert refusal(client.delete_endpoint, ApplicationId=app, EndpointId="e1")[0] == 404


def test_delete_user_endpoints_answers_what_they_were(client: Client, app: str) -> None:
    put_all(client, app, {"Id": "b", "User": {"UserId": "u"}}, {"Id": "a", "User": {"UserId": "u"}}, {"Id": "c"})

    deleted = client.delete_user_endpoints(ApplicationId=app, UserId="u")["EndpointsResponse"]["Item"]

    assert [endpoint["Id"] for endpoint in deleted] == ["b", "a"]
    assert refusal(client.delete_user_endpoints, ApplicationId=app, UserId="u")[0] == 404
    assert get(client, app, "c")["Id"] == "c"


def test_removed_attributes_are_captured_no_longer_and_stay_where_they_are(client: Client, app: str) -> None:
    put(client, app, "e1", Attributes={"Color": ["red"], "Colour": ["red"], "Size": ["1"]}, Metrics={"Color": 1})

    answer = client.remove_attributes(
        ApplicationId=app, AttributeType="endpoint-custom-attributes",
        UpdateAttributesRequest={"Blacklist": ["Colo*r", "Nothing"]},
    )["AttributesResource"]  # fmt: skip
    put(client, app, "e1", Attributes={"Color": ["blue"], "Colour": ["blue"], "Size": ["2"]}, Metrics={"Color": 2})

    assert answer["Attributes"] == ["Color", "Colour"]
    assert answer["AttributeType"] == "endpoint-custom-attributes"
    found = get(client, app, "e1")
    assert found["Attributes"] == {"Color": ["red"], "Colour": ["red"], "Size": ["2"]}
    assert found["Metrics"] == {"Color": 2.0}


def test_names_are_limited_for_an_application(client: Client, app: str) -> None:
    for start in range(0, 250, 50):
        put(client, app, f"e{start}", Attributes={f"n{start + n}": ["x"] for n in range(50)})

    refused = refusal(put, client, app, "e1", Attributes={"one-more": ["x"]})
    put(client, app, "e2", Attributes={"n1": ["y"], "unknown": []})

    assert refused == (400, "BadRequestException", "Too many custom attributes")


def test_names_that_nobody_carries_make_room(client: Client, app: str) -> None:
    for start in range(0, 250, 50):
        put(client, app, f"e{start}", Metrics={f"n{start + n}": 1 for n in range(50)})
    client.delete_endpoint(ApplicationId=app, EndpointId="e0")

    put(client, app, "e1", Attributes={"one-more": ["x"]})

    assert get(client, app, "e1")["Attributes"] == {"one-more": ["x"]}


def test_size_counts_the_merged_endpoint_with_its_users_attributes(client: Client, app: str) -> None:
    filler = {f"n{n}": ["x" * 100] * 12 for n in range(5)}
    put(client, app, "e1", Attributes=filler, User={"UserId": "u"})
    put(client, app, "e2", User={"UserId": "u", "UserAttributes": {f"u{n}": ["y" * 100] * 12 for n in range(5)}})

    refused = refusal(put, client, app, "e1", Attributes={"more": ["z" * 100] * 36})
    put(client, app, "e1", Attributes={"n0": [], "n1": [], "more": ["z" * 100] * 36})

    assert refused == (400, "BadRequestException", "Endpoint size exceeds the maximum of 15 KB")
    assert sorted(get(client, app, "e1")["Attributes"]) == ["more", "n2", "n3", "n4"]


def test_updating_the_same_endpoint_often_never_exceeds_its_true_size(client: Client, app: str) -> None:
    for number in range(40):
        put(client, app, "e1", Attributes={"A": [str(number) * 50]}, User={"UserAttributes": {"B": ["x" * 90]}})

    assert get(client, app, "e1")["Attributes"] == {"A": ["39" * 50]}


@pytest.mark.parametrize(
    ("endpoint_id", "request_", "message"),
    [
        ("e", {"ChannelType": "FAX"}, "Invalid ChannelType: FAX"),
        ("e", {"OptOut": "SOME"}, "Invalid OptOut: SOME"),
        ("e", {"EndpointStatus": "GONE"}, "Invalid EndpointStatus: GONE"),
        ("a$b", {}, "Invalid EndpointId"),
        ("a{b", {}, "Invalid EndpointId"),
        ("x" * 1025, {}, "Invalid EndpointId"),
        ("e", {"Location": {"Latitude": 90.1}}, "Invalid Latitude: 90.1"),
        ("e", {"Location": {"Longitude": -181}}, "Invalid Longitude: -181.0"),
        ("e", {"Attributes": {"n" * 51: ["x"]}}, f"Attribute name exceeds 50 characters: {'n' * 51}"),
        ("e", {"Metrics": {"n" * 51: 1}}, f"Attribute name exceeds 50 characters: {'n' * 51}"),
        ("e", {"Attributes": {"A": ["v" * 101]}}, "Attribute value exceeds 100 characters: A"),
        ("e", {"User": {"UserAttributes": {"A": ["v"] * 51}}}, "Attribute has more than 50 values: A"),
        ("e", {"Address": "x"}, "Missing ChannelType"),
        ("e", {"ChannelType": "SMS", "OptOut": "NONE"}, "Missing Address"),
    ],
)
def test_bad_member_is_told(client: Client, app: str, endpoint_id: str, request_: dict[str, Any], message: str) -> None:
    assert refusal(put, client, app, endpoint_id, **request_) == (400, "BadRequestException", message)
    assert refusal(put_all, client, app, {"Id": endpoint_id, **request_})[2] == f"Item 0: {message}"


@pytest.mark.parametrize("app_id", ["0" * 32, "nope", "ü"])
def test_unknown_application_comes_before_a_bad_member(client: Client, app_id: str) -> None:
    unknown = (404, "NotFoundException", "Application not found")

    assert refusal(put, client, app_id, "e") == unknown
    assert refusal(put, client, app_id, "a$b", ChannelType="FAX") == unknown
    assert refusal(put_all, client, app_id) == unknown
    assert refusal(put_all, client, app_id, {"Id": "e"}) == unknown
    assert refusal(get, client, app_id, "e") == unknown
    assert refusal(ids_of, client, app_id, "u") == unknown


def test_bad_blacklists_are_told(client: Client, app: str) -> None:
    refused = refusal(
        client.remove_attributes, ApplicationId=app, AttributeType="colours",
        UpdateAttributesRequest={"Blacklist": ["a"]},
    )  # fmt: skip
    empty = refusal(
        client.remove_attributes, ApplicationId=app, AttributeType="endpoint-custom-attributes",
        UpdateAttributesRequest={"Blacklist": []},
    )  # fmt: skip

    assert refused == (400, "BadRequestException", "Invalid attribute-type: colours")
    assert empty == (400, "BadRequestException", "Missing Blacklist")
    many = refusal(
        client.remove_attributes, ApplicationId=app, AttributeType="endpoint-custom-attributes",
        UpdateAttributesRequest={"Blacklist": ["a"] * 251},
    )  # fmt: skip
    assert many == (400, "BadRequestException", "Invalid Blacklist: more than 250 patterns")


def test_raw_bodies_are_taken_as_documented(raw: Raw, client: Client, app: str) -> None:
    sent = raw.send(
        "PUT", f"/v1/apps/{app}/endpoints/a%2Fb",
        b'{"ChannelType":"SMS","Address":"+1","Attributes":{"A":"one","B":[true,2]},"CohortId":"7","Extra":null}',
    )  # fmt: skip

    assert sent.status == 202
    assert sent.json["Message"] == "Accepted"
    assert sent.json["RequestID"] == sent.headers["x-amzn-requestid"]
    assert get(client, app, "a/b")["Attributes"] == {"A": ["one"], "B": ["true", "2"]}
    assert get(client, app, "a/b")["RequestId"] == sent.json["RequestID"]


def test_long_ids_are_kept_apart(client: Client, app: str) -> None:
    long = "ø" * 1023

    put(client, app, long + "a", Attributes={"A": ["1"]}, User={"UserId": long * 3})
    put(client, app, long + "b", Attributes={"A": ["2"]}, User={"UserId": long * 3 + "x"})

    assert get(client, app, long + "a")["Attributes"] == {"A": ["1"]}
    assert ids_of(client, app, long * 3 + "x") == [long + "b"]


async def test_deleted_application_leaves_no_rows(client: Client, app: str, worker: Worker, database: Database) -> None:
    put(client, app, "e1", Attributes={"A": ["1"]}, User={"UserId": "u"})

    client.delete_app(ApplicationId=app)

    assert refusal(put, client, app, "e1") == (404, "NotFoundException", "Application not found")
    await worker.drain()
    async with database.connection() as db:
        left = await db.row(
            Query("left", "SELECT (SELECT count(*) FROM endpoints) + (SELECT count(*) FROM users)"
                  " + (SELECT count(*) FROM attribute_names) AS rows")
        )  # fmt: skip
    assert left == {"rows": 0}
