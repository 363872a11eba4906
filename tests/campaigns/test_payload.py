"""What the user's code is sent, to the byte."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from repoint.campaigns.payload import custom_envelope, hook_envelope
from repoint.delivery.definition import endpoint_definition
from repoint.events.records import CampaignRun
from repoint.functions.payload import payloads

APPLICATION = "3a9b1f4e6c764ba7b031e7183example"
RUN = CampaignRun("13978104ce5d6017c72552257example", "575cb1929d5ba43e87e2478eeexample", "1")
AT = datetime(2020, 4, 8, 19, 0, 16, 843_999, tzinfo=UTC)
# As GetEndpoint answers it.
ENDPOINT: dict[str, Any] = {
    "Id": "1dbcd396df28ac6cf8c1c2b7fexample",
    "ApplicationId": APPLICATION,
    "ChannelType": "EMAIL",
    "Address": "mary.major@example.com",
    "EndpointStatus": "ACTIVE",
    "OptOut": "NONE",
    "Attributes": {},
    "Metrics": {},
    "Demographic": {"Make": "OnePlus", "Platform": "android"},
    "Location": {"City": "Seattle", "Country": "USA"},
    "User": {},
    "CohortId": "42",
    "RequestId": "dcdc9c56-0000-4000-8000-000000000000",
    "CreationDate": "2020-04-01T01:05:17.267Z",
    "EffectiveDate": "2020-04-01T01:05:17.268Z",
}


def text(document: Any) -> str:
    return msgspec.json.encode(document).decode()


def test_a_custom_channel_is_sent_the_contracts_payload() -> None:
    envelope = custom_envelope(APPLICATION, RUN, AT, '{"id": "{{User.UserId}}"}')

    [(ids, payload)] = payloads(envelope, {ENDPOINT["Id"]: endpoint_definition(ENDPOINT)})

    assert ids == ["1dbcd396df28ac6cf8c1c2b7fexample"]
    assert payload.decode() == (
        '{"Message":{},"Data":"{\\"id\\": \\"{{User.UserId}}\\"}",'
        '"ApplicationId":"3a9b1f4e6c764ba7b031e7183example","CampaignId":"13978104ce5d6017c72552257example",'
        '"TreatmentId":"1","ActivityId":"575cb1929d5ba43e87e2478eeexample",'
        '"ScheduledTime":"2020-04-08T19:00:16.843Z",'
        '"Endpoints":{"1dbcd396df28ac6cf8c1c2b7fexample":{"ChannelType":"EMAIL","Address":"mary.major@example.com",'
        '"EndpointStatus":"ACTIVE","OptOut":"NONE","Location":{"City":"Seattle","Country":"USA"},'
        '"Demographic":{"Make":"OnePlus","Platform":"android"},"EffectiveDate":"2020-04-01T01:05:17.268Z",'
        '"Attributes":{"CohortId":["42"]},"User":{},"CreationDate":"2020-04-01T01:05:17.267Z"}}}'
    )


def test_a_hook_is_told_the_message_and_the_run() -> None:
    message = {"EmailMessage": {"FromAddress": "shop@example.com"}}

    assert text(hook_envelope(APPLICATION, RUN, AT, message)) == (
        '{"MessageConfiguration":{"EmailMessage":{"FromAddress":"shop@example.com"}},'
        '"ApplicationId":"3a9b1f4e6c764ba7b031e7183example","CampaignId":"13978104ce5d6017c72552257example",'
        '"TreatmentId":"1","ActivityId":"575cb1929d5ba43e87e2478eeexample",'
        '"ScheduledTime":"2020-04-08T19:00:16.843Z"}'
    )


def test_attributes_metrics_and_the_user_are_told_beside_the_cohort() -> None:
    stored = {
        **ENDPOINT,
        "Attributes": {"plan": ["pro", "annual"]},
        "Metrics": {"visits": 3.0, "spent": 12.5},
        "User": {"UserId": "u1", "UserAttributes": {"name": ["Mary"]}},
    }

    definition = endpoint_definition(stored)

    assert list(definition)[-4:] == ["Attributes", "Metrics", "User", "CreationDate"]
    assert definition["Attributes"] == {"CohortId": ["42"], "plan": ["pro", "annual"]}
    assert definition["Metrics"] == {"visits": 3.0, "spent": 12.5}
    assert definition["User"] == {"UserId": "u1", "UserAttributes": {"name": ["Mary"]}}
    assert stored["Attributes"] == {"plan": ["pro", "annual"]}


def test_an_attribute_of_the_cohorts_name_is_told_in_its_stead() -> None:
    stored = {**ENDPOINT, "Attributes": {"CohortId": ["own"]}}

    assert endpoint_definition(stored)["Attributes"] == {"CohortId": ["own"]}


def test_what_is_not_stored_is_not_told() -> None:
    bare = {"Id": "e-1", "EndpointStatus": "ACTIVE", "OptOut": "NONE", "CohortId": "0"}

    assert text(endpoint_definition(bare)) == (
        '{"EndpointStatus":"ACTIVE","OptOut":"NONE","Attributes":{"CohortId":["0"]},"User":{}}'
    )
