"""From a tree to one callable: each node becomes a function of the rendering that returns its text.

Helpers and paths are looked up here, once, so that rendering only calls what is bound already. Closures, not generated
code: there is nothing to quote, and nothing that a template could break out of.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from repoint.templates.errors import RenderError, SyntaxFault
from repoint.templates.escape import Ink
from repoint.templates.helper import HELPERS, Helper
from repoint.templates.join import Render, joined, too_long
from repoint.templates.links import link
from repoint.templates.lookup import Read, look_up, variable
from repoint.templates.rendering import Context, Rendering
from repoint.templates.tree import (
    Block,
    Expression,
    Invocation,
    Link,
    Literal,
    Node,
    Output,
    Partial,
    Path,
    Pixel,
    Text,
)
from repoint.templates.values import Value, item, text_of

RECOMMENDED_ITEMS = ("RecommendationItems",)

# More items of a list are dropped (templates.md section 6).
MAX_ITEMS = 15

# What helpers make of longer text may take a while.
_LONG_TEXT = 10_000

# Options of every condition.
_ANSWERS: tuple[str, ...] = ("yes", "no")


@dataclass(frozen=True, slots=True)
class Compiler:
    """Makes the parts of one template, and notes which variables they use."""

    ink: Ink
    # There may be a context that is not the outermost.
    is_nested: bool = False
    # Links are asked for their addresses; otherwise they are nothing but text.
    is_tracked: bool = False
    # Paths without their index, names without brackets.
    variables: set[str] = field(default_factory=set)
    _partials: dict[Partial, Render] = field(default_factory=dict)

    def nested(self) -> "Compiler":
        """The same, for what stands in a context of its own."""
        return replace(self, is_nested=True)

    def sequence(self, nodes: Sequence[Node]) -> Render:
        """The nodes one after the other."""
        parts: list[str | Render] = []
        if not self.is_tracked:
            nodes = _without_links(nodes)
        for is_text, group in groupby(nodes, lambda node: isinstance(node, Text)):
            if is_text:
                parts.append(self.ink.fixed("".join(node.text for node in group if isinstance(node, Text))))
            else:
                parts.extend(self._node(node) for node in group)
        return joined(parts, self.ink.max_output)

    def _node(self, node: Node) -> Render:
        match node:
            case Output():
                return self._output(node)
            case Block():
                return self._block(node)
            case Partial():
                return self._partial(node)
            case Link():
                return self._link(node)
            case Pixel():
                return self._pixel()
            case Text(text=text):
                return lambda _: text

    # -- output

    def _output(self, node: Output) -> Render:
        finish = self.ink.variable(node.is_escaped)
        expression = node.expression
        if isinstance(expression, Path) and not _is_helper(expression.text):
            read = self._path(expression)
            if expression.steps == RECOMMENDED_ITEMS:
                read = _first(read)
            return _variable(read, expression.text, finish)
        read = self._expression(expression, yes_and_no=True)
        if finish is None:
            return lambda rendering: text_of(read(rendering)) or ""
        return lambda rendering: finish(text_of(read(rendering)) or "")

    def _partial(self, node: Partial) -> Render:
        if node not in self._partials:
            # It may be used inside a loop.
            self._partials[node] = self.nested().sequence(node.body)
        body = self._partials[node]

        def use(rendering: Rendering) -> str:
            rendering.step()
            return body(rendering)

        return use

    def _link(self, node: Link) -> Render:
        # The address is put together as HTML, before anything is encoded.
        plain = replace(self, ink=Ink(self.ink.escape), _partials={})
        address = plain.sequence(node.body)
        return link(address, node.tag, self.ink.fixed)

    def _pixel(self) -> Render:
        fixed, escape = self.ink.fixed, self.ink.escape

        def image(rendering: Rendering) -> str:
            if rendering.pixel is None:
                return ""
            address = escape(rendering.pixel) if escape else rendering.pixel
            return fixed(f'<img src="{address}" width="1" height="1" border="0" alt="">')

        return image

    # -- blocks

    def _block(self, node: Block) -> Render:
        make = BLOCKS.get(node.call.name)
        if make:
            return make(self, node)
        helper = _helper(node.call)
        if not helper.is_condition:
            raise SyntaxFault(f"{helper.name} can't be used as a block", node.call.at)
        if any(name in node.call.options for name in _ANSWERS):
            raise SyntaxFault(f"{helper.name} takes yes and no only where it is no block", node.call.at)
        return self._either(self._call(node.call), node)

    def _either(self, asked: Read, node: Block) -> Render:
        body = self.sequence(node.body)
        otherwise = self.sequence(node.otherwise)
        return lambda rendering: body(rendering) if asked(rendering) else otherwise(rendering)

    def _argument(self, node: Block) -> Read:
        """The only argument of a built-in block."""
        call = node.call
        if len(call.arguments) != 1 or call.options:
            raise SyntaxFault(f"{call.name} takes exactly one argument", call.at)
        return self._expression(call.arguments[0])

    def if_(self, node: Block) -> Render:
        """`{{#if x}}`."""
        return self._either(self._argument(node), node)

    def unless(self, node: Block) -> Render:
        """`{{#unless x}}`."""
        asked = self._argument(node)
        return self._either(lambda rendering: not asked(rendering), node)

    def with_(self, node: Block) -> Render:
        """`{{#with x}}`: what stands in it is looked for in x first."""
        asked = self._argument(node)
        body = self.nested().sequence(node.body)
        otherwise = self.sequence(node.otherwise)

        def render(rendering: Rendering) -> str:
            value = asked(rendering)
            if not value:
                return otherwise(rendering)
            around = rendering.context
            rendering.context = Context(value, around)
            text = body(rendering)
            rendering.context = around
            return text

        return render

    def each(self, node: Block) -> Render:
        """`{{#each x}}`: once for each of the first items of a list, or values of an object."""
        asked = self._argument(node)
        body = self.nested().sequence(node.body)
        otherwise = self.sequence(node.otherwise)
        most = self.ink.max_output

        def render(rendering: Rendering) -> str:
            items = _items(asked(rendering))
            if not items:
                return otherwise(rendering)
            around = rendering.context
            texts = []
            size = 0
            for index, (key, value) in enumerate(items):
                rendering.step()
                rendering.context = Context(value, around, index, key, index == len(items) - 1)
                texts.append(body(rendering))
                size += len(texts[-1])
                if size > most:
                    raise too_long(most)
            rendering.context = around
            return "".join(texts)

        return render

    # -- expressions

    def _expression(
        self,
        expression: Expression,
        *,
        yes_and_no: bool = False,
        is_word: bool = False,
    ) -> Read:
        """What reads a value. `is_word`: a path that leads nowhere is its own text."""
        match expression:
            case Literal(value=value):
                return lambda _: value
            case Path(text=text, at=at) if _is_helper(text):
                return self._call(Invocation(text, (), {}, at), yes_and_no=yes_and_no)
            case Path(text=text):
                read = self._path(expression)
                if is_word:
                    return lambda rendering: text if (value := read(rendering)) is None else value
                return read
            case Invocation():
                return self._call(expression, yes_and_no=yes_and_no)

    def _call(self, call: Invocation, *, yes_and_no: bool = False) -> Read:
        helper = _helper(call)
        _check_arguments(helper, call)
        given = [
            self._expression(each, is_word=helper.takes_words and position > 0)
            for position, each in enumerate(call.arguments)
        ]
        options = {name: self._expression(each, is_word=True) for name, each in call.options.items()}
        if helper.is_condition:
            answers = {name: options.pop(name) for name in _ANSWERS if name in options}
            asked = _bound(helper, given, options)
            return _answering(asked, answers) if answers or yes_and_no else asked
        return _bound(helper, given, options)

    def _path(self, path: Path) -> Read:
        """What reads a variable."""
        if path.steps and not path.steps[0].startswith("@"):
            self.variables.add(variable(path))
        return look_up(path, is_nested=self.is_nested)


def _without_links(nodes: Sequence[Node]) -> list[Node]:
    """The nodes with those in links among them, so that text before, in and after a link is one."""
    return [inner for node in nodes for inner in (node.body if isinstance(node, Link) else (node,))]


def _variable(read: Read, name: str, finish: Callable[[str], str] | None) -> Render:
    """The text of a variable, which must have a value."""

    def render(rendering: Rendering) -> str:
        value = read(rendering)
        if value.__class__ is list and len(value) == 1:
            value = value[0]
        text = value if value.__class__ is str else text_of(value)
        if text is None:
            if not rendering.values.missing_is_empty:
                raise RenderError(f"Missing value for message variable: {name}")
            return ""
        return text if finish is None else finish(text)

    return render


def _items(value: Value) -> list[tuple[str | None, Value]]:
    """What a loop goes through; a single value counts as a list of one."""
    if isinstance(value, dict):
        return list(value.items())[:MAX_ITEMS]
    if isinstance(value, list | tuple):
        return [(None, each) for each in value[:MAX_ITEMS]]
    return [] if value in (None, "", False) else [(None, value)]


def _first(read: Read) -> Read:
    """Of recommended items, the first one is printed (templates.md section 9)."""
    return lambda rendering: item(read(rendering), 0)


def _is_helper(name: str) -> bool:
    """Helpers win over variables of the same name."""
    return name in HELPERS or name in BLOCKS


def _helper(call: Invocation) -> Helper:
    if call.name in BLOCKS:
        raise SyntaxFault(f"{call.name} is a block: {{{{#{call.name} …}}}}", call.at)
    if call.name not in HELPERS:
        raise SyntaxFault(f"unknown helper {call.name}", call.at)
    return HELPERS[call.name]


def _check_arguments(helper: Helper, call: Invocation) -> None:
    """Raises SyntaxFault for arguments and options that the helper does not take."""
    count = len(call.arguments)
    most = None if helper.rest else len(helper.arguments)
    if count < helper.at_least or (most is not None and count > most):
        wanted = str(helper.at_least) if most == helper.at_least else f"{helper.at_least} to {most}"
        wanted = f"at least {helper.at_least}" if most is None else wanted
        raise SyntaxFault(f"{helper.name} takes {wanted} arguments, not {count}", call.at)
    known = {*helper.options, *(_ANSWERS if helper.is_condition else ())}
    for name in call.options:
        if name not in known:
            raise SyntaxFault(f"{helper.name} has no option {name}", call.at)
    missing = [name for name, taken in helper.options.items() if taken.is_required and name not in call.options]
    if missing:
        raise SyntaxFault(f"{helper.name} needs the option {missing[0]}", call.at)


def _bound(helper: Helper, given: Sequence[Read], options: dict[str, Read]) -> Read:
    """A helper with what reads its arguments."""
    taken = [*helper.arguments, *([helper.rest] * len(given) if helper.rest else [])]
    converts = [each.convert for each in taken[: len(given)]]
    named = [(name, read, helper.options[name].convert) for name, read in options.items()]
    function = helper.function

    def call(rendering: Rendering) -> Value:
        values = [read(rendering) for read in given]
        rendering.step()
        for value in values:
            if value.__class__ is str and len(value) > _LONG_TEXT:
                rendering.look()
        if helper.skip(values):
            return ""
        arguments = [convert(value) if convert else value for convert, value in zip(converts, values, strict=True)]
        further = {name: convert(read(rendering)) if convert else read(rendering) for name, read, convert in named}
        if helper.takes_values:
            further["values"] = rendering.values
        return function(*arguments, **further)

    return call


def _answering(asked: Read, answers: dict[str, Read]) -> Read:
    """A condition that is printed: its options `yes` and `no`, or `true` and `false`."""
    yes, no = answers.get("yes"), answers.get("no")

    def answer(rendering: Rendering) -> Value:
        holds = asked(rendering)
        chosen = yes if holds else no
        return holds if chosen is None else chosen(rendering)

    return answer


# Blocks that decide what of them is rendered, and how often.
BLOCKS: dict[str, Callable[[Compiler, Block], Render]] = {
    "if": Compiler.if_,
    "unless": Compiler.unless,
    "with": Compiler.with_,
    "each": Compiler.each,
}
