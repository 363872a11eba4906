"""Text of strangers on a terminal."""

import json

import pytest

from repoint.cli.printable import printable, printable_json


def test_what_would_move_the_cursor_is_not_passed_on() -> None:
    assert printable("Zoë \x1b[2J\x9b2J\u202e\n🎉") == "Zoë ?[2J?2J??🎉"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Zoë 🎉", '{"name": "Zoë 🎉"}'),
        ("\x9b2J", r'{"name": "\u009b2J"}'),
        ("\x1b[2J", r'{"name": "\u001b[2J"}'),
        ("a\u2028b\x85c\u202e", r'{"name": "a\u2028b\u0085c\u202e"}'),
        ("\U000e0001", r'{"name": "\udb40\udc01"}'),
    ],
)
def test_json_of_strangers_stays_on_its_line_and_means_the_same(text: str, line: str) -> None:
    assert printable_json({"name": text}) == line
    assert json.loads(line) == {"name": text}
