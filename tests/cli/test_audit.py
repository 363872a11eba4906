import json
import subprocess
import sys
import time

import pytest

from tests.fixtures.processes import Serve, wait_until


def tail(running: Serve, *arguments: str) -> list[list[str]]:
    """The cells of each line."""
    answer = running.repoint("audit", "tail", *arguments)
    assert answer.returncode == 0, answer.stderr
    return [line.split("\t") for line in answer.stdout.splitlines()]


def test_the_last_records_are_printed_newest_last(running: Serve, fresh_app: str) -> None:
    client = running.client()
    client.delete_app(ApplicationId=fresh_app)

    lines = tail(running, "--event", "DeleteApp", "-n", "1")

    assert len(lines) == 1
    assert lines[0][1:5] == ["first", "127.0.0.1", "DeleteApp", "ok"]
    assert lines[0][5] == f"application-id={fresh_app}"
    both = [line[3] for line in tail(running, "--user", "first") if line[3] in {"CreateApp", "DeleteApp"}]
    assert both[-2:] == ["CreateApp", "DeleteApp"]


def test_failures_are_printed_as_such(running: Serve) -> None:
    app = "0123456789abcdef0123456789abcdef"
    with pytest.raises(Exception, match="Application not found"):
        running.client().get_application_settings(ApplicationId=app)

    wait_until(lambda: tail(running, "--event", "GetApplicationSettings"))

    assert tail(running, "--event", "GetApplicationSettings")[-1][3:] == [
        "GetApplicationSettings",
        "NotFoundException",
        f"application-id={app}",
    ]


def test_records_are_printed_whole(running: Serve, fresh_app: str) -> None:
    answer = running.repoint("audit", "tail", "--event", "CreateApp", "-n", "1", "--json")

    record = json.loads(answer.stdout)
    assert record["responseElements"]["Id"] == fresh_app
    assert record["requestParameters"] == {"Name": "***"}


def test_more_than_a_page_is_printed(running: Serve, fresh_app: str) -> None:
    client = running.client()
    for number in range(3):
        client.update_endpoint(
            ApplicationId=fresh_app,
            EndpointId=f"e{number}",
            EndpointRequest={"ChannelType": "EMAIL", "Address": "a@example.com"},
        )
    wait_until(lambda: len(tail(running, "--event", "UpdateEndpoint", "-n", "1500")) >= 3)

    assert [line[5].split()[1] for line in tail(running, "--event", "UpdateEndpoint", "-n", "2")] == [
        "endpoint-id=e1",
        "endpoint-id=e2",
    ]
    assert tail(running, "--event", "UpdateEndpoint", "-n", "0") == []


def test_times_narrow_what_is_printed(running: Serve, fresh_app: str) -> None:
    assert fresh_app
    assert tail(running, "--event", "CreateApp", "--until", "2020-01-01") == []
    assert tail(running, "--event", "CreateApp", "--since", "2020-01-01T00:00:00Z")


def test_signs_that_would_move_the_cursor_are_not_printed(running: Serve, fresh_app: str) -> None:
    request = {"ChannelType": "EMAIL", "Address": "a@example.com"}
    running.client().update_endpoint(ApplicationId=fresh_app, EndpointId="\x1b[2Jx\ty", EndpointRequest=request)

    def lines() -> list[str]:
        return running.repoint("audit", "tail", "--event", "UpdateEndpoint").stdout.splitlines()

    wait_until(lambda: any("endpoint-id=?[2Jx?y" in line for line in lines()))
    assert "\x1b" not in "".join(lines())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--follow", "--until", "2026-01-01"), "--follow goes on from now"),
        (("--since", "yesterday"), "BadRequestException: Invalid since"),
    ],
)
def test_mistakes_are_told(running: Serve, arguments: tuple[str, ...], told: str) -> None:
    answer = running.repoint("audit", "tail", *arguments)

    assert answer.returncode == 1
    assert told in answer.stderr


def test_it_is_followed_until_it_is_stopped(running: Serve) -> None:
    command = [sys.executable, "-m", "repoint.cli.main", "audit", "tail", "-n", "0", "--follow", "--event", "CreateApp"]
    process = subprocess.Popen(
        command, env=running.environment | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    # It has begun when it has asked for the first time, which is itself recorded.
    wait_until(lambda: asks(running) >= 2)
    apps = [running.client().create_app(CreateApplicationRequest={"Name": "a"}) for _ in range(3)]

    lines = [process.stdout.readline() for _ in apps]

    process.terminate()
    process.communicate()
    assert [line.split("\t")[3] for line in lines] == ["CreateApp"] * 3


def asks(running: Serve) -> int:
    """How often the record was asked for what was added."""
    time.sleep(0.2)
    lines = tail(running, "--event", "ListAuditRecords", "-n", "50")
    return sum("after=" in line[5] for line in lines)


def test_reading_the_record_is_left_out_unless_asked_for(running: Serve) -> None:
    wait_until(lambda: tail(running, "--event", "ListAuditRecords"))

    assert [line for line in tail(running, "-n", "1000") if line[3] == "ListAuditRecords"] == []
