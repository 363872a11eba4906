"""SendMessages, signed, end to end: 100 addresses a call, e-mail with three variables, through Postfix's `smtp-sink`.

From the request to its answer, one call after the other on one connection: half of them may take 60 ms at most. Then
the same from several callers at once, for the messages a second. Beside each call its records are logged.
"""

import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from figure import Figure, arguments, exit_code
from send_email import smtp_sink
from server import NotMeasured, Server, serving
from signed import send

ADDRESSES = 100
CALLERS = 8
MUST_MS = 60
HTML = "<p>Dear {{name}},</p>" + "<p>what you ordered is on its way.</p>" * 20 + "<p>It goes to {{city}}.</p>"
TEMPLATE = {
    "Subject": "{{name}}, your order {{order}}",
    "HtmlPart": HTML,
    "TextPart": "Dear {{name}}: {{order}}, {{city}}",
}


def body(number: int) -> dict[str, object]:
    """A MessageRequest to addresses of its own."""
    addresses = {
        f"{number}-{each}@example.com": {
            "ChannelType": "EMAIL",
            "Substitutions": {"name": [f"Name {each}"], "city": ["Sofia"], "order": [f"{number}"]},
        }
        for each in range(ADDRESSES)
    }
    template = {"EmailTemplate": {"Name": "order"}}
    return {"Addresses": addresses, "MessageConfiguration": {}, "TemplateConfiguration": template}


class Caller:
    """One connection to the API."""

    def __init__(self, server: Server, application_id: str) -> None:
        self._server = server
        self._connection = server.signer.connect()
        self._path = f"/v1/apps/{application_id}/messages"

    def call(self, number: int) -> float:
        """Milliseconds of one call, all of whose messages must have gone out."""
        request = self._server.signer.sign("POST", self._path, body(number))
        started = time.perf_counter()
        status, answer = send(self._connection, request)
        took_ms = (time.perf_counter() - started) * 1000
        if status != 200 or answer.count(b'"SUCCESSFUL"') != ADDRESSES:  # noqa: PLR2004 - OK
            raise NotMeasured(f"answered {status}: {answer[:500]!r}")
        return took_ms


def together(server: Server, application_id: str, calls: int) -> float:
    """Messages a second of several callers."""

    def run(first: int) -> None:
        caller = Caller(server, application_id)
        for number in range(first, calls, CALLERS):
            caller.call(number)

    started = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(run, range(CALLERS)))
    return calls * ADDRESSES / (time.perf_counter() - started)


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, calls=100)
    figure = Figure("SendMessages to 100 addresses, median", "ms", must=1)
    with smtp_sink() as port:
        relay = {"kind": "email_smtp", "host": "127.0.0.1", "port": port, "tls": "none"}
        settings = {
            "REPOINT_PROVIDERS": json.dumps({"relay": relay}),
            "REPOINT_CHANNEL_PROVIDERS": json.dumps({"EMAIL": ["relay"]}),
        }
        with serving(settings) as server, server.application() as application_id:
            email = {"FromAddress": "Shop <news@example.com>", "Identity": "example.com"}
            server.client.update_email_channel(ApplicationId=application_id, EmailChannelRequest=email)
            server.client.create_email_template(TemplateName="order", EmailTemplateRequest=TEMPLATE)
            caller = Caller(server, application_id)
            caller.call(0)
            for _ in range(given.runs):
                figure.add(MUST_MS, statistics.median(caller.call(number) for number in range(given.calls)))
                print(f"  {CALLERS} callers at once: {together(server, application_id, given.calls):,.0f} messages/s")
    return exit_code([figure])


if __name__ == "__main__":
    sys.exit(main())
