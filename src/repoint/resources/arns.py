"""ARNs of what can be tagged (protocol.md section 6, auth.md section 8): made and read in one place."""

import re
from dataclasses import dataclass

from repoint.contract.errors import BadRequestException
from repoint.operation import Call
from repoint.resources.documents import ACCOUNT


@dataclass(frozen=True, slots=True)
class Named:
    """What an ARN names: a document, which need not exist."""

    kind: str
    id: str
    application_id: str


# Ids are taken as they come: one of the wrong form names nothing that exists.
_ID = r"[^/]+"
_TAGGABLE = {
    "app": rf"apps/(?P<id>{_ID})",
    "campaign": rf"apps/(?P<application>{_ID})/campaigns/(?P<id>{_ID})",
    "segment": rf"apps/(?P<application>{_ID})/segments/(?P<id>{_ID})",
    "journey": rf"apps/(?P<application>{_ID})/journeys/(?P<id>{_ID})",
    "email-template": rf"templates/(?P<id>{_ID})/EMAIL",
    "push-template": rf"templates/(?P<id>{_ID})/PUSH",
    "sms-template": rf"templates/(?P<id>{_ID})/SMS",
    "voice-template": rf"templates/(?P<id>{_ID})/VOICE",
    "inapp-template": rf"templates/(?P<id>{_ID})/INAPP",
}
_TAGGABLE_FORMS = {kind: re.compile(form) for kind, form in _TAGGABLE.items()}

# Resources that have an ARN, in policies or answers, but no tags: endpoints, channels, jobs, recommenders.
_UNTAGGABLE = re.compile(rf"(?:apps/{_ID}|recommenders|phone)(?:/.+)?|templates", re.DOTALL)


def app_arn(call: Call, application_id: str) -> str:
    """`arn:aws:mobiletargeting:<region>:<account>:apps/<id>`."""
    return call.arn(f"apps/{application_id}")


def read_taggable(call: Call, arn: str) -> Named:
    """What a taggable ARN names, which need not exist.

    Raises BadRequestException: `Invalid resource ARN` for one that is malformed or of another partition, account or
    region than the call's, `Resource can't be tagged` for what has an ARN but no tags.
    """
    prefix = call.arn("")
    suffix = arn.removeprefix(prefix)
    if suffix == arn:
        raise BadRequestException("Invalid resource ARN")
    for kind, form in _TAGGABLE_FORMS.items():
        if match := form.fullmatch(suffix):
            found = match.groupdict()
            return Named(kind, found["id"], found.get("application", ACCOUNT))
    if _UNTAGGABLE.fullmatch(suffix):
        raise BadRequestException("Resource can't be tagged")
    raise BadRequestException("Invalid resource ARN")
