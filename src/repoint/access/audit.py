"""The audit record: who did what, when and from where (auth.md section 10).

A change is recorded in its own transaction. All else (reads, what is done to endpoints, whatever failed) is put into a
list, which is written several times a second as a whole; a process that is killed loses less than a second of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from random import getrandbits
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from repoint.access.groups import add_line
from repoint.access.mask import cut, masked
from repoint.contract.errors import ContractError, InternalServerErrorException
from repoint.contract.model import OPERATIONS
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.operation import EXTENSIONS, Audit, Call, Extension, Input, Output, Principal

_queries = load_queries("repoint.access")

_NOT_RECORDED = frozenset(
    {"PutEvents", "SendMessages", "SendUsersMessages", "SendOTPMessage", "VerifyOTPMessage", "GetInAppMessages"}
)
# Done to endpoints by the million; and a POST that changes nothing.
_IN_GROUPS = frozenset(
    {"UpdateEndpoint", "UpdateEndpointsBatch", "DeleteEndpoint", "DeleteUserEndpoints", "PhoneNumberValidate"}
)


class Record(msgspec.Struct, rename="camel"):
    """A record as it is kept and shown, in the form that CloudTrail gave it."""

    event_time: str
    event_source: str
    event_name: str
    aws_region: str
    recipient_account_id: str
    source_ip: str = msgspec.field(name="sourceIPAddress")
    user_agent: str
    read_only: bool
    event_id: str = msgspec.field(name="eventID")
    request_id: str = msgspec.field(name="requestID")
    user_identity: msgspec.Raw
    request_parameters: Mapping[str, Any] | None
    response_elements: Any
    error_code: str | UnsetType = UNSET
    error_message: str | UnsetType = UNSET
    event_version: str = "1.05"
    event_type: str = "AwsApiCall"


_encoder = msgspec.json.Encoder()


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
    await db.execute(_queries.add_record, {**row, "record": _encoder.encode(record).decode()})


def record_success(call: Call, arguments: Input, output: Output) -> None:
    """Record a successful call within a second; for what is recorded in groups."""
    how = kind(call.operation)
    answer = None if how.is_read else masked(output)
    _add(call, _record(call, how, _parameters(how, arguments), answer))


def record_failure(call: Call, arguments: Input, error: Exception) -> None:
    """Record a call that failed or was refused within a second, unless its operation is not recorded at all."""
    how = kind(call.operation)
    if how.audit != "none":
        _add(call, _failed(_record(call, how, _parameters(how, arguments), None), error))


def record_refusal(call: Call, labels: Mapping[str, str], error: ContractError) -> None:
    """The same for a call that was not even read; `labels` are those of its path by their names there."""
    how = kind(call.operation)
    if how.audit != "none":
        parameters = {name: cut(value) for name, value in labels.items()}
        _add(call, _failed(_record(call, how, parameters or None, None), error))


def _record(call: Call, how: Kind, parameters: Mapping[str, Any] | None, answer: Any) -> Record:
    return Record(
        event_time=f"{call.now.isoformat()[:19]}Z",
        event_source=how.source,
        event_name=call.operation,
        aws_region=call.region,
        recipient_account_id=call.settings.account_id,
        source_ip=call.source_ip,
        user_agent=cut(call.user_agent),
        read_only=how.is_read,
        event_id=_event_id(),
        request_id=call.request_id,
        user_identity=_identity(call.principal, call.settings.account_id),
        request_parameters=parameters,
        response_elements=answer,
    )


def _failed(record: Record, error: Exception) -> Record:
    told = error if isinstance(error, ContractError) else InternalServerErrorException()
    record.error_code, record.error_message = type(told).__name__, cut(told.message)
    return record


def _add(call: Call, record: Record) -> None:
    # A row as COPY reads it: JSON has no raw tabs or line ends in it, and backslashes are doubled.
    content = _encoder.encode(record).replace(b"\\", b"\\\\")
    head = f"{call.now.isoformat()}\t{call.principal.name}\t{call.operation}\t".encode()
    add_line(call.database, head + content + b"\n")


def _parameters(how: Kind, arguments: Input) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for argument, name in how.parameters:
        value = arguments.get(argument)
        if value is not None:
            found[name] = cut(value) if isinstance(value, str) else _texts(value)
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
    if isinstance(value, list):
        return [cut(f"{each}") for each in value]
    return cut(f"{value}")


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


@lru_cache(maxsize=1024)
def _identity(principal: Principal, account_id: str) -> msgspec.Raw:
    identity: dict[str, str] = {"type": "IAMUser", "principalId": principal.access_key_id, "arn": principal.arn}
    if principal.arn.endswith(":root"):
        identity |= {"type": "Root", "principalId": account_id, "accountId": account_id}
    else:
        identity |= {"accountId": account_id, "accessKeyId": principal.access_key_id, "userName": principal.name}
    return msgspec.Raw(_encoder.encode(identity))


def _event_id() -> str:
    """A random UUID; it names a record and guards nothing, so it need not be secret."""
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
