"""One rendering under way: whose values, inside which loops, and how much work it may still be."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from repoint.templates.errors import RenderError
from repoint.templates.values import Value, Values

# Longer than this on the processor a rendering may not take (templates.md section 6).
MAX_S = 0.1
# How many steps pass between two looks at the clock.
_STEPS = 64

# Gives the address that stands for a link: its URL, and what the anchor's `ses:tags` says.
Track = Callable[[str, str | None], str]


@dataclass(slots=True)
class Context:
    """What `this` is inside a block, and where a loop stands."""

    value: Value
    around: "Context | None"
    index: int | None = None
    key: str | None = None
    is_last: bool = False

    def told(self, name: str) -> Value:
        """What `@index` and its like are, also of a loop around this block."""
        context: Context | None = self
        while context and context.index is None:
            context = context.around
        if context is None:
            return None
        return {"@index": context.index, "@first": context.index == 0, "@last": context.is_last, "@key": context.key}[
            name
        ]


class Rendering:
    """What a compiled template is called with, node by node."""

    # What most renderings never change stands in the class: one is made for each recipient.
    context: Context | None = None
    # Set for e-mails whose links, or whose opening, are to be told of.
    track: Track | None = None
    pixel: str | None = None
    _steps = 0
    _deadline = 0.0

    def __init__(self, values: Values) -> None:
        self.values = values

    def step(self) -> None:
        """Note some work: a turn of a loop, a helper, a stretch of a long template. Raises RenderError after MAX_S.

        Time is that of the processor, so that a busy machine fails nobody.
        """
        self._steps += 1
        if self._steps % _STEPS == 0:
            self.look()

    def look(self) -> None:
        """Look at the clock at once, after work that may have taken long."""
        now = time.thread_time()
        if not self._deadline:
            self._deadline = now + MAX_S
        elif now > self._deadline:
            raise RenderError(f"Rendering took longer than {MAX_S * 1000:g} ms")
