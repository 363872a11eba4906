"""Why an endpoint got a campaign's messages, or did not: what the ledger says, and where it is silent, what is known.

The ledger has a row for everybody whom a run came to. Who has none was not come to, or not yet; that is told by what is
so now.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from repoint.campaigns import reasons
from repoint.campaigns.campaign import CAMPAIGNS, Campaign, Members, Treatment, read_campaign
from repoint.campaigns.engine.run import CannotRunError, audience_of
from repoint.contract.dates import format_instant
from repoint.contract.errors import NotFoundException
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.delivery.caps import DAY
from repoint.delivery.phone_number import InvalidNumberError, e164
from repoint.delivery.quiet_time import QuietTime
from repoint.delivery.suppression import suppressed, suppression_key
from repoint.endpoints.key import cohort
from repoint.endpoints.timezone import find_zone
from repoint.segments.audience import Audience
from repoint.segments.members import Batch as SomeMembers
from repoint.segments.members import member_documents
from repoint.segments.sources import EvaluationError
from repoint.segments.why import Tree, explain
from repoint.templates.errors import RenderError

Q = load_queries("repoint.campaigns")

# An endpoint whose events trigger a campaign again and again has its latest messages of a day told.
_MOST_DELIVERIES = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """An endpoint in a campaign, as both are now."""

    campaign: Campaign
    key: str
    # As answers show it; None for one that is not there.
    document: Members | None
    # Whether it is a member of the segment, criterion by criterion; None where that cannot be told.
    verdict: Tree | None
    now: datetime
    ledger_days: int

    @property
    def cohort(self) -> int:
        """What decides on holdout and treatment, for ever the same."""
        if self.document is None:
            return cohort(self.campaign.application_id, self.key)
        return int(self.document["CohortId"])

    @property
    def timezone(self) -> str | None:
        """The name of a zone, one that there is; None for none."""
        name = (self.document or {}).get("Demographic", {}).get("Timezone")
        return name if name is not None and find_zone(name) is not None else None

    @property
    def named(self) -> dict[str, Any]:
        """What statements on the endpoint are given."""
        return {"application_id": self.campaign.application_id, "key": self.key, "timezone": self.timezone}

    def treatment_of(self, campaign: Campaign) -> Treatment | None:
        """Which treatment is its own in a version of the campaign; None when it is held out."""
        return next((each for each in campaign.treatments if self.cohort in each.cohorts), None)


async def ask(db: Db, campaign: Campaign, key: str, now: datetime, ledger_days: int) -> Asked:
    """Look up what is needed to tell anything of an endpoint, which need not exist."""
    audience: Audience | None = None
    verdict: Tree | None = None
    try:
        audience = await audience_of(db, campaign, now)
        verdict = await explain(db, audience, key)
    except (CannotRunError, EvaluationError):
        # A segment below it is gone; the rest can be told all the same.
        pass
    return Asked(campaign, key, await _document(db, campaign, audience, key), verdict, now, ledger_days)


async def _document(db: Db, campaign: Campaign, audience: Audience | None, key: str) -> Members | None:
    """The registered endpoint, or else the snapshot that the segment has of it."""
    places = [SomeMembers([key]), *(SomeMembers([key], {key: each}) for each in _snapshots(audience))]
    for place in places:
        found = await member_documents(db, campaign.application_id, place)
        if key in found:
            document: Members = found[key]
            return document
    return None


def _snapshots(audience: Audience | None) -> Sequence[Any]:
    try:
        return () if audience is None else audience.with_snapshots()
    except EvaluationError:
        return ()


async def tell_endpoint(db: Db, asked: Asked, endpoint_id: str) -> Tree:
    """Where the endpoint belongs, whether it is a member, and what holds its messages back at this moment."""
    campaign, treatment = asked.campaign, asked.treatment_of(asked.campaign)
    told: Tree = {
        "ApplicationId": campaign.application_id,
        "CampaignId": campaign.id,
        "EndpointId": endpoint_id if asked.document is None else asked.document["Id"],
        "Exists": asked.document is not None,
        "CohortId": f"{asked.cohort}",
        "IsHeldOut": treatment is None,
        "Now": await _now(db, asked, treatment),
    }
    if treatment is not None:
        told["TreatmentId"] = f"{treatment.id}"
    if asked.verdict is not None:
        # Not how it comes about: the segment's definition is for those who may read it.
        told["Segment"] = {
            "SegmentId": campaign.segment_id,
            "Version": campaign.segment_version,
            "IsMember": asked.verdict["IsMember"],
            "IsEligible": asked.verdict["IsEligible"],
        }
    return told


async def _now(db: Db, asked: Asked, treatment: Treatment | None) -> Tree:
    """What would hold back a message that went out now: caps that are set, quiet time, suppression."""
    quiet_time = QuietTime.read({} if treatment is None else treatment.quiet_time)
    told: Tree = {"IsQuietTime": quiet_time.holds(asked.now, asked.timezone), "Caps": await _caps(db, asked)}
    reason = await _suppression(db, asked.document)
    return told if reason is None else told | {"Suppressed": reason}


async def _caps(db: Db, asked: Asked) -> list[Tree]:
    campaign, limits = asked.campaign, asked.campaign.limits
    scopes = {"campaign": campaign.id, "application": campaign.application_id}
    rows = await db.rows(Q.caps_of, asked.named | {"scopes": list(scopes.values()), "since": asked.now - DAY})
    counts = {row["scope_id"].hex: (row["total"], row["last_day"]) for row in rows}
    own, of_all = (counts.get(scope, (0, 0)) for scope in scopes.values())
    found = (
        ("Total", "CAMPAIGN", own[0], limits.total),
        ("Daily", "CAMPAIGN", own[1], limits.daily),
        ("Daily", "APPLICATION", of_all[1], limits.daily_of_all),
    )
    return [
        {"Limit": name, "Scope": scope, "Count": count, "Most": most, "IsReached": count >= most}
        for name, scope, count, most in found
        if most
    ]


async def _suppression(db: Db, document: Members | None) -> str | None:
    """Why nothing is sent to the endpoint's address; None when it is sent to, or no address."""
    channel_type, address = (document or {}).get("ChannelType"), (document or {}).get("Address")
    if channel_type not in {"EMAIL", "SMS"} or not address:
        return None
    try:
        place = (channel_type, suppression_key(channel_type, e164(address) if channel_type == "SMS" else address))
    except (RenderError, InvalidNumberError):
        return None
    return (await suppressed(db, [place])).get(place)


async def tell_runs(db: Db, asked: Asked, runs: Sequence[Row]) -> list[Tree]:
    """What became of the endpoint in each of these runs."""
    named = asked.named | {"run_ids": [run["run_id"] for run in runs]}
    entries: dict[Any, list[Row]] = {}
    for row in await db.rows(Q.entries_of, named | {"rows": _MOST_DELIVERIES}):
        entries.setdefault(row["run_id"], []).append(row)
    waiting = {row["run_id"]: row for row in await db.rows(Q.waiting_in_batches, named)}
    turns = {row["run_id"]: row for row in await db.rows(Q.turns_in_sweeps, named)}
    campaigns = await _versions(db, asked.campaign, {run["version"] for run in runs})
    told = []
    for run in runs:
        silence = Silence(asked, run, campaigns[run["version"]], waiting.get(run["run_id"]), turns.get(run["run_id"]))
        told.append(_run(run, entries.get(run["run_id"], ()), silence))
    return told


async def _versions(db: Db, campaign: Campaign, versions: set[int | None]) -> Mapping[int | None, Campaign]:
    """The campaign as it was when runs of it started; one that is still to start has no version yet."""
    found: dict[int | None, Campaign] = {None: campaign, campaign.version: campaign}
    for version in versions - found.keys():
        assert version is not None  # noqa: S101 - that one is there
        try:
            document = await CAMPAIGNS.get_version(db, campaign.id, version, campaign.application_id)
        except NotFoundException:
            # It is being deleted.
            found[version] = campaign
        else:
            found[version] = read_campaign(document)
    return found


def _run(run: Row, entries: Sequence[Row], silence: "Silence") -> Tree:
    told: Tree = {
        "ActivityId": run["run_id"].hex,
        "TreatmentId": f"{run['treatment_id']}",
        "ScheduledStart": format_instant(run["scheduled_at"]),
        "State": run["state"],
        "Deliveries": [_delivery(entry, is_triggered=run["is_triggered"]) for entry in entries],
    }
    reason = silence.reason(has_entries=bool(entries))
    if reason is not None:
        told |= {"Reason": reason, "Text": silence.text(reason)}
    return told


def _delivery(entry: Row, *, is_triggered: bool) -> Tree:
    told: Tree = {
        "Status": entry["status"],
        "Text": reasons.STATUSES.get(entry["status"], entry["status"]),
        "DecidedAt": format_instant(entry["decided_at"]),
        "WasInDoubt": entry["was_in_doubt"],
    }
    if is_triggered:
        told["Event"] = entry["occurrence"]
    members = {"ChannelType": "channel_type", "MessageId": "message_id", "Detail": "detail"}
    return told | {member: entry[name] for member, name in members.items() if entry[name] is not None}


@dataclass(frozen=True, slots=True)
class Silence:
    """A run that may have no row for an endpoint, and what tells why."""

    asked: Asked
    run: Row
    # As it was when the run started.
    campaign: Campaign
    # Of a batch that has the endpoint in what is left of it.
    waiting: Row | None
    # Of the sweep in which the endpoint has its turn, and whether there are others.
    turn: Row | None

    def reason(self, *, has_entries: bool) -> str | None:
        """The first of the reasons that holds; None when nothing is to be said beside the ledger."""
        if self.waiting is not None and self.waiting["is_sending"]:
            return reasons.ON_ITS_WAY
        return None if has_entries else next(self._reasons())

    def _reasons(self) -> Iterator[str]:
        run, asked = self.run, self.asked
        is_member = asked.verdict is None or asked.verdict["IsMember"]
        if run["state"] == "CANCELLED" and run["started_at"] is None:
            yield reasons.CANCELLED
        if asked.document is None:
            yield reasons.NOT_THERE
        if asked.cohort in self.campaign.held_out:
            yield reasons.HELD_OUT
        own = asked.treatment_of(self.campaign)
        if own is not None and own.id != run["treatment_id"]:
            yield reasons.OTHER_TREATMENT
        if run["state"] == "PENDING":
            yield reasons.NOT_STARTED if is_member else reasons.NOT_A_MEMBER
        if run["ended_at"] is not None and run["ended_at"] < asked.now - timedelta(days=asked.ledger_days):
            yield reasons.FORGOTTEN
        if self.waiting is not None:
            yield reasons.WAITS_IN_BATCH if is_member else reasons.NOT_A_MEMBER
        if run["is_triggered"]:
            yield reasons.NOT_TRIGGERED
        if not is_member:
            yield reasons.NOT_A_MEMBER
        yield from self._of_sweeps()

    def _of_sweeps(self) -> Iterator[str]:
        """For a member of the segment."""
        turn, is_running = self.turn, self.run["state"] == "RUNNING"
        if turn is not None and turn["due_at"] is None:
            yield reasons.NO_TURN
        if is_running and turn is not None and turn["due_at"] > self.asked.now:
            yield reasons.NOT_DUE
        if is_running and not (turn is not None and turn["is_past"]):
            yield reasons.NOT_REACHED
        if self.run["reason"] is not None:
            yield reasons.ENDED_EARLY
        yield reasons.NOT_A_MEMBER_THEN

    def text(self, reason: str) -> str:
        """The reason in words."""
        own = self.asked.treatment_of(self.campaign)
        due_at = None if self.turn is None else self.turn["due_at"]
        return reasons.ABSENCES[reason].format(
            reason=self.run["reason"],
            treatment=None if own is None else own.id,
            days=self.asked.ledger_days,
            due=None if due_at is None else format_instant(due_at),
        )
