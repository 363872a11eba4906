"""Helpers that hash and encode (templates.md section 7.4)."""

import re

import pytest

from repoint.templates.escape import Escape
from repoint.templates.text import compile_text
from repoint.templates.values import Values
from tests.templates.rendered import AT, failure, render


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('{{md5 "Hello World"}}', "b10a8db164e0754105b7a99be72e3fe5"),
        ('{{sha256 "Hello World"}}', "a591a6d40bf420404a011733cfb7b190d62c65bf0bcda32b57b277d9ad9f146e"),
        (
            '{{sha512 "Hello World"}}',
            (
                "2c74fd17edafd80e8447b0d46741ee243b7eb74dd2149a0ab1b9246fb30382f2"
                "7e853d8585719e0e67cbda0daa8f51671064615d645ae27acb15bfb1447f459b"
            ),
        ),
        ('{{encode64 "Hello World"}}', "SGVsbG8gV29ybGQ="),
        ('{{decode64 "SGVsbG8gV29ybGQ="}}', "Hello World"),
        ('{{encode64 "é"}}', "w6k="),
        ('{{decode64 "w6k="}}', "é"),
        ('{{md5 ""}}', "d41d8cd98f00b204e9800998ecf8427e"),
        ("{{md5 Nothing}}", ""),
    ],
)
def test_helpers_hash_and_encode_utf_8(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize("text", ["SGVsbG8", "SGVs bG8=", "*", "/w==", "AA=="])
def test_decode64_fails_for_what_is_no_text_in_base64(text: str) -> None:
    assert failure(f'{{{{decode64 "{text}"}}}}') == "decode64: not the base64 of a text"


def test_uuid_is_a_new_one_at_each_use() -> None:
    first, second = render("{{uuid}} {{uuid}}").split()

    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first)
    assert first != second


def test_uuid_can_be_held_still() -> None:
    values = Values({}, AT, new_uuid=lambda: "u-1")

    assert compile_text("{{uuid}}", part="Body", escape=Escape.NONE).render(values) == "u-1"
