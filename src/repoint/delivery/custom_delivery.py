"""Where messages of a custom channel go: the rules of campaigns and journeys alike (campaigns.md section 10)."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from repoint.contract.errors import BadRequestException
from repoint.functions.custom_url import check_custom_url, is_custom_url
from repoint.functions.name import read_name
from repoint.functions.webhook import RefusedUrlError
from repoint.settings import Settings

log = structlog.get_logger()

# Words for several channels at once, and for messages that are never sent.
_NOT_CUSTOM = ("PUSH", "IN_APP")


def check_custom_delivery(delivery: Mapping[str, Any], settings: Settings) -> None:
    """Raises BadRequestException for a DeliveryUri or EndpointTypes that may not be so.

    A function need not be known: that it cannot be called is told when it is.
    """
    uri: str = delivery.get("DeliveryUri", "")
    allows_http = bool(settings.allowed_private_networks)
    is_good = is_custom_url(uri) and (allows_http or uri.startswith("https://"))
    if not (is_good if is_webhook(uri) else read_name(uri, settings)):
        raise BadRequestException("Invalid DeliveryUri")
    for endpoint_type in delivery.get("EndpointTypes", []):
        if endpoint_type in _NOT_CUSTOM:
            raise BadRequestException(f"Invalid EndpointTypes: {endpoint_type}")


async def ask_webhooks(uris: Iterable[str], settings: Settings) -> None:
    """Raises BadRequestException unless every webhook among these expects us; no transaction may be open.

    Functions are not asked.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for url in {uri for uri in uris if is_webhook(uri)}:
                group.create_task(check_custom_url(url, settings))
    except* RefusedUrlError as group:
        log.info("A webhook did not expect us", reasons=[str(error) for error in group.exceptions])
        raise BadRequestException("The webhook didn't return the expected X-Amz-Pinpoint-AccountId header") from None


def is_webhook(uri: str) -> bool:
    """Whether a DeliveryUri is a URL, and no function's name."""
    return "://" in uri
