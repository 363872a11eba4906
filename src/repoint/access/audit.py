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
from repoint.access.mask import cut, masked
from repoint.contract.errors import ContractError, InternalServerErrorException
from repoint.contract.model import OPERATIONS
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.operation import EXTENSIONS, Audit, Call, Extension, Input, Output

_queries = load_queries("repoint.access")

_NOT_RECORDED = frozenset(
    {"PutEvents", "SendMessages", "SendUsersMessages", "SendOTPMessage", "VerifyOTPMessage", "GetInAppMessages"}
)
# Done to endpoints by the million; and a POST that changes nothing.
_IN_GROUPS = frozenset(
    {"UpdateEndpoint", "UpdateEndpointsBatch", "DeleteEndpoint", "DeleteUserEndpoints", "PhoneNumberValidate"}
)


_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Kind:
    """How an operation is recorded."""

    audit: Audit
    source: str
    is_read: bool
    # Labels and parameters: the argument, and the name that it has on the wire.
    parameters: tuple[tuple[str, str], ...]
    # The argument that is the body, if it has one.
    body: str | None
    # All arguments that are none of the parameters are the body's members, or parameters of the query.
    takes_all: bool = False


def kind(operation: str) -> Kind:
    """How an operation of the contract or of ours is recorded. Raises KeyError for one that there is not."""
    extension = EXTENSIONS.get(operation)
    return _kind_of_contract(operation) if extension is None else _kind_of_extension(extension)


async def record_change(db: Db, call: Call, arguments: Input, output: Output) -> None:
    """Record a successful call in the transaction of its change, as the last thing in it."""
    how = kind(call.operation)
    record = _record(call, how, _parameters(how, arguments), masked(output))
    row = {"occurred_at": call.now, "user_name": call.principal.name, "event_name": call.operation}
    await db.execute(_queries.add_record, {**row, "record": record.decode()})


def record_success(call: Call, arguments: Input, output: Output) -> None:
    """Record a successful call within a second; for what is recorded in groups."""
    how = kind(call.operation)
    answer = None if how.is_read else masked(output)
    _add(call, _record(call, how, _parameters(how, arguments), answer))


def record_failure(call: Call, arguments: Input, error: Exception) -> None:
    """Record a call that failed or was refused within a second, unless its operation is not recorded at all."""
    how = kind(call.operation)
    if how.audit != "none":
        _add(call, _record(call, how, _parameters(how, arguments), None, error))


def record_refusal(call: Call, labels: Mapping[str, str], error: ContractError) -> None:
    """The same for a call that was not even read; `labels` are those of its path by their names there."""
    how = kind(call.operation)
    if how.audit != "none":
        parameters = {name: cut(value) for name, value in labels.items()}
        _add(call, _record(call, how, parameters or None, None, error))


def _record(
    call: Call, how: Kind, parameters: dict[str, Any] | None, answer: Any, error: Exception | None = None
) -> bytes:
    """The record as JSON. Put together of ready-made parts, since one is made for each UpdateEndpoint."""
    caller, account_id = call.principal, call.settings.account_id
    return b"".join(
        (
            _of_operation(call.operation, how.source, how.is_read, call.region, account_id),
            _of_caller(caller.access_key_id, caller.name, caller.arn, account_id, call.source_ip, call.user_agent),
            f'"eventTime":"{_second(call)}Z","eventID":"{_event_id()}","requestID":"{call.request_id}",'.encode(),
            b'"requestParameters":',
            _encode(parameters),
            b',"responseElements":',
            _encode(answer),
            b"}" if error is None else _of_error(error),
        )
    )


@lru_cache(maxsize=1024)
def _of_operation(name: str, source: str, is_read: bool, region: str, account_id: str) -> bytes:  # noqa: FBT001 - a key
    part = {
        "eventVersion": "1.05",
        "eventSource": source,
        "eventName": name,
        "eventType": "AwsApiCall",
        "awsRegion": region,
        "recipientAccountId": account_id,
        "readOnly": is_read,
    }
    return _encode(part)[:-1] + b","


@lru_cache(maxsize=1024)
def _of_caller(  # noqa: PLR0913, PLR0917 - parts of a key; the objects that they are of take longer to compare
    access_key_id: str, name: str, arn: str, account_id: str, source_ip: str, user_agent: str
) -> bytes:
    identity = {"type": "IAMUser", "principalId": access_key_id, "arn": arn, "accountId": account_id}
    if arn.endswith(":root"):
        identity |= {"type": "Root", "principalId": account_id}
    else:
        identity |= {"accessKeyId": access_key_id, "userName": name}
    part = {"sourceIPAddress": source_ip, "userAgent": cut(user_agent), "userIdentity": identity}
    return _encode(part)[1:-1] + b","


def _of_error(error: Exception) -> bytes:
    told = error if isinstance(error, ContractError) else InternalServerErrorException()
    return b"," + _encode({"errorCode": type(told).__name__, "errorMessage": cut(told.message)})[1:]


def _add(call: Call, record: bytes) -> None:
    # A row as COPY reads it: JSON has no raw tabs or line ends in it, and backslashes are doubled.
    head = f"{_second(call)}.{call.now.microsecond:06}Z\t{call.principal.name}\t{call.operation}\t".encode()
    add_line(call.database, head + record.replace(b"\\", b"\\\\") + b"\n")


def _second(call: Call) -> str:
    return _instant(int(call.now.timestamp()))


@lru_cache(maxsize=16)
def _instant(epoch_s: int) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat()[:19]


def _parameters(how: Kind, arguments: Input) -> dict[str, Any] | None:
    found = {name: _texts(arguments[argument]) for argument, name in how.parameters if argument in arguments}
    if how.body is not None:
        found |= masked(arguments.get(how.body)) or {}
    elif how.takes_all:
        found |= _others(how, arguments)
    return found or None


def _others(how: Kind, arguments: Input) -> dict[str, Any]:
    labels = {argument for argument, _ in how.parameters}
    rest = {name: value for name, value in arguments.items() if name not in labels and not isinstance(value, bytes)}
    if how.is_read:
        return {name: _texts(value) for name, value in rest.items()}
    return masked(rest) or {}


def _texts(value: Any) -> Any:
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
    )


@lru_cache(maxsize=1024)
def _kind_of_extension(extension: Extension) -> Kind:
    labels = re.findall(r"\{(\w+)\}", extension.path)
    is_read = extension.method == "GET"
    return Kind(extension.audit, "repoint", is_read, tuple((name, name) for name in labels), None, takes_all=True)


# A random UUID's form. Its first half is this process's own and the rest is counted: it names a record and guards
# nothing, and a new one costs next to nothing.
_ours = f"{uuid4()}"[:23]
_counter = count(getrandbits(32))


def _event_id() -> str:
    return f"{_ours}-{next(_counter):012x}"
