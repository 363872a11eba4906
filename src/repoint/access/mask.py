"""What of a request or an answer may stand in the audit record (auth.md section 10).

Numbers, booleans and what is listed here; everything else is masked: names, descriptions, messages, addresses,
attributes, templates' contents, secrets. So what is added one day stays out until somebody says that it may be in.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

MASK = "***"
# What is longer is cut: a record is no place for what a caller can make as long as it likes.
MAX_TEXT = 1024
_MAX_MEMBERS = 100

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
    }
)
# Shown with all that is in them.
_WHOLE = frozenset({"Policy", "TagKeys", "Tags", "tags"})


def masked(document: Any) -> Any:
    """An answer or a body with only what may be recorded; None for what is no document."""
    if isinstance(document, msgspec.Raw):
        document = msgspec.json.decode(document)
    return _members(document) if isinstance(document, Mapping) else None


def cut(text: str) -> str:
    """The text, or its beginning; what is no Unicode in it is replaced."""
    shortened = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
    return shortened if shortened.isascii() else shortened.encode(errors="replace").decode()


def _members(document: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in document.items():
        if value is None or isinstance(value, bool | int | float):
            found[name] = value
        elif name in _SHOWN:
            found[name] = _shown(value)
        else:
            found[name] = value if name in _WHOLE else MASK
        if len(found) >= _MAX_MEMBERS:
            break
    return found


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, Mapping):
        return _members(value)
    if isinstance(value, list):
        return [each if isinstance(each, bool | int | float) else _shown(each) for each in value[:_MAX_MEMBERS]]
    return MASK
