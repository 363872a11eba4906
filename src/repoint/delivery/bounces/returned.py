"""Which message a mail that came back is about."""

import re
from email.message import Message

from repoint.delivery.bounces.mail import header, parts, text_of
from repoint.delivery.smtp.verp import verp_ids
from repoint.delivery.telling import bare_id

_MESSAGE_ID = re.compile(r"<([^<>\s@]{1,200})@[^<>\s]{1,255}>")
_QUOTED = re.compile(r"^[> \t]*Message-ID:\s*<([^<>\s@]{1,200})@", re.IGNORECASE | re.MULTILINE)
# Where mail servers note whom a bounce was addressed to: with VERP, that names the message.
_ADDRESSED = ("X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "To")
# The mail that came back may itself be an answer to it, as Exchange's and Google's bounces are.
_ANSWERED = ("In-Reply-To", "References", "X-MS-Exchange-Message-Sent-Id")
_MOST = 20


def told_ids(mail: Message) -> tuple[str, ...]:
    """Ids that the mail names, the surest first: its own address's, the returned message's, those that it answers."""
    found = [each for name in _ADDRESSED for each in verp_ids(header(mail, name))]
    for part in parts(mail)[1:]:
        found.append(bare_id(header(part, "Message-ID")))
        if part.get_content_type() in {"text/rfc822-headers", "text/plain", "message/global-headers"}:
            found += _QUOTED.findall(text_of(part))
    if not mail.is_multipart():
        found += _QUOTED.findall(text_of(mail))
    for name in _ANSWERED:
        found += _MESSAGE_ID.findall(header(mail, name))
    return tuple(dict.fromkeys(each for each in found if each))[:_MOST]
