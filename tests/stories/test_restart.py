"""`repoint serve` starts again what dies."""

import re
from pathlib import Path

import pytest

from tests.fixtures.processes import Serve, wait_until


@pytest.fixture
def served(stopped: Serve) -> Serve:
    """A running server of the test's own."""
    stopped.start()
    return stopped


def new_child(serve: Serve, name: str, old: int) -> bool:
    """Whether another process than `old` runs in its place."""
    return any(pid != old for pid in serve.children(name))


def test_a_killed_api_is_started_again_and_refuses_nobody(served: Serve) -> None:
    client = served.client()
    made = client.create_app(CreateApplicationRequest={"Name": "kept"})["ApplicationResponse"]

    old = served.kill_child("api --supervised")

    # At once, with no retry: the connection waits in the socket that the supervisor holds.
    assert served.client().get_app(ApplicationId=made["Id"])["ApplicationResponse"] == made
    assert new_child(served, "api --supervised", old)
    assert "The API process was killed by signal 9; it is started again in 0.2 s" in served.log.read_text()


def test_a_killed_worker_is_started_again_and_works(served: Serve, tmp_path: Path) -> None:
    app = served.client().create_app(CreateApplicationRequest={"Name": "work"})["ApplicationResponse"]["Id"]
    (tmp_path / "one.csv").write_text("Id,ChannelType,Address\na,EMAIL,a@example.com\n")

    old = served.kill_child("worker --supervised")

    wait_until(lambda: new_child(served, "worker --supervised", old))
    answer = served.repoint("import", tmp_path / "one.csv", "--app", app)
    assert answer.returncode == 0, answer.stderr


def test_a_process_that_dies_again_and_again_is_started_again_ever_more_slowly(served: Serve) -> None:
    old = 0
    for _ in range(3):
        wait_until(lambda old=old: new_child(served, "worker --supervised", old))
        old = served.kill_child("worker --supervised")

    wait_until(lambda: served.log.read_text().count("it is started again") == 3)
    log = served.log.read_text()
    assert re.findall(r"started again in (\S+) s", log) == ["0.2", "0.4", "0.8"]


def test_the_server_stops_while_a_process_is_being_started_again(served: Serve) -> None:
    served.kill_child("worker --supervised")

    assert served.stop() == 0
