"""Templates rendered in a line, for one endpoint that the tests share."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from repoint.discover import discover
from repoint.templates.errors import RenderError, TemplateError
from repoint.templates.escape import Escape
from repoint.templates.text import compile_text
from repoint.templates.values import Substitutions, Values

discover()

AT = datetime(2020, 9, 19, 21, 5, 7, 89_000, tzinfo=UTC)
ENDPOINT: dict[str, Any] = {
    "Id": "ann-phone",
    "Address": "ann@example.com",
    "ChannelType": "EMAIL",
    "OptOut": "NONE",
    "EndpointStatus": "ACTIVE",
    "RequestId": "r-1",
    "CreationDate": "2020-09-01T10:00:00.000Z",
    "EffectiveDate": "2020-09-02T10:00:00.000Z",
    "Attributes": {
        "favorite_colors": ["blue", "red", "green"],
        "empty": [],
        "blank": [""],
        "html": ["<b>&'\"</b>"],
        "w": ["1", "2"],
    },
    "Demographic": {"Make": "Apple", "AppVersion": "1.0", "Timezone": "America/Los_Angeles"},
    "Location": {"City": "Los Angeles", "Country": "US", "Latitude": 47.6182, "Longitude": -122.35},
    "Metrics": {"stars": 5.0, "price": 2.5, "many": 1e21, "few": 1.5e-7, "none": 0.0},
    "User": {
        "UserId": "ann",
        "UserAttributes": {"FirstName": ["Sofia"], "Last Name": ["Roe"], "Age": ["22"], "Names": ["Ann", "Bea"]},
    },
}


# Of a busy machine nothing can be concluded.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Templates and what almost is one, in HTML and out of it.
SOURCES = st.lists(st.sampled_from([
    "{{", "}}", "{{{", "}}}", "{{#", "{{/", "{{^", "{{else}}", "{{> ", '{{#* inline "n"}}', "{{/inline}}", "{{~",
    "~}}", "{{!", "--", "if ", "each ", "with ", "eq ", "upper ", "join ", "lookup ", "dateFormat ", "add ", "(", ")",
    "size=", "'", '"', " ", "\n", ".", "..", "/", "this", "@index", "@root", "Id", "Attributes", ".[0]", "yes", "-2.5",
    "Attributes.favorite_colors", "true", "null", "[", "]", "\\", "é", "n}}", "{{#if Id}}", "{{/if}}", "{{this}}", "1",
    "{{#each Attributes.w}}", "{{/each}}", "{{Id}}", "{{> n}}", "%", '<a href="', '">', "<a ", "href=", "https://x",
    "=", ">", "{{~Id~}}", "</body>", "{{!-- c --}}",
]), max_size=30).map("".join)  # fmt: skip


def render(  # noqa: PLR0913 - rarely given
    source: str,
    data: Mapping[str, Any] = ENDPOINT,
    *,
    above: Sequence[Substitutions] = (),
    below: Substitutions | None = None,
    escape: Escape = Escape.NONE,
    missing_is_empty: bool = False,
) -> str:
    """The source as one text."""
    values = Values(data, AT, above, below or {}, missing_is_empty=missing_is_empty)
    return compile_text(source, part="Body", escape=escape).render(values)


def refusal(source: str) -> str:
    """Why the source is no template, without where that is."""
    with pytest.raises(TemplateError) as raised:
        compile_text(source, part="Body", escape=Escape.NONE)
    return raised.value.detail


def failure(source: str, data: Mapping[str, Any] = ENDPOINT) -> str:
    """Why the source can't be rendered."""
    with pytest.raises(RenderError) as raised:
        render(source, data)
    return raised.value.reason
