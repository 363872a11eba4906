"""What only S3 must do: survive the network, leave no parts behind, tell S3's errors, act as the right one."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest
from pydantic import SecretStr

from repoint.files import s3 as s3_module
from repoint.files.s3 import MAX_RECONNECTS, PART_BYTES
from repoint.files.store import FileChangedError, FilesError, open_files, role_is_known
from repoint.settings import Settings
from repoint.tables import S3, AwsCredentials
from tests.files.stores import Store, get, keys, put, write_and_fail
from tests.files.wires import Wire, answering, wire_to
from tests.fixtures.s3 import S3Server

CONTENT = Random(1).randbytes(3_000_000)  # noqa: S311 - any bytes do
READER = "arn:aws:iam::000000000000:role/reader"
WRITER = "arn:aws:iam::000000000000:role/writer"
EMPTY_LIST = "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"


@pytest.fixture
async def wire(s3: S3Server) -> AsyncIterator[Wire]:
    """A way to the server that can be cut."""
    async with wire_to(int(s3.endpoint_url.rpartition(":")[2])) as wire:
        yield wire


@pytest.fixture
async def store(s3: S3Server, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    """The store at the end of that way."""
    monkeypatch.setattr(s3_module, "RECONNECT_WAIT_S", 0.01)
    s3_settings = s3.s3.model_copy(update={"endpoint_url": f"http://127.0.0.1:{wire.port}"})
    async with open_files(Settings(s3=s3_settings)) as files:
        yield Store(files, s3.bucket)


async def test_a_body_that_breaks_off_is_taken_up_where_it_stopped(store: Store, wire: Wire) -> None:
    etag = await put(store, "people.csv", CONTENT)

    wire.cuts = [1_200_000, 700_000, 300_000, 1000]

    assert await get(store, "people.csv", etag=etag) == CONTENT
    assert wire.cuts == []


async def test_a_range_that_breaks_off_ends_where_it_should(store: Store, wire: Wire) -> None:
    etag = await put(store, "people.csv", CONTENT)

    wire.cuts = [500_000, 500_000]

    assert await get(store, "people.csv", etag=etag, start=1000, size_bytes=2_000_000) == CONTENT[1000:2_001_000]
    assert wire.cuts == []


async def test_a_body_that_never_goes_on_is_given_up(store: Store, wire: Wire) -> None:
    etag = await put(store, "people.csv", CONTENT)

    # Enough for the head of an answer, never for a byte of its body: then botocore's own tries end it.
    wire.cuts = [500_000, *[10] * (MAX_RECONNECTS * 4 + 4)]

    with pytest.raises(FilesError) as raised:
        await get(store, "people.csv", etag=etag)
    assert raised.value.code == "EndpointUnreachable"


async def test_an_object_replaced_while_it_is_read_is_told(store: Store, wire: Wire, s3: S3Server) -> None:
    etag = await put(store, "people.csv", CONTENT)
    wire.cuts = [1_500_000]

    reading = store.files.read(store.bucket, "people.csv", etag=etag)
    await anext(reading)
    s3.client.put_object(Bucket=s3.bucket, Key="people.csv", Body=b"another")

    with pytest.raises(FileChangedError):
        _ = [chunk async for chunk in reading]


async def test_an_object_that_vanishes_while_it_is_read_is_told(store: Store, wire: Wire, s3: S3Server) -> None:
    etag = await put(store, "people.csv", CONTENT)
    wire.cuts = [1_500_000]

    reading = store.files.read(store.bucket, "people.csv", etag=etag)
    await anext(reading)
    s3.client.delete_object(Bucket=s3.bucket, Key="people.csv")

    with pytest.raises(FilesError) as raised:
        _ = [chunk async for chunk in reading]
    assert raised.value.code == "NoSuchKey"


async def test_an_object_of_another_client_is_read_as_it_is_stored(store: Store, s3: S3Server) -> None:
    s3.client.put_object(Bucket=s3.bucket, Key="people.csv.gz", Body=b"\x1f\x8b packed", ContentEncoding="gzip")

    assert await get(store, "people.csv.gz") == b"\x1f\x8b packed"


async def test_an_exception_aborts_the_multipart_upload(store: Store, s3: S3Server) -> None:
    with pytest.raises(ZeroDivisionError):
        await write_and_fail(store, "people.csv", b"x" * (PART_BYTES + 1))

    assert "Uploads" not in s3.client.list_multipart_uploads(Bucket=s3.bucket)


async def test_the_next_try_aborts_what_a_killed_writer_began(store: Store, s3: S3Server) -> None:
    s3.client.create_multipart_upload(Bucket=s3.bucket, Key="out.gz")
    other = s3.client.create_multipart_upload(Bucket=s3.bucket, Key="out.gz.other")

    await put(store, "out.gz", b"x" * (PART_BYTES + 1))

    left = s3.client.list_multipart_uploads(Bucket=s3.bucket)["Uploads"]
    assert [upload["UploadId"] for upload in left] == [other["UploadId"]]


async def test_an_object_in_parts_is_whole_for_other_clients(store: Store, s3: S3Server) -> None:
    content = CONTENT * 4

    etag = await put(store, "out.gz", content)

    assert s3.client.get_object(Bucket=s3.bucket, Key="out.gz")["Body"].read() == content
    assert etag.endswith("-2")


async def test_writing_to_a_missing_bucket_is_told(store: Store) -> None:
    with pytest.raises(FilesError) as raised:
        await put(Store(store.files, "no-such-bucket"), "out.gz")

    assert raised.value.code == "NoSuchBucket"


async def test_s3s_refusal_is_told_by_its_code() -> None:
    body = "<Error><Code>AccessDenied</Code><Message>No way in.</Message></Error>"

    async with answering("403 Forbidden", body) as server, open_files(_settings(server.port)) as files:
        with pytest.raises(FilesError) as raised:
            await files.head("bucket", "people.csv")

    assert raised.value.code == "AccessDenied"
    assert raised.value.message == "s3://bucket/people.csv: No way in."


async def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

        async with open_files(_settings(port)) as files:
            with pytest.raises(FilesError) as raised:
                await files.head("bucket", "people.csv")

    assert raised.value.code == "EndpointUnreachable"
    assert f"127.0.0.1:{port}" in raised.value.message


async def test_a_server_of_ones_own_is_asked_with_the_bucket_in_the_path() -> None:
    async with answering("200 OK", EMPTY_LIST) as server, open_files(_settings(server.port)) as files:
        assert await keys(Store(files, "bucket")) == []

    assert server.asked[0].startswith("GET /bucket?list-type=2&prefix=")


async def test_credentials_are_those_of_the_role() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(answering("200 OK", EMPTY_LIST))
        settings = _settings(server.port, roles={READER: _credentials("READERKEY"), WRITER: _credentials("WRITERKEY")})
        for role_arn in (READER, WRITER, None):
            files = await stack.enter_async_context(open_files(settings, role_arn=role_arn))
            await files.head("bucket", "people.csv")

    signed_by = [asked.partition("Credential=")[2].partition("/")[0] for asked in server.asked]
    assert signed_by == ["READERKEY", "WRITERKEY", "SERVERKEY"]


async def test_any_role_will_do_while_none_is_listed() -> None:
    async with (
        answering("200 OK", EMPTY_LIST) as server,
        open_files(_settings(server.port), role_arn=READER) as files,
    ):
        await files.head("bucket", "people.csv")

    assert "Credential=SERVERKEY/" in server.asked[0]


def test_a_role_that_is_not_listed_is_not_known(tmp_path: Path) -> None:
    listed = _settings(1, roles={READER: _credentials("READERKEY")})

    assert role_is_known(listed, READER)
    assert not role_is_known(listed, WRITER)
    assert role_is_known(_settings(1), WRITER)
    assert role_is_known(Settings(data_dir=tmp_path), WRITER)
    with pytest.raises(FilesError) as raised:
        open_files(listed, role_arn=WRITER)
    assert raised.value.code == "AccessDenied"


async def test_credentials_may_come_from_the_environment(bare_environment: pytest.MonkeyPatch) -> None:
    bare_environment.setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENTKEY")
    bare_environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    async with (
        answering("200 OK", EMPTY_LIST) as server,
        open_files(Settings(s3=S3(endpoint_url=f"http://127.0.0.1:{server.port}"))) as files,
    ):
        await files.head("bucket", "people.csv")

    assert "Credential=ENVIRONMENTKEY/" in server.asked[0]


@pytest.mark.usefixtures("bare_environment")
async def test_missing_credentials_are_told() -> None:
    async with open_files(Settings(s3=S3(endpoint_url="http://127.0.0.1:1"))) as files:
        with pytest.raises(FilesError) as raised:
            await files.head("bucket", "people.csv")

    assert raised.value.code == "NoCredentials"


async def test_settings_come_from_the_environment(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)

    async with open_files(Settings()) as files:
        etag = await put(Store(files, s3.bucket), "people.csv")

    assert etag == await etag_of_boto(s3, "people.csv")


async def etag_of_boto(s3: S3Server, key: str) -> str:
    etag: str = s3.client.head_object(Bucket=s3.bucket, Key=key)["ETag"]
    return etag.strip('"')


def _credentials(access_key_id: str) -> AwsCredentials:
    return AwsCredentials(access_key_id=access_key_id, secret_access_key=SecretStr("secret"))


def _settings(port: int, *, roles: dict[str, AwsCredentials] | None = None) -> Settings:
    s3 = S3(endpoint_url=f"http://127.0.0.1:{port}", credentials=_credentials("SERVERKEY"), roles=roles or {})
    return Settings(s3=s3)
