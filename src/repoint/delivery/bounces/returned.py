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
# Of an envelope's id (RFC 3461 section 4.4).
_LONGEST = 100


def told_ids(mail: Message) -> tuple[str, ...]:
    """Ids that the mail names, the surest first: its own address's, the envelope's, the returned message's, and so on.

    At the end come those that it answers.
    """
    found = [each for name in _ADDRESSED for each in verp_ids(header(mail, name))]
    inner = parts(mail)[1:]
    # RFC 3464 section 2.2.1; it stands in a message/delivery-status, whose fields the library takes for a message's.
    found += [header(part, "Original-Envelope-Id")[:_LONGEST] for part in inner]
    for part in inner:
        found.append(bare_id(header(part, "Message-ID")))
        if part.get_content_type() in {"text/rfc822-headers", "text/plain", "message/global-headers"}:
            found += _QUOTED.findall(text_of(part))
    if not mail.is_multipart():
        found += _QUOTED.findall(text_of(mail))
    for name in _ANSWERED:
        found += _MESSAGE_ID.findall(header(mail, name))
    return tuple(dict.fromkeys(each for each in found if each))[:_MOST]
