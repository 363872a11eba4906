"""Write the table of settings into docs/operations.md, between its two marks."""

import re
from pathlib import Path

from pydantic.fields import FieldInfo

from repoint.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operations.md"
MARKED = re.compile(r"(?<=<!-- settings: written by make settings -->\n).*(?=<!-- end of settings -->)", re.DOTALL)


def main() -> None:
    """Renew the page."""
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def renewed(page: str) -> str:
    """Put today's table into the page's text; raises ValueError when a mark is missing."""
    text, count = MARKED.subn(lambda _: table(), page)
    if count != 1:
        raise ValueError("the page has no place for the table of settings")
    return text


def table() -> str:
    """One row a setting: name in repoint.toml, environment variable, default, what it does."""
    rows = [
        f"| `{name}` | `REPOINT_{name.upper()}` | {default(field)} | {escaped(field.description)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["", "| Setting | Environment | Default | What it does |", "|---|---|---|---|", *rows, "", ""])


def escaped(text: str | None) -> str:
    """Keep what Markdown would take for its own."""
    return (text or "").replace("|", "\\|").replace("<", "&lt;")


def default(field: FieldInfo) -> str:
    """Write the default as repoint.toml would have it."""
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, tuple | list):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if str(value) else "empty"


if __name__ == "__main__":
    main()
