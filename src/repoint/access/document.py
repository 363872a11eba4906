"""An IAM policy document, read and checked before it is stored (auth.md section 4)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from repoint.access.conditions import Condition, read_condition
from repoint.access.patterns import Text, read_text
from repoint.contract.errors import BadRequestException
from repoint.contract.json_text import Number, parse, refuse_repeated, refuse_unreadable

MAX_BYTES = 65_536
# The only one in which variables are more than text, and the one to write.
VERSION = "2012-10-17"
OLD_VERSION = "2008-10-17"

_MEMBERS = frozenset(
    {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"},
)
_SID = re.compile(r"[A-Za-z0-9]*")
_ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_ARN = re.compile(r"\*|arn:(?:[^:]*:){4}.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it is written."""

    is_allow: bool
    # With is_not, everything but these.
    actions: tuple[Text, ...]
    is_not_actions: bool
    resources: tuple[Text, ...]
    is_not_resources: bool
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A policy as it is written; `policy.compile_policy` makes it ready for a principal."""

    statements: tuple[Statement, ...]


def read_document(text: str) -> Document:
    """Check a policy and take it apart.

    Raises BadRequestException that names the statement, counted from 0, and the member. `Principal` is accepted and
    passed over, as a key's policy speaks of nobody else.
    """
    data = text.encode(errors="replace")
    if len(data) > MAX_BYTES:
        raise BadRequestException(f"Policy must have at most {MAX_BYTES} bytes")
    refuse_unreadable(data)
    document = parse(data)
    refuse_repeated(data, "Policy: ")
    if not isinstance(document, dict):
        raise BadRequestException("Policy must be a JSON object")
    for member in document:
        if member not in {"Version", "Id", "Statement"}:
            raise BadRequestException(f"Policy: there is no member {member}")
    version = document.get("Version", OLD_VERSION)
    if version not in (VERSION, OLD_VERSION):
        raise BadRequestException(f"Policy.Version must be {VERSION}")
    if version == OLD_VERSION and "${" in text:
        raise BadRequestException(f"Policy.Version must be {VERSION} for a policy with variables")
    written = document.get("Statement")
    statements = [written] if isinstance(written, dict) else written
    if not isinstance(statements, list) or not statements:
        raise BadRequestException("Policy.Statement must be a statement or a list of them")
    _check_sids(statements)
    return Document(tuple(_statement(statement, f"Statement[{at}]") for at, statement in enumerate(statements)))


def _check_sids(statements: list[Any]) -> None:
    seen = set()
    for at, statement in enumerate(statements):
        sid = statement.get("Sid", "") if isinstance(statement, dict) else ""
        if not isinstance(sid, str) or _SID.fullmatch(sid) is None:
            raise BadRequestException(f"Statement[{at}].Sid must be letters and digits")
        if sid and sid in seen:
            raise BadRequestException(f"Statement[{at}].Sid: {sid} is written twice")
        seen.add(sid)


def _statement(statement: Any, name: str) -> Statement:
    if not isinstance(statement, dict):
        raise BadRequestException(f"{name} must be a JSON object")
    for member in statement:
        if member not in _MEMBERS:
            raise BadRequestException(f"{name}: there is no member {member}")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise BadRequestException(f"{name}.Effect must be Allow or Deny")
    actions, is_not_actions = _either(statement, "Action", name)
    resources, is_not_resources = _either(statement, "Resource", name)
    return Statement(
        effect == "Allow",
        tuple(_action(action, _member("Action", name, is_not=is_not_actions)) for action in actions),
        is_not_actions,
        tuple(_resource(resource, _member("Resource", name, is_not=is_not_resources)) for resource in resources),
        is_not_resources,
        tuple(_conditions(statement.get("Condition", {}), f"{name}.Condition")),
    )


def _either(statement: dict[str, Any], member: str, name: str) -> tuple[list[str], bool]:
    """The texts of a member or of its opposite, of which a statement has exactly one."""
    is_not = f"Not{member}" in statement
    if is_not == (member in statement):
        raise BadRequestException(f"{name} must have {member} or Not{member}" + (", not both" if is_not else ""))
    return _texts(statement[f"Not{member}" if is_not else member], _member(member, name, is_not=is_not)), is_not


def _member(member: str, name: str, *, is_not: bool) -> str:
    return f"{name}.{'Not' if is_not else ''}{member}"


def _texts(value: Any, name: str) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise BadRequestException(f"{name} must be a text or a list of texts")
    return texts


def _action(action: str, name: str) -> Text:
    if _ACTION.fullmatch(action) is None:
        raise BadRequestException(f"{name}: {action} is no action; mobiletargeting:GetApp, repoint:* and * are some")
    return read_text(action.lower())


def _resource(resource: str, name: str) -> Text:
    if _ARN.fullmatch(resource) is None:
        raise BadRequestException(f"{name}: {resource} is neither an ARN nor *")
    return _read(resource, name)


def _conditions(written: Any, name: str) -> Iterator[Condition]:
    if not isinstance(written, dict):
        raise BadRequestException(f"{name} must be a JSON object")
    for operator, keys in written.items():
        if not isinstance(keys, dict) or not keys:
            raise BadRequestException(f"{name}.{operator} must be a JSON object of condition keys")
        for key, value in keys.items():
            values = value if isinstance(value, list) else [value]
            texts = [_scalar(each, f"{name}.{operator}.{key}") for each in values]
            try:
                yield read_condition(operator, key, texts)
            except ValueError as error:
                raise BadRequestException(f"{name}: {error}") from error


def _scalar(value: Any, name: str) -> str:
    """A value as text; JSON's numbers and booleans may stand without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return value.text
    if isinstance(value, str | int):
        return str(value)
    raise BadRequestException(f"{name} must be a text, a number, a boolean or a list of these")


def _read(text: str, name: str) -> Text:
    try:
        return read_text(text)
    except ValueError as error:
        raise BadRequestException(f"{name}: {error}") from error
