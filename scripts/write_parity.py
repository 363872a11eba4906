"""Write docs/parity.md: what of the contract works, and where Repoint knowingly differs from Pinpoint.

The first part comes from the registry of operations, the second from docs/deviations.toml, which is kept by hand.
"""

import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from repoint.contract.model import OPERATIONS, OperationModel
from repoint.discover import discover
from repoint.operation import EXTENSIONS, REGISTRY

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "parity.md"
DEVIATIONS = DOCS / "deviations.toml"

HEAD = """\
# Parity with the Amazon Pinpoint API (2016-12-01)

Written by `make parity` from the operations the server has; a test says when this page is out of date.

**{built} of {all} operations work.** The others are routed, authenticated and checked like every other, and then
answered with status 501 and `NotImplementedException`, so that a program learns at once what it would miss.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")


def render() -> str:
    """Make the page's text."""
    discover()
    built = sum(name in REGISTRY for name in OPERATIONS)
    parts = [HEAD.format(built=built, all=len(OPERATIONS)), *contract(), *extensions(), *deviations()]
    return "\n".join(parts)


def contract() -> Iterator[str]:
    """One table for each noun of the contract's paths."""
    ordered = sorted(OPERATIONS.values(), key=lambda model: (noun(model), model.path, model.method))
    for name, models in groupby(ordered, key=noun):
        yield f"## {name.capitalize()}\n\n| Operation | Method and path | |\n|---|---|---|"
        for model in models:
            state = "works" if model.name in REGISTRY else "501"
            yield f"| {model.name} | `{model.method} {model.path}` | {state} |"
        yield ""


def noun(model: OperationModel) -> str:
    """What an operation is about: the first word of its path below the application, or below the version."""
    parts = model.path.removeprefix("/v1/").split("/")
    return parts[2] if parts[0] == "apps" and len(parts) > 2 else parts[0]  # noqa: PLR2004 - apps, id, noun


def extensions() -> Iterator[str]:
    """Operations that are ours and not Amazon's."""
    yield "## Operations of our own\n"
    yield "They are signed and authorised like the contract's; their actions start with `repoint:`.\n"
    yield "| Operation | Method and path |\n|---|---|"
    for name, route in sorted(EXTENSIONS.items()):
        yield f"| {name} | `{route.method} {route.path}` |"
    yield ""


def deviations() -> Iterator[str]:
    """Make the table of differences, as docs/deviations.toml has them."""
    yield "## Where Repoint differs on purpose\n"
    yield "| Where | Pinpoint | Repoint | Why |\n|---|---|---|---|"
    for row in tomllib.loads(DEVIATIONS.read_text(encoding="utf-8"))["deviation"]:
        yield f"| {row['where']} | {row['pinpoint']} | {row['repoint']} | {row['why']} |"
    yield ""


if __name__ == "__main__":
    main()
