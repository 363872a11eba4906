"""What a recommender configuration may say (templates.md section 9)."""

import re
from collections.abc import Mapping
from typing import Any

from repoint.contract.errors import BadRequestException
from repoint.functions.name import read_name
from repoint.functions.webhook import RefusedUrlError, read_url
from repoint.resources.documents import Resource
from repoint.settings import Settings

Members = Mapping[str, Any]

# The operations check what they store: that takes settings.
RECOMMENDERS = Resource("recommender", check=lambda _: None)

ENDPOINT_ID, USER_ID = "PINPOINT_ENDPOINT_ID", "PINPOINT_USER_ID"
MOST_ITEMS = 5
_MOST_ATTRIBUTES = 10
_MOST_DISPLAYED = 25
_DEFAULTS = {"RecommendationProviderIdType": ENDPOINT_ID, "RecommendationsPerMessage": MOST_ITEMS}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,127}")
_DESCRIPTION = re.compile(r"[A-Za-z0-9 _;(),-]{0,128}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
_ATTRIBUTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_DISPLAYED = re.compile(rf"[A-Za-z0-9 _-]{{1,{_MOST_DISPLAYED}}}")
# A campaign or a recommender of Amazon Personalize.
PERSONALIZE = re.compile(r"arn:aws[a-z-]*:personalize:(?P<region>[a-z0-9-]+):\d{12}:(?P<kind>campaign|recommender)/.+")


def checked(request: Members, settings: Settings) -> dict[str, Any]:
    """The configuration of a request with its defaults; raises BadRequestException for what it may not say.

    An empty text counts as none, as everywhere in the contract.
    """
    content: dict[str, Any] = {**_DEFAULTS} | {
        member: value for member, value in request.items() if value not in ("", {})
    }
    for member in ("RecommendationProviderUri", "RecommendationProviderRoleArn"):
        _require(content, member)
    _refuse_unless(_leads_somewhere(content["RecommendationProviderUri"], settings), "RecommendationProviderUri")
    _refuse_unless(_may_be_had(content["RecommendationProviderRoleArn"], settings), "RecommendationProviderRoleArn")
    _refuse_unless(_NAME.fullmatch(content.get("Name", "x")), "Name")
    _refuse_unless(_DESCRIPTION.fullmatch(content.get("Description", "")), "Description")
    id_type = content["RecommendationProviderIdType"]
    _refuse_unless(id_type in {ENDPOINT_ID, USER_ID}, "RecommendationProviderIdType")
    _refuse_unless(1 <= content["RecommendationsPerMessage"] <= MOST_ITEMS, "RecommendationsPerMessage")
    _refuse_unless(len(content.get("RecommendationsDisplayName", "")) <= _MOST_DISPLAYED, "RecommendationsDisplayName")
    _check_transformer(content, settings)
    return content


def _check_transformer(content: Members, settings: Settings) -> None:
    transformer, attributes = content.get("RecommendationTransformerUri"), content.get("Attributes", {})
    if transformer is None:
        _require(content, "RecommendationsDisplayName")
        _refuse_unless(not attributes, "Attributes")
        return
    _refuse_unless(read_name(transformer, settings), "RecommendationTransformerUri")
    _require(content, "Attributes")
    names = all(_ATTRIBUTE.fullmatch(name) for name in attributes)
    displayed = all(_DISPLAYED.fullmatch(text) for text in attributes.values())
    _refuse_unless(len(attributes) <= _MOST_ATTRIBUTES and names and displayed, "Attributes")


def _leads_somewhere(uri: str, settings: Settings) -> bool:
    """Whether it is of a form that somebody can be asked by; whether there is somebody is told when that is done."""
    if "://" not in uri:
        return PERSONALIZE.fullmatch(uri) is not None or read_name(uri, settings) is not None
    try:
        return read_url(uri).scheme == "https" or bool(settings.allowed_private_networks)
    except RefusedUrlError:
        return False


def _may_be_had(role_arn: str, settings: Settings) -> bool:
    """Whether it is a role, and one of those that the operator has listed for Personalize, if there is a list."""
    roles = settings.personalize.roles if settings.personalize else {}
    return _ROLE.fullmatch(role_arn) is not None and (not roles or role_arn in roles)


def _require(content: Members, member: str) -> None:
    if not content.get(member):
        raise BadRequestException(f"Missing {member}")


def _refuse_unless(holds: object, member: str) -> None:
    if not holds:
        raise BadRequestException(f"Invalid {member}")
