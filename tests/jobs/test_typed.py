"""A line that is read by its type says what the full path makes of it; on any doubt it is left to the full path."""

import json
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from repoint.contract.decode import decode_document
from repoint.endpoints.item import Item, as_item, check
from repoint.jobs.typed import read_typed

TEXTS = ["", "a", " x ", 'a\\b\t"', "\u2028", "é" * 51, "x" * 101, "😀" * 50, "😀" * 100, "😀" * 101, "12", "none"]
NUMBERS = [0, -0.0, 1, 90, 90.1, -180, 180.1, 1e300, 10**30, 10**400, float("nan"), float("inf")]
LISTS = [[], ["x"], ["x"] * 50, ["x"] * 51, [None], [["x"]]]
ODD = [None, True, {}, {"A": {}}, {"A": ["x"]}, {"Id": [{}]}, json.loads("[" * 70 + "]" * 70)]
ALL = [*TEXTS, *NUMBERS, *LISTS, *ODD]
NAMES = st.sampled_from(["", "A", "n" * 50, "n" * 51, "😀" * 50, "😀" * 51, "id", "UserStatus"]) | st.text(max_size=3)
# What no request may hold, and what breaks one.
BROKEN = [r"\u0000", "\0", r"\ud800", r"\ud83d\ude00", "\ud800", r"\q", "\x01", "{", "]", '"', ",", "01", "NaN"]


def plain() -> dict[str, Any]:
    return {
        "Id": "e1",
        "ChannelType": "SMS",
        "Address": "a",
        "OptOut": "ALL",
        "EndpointStatus": "ACTIVE",
        "EffectiveDate": "x",
        "Attributes": {"A": ["x", "y"], "B": []},
        "Metrics": {"M": 1},
        "Demographic": {"Make": "x", "Locale": "y"},
        "Location": {"City": "x", "Longitude": 1.5, "Latitude": -0.0},
        "User": {"UserId": "u", "UserAttributes": {"A": ["x"]}},
    }


@st.composite
def values(draw: st.DrawFn, instead: object) -> Any:
    """Mostly of the same type."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(ALL) | st.text(max_size=3) | st.floats())
    return draw(st.sampled_from([value for value in ALL if type(value) is type(instead)]))


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Plain lines of which up to three members, at any depth, are something else."""
    document = plain()
    for _ in range(draw(st.integers(0, 3))):
        part = draw(st.sampled_from([document, *[part for part in document.values() if isinstance(part, dict)]]))
        name = draw(NAMES if not part or draw(st.integers(0, 3)) == 0 else st.sampled_from(list(part)))
        # What is changed next must not be one of the values themselves.
        part[name] = deepcopy(draw(values(part.get(name))))
    line = json.dumps(document, ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 3)) == 0:
        again = draw(st.sampled_from(list(document)))
        line = f"{line[:-1]}, {json.dumps(again)}: {json.dumps(draw(values(document[again])))}}}"
    if draw(st.integers(0, 5)) == 0:
        place = draw(st.integers(0, len(line)))
        line = line[:place] + draw(st.sampled_from(BROKEN)) + line[place:]
    return line.encode(errors="surrogatepass")


def told(item: Item) -> str:
    """The members that count, numbers as they are written: 0.0 is not -0.0."""
    found = msgspec.to_builtins(item)
    if found["User"] is not None:
        found["User"].pop("UserStatus", None)
    return repr({member: found[member] for member in Item.__struct_fields__})


@settings(max_examples=300, deadline=None)
@given(line=lines())
def test_a_typed_line_is_what_the_full_path_finds_and_within_the_limits(line: bytes) -> None:
    item = read_typed(line)

    event("typed" if item else "left to the full path")
    if item is not None:
        document = decode_document("EndpointBatchItem", line)
        check(document)
        assert told(item) == told(as_item(document))


EXPORTED = (
    b'{"ChannelType":"EMAIL","Address":"ann@example.com","Location":{"City":"Oslo","Latitude":59.9,"Longitude":10.8},'
    b'"Demographic":{"Make":"A\\u00e9\xc3\xa9"},"EffectiveDate":"2016-01-01T00:00:00.000Z","Attributes":{"A":["x"]},'
    b'"Metrics":{"M":1},"OptOut":"ALL","Id":"e1","ApplicationId":"a","EndpointStatus":"ACTIVE","CohortId":"7",'
    b'"CreationDate":"2016-01-01T00:00:00.000Z","User":{"UserId":"u","UserAttributes":{"A":[]},"UserStatus":"x"}}'
)


@pytest.mark.parametrize("line", [EXPORTED, b'{"Id":"e1"}', b'{"Id":"e1","Attributes":null,"User":{"UserId":null}}'])
def test_usual_lines_are_read_by_their_type(line: bytes) -> None:
    assert read_typed(line) is not None


@pytest.mark.parametrize(
    "line",
    [
        b'{"Id":"e1","Unknown":1}',
        b'{"Id":"e1","User":{"Unknown":[[[[]]]]}}',
        b'{"Id":"e1","Address":"\\u0000"}',
        b'{"Id":"e1","Address":"\\ud800"}',
        b'{"Id":"e1","Address":"\xff"}',
        b'{"Id":"e1","ChannelType":"email"}',
        b'{"Id":"e1","Attributes":{"A":"x"}}',
        b'{"Id":"e1","Attributes":{"A":[null]}}',
        b'{"Id":"e1","Attributes":{"A":["%s"]}}' % (b"x" * 101),
        b'{"Id":"e1","Attributes":{"%s":["x"]}}' % (b"x" * 51),
        b'{"Id":"e1","Attributes":{"A":[%s]}}' % b",".join([b'"x"'] * 51),
        b'{"Id":"e1","User":{"UserAttributes":{"A":["%s"]}}}' % (b"x" * 101),
        b'{"Id":"e1","Metrics":{"%s":1}}' % (b"x" * 51),
        b'{"Id":"e1","Metrics":{"M":"1"}}',
        b'{"Id":"e1","Metrics":{"M":1e999}}',
        b'{"Id":"e1","Location":{"Latitude":90.1}}',
        b'{"Id":"e1","Location":{"Longitude":-180.1}}',
        b'{"Id":"e1"',
        b"[" * 500_000,
        b"null",
    ],
)
def test_a_line_in_doubt_is_left_to_the_full_path(line: bytes) -> None:
    assert read_typed(line) is None
