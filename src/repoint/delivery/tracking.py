"""Links in e-mails that tell of opens and clicks, signed so that they lead only where we have let them (channels.md 5).

A token names the application, the message and where the link goes. Nothing is looked up to follow one, so a link works
as long as the master key does, also when its message has been forgotten.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from typing import Literal

import msgspec

from repoint.access.seal import load_seal
from repoint.settings import Settings

LinkKind = Literal["open", "click", "unsubscribe"]

# The path of each kind, before the token.
PATHS: dict[LinkKind, str] = {"open": "/r/o/", "click": "/r/c/", "unsubscribe": "/r/u/"}
_PURPOSE = "links of e-mails"
_MAC_BYTES = 16
_MAX_TOKEN = 16_384
# A longer address leads on by itself: it would make no token that is read, and no link that mail programs follow.
_MAX_URL = 2048
# A link whose anchor carries such a tag is one to unsubscribe: ses:tags="unsubscribeLinkTag:…;"
_UNSUBSCRIBE_TAG = "unsubscribeLinkTag"

_encode = msgspec.json.Encoder().encode


class Link(msgspec.Struct, array_like=True, frozen=True):
    """What a token says."""

    application_id: str
    message_id: str
    # Where a click leads; "" for the other kinds.
    url: str = ""
    is_unsubscribe: bool = False


_decode = msgspec.json.Decoder(Link).decode


@dataclass(frozen=True, slots=True)
class Tracking:
    """Makes the links of one application's e-mails."""

    base_url: str
    key: bytes
    application_id: str
    has_one_click: bool

    def link(self, message_id: str, url: str, tag: str | None) -> str:
        """What stands for a link of the message, itself when it is very long; `tag` is its anchor's `ses:tags`."""
        if len(url) > _MAX_URL:
            return url
        is_unsubscribe = tag is not None and _UNSUBSCRIBE_TAG in tag
        return self._url("click", Link(self.application_id, message_id, url, is_unsubscribe))

    def pixel(self, message_id: str) -> str:
        """The address of the picture that tells of an open."""
        return self._url("open", Link(self.application_id, message_id))

    def headers(self, message_id: str) -> tuple[tuple[str, str], ...]:
        """What mail programs unsubscribe by (RFC 8058)."""
        if not self.has_one_click:
            return ()
        url = self._url("unsubscribe", Link(self.application_id, message_id))
        return ("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")

    def _url(self, kind: LinkKind, link: Link) -> str:
        said = _encode(link)
        return f"{self.base_url}{PATHS[kind]}{_text(said)}.{_text(_mac(self.key, kind, said))}"


def tracking_of(settings: Settings, application_id: str) -> Tracking | None:
    """How this application's e-mails are followed; None when nobody could reach us."""
    if settings.public_url is None:
        return None
    key = load_seal(settings).derive(_PURPOSE)
    return Tracking(settings.public_url.rstrip("/"), key, application_id, settings.one_click_unsubscribe)


def read_token(settings: Settings, kind: LinkKind, token: str) -> Link | None:
    """What a token says; None for one that we have not made for this kind."""
    said_text, _, mac_text = token.partition(".")
    if len(token) > _MAX_TOKEN:
        return None
    try:
        said, mac = _bytes(said_text), _bytes(mac_text)
    except (Error, ValueError):
        return None
    if not hmac.compare_digest(mac, _mac(load_seal(settings).derive(_PURPOSE), kind, said)):
        return None
    return _decode(said)


def _mac(key: bytes, kind: LinkKind, said: bytes) -> bytes:
    return hmac.digest(key, kind.encode() + b"\0" + said, "sha256")[:_MAC_BYTES]


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
