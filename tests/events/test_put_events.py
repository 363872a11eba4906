"""PutEvents, driven by boto3 (events.md section 1)."""

from typing import Any

import pytest

from tests.fixtures.server import Raw

Client = Any


@pytest.fixture
def app(client: Client) -> str:
    created: str = client.create_app(CreateApplicationRequest={"Name": "shop"})["ApplicationResponse"]["Id"]
    return created


AT = "2024-05-01T10:00:00.123Z"


def put(client: Client, app: str, batch: dict[str, Any]) -> Any:
    answer = client.put_events(ApplicationId=app, EventsRequest={"BatchItem": batch})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    return answer["EventsResponse"]["Results"]


def logged(raw: Raw, app: str, query: str = "") -> list[dict[str, Any]]:
    answer = raw.send("GET", f"/repoint/v1/apps/{app}/events{query}")
    assert answer.status == 200, answer.body
    return [item["Record"] for item in answer.json["Item"]]


ACCEPTED = {"StatusCode": 202, "Message": "Accepted"}


def test_an_event_of_a_new_endpoint_is_in_the_log_at_once(client: Client, raw: Raw, app: str) -> None:
    endpoint = {"ChannelType": "GCM", "Address": "t1", "Demographic": {"Make": "samsung", "Locale": "en_GB"}}
    event = {"EventType": "custom.x", "Timestamp": AT, "Attributes": {"a": "b"}, "Metrics": {"n": 3.0}}

    results = put(client, app, {"E1": {"Endpoint": endpoint, "Events": {"v1": event}}})

    assert results == {"E1": {"EndpointItemResponse": ACCEPTED, "EventsItemResponse": {"v1": ACCEPTED}}}
    (record,) = logged(raw, app)
    assert record["event_type"] == "custom.x"
    assert record["client"] == {"client_id": "E1"}
    assert record["device"] == {
        "locale": {"code": "en_GB", "country": "GB", "language": "en"},
        "make": "samsung",
        "platform": {},
    }
