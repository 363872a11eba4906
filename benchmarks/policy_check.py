"""One check of a policy with 20 statements, wildcards and a condition, in µs of CPU time.

The bound is the CPU time of the API's process for one signed GetEndpoint, of a key without a policy: what the check is
added to. The policy is written so that all of its statements bear on the call and the last one allows it, on its
condition; 10,000 endpoints are asked about in turn.
"""

import asyncio
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from figure import Figure, arguments, exit_code
from server import NotMeasured, Server, serving
from signed import Request, send

from repoint.access.document import read_document
from repoint.access.rights import KeyRights
from repoint.db.pool import Database
from repoint.operation import Call, Principal
from repoint.settings import Settings

ARN = "arn:aws:iam::000000000000:user/bench"
OURS = "arn:aws:mobiletargeting:*:*:apps"
STATEMENTS = 20
CONNECTIONS = 8


def policy(application_id: str) -> str:
    """An IAM policy that allows everything below one application to one network, and says a lot besides."""
    others = [
        {
            "Effect": "Deny" if number % 3 == 0 else "Allow",
            "Action": ["mobiletargeting:Get*", "mobiletargeting:Update*"],
            "Resource": [f"{OURS}/{number:032x}", f"{OURS}/{number:032x}/*", f"{OURS}/{number:032x}/*/secret-*"],
        }
        for number in range(STATEMENTS - 2)
    ]
    admins = {"Effect": "Deny", "Action": "mobiletargeting:*", "Resource": f"{OURS}/*/endpoints/admin-*"}
    mine = {
        "Effect": "Allow",
        "Action": "mobiletargeting:*",
        "Resource": [f"{OURS}/{application_id}", f"{OURS}/{application_id}/*"],
        "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [*others, admins, mine]})


def check_us(application_id: str, count: int) -> float:
    """µs of CPU time of one check."""
    rights = KeyRights(read_document(policy(application_id)), arn=ARN, user_name="bench", user_id="AKIA", tags={})
    principal = Principal("AKIA", "bench", ARN, rights)
    # Never opened: no tags are asked for.
    database = Database("")
    call = Call(
        "GetEndpoint", "request", datetime.now(UTC), principal, "us-east-1", Settings(), database, "127.0.0.1", "bench"
    )
    asked = [{"ApplicationId": application_id, "EndpointId": f"endpoint-{number}"} for number in range(count)]

    async def check_all() -> float:
        await rights.check(call, asked[0])
        started = time.process_time()
        for given in asked:
            await rights.check(call, given)
        return (time.process_time() - started) / count * 1e6

    return asyncio.run(check_all())


def call_us(server: Server, application_id: str, count: int) -> float:
    """µs of CPU time that the API's process takes for one signed GetEndpoint, over connections that share its work."""
    request = server.signer.sign("GET", f"/v1/apps/{application_id}/endpoints/endpoint-1")
    before_s = cpu_s(server.api())
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(lambda _: send_all(server, request, count // CONNECTIONS), range(CONNECTIONS)))
    return (cpu_s(server.api()) - before_s) / count * 1e6


def send_all(server: Server, request: Request, count: int) -> None:
    """Send a request several times over one connection; each must be answered."""
    connection = server.signer.connect()
    for _ in range(count):
        status, body = send(connection, request)
        if status != 200:  # noqa: PLR2004 - OK
            raise NotMeasured(f"a call was answered {status}: {body!r}")
    connection.close()


def cpu_s(pid: int) -> float:
    """The seconds of CPU time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=10_000)
    figure = Figure("a check of a policy", "us", must=0.05)
    with serving() as server, server.application() as application_id:
        request = {"ChannelType": "EMAIL", "Address": "ana@example.com", "Attributes": {"plan": ["pro"]}}
        server.client.update_endpoint(ApplicationId=application_id, EndpointId="endpoint-1", EndpointRequest=request)
        for _ in range(given.runs):
            figure.add(call_us(server, application_id, given.count), check_us(application_id, given.count))
    return exit_code([figure])


if __name__ == "__main__":
    sys.exit(main())
