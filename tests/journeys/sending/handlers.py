"""Functions that journeys call."""

import json
from typing import Any


def note(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Something about each endpoint."""
    return {name: {"EventAttributes": {"status": "ok", "for": name}} for name in event["Endpoints"]}


def fail(_event: dict[str, Any], _context: object) -> None:
    """Nothing."""
    raise ValueError("no")


def titles(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """What it was told, as the title of each endpoint's recommendation."""
    told = json.dumps({name: value for name, value in event.items() if name != "Endpoints"})
    return {name: {"Recommendations": {"Title": [told]}} for name in event["Endpoints"]}
