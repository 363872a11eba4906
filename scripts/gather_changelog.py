"""Move the fragments of changelog.d into CHANGELOG.md: `gather_changelog.py 0.2.0`; without a version only show them.

A fragment is one sentence in the past tense in a file `<what>.<kind>.md`, written in the commit that it is about.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRAGMENTS = ROOT / "changelog.d"
PAGE = ROOT / "CHANGELOG.md"
KINDS = ("added", "changed", "fixed", "removed", "security")


def main(version: str | None) -> None:
    """Gather under the version's heading, and remove what was gathered."""
    if version is None:
        print(gathered())
        return
    head, mark, older = PAGE.read_text(encoding="utf-8").partition("\n## ")
    today = datetime.now(UTC).date().isoformat()
    PAGE.write_text(f"{head}\n## {version} ({today})\n\n{gathered()}{mark}{older}", encoding="utf-8")
    for path in fragments():
        path.unlink()


def gathered() -> str:
    """All fragments, one list a kind; raises ValueError for a file that is no fragment."""
    lists = [f"### {kind.capitalize()}\n\n{entries}" for kind in KINDS if (entries := entries_of(kind))]
    return "\n".join(lists)


def entries_of(kind: str) -> str:
    """Make one list entry of each fragment of this kind; empty when there is none."""
    texts = [path.read_text(encoding="utf-8").strip() for path in fragments() if kind_of(path) == kind]
    return "".join("- " + text.replace("\n", "\n  ") + "\n" for text in texts)


def fragments() -> list[Path]:
    """Every fragment, by name."""
    return sorted(path for path in FRAGMENTS.glob("*.md") if path.name != "README.md")


def kind_of(path: Path) -> str:
    """Read the kind from the file's name; raises ValueError when it has none."""
    parts = path.name.split(".")
    if len(parts) != 3 or parts[1] not in KINDS:  # noqa: PLR2004 - what, kind, md
        raise ValueError(f"changelog.d/{path.name}: the name must be <what>.<{'|'.join(KINDS)}>.md")
    return parts[1]


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
