"""Makes the contract's two generated files from botocore's model of the service.

    python scripts/make_contract.py

`model.json` holds the routes of the operations and the shapes they reach, without prose; `shapes.py` the same shapes as
TypedDicts and Literals.  A test proves that both are what this script makes from the installed botocore.
"""

import json
from pathlib import Path
from typing import Any

import botocore.session

CONTRACT = Path(__file__).parent.parent / "src" / "repoint" / "contract"
Shape = dict[str, Any]

SHAPES_HEAD = '''"""The contract's documents as types. Made by scripts/make_contract.py: never edit.

A member that the model requires stands bare, any other is NotRequired. Timestamps are text in the form of answers,
blobs are bytes, as `decode` gives them.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict'''

PLAIN_TYPES = {
    "string": "str",
    "boolean": "bool",
    "integer": "int",
    "double": "float",
    "timestamp": "str",
    "blob": "bytes",
}
# Members by structure that this model requires and the newest one does not: a template may stand for them.
NOT_REQUIRED = {
    "MessageRequest": {"MessageConfiguration"},
    "SendUsersMessageRequest": {"MessageConfiguration"},
}


def make_model() -> str:
    """The text of model.json: operations and shapes by name, both sorted, members under their wire names."""
    described = botocore.session.get_session().get_service_model("pinpoint")._service_description  # noqa: SLF001
    shapes: dict[str, Shape] = described["shapes"]
    operations = {name: _operation(name, told, shapes) for name, told in sorted(described["operations"].items())}
    reached: dict[str, Shape] = {}
    for operation in operations.values():
        for root in (operation["input"], operation["output"]):
            _reach(root, shapes, reached)
    model = {"operations": operations, "shapes": dict(sorted(reached.items()))}
    return json.dumps(model, indent=1) + "\n"


def make_shapes() -> str:
    """The text of shapes.py: a TypedDict for each structure and a Literal for each set of words, sorted by name."""
    shapes: dict[str, Shape] = json.loads(make_model())["shapes"]
    words = [_literal(name, shape["enum"]) for name, shape in shapes.items() if "enum" in shape]
    documents = [_typed_dict(name, shape, shapes) for name, shape in shapes.items() if "members" in shape]
    return "\n\n".join([SHAPES_HEAD, "\n".join(words), *documents])


def _literal(name: str, words: list[str]) -> str:
    return "\n".join([f"{_type_name(name)} = Literal[", *(f'    "{word}",' for word in words), "]"])


def _typed_dict(name: str, shape: Shape, shapes: dict[str, Shape]) -> str:
    lines = [f"class {_type_name(name)}(TypedDict):"]
    for member, part in shape["members"].items():
        kind = _python_type(part, shapes)
        lines.append(f"    {member}: {kind if member in shape['required'] else f'NotRequired[{kind}]'}")
    return "\n".join(lines if shape["members"] else [*lines, "    pass"]) + "\n"


def _python_type(name: str, shapes: dict[str, Shape]) -> str:
    shape = shapes[name]
    if shape["type"] == "list":
        return f"list[{_python_type(shape['member'], shapes)}]"
    if shape["type"] == "map":
        return f"dict[{_python_type(shape['key'], shapes)}, {_python_type(shape['value'], shapes)}]"
    return _type_name(name) if "enum" in shape or "members" in shape else PLAIN_TYPES[shape["type"]]


def _type_name(name: str) -> str:
    """The shape's name; the model's own underscores would make it private."""
    return name.lstrip("_")


def _operation(name: str, told: Shape, shapes: dict[str, Shape]) -> Shape:
    taken = shapes[told["input"]["shape"]]
    payload = taken.get("payload")
    answer = shapes[told["output"]["shape"]] if "output" in told else None
    return {
        "name": name,
        "method": told["http"]["method"],
        "path": told["http"]["requestUri"],
        "status": told["http"]["responseCode"],
        "labels": _located(taken, "uri"),
        "query": _located(taken, "querystring"),
        "payload_member": payload,
        "input": told["input"]["shape"],
        "payload": taken["members"][payload]["shape"] if payload else None,
        "output": answer["members"][answer["payload"]]["shape"] if answer else None,
    }


def _located(shape: Shape, location: str) -> dict[str, str]:
    members = shape["members"].items()
    return {member["locationName"]: name for name, member in members if member.get("location") == location}


def _reach(name: str | None, shapes: dict[str, Shape], reached: dict[str, Shape]) -> None:
    """Add the shape and all it is made of."""
    if name is None or name in reached:
        return
    shape = shapes[name]
    reached[name] = _bare(name, shape)
    for part in [
        *shape.get("members", {}).values(),
        *(shape[key] for key in ("member", "key", "value") if key in shape),
    ]:
        _reach(part["shape"], shapes, reached)


def _bare(name: str, shape: Shape) -> Shape:
    """The shape without prose: its type and whatever of members, required, enum, member, key, value it has."""
    bare: Shape = {"type": shape["type"]}
    if shape["type"] == "structure":
        bare["members"] = {_wire_name(each, member): member["shape"] for each, member in shape["members"].items()}
        required = [each for each in shape.get("required", []) if each not in NOT_REQUIRED.get(name, ())]
        bare["required"] = [_wire_name(each, shape["members"][each]) for each in required]
    elif "enum" in shape:
        bare["enum"] = shape["enum"]
    else:
        bare |= {key: shape[key]["shape"] for key in ("member", "key", "value") if key in shape}
    return bare


def _wire_name(name: str, member: Shape) -> str:
    """Inputs are known by their members' names, documents by the names on the wire (they differ once)."""
    return name if "location" in member else str(member.get("locationName", name))


if __name__ == "__main__":
    (CONTRACT / "model.json").write_text(make_model())
    (CONTRACT / "shapes.py").write_text(make_shapes())
