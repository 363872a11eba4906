"""Run a program as an unprivileged user when we are root: PostgreSQL refuses to run as root.

The user is a bare number that no account has, one a folder, so nothing is added to the machine. Where a folder on the
way is closed to that user (`/root`, a parent with mode 0700), the program keeps the one capability that lets it pass.

This file is also started by its path, and then imports nothing of ours: the folder it lives in may be closed too.
"""

import ctypes
import os
import pwd
import sys
import zlib
from pathlib import Path

# linux/capability.h: read and enter any folder; or, where that one is withheld (containers), pass every file check.
CAP_DAC_READ_SEARCH = 2
CAP_DAC_OVERRIDE = 1

# The numbers systemd sets aside for users without an account: https://systemd.io/UIDS-GIDS
_FIRST_UID, _LAST_UID = 61184, 65519

_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522


class ClosedFolderError(Exception):
    """A folder that the unprivileged user has to enter and cannot."""

    def __init__(self, folder: Path, uid: int) -> None:
        super().__init__(f"{folder} cannot be entered by user {uid}")
        self.folder = folder
        self.uid = uid


def free_uid(folder: Path) -> int:
    """A number for this folder that no account has; the same folder gives the same number."""
    span = _LAST_UID - _FIRST_UID + 1
    start = zlib.crc32(os.fsencode(folder))
    return next(uid for offset in range(span) if not _has_account(uid := _FIRST_UID + (start + offset) % span))


def any_account() -> int:
    """An unprivileged user that has an account, for programs that look their own name up."""
    accounts = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0}
    return accounts["nobody"] if "nobody" in accounts else next(iter(accounts.values()))


def command_as(uid: int, command: list[str], *, enters: list[Path]) -> list[str]:
    """The command line that runs `command` as `uid`, able to enter `enters`; raises ClosedFolderError if it cannot."""
    closed = next((folder for path in enters if (folder := _closed_folder(path, uid)) is not None), None)
    capability = 0
    if closed is not None:
        capability = next((bit for bit in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if is_held(bit)), 0)
        if capability == 0:
            raise ClosedFolderError(closed, uid)
    return [sys.executable, "-I", "-S", __file__, str(uid), str(capability), *command]


def is_held(capability: int) -> bool:
    """Whether this process has the capability to hand on; never where there are none (macOS)."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return False
    held = next(int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:"))
    return bool(held >> capability & 1)


def _has_account(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _closed_folder(path: Path, uid: int) -> Path | None:
    for folder in reversed([path, *path.parents]):
        status = folder.stat()
        if not status.st_mode & (0o100 if status.st_uid == uid else 0o001):
            return folder
    return None


def main() -> None:
    """Arguments: the user's number, the capability to keep (0 for none), the program and its own arguments."""
    uid, capability = int(sys.argv[1]), int(sys.argv[2])
    libc = ctypes.CDLL(None, use_errno=True) if capability else None
    if libc is not None:
        _check(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    if libc is not None:
        _keep(libc, capability)
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 - the caller names the program


def _keep(libc: ctypes.CDLL, capability: int) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    mask = 1 << capability
    # Two sets of (effective, permitted, inheritable); the second is for capabilities from 32 on.
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _check(libc.capset(header, sets))
    # Ambient capabilities are the ones that live on in a program without any of its own.
    _check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "the capability to enter closed folders could not be kept")


if __name__ == "__main__":
    main()
