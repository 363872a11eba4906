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
    reached[name] = _bare(shape)
    for part in [
        *shape.get("members", {}).values(),
        *(shape[key] for key in ("member", "key", "value") if key in shape),
    ]:
        _reach(part["shape"], shapes, reached)


def _bare(shape: Shape) -> Shape:
    """The shape without prose: its type and whatever of members, required, enum, member, key, value it has."""
    bare: Shape = {"type": shape["type"]}
    if shape["type"] == "structure":
        bare["members"] = {_wire_name(name, member): member["shape"] for name, member in shape["members"].items()}
        bare["required"] = [_wire_name(name, shape["members"][name]) for name in shape.get("required", [])]
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
