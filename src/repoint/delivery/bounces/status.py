"""What a status means: hard for 5.x.x, soft for 4.x.x (channels.md section 5)."""

import re
from dataclasses import dataclass

from repoint.events.email_records import Bounce, BounceType

# Enhanced codes (RFC 3463) and plain ones (RFC 5321), not as parts of addresses, of versions or of other numbers.
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)", re.ASCII)
_PLAIN = re.compile(r"(?<![\w.])([45])\d\d(?![\w,]|\.\d)", re.ASCII)
_DETAIL_CHARACTERS = 1000
_TYPES: dict[str, BounceType] = {"5": "Permanent", "4": "Transient"}


@dataclass(frozen=True, slots=True)
class Finding:
    """How a message ended for its recipient, or that it did not yet, as a mail tells it."""

    # `failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464 section 2.3.3).
    action: str
    # 5.1.1; empty when not told.
    status: str = ""
    diagnostic: str = ""
    reporting_mta: str = ""

    def bounce(self, key: str) -> Bounce:
        """What the event tells."""
        kind = "Transient" if self.action == "delayed" else _TYPES.get(self._class(), "Undetermined")
        diagnostic = self.diagnostic[:_DETAIL_CHARACTERS]
        return Bounce(kind, _sub_type(self.status), self.action, self.status, diagnostic, key, self.reporting_mta)

    def _class(self) -> str:
        """The first digit; the status of some servers is wrong or 5.0.0, but then it is of the right class."""
        found = _ENHANCED.match(self.status) or _ENHANCED.search(self.diagnostic) or _PLAIN.search(self.diagnostic)
        return found[1] if found else ""


def find_status(text: str) -> str:
    """The first status in a text that people read: 5.1.1, or else 550; empty when there is none."""
    found = _ENHANCED.search(text) or _PLAIN.search(text)
    return found[0] if found else ""


def _sub_type(status: str) -> str:
    _, _, detail = status.partition(".")
    return {"2.2": "MailboxFull", "2.3": "MessageTooLarge", "3.4": "MessageTooLarge"}.get(detail, "General")
