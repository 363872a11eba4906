import pytest

from repoint.contract.errors import BadRequestException
from repoint.contract.json_text import Number, parse, refuse_unreadable, refuse_unreadable_text


def test_numbers_remember_how_they_were_written() -> None:
    number, integer = parse(b"[1.10, 7]")

    assert isinstance(number, Number)
    assert (number, number.text) == (1.1, "1.10")
    assert type(integer) is int


def test_a_number_too_large_is_infinite_until_someone_needs_it() -> None:
    assert parse(b"1e400") == float("inf")


def test_an_integer_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(BadRequestException, match="Integer value out of range"):
        parse(b"1" * 5000)


def test_readable_text_passes() -> None:
    refuse_unreadable('{"é😀":"\\u00e9\\ud83d\\ude00"}'.encode())
    refuse_unreadable_text("é😀")
