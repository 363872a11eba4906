"""Names in calls to Amazon's services."""

from repoint.delivery.heard import named
from repoint.delivery.message import Message

# OriginationIdentity of docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html.
IDENTITY = r"^[A-Za-z0-9_:/+-]{1,256}$"


# Under which events of the service name our id of the message.
MESSAGE_ID = "repoint-message-id"


def names(message: Message) -> dict[str, str]:
    """What the service's events are to tell of the message, so that it can be found."""
    return {MESSAGE_ID: message.id, "repoint-application-id": message.application_id}


def receipt_id(message_id: str) -> str:
    """Under which the service's events tell how the text with our id ended, of whichever account's they are."""
    return named("End User Messaging", message_id)
