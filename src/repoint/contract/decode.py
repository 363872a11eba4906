"""Requests as arguments: the path's labels, the query and the JSON body, checked against the model.

A body is read strictly first, by a decoder that msgspec makes from its shape; only what this refuses is walked
leniently (`walk`). The decoders are made when first used; all of them together take some 20 ms.

What it costs, beside bare msgspec in the same run: an UpdateEndpoint body of 390 bytes 2.1 to 2.5 times as much (half
of that the search for what no request may hold), a PutEvents body of 100 events, 23 KB, 1.6 to 1.8 times. A body that
needs leniency costs four to six times as much as one that does not. The depth of brackets was the dear part: a regular
expression over the strings took three times the decoding; cutting pairs of quotes first, a third of it (`json_text`).
"""

import functools
import threading
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Required, TypedDict, cast

import msgspec

from repoint.contract.errors import BadRequestException, ContractError, NotFoundException
from repoint.contract.json_text import broken, parse, refuse_unreadable, refuse_unreadable_text
from repoint.contract.model import OPERATIONS, SHAPES, OperationModel
from repoint.contract.walk import ABSENT, ALIASES, Faults, walk


class Decoded(NamedTuple):
    """The arguments of an operation, and the first fault of a member, which waits until the project is known to exist.

    With a fault, the members at fault are left out of the arguments; labels are always there.
    """

    arguments: dict[str, Any]
    held: ContractError | None


def decode(operation: str, labels: Mapping[str, str], query: Sequence[tuple[str, str]], body: bytes) -> Decoded:
    """Read a request of one of the contract's operations; labels and query come percent-decoded.

    The arguments are the members of the operation's input shape: `{"ApplicationId": …, "EndpointRequest": {…}}`,
    documents under their wire names, typed timestamps as text in the form of answers, blobs as bytes. Raises
    BadRequestException when the body is missing, is no JSON object or holds what no request may hold.
    """
    model = OPERATIONS[operation]
    faults: Faults = []
    arguments = _read_labels(model, labels, faults)
    if model.query:
        arguments |= _read_query(model, query, faults)
    if model.payload_member is not None and model.payload_shape is not None:
        arguments[model.payload_member] = _read_document(model.payload_shape, body, faults)
    return Decoded(arguments, faults[0] if faults else None)


def decode_document(shape: str, data: bytes) -> dict[str, Any]:
    """Read one JSON document of a shape, for example a line of an import as an EndpointBatchItem.

    Raises BadRequestException: what is broken, with line and column, or the first member at fault.
    """
    faults: Faults = []
    document = _read_document(shape, data, faults)
    if faults:
        raise faults[0]
    return document


def _read_labels(model: OperationModel, labels: Mapping[str, str], faults: Faults) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for label, member in model.labels.items():
        value = arguments[member] = labels[label]
        refuse_unreadable_text(value)
        if not value:  # nothing is called "", so it is not found (protocol.md section 1)
            missing = "Application not found" if member == "ApplicationId" else "Resource not found"
            faults.append(NotFoundException(missing))
    return arguments


def _read_query(model: OperationModel, query: Sequence[tuple[str, str]], faults: Faults) -> dict[str, Any]:
    """The parameters that the operation knows; one that repeats where it should not counts as sent last."""
    sent: dict[str, list[str]] = {}
    for name, value in query:
        if name in model.query:
            refuse_unreadable_text(value)
            sent.setdefault(name, []).append(value)
    shape = SHAPES[model.input_shape]
    arguments = {}
    for name, member in model.query.items():
        if name in sent:
            arguments[member] = _read_parameter(shape.members[member], sent[name], name, faults)
        elif member in shape.required:
            faults.append(BadRequestException(f"Missing {name}"))
    return {member: value for member, value in arguments.items() if value is not ABSENT}


def _read_parameter(shape_name: str, values: list[str], name: str, faults: Faults) -> Any:
    kind = SHAPES[shape_name].type
    found: Faults = []
    value = walk(shape_name, values if kind == "list" else values[-1], name, found)
    # The date range of a report is the one use of dates here, and analytics.md has a text of its own for it.
    faults += [BadRequestException("Invalid date.")] if found and kind == "timestamp" else found
    return value


def _read_document(shape: str, data: bytes, faults: Faults) -> dict[str, Any]:
    refuse_unreadable(data)
    decoder = strict_decoder(shape)
    if decoder is not None:
        try:
            document: dict[str, Any] = decoder.decode(data)
        except msgspec.ValidationError:
            pass
        except msgspec.DecodeError as error:
            raise _no_document(data, str(error)) from error
        else:
            return document
    value = parse(data) if data.strip() else None
    if value is None:
        raise BadRequestException("Missing request body")
    if not isinstance(value, dict):
        raise BadRequestException("Unexpected value: expected an object at line 1, column 1")
    return cast("dict[str, Any]", walk(shape, value, shape, faults))


def _no_document(data: bytes, reason: str) -> BadRequestException:
    return broken(data, reason) if data.strip() else BadRequestException("Missing request body")


_making = threading.Lock()


@functools.cache
def strict_decoder(shape: str) -> msgspec.json.Decoder[Any] | None:
    """The decoder that takes a document only as the model has it; None when every such document must be walked."""
    if _must_walk(shape):
        return None
    # msgspec keeps what it found of a type on the type, half done as well: a second thread that uses that crashes.
    with _making:
        return msgspec.json.Decoder(_strict_type(shape))


@functools.cache
def _must_walk(name: str) -> bool:
    """Whether reading is more than checking: timestamps are rewritten, irregular members renamed."""
    shape = SHAPES[name]
    if shape.type == "timestamp" or name in ALIASES:
        return True
    parts = (*shape.members.values(), shape.member, shape.value)
    return any(_must_walk(part) for part in parts if part)


_PLAIN_TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)],
    "double": float,
    "blob": bytes,
}
_FULL_STRING = Annotated[str, msgspec.Meta(min_length=1)]


@functools.cache
def _strict_type(name: str) -> Any:
    shape = SHAPES[name]
    if shape.type == "structure":
        # TypedDict's functional form is meant to be read by type checkers, which these types never meet.
        return cast("Any", TypedDict)(name, {member: _strict_member(name, member) for member in shape.members})
    if shape.type == "list":
        return list[_strict_type(shape.member)]  # type: ignore[misc]  # made at run time
    if shape.type == "map":
        return dict[_strict_type(shape.key), _strict_type(shape.value)]  # type: ignore[misc]  # likewise
    return Literal[shape.enum] if shape.enum else _PLAIN_TYPES[shape.type]


def _strict_member(structure: str, member: str) -> Any:
    """An empty string is as good as none where a string must be there."""
    shape = SHAPES[structure]
    kind = _strict_type(shape.members[member])
    if member not in shape.required:
        return NotRequired[kind]
    return Required[_FULL_STRING if kind is str else kind]
