from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import make_contract


@pytest.mark.parametrize(
    ("name", "make"), [("model.json", make_contract.make_model), ("shapes.py", make_contract.make_shapes)]
)
def test_generated_files_are_what_the_script_makes(name: str, make: Callable[[], str]) -> None:
    assert (make_contract.CONTRACT / name).read_text() == make()


def test_model_is_without_prose() -> None:
    assert "documentation" not in Path(make_contract.CONTRACT / "model.json").read_text()
