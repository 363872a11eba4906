"""A template cut into text and tags (templates.md section 6); each tag knows where it stands in the source."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal as OneOf
from typing import NoReturn

from repoint.templates.errors import SyntaxFault
from repoint.templates.paths import read_path
from repoint.templates.tree import Expression, Invocation, Literal, Path

# More tags and arguments in one text are refused: to compile them would hold up everybody else.
MAX_WORDS = 10_000

# Deeper nesting of blocks, expressions and partials is refused, so that no template exhausts the stack.
MAX_DEPTH = 64

Kind = OneOf[
    "text", "comment", "output", "raw", "open", "inverse", "inline", "partial", "else", "close",
    "link", "link end", "pixel",
]  # fmt: skip

# What may follow the two braces, longest first.
_SIGIL = re.compile(r"~?(?P<sigil>\{|&|#\*|#>|#|\^|/|>|!--|!|)")
_SIGILS: dict[str, Kind] = {
    "": "output",
    "{": "raw",
    "&": "raw",
    "#": "open",
    "#*": "inline",
    "^": "inverse",
    "/": "close",
    ">": "partial",
}
_END = re.compile(r"\s*+~?\}\}")
_RAW_END = re.compile(r"\s*+\}~?\}\}")
_COMMENT_ENDS = {"!": re.compile(r"~?\}\}"), "!--": re.compile(r"--~?\}\}")}
_WORD = r"(?:\[[^\]]*+\]|[^\s{}()=|\"'~\[\]])++"
_ITEM = re.compile(
    r"\s*+(?:"
    r"(?P<string>\"(?:\\\"|[^\"])*+\"|'(?:\\'|[^'])*+')"
    rf"|(?P<option>{_WORD})="
    rf"|(?P<word>{_WORD})"
    r"|(?P<open>\()"
    r"|(?P<close>\)))"
)
# What is longer is a name, if anything.
_NUMBER = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": None}


@dataclass(slots=True)
class Token:
    """Some text, or one tag."""

    kind: Kind
    start: int
    end: int
    # Of text: the source from start to end. Of a link: what `ses:tags` says.
    text: str = ""
    # Of a tag: what stands in it, first word first. A closing tag has one path.
    expression: Expression | None = None
    trims_before: bool = False
    trims_after: bool = False
    # Of a tag: how many values and names stand in it, at least one.
    words: int = 0


def tokenise(source: str) -> Iterator[Token]:
    """Every stretch of text and every tag, in order, which together are the source. Raises SyntaxFault."""
    at = words = 0
    while (start := source.find("{{", at)) >= 0:
        slashes = 2 if source.endswith("\\\\", at, start) else int(source.endswith("\\", at, start))
        if start > at + (slashes > 0):
            yield Token("text", at, start - (slashes > 0), source[at : start - (slashes > 0)])
        if slashes == 1:
            # `\{{` is text up to the next tag.
            after = source.find("{{", start + 2)
            at = len(source) if after < 0 else after
            while after > 0 and source.endswith("\\", start + 2, at):
                at -= 1
            yield Token("text", start, at, source[start:at])
            continue
        token = _tag(source, start)
        words += token.words
        if words > MAX_WORDS:
            raise SyntaxFault(f"more than {MAX_WORDS} tags and arguments", start)
        yield token
        at = token.end
    if at < len(source):
        yield Token("text", at, len(source), source[at:])


def _tag(source: str, start: int) -> Token:
    if source.startswith("{{{{", start):
        raise SyntaxFault("raw blocks ({{{{) aren't supported", start)
    match = _SIGIL.match(source, start + 2)
    sigil = match["sigil"] if match else ""
    content = match.end() if match else start
    trims_before = source.startswith("~", start + 2)
    if sigil in _COMMENT_ENDS:
        end = _COMMENT_ENDS[sigil].search(source, content)
        if end is None:
            raise SyntaxFault("unclosed comment", start)
        return Token("comment", start, end.end(), "", None, trims_before, "~" in end[0], words=1)
    if sigil == "#>":
        raise SyntaxFault("partial blocks ({{#>) aren't supported", start)
    tag = _Tag(source, start, content, _RAW_END if sigil == "{" else _END)
    token = tag.read(_SIGILS[sigil])
    token.trims_before = trims_before
    token.words = max(tag.words, 1)
    return token


class _Tag:
    """Reads one tag."""

    def __init__(self, source: str, start: int, content: int, end: re.Pattern[str]) -> None:
        self._source = source
        self._start = start
        self._at = content
        self._end = end
        self.words = 0

    def read(self, kind: Kind) -> Token:
        """The whole tag."""
        if kind in ("output", "inverse") and (token := self._else(kind)):
            return token
        expression = self._call(0)
        end = self._end.match(self._source, self._at)
        if end is None:
            self._refuse()
        return Token(kind, self._start, end.end(), "", expression, trims_after="~" in end[0])

    def _else(self, kind: Kind) -> Token | None:
        """`{{else}}`, its other spelling `{{^}}`, or `{{else if …}}`, which carries what is asked; None for others."""
        word = _ITEM.match(self._source, self._at)
        if kind == "output":
            if word is None or word["word"] != "else":
                return None
            self._at = word.end()
        end = _END.match(self._source, self._at)
        if end:
            return Token("else", self._start, end.end(), "", None, trims_after="~" in end[0])
        return self.read("else") if kind == "output" else None

    def _call(self, depth: int) -> Expression:
        """A value, or a helper with arguments, up to the tag's end or the closing parenthesis."""
        if depth > MAX_DEPTH:
            raise SyntaxFault(f"nested more than {MAX_DEPTH} levels deep", self._start)
        at = self._at
        head = self._value(depth)
        arguments: list[Expression] = []
        options: dict[str, Expression] = {}
        while (item := _ITEM.match(self._source, self._at)) and not item["close"]:
            if item["option"]:
                self._at = item.end()
                options[item["option"]] = self._value(depth)
            elif options:
                raise SyntaxFault("arguments with names come last", item.start())
            else:
                arguments.append(self._value(depth))
        if not arguments and not options:
            return head
        if not isinstance(head, Path):
            raise SyntaxFault("a helper's name must come first", at)
        return Invocation(head.text, tuple(arguments), options, at)

    def _value(self, depth: int) -> Expression:
        self.words += 1
        if self.words > MAX_WORDS:
            raise SyntaxFault(f"more than {MAX_WORDS} tags and arguments", self._start)
        item = _ITEM.match(self._source, self._at)
        if item is None:
            self._refuse()
        at, self._at = item.end() - len(item[0].lstrip()), item.end()
        if item["string"]:
            text = item["string"]
            return Literal(text[1:-1].replace("\\" + text[0], text[0]))
        if item["word"]:
            return _word(item["word"], at)
        if not item["open"]:
            raise SyntaxFault(f"unexpected {item[0].strip()}", at)
        inner = self._call(depth + 1)
        if (item := _ITEM.match(self._source, self._at)) is None or not item["close"]:
            raise SyntaxFault("unclosed (", at)
        self._at = item.end()
        # `(uuid)` is a helper, `(Id)` would be a variable in parentheses: both are a path until helpers are known.
        return inner

    def _refuse(self) -> NoReturn:
        rest = self._source[self._at :].lstrip()
        at = len(self._source) - len(rest)
        if not rest or "}}" not in rest:
            raise SyntaxFault("unclosed {{", self._start)
        if self._end is _RAW_END and rest.startswith("}}"):
            raise SyntaxFault("{{{ ends with }}}", at)
        if rest.startswith(("}}", "~}}")):
            raise SyntaxFault("empty tag or missing value", at)
        if rest[0] in "\"'":
            raise SyntaxFault(f"unclosed {rest[0]}", at)
        raise SyntaxFault(f"unexpected {rest[0]}", at)


def _word(word: str, at: int) -> Expression:
    if word in _CONSTANTS:
        return Literal(_CONSTANTS[word])
    if _NUMBER.fullmatch(word):
        return Literal(Decimal(word))
    if "“" in word or "”" in word:
        raise SyntaxFault('typographic quotes; write "', at)
    return read_path(word, at)
