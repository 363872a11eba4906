"""What of requests and answers may stand in the audit record."""

from typing import Any

import msgspec
import pytest

from repoint.access.mask import MAX_TEXT, cut, masked, shown, split_members
from repoint.contract.model import OPERATIONS, SHAPES

# auth.md section 10: names, descriptions, messages; addresses, attributes, template contents, channel secrets.
PERSONAL_OR_SECRET = {
    "Address",
    "ApiKey",
    "Attributes",
    "BaiduMessage",
    "Body",
    "Certificate",
    "ClientSecret",
    "Content",
    "Context",
    "CustomConfig",
    "DefaultSubstitutions",
    "Demographic",
    "Description",
    "DestinationIdentity",
    "FromAddress",
    "HtmlPart",
    "Identity",
    "Item",
    "Location",
    "MessageConfiguration",
    "Metrics",
    "Name",
    "Otp",
    "PhoneNumber",
    "PrivateKey",
    "SecretKey",
    "SegmentGroups",
    "ServiceJson",
    "Subject",
    "TemplateDescription",
    "TextPart",
    "TokenKey",
    "TreatmentName",
    "User",
    "Users",
}


def bodies() -> dict[str, tuple[str, ...]]:
    """The members of every body of a request."""
    shapes = {model.payload_shape for model in OPERATIONS.values() if model.payload_shape}
    return {shape: tuple(SHAPES[shape].members) for shape in sorted(shapes)}


@pytest.mark.parametrize(("shape", "names"), bodies().items(), ids=list(bodies()))
def test_what_is_personal_or_secret_is_masked_in_every_body(shape: str, names: tuple[str, ...]) -> None:
    visible, hidden = split_members(shape, names)

    told = msgspec.json.decode(b"{%b}" % hidden)
    assert set(visible).isdisjoint(PERSONAL_OR_SECRET)
    assert told == {name: "***" for name in names if name not in visible}
    # Whatever is shown has a value of its own, and the record is whole.
    assert {*visible, *told} == set(names)


def test_most_of_what_is_no_secret_is_shown() -> None:
    visible, _ = split_members("WriteCampaignRequest", tuple(SHAPES["WriteCampaignRequest"].members))

    assert {"SegmentId", "SegmentVersion", "Schedule", "IsPaused", "HoldoutPercent", "Limits", "tags"} <= set(visible)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"Id": "1", "Name": "x", "Version": 2, "IsPaused": False, "Limits": None},
            {"Id": "1", "Name": "***", "Version": 2, "IsPaused": False, "Limits": None},
        ),
        (
            {"State": {"CampaignStatus": "PAUSED", "Reason": "x"}},
            {"State": {"CampaignStatus": "PAUSED", "Reason": "***"}},
        ),
        ({"tags": {"Name": "shop"}}, {"tags": {"Name": "shop"}}),
        ({"Status": ["a", 7, {"Name": "x", "Id": "1"}]}, {"Status": ["a", 7, {"Name": "***", "Id": "1"}]}),
        ({"Id": b"bytes"}, {"Id": "***"}),
        (msgspec.Raw(b'{"Address":"x","Id":"1"}'), {"Address": "***", "Id": "1"}),
        ([1], None),
        (None, None),
    ],
)
def test_answer_is_masked_to_its_depth(document: Any, expected: dict[str, Any] | None) -> None:
    assert masked(document) == expected


def test_schedule_is_shown_without_its_filter() -> None:
    schedule = {"StartTime": "t", "Timezone": "UTC", "EventFilter": {"Dimensions": {"Attributes": {"mail": {}}}}}

    assert shown("Schedule", schedule) == {"StartTime": "t", "Timezone": "UTC", "EventFilter": "***"}


def test_long_texts_and_many_members_are_cut() -> None:
    assert cut("x" * (MAX_TEXT + 1)) == "x" * MAX_TEXT + "…"
    assert cut("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert cut("a\udc80é") == "a?é"
    assert masked({"Id": {"n" * 2000: 1}}) == {"Id": {"n" * MAX_TEXT + "…": 1}}
    assert len(masked({f"m{number}": number for number in range(1000)}) or {}) == 100


@pytest.mark.parametrize("name", ["Policy", "TagKeys", "Tags", "tags"])
def test_what_is_shown_wholly_is_cut_too(name: str) -> None:
    long = {"n" * 2000: "x" * 10_000, "list": ["y" * 10_000] * 1000}

    assert shown(name, long) == {"n" * 1024 + "…": "x" * 8192 + "…", "list": ["y" * 8192 + "…"] * 100}
    assert len(shown(name, {f"m{number}": number for number in range(1000)})) == 100
