"""Header fields of a mail (RFC 5322, RFC 2047): one line, folded, and nothing in them that could begin another."""

import re
from base64 import b64encode

# Lines with encoded words have at most 76 characters, others should have 78 and must have 998.
_ENCODED_LINE = 76
_LINE = 78
_LONGEST_WORD = 900
_AROUND = len("=?utf-8?b??=")
_FEWEST_BYTES = 12

# Control characters and every line end of Unicode.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")
# Blanks with the word behind them.
_WORDS = re.compile(r" *[^ ]+")


def field(name: str, text: str) -> str:
    """`Name: text` with its line end. Control characters become a blank, what is not ASCII is encoded.

    A text that would be mistaken for encoded words is encoded as well, and one whose blanks at its ends would be lost.
    """
    if not _is_plain(text):
        text = one_line(text)
        if not _is_plain(text):
            return f"{name}: {encoded_words(text, len(name) + 2)}\r\n"
    if len(name) + 2 + len(text) <= _LINE:
        return f"{name}: {text}\r\n"
    return _folded(name, text)


def _is_plain(text: str) -> bool:
    return _PRINTABLE.fullmatch(text) is not None and text == text.strip() and not is_encoded(text)


def is_encoded(text: str) -> bool:
    """Whether a mail program would decode something in it."""
    return "=?" in text and _ENCODED_WORD.search(text) is not None


def one_line(text: str) -> str:
    """The text without what could end its line."""
    return _CONTROL.sub(" ", text)


def encoded_words(text: str, room: int) -> str:
    """The text as encoded words, one a line; `room` characters of the first line are taken."""
    data = text.encode("utf-8", "replace")
    words = []
    while data:
        most = max((_ENCODED_LINE - room - _AROUND) // 4 * 3, _FEWEST_BYTES)
        end = min(most, len(data))
        # Never within a character.
        while end < len(data) and data[end] & 0xC0 == 0x80:  # noqa: PLR2004 - a byte that continues one in UTF-8
            end -= 1
        words.append(f"=?utf-8?b?{b64encode(data[:end]).decode()}?=")
        data = data[end:]
        room = 1
    return "\r\n ".join(words)


def _folded(name: str, text: str) -> str:
    """The field on several lines, each but the first beginning with the blanks that it was cut at."""
    words = _WORDS.findall(text)
    if max(map(len, words)) > _LONGEST_WORD:
        return f"{name}: {encoded_words(text, len(name) + 2)}\r\n"
    lines = [f"{name}: {words[0]}"]
    for word in words[1:]:
        if len(lines[-1]) + len(word) > _LINE:
            lines.append(word)
        else:
            lines[-1] += word
    return "\r\n".join(lines) + "\r\n"
