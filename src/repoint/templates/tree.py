"""A template as a tree, as `parse` makes it and `compile` walks it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the template; a number keeps its digits, so `2.30` is no binary fraction."""

    value: object


@dataclass(frozen=True, slots=True)
class Path:
    """A variable, or a helper without arguments: which one is known when helpers are."""

    # As written, `../` and `@` included.
    text: str
    # How many contexts to climb.
    up: int
    # `this.…` and `../…`: only that context is asked, none around it.
    is_local: bool
    steps: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Invocation:
    """A helper with its arguments."""

    name: str
    arguments: tuple["Expression", ...]
    options: dict[str, "Expression"]
    at: int


Expression = Literal | Path | Invocation


@dataclass(frozen=True, slots=True)
class Text:
    """What is taken as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """`{{x}}`, or `{{{x}}}`, which is not escaped."""

    expression: Expression
    is_escaped: bool


@dataclass(frozen=True, slots=True)
class Block:
    """`{{#h …}}body{{else}}otherwise{{/h}}`."""

    call: Invocation
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Link:
    """The value of an href."""

    body: tuple["Node", ...]
    # What `ses:tags` of the anchor says.
    tag: str | None


@dataclass(frozen=True, slots=True)
class Pixel:
    """Where the image goes that tells of an opening."""


@dataclass(frozen=True, slots=True, eq=False)
class Partial:
    """`{{> name}}`: an inline partial as it was defined there, found when the template is parsed."""

    body: tuple["Node", ...]


Node = Text | Output | Block | Link | Pixel | Partial


@dataclass(slots=True)
class Open:
    """A block that has begun, while its end is looked for."""

    # None for the template itself.
    call: Invocation | None
    kind: str
    at: int
    body: list[Node] = field(default_factory=list)
    # Where nodes go after `{{else}}`; None before.
    otherwise: list[Node] | None = None
    # How many levels are nested in it.
    height: int = 0
    # Partials defined in it, by name.
    partials: dict[str, tuple[Partial, int]] = field(default_factory=dict)
    tag: str | None = None
    # Begun by `{{else if …}}`: ends together with the block around it.
    is_chained: bool = False
    is_inverted: bool = False

    def nodes(self) -> list[Node]:
        """Where the next node goes."""
        return self.body if self.otherwise is None else self.otherwise
