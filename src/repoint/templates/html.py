"""What HTML means to a mail: where its links are, and where the image goes that tells of an opening.

Found once, when a template is compiled. Tags of the template are taken for something of the same length that is
neither blank nor quote, so that they may stand anywhere.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from repoint.templates.tokens import Token, tokenise

_OPAQUE = "\0"
_ANCHOR = re.compile(r"<(?:a|area)(?=[\s/\0])", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"[\s/\0]*+(?P<name>[^\s=>\"'/<\0]++)"
    r"(?:\s*+=\s*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s>\"'<]++)))?+"
)
_ANCHOR_END = re.compile(r"[\s/\0]*+>")
_BODY_END = re.compile(r"</body[\s>]", re.IGNORECASE)
# An address of the web, or one that begins with a variable.
_LEADS_OUT = re.compile(r"\s*(?:https?://|\0)", re.IGNORECASE)

# Not shown to anybody: what the author of an anchor says about it to us.
_NO_TRACK = "ses:no-track"
_TAGS = "ses:tags"


@dataclass(frozen=True, slots=True)
class Range:
    """Some characters of the source."""

    start: int
    end: int


@dataclass(slots=True)
class Anchor:
    """What an anchor says."""

    address: Range | None = None
    is_untracked: bool = False
    tag: str | None = None


def tokenise_html(source: str) -> Iterator[Token]:
    """The tokens of an HTML template, with those of links and of the image put between them. Raises SyntaxFault."""
    tokens = list(tokenise(source))
    shadow = _shadow(source, tokens)
    branches = _branches(tokens, len(source))
    unwanted: list[Range] = []
    inserted: dict[int, list[Token]] = {}
    for anchor in _anchors(shadow, unwanted):
        found = anchor.address
        # A block that begins inside of an address and ends outside, or the other way round, can't be put into a link.
        if found and not anchor.is_untracked and branches[found.start - 1] == branches[found.end]:
            inserted.setdefault(found.start, []).append(Token("link", found.start, found.start, anchor.tag or ""))
            inserted.setdefault(found.end, []).append(Token("link end", found.end, found.end))
    at = _pixel_at(shadow, branches)
    inserted.setdefault(at, []).append(Token("pixel", at, at))
    return _put_between(tokens, inserted, unwanted, len(source))


def _shadow(source: str, tokens: list[Token]) -> str:
    parts: list[str] = []
    at = 0
    for token in tokens:
        if token.kind == "text":
            parts += [_OPAQUE * (token.start - at), token.text]
            at = token.end
    return "".join(parts) + _OPAQUE * (len(source) - at)


def _branches(tokens: list[Token], length: int) -> list[int]:
    """Of each character the branch of a block that it is in; 0 outside of all."""
    found: list[int] = []
    stack = [0]
    last = 0
    for token in tokens:
        if token.kind in ("open", "inverse", "inline"):
            last += 1
            stack.append(last)
        elif token.kind == "else":
            last += 1
            stack[-1] = last
        found += [stack[-1]] * (token.end - len(found))
        # A closing tag without a block is told by the parser.
        if token.kind == "close" and len(stack) > 1:
            stack.pop()
    return found + [0] * (length + 1 - len(found))


def _anchors(shadow: str, unwanted: list[Range]) -> Iterator[Anchor]:
    """The anchors; attributes that are for us alone are added to `unwanted`."""
    for match in _ANCHOR.finditer(shadow):
        anchor = Anchor()
        ours = []
        at = match.end()
        while attribute := _ATTRIBUTE.match(shadow, at):
            before, at = at, attribute.end()
            if _note(anchor, attribute):
                ours.append(_with_blanks(shadow, before, attribute))
        if _ANCHOR_END.match(shadow, at):
            unwanted += [each for each in ours if _OPAQUE not in shadow[each.start : each.end]]
            yield anchor


def _note(anchor: Anchor, attribute: re.Match[str]) -> bool:
    """Take in one attribute; whether it is for us alone."""
    name = attribute["name"].lower()
    group = next((each for each in ("double", "single", "bare") if attribute[each] is not None), None)
    value = attribute[group] if group else ""
    if name == "href" and group and _LEADS_OUT.match(value) and anchor.address is None:
        anchor.address = Range(*attribute.span(group))
    elif name == _NO_TRACK:
        anchor.is_untracked = True
    elif name == _TAGS:
        anchor.tag = html.unescape(value)
    return name in (_NO_TRACK, _TAGS)


def _with_blanks(shadow: str, before: int, attribute: re.Match[str]) -> Range:
    start = attribute.start("name")
    while start > before and shadow[start - 1].isspace():
        start -= 1
    return Range(start, attribute.end())


def _pixel_at(shadow: str, branches: list[int]) -> int:
    """Before the end of the body, or at the end of all."""
    ends = [match.start() for match in _BODY_END.finditer(shadow)]
    return ends[-1] if ends and branches[ends[-1]] == 0 else len(shadow)


def _put_between(
    tokens: list[Token], inserted: dict[int, list[Token]], unwanted: list[Range], length: int
) -> Iterator[Token]:
    cuts = sorted({*inserted, *(at for each in unwanted for at in (each.start, each.end))})
    dropped = {each.start for each in unwanted}
    next_cut = 0
    for token in tokens:
        at = token.start
        while next_cut < len(cuts) and cuts[next_cut] < token.end:
            cut = cuts[next_cut]
            next_cut += 1
            if at < cut:
                yield _slice(token, at, cut)
                at = cut
            yield from inserted.get(cut, ())
            if cut in dropped:
                at = cuts[next_cut]
        if token.kind != "text":
            yield token
        elif at < token.end:
            yield _slice(token, at, token.end)
    yield from inserted.get(length, ())


def _slice(token: Token, start: int, end: int) -> Token:
    return replace(token, start=start, end=end, text=token.text[start - token.start : end - token.start])
