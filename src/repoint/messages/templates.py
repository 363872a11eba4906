"""The templates that a message names."""

from collections.abc import Mapping
from typing import Any

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.pool import Db
from repoint.delivery.recipient import Template
from repoint.templates.find import find_template
from repoint.templates.kinds import KINDS

# Kinds by the members of a TemplateConfiguration.
KIND_OF_MEMBER = {
    "EmailTemplate": "EMAIL",
    "InAppTemplate": "INAPP",
    "PushTemplate": "PUSH",
    "SMSTemplate": "SMS",
    "VoiceTemplate": "VOICE",
}


async def load_templates(db: Db, configuration: Mapping[str, Any]) -> dict[str, Template]:
    """By kind, each in the version that is named or active.

    Raises NotFoundException for one that there is not, BadRequestException for one without a name.
    """
    return {
        kind: await _load(db, kind, configuration[member])
        for member, kind in KIND_OF_MEMBER.items()
        if member in configuration
    }


async def _load(db: Db, kind: str, named: Mapping[str, str]) -> Template:
    name = named.get("Name")
    if not name:
        raise BadRequestException("Missing Name of the template")
    try:
        found = await find_template(db, KINDS[kind], name, named.get("Version"))
    except NotFoundException:
        raise NotFoundException(f"Template not found: {name}") from None
    return Template(name, found.content)
