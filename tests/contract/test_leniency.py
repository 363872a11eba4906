"""What holds of any body: leniency changes nothing that is right, and nothing but the contract's errors comes out."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repoint.contract import json_text
from repoint.contract.decode import decode, strict_decoder
from repoint.contract.encode import encode
from repoint.contract.errors import BadRequestException, ContractError
from repoint.contract.json_text import parse, refuse_unreadable
from repoint.contract.model import SHAPES
from repoint.contract.walk import Faults, walk

# A machine that is busy with other tests is no failure.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

BODIES = st.sampled_from(
    [
        "CreateApplicationRequest",
        "EndpointBatchRequest",
        "EndpointRequest",
        "EventsRequest",
        "ImportJobRequest",
        "MessageRequest",
        "TagsModel",
        "WriteApplicationSettingsRequest",
        "WriteSegmentRequest",
    ]
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
    "blob": st.sampled_from(["", "aGk=", "AAEC"]),
}
NOISE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(["true", "7", "-1.5e3"]),
    lambda parts: st.lists(parts, max_size=2) | st.dictionaries(TEXT, parts, max_size=2),
    max_leaves=4,
)


def documents(name: str, *, noise: bool) -> st.SearchStrategy[Any]:
    """Values as the shape has them; with noise some parts are anything, and there are members nobody knows."""
    right = _right(name, noise=noise)
    return st.one_of(right, right, right, right, right, NOISE) if noise else right


def _right(name: str, *, noise: bool) -> st.SearchStrategy[Any]:
    shape = SHAPES[name]
    if shape.type == "structure":
        parts = {member: documents(part, noise=noise) for member, part in shape.members.items()}
        needed = {member: parts.pop(member) for member in shape.required}
        if not noise:
            needed = {member: part.filter(lambda value: value != "") for member, part in needed.items()}
        extra = {"Unknown": NOISE} if noise else {}
        return st.fixed_dictionaries(needed, optional=parts | extra)
    if shape.type == "list":
        return st.lists(documents(shape.member, noise=noise), max_size=2)
    if shape.type == "map":
        return st.dictionaries(TEXT, documents(shape.value, noise=noise), max_size=2)
    return st.sampled_from(shape.enum) if shape.enum else PLAIN[shape.type]


def lenient(shape: str, data: bytes) -> tuple[Any, Faults]:
    faults: Faults = []
    return walk(shape, parse(data), shape, faults), faults


@PATIENT
@given(st.data())
def test_a_document_as_the_model_has_it_is_read_alike_strictly_and_leniently(data: st.DataObject) -> None:
    shape = data.draw(BODIES)
    body = json.dumps(data.draw(documents(shape, noise=False))).encode()
    decoder = strict_decoder(shape)
    assert decoder is not None

    strictly = decoder.decode(body)
    leniently, faults = lenient(shape, body)

    assert faults == []
    assert encode(leniently) == encode(strictly)


@PATIENT
@given(st.data())
def test_what_is_accepted_strictly_is_read_the_same_leniently(data: st.DataObject) -> None:
    shape = data.draw(BODIES)
    body = json.dumps(data.draw(documents(shape, noise=True).filter(lambda value: isinstance(value, dict)))).encode()
    decoder = strict_decoder(shape)
    assert decoder is not None
    leniently, faults = lenient(shape, body)

    try:
        strictly = decoder.decode(body)
    except ValueError:  # msgspec's errors are such
        return

    assert faults == []
    assert encode(leniently) == encode(strictly)


def has_held(part: Any) -> bool:
    """Whether a fault stands in the place of what is judged by itself."""
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return isinstance(part, ContractError) or any(map(has_held, parts))


@PATIENT
@given(st.data())
def test_what_was_read_leniently_without_fault_is_right(data: st.DataObject) -> None:
    shape = data.draw(BODIES)
    body = json.dumps(data.draw(documents(shape, noise=True).filter(lambda value: isinstance(value, dict)))).encode()
    decoder = strict_decoder(shape)
    assert decoder is not None
    leniently, faults = lenient(shape, body)

    if not faults and not has_held(leniently):
        assert encode(decoder.decode(encode(leniently))) == encode(leniently)


@PATIENT
@given(st.binary() | TEXT.map(str.encode) | NOISE.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused_as_a_bad_request(body: bytes) -> None:
    with suppress(BadRequestException):
        decoded = decode("UpdateEndpoint", {"application-id": "a", "endpoint-id": "e"}, [], body)
        assert decoded.held is None or isinstance(decoded.held, BadRequestException)


@PATIENT
@given(st.recursive(st.text(st.characters(categories=["L", "Cs"]) | st.sampled_from('\0\\"u{['), max_size=6), st.lists))
def test_a_body_is_refused_just_when_it_holds_nul_or_a_lone_surrogate(value: Any) -> None:
    body = json.dumps(value).encode()
    whole = json.dumps(json.loads(body), ensure_ascii=False)
    is_bad = r"\u0000" in _without_backslashes(whole) or any(0xD800 <= ord(character) < 0xE000 for character in whole)

    try:
        refuse_unreadable(body)
    except BadRequestException:
        assert is_bad
    else:
        assert not is_bad


def _without_backslashes(text: str) -> str:
    return text.replace(r"\\", "")


@PATIENT
@given(
    st.recursive(
        st.text(st.sampled_from('[]{}"\\'), max_size=5), lambda parts: st.lists(parts) | st.dictionaries(TEXT, parts)
    )
)
def test_a_body_is_refused_just_when_it_is_too_deep(value: Any) -> None:
    body = json.dumps(value).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "MAX_DEPTH", 3)
        try:
            refuse_unreadable(body)
        except BadRequestException:
            assert _depth(value) > 3
        else:
            assert _depth(value) <= 3


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0
