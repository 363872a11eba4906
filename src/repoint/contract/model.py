"""The contract as data: the 122 operations and the shapes they are made of, read from model.json.

model.json is made from Amazon's published service model by scripts/make_contract.py. Names are the wire's, except
in an operation's input shape, whose members are the arguments of the operation.
"""

from importlib.resources import files
from typing import Literal

import msgspec

ShapeType = Literal["structure", "list", "map", "string", "boolean", "integer", "double", "timestamp", "blob"]


class Shape(msgspec.Struct, frozen=True):
    """One shape. Which fields are filled follows from the type."""

    type: ShapeType
    # structure: member → name of its shape, and the members that must be there
    members: dict[str, str] = {}
    required: frozenset[str] = frozenset()
    # string: the values allowed, in the model's order; empty for free text
    enum: tuple[str, ...] = ()
    # list: the shape of an entry; map: of keys (always strings) and values
    member: str = ""
    key: str = ""
    value: str = ""


class OperationModel(msgspec.Struct, frozen=True):
    """One operation: its route, how its arguments travel and what it answers."""

    name: str
    method: str
    # With labels in braces: `/v1/apps/{application-id}/endpoints/{endpoint-id}`.
    path: str
    # Of a successful answer.
    status: int
    # Label of the path → argument; parameter of the query → argument.
    labels: dict[str, str]
    query: dict[str, str]
    # The argument that is the request's whole body, and its shape; None when the body is ignored.
    payload_member: str | None
    input_shape: str = msgspec.field(name="input")
    payload_shape: str | None = msgspec.field(name="payload")
    # Shape of the bare answer; None when the answer has no body.
    output_shape: str | None = msgspec.field(name="output")


class _Model(msgspec.Struct, frozen=True):
    operations: dict[str, OperationModel]
    shapes: dict[str, Shape]


_MODEL = msgspec.json.decode(files("repoint.contract").joinpath("model.json").read_bytes(), type=_Model)

OPERATIONS: dict[str, OperationModel] = _MODEL.operations
SHAPES: dict[str, Shape] = _MODEL.shapes
