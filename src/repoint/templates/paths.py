"""Variable paths as they are written: `User.UserAttributes.[Last Name].[0]`, `../Id`, `this`, `@index`."""

import re

from repoint.templates.errors import SyntaxFault
from repoint.templates.tree import Path

# What the loop around it tells; `@root` begins a path in the outermost context.
LOOP_NAMES = frozenset({"@index", "@first", "@last", "@key"})
ROOT = "@root"

_SEGMENT = r"(?:\[[^\]]*+\]|[^.\[\]]++)"
_SEGMENTS = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*+")
_EACH = re.compile(_SEGMENT)
_CLIMB = re.compile(r"(?:\.\./)*+")
_HERE = re.compile(r"(?:this|\.)(?:[./]|$)")
_INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)


def read_path(text: str, at: int) -> Path:
    """A path from its text. Raises SyntaxFault for one that no value can have."""
    rest = text + "/" if text.endswith("..") else text
    climb = _CLIMB.match(rest)
    up = 0 if climb is None else climb.end() // len("../")
    rest = rest[up * len("../") :]
    here = _HERE.match(rest)
    if here:
        rest = rest[here.end() :]
    if not rest and (up or here):
        return Path(text, up, is_local=True, segments=(), at=at)
    if _SEGMENTS.fullmatch(rest) is None:
        raise SyntaxFault(f"invalid variable {text}", at)
    segments = tuple(_bare(segment) for segment in _EACH.findall(rest))
    if segments[0].startswith("@") and not (segments[0] == ROOT or rest in LOOP_NAMES):
        raise SyntaxFault(f"unknown variable {text}", at)
    return Path(text, up, bool(up or here), segments, at)


def index_of(segment: str) -> int | None:
    """The place in a list that a segment names, from 0; None for a name."""
    return int(segment) if _INDEX.fullmatch(segment) else None


def substitution_keys(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys under which a substitution for the path may stand, and those for a list that the path's index is in.

    A key is the path's text, or the same without brackets around names. The second is empty without an index.
    """
    *names, last = path.segments
    if index_of(last) is None:
        return _distinct(path.text, ".".join(path.segments)), ()
    whole = ".".join([*names, f"[{last}]"])
    base = path.text.rpartition(".")[0]
    return _distinct(path.text, whole), _distinct(base, ".".join(names)) if names else ()


def _distinct(*keys: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))


def _bare(segment: str) -> str:
    return segment[1:-1] if segment.startswith("[") else segment
