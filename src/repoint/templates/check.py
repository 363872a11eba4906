"""What a text that is kept for later may be; what checks raises BadRequestException, which names the member."""

from collections.abc import Iterator, Mapping

from repoint.contract.errors import BadRequestException
from repoint.templates.errors import TemplateError
from repoint.templates.escape import Escape
from repoint.templates.text import compile_text


def check_compiles(part: str, text: str, escape: Escape = Escape.NONE) -> None:
    """A mistake is told now, and not to each recipient."""
    try:
        compile_text(text, part=part, escape=escape)
    except TemplateError as error:
        raise BadRequestException(str(error)) from None


def check_length(most: int, member: str, text: str | None) -> None:
    """Characters."""
    if text and len(text) > most:
        raise too_long(member, most)


def check_count(most: int, member: str, items: object) -> None:
    """Items of a list or an object."""
    if isinstance(items, list | dict) and len(items) > most:
        raise BadRequestException(f"{member} exceeds the maximum of {most} items")


def too_long(member: str, most: int) -> BadRequestException:
    """A member, or all texts in it together, with more characters than it may have."""
    return BadRequestException(f"{member} exceeds the maximum of {most} characters")


def every_text(value: object) -> Iterator[str]:
    """Every text of a document, keys of maps apart."""
    match value:
        case str():
            yield value
        case Mapping():
            for each in value.values():
                yield from every_text(each)
        case list():
            for each in value:
                yield from every_text(each)
