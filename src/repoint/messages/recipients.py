"""Recipients of direct messages, each with the id that its message will have."""

import secrets
import string
import uuid
from collections.abc import Mapping
from typing import Any

from repoint.contract.shapes import ChannelType
from repoint.delivery.recipient import Recipient

_LETTERS = string.ascii_lowercase + string.digits
# As Amazon's were.
_LENGTH = 40


def of_address(address: str, own: Mapping[str, Any]) -> Recipient:
    """An address alone, with its AddressConfiguration."""
    channel_type = own.get("ChannelType", "")
    return Recipient(message_id(channel_type), channel_type, address, str(uuid.uuid4()), None, own)


def of_endpoint(endpoint: Mapping[str, Any], own: Mapping[str, Any]) -> Recipient:
    """An endpoint as answers show it, with its EndpointSendConfiguration."""
    channel_type, address = endpoint.get("ChannelType", ""), endpoint.get("Address", "")
    return Recipient(message_id(channel_type), channel_type, address, endpoint["Id"], endpoint, own)


def message_id(channel_type: ChannelType | str) -> str:
    """A fresh id in the form of the channel: an e-mail's has a UUID in it, all others have 40 letters and digits."""
    if channel_type == "EMAIL":
        # The form of a UUID without making one: a campaign makes a million of them.
        text = secrets.token_hex(24)
        return f"{text[:16]}-{text[16:24]}-{text[24:28]}-4{text[29:32]}-a{text[33:36]}-{text[36:]}-000000"
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
