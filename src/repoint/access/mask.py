"""What of a request or an answer may stand in the audit record (auth.md section 10).

Numbers, booleans and what is listed here; everything else is masked: names, descriptions, messages, addresses,
attributes, templates' contents, secrets. So what is added one day stays out until somebody says that it may be in.
"""

from functools import lru_cache
from itertools import islice
from types import NoneType
from typing import Any

import msgspec

from repoint.contract.model import SHAPES

MASK = "***"
# What is longer is cut: a record is no place for what a caller can make as long as it likes.
MAX_TEXT = 1024
# Of a policy, and of what else is shown wholly.
MAX_WHOLE_TEXT = 8192
_MAX_MEMBERS = 100
# Shown under any name. Kinds are compared by identity, as this is asked for each member of each UpdateEndpoint.
_PLAIN = frozenset({bool, int, float, NoneType})
_PLAIN_SHAPES = frozenset({"boolean", "double", "integer"})

# Texts, and objects and lists whose members are looked at in turn.
_SHOWN = frozenset(
    {
        # Ids, ARNs, places.
        "AccessKeyId",
        "ApplicationId",
        "Arn",
        "ConfigurationSet",
        "ConnectCampaignExecutionRoleArn",
        "DestinationStreamArn",
        "ExternalId",
        "Id",
        "LambdaFunctionName",
        "OrchestrationSendingRoleArn",
        "RecommendationProviderRoleArn",
        "RecommenderId",
        "RequestID",
        "RoleArn",
        "S3Url",
        "S3UrlPrefix",
        "SegmentId",
        "SourceSegments",
        "TemplateId",
        "UploadId",
        "Version",
        # Words of the contract.
        "AttributeType",
        "CampaignStatus",
        "ChannelType",
        "Format",
        "Frequency",
        "JobStatus",
        "Layout",
        "Message",
        "Mode",
        "Platform",
        "RecommendationProviderIdType",
        "RefreshFrequency",
        "SegmentType",
        "State",
        "Status",
        "Type",
        # Dates and times.
        "CompletionDate",
        "CreationDate",
        "End",
        "EndTime",
        "LastModifiedDate",
        "Start",
        "StartTime",
        "Timezone",
        # Objects whose members are of these kinds, or are masked themselves.
        "CampaignHook",
        "ChannelCounts",
        "DefaultState",
        "Definition",
        "Hook",
        "ImportDefinition",
        "JourneyChannelSettings",
        "JourneyLimits",
        "Limits",
        "QuietTime",
        "Schedule",
        "TimeframeCap",
        # These wholly, see below.
        "Policy",
        "TagKeys",
        "Tags",
        "tags",
    }
)
# Shown, with all that is in them.
_WHOLE = frozenset({"Policy", "TagKeys", "Tags", "tags"})


def masked(document: Any) -> dict[str, Any] | None:
    """An answer or a body with only what may be recorded; None for what is no document."""
    if isinstance(document, msgspec.Raw):
        document = msgspec.json.decode(document)
    return _members(document) if isinstance(document, dict) else None


@lru_cache(maxsize=4096)
def split_members(shape: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], bytes]:
    """Which members of a body of the contract are to be shown, by `shown`, and the others as JSON without braces.

    What kinds of values a shape's members have is known beforehand, so that this is asked once for all bodies that have
    the same members, and masking an UpdateEndpoint costs next to nothing.
    """
    kinds = SHAPES[shape].members
    visible = [name for name in names if name in _SHOWN or SHAPES[kinds[name]].type in _PLAIN_SHAPES]
    hidden = {name: MASK for name in names if name not in visible}
    return tuple(visible), msgspec.json.encode(hidden)[1:-1]


def cut(text: str, limit: int = MAX_TEXT) -> str:
    """The text, or its beginning; what is no Unicode in it is replaced."""
    if len(text) <= limit and text.isascii():
        return text
    shortened = text if len(text) <= limit else f"{text[:limit]}…"
    return shortened.encode(errors="replace").decode()


def _members(document: dict[str, Any]) -> dict[str, Any]:
    if len(document) > _MAX_MEMBERS:
        document = dict(islice(document.items(), _MAX_MEMBERS))
    return {
        cut(name): value if type(value) in _PLAIN else shown(name, value) if name in _SHOWN else MASK
        for name, value in document.items()
    }


def shown(name: str, value: Any) -> Any:
    """The value of a member that is not masked; what is inside is looked at in turn."""
    if type(value) in _PLAIN:
        return value
    if name in _WHOLE:
        return _whole(value)
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, dict):
        return _members(value)
    if isinstance(value, list):
        return [shown(name, each) for each in value[:_MAX_MEMBERS]]
    return MASK


def _whole(value: Any) -> Any:
    """Everything that is in it, as far as a record has room."""
    if isinstance(value, str):
        return cut(value, MAX_WHOLE_TEXT)
    if isinstance(value, dict):
        return {cut(name): _whole(each) for name, each in islice(value.items(), _MAX_MEMBERS)}
    if isinstance(value, list):
        return [_whole(each) for each in value[:_MAX_MEMBERS]]
    return value
