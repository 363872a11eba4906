"""Fixed text and what is called for the rest, put together to one thing that is called."""

from collections.abc import Callable, Sequence

from repoint.templates.errors import RenderError
from repoint.templates.rendering import Rendering

# Gives the text of one node of a template.
Render = Callable[[Rendering], str]

# Where a stretch of a template calls that much, the time is looked at.
_LONG = 16


def joined(parts: Sequence[str | Render], most: int) -> Render:
    """One of many; a long sequence is cut into stretches, between which its size and the time are looked at."""
    texts, called = [""], list[Render]()
    for part in parts:
        if isinstance(part, str):
            texts[-1] += part
        else:
            called.append(part)
            texts.append("")
    return _joined(texts, called, most)


def _joined(texts: Sequence[str], called: Sequence[Render], most: int) -> Render:
    """`texts` before, between and after what is called."""
    count = len(called)
    if count < len(_WRITTEN_OUT):
        return _WRITTEN_OUT[count](texts, called, most)
    length = -(-count // _STRETCHES)
    starts = range(0, count, length)
    # The text before the first call of a stretch stands between the stretches.
    ends = [min(at + length, count) for at in starts]
    stretches = [
        _stretch(["", *texts[at + 1 : end], ""], called[at:end], most) for at, end in zip(starts, ends, strict=True)
    ]
    return _joined([*(texts[at] for at in starts), texts[-1]], stretches, most)


def _stretch(texts: Sequence[str], called: Sequence[Render], most: int) -> Render:
    whole = _joined(texts, called, most)
    if len(called) < _LONG:
        return whole

    def render(rendering: Rendering) -> str:
        rendering.step()
        return whole(rendering)

    return render


def too_long(most: int) -> RenderError:
    """What is raised for more output than there may be."""
    return RenderError(f"Rendered text exceeds {most} characters")


# Written out, because gathering what is called in a list first takes twice as long.


def _none(texts: Sequence[str], _called: Sequence[Render], _most: int) -> Render:
    (text,) = texts
    return lambda _: text


def _one(texts: Sequence[str], called: Sequence[Render], most: int) -> Render:
    (before, after), (a,) = texts, called

    def render(rendering: Rendering) -> str:
        text = f"{before}{a(rendering)}{after}"
        if len(text) > most:
            raise too_long(most)
        return text

    return render


def _two(texts: Sequence[str], called: Sequence[Render], most: int) -> Render:
    (before, between, after), (a, b) = texts, called

    def render(rendering: Rendering) -> str:
        text = f"{before}{a(rendering)}{between}{b(rendering)}{after}"
        if len(text) > most:
            raise too_long(most)
        return text

    return render


def _three(texts: Sequence[str], called: Sequence[Render], most: int) -> Render:
    (first, second, third, last), (a, b, c) = texts, called

    def render(rendering: Rendering) -> str:
        text = f"{first}{a(rendering)}{second}{b(rendering)}{third}{c(rendering)}{last}"
        if len(text) > most:
            raise too_long(most)
        return text

    return render


def _four(texts: Sequence[str], called: Sequence[Render], most: int) -> Render:
    (first, second, third, fourth, last), (a, b, c, d) = texts, called

    def render(rendering: Rendering) -> str:
        text = f"{first}{a(rendering)}{second}{b(rendering)}{third}{c(rendering)}{fourth}{d(rendering)}{last}"
        if len(text) > most:
            raise too_long(most)
        return text

    return render


_WRITTEN_OUT = (_none, _one, _two, _three, _four)
_STRETCHES = len(_WRITTEN_OUT) - 1
