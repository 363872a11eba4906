"""What the first word of a message from somebody asks for (channels.md section 5, "Two-way SMS and keywords")."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from repoint.settings import Settings
from repoint.tables import HELP_WORDS, START_WORDS, STOP_WORDS, SmsNumber

# Of people in the United States and Canada, whose carriers see to STOP themselves.
_TOLL_FREE = re.compile(r"\+18(?:00|33|44|55|66|77|88)[0-9]{7}")
_OTHERWISE = SmsNumber()
# What people put around a word, and what programs leave there unseen: byte order and direction marks, and NUL as it is
# stored.
_AROUND = "\"'.,!?;:()\ufeff\u200b\u200e\u200f\u202a\u202c\ufffd"


class Asks(Enum):
    """What somebody wants."""

    TO_STOP = auto()
    TO_START = auto()
    FOR_HELP = auto()
    # Anything else: it is published.
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Read:
    """A message as its number's settings read it."""

    asks: Asks
    # What is answered at once; None for nothing.
    reply: str | None
    is_published: bool


def number_of(settings: Settings, number: str) -> SmsNumber:
    """What is set for one of our numbers."""
    return settings.sms_numbers.get(number) or settings.sms_numbers.get("*") or _OTHERWISE


def read(body: str, number: str, configured: SmsNumber) -> Read:
    """What a message to this number asks for."""
    words = body.split(maxsplit=1)
    word = words[0].strip(_AROUND).upper() if words else ""
    is_published = configured.destination is not None
    if configured.self_managed_opt_outs:
        return Read(Asks.OTHER, _keyword_reply(word, configured), is_published)
    if _TOLL_FREE.fullmatch(number):
        return _read_toll_free(word, configured, is_published=is_published)
    if word in STOP_WORDS:
        return Read(Asks.TO_STOP, configured.stop_reply or None, is_published=False)
    if word in START_WORDS:
        return Read(Asks.TO_START, configured.start_reply or None, is_published=False)
    if word in HELP_WORDS:
        return Read(Asks.FOR_HELP, configured.help_reply or None, is_published=False)
    return Read(Asks.OTHER, _keyword_reply(word, configured), is_published)


def _read_toll_free(word: str, configured: SmsNumber, *, is_published: bool) -> Read:
    """Two words only, which the carrier has answered already."""
    if word == "STOP":
        return Read(Asks.TO_STOP, None, is_published=False)
    if word == "UNSTOP":
        return Read(Asks.TO_START, None, is_published=False)
    return Read(Asks.OTHER, _keyword_reply(word, configured), is_published)


def _keyword_reply(word: str, configured: SmsNumber) -> str | None:
    return next((reply for keyword, reply in configured.keywords.items() if keyword.upper() == word), None) or None
