"""Write the table of settings into docs/operations.md, between its two marks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_origin

from pydantic import BaseModel
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
        f"| `{name}` | `REPOINT_{name.upper().replace('.', '__')}` | {default(field)} | {escaped(field.description)} |"
        for name, field in settings()
    ]
    return "\n".join(["", "| Setting | Environment | Default | What it does |", "|---|---|---|---|", *rows, "", ""])


def settings(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting by its dotted name, those of a group after the group itself."""
    for name, field in model.model_fields.items():
        yield prefix + name, field
        # A dict's keys are names of the user's own.
        parts = () if get_origin(field.annotation) is dict else (field.annotation, *get_args(field.annotation))
        for part in parts:
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from settings(part, f"{prefix}{name}.")


def escaped(text: str | None) -> str:
    """Keep what Markdown would take for its own."""
    return (text or "").replace("|", "\\|").replace("<", "&lt;")


def default(field: FieldInfo) -> str:
    """Write the default as repoint.toml would have it."""
    if field.is_required():
        return "must be given"
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
