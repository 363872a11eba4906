"""From tokens to a tree: which blocks contain what, and which partial is meant."""

from collections.abc import Iterable
from dataclasses import replace

from repoint.templates.errors import SyntaxFault
from repoint.templates.tokens import MAX_DEPTH, Token
from repoint.templates.tree import (
    Block,
    Expression,
    Invocation,
    Link,
    Literal,
    Node,
    Open,
    Output,
    Partial,
    Path,
    Pixel,
    Text,
)

_INLINE = "inline"


def parse(tokens: Iterable[Token]) -> tuple[Node, ...]:
    """The nodes of a template. Raises SyntaxFault."""
    builder = _Builder()
    for token in _trimmed(tokens):
        builder.add(token)
    return builder.end()


def _trimmed(tokens: Iterable[Token]) -> Iterable[Token]:
    """The tokens with the blanks taken away that `{{~` and `~}}` take away."""
    held: Token | None = None
    trims = False
    for token in tokens:
        if token.kind == "text":
            if held:
                yield held
            held = replace(token, text=token.text.lstrip()) if trims else token
            # Several texts may follow each other; all blanks before the first that is none go.
            trims = trims and not held.text
            continue
        if held:
            yield replace(held, text=held.text.rstrip()) if token.trims_before else held
            held = None
        yield token
        trims = token.trims_after
    if held:
        yield held


class _Builder:
    """The blocks that are open, the template itself first."""

    def __init__(self) -> None:
        self._open = [Open(None, "template", 0)]

    def add(self, token: Token) -> None:
        """Take in the next token."""
        match token.kind:
            case "text":
                self._append(Text(token.text))
            case "output" | "raw":
                self._output(token)
            case "pixel":
                self._append(Pixel())
            case "partial":
                self._use(token)
            case "else":
                self._otherwise(token)
            case "close":
                self._close(token)
            case "link end":
                self._end_top()
            case "comment":
                pass
            case _:
                self._begin(token)

    def end(self) -> tuple[Node, ...]:
        """What was built, when the tokens have ended."""
        if len(self._open) > 1:
            raise SyntaxFault(f"{_shown(self._open[-1])} is never closed", self._open[-1].at)
        return tuple(self._open[0].body)

    def _append(self, node: Node) -> None:
        self._open[-1].nodes().append(node)

    def _output(self, token: Token) -> None:
        expression = _given(token)
        self._open[-1].height = max(self._open[-1].height, _height(expression))
        self._append(Output(expression, is_escaped=token.kind == "output"))

    def _begin(self, token: Token) -> None:
        # A link is no level of the author's.
        if len(self._open) > MAX_DEPTH and token.kind != "link":
            raise SyntaxFault(f"nested more than {MAX_DEPTH} levels deep", token.start)
        match token.kind:
            case "inline":
                self._open.append(Open(_definition(token), _INLINE, token.start))
            case "link":
                self._open.append(Open(None, "link", token.start, tag=token.text or None))
            case _:
                self._begin_block(token, is_inverted=token.kind == "inverse")

    def _begin_block(self, token: Token, *, is_inverted: bool = False, is_chained: bool = False) -> None:
        call = _called(token)
        height = max(map(_height, (*call.arguments, *call.options.values())), default=0)
        block = Open(call, "block", token.start, height=height, is_inverted=is_inverted, is_chained=is_chained)
        self._open.append(block)

    def _otherwise(self, token: Token) -> None:
        top = self._open[-1]
        if top.kind in ("template", _INLINE):
            raise SyntaxFault("{{else}} outside of a block", token.start)
        if top.otherwise is not None:
            raise SyntaxFault("a second {{else}}", token.start)
        top.otherwise = []
        if token.expression is not None:
            self._begin_block(token, is_chained=True)

    def _close(self, token: Token) -> None:
        name = token.expression.text if isinstance(token.expression, Path) else ""
        top = next(block for block in reversed(self._open) if not block.is_chained)
        wanted = "" if top.kind == "template" else _INLINE if top.kind == _INLINE else _call_of(top).name
        if name != wanted or not name:
            expected = f", {_shown(top)} is open" if wanted else ""
            raise SyntaxFault(f"{{{{/{name}}}}} closes nothing{expected}", token.start)
        while self._open[-1].is_chained:
            self._end_top()
        self._end_top()

    def _end_top(self) -> None:
        """Put the innermost block, which is complete, into the one around it."""
        block = self._open.pop()
        around = self._open[-1]
        if block.height >= MAX_DEPTH:
            raise SyntaxFault(f"nested more than {MAX_DEPTH} levels deep", block.at)
        if block.kind == _INLINE:
            name = _call_of(block).name
            around.partials[name] = (Partial(tuple(block.body)), block.height + 1)
            return
        around.height = max(around.height, block.height + (block.kind != "link"))
        body, otherwise = tuple(block.body), tuple(block.otherwise or ())
        if block.kind == "link":
            around.partials |= block.partials
            around.nodes().append(Link(body, block.tag))
        else:
            if block.is_inverted:
                body, otherwise = otherwise, body
            around.nodes().append(Block(_call_of(block), body, otherwise))

    def _use(self, token: Token) -> None:
        if not isinstance(token.expression, Path):
            raise SyntaxFault("{{> name}} takes the name of a partial and nothing else", token.start)
        name = token.expression.text
        known = next((block.partials[name] for block in reversed(self._open) if name in block.partials), None)
        if known is None:
            raise SyntaxFault(f"no partial {name} is defined before its use", token.start)
        partial, height = known
        top = self._open[-1]
        top.height = max(top.height, height)
        self._append(partial)


def _given(token: Token) -> Expression:
    assert token.expression is not None  # noqa: S101 - the tokeniser reads one for every tag of this kind
    return token.expression


def _called(token: Token) -> Invocation:
    """What a block calls; its name may stand alone."""
    match token.expression:
        case Invocation() as call:
            return call
        case Path(text=name, at=at):
            return Invocation(name, (), {}, at)
        case _:
            raise SyntaxFault("a block begins with the name of a helper", token.start)


def _definition(token: Token) -> Invocation:
    """What `{{#* inline "name"}}` defines: a call of that name."""
    match token.expression:
        case Invocation(name="inline", arguments=(Literal(value=str(name)),), options={}) if name:
            return Invocation(name, (), {}, token.start)
        case _:
            raise SyntaxFault('only {{#* inline "name"}} may follow {{#*', token.start)


def _call_of(block: Open) -> Invocation:
    assert block.call is not None  # noqa: S101 - only the template and links have none
    return block.call


def _shown(block: Open) -> str:
    name = _call_of(block).name
    return f'{{{{#* inline "{name}"}}}}' if block.kind == _INLINE else f"{{{{#{name}}}}}"


def _height(expression: Expression) -> int:
    """How many levels are nested in an expression."""
    if not isinstance(expression, Invocation):
        return 0
    return 1 + max(map(_height, (*expression.arguments, *expression.options.values())), default=0)
