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


def pick(event: Any, _context: Any) -> Any:
    """Recommend what begins with the user's id."""
    return {"itemList": [{"itemId": f"{event['userId']}-{number}"} for number in range(event["numResults"])]}


def titles(event: Any, _context: Any) -> Any:
    """Name the recommended items; forget bob, and answer nonsense of cid."""
    found = {}
    for endpoint_id, endpoint in event["Endpoints"].items():
        endpoint["Address"] = "elsewhere@example.com"
        endpoint["Recommendations"] = {
            "Title": [f"The {item}" for item in endpoint["RecommendationItems"]],
            "Genre": "poetry",
            "Secret": "x",
        }
        if endpoint_id == "cid":
            endpoint["Recommendations"]["Title"] = 7
        if endpoint_id != "bob":
            found[endpoint_id] = endpoint
    return {"Endpoints": found}
