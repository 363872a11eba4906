"""Text of strangers, made fit for a terminal."""

import json


def printable(text: str) -> str:
    """The text, where what would move the terminal's cursor is not passed on to it."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def printable_json(document: object) -> str:
    """The document as one line of JSON, where what a terminal would obey or take for a line's end is escaped."""
    text = json.dumps(document, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)
