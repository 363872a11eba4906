"""The authorisation matrix: every operation, against a real server, with keys that may do different things.

What is asked for need not exist: a call that is let in may find nothing, or be told that its operation is not built
yet, but is never refused; one that is not let in is refused before anything else is looked at.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from repoint.contract.model import OPERATIONS
from repoint.discover import discover
from repoint.operation import EXTENSIONS
from tests.access.arns import RESOURCES
from tests.contract.samples import Request, input_shape, request_of, sample
from tests.fixtures.server import Key, Raw

HEAD = "arn:aws:mobiletargeting:us-east-1:000000000000:"
OTHER_APP = "00000000000000000000000000000002"
TAGGED = f"{HEAD}apps/{OTHER_APP}"
READS = ("mobiletargeting:Get*", "mobiletargeting:List*")

Statement = dict[str, Any]


def allow(action: Any, *resources: str) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources) or "*"}


def key_of(raw: Raw, *statements: Statement) -> Key:
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    made = raw.send("POST", "/repoint/v1/keys", {"Name": "ana", "Policy": policy}).json
    return Key(made["AccessKeyId"], made["SecretAccessKey"])


@pytest.fixture
def app(raw: Raw) -> str:
    return str(raw.send("POST", "/v1/apps", {"Name": "shop"}).json["Id"])


def arguments_of(operation: str, app: str) -> dict[str, Any]:
    """What the contract asks for and no more, on this application; an ARN is another application's."""
    arguments: dict[str, Any] = sample(input_shape(operation), only_required=True)
    if "ApplicationId" in arguments:
        arguments["ApplicationId"] = app
    if "TemplateType" in arguments:
        arguments["TemplateType"] = "EMAIL"
    if "ResourceArn" in arguments:
        arguments["ResourceArn"] = TAGGED
    return arguments


def requests(app: str) -> Iterator[tuple[str, Request, str]]:
    """Every operation of the contract: a request, and the ARN that a refusal must name. Deleting comes last."""
    for operation in sorted(OPERATIONS, key=lambda name: (name == "DeleteApp", name)):
        arguments = arguments_of(operation, app)
        name = RESOURCES[operation][0].format(**arguments)
        yield operation, request_of(operation, arguments), name if name == TAGGED else HEAD + name


def send(raw: Raw, request: Request) -> tuple[bool, str]:
    """Whether the call was let in, and what it was told otherwise."""
    query = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
    answer = raw.send(request.method, request.raw_path + query, request.body)
    if answer.headers.get("x-amzn-errortype") == "AccessDeniedException":
        return False, answer.json["message"]
    assert answer.status != 403, answer.body
    return True, ""


def refused(action: str, arn: str, end: str = "") -> tuple[bool, str]:
    user = "arn:aws:iam::000000000000:user/ana"
    return False, f"User: {user} is not authorized to perform: {action} on resource: {arn}{end}"


def test_key_without_a_policy_is_never_refused(raw: Raw, app: str) -> None:
    wrong = [operation for operation, request, _ in requests(app) if not send(raw, request)[0]]

    assert wrong == []


def test_read_only_key_reads_and_does_nothing_else(raw: Raw, app: str) -> None:
    raw.key = key_of(raw, allow(READS))

    found = {operation: (send(raw, request), arn) for operation, request, arn in requests(app)}

    for operation, (told, arn) in found.items():
        is_read = operation.startswith(("Get", "List"))
        assert told == ((True, "") if is_read else refused(f"mobiletargeting:{operation}", arn)), operation
    assert sum(is_let_in for (is_let_in, _), _ in found.values()) == 53


def test_key_of_one_application_does_everything_there(raw: Raw, app: str) -> None:
    resources = (f"{HEAD}apps/{app}", f"{HEAD}apps/{app}/*")
    raw.key = key_of(raw, allow("mobiletargeting:*", *resources), allow("iam:PassRole"))

    found = {operation: (send(raw, request), arn) for operation, request, arn in requests(app)}

    for operation, (told, arn) in found.items():
        is_there = "ApplicationId" in OPERATIONS[operation].labels.values()
        assert told == ((True, "") if is_there else refused(f"mobiletargeting:{operation}", arn)), operation
    assert sum(is_let_in for (is_let_in, _), _ in found.values()) == 88


def test_key_of_one_application_does_nothing_elsewhere(raw: Raw, app: str) -> None:
    resources = (f"{HEAD}apps/{app}", f"{HEAD}apps/{app}/*")
    raw.key = key_of(raw, allow("mobiletargeting:*", *resources), allow("iam:PassRole"))

    for operation, request, arn in requests(OTHER_APP):
        assert send(raw, request) == refused(f"mobiletargeting:{operation}", arn), operation


def test_deny_key_is_refused_what_is_denied_whatever_is_allowed(raw: Raw, app: str) -> None:
    denied = {"Effect": "Deny", "NotAction": [*READS, "iam:*"], "Resource": "*"}
    raw.key = key_of(raw, allow("*"), denied)

    for operation, request, arn in requests(app):
        is_read = operation.startswith(("Get", "List"))
        expected = refused(f"mobiletargeting:{operation}", arn, " with an explicit deny")
        assert send(raw, request) == ((True, "") if is_read else expected), operation


def own_requests(app: str) -> Iterator[tuple[str, Request, str, bool]]:
    """Every operation of ours: a request, the ARN that a refusal must name, and whether it is below an application."""
    discover()
    for name, extension in sorted(EXTENSIONS.items()):
        labels = {"ApplicationId": app}
        labels |= {label: f"x-{label}" for label in ("Bucket", "AccessKeyId", "UploadId", "Key", "JobId", "SegmentId")}
        labels |= {"PartNumber": "1", "EndpointId": "x-endpoint", "Version": "1", "Reader": "x-reader"}
        labels |= {"MessageId": "x-message", "ChannelType": "EMAIL", "Address": "x@example.com"}
        labels |= {"CampaignId": "x-campaign", "JourneyId": "x-journey"}
        path = extension.path.format(**{label: quote(value, safe="") for label, value in labels.items()})
        in_body = "{Key}" in extension.resource and "{Key}" not in extension.path
        arn = HEAD + extension.resource.format(**labels | ({"Key": ""} if in_body else {}))
        yield name, Request(extension.method, path, [], b""), arn, "{ApplicationId}" in extension.path


def test_operations_of_ours_are_refused_without_a_right_to_them(raw: Raw, app: str) -> None:
    raw.key = key_of(raw, allow("mobiletargeting:*"))

    found = list(own_requests(app))

    for name, request, arn, _ in found:
        assert send(raw, request) == refused(EXTENSIONS[name].action, arn), name


def test_key_of_one_application_has_our_operations_there_and_nowhere_else(raw: Raw, app: str) -> None:
    raw.key = key_of(raw, allow("*", f"{HEAD}apps/{app}", f"{HEAD}apps/{app}/*"))

    for name, request, arn, is_below in own_requests(app):
        assert send(raw, request) == ((True, "") if is_below else refused(EXTENSIONS[name].action, arn)), name
    for name, request, arn, _ in own_requests(OTHER_APP):
        assert send(raw, request) == refused(EXTENSIONS[name].action, arn), name


def test_deny_key_is_refused_our_operations_too(raw: Raw, app: str) -> None:
    denied = {"Effect": "Deny", "Action": "repoint:*", "Resource": "*"}
    raw.key = key_of(raw, allow("*"), denied)

    for name, request, arn, _ in own_requests(app):
        assert send(raw, request) == refused(EXTENSIONS[name].action, arn, " with an explicit deny"), name
