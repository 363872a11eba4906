"""What CreateImportJob looks at before it answers: the bucket, the sizes, and the head of the first object.

Everything found later ends in the job, never in an error of the call (jobs.md section 4).
"""

import contextlib
from typing import Any

from repoint.contract.errors import BadRequestException
from repoint.contract.json_text import parse, refuse_unreadable
from repoint.files.file import FileObject, Files, FilesError
from repoint.files.store import open_files
from repoint.jobs.columns import HeaderError
from repoint.jobs.cut import check_header
from repoint.jobs.formats import MAX_LINE_BYTES, is_blank
from repoint.jobs.lines import ObjectError
from repoint.jobs.objects import COMPRESSED, CompressedError, Location, importable, over_limit, parse_url, read_head
from repoint.settings import Settings


async def probe(settings: Settings, definition: dict[str, Any]) -> None:
    """Raise BadRequestException when an import of this definition can be seen to fail as a whole."""
    location = parse_url(definition["S3Url"])
    assert location is not None  # noqa: S101 - checked before
    try:
        async with open_files(settings, role_arn=definition["RoleArn"]) as files:
            first = await _first_object(files, location, definition, settings.import_size_limit_bytes)
            await _check_first(files, location, first, definition["Format"])
    except FilesError as error:
        raise BadRequestException(f"Unable to access the Amazon S3 location: {error.code}") from error
    except CompressedError:
        raise BadRequestException("Compressed files can't be imported") from None
    except (HeaderError, ObjectError) as error:
        raise BadRequestException(str(error)) from error


async def _first_object(files: Files, location: Location, definition: dict[str, Any], limit_bytes: int) -> FileObject:
    first, size_bytes = None, 0
    async with contextlib.aclosing(importable(files, location, definition["Format"])) as found:
        async for item in found:
            first = first or item
            size_bytes += item.size_bytes
            if size_bytes > limit_bytes:
                raise BadRequestException(over_limit(limit_bytes))
    if first is None:
        raise BadRequestException(f"No objects with format {definition['Format']} found at {definition['S3Url']}")
    return first


async def _check_first(files: Files, location: Location, first: FileObject, file_format: str) -> None:
    """The header of a CSV file must be one; the first line of a JSON file that is not blank must be an object."""
    head = await read_head(files, location.bucket, first, b"\n".__contains__ if file_format == "CSV" else _has_line)
    if head.startswith(COMPRESSED):
        raise CompressedError
    lines = head.split(b"\n")
    if file_format == "CSV":
        check_header(lines[0])
        return
    for line_no, line in enumerate(lines, 1):
        if not is_blank(line):
            if len(line) <= MAX_LINE_BYTES:
                _check_json(line, line_no)
            return


def _has_line(head: bytes) -> bool:
    """Whether there is an end behind the first line that is not blank."""
    return b"\n" in head.lstrip()


def _check_json(line: bytes, line_no: int) -> None:
    try:
        refuse_unreadable(line)
        value = parse(line)
    except BadRequestException as error:
        raise BadRequestException(error.message.replace(" at line 1,", f" at line {line_no},")) from error
    if not isinstance(value, dict):
        raise BadRequestException(f"Unexpected value: expected an object at line {line_no}, column 1")
