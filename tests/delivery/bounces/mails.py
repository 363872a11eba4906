"""Mails that come back, in the forms in which mail servers write them; all about one message."""

from textwrap import dedent

MESSAGE_ID = "0123456789abcdef-01234567-89ab-4def-a123-456789abcdef-000000"
RETURNED = f"""\
From: News <news@shop.example>
To: ann@example.net
Subject: Hello
Date: Sun, 22 Nov 2026 10:00:00 +0000
Message-ID: <{MESSAGE_ID}@shop.example>
MIME-Version: 1.0
Content-Type: text/plain; charset="utf-8"
"""


def report(kind: str, told: str, *, returned: str = RETURNED, returned_type: str = "message/rfc822") -> bytes:
    """A multipart/report: a text for people, what is told, and what is returned."""
    subtype = {"delivery-status": "message/delivery-status", "feedback-report": "message/feedback-report"}[kind]
    head = dedent(f"""\
        Return-Path: <>
        From: MAILER-DAEMON@mx.example.org
        To: news@shop.example
        Subject: Undelivered Mail Returned to Sender
        Date: Sun, 22 Nov 2026 10:00:05 +0000
        Message-ID: <report-1@mx.example.org>
        Auto-Submitted: auto-replied
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type={kind};
        \tboundary="B.1/mx"

        --B.1/mx
        Content-Type: text/plain; charset=us-ascii

        Something was to be said about 4.9.9 of your mail.

        --B.1/mx
        Content-Type: {subtype}

        """)
    end = f"\n--B.1/mx\nContent-Type: {returned_type}\n\n{returned}\nHi\n\n--B.1/mx--\n"
    return (head + dedent(told) + end).replace("\n", "\r\n").encode()


POSTFIX = report(
    "delivery-status",
    """\
    Reporting-MTA: dns; mx.example.org
    X-Postfix-Queue-ID: 4F1X2Y3Z
    X-Postfix-Sender: rfc822; news@shop.example
    Arrival-Date: Sun, 22 Nov 2026 10:00:01 +0000 (UTC)

    Final-Recipient: rfc822; ann@example.net
    Original-Recipient: rfc822;ann@example.net
    Action: failed
    Status: 5.1.1
    Remote-MTA: dns; mail.example.net
    Diagnostic-Code: smtp; 550 5.1.1 <ann@example.net>: Recipient address rejected:
        User unknown
    """,
)
POSTFIX_HEADERS_ONLY = report(
    "delivery-status",
    """\
    Reporting-MTA: dns; mx.example.org

    Final-Recipient: rfc822; ann@example.net
    Action: failed
    Status: 4.4.1
    Diagnostic-Code: X-Postfix; connect to mail.example.net[192.0.2.7]:25: Connection timed out
    """,
    returned_type="text/rfc822-headers",
)
POSTFIX_DELAYED = report(
    "delivery-status",
    """\
    Reporting-MTA: dns; mx.example.org

    Final-Recipient: rfc822; ann@example.net
    Action: delayed
    Status: 4.4.1
    Diagnostic-Code: X-Postfix; connect to mail.example.net[192.0.2.7]:25: Connection timed out
    Will-Retry-Until: Fri, 27 Nov 2026 10:00:01 +0000 (UTC)
    """,
)
DELIVERED = report(
    "delivery-status",
    """\
    Reporting-MTA: dns; mx.example.org

    Final-Recipient: rfc822; ann@example.net
    Action: delivered
    Status: 2.0.0
    Diagnostic-Code: smtp; 250 2.0.0 OK queued
    """,
)
RELAYED = report(
    "delivery-status",
    "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; ann@example.net\nAction: relayed\nStatus: 2.0.0\n",
)
# A dash and a text behind the action and the status, a folded diagnostic, several recipients of a list.
EXCHANGE = report(
    "delivery-status",
    """\
    Reporting-MTA: dns;AM0PR01MB0001.eurprd01.prod.outlook.example
    Received-From-MTA: dns;mail.shop.example
    Arrival-Date: Sun, 22 Nov 2026 10:00:01 +0000

    Final-Recipient: rfc822;ann@example.net
    Action: failed
    Status: 5.1.10
    Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ann@example.net not found by SMTP
     address lookup

    Final-Recipient: rfc822;ann.2@example.net
    Action: delivered
    Status: 2.0.0
    """,
)
EXIM = report(
    "delivery-status",
    """\
    Reporting-MTA: dns; exim.example.org

    Action: failed
    Final-Recipient: rfc822;ann@example.net
    Status: 5.0.0
    Remote-MTA: dns; mail.example.net
    Diagnostic-Code: smtp; 550-Verification failed for <news@shop.example>
    """,
)
# Fields in upper case, a comment behind the action, no Final-Recipient.
SENDMAIL = report(
    "delivery-status",
    "REPORTING-MTA: dns; sm.example.org\n\nACTION: Failed (bounced)\nSTATUS: 5.2.2 (mailbox full)\n",
)
NO_STATUS = report(
    "delivery-status",
    "Reporting-MTA: dns; old.example.org\n\nFinal-Recipient: rfc822; ann@example.net\nAction: failed\n"
    "Diagnostic-Code: smtp; 452 mailbox is busy\n",
)
GLOBAL = report(
    "delivery-status",
    "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: utf-8; änn@example.net\nAction: failed\nStatus: 5.1.1\n",
    returned_type="message/global-headers",
).replace(b"message/delivery-status", b"message/global-delivery-status")
ENCODED = report(
    "delivery-status",
    "Content-Transfer-Encoding: base64\n\n"
    "UmVwb3J0aW5nLU1UQTogZG5zOyBteC5leGFtcGxlCgpGaW5hbC1SZWNpcGllbnQ6IHJmYzgyMjsg\n"
    "YW5uQGV4YW1wbGUubmV0CkFjdGlvbjogZmFpbGVkClN0YXR1czogNS4xLjEK\n",
).replace(b"message/delivery-status\r\n\r\n", b"message/global-delivery-status\r\n")
ABUSE = report(
    "feedback-report",
    """\
    Feedback-Type: abuse
    User-Agent: SomeGenerator/1.0
    Version: 1
    Original-Mail-From: <news@shop.example>
    Original-Rcpt-To: <ann@example.net>
    Arrival-Date: Sun, 22 Nov 2026 10:00:04 +0000
    Source-IP: 192.0.2.1
    Reported-Domain: shop.example
    """,
)
NOT_SPAM = report("feedback-report", "Feedback-Type: not-spam\nUser-Agent: SomeGenerator/1.0\nVersion: 1\n")
AUTH_FAILURE = report("feedback-report", "Feedback-Type: auth-failure\nUser-Agent: x/1\nVersion: 1\n")

EXIM_PLAIN = (
    dedent("""\
    Return-Path: <>
    X-Failed-Recipients: ann@example.net
    Auto-Submitted: auto-replied
    From: Mail Delivery System <Mailer-Daemon@exim.example.org>
    To: news@shop.example
    Subject: Mail delivery failed: returning message to sender
    Message-Id: <E1abcd-0001ab-2C@exim.example.org>

    This message was created automatically by software that carries mail.

      ann@example.net
        host mail.example.net [192.0.2.7]
        SMTP error from remote mail server after RCPT TO:<ann@example.net>:
        550 5.1.1 no such user here

    ------ This is a copy of the message, including all the headers. ------

    """)
    + RETURNED
    + "\nHi\n"
).encode()
QMAIL = (
    dedent("""\
    Return-Path: <>
    From: MAILER-DAEMON@qmail.example.org
    To: news@shop.example
    Subject: failure notice

    Hi. This is the qmail-send program at qmail.example.org.
    Your message did not get to these addresses.

    <ann@example.net>:
    192.0.2.7 does not like recipient.
    Remote host said: 550 sorry, no mailbox here by that name. (#5.1.1)
    Giving up on 192.0.2.7.

    --- Below this line is a copy of the message.

    Return-Path: <news@shop.example>
    """)
    + RETURNED
    + "\nHi\n"
).encode()
WARNING = (
    dedent("""\
    Return-Path: <>
    From: Mail Delivery System <postmaster@mx.example.org>
    To: news@shop.example
    Subject: Warning: message delayed 24 hours
    In-Reply-To: <%s@shop.example>

    Your message has not yet been delivered; the server will keep trying.
      ann@example.net: 451 4.7.1 try again later
    """)
    % MESSAGE_ID
).encode()
# A mail in a mail, with words of its own for both.
MIXED = (
    dedent("""\
    Return-Path: <>
    From: postmaster@old.example.org
    To: news@shop.example
    Subject: Nondeliverable mail
    MIME-Version: 1.0
    Content-Type: multipart/mixed; boundary="x"

    --x
    Content-Type: text/plain

    Failed to deliver to 'ann@example.net': mailbox unavailable, server answered 554.

    --x
    Content-Type: message/rfc822

    """)
    + RETURNED
    + "\nHi\n--x--\n"
).encode()
VACATION = (
    dedent("""\
    From: Ann <ann@example.net>
    To: news@shop.example
    Subject: Out of office
    Auto-Submitted: auto-replied
    In-Reply-To: <%s@shop.example>

    I am away until 5.1.1 of next year, at room 550.
    """)
    % MESSAGE_ID
).encode()
ANSWER = VACATION.replace(b"Auto-Submitted: auto-replied\n", b"")
READ_RECEIPT = POSTFIX.replace(b"delivery-status", b"disposition-notification")
