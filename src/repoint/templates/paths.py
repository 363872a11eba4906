"""Variable paths as they are written: `User.UserAttributes.[Last Name].[0]`, `../Id`, `this`, `@index`."""

import re

from repoint.templates.errors import SyntaxFault
from repoint.templates.tree import Path

# What the loop around it tells; `@root` begins a path in the outermost context.
LOOP_NAMES = frozenset({"@index", "@first", "@last", "@key"})
ROOT = "@root"

_STEP = r"(?:\[[^\]]*+\]|[^.\[\]]++)"
_STEPS = re.compile(rf"{_STEP}(?:\.{_STEP})*+")
_EACH = re.compile(_STEP)
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
        return Path(text, up, is_local=True, steps=(), at=at)
    if _STEPS.fullmatch(rest) is None:
        raise SyntaxFault(f"invalid variable {text}", at)
    steps = tuple(_bare(step) for step in _EACH.findall(rest))
    if steps[0].startswith("@") and not (steps[0] == ROOT or rest in LOOP_NAMES):
        raise SyntaxFault(f"unknown variable {text}", at)
    return Path(text, up, bool(up or here), steps, at)


def index_of(step: str) -> int | None:
    """The place in a list that a step names, from 0; None for a name."""
    return int(step) if _INDEX.fullmatch(step) else None


def substitution_keys(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys under which a substitution for the path may stand, and those for a list that the path's index is in.

    A key is the path's text, or the same without brackets around names. The second is empty without an index.
    """
    *names, last = path.steps
    if index_of(last) is None:
        return _distinct(path.text, ".".join(path.steps)), ()
    whole = ".".join([*names, f"[{last}]"])
    base = path.text.rpartition(".")[0]
    return _distinct(path.text, whole), _distinct(base, ".".join(names)) if names else ()


def _distinct(*keys: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))


def _bare(step: str) -> str:
    return step[1:-1] if step.startswith("[") else step
