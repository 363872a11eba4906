"""What SNS topics tell of messages; http/public.py dispatches it when the delivery's signature admits to it."""

import structlog

from repoint.delivery.receipts import note_receipts
from repoint.delivery.ses_events import read_ses_event
from repoint.delivery.text_events import read_text_event
from repoint.delivery.told import note_told
from repoint.operation import Call, Input, Output, internal

log = structlog.get_logger()


@internal()
async def note_topic_message(call: Call, arguments: Input) -> Output:
    """What a topic tells of messages of any application, its `Message` with its `Key`.

    `{"Kind": "Bounce", "Noted": 1, "Unknown": [id]}`: Noted is 0 for what is passed over, was told before or is of a
    message that nobody knows yet. What is none of the events of Amazon SES and End User Messaging is logged, and has no
    Kind: SES itself sends a greeting to a new topic.
    """
    message, key = arguments["Message"], arguments["Key"]
    if (text := read_text_event(message)) is not None:
        kind, receipt = text
        if receipt is not None:
            await note_receipts(call.db, call.settings.account_id, [receipt], call.now)
        return {"Kind": kind, "Noted": int(receipt is not None), "Unknown": []}
    if (found := read_ses_event(message, key, call.now)) is not None:
        kind, told = found
        noted = await note_told(call.db, call.settings, call.now, told)
        return {"Kind": kind, "Noted": noted.count, "Unknown": [each.message_ids[0] for each in noted.unknown]}
    log.info("A topic's message is no event that we know", topic_arn=arguments["TopicArn"], key=key)
    return {"Noted": 0, "Unknown": []}
