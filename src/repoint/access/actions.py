"""What each operation is to policies: an action, and the ARNs of what it is done to (auth.md section 4.2).

Two ARNs stand where Amazon's developer guide (first) and its service reference differ: allowing one allows, denying one
denies, and the first is reported.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

from repoint.access.patterns import ARN_PARTS
from repoint.contract.model import OPERATIONS
from repoint.operation import EXTENSIONS, Extension, Input

TAG_RESOURCE = "mobiletargeting:TagResource"
PASS_ROLE = "iam:PassRole"  # noqa: S105 - an action
# Allows nothing here, since no operation asks for it: Amazon's console did.
GET_REPORTS = "mobiletargeting:GetReports"

_APP = "apps/{ApplicationId}"
_CAMPAIGN = f"{_APP}/campaigns/{{CampaignId}}"
_SEGMENT = f"{_APP}/segments/{{SegmentId}}"
_JOURNEY = f"{_APP}/journeys/{{JourneyId}}"
_ENDPOINT = f"{_APP}/endpoints/{{EndpointId}}"
_USER = f"{_APP}/users/{{UserId}}"
_STREAM = f"{_APP}/eventstream"
_TEMPLATE = "templates/{TemplateName}/{TemplateType}"
_RECOMMENDER = "recommenders/{RecommenderId}"
_CHANNELS = {
    "Adm": "adm",
    "Apns": "apns",
    "ApnsSandbox": "apns_sandbox",
    "ApnsVoip": "apns_voip",
    "ApnsVoipSandbox": "apns_voip_sandbox",
    "Baidu": "baidu",
    "Email": "email",
    "Gcm": "gcm",
    "Sms": "sms",
    "Voice": "voice",
}
_TEMPLATES = {"Email": "EMAIL", "InApp": "INAPP", "Push": "PUSH", "Sms": "SMS", "Voice": "VOICE"}

# Suffixes behind `arn:aws:mobiletargeting:<region>:<account>:`, arguments in braces.
RESOURCES: dict[str, tuple[str, ...]] = {
    "CreateApp": ("apps", "apps/*"),
    "GetApps": ("apps", "apps/*"),
    **dict.fromkeys(("GetApp", "DeleteApp", "GetApplicationSettings", "UpdateApplicationSettings"), (_APP,)),
    "CreateCampaign": (f"{_APP}/campaigns", _APP),
    "GetCampaigns": (_APP,),
    **dict.fromkeys(
        (
            "GetCampaign",
            "UpdateCampaign",
            "DeleteCampaign",
            "GetCampaignVersion",
            "GetCampaignVersions",
            "GetCampaignActivities",
        ),
        (_CAMPAIGN,),
    ),
    **dict.fromkeys(("CreateSegment", "GetSegments"), (_APP,)),
    **dict.fromkeys(
        (
            "GetSegment",
            "UpdateSegment",
            "DeleteSegment",
            "GetSegmentVersion",
            "GetSegmentVersions",
            "GetSegmentImportJobs",
        ),
        (_SEGMENT,),
    ),
    "GetSegmentExportJobs": (f"{_SEGMENT}/jobs/export", _SEGMENT),
    **dict.fromkeys(("CreateImportJob", "GetImportJobs"), (_APP,)),
    "GetImportJob": (f"{_APP}/jobs/import/{{JobId}}",),
    **dict.fromkeys(("CreateExportJob", "GetExportJobs"), (f"{_APP}/jobs/export", _APP)),
    "GetExportJob": (f"{_APP}/jobs/export/{{JobId}}",),
    "CreateJourney": (f"{_APP}/journeys",),
    "ListJourneys": (f"{_APP}/journeys", _APP),
    **dict.fromkeys(
        (
            "GetJourney",
            "UpdateJourney",
            "DeleteJourney",
            "GetJourneyRuns",
            "GetJourneyRunExecutionMetrics",
            "GetJourneyRunExecutionActivityMetrics",
        ),
        (_JOURNEY,),
    ),
    "UpdateJourneyState": (f"{_JOURNEY}/state", _JOURNEY),
    "GetJourneyExecutionMetrics": (f"{_JOURNEY}/execution-metrics",),
    "GetJourneyExecutionActivityMetrics": (f"{_JOURNEY}/activities/{{JourneyActivityId}}/execution-metrics",),
    "GetApplicationDateRangeKpi": (f"{_APP}/kpis/daterange/{{KpiName}}",),
    "GetCampaignDateRangeKpi": (f"{_CAMPAIGN}/kpis/daterange/{{KpiName}}",),
    "GetJourneyDateRangeKpi": (f"{_JOURNEY}/kpis/daterange/{{KpiName}}",),
    **dict.fromkeys(("GetEndpoint", "UpdateEndpoint", "DeleteEndpoint"), (_ENDPOINT,)),
    # Not the endpoint in its path.
    "GetInAppMessages": (_APP,),
    "UpdateEndpointsBatch": (_APP,),
    **dict.fromkeys(("GetUserEndpoints", "DeleteUserEndpoints"), (_USER,)),
    "RemoveAttributes": (f"{_APP}/attributes/{{AttributeType}}",),
    "PutEvents": (f"{_APP}/events",),
    **dict.fromkeys(("PutEventStream", "GetEventStream", "DeleteEventStream"), (_STREAM,)),
    **dict.fromkeys(("SendMessages", "SendUsersMessages"), (f"{_APP}/messages",)),
    "SendOTPMessage": (f"{_APP}/otp",),
    "VerifyOTPMessage": (f"{_APP}/verify-otp",),
    "PhoneNumberValidate": ("phone/number/validate",),
    "GetChannels": (f"{_APP}/channels",),
    **{
        f"{verb}{name}Channel": (f"{_APP}/channels/{kind}",)
        for name, kind in _CHANNELS.items()
        for verb in ("Get", "Update", "Delete")
    },
    **{
        f"{verb}{name}Template": (f"templates/{{TemplateName}}/{kind}",)
        for name, kind in _TEMPLATES.items()
        for verb in ("Create", "Get", "Update", "Delete")
    },
    "ListTemplates": ("templates",),
    **dict.fromkeys(("ListTemplateVersions", "UpdateTemplateActiveVersion"), (_TEMPLATE,)),
    **dict.fromkeys(
        ("CreateRecommenderConfiguration", "GetRecommenderConfigurations"), ("recommenders", "recommenders/*")
    ),
    **dict.fromkeys(
        ("GetRecommenderConfiguration", "UpdateRecommenderConfiguration", "DeleteRecommenderConfiguration"),
        (_RECOMMENDER,),
    ),
}
# Their argument is an ARN, and what they are done to.
_TAGGED = frozenset({"ListTagsForResource", "TagResource", "UntagResource"})
# What a tagged create will make; its id is not known yet. A policy may also allow the tagging on what the create itself
# is allowed on.
_MADE = {
    "CreateApp": "apps/*",
    "CreateCampaign": f"{_APP}/campaigns/*",
    "CreateSegment": f"{_APP}/segments/*",
    **{f"Create{name}Template": f"templates/{{TemplateName}}/{kind}" for name, kind in _TEMPLATES.items()},
}

# The roles that a request hands over, by the way to them through its body.
ROLES: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("CreateExportJob", "CreateImportJob", "PutEventStream"), (("RoleArn",),)),
    "UpdateEmailChannel": (("RoleArn",), ("OrchestrationSendingRoleArn",)),
    **dict.fromkeys(
        ("CreateRecommenderConfiguration", "UpdateRecommenderConfiguration"), (("RecommendationProviderRoleArn",),)
    ),
    **dict.fromkeys(
        ("CreateJourney", "UpdateJourney"), (("JourneyChannelSettings", "ConnectCampaignExecutionRoleArn"),)
    ),
}

_LABEL = re.compile(r"\{(\w+)\}")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def fold(text: str) -> str:
    """ASCII letters in lower case, as endpoint ids are compared."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


# What a right is needed for: the first five parts of its ARN, each with its colon, and its names behind that. A bare
# tuple, as one is made at every call of a key with a policy. The head is empty for what is no ARN.
Resource = tuple[str, tuple[str, ...]]
# Makes a name of a call's arguments.
Name = Callable[[Input], str]


def split_arn(arn: str) -> Resource:
    """The resource of an ARN that a caller sent."""
    parts = arn.split(":", ARN_PARTS - 1)
    return (":".join(parts[:-1]) + ":", (parts[-1],)) if len(parts) == ARN_PARTS else ("", (arn,))


def _name(resource: str) -> Name:
    """Names of `resource`, its labels filled in.

    A label of a path is always there. A member of a body that is missing is left empty: without it the operation will
    refuse the call.
    """
    labels = _LABEL.findall(resource)
    pattern = _LABEL.sub("%s", resource.replace("%", "%%"))
    if not labels:
        return lambda _: resource
    pick = itemgetter(*labels)

    def fill(arguments: Input) -> str:
        try:
            return str(pattern % pick(arguments))
        except KeyError:
            return pattern % tuple(arguments.get(label, "") for label in labels)

    if "TemplateType" in labels:
        # Any letter case will do in a path; in an ARN it is upper case.
        return lambda arguments: fill({**arguments, "TemplateType": arguments["TemplateType"].upper()})
    return fill


@dataclass(frozen=True, slots=True)
class Asked:
    """What policies are asked about one operation."""

    action: str
    names: tuple[Name, ...]
    # Where the resource is an argument, which is an ARN already.
    names_arn: bool = False
    # Endpoint ids that differ only by case are one endpoint (endpoints.md section 3), to policies too: what is denied
    # must not be had by writing it otherwise.
    ignores_case: bool = False
    # The argument that is the body; without one the arguments are its members.
    body: str | None = None
    # What tags in the body are put on, when the operation makes it.
    made: tuple[Name, ...] = ()
    # Ways through the body to the roles that it hands over.
    roles: tuple[tuple[str, ...], ...] = ()
    # Operations whose rights it needs as well.
    does: tuple[str, ...] = ()
    # Whether tags and keys of tags are what it is sent for; what else is called so was checked by nobody.
    has_tags: bool = False

    def resource(self, head: str, arguments: Input) -> Resource:
        """What the call is done to; `head` is the beginning of this server's ARNs.

        Ids are as they are, decoded, and none of their characters is a wildcard.
        """
        first, *others = self.names
        name = first(arguments)
        if self.names_arn:
            return split_arn(name)
        return head, (name, *[other(arguments) for other in others]) if others else (name,)

    def made_resource(self, head: str, arguments: Input) -> Resource:
        """What a tagged create puts its tags on, or what it is itself allowed on."""
        return head, tuple([name(arguments) for name in (*self.made, *self.names)])

    def tags(self, arguments: Input) -> Mapping[str, str]:
        """The tags that the request sends."""
        found = self._body(arguments).get("tags") if self.has_tags else None
        return found if isinstance(found, dict) else {}

    def tag_keys(self, arguments: Input) -> Sequence[str]:
        """The keys of tags that the request names."""
        found: Sequence[str] = arguments.get("TagKeys", ()) if self.has_tags else ()
        return found or tuple(self.tags(arguments))

    def role_arns(self, arguments: Input) -> Iterator[str]:
        """The roles that the request hands over."""
        for way in self.roles:
            found: Any = self._body(arguments)
            for member in way:
                found = found.get(member) if isinstance(found, dict) else None
            if found and isinstance(found, str):
                yield found

    def _body(self, arguments: Input) -> Mapping[str, Any]:
        found = arguments if self.body is None else arguments.get(self.body)
        return found if isinstance(found, dict) else {}


def asked(operation: str) -> Asked:
    """What to ask for an operation of the contract or of ours. Raises KeyError for one that there is not."""
    extension = EXTENSIONS.get(operation)
    return _asked_of_contract(operation) if extension is None else _asked_of_extension(extension)


@cache
def _asked_of_contract(operation: str) -> Asked:
    made = _MADE.get(operation)
    names_arn = operation in _TAGGED
    resources = ("{ResourceArn}",) if names_arn else RESOURCES[operation]
    return Asked(
        f"mobiletargeting:{operation}",
        tuple(map(_name, resources)),
        names_arn=names_arn,
        ignores_case=_names_endpoint(resources),
        body=OPERATIONS[operation].payload_member,
        made=() if made is None else (_name(made),),
        roles=ROLES.get(operation, ()),
        has_tags=True,
    )


# More than there are; one that is forgotten is only made anew.
@lru_cache(maxsize=1024)
def _asked_of_extension(extension: Extension) -> Asked:
    resource = extension.resource
    return Asked(
        extension.action,
        (_name(resource),),
        ignores_case=_names_endpoint((resource,)),
        roles=(("RoleArn",),),
        does=extension.does,
    )


def known_actions() -> frozenset[str]:
    """Every action that a policy can mean, in lower case."""
    names = (f"mobiletargeting:{name}" for name in OPERATIONS)
    ours = (extension.action for extension in EXTENSIONS.values())
    return frozenset(name.lower() for name in (*names, *ours, GET_REPORTS, PASS_ROLE))


def _names_endpoint(resources: tuple[str, ...]) -> bool:
    return any("{EndpointId}" in resource for resource in resources)
