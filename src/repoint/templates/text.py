"""A template of one text, compiled once and rendered for each recipient."""

from collections.abc import Iterable
from dataclasses import dataclass

from repoint.templates.cache import MOST_BYTES, Cache, compiled_size
from repoint.templates.compile import Compiler
from repoint.templates.errors import SyntaxFault
from repoint.templates.escape import ESCAPES, Escape, Ink
from repoint.templates.join import Render
from repoint.templates.parse import parse
from repoint.templates.rendering import Rendering
from repoint.templates.tokens import tokenise
from repoint.templates.values import Values

# Variables that a recommender gives (templates.md section 9).
_RECOMMENDED = frozenset({"RecommendationItems", "Recommendations"})


@dataclass(frozen=True, slots=True)
class Compiled:
    """A text that variables are put into."""

    run: Render
    # Paths of the variables that it uses, without index and brackets.
    variables: frozenset[str]

    def render(self, values: Values) -> str:
        """The text for one recipient. Raises RenderError with the reason why there is none."""
        return self.run(Rendering(values))

    @property
    def uses_recommendations(self) -> bool:
        """Whether a recommender must be asked before this is rendered."""
        return uses_recommendations(self.variables)


def uses_recommendations(variables: Iterable[str]) -> bool:
    """Whether one of the variables is given by a recommender."""
    return any(path.partition(".")[0] in _RECOMMENDED for path in variables)


_cache: Cache[tuple[str, Escape], Compiled] = Cache(MOST_BYTES)


def compile_text(source: str, *, part: str, escape: Escape) -> Compiled:
    """Compile a template, or take it from the cache.

    Raises TemplateError, which names the part and the place of the mistake.
    """
    found = _cache.get((source, escape))
    if found is None:
        try:
            compiler = Compiler(Ink(ESCAPES[escape]))
            found = Compiled(compiler.sequence(parse(tokenise(source))), frozenset(compiler.variables))
        except SyntaxFault as fault:
            raise fault.of(part, source) from None
        _cache.put((source, escape), found, size=compiled_size(source))
    return found
