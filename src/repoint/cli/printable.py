"""Text of strangers, made fit for a terminal."""


def printable(text: str) -> str:
    """The text, where what would move the terminal's cursor is not passed on to it."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
