"""A hook and a custom channel as users write them for Lambda: nothing in here knows Repoint."""

import json
from pathlib import Path
from typing import Any


def offer(event: Any, _context: Any) -> Any:
    """Leave out who is on trial, and fail where somebody is cursed; the others get another city and a number."""
    endpoints = event["Endpoints"]
    if any("cursed" in endpoint["Attributes"] for endpoint in endpoints.values()):
        raise LookupError("cursed")
    kept = {}
    for endpoint_id, endpoint in endpoints.items():
        if "trial" not in endpoint["Attributes"]:
            endpoint["Attributes"]["City"] = ["Rome"]
            endpoint["Attributes"]["Offer"] = [720]
            kept[endpoint_id] = endpoint
    return kept


def note(event: Any, _context: Any) -> None:
    """Write the event to where its data says."""
    Path(event["Data"]).write_text(json.dumps(event), encoding="utf-8")
