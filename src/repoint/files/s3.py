"""Files in S3, or in any server that speaks it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import Any

from repoint.aws import identity, session
from repoint.files.file import (
    RESERVED,
    FileChangedError,
    FileObject,
    Files,
    FilesError,
    Writer,
    check_bucket,
    check_key,
)
from repoint.tables import S3, AwsCredentials

CHUNK_BYTES = 1 << 20
PAGE_SIZE = 1000
# Also the size from which on an object is sent in parts. S3 takes 10,000 parts, so an object may have 78 GiB.
PART_BYTES = 8 << 20
# A body that breaks off is asked for again from where it stopped, this often in a row without one byte more.
MAX_RECONNECTS = 5
# Doubled after every break that brought nothing.
RECONNECT_WAIT_S = 0.1


@asynccontextmanager
async def open_s3(s3: S3, credentials: AwsCredentials | None) -> AsyncIterator[Files]:
    """A client of `s3`, acting as `credentials` or as whom AWS's own chain finds (environment, profile, instance)."""
    # In a thread, as the first time takes most of a second.
    aws = await asyncio.to_thread(session)
    from aiohttp import ClientError as BrokenBodyError  # noqa: PLC0415 - as in session
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as in session

    async with aws.create_client(
        "s3",
        region_name=s3.region,
        endpoint_url=s3.endpoint_url,
        config=_config(s3),
        **identity(credentials),
    ) as client:
        yield S3Files(client, (BotoCoreError, BrokenBodyError))


class S3Files:
    """`Files` over an aiobotocore client. `broken` are the exceptions of a body that breaks off."""

    def __init__(self, client: Any, broken: tuple[type[Exception], ...]) -> None:
        self._client = client
        self._broken = broken

    async def list(self, bucket: str, prefix: str = "", *, after: str = "") -> AsyncGenerator[FileObject, None]:
        """See `Files.list`; one request a page."""
        check_bucket(bucket, is_new=False)
        query: dict[str, object] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": PAGE_SIZE}
        if after:
            query["StartAfter"] = after
        while True:
            with _errors(bucket):
                page = await self._client.list_objects_v2(**query)
            for entry in page.get("Contents", []):
                if prefix.startswith(RESERVED) or not entry["Key"].startswith(RESERVED):
                    yield _object(entry)
            if not page.get("IsTruncated"):
                return
            query["ContinuationToken"] = page["NextContinuationToken"]

    async def head(self, bucket: str, key: str) -> FileObject | None:
        """See `Files.head`.

        Asks for a listing of one: HeadObject has no body, so it can't tell a missing bucket from a missing key. Of all
        keys with this prefix the key itself is the first.
        """
        check_bucket(bucket, is_new=False)
        check_key(key)
        with _errors(bucket, key):
            page = await self._client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        found = [_object(entry) for entry in page.get("Contents", []) if entry["Key"] == key]
        return found[0] if found else None

    async def read(
        self, bucket: str, key: str, *, etag: str, start: int = 0, size_bytes: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See `Files.read`; a connection that breaks is taken up again where it stopped."""
        check_bucket(bucket, is_new=False)
        check_key(key)
        if size_bytes == 0:
            return
        position, failures = start, 0
        stop = None if size_bytes is None else start + size_bytes
        while True:
            try:
                async with aclosing(self._body(bucket, key, etag, position, stop)) as body:
                    async for chunk in body:
                        if chunk:
                            position, failures = position + len(chunk), 0
                            yield chunk
            except self._broken as error:
                failures += 1
                if failures > MAX_RECONNECTS:
                    raise FilesError("EndpointUnreachable", f"s3://{bucket}/{key} breaks off: {error}") from error
                await asyncio.sleep(RECONNECT_WAIT_S * 2**failures)
            else:
                return

    async def _body(
        self, bucket: str, key: str, etag: str, start: int, stop: int | None
    ) -> AsyncGenerator[bytes, None]:
        """One GET; raises one of `broken` when the connection ends before the bytes that were announced."""
        query = {"Bucket": bucket, "Key": key, "IfMatch": f'"{etag}"'}
        # An empty object has no first byte, so the whole is asked for without a range.
        if start or stop is not None:
            query["Range"] = f"bytes={start}-" if stop is None else f"bytes={start}-{stop - 1}"
        try:
            with _errors(bucket, key):
                answer = await self._client.get_object(**query)
        except FilesError as error:
            if error.code == "InvalidRange":
                return
            raise
        async with answer["Body"] as body:
            gathered = bytearray()  # the wire's pieces are small; whoever takes them pays by the piece
            try:
                while piece := await body.read(CHUNK_BYTES):
                    gathered += piece
                    if len(gathered) >= CHUNK_BYTES:
                        yield bytes(gathered)
                        gathered.clear()
            except self._broken:
                yield bytes(gathered)
                raise
            yield bytes(gathered)

    @asynccontextmanager
    async def write(self, bucket: str, key: str) -> AsyncIterator[Writer]:
        """See `Files.write`; a small object is one PUT, a larger one a multipart upload, aborted by an exception."""
        check_bucket(bucket, is_new=False)
        check_key(key)
        writer = _S3Writer(self._client, bucket, key)
        try:
            yield writer
            await writer.finish()
        except BaseException:
            await writer.abort()
            raise

    async def delete(self, bucket: str, key: str) -> None:
        """See `Files.delete`."""
        check_bucket(bucket, is_new=False)
        check_key(key)
        with _errors(bucket, key):
            await self._client.delete_object(Bucket=bucket, Key=key)


class _S3Writer:
    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._target = {"Bucket": bucket, "Key": key}
        self._buffer = bytearray()
        self._upload: dict[str, str] = {}
        self._parts: list[dict[str, object]] = []

    async def write(self, data: bytes | memoryview) -> None:
        self._buffer += data
        while len(self._buffer) >= PART_BYTES:
            part = bytes(memoryview(self._buffer)[:PART_BYTES])
            del self._buffer[:PART_BYTES]
            await self._send(part)

    async def finish(self) -> None:
        if not self._upload:
            with _errors(*self._target.values()):
                await self._client.put_object(**self._target, Body=bytes(self._buffer))
            return
        if self._buffer:
            await self._send(bytes(self._buffer))
        with _errors(*self._target.values()):
            await self._client.complete_multipart_upload(**self._upload, MultipartUpload={"Parts": self._parts})

    async def abort(self) -> None:
        # The first mistake is the one to tell; what could not be aborted is what the next try for this key finds.
        if self._upload:
            with suppress(FilesError), _errors(*self._target.values()):
                await self._client.abort_multipart_upload(**self._upload)

    async def _send(self, part: bytes) -> None:
        with _errors(*self._target.values()):
            if not self._upload:
                await self._abort_earlier_tries()
                begun = await self._client.create_multipart_upload(**self._target)
                self._upload = {**self._target, "UploadId": begun["UploadId"]}
            number = len(self._parts) + 1
            sent = await self._client.upload_part(**self._upload, PartNumber=number, Body=part)
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    async def _abort_earlier_tries(self) -> None:
        """End what a killed worker began for this key; else its parts would be paid for until someone looks.

        Best effort: not every server lists uploads, not every role may. The bucket's lifecycle rule
        AbortIncompleteMultipartUpload does the same, and also for keys that nobody writes again.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as in session

        with suppress(ClientError):
            found = await self._client.list_multipart_uploads(
                Bucket=self._target["Bucket"], Prefix=self._target["Key"], MaxUploads=100
            )
            for upload in found.get("Uploads", []):
                if upload["Key"] == self._target["Key"]:
                    await self._client.abort_multipart_upload(**self._target, UploadId=upload["UploadId"])


def _config(s3: S3) -> Any:
    from aiobotocore.config import AioConfig  # noqa: PLC0415 - as in session

    return AioConfig(
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=32,
        retries={"mode": "standard", "max_attempts": 4},
        s3={"addressing_style": "path" if s3.endpoint_url else "auto"},
        # Older servers that speak S3 refuse the checksums that botocore adds by default; TLS and ETags guard the bytes.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def _object(entry: dict[str, Any]) -> FileObject:
    return FileObject(entry["Key"], entry["Size"], entry["ETag"].strip('"'), entry["LastModified"])


@contextmanager
def _errors(bucket: str, key: str = "") -> Iterator[None]:
    """Tell what S3 refused by its own code, and everything that kept it from answering as `EndpointUnreachable`."""
    from botocore.exceptions import (  # noqa: PLC0415 - as in session
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        PartialCredentialsError,
    )

    try:
        yield
    except ClientError as error:
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        if code in {"PreconditionFailed", "412"}:
            raise FileChangedError(bucket, key) from error
        raise FilesError(code, f"s3://{bucket}/{key}: {message}") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise FilesError("NoCredentials", str(error)) from error
    except BotoCoreError as error:
        raise FilesError("EndpointUnreachable", str(error)) from error
