"""Requests to gateways as the operator writes them: texts with placeholders such as `{address}`.

A placeholder stands for a value as a whole, and values are encoded for the place where they stand: percent-encoded in a
URL, a form or a query, escaped in JSON. So nothing in a message can become a second parameter or another member. `{{`
and `}}` stand for single braces.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import quote

from repoint.delivery.message import Message, Sms
from repoint.delivery.sms_parts import is_gsm

# JSON as far as a template holds it.
Json = dict[str, Any] | list[Any] | str | int | float | bool | None
Values = Mapping[str, str | None]

SECRET = "secret."  # noqa: S105 - what placeholders for secrets begin with
NAMES = (
    "address",
    "address_digits",
    "body",
    "id",
    "message_type",
    "alphabet",
    "origin",
    "origination_number",
    "sender_id",
    "keyword",
    "media_url",
    "entity_id",
    "template_id",
)
# In a header only what is known to be printable ASCII.
NAMES_IN_HEADERS = ("address", "address_digits", "id", "message_type")
_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z_]+(?:\.\w+)?)\}|[{}]")


def values_of(
    message: Message, content: Sms, secrets: Mapping[str, str], alphabets: Mapping[Literal["gsm", "ucs2"], str]
) -> Values:
    """What placeholders stand for in this message; None for what it does not have."""
    return {
        "address": message.address,
        "address_digits": message.address.removeprefix("+"),
        "body": content.body,
        "id": message.id,
        "message_type": content.message_type,
        "alphabet": alphabets["gsm" if is_gsm(content.body) else "ucs2"],
        "origin": content.origination_number or content.sender_id,
        "origination_number": content.origination_number,
        "sender_id": content.sender_id,
        "keyword": content.keyword,
        "media_url": content.media_url,
        "entity_id": content.entity_id,
        "template_id": content.template_id,
        **{f"{SECRET}{name}": value for name, value in secrets.items()},
    }


def check(text: str, allowed: tuple[str, ...], secrets: Mapping[str, Any]) -> None:
    """Raise ValueError for a placeholder that there is not, or a brace that is none's."""
    for match in _TOKEN.finditer(text):
        name = match[1]
        if match[0] in {"{", "}"}:
            raise ValueError(f"a single {match[0]} stands in {_shown(text)}; write it twice, or a placeholder")
        if name and name.startswith(SECRET) and name.removeprefix(SECRET) not in secrets:
            raise ValueError(f"there is no {{{name}}}: secrets does not have it")
        if name and not name.startswith(SECRET) and name not in allowed:
            raise ValueError(f"there is no {{{name}}} here, but {{{'}, {'.join(allowed)}}} and {{secret.<name>}}")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")  # noqa: PLR2004 - a matter of looks


def fill(text: str, values: Values, encode: Callable[[str], str] = str) -> str | None:
    """The text with its placeholders filled; None when one of them has no value."""
    if any(match[1] and values[match[1]] is None for match in _TOKEN.finditer(text)):
        return None

    def filled(match: re.Match[str]) -> str:
        return encode(_encodable(values[match[1]] or "")) if match[1] else match[0][0]

    return _TOKEN.sub(filled, text)


def fill_url(text: str, values: Values) -> str:
    """A URL, with values percent-encoded; what has no value is empty."""
    known = {name: value or "" for name, value in values.items()}
    return fill(text, known, lambda value: quote(value, safe="")) or ""


def fill_fields(fields: Mapping[str, str], values: Values) -> dict[str, str]:
    """Fields of a form, a query or a header; one whose placeholder has no value is left out."""
    filled = {name: fill(text, values) for name, text in fields.items()}
    return {name: text for name, text in filled.items() if text is not None}


def fill_json(template: Json, values: Values) -> Json:
    """A document; members and items whose placeholder has no value are left out."""
    if isinstance(template, str):
        return fill(template, values)
    if isinstance(template, dict):
        members = {name: fill_json(part, values) for name, part in template.items()}
        return {name: part for name, part in members.items() if part is not None or template[name] is None}
    if isinstance(template, list):
        return [filled for part in template if (filled := fill_json(part, values)) is not None or part is None]
    return template


def texts(template: Json) -> Iterator[str]:
    """Every text in a document that may hold placeholders."""
    if isinstance(template, str):
        yield template
    elif isinstance(template, dict):
        for part in template.values():
            yield from texts(part)
    elif isinstance(template, list):
        for part in template:
            yield from texts(part)


def _encodable(text: str) -> str:
    """The text without halves of characters, which JSON can bring and no encoding can take."""
    return text.encode("utf-8", "replace").decode("utf-8")
