from pathlib import Path

import pytest

from repoint.db import tuning
from repoint.db.tuning import settings_for_this_machine


@pytest.mark.parametrize(
    ("memory_mb", "shared_buffers", "work_mem"),
    [(512, "128MB", "8MB"), (8192, "2048MB", "32MB"), (65536, "2048MB", "64MB")],
)
def test_memory_follows_the_machine(
    monkeypatch: pytest.MonkeyPatch, memory_mb: int, shared_buffers: str, work_mem: str
) -> None:
    monkeypatch.setattr(tuning, "memory_mb", lambda: memory_mb)

    settings = settings_for_this_machine(Path("/"))

    assert (settings["shared_buffers"], settings["work_mem"]) == (shared_buffers, work_mem)


@pytest.mark.parametrize(("free_mb", "max_wal_size"), [(1024, "256MB"), (16384, "2048MB"), (10**6, "4096MB")])
def test_the_log_leaves_room_on_the_disk(monkeypatch: pytest.MonkeyPatch, free_mb: int, max_wal_size: str) -> None:
    monkeypatch.setattr(tuning, "free_disk_mb", lambda _folder: free_mb)

    assert settings_for_this_machine(Path("/"))["max_wal_size"] == max_wal_size
