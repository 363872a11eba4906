"""The AWS CLI, unchanged, with nothing but endpoint URL, key, secret and region set."""

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.processes import CLEAN_ENVIRONMENT, Serve, wait_until

ROLE = "arn:aws:iam::000000000000:role/any"


class Aws:
    """The `aws pinpoint` command against one server."""

    def __init__(self, serve: Serve) -> None:
        self.environment = CLEAN_ENVIRONMENT | serve.exports

    def __call__(self, *arguments: str) -> dict[str, Any]:
        """Run one command that succeeds; its answer."""
        done = subprocess.run(
            [sys.executable, "-m", "awscli", "pinpoint", *arguments, "--output", "json"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def wait(self, command: str, application_id: str, job: dict[str, Any]) -> dict[str, Any]:
        """Ask for the job until it has ended."""
        deadline = time.monotonic() + 60
        while job["JobStatus"] not in {"COMPLETED", "FAILED"}:
            assert time.monotonic() < deadline, job
            (job,) = self(command, "--application-id", application_id, "--job-id", job["Id"]).values()
        return job


@pytest.fixture
def aws(running: Serve) -> Aws:
    """The AWS CLI as its user has it."""
    assert set(running.exports) == {
        "AWS_ENDPOINT_URL_PINPOINT",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    }
    return Aws(running)


# Each of the dozen commands reads the whole AWS CLI anew.
@pytest.mark.timeout(400)
def test_endpoints_go_in_and_out_with_the_aws_cli(aws: Aws, running: Serve, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(
        "Id,ChannelType,Address,User.UserId\na,EMAIL,a@example.com,u/1\nb,SMS,+12065550100,u/1\nc,FAX,+12065550101,u/1\n"
    )
    running.repoint("files", "put", tmp_path / "people.csv", "s3://aws-cli/in/")

    app = aws("create-app", "--create-application-request", "Name=from-the-cli")["ApplicationResponse"]["Id"]
    request = f"Format=CSV,S3Url=s3://aws-cli/in/people.csv,RoleArn={ROLE},RegisterEndpoints=true"
    begun = aws("create-import-job", "--application-id", app, "--import-job-request", request)
    imported = aws.wait("get-import-job", app, begun["ImportJobResponse"])
    change = '{"Attributes": {"Seen": ["yes"]}}'
    updated = aws("update-endpoint", "--application-id", app, "--endpoint-id", "a", "--endpoint-request", change)
    of_user = aws("get-user-endpoints", "--application-id", app, "--user-id", "u/1")["EndpointsResponse"]["Item"]
    request = f"S3UrlPrefix=s3://aws-cli/out/,RoleArn={ROLE}"
    begun = aws("create-export-job", "--application-id", app, "--export-job-request", request)
    exported = aws.wait("get-export-job", app, begun["ExportJobResponse"])
    url = f"s3://aws-cli/out/{exported['Id']}_00000.gz"
    running.repoint("files", "get", url, tmp_path / "all.gz")

    assert (imported["JobStatus"], imported["TotalProcessed"], imported["TotalFailures"]) == ("COMPLETED", 3, 1)
    assert imported["Failures"] == ["s3://aws-cli/in/people.csv:4: Invalid ChannelType"]
    assert updated["MessageBody"]["Message"] == "Accepted"
    assert [(item["Id"], item["Attributes"]) for item in of_user] == [("a", {"Seen": ["yes"]}), ("b", {})]
    assert (exported["JobStatus"], exported["TotalProcessed"]) == ("COMPLETED", 2)
    lines = gzip.decompress((tmp_path / "all.gz").read_bytes()).decode().splitlines()
    assert [json.loads(line)["Id"] for line in lines] == ["a", "b"]


@pytest.mark.timeout(400)
def test_events_are_put_and_streamed_with_the_aws_cli(aws: Aws, running: Serve) -> None:
    app = aws("create-app", "--create-application-request", "Name=from-the-cli")["ApplicationResponse"]["Id"]
    folder = running.folder.parent / "streams" / "aws-cli"
    stream = f"DestinationStreamArn=file://{folder},RoleArn={ROLE}"
    batch = {"a": {"Endpoint": {}, "Events": {"v1": {"EventType": "x", "Timestamp": "2026-01-01T00:00:00Z"}}}}

    made = aws("put-event-stream", "--application-id", app, "--write-event-stream", stream)["EventStream"]
    answer = aws("put-events", "--application-id", app, "--events-request", json.dumps({"BatchItem": batch}))
    found = aws("get-event-stream", "--application-id", app)["EventStream"]
    wait_until(lambda: len([line for path in folder.glob("*") for line in path.read_text().splitlines()]) == 2)
    deleted = aws("delete-event-stream", "--application-id", app)["EventStream"]

    (result,) = answer["EventsResponse"]["Results"].values()
    assert result["EventsItemResponse"] == {"v1": {"StatusCode": 202, "Message": "Accepted"}}
    assert made == found == deleted


@pytest.mark.timeout(400)
def test_messages_are_sent_with_the_aws_cli(aws: Aws) -> None:
    app = aws("create-app", "--create-application-request", "Name=from-the-cli")["ApplicationResponse"]["Id"]
    email = "FromAddress=news@example.com,Identity=arn:aws:ses:us-east-1:000000000000:identity/example.com"
    request = {
        "Addresses": {"ann@example.com": {"ChannelType": "EMAIL", "Substitutions": {"name": ["Ann"]}}},
        "MessageConfiguration": {},
        "TemplateConfiguration": {"EmailTemplate": {"Name": "from-the-cli"}},
    }

    channel = aws("update-email-channel", "--application-id", app, "--email-channel-request", email)
    template = json.dumps({"Subject": "Hello {{name}}", "HtmlPart": "<p>{{name}}</p>"})
    aws("create-email-template", "--template-name", "from-the-cli", "--email-template-request", template)
    answer = aws("send-messages", "--application-id", app, "--message-request", json.dumps(request))
    channels = aws("get-channels", "--application-id", app)["ChannelsResponse"]["Channels"]

    assert channel["EmailChannelResponse"]["Platform"] == "EMAIL"
    assert answer["MessageResponse"]["Result"]["ann@example.com"]["DeliveryStatus"] == "SUCCESSFUL"
    assert set(channels) == {"EMAIL", "IN_APP"}
