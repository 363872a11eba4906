"""What gateways tell by HTTP: how a message ended, and what somebody has written.

Each has a form of its own, so options say where things stand in it: a JSON pointer (`/message/id`), or the name of a
field of a form or of the query.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field, SecretStr

from repoint.delivery.gateway.answer import Finder
from repoint.delivery.heard import Heard, Inbound, Receipt, named
from repoint.delivery.phone_number import InvalidNumberError, e164
from repoint.events.sms_records import Status

# Short codes have fewer digits than any whole number.
_LONGEST_CODE = 8
_MAX_FIELDS = 200


class InboundAt(BaseModel, frozen=True, extra="forbid"):
    """Where a message from somebody stands in what the gateway tells."""

    from_at: str = Field(description="Who has written.")
    to_at: str = Field(description="Our number.")
    body_at: str = Field(description="The text.")
    id_at: str | None = Field(default=None, description="What tells it from all others, so that it counts once.")


class ReceiptAt(BaseModel, frozen=True, extra="forbid"):
    """Where a receipt stands in what the gateway tells."""

    id_at: str = Field(description="The id that the gateway gave the message, which the provider's `id_at` has found.")
    status_at: str = Field(description="The word for how it ended.")
    statuses: dict[str, Status] = Field(
        description="What words mean, `{delivered: DELIVERED, failed: UNREACHABLE}`; others are not the end of it."
    )


class CallbackOptions(BaseModel, frozen=True, extra="forbid"):
    """Who may tell, and how it is read."""

    token: SecretStr = Field(min_length=16, description="The end of the URL that the gateway calls; known to it alone.")
    inbound: InboundAt | None = Field(default=None, description="Messages from people.")
    receipts: ReceiptAt | None = Field(default=None, description="Receipts.")

    def admits(self, token: str) -> bool:
        """Whether whoever knows this token may tell us something."""
        return hmac.compare_digest(token.encode(), self.token.get_secret_value().encode())


@dataclass(frozen=True, slots=True)
class Told:
    """What came, whichever way."""

    query: str
    body: bytes

    def heard(self, provider_name: str, options: CallbackOptions) -> Heard | None:
        """What it says; None for what is neither, or not the end of it."""
        fields, document = self._fields(), self.body.decode("utf-8", "replace")

        def at(place: str | None) -> str | None:
            if place is None:
                return None
            return _point(document, place) if place.startswith("/") else fields.get(place)

        if (form := options.receipts) is not None and (word := at(form.status_at)) is not None:
            message_id, status = at(form.id_at), form.statuses.get(word)
            if message_id is not None and status is not None:
                return Receipt(named(provider_name, message_id), status)
            return None
        if (wanted := options.inbound) is None:
            return None
        origin, ours, body, own_id = (
            at(place) for place in (wanted.from_at, wanted.to_at, wanted.body_at, wanted.id_at)
        )
        if origin is None or ours is None or body is None:
            return None
        return Inbound(_number(origin), _number(ours), body, None if own_id is None else named(provider_name, own_id))

    def _fields(self) -> Mapping[str, str]:
        """Of the query and of a form; the first of several of one name."""
        found: dict[str, str] = {}
        for text in (self.query, self.body.decode("utf-8", "replace")):
            try:
                pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
            except ValueError:
                continue
            for name, value in pairs:
                found.setdefault(name, value)
        return found


def _point(document: str, pointer: str) -> str | None:
    """A text at a JSON pointer, whole and with its line ends; any other value as `Finder` reads it."""
    found = Finder(pointer=pointer).find(document)
    if found is None:
        return None
    place: Any = json.loads(document)
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        place = place[int(name)] if isinstance(place, list) else place[name]
    return place if isinstance(place, str) else found


def _number(text: str) -> str:
    """E.164 for a whole number, with or without its plus; short codes and names as they are."""
    digits = text.strip().removeprefix("+")
    if text.strip().startswith("+") or (digits.isdecimal() and len(digits) > _LONGEST_CODE):
        try:
            return e164(digits)
        except InvalidNumberError:
            pass
    return text.strip()
