"""docs/templates.md: its examples print what it says, and no helper is left out."""

import json
import re
from pathlib import Path

import pytest

from repoint.templates.compile import BLOCKS
from repoint.templates.helper import HELPERS
from tests.templates.rendered import render

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
ENDPOINT = json.loads(re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0])
EXAMPLES = re.findall(r"^\| `(.+?)` \| `(.+?)` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("source", "text"), EXAMPLES)
def test_an_example_prints_what_stands_beside_it(source: str, text: str) -> None:
    assert render(source, ENDPOINT) == text


@pytest.mark.parametrize("name", [*HELPERS, *BLOCKS])
def test_a_helper_is_documented(name: str) -> None:
    used = re.search(rf"\{{\{{[#^]?{name}\b", PAGE) or f"`{name}`" in PAGE

    assert used, "add an example to docs/templates.md"
