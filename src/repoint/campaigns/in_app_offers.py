"""What may be shown in an application's apps: its in-app campaigns and their segments, read and compiled once.

A version of a campaign never changes, nor does one of a segment. So each call only asks which ones there are, and what
this process has met before is not read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from repoint.campaigns.campaign import Campaign, Members, Treatment, read_campaign
from repoint.campaigns.schedule import Plan, read_schedule
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.resources.documents import Document
from repoint.segments.memberships import Memberships, Name, load_memberships
from repoint.templates.cache import Cache

Q = load_queries("repoint.campaigns")

_MOST_BYTES = 32 * 1024 * 1024
# A parsed document takes some times as much as its text, and its answers about as much as that.
_PARSED = 7

_Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """A version of a campaign, as it would be shown to whoever is in its segment."""

    campaign: Campaign
    # By treatment, in their order.
    plans: tuple[Plan, ...]
    # As it is stored.
    content: Members
    # By treatment, what an answer has of it, None for nothing; filled in when it is first asked for.
    answers: dict[int, msgspec.Raw | None] = field(default_factory=dict)

    @property
    def segment(self) -> Name:
        """The version of its segment."""
        return self.campaign.segment_id, self.campaign.segment_version

    def treatment_of(self, cohort: int, now: datetime) -> Treatment | None:
        """The cohort's own treatment; None when it is held out, or when that treatment does not go on now."""
        own = next((each for each in self.campaign.treatments if cohort in each.cohorts), None)
        if own is None:
            return None
        plan = self.plans[own.id]
        has_begun = plan.starts_at is None or plan.starts_at <= now
        return own if has_begun and (plan.ends_at is None or now <= plan.ends_at) else None


_offers: Cache[tuple[str, int], Offer] = Cache(_MOST_BYTES)
_memberships: Cache[object, Memberships] = Cache(_MOST_BYTES)


async def load_offers(db: Db, application_id: str, named: Sequence[tuple[str, int]]) -> list[Offer]:
    """The campaigns of these ids and versions, in their order; one that was changed since, as it is now."""
    found = {campaign_id: offer for campaign_id, version in named if (offer := _offers.get((campaign_id, version)))}
    missing = [campaign_id for campaign_id, _ in named if campaign_id not in found]
    if missing:
        parameters = {"application_id": application_id, "ids": missing}
        for row in await db.tuples(Q.campaigns_by_id, parameters):
            found[row[0]] = _read(row)
    return [found[campaign_id] for campaign_id, _ in named if campaign_id in found]


async def find_memberships(
    db: Db, application_id: str, offers: Sequence[Offer], now: datetime, *, renews: bool = False
) -> Memberships:
    """How the campaigns' segments are asked about; loaded unless it is known, or in any case."""
    names = frozenset(offer.segment for offer in offers)
    key = (application_id, names)
    found = None if renews else _memberships.get(key)
    if found is not None:
        return found.as_of(now)
    found = await load_memberships(db, application_id, names, now)
    _memberships.put(key, found, size=found.size)
    return found


def _read(row: _Row) -> Offer:
    campaign_id, application_id, content, created_at, modified_at, version, length = row
    document = Document(campaign_id, application_id, content, {}, created_at, modified_at, version)
    campaign = read_campaign(document)
    plans = tuple(read_schedule(treatment.schedule) for treatment in campaign.treatments)
    offer = Offer(campaign, plans, content)
    _offers.put((campaign_id, version), offer, size=length * _PARSED)
    return offer
