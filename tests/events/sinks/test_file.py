"""Streams to folders: which folders, and what a file holds when a write was cut off or is under way."""

import asyncio
import fcntl
import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from repoint.events.log import UnreachableError
from repoint.events.sinks.sink import DestinationError, open_sink
from repoint.settings import Settings
from tests.fixtures.streamed import APPLICATION, destination, events, records

NAME = f"{APPLICATION}-2026-11-20.ndjson"


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """The only folder that streams may lead below."""
    folder = tmp_path / "allowed"
    folder.mkdir()
    return folder


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize(
    ("below", "told"),
    [
        ("../other", "other is in none of the folders of the setting event_folders"),
        ("%2e%2e/other", "other is in none of the folders of the setting event_folders"),
        ("out/other", "/etc/other is in none of the folders of the setting event_folders"),
        ("a%00b", "is no path"),
        ("loop/a", "is no path"),
        ("a" * 256, "cannot be written to: File name too long"),
    ],
)
async def test_nothing_leads_out_of_the_folders_that_are_allowed(allowed: Path, below: str, told: str) -> None:
    allowed.joinpath("out").symlink_to("/etc")
    allowed.joinpath("loop").symlink_to(allowed / "loop")

    with pytest.raises(DestinationError, match=told):
        async with open_sink(destination(f"file://{allowed}/{below}", Settings(event_folders=(allowed,)))) as sink:
            await sink.check()


async def test_no_folder_is_allowed_unless_the_operator_says_so(allowed: Path) -> None:
    with pytest.raises(DestinationError, match="is in none of the folders"):
        async with open_sink(destination(f"file://{allowed}", Settings())):
            pass


async def test_what_a_crash_left_of_a_line_is_cut_off(allowed: Path) -> None:
    given = events(4)

    async with open_sink(destination(f"file://{allowed}", Settings(event_folders=(allowed,)))) as sink:
        await sink.put(given[:2])
        with (allowed / NAME).open("a") as file:
            file.write('{"event_type":"page.view","client":{"cli')
        await sink.put(given[2:])

    assert lines(allowed / NAME) == records(given)


async def test_a_link_in_the_place_of_the_file_is_not_followed(allowed: Path, tmp_path: Path) -> None:
    tmp_path.joinpath("passwords").write_text("secret\n")
    allowed.joinpath(NAME).symlink_to(tmp_path / "passwords")

    async with open_sink(destination(f"file://{allowed}", Settings(event_folders=(allowed,)))) as sink:
        with pytest.raises(UnreachableError):
            await sink.put(events(1))

    assert tmp_path.joinpath("passwords").read_text() == "secret\n"


async def test_disks_that_hang_hold_up_nothing_else(allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda _: goes_on.wait(10))
    # More than there are threads for what the process does otherwise.
    for n in range(min(32, (os.cpu_count() or 1) + 4)):
        async with open_sink(destination(f"file://{allowed}", Settings(event_folders=(allowed,)))) as sink:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await sink.put([replace(events(1)[0], logged_at=datetime(2026, 11, 1 + n % 30, tzinfo=UTC))])

    async with asyncio.timeout(1):
        await asyncio.to_thread(lambda: None)
    goes_on.set()


async def test_nothing_is_written_beside_a_worker_that_was_frozen_while_writing(allowed: Path) -> None:
    """When it goes on it would cut off what was written meanwhile."""
    async with open_sink(destination(f"file://{allowed}", Settings(event_folders=(allowed,)))) as sink:
        await sink.put(events(1))
        with (allowed / NAME).open("r+b") as frozen:
            fcntl.flock(frozen, fcntl.LOCK_EX)
            with pytest.raises(UnreachableError, match="cannot be written to: Resource temporarily unavailable"):
                await sink.put(events(2))
        await sink.put(events(2)[1:])

    assert lines(allowed / NAME) == records(events(2))
