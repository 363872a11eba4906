"""Sample arguments of every operation, made from botocore's own model, and the request that boto3 makes of them."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.model import Shape

# What only our own pages say of these, and botocore's model does not.
_CLOSED = {"OptOut": "NONE", "EndpointStatus": "INACTIVE"}
_TEXT = 'a/b:c@d é\u2028😀"\\{$'
_MOMENT = datetime(2024, 5, 24, 21, 26, 33, 995000, UTC)

_PLAIN: dict[str, Any] = {
    "boolean": True,
    "integer": -7,
    "double": 2.5,
    "timestamp": _MOMENT,
    "blob": b"\x00raw\xff",
}


class Request(NamedTuple):
    """A request as it goes over the wire."""

    method: str
    raw_path: str
    query: list[tuple[str, str]]
    body: bytes


@cache
def client() -> Any:
    """A client that sends nothing."""
    return boto3.client(
        "pinpoint",
        region_name="eu-west-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
    )


def operation_names() -> list[str]:
    """The names of the operations as botocore has them."""
    return list(client().meta.service_model.operation_names)


def input_shape(operation: str) -> Shape:
    """The operation's input in botocore's model."""
    return client().meta.service_model.operation_model(operation).input_shape


def sample(shape: Shape, name: str = "", *, only_required: bool = False) -> Any:
    """A value of a shape: all its members, or those that must be there."""
    if shape.type_name == "structure":
        members = shape.members.items()
        chosen = [(key, part) for key, part in members if not only_required or key in shape.required_members]
        return {key: sample(part, key, only_required=only_required) for key, part in chosen}
    if shape.type_name == "list":
        return [sample(shape.member, name, only_required=only_required)] * 2
    if shape.type_name == "map":
        return {sample(shape.key, "key"): sample(shape.value, "", only_required=only_required)}
    if shape.type_name == "string":
        return _CLOSED.get(name) or (shape.enum[-1] if shape.enum else _TEXT)
    return _PLAIN[shape.type_name]


def request_of(operation: str, arguments: dict[str, Any]) -> Request:
    """What boto3 sends for a call with these arguments."""
    sent: list[AWSPreparedRequest] = []

    def take(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent.append(request)
        answer = AWSResponse(request.url, 200, {}, None)
        answer._content = b"{}"  # noqa: SLF001 - an answer without a connection has no other way in
        return answer

    pinpoint = client()
    pinpoint.meta.events.register_first("before-send.pinpoint", take, unique_id="take")
    try:
        method_names = {name: method for method, name in pinpoint.meta.method_to_api_mapping.items()}
        getattr(pinpoint, method_names[operation])(**arguments)
    finally:
        pinpoint.meta.events.unregister("before-send.pinpoint", unique_id="take")
    url = urlsplit(sent[0].url)
    return Request(sent[0].method, url.path, parse_qsl(url.query, keep_blank_values=True), sent[0].body or b"")


def on_the_wire(value: Any) -> Any:
    """Arguments of boto3 as `decode` gives them: instants as text, the irregular member by its wire name."""
    if isinstance(value, dict):
        return {_wire_name(key, value): on_the_wire(held) for key, held in value.items()}
    if isinstance(value, list):
        return [on_the_wire(held) for held in value]
    return "2024-05-24T21:26:33.995Z" if isinstance(value, datetime) else value


def _wire_name(key: str, holder: dict[str, Any]) -> str:
    is_condition = {"EventCondition", "SegmentCondition"} <= set(holder)
    return "segmentDimensions" if key == "SegmentDimensions" and is_condition else key
