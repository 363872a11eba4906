"""Rendering a text of 3 variables and 1 conditional, in µs.

The bound is an f-string written by hand that puts the same values of the same endpoint into the same text.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from figure import Figure, arguments, exit_code

from repoint.discover import discover
from repoint.templates.escape import Escape
from repoint.templates.text import compile_text
from repoint.templates.values import Values

SOURCE = (
    "Hi {{User.UserAttributes.FirstName}}, your order {{Attributes.Order.[0]}} to {{Location.City}} is "
    "{{#if Attributes.Sent}}on its way{{else}}being packed{{/if}}."
)
ENDPOINT: dict[str, Any] = {
    "Id": "ann-phone",
    "Address": "+12065550100",
    "ChannelType": "SMS",
    "Attributes": {"Order": ["A-17"], "Sent": ["2026-11-21"]},
    "Location": {"City": "Los Angeles", "Country": "US"},
    "User": {"UserId": "ann", "UserAttributes": {"FirstName": ["Ann"], "LastName": ["Roe"]}},
}


def by_hand(endpoint: dict[str, Any]) -> str:
    """What `SOURCE` says."""
    attributes = endpoint["Attributes"]
    return (
        f"Hi {endpoint['User']['UserAttributes']['FirstName'][0]}, your order {attributes['Order'][0]} to "
        f"{endpoint['Location']['City']} is {'on its way' if attributes.get('Sent') else 'being packed'}."
    )


def each_us(render: Callable[[], str], count: int) -> float:
    """µs of one rendering."""
    started = time.perf_counter()
    for _ in range(count):
        render()
    return (time.perf_counter() - started) / count * 1e6


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=100_000)
    discover()
    compiled = compile_text(SOURCE, part="Body", escape=Escape.NONE)
    now = datetime.now(UTC)
    if compiled.render(Values(ENDPOINT, now)) != by_hand(ENDPOINT):
        print("the template and the f-string say different things")
        return 1
    figure = Figure("rendering a text", "us", must=10)
    for _ in range(given.runs):
        # The values are made anew for each recipient, so that belongs to it.
        figure.add(
            each_us(lambda: by_hand(ENDPOINT), given.count),
            each_us(lambda: compiled.render(Values(ENDPOINT, now)), given.count),
        )
    return exit_code([figure])


if __name__ == "__main__":
    sys.exit(main())
