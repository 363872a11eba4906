from decimal import Decimal
from typing import Any

import pytest

from repoint.contract.errors import BadRequestException
from repoint.templates.values import number_text, read_defaults, text_of


@pytest.mark.parametrize(
    ("text", "defaults"),
    [
        (None, {}),
        ("", {}),
        ("{}", {}),
        ('{"User.UserAttributes.FirstName": "friend"}', {"User.UserAttributes.FirstName": "friend"}),
        ('{"a": 5, "b": 2.50, "c": -0.0, "d": 1e999999999}', {"a": "5", "b": "2.5", "c": "0", "d": "1e999999999"}),
        ('{"a": true, "b": false, "c": null}', {"a": "true", "b": "false"}),
        ('{"a": ["b", 1, true], "c": []}', {"a": ["b", "1", "true"], "c": []}),
    ],
)
def test_defaults_are_texts_and_lists_of_texts(text: str | None, defaults: dict[str, Any]) -> None:
    assert read_defaults(text) == defaults


@pytest.mark.parametrize(
    "text", ["[]", '"a"', "1", "{", '{"a": {}}', '{"a": [[]]}', '{"a": [null]}', '{"a": NaN}', "[" * 100_000]
)
def test_what_is_no_flat_object_is_refused(text: str) -> None:
    with pytest.raises(BadRequestException, match=r"^Invalid DefaultSubstitutions$"):
        read_defaults(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [(5.0, "5"), (2.50, "2.5"), (-0.0, "0"), (1e21, "1000000000000000000000"), (1.5e-7, "0.00000015"), (100, "100"),
     (Decimal("1E+2"), "100"), (Decimal("-2.50"), "-2.5")],
)  # fmt: skip
def test_numbers_have_no_exponent_and_no_idle_zeros(number: float | Decimal, text: str) -> None:
    assert number_text(number) == text


def test_what_is_missing_and_objects_have_no_text() -> None:
    assert [text_of(None), text_of({}), text_of({"a": "b"})] == [None, None, None]
