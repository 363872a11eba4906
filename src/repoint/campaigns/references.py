"""What a campaign refers to, as it is when the campaign is written.

That is the version of its segment, its templates, and the settings of its application that stand in for what it leaves
open (later changes of these do not reach it).
"""

from typing import Any

from repoint.apps.operations import SETTINGS
from repoint.campaigns.campaign import TEMPLATES, Members, with_inherited
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.pool import Db
from repoint.messages.templates import KIND_OF_MEMBER, load_templates
from repoint.segments.segment import SEGMENTS
from repoint.segments.sources import load_sources

_DEFAULTS = ("CampaignHook", "Limits", "QuietTime")
# Member of a TemplateConfiguration, name and version of a template.
_Reference = tuple[str, str | None, str | None]


async def find_defaults(db: Db, application_id: str) -> dict[str, Any]:
    """The settings of the application that campaigns take over."""
    settings = (await SETTINGS.get(db, application_id)).content
    return {member: settings[member] for member in _DEFAULTS if settings.get(member)}


async def find_segment_version(db: Db, application_id: str, content: Members) -> int:
    """The version of the segment that the campaign names, or the latest that counts.

    Raises NotFoundException when there is none, BadRequestException for a list where events are to trigger.
    """
    reference = {"Id": content["SegmentId"], "Version": content.get("SegmentVersion")}
    found = (await load_sources(db, application_id, [reference])).get(reference)
    if found is None:
        raise NotFoundException(f"Segment not found: {content['SegmentId']}")
    is_triggered = any(each["Schedule"].get("Frequency") == "EVENT" for each in with_inherited(content))
    if is_triggered and found.is_imported:
        raise BadRequestException("Event-based campaigns can only use dynamic segments.")
    return found.number


async def hold_segment(db: Db, application_id: str, segment_id: str) -> None:
    """Keep the segment from being deleted until the transaction ends. Raises NotFoundException when there is none."""
    if not await SEGMENTS.hold(db, segment_id, application_id):
        raise NotFoundException(f"Segment not found: {segment_id}")


async def keep_templates(db: Db, content: Members, before: Members | None = None) -> dict[str, dict[str, Any]]:
    """Copies of the templates of which a version is named, by treatment and kind, as TEMPLATES has them.

    What the campaign had kept `before` is not asked for again. Raises NotFoundException for a template that there is
    not, in whichever version, BadRequestException for one without a name.
    """
    known = {} if before is None else _kept(before)
    kept: dict[str, dict[str, Any]] = {}
    for number, treatment in enumerate(with_inherited(content)):
        for member, named in treatment.get("TemplateConfiguration", {}).items():
            reference = _reference(member, named)
            if reference not in known:
                known[reference] = await _load(db, member, reference)
            copy = known[reference]
            if copy is not None:
                kept.setdefault(f"{number}", {})[KIND_OF_MEMBER[member]] = copy
    return kept


async def _load(db: Db, member: str, reference: _Reference) -> dict[str, Any] | None:
    """The copy; None for one whose active version is used at the time."""
    _, name, version = reference
    wanted = {"Name": name} if version is None else {"Name": name, "Version": version}
    [template] = (await load_templates(db, {member: wanted})).values()
    return None if version is None else {"Name": template.name, "Content": template.content}


def _kept(content: Members) -> dict[_Reference, Any]:
    kept: Members = content.get(TEMPLATES, {})
    return {
        _reference(member, named): kept[f"{number}"][KIND_OF_MEMBER[member]]
        for number, treatment in enumerate(with_inherited(content))
        for member, named in treatment.get("TemplateConfiguration", {}).items()
        if named.get("Version")
    }


def _reference(member: str, named: Members) -> _Reference:
    return member, named.get("Name") or None, named.get("Version") or None
