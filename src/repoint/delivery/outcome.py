"""What became of a message when it was handed to a provider."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Status(StrEnum):
    """The contract's DeliveryStatus."""

    SUCCESSFUL = "SUCCESSFUL"
    # The provider asks us to come later.
    THROTTLED = "THROTTLED"
    # It was certainly not taken, and may be another time.
    TEMPORARY_FAILURE = "TEMPORARY_FAILURE"
    # It was certainly not taken, and never will be.
    PERMANENT_FAILURE = "PERMANENT_FAILURE"
    # Whether it was taken is not known (`is_in_doubt`), or the provider's answer has no meaning for us.
    UNKNOWN_FAILURE = "UNKNOWN_FAILURE"
    OPT_OUT = "OPT_OUT"
    DUPLICATE = "DUPLICATE"


class Outcome(msgspec.Struct, frozen=True):
    """How one message ended. Expected to fail is a value here, never an exception."""

    status: Status
    # As results of the contract tell it: 200, 400, 403, 404, 410, 413, 429, 500, 504.
    status_code: int
    # StatusMessage: the provider's own words, or ours. Without secrets; it is shown to the caller.
    detail: str = ""
    # The id under which the provider will tell of it later, when it gave one.
    provider_message_id: str | None = None
    # Whoever has taken an e-mail tells later whether it was delivered; otherwise having been taken counts as that.
    tells_of_delivery: bool = False
    # The number or name that the provider sent a text message from, as it named none itself.
    sent_from: str | None = None
    # Under which ids receipts will tell how its parts ended; empty where none are to come.
    receipt_ids: tuple[str, ...] = ()
    # With THROTTLED and TEMPORARY_FAILURE: how long the provider asks us to wait.
    retry_after_s: float | None = None
    # It may have been taken: the connection was lost after the last byte and before the answer. Never failed over.
    is_in_doubt: bool = False
    # The address is no more (an unregistered token); its endpoint becomes INACTIVE.
    is_gone: bool = False
    # The address that the service wants to be used in place of this one from now on.
    updated_token: str | None = None
    # What the user's code answered about this endpoint, for the splits of a journey (journeys.md section 8).
    event_attributes: Mapping[str, str] | None = None

    @property
    def is_sent(self) -> bool:
        """Whether the provider has taken it."""
        return self.status == Status.SUCCESSFUL

    @property
    def may_try_another(self) -> bool:
        """Whether another provider may be asked: certainly not taken, and not because of the message itself."""
        return self.status in {Status.THROTTLED, Status.TEMPORARY_FAILURE}
