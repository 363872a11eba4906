"""Values as parameters of statements, where the driver's own way takes long."""

from collections.abc import Iterable, Mapping

import msgspec


def storable(text: str) -> str:
    """A text from outside without what the database does not take: NUL, and halves of letters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def as_json(values: Iterable[object]) -> str:
    """A list, of a mapping its keys. The driver writes an array in Python, which took longer than all rules."""
    return msgspec.json.encode(list(values)).decode()


def object_as_json(members: Mapping[str, object]) -> str:
    """An object."""
    return msgspec.json.encode(members).decode()
