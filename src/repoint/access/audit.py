"""The audit record: who did what, when and from where (auth.md section 10).

A change is recorded in its own transaction. All else (reads, what is done to endpoints, whatever failed) is put into a
list, which is written several times a second as a whole; a process that is killed loses less than a second of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import count
from random import getrandbits
from typing import Any
from uuid import uuid4

import msgspec

from repoint.access.groups import add_line
from repoint.access.mask import MASK, cut, masked, shown, split_members
from repoint.contract.errors import ContractError, InternalServerErrorException
from repoint.contract.model import OPERATIONS
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.operation import EXTENSIONS, INTERNAL, Audit, Call, Extension, Input, Output

_queries = load_queries("repoint.access")

_NOT_RECORDED = frozenset(
    {"PutEvents", "SendMessages", "SendUsersMessages", "SendOTPMessage", "VerifyOTPMessage", "GetInAppMessages"}
)
# Done to endpoints by the million; and a POST that changes nothing.
_IN_GROUPS = frozenset(
    {"UpdateEndpoint", "UpdateEndpointsBatch", "DeleteEndpoint", "DeleteUserEndpoints", "PhoneNumberValidate"}
)


# A record has at most 16 kB: these two, and a quarter of that for who called, from where and with what.
MAX_ANSWER_BYTES = 6 * 1024
MAX_SAID_BYTES = 12 * 1024
_TOO_LONG = b'"%b"' % MASK.encode()

# Arguments of ours that are an address, or the one that a page begins behind.
_PERSONAL = frozenset({"Address", "address", "token"})
# What was wrong is told; the value that was sent may be an address.
_VALUE_TOLD = re.compile(r"(Invalid [^:]+): .*", re.DOTALL)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Kind:
    """How an operation is recorded."""

    audit: Audit
    source: str
    is_read: bool
    # Labels and parameters: the argument, and the name that it has on the wire.
    parameters: tuple[tuple[str, str], ...]
    # The argument that is the body, if it has one, and its shape.
    body: str | None
    shape: str = ""
    # All arguments that are none of the parameters are the body's members, or parameters of the query.
    takes_all: bool = False


_UNRECORDED = Kind("none", "", is_read=False, parameters=(), body=None)


def kind(operation: str) -> Kind:
    """How an operation of the contract or of ours is recorded. Raises KeyError for one that there is not."""
    if operation in INTERNAL:
        return _UNRECORDED
    extension = EXTENSIONS.get(operation)
    return _kind_of_contract(operation) if extension is None else _kind_of_extension(extension)


async def record_change(db: Db, call: Call, arguments: Input, output: Output) -> None:
    """Record a successful call in the transaction of its change, as the last thing in it."""
    how = kind(call.operation)
    record = _head(*_key(call, how))[1] + _rest(call, _parameters(how, arguments), _answer(output))
    row = {
        "occurred_at": call.now.replace(microsecond=0),
        "user_name": call.principal.name,
        "event_name": call.operation,
    }
    await db.execute(_queries.add_record, {**row, "record": record.decode()})


def record_success(call: Call, arguments: Input, output: Output) -> None:
    """Record a successful call within a second; for what is recorded in groups."""
    how = kind(call.operation)
    _add(call, how, _parameters(how, arguments), b"null" if how.is_read else _answer(output))


def record_failure(call: Call, arguments: Input, error: Exception) -> None:
    """Record a call that failed or was refused within a second, unless its operation is not recorded at all."""
    how = kind(call.operation)
    if how.audit != "none":
        _add(call, how, _parameters(how, arguments), b"null" + _told(error))


def record_refusal(call: Call, labels: Mapping[str, str], error: ContractError) -> None:
    """The same for a call that was not even read; `labels` are those of its path by their names there."""
    how = kind(call.operation)
    if how.audit != "none":
        parameters = {name: _texts(name, value) for name, value in labels.items()}
        _add(call, how, _encode(parameters or None), b"null" + _told(error))


# A record is put together of ready-made parts, since one is made for each UpdateEndpoint: first what is the same in all
# calls of one operation by one caller, then the rest.
def _add(call: Call, how: Kind, parameters: bytes, answer: bytes) -> None:
    rest = _rest(call, parameters, answer)
    if b"\\" in rest:
        rest = rest.replace(b"\\", b"\\\\")
    # The column has no finer time than the record; records of one second are in the order of their ids.
    add_line(call.database, b"%bZ\t%b%b\n" % (_second(call), _head(*_key(call, how))[0], rest))


def _key(call: Call, how: Kind) -> tuple[str, ...]:
    caller = call.principal
    return (
        call.operation,
        how.source,
        "read" if how.is_read else "",
        call.region,
        call.settings.account_id,
        caller.access_key_id,
        caller.name,
        caller.arn,
        call.source_ip,
        call.user_agent,
    )


@lru_cache(maxsize=4096)
def _head(*key: str) -> tuple[bytes, bytes]:
    """The beginning of a caller's records of one operation: with the columns before it for COPY, and by itself.

    COPY reads a text: JSON has no raw tabs or line ends in it, and backslashes are doubled.
    """
    name, source, is_read, region, account_id, access_key_id, user, arn, source_ip, user_agent = key
    identity = {"type": "IAMUser", "principalId": access_key_id, "arn": arn, "accountId": account_id}
    if arn.endswith(":root"):
        identity |= {"type": "Root", "principalId": account_id}
    else:
        identity |= {"accessKeyId": access_key_id, "userName": user}
    head = _encode(
        {
            "eventVersion": "1.05",
            "eventSource": source,
            "eventName": name,
            "eventType": "AwsApiCall",
            "awsRegion": region,
            "recipientAccountId": account_id,
            "sourceIPAddress": source_ip,
            "userAgent": cut(user_agent),
            "readOnly": bool(is_read),
            "userIdentity": identity,
        }
    )[:-1]
    return f"{user}\t{name}\t".encode() + head.replace(b"\\", b"\\\\"), head


def _rest(call: Call, parameters: bytes, answer: bytes) -> bytes:
    if len(parameters) + len(answer) > MAX_SAID_BYTES:
        parameters = _TOO_LONG
    return b',"eventTime":"%bZ","eventID":"%b%012x","requestID":"%b","requestParameters":%b,"responseElements":%b}' % (
        _second(call),
        _ours,
        next(_counter),
        call.request_id.encode(),
        parameters,
        answer,
    )


def _answer(output: Output) -> bytes:
    answer = _encode(masked(output))
    return answer if len(answer) <= MAX_ANSWER_BYTES else _TOO_LONG


def _told(error: Exception) -> bytes:
    told = error if isinstance(error, ContractError) else InternalServerErrorException()
    with_value = _VALUE_TOLD.fullmatch(told.message)
    message = with_value[1] if with_value else told.message
    return b"," + _encode({"errorCode": type(told).__name__, "errorMessage": cut(message)})[1:-1]


def _second(call: Call) -> bytes:
    return _instant(int(call.now.timestamp()))


@lru_cache(maxsize=16)
def _instant(epoch_s: int) -> bytes:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat()[:19].encode()


def _parameters(how: Kind, arguments: Input) -> bytes:
    """What path, query and body say, as JSON; null when they say nothing."""
    found = {name: _texts(argument, arguments[argument]) for argument, name in how.parameters if argument in arguments}
    hidden = b""
    if how.body is None:
        if how.takes_all:
            found |= _others(how, arguments)
    elif body := arguments.get(how.body):
        visible, hidden = split_members(how.shape, tuple(body))
        for name in visible:
            found[name] = shown(name, body[name])
    if not hidden:
        return _encode(found or None)
    return b"%b%b%b}" % (_encode(found)[:-1], b"," if found else b"", hidden)


def _others(how: Kind, arguments: Input) -> dict[str, Any]:
    labels = {argument for argument, _ in how.parameters}
    rest = {name: value for name, value in arguments.items() if name not in labels and not isinstance(value, bytes)}
    if how.is_read:
        return {name: _texts(name, value) for name, value in rest.items()}
    return masked(rest) or {}


def _texts(argument: str, value: Any) -> Any:
    if argument in _PERSONAL:
        return MASK
    if isinstance(value, str):
        return cut(value)
    return [cut(f"{each}") for each in value] if isinstance(value, list) else cut(f"{value}")


@cache
def _kind_of_contract(operation: str) -> Kind:
    model = OPERATIONS[operation]
    is_read = operation.startswith(("Get", "List")) or operation == "PhoneNumberValidate"
    return Kind(
        "none" if operation in _NOT_RECORDED else "group" if is_read or operation in _IN_GROUPS else "transaction",
        "pinpoint.amazonaws.com",
        is_read,
        tuple((argument, name) for name, argument in (*model.labels.items(), *model.query.items())),
        model.payload_member,
        model.payload_shape or "",
    )


@lru_cache(maxsize=1024)
def _kind_of_extension(extension: Extension) -> Kind:
    labels = re.findall(r"\{(\w+)\}", extension.path)
    is_read = extension.method == "GET"
    return Kind(extension.audit, "repoint", is_read, tuple((name, name) for name in labels), None, takes_all=True)


# An eventID has a random UUID's form. All but its last group is this process's own, and that one is counted: it names a
# record and guards nothing, and a new one costs next to nothing.
_ours = f"{uuid4()}"[:24].encode()
_counter = count(getrandbits(32))
