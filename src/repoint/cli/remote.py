"""The server a command talks to: found and signed for as the AWS CLI does it, so it works from any machine.

Endpoint: `--endpoint-url`, AWS_ENDPOINT_URL_PINPOINT, AWS_ENDPOINT_URL or the AWS configuration file. Credentials and
region: the AWS environment, `~/.aws/credentials`, `~/.aws/config`.
"""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import botocore.session
import typer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session

from repoint.cli.mistake import Mistake

SIGNING_NAME = "mobiletargeting"
# A call waits for a server that is being started again, but not for ever.
TIMEOUT_S = 60
REPEAT_AFTER_S = (0.2, 0.5, 1.0, 2.0)

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
            self.url: str = endpoint_url or _configured_url(session)
            self.credentials = session.get_credentials()
            self.region: str = session.get_config_variable("region") or "us-east-1"
        except BotoCoreError as error:
            raise Mistake(f"the AWS configuration cannot be used: {error}") from error
        if not self.url.startswith(("http://", "https://")):
            raise Mistake(f"the endpoint URL {self.url} must begin with http:// or https://")
        if self.credentials is None:
            raise Mistake(
                "no access key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. "
                "On the server's machine, `repoint keys create --local NAME` makes one"
            )
        self._session = session
        self._http = URLLib3Session(timeout=TIMEOUT_S, verify=session.get_config_variable("ca_bundle") or True)

    @cached_property
    def client(self) -> Any:
        """The client of botocore; made when it is needed, since reading its model takes a while."""
        try:
            return self._session.create_client("pinpoint", region_name=self.region, endpoint_url=self.url)
        except (BotoCoreError, ValueError) as error:
            raise Mistake(f"the endpoint URL {self.url} cannot be used: {error}") from error

    def extension(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        content: dict[str, Any] | bytes | None = None,
        is_repeatable: bool | None = None,
    ) -> bytes:
        """Call one of the server's own operations; the answer's body.

        `path` has its labels encoded by `label`; `content` is a document, sent as JSON, or bytes. What is repeatable
        (by default all but POST) is sent again when the connection breaks or the server is in trouble. Raises Mistake
        with the server's own words when it refuses.
        """
        is_document = isinstance(content, dict)
        request = AWSRequest(
            method=method,
            url=self.url.rstrip("/") + path + (f"?{urlencode(query, quote_via=quote)}" if query else ""),
            data=json.dumps(content).encode() if is_document else content or b"",
            headers={"Content-Type": "application/json" if is_document else "application/octet-stream"},
        )
        repeats = REPEAT_AFTER_S if (method != "POST" if is_repeatable is None else is_repeatable) else ()
        for pause_s in repeats:
            with suppress(BotoCoreError):
                answer = self._send(request)
                if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return _content(answer)
            time.sleep(pause_s)
        try:
            return _content(self._send(request))
        except BotoCoreError as error:
            raise Mistake(_unreachable(self.url, error)) from error

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

    def _send(self, request: AWSRequest) -> AWSResponse:
        SigV4Auth(self.credentials, SIGNING_NAME, self.region).add_auth(request)
        return self._http.send(request.prepare())


def label(text: str) -> str:
    """A value as it stands in a path."""
    return quote(text, safe="")


def _configured_url(session: botocore.session.Session) -> str:
    found = ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), "pinpoint").provide()
    if not found:
        raise Mistake(
            "no server named: set AWS_ENDPOINT_URL_PINPOINT to what `repoint serve` prints, or give --endpoint-url"
        )
    return str(found)


def _content(answer: AWSResponse) -> bytes:
    content: bytes = answer.content
    if answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
        return content
    kind = answer.headers.get("x-amzn-ErrorType", f"{answer.status_code}")
    try:
        told = json.loads(content)
    except ValueError:
        raise Mistake(f"{kind}: {content[:200].decode(errors='replace')}") from None
    raise Mistake(f"{kind}: {told.get('Message') or told.get('message') or 'no reason given'}")


def _unreachable(url: str, error: BotoCoreError) -> str:
    return f"{url} does not answer ({error}). Is `repoint serve` running there, and AWS_ENDPOINT_URL_PINPOINT right?"
