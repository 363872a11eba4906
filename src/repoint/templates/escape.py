"""How what is put into a text is made safe there (templates.md section 5, Escaping)."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from json.encoder import encode_basestring

# Longer output is refused, rendered for one recipient (templates.md section 6).
MAX_OUTPUT = 1024 * 1024

_SPECIAL_IN_HTML = re.compile(r"[&<>\"']").search


class Escape(Enum):
    """What `{{x}}` does to its value; `{{{x}}}` does nothing."""

    # Subjects, text parts, SMS, voice, push.
    NONE = "none"
    # HTML parts.
    HTML = "html"
    # Values inside a JSON string: RawContent, Data.
    JSON_STRING = "json"


def escape_html(text: str) -> str:
    """For text and for attribute values in either quotes."""
    return html.escape(text) if _SPECIAL_IN_HTML(text) else text


def escape_json(text: str) -> str:
    """What stands between the quotes of a JSON string."""
    return encode_basestring(text)[1:-1]


ESCAPES: dict[Escape, Callable[[str], str] | None] = {
    Escape.NONE: None,
    Escape.HTML: escape_html,
    Escape.JSON_STRING: escape_json,
}


@dataclass(frozen=True, slots=True)
class Ink:
    """What becomes of text on its way into the output.

    Values are escaped, then encoded; what stands in the template is only encoded, once. So parts are encoded each for
    itself, and `encode` must be such that the encoded parts, put together, mean the parts put together.
    """

    escape: Callable[[str], str] | None
    encode: Callable[[str], str] | None = None
    max_output: int = MAX_OUTPUT

    def fixed(self, text: str) -> str:
        """What stands in the template."""
        return self.encode(text) if self.encode else text

    def variable(self, is_escaped: bool) -> Callable[[str], str] | None:  # noqa: FBT001 - of a tag, as the tree has it
        """What is done to a value's text; None for nothing."""
        escape, encode = self.escape if is_escaped else None, self.encode
        if escape and encode:
            return lambda text: encode(escape(text))
        return escape or encode
