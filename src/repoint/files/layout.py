"""Where a key lives in the folder that stands in for S3.

A key whose segments can be file names has a *plain* place, `<bucket>/<key>`, so that an operator can drop files in by
hand and read them. Every key has an *odd* place too, percent-encoded below `<bucket>/.repoint/odd`, for what a file
system can't hold as it is: `a//b`, `folder/`, segments over 255 bytes, `a` beside `a/b`. Where both exist the plain
place counts.
"""

from pathlib import Path
from urllib.parse import quote, unquote

from repoint.files.file import RESERVED, FilesError, check_key

ODD = f"{RESERVED}odd"
SCRATCH = f"{RESERVED}scratch"

_MAX_NAME_BYTES = 255
# Encoded keys are cut into folders of this many characters; a folder's name ends with `+`, which no encoding contains.
_CUT = 200


def check_folder_key(key: str) -> None:
    """Raise FilesError as `check_key` does, and `InvalidArgument` for the segments `.` and `..`, which name folders."""
    check_key(key)
    _refuse_dots(key, key.split("/"))


def check_prefix(prefix: str) -> None:
    """Raise FilesError `InvalidArgument` when no key can start with `prefix`; its last segment may be unfinished."""
    if prefix:
        check_folder_key(prefix + "x" if prefix.endswith((".", "/")) else prefix)


def _refuse_dots(key: str, segments: list[str]) -> None:
    for segment in segments:
        if segment in {".", ".."}:
            raise FilesError("InvalidArgument", f"the key {key!r} has a segment {segment!r}")


def is_plain(key: str) -> bool:
    """Whether every segment can be a file's name, and the key is none of our own."""
    if f"{key}/".startswith(RESERVED) or "\0" in key:
        return False
    return all(
        segment not in {"", ".", ".."} and len(segment.encode()) <= _MAX_NAME_BYTES for segment in key.split("/")
    )


def places(bucket: Path, key: str) -> list[Path]:
    """The files that may hold this key, the one that counts first."""
    odd = odd_place(bucket, key)
    return [bucket / key, odd] if is_plain(key) else [odd]


def odd_place(bucket: Path, key: str) -> Path:
    """The file of this key under its encoded name."""
    # Dots too: a piece that the cut leaves over must not read `..`.
    name = quote(key, safe="").replace(".", "%2E")
    pieces = [name[start : start + _CUT] for start in range(0, len(name), _CUT)]
    return bucket.joinpath(ODD, *(f"{piece}+" for piece in pieces[:-1]), pieces[-1])


def odd_key(path: str) -> str:
    """The key whose odd place is this path below `ODD`."""
    return unquote(path.replace("+/", ""))
