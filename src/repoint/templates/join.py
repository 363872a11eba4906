"""Fixed text and pieces that are called, put together to one piece."""

from collections.abc import Callable, Sequence

from repoint.templates.errors import RenderError
from repoint.templates.rendering import Rendering

# Gives the text of one node of a template.
Piece = Callable[[Rendering], str]

# Where a part of a template has that many pieces, the time is looked at.
_STRETCH = 16


def joined(pieces: Sequence[str | Piece], most: int) -> Piece:
    """One piece of many; a long sequence is cut into parts, between which its size and the time are looked at."""
    texts, called = [""], list[Piece]()
    for piece in pieces:
        if isinstance(piece, str):
            texts[-1] += piece
        else:
            called.append(piece)
            texts.append("")
    return _joined(texts, called, most)


def _joined(texts: Sequence[str], called: Sequence[Piece], most: int) -> Piece:
    """`texts` before, between and after what is called."""
    count = len(called)
    if count < len(_WRITTEN_OUT):
        return _WRITTEN_OUT[count](texts, called, most)
    length = -(-count // _PARTS)
    starts = range(0, count, length)
    # The text before a part's first piece stands between the parts.
    ends = [min(at + length, count) for at in starts]
    parts = [_part(["", *texts[at + 1 : end], ""], called[at:end], most) for at, end in zip(starts, ends, strict=True)]
    return _joined([*(texts[at] for at in starts), texts[-1]], parts, most)


def _part(texts: Sequence[str], called: Sequence[Piece], most: int) -> Piece:
    whole = _joined(texts, called, most)
    if len(called) < _STRETCH:
        return whole

    def render(rendering: Rendering) -> str:
        rendering.step()
        return whole(rendering)

    return render


def too_long(most: int) -> RenderError:
    """What is raised for more output than there may be."""
    return RenderError(f"Rendered text exceeds {most} characters")


# Written out, because gathering what is called in a list first takes twice as long.


def _none(texts: Sequence[str], _called: Sequence[Piece], _most: int) -> Piece:
    (text,) = texts
    return lambda _: text


def _one(texts: Sequence[str], called: Sequence[Piece], most: int) -> Piece:
    (before, after), (a,) = texts, called

    def render(rendering: Rendering) -> str:
        text = f"{before}{a(rendering)}{after}"
        if len(text) > most:
            raise too_long(most)
        return text

    return render


def _two(texts: Sequence[str], called: Sequence[Piece], most: int) -> Piece:
    (before, between, after), (a, b) = texts, called

    def render(rendering: Rendering) -> str:
        text = f"{before}{a(rendering)}{between}{b(rendering)}{after}"
        if len(text) > most:
            raise too_long(most)
        return text

    return render


def _three(texts: Sequence[str], called: Sequence[Piece], most: int) -> Piece:
    (first, second, third, last), (a, b, c) = texts, called

    def render(rendering: Rendering) -> str:
        text = f"{first}{a(rendering)}{second}{b(rendering)}{third}{c(rendering)}{last}"
        if len(text) > most:
            raise too_long(most)
        return text

    return render


def _four(texts: Sequence[str], called: Sequence[Piece], most: int) -> Piece:
    (first, second, third, fourth, last), (a, b, c, d) = texts, called

    def render(rendering: Rendering) -> str:
        text = f"{first}{a(rendering)}{second}{b(rendering)}{third}{c(rendering)}{fourth}{d(rendering)}{last}"
        if len(text) > most:
            raise too_long(most)
        return text

    return render


_WRITTEN_OUT = (_none, _one, _two, _three, _four)
_PARTS = len(_WRITTEN_OUT) - 1
