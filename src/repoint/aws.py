"""Clients of Amazon's services, or of any servers that speak as these do."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from repoint.tables import AwsCredentials, AwsService

CONNECT_TIMEOUT_S = 5


class AwsError(Exception):
    """A service refused or did not answer.

    `code` is the service's own, `NoCredentials`, `EndpointUnreachable`, or `InvalidResponse`. `message` is what it
    said, which can quote what it was sent unless it `is_ours`. `answer` is all that it said, with HTTPStatusCode and
    HTTPHeaders in its ResponseMetadata; empty when it said nothing that could be read. `may_have_arrived` when the call
    may have been taken although nobody said so.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        is_ours: bool = True,
        answer: Mapping[str, Any] | None = None,
        may_have_arrived: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.is_ours = is_ours
        self.answer = answer or {}
        self.may_have_arrived = may_have_arrived


@asynccontextmanager
async def open_client(  # noqa: PLR0913 - which service, as whom, and how patient
    name: str,
    service: AwsService | None,
    *,
    region: str,
    role_arn: str | None,
    read_timeout_s: float = 10,
    attempts: int = 2,
    connections: int = 10,
    ca_file: Path | None = None,
) -> AsyncIterator[Any]:
    """A client of the service `name` at Amazon or where `service` says, in `region` unless the service has its own.

    Raises AwsError, `AccessDenied` when roles are given and `role_arn` is none of them; None stands for no role, so for
    the service's `credentials`. Errors of its calls are told by `aws_errors`. More calls at a time than `connections`
    wait for one; what has a `ca_file` is proved by the CAs in it alone.
    """
    service = service or AwsService()
    if role_arn is not None and service.roles and role_arn not in service.roles:
        raise AwsError("AccessDenied", f"no credentials are set for {role_arn}")
    # In a thread, as the first time takes most of a second.
    aws = await asyncio.to_thread(session)
    from aiobotocore.config import AioConfig  # noqa: PLC0415 - as in session

    config = AioConfig(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": attempts},
        # A third of the work of a put; the service looks anyway.
        parameter_validation=False,
        http_session_cls=_straight_session(),
    )
    opened = aws.create_client(
        name,
        region_name=service.region or region,
        endpoint_url=service.endpoint_url,
        config=config,
        verify=str(ca_file) if ca_file else None,
        **identity(service.roles.get(role_arn or "", service.credentials)),
    )
    async with AsyncExitStack() as stack:
        with aws_errors():
            client = await stack.enter_async_context(opened)
        yield client


@contextmanager
def aws_errors() -> Iterator[None]:
    """Tell every way in which a call can fail as AwsError; the block holds the call and the reading of its answer."""
    # As in session: whoever calls a service has it anyway.
    from botocore.exceptions import (  # noqa: PLC0415 - as said
        BotoCoreError,
        ClientError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
    )
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as said

    # What reading an answer ends with that is none of the service's; botocore looks at few of them.
    nonsense = (ResponseParserError, AttributeError, LookupError, RecursionError, TypeError, UnicodeDecodeError)
    # Of these the text names an address at most; the others may quote what was sent.
    telling = (HTTPClientError, NoCredentialsError, PartialCredentialsError)
    try:
        yield
    except ClientError as error:
        told = error.response["Error"]
        code, message = told.get("Code", "Unknown"), told.get("Message", "")
        raise AwsError(code, message, is_ours=False, answer=error.response) from error
    except BotoCoreError as error:
        is_unknown = isinstance(error, NoCredentialsError | PartialCredentialsError)
        code = "NoCredentials" if is_unknown else "EndpointUnreachable"
        message = str(error) if isinstance(error, telling) else type(error).__name__
        raise AwsError(code, message, may_have_arrived=_may_have_arrived(error)) from error
    except nonsense as error:
        raise AwsError("InvalidResponse", type(error).__name__, may_have_arrived=True) from error


def _may_have_arrived(error: Any) -> bool:
    """Whether the request may be there although the call failed with this error of botocore's."""
    from aiohttp import ClientConnectorError  # noqa: PLC0415 - as in session
    from botocore.exceptions import EndpointConnectionError, HTTPClientError  # noqa: PLC0415 - as in session

    if isinstance(error, EndpointConnectionError):
        # aiobotocore calls so what broke later, too, such as a connection that was reset after the last byte.
        return not isinstance(error.kwargs.get("error"), ClientConnectorError | socket.gaierror)
    return isinstance(error, HTTPClientError)


@cache
def session() -> Any:
    """AWS's service models and what was found of credentials, read once a process."""
    # Half a second and 37 MB that a server without any such service need not pay; its exceptions alone cost a tenth.
    from aiobotocore.session import get_session  # noqa: PLC0415 - for the reason above

    return get_session()


@cache
def _straight_session() -> Any:
    """The HTTP client of clients: aiobotocore's own follows redirects, with all that it carries."""
    from aiobotocore.httpsession import AIOHTTPSession  # noqa: PLC0415 - as in session

    class StraightSession(AIOHTTPSession):  # type: ignore[misc] # the library has no types
        async def _get_session(self, proxy_url: str | None) -> Any:
            session = await super()._get_session(proxy_url)
            return SimpleNamespace(request=partial(session.request, allow_redirects=False))

    return StraightSession


def identity(credentials: AwsCredentials | None) -> dict[str, str]:
    """What a client is told of who it is; nothing for whom AWS's own chain finds (environment, profile, instance)."""
    if credentials is None:
        return {}
    known = {
        "aws_access_key_id": credentials.access_key_id,
        "aws_secret_access_key": credentials.secret_access_key.get_secret_value(),
    }
    if credentials.session_token:
        known["aws_session_token"] = credentials.session_token.get_secret_value()
    return known
