"""The rows of the table Errors of channels.md, each as a caller of a send meets it; what channels refuse is theirs."""

from typing import Any

import pytest

from repoint.contract.model import OPERATIONS
from repoint.http.throttle import PINPOINT, Throttles
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw

UNKNOWN = "0" * 32
SMS = {"SMSMessage": {"Body": "Hi"}}
TO_ONE = {"+14255550199": {"ChannelType": "SMS"}}
OTP = {
    "Channel": "SMS",
    "BrandName": "Shop",
    "DestinationIdentity": "+14255550199",
    "OriginationIdentity": "SHOP",
    "ReferenceId": "r",
}


@pytest.fixture
def app(client: Any) -> str:
    return str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("messages", {"Addresses": TO_ONE, "MessageConfiguration": SMS}),
        # Of two mistakes this one is told.
        ("messages", {}),
        ("users-messages", {"Users": {"ann": {}}, "MessageConfiguration": SMS}),
        ("otp", OTP),
        ("verify-otp", {"DestinationIdentity": "+14255550199", "Otp": "1", "ReferenceId": "r"}),
    ],
)
def test_an_unknown_application_is_not_found(raw: Raw, path: str, body: dict[str, Any]) -> None:
    answer = raw.send("POST", f"/v1/apps/{UNKNOWN}/{path}", body)

    assert (answer.status, answer.json["Message"]) == (404, "Application not found")
    assert answer.headers["x-amzn-errortype"] == "NotFoundException"
    assert answer.json["RequestID"] == answer.headers["x-amzn-requestid"]


@pytest.mark.parametrize("endpoint_id", ["a$", "{a", "a}"])
def test_an_endpoint_cannot_have_such_an_id(client: Any, app: str, endpoint_id: str) -> None:
    request = {"Endpoints": {endpoint_id: {}}, "MessageConfiguration": SMS}

    refused = refusal(client.send_messages, ApplicationId=app, MessageRequest=request)

    assert refused == (400, "BadRequestException", "Invalid endpoint ID")


@pytest.mark.parametrize("path", ["messages", "users-messages"])
def test_a_raw_email_is_base64(raw: Raw, app: str, path: str) -> None:
    content = {"EmailMessage": {"RawEmail": {"Data": "not base64!"}}}
    addressed = {"Addresses": {"ann@example.com": {"ChannelType": "EMAIL"}}, "Users": {"ann": {}}}
    member = "Users" if path == "users-messages" else "Addresses"

    answer = raw.send("POST", f"/v1/apps/{app}/{path}", {member: addressed[member], "MessageConfiguration": content})

    assert (answer.status, answer.json["Message"]) == (400, "Invalid RawEmail")


def test_users_get_no_in_app_template(client: Any, app: str) -> None:
    request = {
        "Users": {"ann": {}},
        "MessageConfiguration": {},
        "TemplateConfiguration": {"InAppTemplate": {"Name": "t"}},
    }

    refused = refusal(client.send_users_messages, ApplicationId=app, SendUsersMessageRequest=request)

    assert refused == (400, "BadRequestException", "InAppTemplate isn't supported")


def test_users_get_no_template_that_there_is_not(client: Any, app: str) -> None:
    request = {
        "Users": {"ann": {}},
        "MessageConfiguration": {},
        "TemplateConfiguration": {"PushTemplate": {"Name": "none"}},
    }

    refused = refusal(client.send_users_messages, ApplicationId=app, SendUsersMessageRequest=request)

    assert refused == (404, "NotFoundException", "Template not found: none")


@pytest.mark.parametrize("path", ["messages", "users-messages", "otp"])
def test_a_body_may_have_seven_megabytes(raw: Raw, app: str, path: str) -> None:
    answer = raw.send("POST", f"/v1/apps/{app}/{path}", b"{" + b" " * (7 << 20) + b"}")

    assert (answer.status, answer.json["Message"]) == (413, "Request body is too large")
    assert answer.headers["x-amzn-errortype"] == "PayloadTooLargeException"


@pytest.mark.parametrize("path", ["messages", "users-messages", "otp", "verify-otp"])
def test_a_send_is_a_post(raw: Raw, app: str, path: str) -> None:
    answer = raw.send("GET", f"/v1/apps/{app}/{path}")

    assert (answer.status, answer.json["Message"]) == (405, "Method not allowed")
    assert answer.headers["x-amzn-errortype"] == "MethodNotAllowedException"


@pytest.mark.parametrize(
    ("operation", "rate"),
    [
        ("SendMessages", 4000),
        ("SendUsersMessages", 6000),
        ("GetInAppMessages", 5000),
        ("PhoneNumberValidate", 20),
        ("SendOTPMessage", 300),
        ("VerifyOTPMessage", 300),
    ],
)
def test_the_published_rates_are_known(operation: str, rate: int) -> None:
    throttles = Throttles(PINPOINT, OPERATIONS)

    for _ in range(rate):
        throttles.check(operation, "us-east-1", 0.0)

    with pytest.raises(Exception, match="Too many requests"):
        throttles.check(operation, "us-east-1", 0.0)
