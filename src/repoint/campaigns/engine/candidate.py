"""One endpoint of a run, and what is decided about it on the way to its message."""

from dataclasses import dataclass
from datetime import datetime

from repoint.delivery.judge import Judged
from repoint.delivery.recipient import Recipient
from repoint.events.records import CampaignStatus

# The metric of those who belong to another treatment, or are held out of all of them.
OTHER_TREATMENT = "TREATMENT_HOLDOUT"
OTHER_ZONE = "ENDPOINT_TIMEZONE_MISMATCH"
# Those are counted, and not written into the ledger of this run: they have their place elsewhere.
UNWRITTEN = frozenset({OTHER_TREATMENT, OTHER_ZONE})


@dataclass(slots=True)
class Candidate:
    """One endpoint of a run, and what has been decided about it."""

    key: str
    # 0 in a run over a segment, else the position of the event that triggered it.
    occurrence: int = 0
    # When that event was logged.
    triggered_at: datetime | None = None
    # None for one that is not there any more.
    recipient: Recipient | None = None
    # The metric under which it is left out, without a record; or the status that is told of it as of a send.
    left_out: str | None = None
    held_back: CampaignStatus | None = None
    detail: str | None = None
    is_open: bool = True
    # The message of one that is open, or why it has none; None until it is made.
    judged: Judged | None = None

    @property
    def known(self) -> Recipient:
        """The recipient of one that is there."""
        assert self.recipient is not None  # noqa: S101 - whoever asks has seen to it
        return self.recipient

    def leave_out(self, metric: str) -> None:
        """Say that it is not tried to be reached."""
        self.left_out, self.is_open = metric, False

    def hold_back(self, status: CampaignStatus, detail: str | None = None) -> None:
        """Say that it gets nothing, and that this is told."""
        self.held_back, self.detail, self.is_open = status, detail, False
