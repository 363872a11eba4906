"""How a function is named: by name, by ARN, or by the end of one, each with or without a version or alias."""

import re
from dataclasses import dataclass

from repoint.settings import Settings
from repoint.tables import FUNCTION_NAME

_FORM = re.compile(FUNCTION_NAME)


@dataclass(frozen=True, slots=True)
class Named:
    """A function that somebody named."""

    # As it was written.
    text: str
    # Without version and alias.
    name: str
    # Version or alias with its colon, or nothing.
    qualifier: str
    region: str
    # The whole of it, made of our own region and account where less was written.
    arn: str


def read_name(text: str, settings: Settings) -> Named | None:
    """Take a function's name apart; None when it is none."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    region = match["region"] or settings.regions[0]
    arn = f"arn:aws:lambda:{region}:{settings.account_id}:function:{match['name']}{match['qualifier'] or ''}"
    return Named(text, match["name"], match["qualifier"] or "", region, text if match["region"] else arn)
