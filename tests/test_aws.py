"""Clients of services: what becomes of those that hang, refuse, or are called by nobody known."""

import asyncio
import socket
import struct
from typing import Any

import pytest

from repoint.aws import AwsError, aws_errors, open_client
from repoint.tables import AwsService
from tests.fixtures.receiver import Answer, Receiver
from tests.fixtures.streamed import CREDENTIALS, ROLE, service


async def fail(service: AwsService, read_timeout_s: float = 10) -> AwsError:
    """The error of a call."""
    opened = open_client(
        "kinesis", service, region="us-east-1", role_arn=ROLE, attempts=1, read_timeout_s=read_timeout_s
    )
    async with opened as client:
        with pytest.raises(AwsError) as caught, aws_errors():
            await client.list_streams()
    return caught.value


async def test_a_service_that_hangs_is_given_up() -> None:
    waiting: set[asyncio.StreamWriter] = set()
    server = await asyncio.start_server(lambda _, writer: waiting.add(writer), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async with server:
        error = await fail(service(url), read_timeout_s=0.2)
        for writer in waiting:
            writer.close()

    assert (error.code, error.is_ours) == ("EndpointUnreachable", True)
    assert str(error) == f'EndpointUnreachable: Read timeout on endpoint URL: "{url}/"'


async def test_what_a_service_says_is_kept_apart_from_what_we_say(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(400, b'{"__type": "com.amazonaws#ValidationException", "message": "not this"}')

    error = await fail(service(receiver.url))

    assert (error.code, error.is_ours, str(error)) == ("ValidationException", False, "ValidationException: not this")


@pytest.mark.usefixtures("bare_environment")
async def test_without_credentials_nobody_is_called(receiver: Receiver) -> None:
    error = await fail(AwsService(endpoint_url=receiver.url))

    assert error.code == "NoCredentials"
    assert receiver.received == []


async def test_credentials_may_come_from_the_environment(
    bare_environment: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    bare_environment.setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENTKEY")
    bare_environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    receiver.answer = lambda _: Answer(200, b'{"StreamNames": []}')

    opened = open_client("kinesis", AwsService(endpoint_url=receiver.url), region="us-east-1", role_arn=ROLE)
    async with opened as client:
        await client.list_streams()

    assert "Credential=ENVIRONMENTKEY/" in receiver.received[0].headers["authorization"]


async def test_a_temporary_key_comes_with_its_token(receiver: Receiver) -> None:
    temporary = CREDENTIALS.model_validate({**CREDENTIALS.model_dump(), "session_token": "token"})
    receiver.answer = lambda _: Answer(200, b'{"StreamNames": []}')

    there = service(receiver.url, credentials=temporary)
    async with open_client("kinesis", there, region="us-east-1", role_arn=ROLE) as client:
        await client.list_streams()

    assert receiver.received[0].headers["x-amz-security-token"] == "token"


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break off a connection once the request is there, so that its client is told by an RST."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer what is no HTTP."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("does", [reset, babble])
async def test_a_call_whose_answer_is_lost_may_have_arrived(does: Any) -> None:
    async with await asyncio.start_server(does, "127.0.0.1", 0) as server:
        error = await fail(service(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))

    assert (error.code, error.may_have_arrived) == ("EndpointUnreachable", True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://nowhere.invalid"])
async def test_a_call_to_nobody_has_not_arrived(url: str) -> None:
    error = await fail(service(url))

    assert (error.code, error.may_have_arrived) == ("EndpointUnreachable", False)
