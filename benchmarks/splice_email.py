"""One e-mail with three substitutions put together for one recipient, in µs.

A newsletter of 20 KB HTML with links, and its text. The bound is a fixed time, since there is nothing like it to
measure beside; with it stands what Python's own EmailMessage takes for the same mail.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from figure import Figure, arguments, exit_code

from repoint.discover import discover
from repoint.templates.mime import EmailPart, EmailParts, compile_email
from repoint.templates.values import Values

BOUND_US = 100.0
PARAGRAPH = (
    '<tr><td style="padding:8px"><p>Café crème &amp; more: the offers of this week, picked for you.</p>'
    '<p><a href="https://shop.example/offers?id=17&amp;week=47">See them all</a></p></td></tr>\n'
)
HTML = (
    "<html><body><h1>Hi!</h1>\n<table>"
    + PARAGRAPH * 100
    + "</table><p>Your plan: {{Attributes.Plan}}</p></body></html>\n"
)
PARTS = EmailParts(
    "Shop <shop@example.com>",
    "Offers for {{User.UserAttributes.FirstName}}",
    EmailPart(HTML),
    EmailPart("Hi {{User.UserAttributes.FirstName}},\n" + "here are the offers of this week.\n" * 10),
)
ENDPOINT = {
    "Attributes": {"Plan": ["pro"]},
    "User": {"UserAttributes": {"FirstName": ["Ann"]}},
}
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def by_library() -> bytes:
    """The same mail, built by Python's library."""
    message = EmailMessage(SMTP)
    message["From"], message["To"], message["Subject"] = PARTS.from_address, "ann@example.com", "Offers for Ann"
    message.set_content("Hi Ann,\n" + "here are the offers of this week.\n" * 10)
    message.add_alternative(HTML.replace("{{Attributes.Plan}}", "pro"), subtype="html")
    return message.as_bytes()


def each_us(make: Callable[[], bytes], count: int) -> float:
    """µs of one mail."""
    started = time.perf_counter()
    for _ in range(count):
        make()
    return (time.perf_counter() - started) / count * 1e6


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=5000)
    discover()
    compiled = compile_email(PARTS)

    def make() -> bytes:
        return compiled.render(Values(ENDPOINT, NOW), to="ann@example.com", message_id="m-1", date=NOW)

    print(f"{len(make()):,} bytes; Python's library: {each_us(by_library, given.count // 100 + 1):,.0f} us")
    figure = Figure("splicing an e-mail", "us", must=1)
    for _ in range(given.runs):
        figure.add(BOUND_US, each_us(make, given.count))
    return exit_code([figure])


if __name__ == "__main__":
    sys.exit(main())
