"""The rewriting of links while a message is rendered (channels.md, Open and click tracking)."""

import html
import re
from collections.abc import Callable

from repoint.templates.rendering import Rendering

# What browsers take out of addresses, too.
_DROPPED = dict.fromkeys(map(ord, "\t\r\n"))
_TRACKED = re.compile(r"\s*https?://", re.IGNORECASE)


def link(
    address: Callable[[Rendering], str], tag: str | None, finish: Callable[[str], str]
) -> Callable[[Rendering], str]:
    """The value of an href, which `address` gives as HTML: another one, where it leads to the web."""

    def render(rendering: Rendering) -> str:
        text = address(rendering)
        if rendering.track and _TRACKED.match(text):
            url = html.unescape(text).strip().translate(_DROPPED)
            text = html.escape(rendering.track(url, tag))
        return finish(text)

    return render
