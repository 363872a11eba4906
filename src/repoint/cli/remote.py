"""The server a command talks to: found and signed for as the AWS CLI does it, so it works from any machine.

Endpoint: `--endpoint-url`, AWS_ENDPOINT_URL_PINPOINT, AWS_ENDPOINT_URL or the AWS configuration file. Credentials and
region: the AWS environment, `~/.aws/credentials`, `~/.aws/config`.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import botocore.session
import typer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session

from repoint.cli.mistake import Mistake

SIGNING_NAME = "mobiletargeting"
# A call waits for a server that is being started again, but not for ever.
TIMEOUT_S = 60

EndpointUrl = Annotated[
    str | None,
    typer.Option("--endpoint-url", help="The server's URL.", show_default="AWS_ENDPOINT_URL_PINPOINT"),
]
Application = Annotated[str, typer.Option("--app", help="The application's id.")]
RoleArn = Annotated[str, typer.Option(help="Role named to the server, where it has credentials by role.")]


class Remote:
    """One server, with the caller's credentials."""

    def __init__(self, endpoint_url: str | None) -> None:
        session = botocore.session.get_session()
        # A Repoint key never comes from the machine's own role; asking for one costs seconds.
        for source in ("container-role", "iam-role"):
            session.get_component("credential_provider").remove(source)
        try:
            self.credentials = session.get_credentials()
            self.region = session.get_config_variable("region") or "us-east-1"
        except BotoCoreError as error:
            raise Mistake(f"the AWS configuration cannot be used: {error}") from error
        if self.credentials is None:
            raise Mistake(
                "no access key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. "
                "On the server's machine, `repoint keys create --local NAME` makes one"
            )
        self._session = session
        self._http = URLLib3Session(timeout=TIMEOUT_S)
        self.client = self._make_client(endpoint_url)
        self.url: str = self.client.meta.endpoint_url

    def extension(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        document: dict[str, Any] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        """Call one of the server's own operations; the answer's body.

        `path` has its labels encoded by `label`. The body is the JSON `document` or the bytes of `body`. Raises Mistake
        with the server's own words when it refuses.
        """
        headers = {}
        if document is not None:
            body, headers["Content-Type"] = json.dumps(document).encode(), "application/json"
        elif body is not None:
            headers["Content-Type"] = "application/octet-stream"
        url = self.url.rstrip("/") + path + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        request = AWSRequest(method=method, url=url, data=body or b"", headers=headers)
        SigV4Auth(self.credentials, SIGNING_NAME, self.region).add_auth(request)
        try:
            answer = self._http.send(request.prepare())
        except BotoCoreError as error:
            raise Mistake(_unreachable(self.url, error)) from error
        if answer.status_code >= 300:  # noqa: PLR2004 - HTTP's border of success
            raise Mistake(_refusal(answer.headers.get("x-amzn-ErrorType", str(answer.status_code)), answer.content))
        content: bytes = answer.content
        return content

    def json(self, method: str, path: str, **parts: Any) -> Any:
        """Like `extension`, for an answer that is JSON."""
        return json.loads(self.extension(method, path, **parts))

    def items(self, path: str, query: dict[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """All of a list that comes in pages (`Item`, `NextToken`)."""
        token: dict[str, str] = {}
        while True:
            page = self.json("GET", path, query={**(query or {}), **token})
            yield from page["Item"]
            if "NextToken" not in page:
                return
            token = {"token": page["NextToken"]}

    def call(self, operation: str, **arguments: Any) -> Any:
        """Call an operation of the contract by botocore's name for it (`create_import_job`); the payload document.

        Raises Mistake with the server's own words when it refuses.
        """
        try:
            answer = getattr(self.client, operation)(**arguments)
        except ClientError as error:
            told = error.response["Error"]
            raise Mistake(f"{told['Code']}: {told['Message']}") from error
        except BotoCoreError as error:
            raise Mistake(_unreachable(self.url, error)) from error
        del answer["ResponseMetadata"]
        return next(iter(answer.values()))

    def _make_client(self, endpoint_url: str | None) -> Any:
        try:
            client = self._session.create_client("pinpoint", region_name=self.region, endpoint_url=endpoint_url)
        except (BotoCoreError, ValueError) as error:
            raise Mistake(f"the endpoint URL cannot be used: {error}") from error
        if client.meta.endpoint_url.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
            raise Mistake(
                "no server named: set AWS_ENDPOINT_URL_PINPOINT to what `repoint serve` prints, or give --endpoint-url"
            )
        return client


def label(text: str) -> str:
    """A value as it stands in a path."""
    return quote(text, safe="")


def _refusal(kind: str, body: bytes) -> str:
    try:
        told = json.loads(body)
    except ValueError:
        return f"{kind}: {body[:200].decode(errors='replace')}"
    return f"{kind}: {told.get('Message') or told.get('message') or 'no reason given'}"


def _unreachable(url: str, error: BotoCoreError) -> str:
    return f"{url} does not answer ({error}). Is `repoint serve` running there, and AWS_ENDPOINT_URL_PINPOINT right?"
