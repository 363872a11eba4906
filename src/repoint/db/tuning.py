"""The embedded server's settings, sized for the machine it finds itself on."""

import os
import shutil
from pathlib import Path

MEBIBYTE = 2**20


def settings_for_this_machine(folder: Path) -> dict[str, str]:
    """Every setting of `postgresql.conf`; `folder` is asked for free space, since WAL may fill up to `max_wal_size`."""
    return _memory(memory_mb()) | _write_ahead_log(free_disk_mb(folder)) | _PLANNER | _IDLE | _LOG | _REST


def memory_mb() -> int:
    """This machine's memory, in MiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEBIBYTE


def free_disk_mb(folder: Path) -> int:
    """What is free on the disk of `folder`, in MiB."""
    return shutil.disk_usage(folder).free // MEBIBYTE


def _memory(total_mb: int) -> dict[str, str]:
    return {
        # A quarter of the memory, as the manual advises, but this machine also runs everything else.
        "shared_buffers": f"{_between(64, total_mb // 4, 2048)}MB",
        "effective_cache_size": f"{_between(128, total_mb // 2, 65536)}MB",
        "work_mem": f"{_between(8, total_mb // 256, 64)}MB",
        "maintenance_work_mem": f"{_between(64, total_mb // 16, 512)}MB",
        "max_connections": "100",
    }


def _write_ahead_log(free_mb: int) -> dict[str, str]:
    return {
        # What was acknowledged is on the disk.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        # Nobody replicates from an embedded server; it is backed up by pg_dump.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "wal_buffers": "16MB",
        # An import must not wait for checkpoints that come every gigabyte.
        "max_wal_size": f"{_between(256, free_mb // 8, 4096)}MB",
        "min_wal_size": f"{_between(128, free_mb // 64, 512)}MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
    }


_PLANNER = {
    # Solid-state disks; and no compiling of plans, which costs more than any of our statements.
    "random_page_cost": "1.1",
    "effective_io_concurrency": "64",
    "jit": "off",
}

_IDLE = {
    "autovacuum_naptime": "1min",
    # Tables that grow by a file at a time want their statistics soon after.
    "autovacuum_vacuum_cost_limit": "2000",
    "autovacuum_analyze_scale_factor": "0.05",
    "bgwriter_delay": "1s",
    "wal_writer_delay": "1s",
}

_LOG = {
    # Statements and error details carry addresses and bodies; a log holds nothing personal.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
    "log_timezone": "'UTC'",
    "log_line_prefix": "'%m [%p] '",
}

_REST = {
    "timezone": "'UTC'",
    "default_text_search_config": "'pg_catalog.simple'",
    "password_encryption": "'scram-sha-256'",
    "max_locks_per_transaction": "128",
}


def _between(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))
