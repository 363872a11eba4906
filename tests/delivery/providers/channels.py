"""Custom channels as users write them for Lambda: nothing in here knows Repoint."""

import json
import os
import time
from collections import Counter
from typing import Any


def count(event: Any, _context: Any) -> None:
    """Print how many endpoints of each channel type came."""
    counts = Counter(endpoint["ChannelType"] for endpoint in event["Endpoints"].values())
    print(json.dumps({"campaign": event["CampaignId"], **counts}, sort_keys=True))  # noqa: T201 - what it is for


def answer(event: Any, _context: Any) -> Any:
    return json.loads(event["Data"])


def throw(event: Any, _context: Any) -> None:
    raise LookupError(f"no account for {event['Endpoints']}")


def wait(_event: Any, _context: Any) -> None:
    time.sleep(60)


def leave(_event: Any, _context: Any) -> None:
    os._exit(3)


def answer_a_set(_event: Any, _context: Any) -> Any:
    return {1}
