"""Treatments as tests of the room need them."""

from collections.abc import Mapping
from typing import Any

from repoint.campaigns.campaign import Treatment
from repoint.delivery.recipient import Template


def treatment(message: Mapping[str, Any], **custom_delivery: Any) -> Treatment:
    """The standard treatment of a campaign that says this."""
    return Treatment(
        id=0,
        schedule={"StartTime": "IMMEDIATE"},
        message=message,
        templates={},
        custom_delivery=custom_delivery,
        kept_templates={},
        cohorts=frozenset(range(100)),
        quiet_time={},
    )


def templates(**contents: Mapping[str, Any]) -> dict[str, Template]:
    """Templates by kind."""
    return {kind: Template("greeting", content) for kind, content in contents.items()}
