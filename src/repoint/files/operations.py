"""Files through the API, so that `repoint files` and `repoint import FILE` work from any machine.

An upload comes in parts that each fit a signed request; a client may send any of its requests again.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager, suppress

from repoint.contract.dates import format_instant
from repoint.contract.errors import (
    BadRequestException,
    ConflictException,
    ContractError,
    NotFoundException,
    PayloadTooLargeException,
    TooManyRequestsException,
)
from repoint.db.pool import Row
from repoint.db.queries import load_queries
from repoint.files.file import RESERVED, FileChangedError, FileObject, FilesError, url
from repoint.files.parts import MAX_PARTS, PART_BYTES, delete_parts, join_parts, put_part
from repoint.files.store import open_files
from repoint.operation import Binary, Call, Input, Output, extension, whole_number

MAX_PAGE_SIZE = 1000
MAX_OPEN_UPLOADS = 1000

_queries = load_queries("repoint.files")


@extension("GET", "/repoint/v1/files/{Bucket}", resource="files/{Bucket}", in_steps=True)
async def list_files(call: Call, arguments: Input) -> Output:
    """Objects under `prefix`, ascending by key: `{"Item": [{"Key", "Size", "ETag", "LastModified"}], "NextToken"}`.

    `page-size` is 1 to 1,000, which is the default; `token` is the last key of the page before.
    """
    page_size = whole_number(arguments, "page-size", range(1, MAX_PAGE_SIZE + 1), default=MAX_PAGE_SIZE)
    page: list[FileObject] = []
    with _refusals():
        async with open_files(call.settings) as files:
            listing = files.list(arguments["Bucket"], arguments.get("prefix", ""), after=arguments.get("token", ""))
            async with aclosing(listing) as found:
                async for item in found:
                    page.append(item)
                    if len(page) > page_size:
                        break
    answer: dict[str, object] = {"Item": [_document(item) for item in page[:page_size]]}
    return answer | ({"NextToken": page[page_size - 1].key} if len(page) > page_size else {})


@extension("GET", "/repoint/v1/files/{Bucket}/objects/{Key}", resource="files/{Bucket}/{Key}", in_steps=True)
async def get_file(call: Call, arguments: Input) -> Output:
    """The object's bytes, from byte `start` on (default 0), `size` of them (default all that follow).

    `etag` pins the object: 409 when it is another one by now, so a download that broke off goes on with the same bytes.
    An object that changes while it is sent breaks the connection off.
    """
    bucket, key = arguments["Bucket"], arguments["Key"]
    with _refusals():
        async with open_files(call.settings) as files:
            found = await files.head(bucket, key)
    if found is None:
        raise NotFoundException(f"{url(bucket, key)} does not exist")
    if arguments.get("etag", found.etag) != found.etag:
        raise ConflictException(f"{url(bucket, key)} changed")
    start = whole_number(arguments, "start", range(found.size_bytes + 1), default=0)
    left = found.size_bytes - start
    size_bytes = whole_number(arguments, "size", range(left + 1), default=left)
    return Binary("application/octet-stream", _pieces(call, bucket, found, start, size_bytes), size_bytes)


@extension(
    "POST",
    "/repoint/v1/files/{Bucket}/uploads",
    resource="files/{Bucket}/{Key}",
    audit="group",
    status=201,
    in_steps=True,
)
async def begin_file_upload(call: Call, arguments: Input) -> Output:
    """Begin to upload the object `Key`: `{"UploadId", "PartSize"}`; a part has at most PartSize bytes.

    What is not complete after a day is removed. 429 while 1,000 uploads are open.
    """
    bucket, key = arguments["Bucket"], arguments.get("Key")
    if not isinstance(key, str):
        raise BadRequestException("Missing Key" if key is None else "Invalid Key: must be a string")
    if key.startswith(RESERVED):
        raise BadRequestException(f"Invalid Key: {key} ({RESERVED} is Repoint's own)")
    await _check_names(call, bucket, key)
    upload = {"id": call.new_id(), "bucket": bucket, "key": key, "begun_at": call.now, "max_open": MAX_OPEN_UPLOADS}
    async with call.step() as db:
        if await db.row(_queries.begin_upload, upload) is None:
            raise TooManyRequestsException(f"Exceeded maximum number of open uploads: {MAX_OPEN_UPLOADS}")
    return {"UploadId": upload["id"], "PartSize": PART_BYTES}


@extension(
    "PUT",
    "/repoint/v1/files/{Bucket}/uploads/{UploadId}/parts/{PartNumber}",
    resource="files/{Bucket}",
    audit="group",
    in_steps=True,
    raw_body=True,
)
async def put_file_part(call: Call, arguments: Input) -> Output:
    """Send part `PartNumber`, from 1; one that is sent again replaces the earlier one. `{"PartNumber", "Size"}`.

    The first part into a folder's bucket makes the bucket.
    """
    body: bytes = arguments["Body"]
    number = whole_number(arguments, "PartNumber", range(1, MAX_PARTS + 1))
    if len(body) > PART_BYTES:
        raise PayloadTooLargeException(f"A part has at most {PART_BYTES} bytes")
    upload = await _find(call, arguments)
    if upload["completed_at"] is not None:
        raise ConflictException("The upload is complete")
    with _refusals():
        async with open_files(call.settings) as files:
            await put_part(files, upload["bucket"], upload["id"], number, body)
    return {"PartNumber": number, "Size": len(body)}


@extension(
    "POST",
    "/repoint/v1/files/{Bucket}/uploads/{UploadId}",
    resource="files/{Bucket}",
    audit="group",
    in_steps=True,
)
async def complete_file_upload(call: Call, arguments: Input) -> Output:
    """Make the parts 1 to `Parts` one object, which appears at once: `{"Key", "Size", "ETag"}`.

    Asked again within a day, it answers the same.
    """
    count = whole_number(arguments, "Parts", range(MAX_PARTS + 1))
    upload = await _find(call, arguments)
    if upload["completed_at"] is None:
        try:
            await _complete(call, upload, count)
        except ContractError:
            # Sent again while the first was at work: that one took the parts away, and its answer is the answer.
            if (await _find(call, arguments))["completed_at"] is None:
                raise
        upload = await _find(call, arguments)
    return {"Key": upload["key"], "Size": upload["size_bytes"], "ETag": upload["etag"]}


@extension(
    "DELETE",
    "/repoint/v1/files/{Bucket}/uploads/{UploadId}",
    resource="files/{Bucket}",
    audit="group",
    status=204,
    in_steps=True,
)
async def abort_file_upload(call: Call, arguments: Input) -> Output:
    """Give an upload up and remove its parts; an object that is complete stays."""
    upload = await _find(call, arguments)
    with _refusals():
        async with open_files(call.settings) as files:
            with suppress_missing_bucket():
                await delete_parts(files, upload["bucket"], upload["id"])
    async with call.step() as db:
        await db.execute(_queries.delete_upload, {"id": upload["id"]})


@contextmanager
def suppress_missing_bucket() -> Iterator[None]:
    """Take a bucket that is not there for an empty one."""
    try:
        yield
    except FilesError as error:
        if error.code != "NoSuchBucket":
            raise


async def _check_names(call: Call, bucket: str, key: str) -> None:
    """Refuse what can't be a bucket or key. The bucket may be made by the first part, so it need not be there."""
    with _refusals():
        async with open_files(call.settings) as files:
            with suppress_missing_bucket():
                await files.head(bucket, key)


async def _find(call: Call, arguments: Input) -> Row:
    async with call.step() as db:
        upload = await db.row(_queries.find_upload, {"id": arguments["UploadId"], "bucket": arguments["Bucket"]})
    if upload is None:
        raise NotFoundException
    return upload


async def _complete(call: Call, upload: Row, count: int) -> None:
    with _refusals():
        async with open_files(call.settings) as files:
            joined = await join_parts(files, upload["bucket"], upload["id"], upload["key"], count=count)
            async with call.step() as db:
                outcome = {"size_bytes": joined.size_bytes, "etag": joined.etag, "completed_at": call.now}
                await db.execute(_queries.complete_upload, {"id": upload["id"]} | outcome)
            # Parts that stay behind are removed a day later.
            with suppress(FilesError):
                await delete_parts(files, upload["bucket"], upload["id"])


async def _pieces(call: Call, bucket: str, item: FileObject, start: int, size_bytes: int) -> AsyncIterator[bytes]:
    async with open_files(call.settings) as files:
        reading = files.read(bucket, item.key, etag=item.etag, start=start, size_bytes=size_bytes)
        async with aclosing(reading) as chunks:
            async for chunk in chunks:
                yield chunk


def _document(item: FileObject) -> dict[str, object]:
    return {
        "Key": item.key,
        "Size": item.size_bytes,
        "ETag": item.etag,
        "LastModified": format_instant(item.modified_at),
    }


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell what the store refuses as an answer of the API."""
    try:
        yield
    except FileChangedError as error:
        raise ConflictException(error.message) from error
    except FilesError as error:
        if error.code in {"NoSuchBucket", "NoSuchKey"}:
            raise NotFoundException(error.message) from error
        raise BadRequestException(str(error)) from error
