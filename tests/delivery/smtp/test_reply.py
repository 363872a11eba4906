"""Replies out of bytes, wherever the network cuts them."""

import pytest

from repoint.delivery.smtp.reply import BadReplyError, Reply, ReplyReader

HEARD = b"250-mail.example\r\n250-SIZE 10\r\n250 8BITMIME\r\n354\r\n250 2.0.0 \xc3\xb6k\r\n421 \xff\n"
MEANT = [
    Reply(250, "mail.example\nSIZE 10\n8BITMIME"),
    Reply(354, ""),
    Reply(250, "2.0.0 \u00f6k"),
    Reply(421, "\ufffd"),
]


@pytest.mark.parametrize("cut", range(len(HEARD)))
def test_replies_are_whole_wherever_they_are_cut(cut: int) -> None:
    reader = ReplyReader()

    replies = [*reader.feed(HEARD[:cut]), *reader.feed(HEARD[cut:])]

    assert replies == MEANT
    assert reader.is_between_replies


def test_lines_that_are_known_are_still_parts_of_longer_replies() -> None:
    reader = ReplyReader()

    replies = reader.feed(b"250 ok\r\n250-a\r\n250 ok\r\n250 ok\r\n")

    assert replies == [Reply(250, "ok"), Reply(250, "a\nok"), Reply(250, "ok")]


@pytest.mark.parametrize("rest", [b"25", b"250 ok", b"250-ok\r\n"])
def test_a_reply_that_has_not_ended_is_waited_for(rest: bytes) -> None:
    reader = ReplyReader()

    assert reader.feed(b"250 ok\r\n" + rest) == [Reply(250, "ok")]
    assert not reader.is_between_replies


@pytest.mark.parametrize(
    "line", [b"", b"25", b"2500 ok", b"150 ok", b"250_ok", b"hello", b"\xd9\xa2\xd9\xa5\xd9\xa0 ok"]
)
def test_what_is_no_reply_is_told(line: bytes) -> None:
    with pytest.raises(BadReplyError, match="does not speak SMTP"):
        ReplyReader().feed(line + b"\r\n")


@pytest.mark.parametrize("piece", [b"x" * 1000, b"250-" + b"x" * 1000 + b"\r\n"])
def test_a_reply_without_an_end_is_given_up(piece: bytes) -> None:
    reader = ReplyReader()

    with pytest.raises(BadReplyError, match="does not end"):
        list(map(reader.feed, [piece] * 100))
