"""Hooks as users write them for Lambda, good and bad: nothing in here knows Repoint."""

import os
import time
from typing import Any


def offer(event: Any, _context: Any) -> Any:
    """Leave out who is on trial; the others get a number among their attributes."""
    kept = {}
    for endpoint_id, endpoint in event["Endpoints"].items():
        if endpoint["Attributes"].get("plan") == ["trial"]:
            continue
        endpoint["Attributes"]["Offer"] = [720]
        kept[endpoint_id] = endpoint
    return kept


def greet(event: Any, _context: Any) -> Any:
    """Other words for everybody."""
    for endpoint in event["Endpoints"].values():
        endpoint["TitleOverride"] = "Hello"
        endpoint["BodyOverride"] = f"{len(event['Endpoints'])} of you"
    return event["Endpoints"]


def throw(_event: Any, _context: Any) -> None:
    raise LookupError("someone@example.com")


def leave(_event: Any, _context: Any) -> None:
    os._exit(3)


def wait(_event: Any, _context: Any) -> None:
    time.sleep(60)
