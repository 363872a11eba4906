"""Contact center activities (journeys.md section 8): there is no dialer, so nobody is called."""

from collections.abc import Mapping, Sequence
from typing import Any

from repoint.journeys.activities.kind import Group, Move, performs

Members = Mapping[str, Any]


class ContactCenter:
    """Counts an attempt to dial that failed, and has participants go on."""

    name = "ContactCenter"
    activity_type = "CONTACT_CENTER"

    def metrics(self, _activity: Members) -> Sequence[str]:
        """Those of Amazon Connect's campaigns."""
        return (
            "SUCCESS",
            "DIAL_FAILURE",
            "REMOVED_BY_REEVALUATION",
            "EXPIRED",
            "CONNECTED",
            "SIT_TONE",
            "FAX",
            "VOICEMAIL_BEEP",
            "VOICEMAIL_NO_BEEP",
            "NOT_ANSWERED",
            "CONNECTION_ERROR",
        )

    async def perform(self, group: Group) -> Sequence[Move]:
        """See Kind."""
        next_id = group.activity.get("NextActivity") or None
        return [Move(visit.participant, ("DIAL_FAILURE",), next_id, is_performed=True) for visit in group.visits]


performs(ContactCenter())
