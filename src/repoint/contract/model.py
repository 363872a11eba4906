"""The contract as data: the 122 operations and the shapes they are made of, read from model.json.

model.json is made from Amazon's published service model by scripts/make_contract.py. Names are the wire's names, except
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
    required: tuple[str, ...] = ()
    # string: the values allowed, in the model's order; empty for free text
    enum: tuple[str, ...] = ()
    # list: the shape of an entry; map: of keys (always strings) and values
    member: str = ""
    key: str = ""
    value: str = ""
    # list: a value that stands alone is a list of one
    takes_one: bool = False


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


# What endpoints.md says of requests and Amazon's model leaves open (sections 8 and 6): words that the model calls plain
# strings, and attribute values that AWS's own samples send without a list.
_OWN_SHAPES = {
    "OptOut": Shape(type="string", enum=("ALL", "NONE")),
    "EndpointStatus": Shape(type="string", enum=("ACTIVE", "INACTIVE")),
    "MapOfAttributeValues": Shape(type="map", key="__string", value="AttributeValues"),
    "AttributeValues": Shape(type="list", member="__string", takes_one=True),
}
_OWN_MEMBERS = {
    "OptOut": "OptOut",
    "EndpointStatus": "EndpointStatus",
    "Attributes": "MapOfAttributeValues",
    "UserAttributes": "MapOfAttributeValues",
}
_ENDPOINT_SHAPES = ("EndpointBatchItem", "EndpointRequest", "EndpointUser", "PublicEndpoint")


def _refined(shape: Shape) -> Shape:
    members = {member: _OWN_MEMBERS.get(member, part) for member, part in shape.members.items()}
    return msgspec.structs.replace(shape, members=members)


_MODEL = msgspec.json.decode(files("repoint.contract").joinpath("model.json").read_bytes(), type=_Model)

OPERATIONS: dict[str, OperationModel] = _MODEL.operations
SHAPES: dict[str, Shape] = {
    **_MODEL.shapes,
    **_OWN_SHAPES,
    **{name: _refined(_MODEL.shapes[name]) for name in _ENDPOINT_SHAPES},
}
