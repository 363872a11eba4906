import ast
import inspect
from typing import get_args

from repoint.campaigns import reasons, why
from repoint.campaigns.engine import candidate, recipients
from repoint.delivery.ledger import IN_DOUBT
from repoint.events.records import CampaignStatus


def names_in(module: object) -> set[str]:
    """Texts of a module that look like the name of a metric."""
    tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]  # a module
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if text.startswith(("ENDPOINT_", "FILTERED_OUT_")) and text.isupper()}


def test_every_status_of_the_ledger_has_its_words() -> None:
    metrics = (names_in(recipients) | names_in(candidate)) - candidate.UNWRITTEN

    assert "ENDPOINT_OPT_OUT" in metrics
    assert set(reasons.STATUSES) == {*get_args(CampaignStatus), *metrics, IN_DOUBT}


def test_every_reason_for_silence_has_its_words() -> None:
    tree = ast.parse(inspect.getsource(why))
    named = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "reasons" and node.attr.isupper()
    } - {"STATUSES", "ABSENCES"}

    assert set(reasons.ABSENCES) == {getattr(reasons, name) for name in named}
