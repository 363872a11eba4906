"""A run as a worker sees it: what is sent, to whom, and what holds it back; loaded anew for each batch."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from repoint.campaigns.campaign import CAMPAIGNS, Campaign, Treatment, read_campaign
from repoint.campaigns.engine.batch import Batch
from repoint.campaigns.message import channels_with_content, direct_message, is_custom
from repoint.campaigns.payload import custom_envelope, hook_envelope
from repoint.channels.stored import load_channels
from repoint.contract.errors import NotFoundException
from repoint.contract.shapes import ChannelType
from repoint.db.pool import Database, Db
from repoint.db.queries import load_queries
from repoint.delivery.caps import Caps, Rule, limited_scopes
from repoint.delivery.quiet_time import QuietTime
from repoint.delivery.recipient import Source, Template
from repoint.delivery.recommending import load_recommenders
from repoint.delivery.records import Recorder
from repoint.delivery.tracking import tracking_of
from repoint.events.records import CampaignRun, Origin
from repoint.messages.templates import load_templates
from repoint.resources.documents import Document
from repoint.segments.audience import Audience, load_audience
from repoint.settings import Settings

Q = load_queries("repoint.campaigns.engine")

# A campaign message that events trigger goes out within this time, or not at all (campaigns.md section 8).
TRIGGER_LIFE = timedelta(minutes=5)

# Rows of a population that one batch judges.
BATCH_ROWS = 2000
_BATCH_S = 5


class CancelledRunError(Exception):
    """The run is over: cancelled, failed, or its campaign deleted."""


class CannotRunError(Exception):
    """The run needs something that is not there any more; the text tells what."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of one treatment."""

    campaign: Campaign
    treatment: Treatment
    id: str
    scheduled_at: datetime
    is_triggered: bool
    audience: Audience
    source: Source
    # Where custom messages go, and what stands around their endpoints; None for a run over the built-in channels.
    custom: "Custom | None"
    # Channel types of endpoints that get something.
    channels: frozenset[ChannelType]
    # The zones that are served; None for everybody.
    zones: frozenset[str] | None
    # Those that had their turn before.
    zones_before: frozenset[str]
    is_first_sweep: bool
    # When it stops sending; None for never.
    ends_at: datetime | None
    caps: Caps
    quiet_time: QuietTime
    recorder: Recorder
    # By kind of template, for those that want recommendations; None for one that is gone.
    recommenders: Mapping[str, Document | None]
    # What goes around the endpoints that the hook is asked about.
    hook_envelope: dict[str, Any]
    # The campaign's, on whose behalf functions are called.
    arn: str

    @property
    def application_id(self) -> str:
        """Whose run it is."""
        return self.campaign.application_id

    @property
    def is_of_users(self) -> bool:
        """Whether the segment is a list of users, whose endpoints are all meant."""
        root = self.audience.root
        return root.lists_users and not root.lists_endpoints and not root.has_snapshots

    @property
    def told(self) -> CampaignRun:
        """As records tell it."""
        return CampaignRun(self.campaign.id, self.id, str(self.treatment.id))


@dataclass(frozen=True, slots=True)
class Custom:
    """A custom channel."""

    target: str
    # The same object for all messages of a batch, so that they may travel in one call.
    envelope: dict[str, Any]


async def load_run(database: Database, settings: Settings, batch: Batch, now: datetime) -> Run:
    """What a batch belongs to. Raises CancelledRunError and CannotRunError."""
    async with database.transaction() as db:
        row = await db.row(Q.read_run, batch.key | {"sweep": batch.sweep})
        if row is None or row["state"] != "RUNNING":
            raise CancelledRunError
        campaign = await load_campaign(db, batch.application_id, row["campaign_id"].hex, row["version"])
        treatment = campaign.treatments[row["treatment_id"]]
        try:
            templates = await load_all_templates(db, treatment)
        except NotFoundException as error:
            raise CannotRunError(str(error)) from error
        recommenders = {} if is_custom(treatment) else await load_recommenders(db, treatment.message, templates)
        channels = await load_channels(db, settings, batch.application_id)
        audience = await audience_of(db, campaign, now)
        limited = await limited_scopes(db, batch.application_id)
    told = CampaignRun(campaign.id, batch.run_id, str(treatment.id))
    source = Source(
        batch.application_id,
        direct_message(treatment),
        templates,
        channels,
        origin=told.attributes(),
        tracking=tracking_of(settings, batch.application_id),
    )
    origin = Origin(settings.account_id, batch.application_id)
    begun_at = row["due_at"] or row["scheduled_at"]
    duration_s = campaign.limits.duration_s
    return Run(
        campaign,
        treatment,
        batch.run_id,
        row["scheduled_at"],
        row["is_triggered"],
        audience,
        source,
        _custom(treatment, batch.application_id, told, row["scheduled_at"]),
        channels_with_content(treatment, templates),
        None if row["zones"] is None else frozenset(row["zones"]),
        frozenset(row["zones_before"]),
        batch.sweep == 0,
        None if duration_s is None or row["is_triggered"] else begun_at + timedelta(seconds=duration_s),
        _caps(campaign, limited),
        QuietTime.read(treatment.quiet_time),
        Recorder(origin, source, batch.run_id, attributes=told.attributes()),
        recommenders,
        hook_envelope(batch.application_id, told, row["scheduled_at"], source.message),
        _arn(settings, campaign),
    )


async def run_to_cut(database: Database, run: Mapping[str, object], now: datetime) -> tuple[Audience, int]:
    """The audience of a run, and how many rows of it make a batch.

    A batch lasts a few seconds, also where few messages may leave in a second. Raises as `load_run` does.
    """
    async with database.transaction() as db:
        row = await db.row(Q.read_run, {**run, "sweep": None})
        if row is None or row["state"] != "RUNNING":
            raise CancelledRunError
        campaign = await load_campaign(db, row["application_id"].hex, row["campaign_id"].hex, row["version"])
        audience = await audience_of(db, campaign, now)
    rate = campaign.limits.per_second
    return audience, BATCH_ROWS if rate is None else max(50, min(BATCH_ROWS, rate * _BATCH_S))


async def load_campaign(db: Db, application_id: str, campaign_id: str, version: int) -> Campaign:
    """One version of a campaign; raises CancelledRunError when it was deleted."""
    try:
        return read_campaign(await CAMPAIGNS.get_version(db, campaign_id, version, application_id))
    except NotFoundException:
        raise CancelledRunError from None


async def load_all_templates(db: Db, treatment: Treatment) -> dict[str, Template]:
    """By kind: as they were when the campaign was made where a version was named, else as they are now.

    Raises NotFoundException for one that is not there any more.
    """
    kept = {
        kind: Template(template["Name"], template["Content"]) for kind, template in treatment.kept_templates.items()
    }
    wanted = {name: named for name, named in treatment.templates.items() if "Version" not in named}
    return {**await load_templates(db, wanted), **kept}


async def audience_of(db: Db, campaign: Campaign, now: datetime) -> Audience:
    """The segment, as it is now. Raises CannotRunError when it is not there any more."""
    try:
        return await load_audience(db, campaign.application_id, campaign.segment_id, campaign.segment_version, at=now)
    except NotFoundException:
        raise CannotRunError(f"Segment not found: {campaign.segment_id}") from None


def _custom(treatment: Treatment, application_id: str, told: CampaignRun, scheduled_at: datetime) -> Custom | None:
    if not is_custom(treatment):
        return None
    data = treatment.message["CustomMessage"].get("Data", "")
    envelope = custom_envelope(application_id, told, scheduled_at, data)
    return Custom(treatment.custom_delivery["DeliveryUri"], envelope)


def _arn(settings: Settings, campaign: Campaign) -> str:
    place = f"apps/{campaign.application_id}/campaigns/{campaign.id}"
    return f"arn:aws:mobiletargeting:{settings.regions[0]}:{settings.account_id}:{place}"


def _caps(campaign: Campaign, limited: Collection[str]) -> Caps:
    limits, of_all = campaign.limits, campaign.application_id
    rules = (
        Rule(campaign.id, limits.total, None, "CAMPAIGN_CAP"),
        Rule(campaign.id, limits.daily),
        Rule(of_all, limits.daily_of_all),
    )
    return Caps(of_all, [rule for rule in rules if rule.most], [of_all] if of_all in limited else [])
