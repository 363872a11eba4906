"""Secrets at rest: sealed with AES-256-GCM under one master key, from the settings or a file of the data folder.

What is sealed for one place (an access key's row, a channel's credential) opens for that place only.
"""

import hmac
import os
import re
import secrets
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from repoint.settings import Settings

FILE = "master.key"
_NONCE_BYTES = 12
_KEY = re.compile(r"[0-9a-fA-F]{64}")


class MasterKeyError(Exception):
    """The master key is malformed, cannot be kept, or is not the one that a secret was sealed with."""


class Seal:
    """Seals and opens secrets under one master key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for something else than sealing, the same in every process of the installation."""
        return hmac.digest(self._key, purpose.encode(), "sha256")

    def close(self, secret: str, place: str) -> bytes:
        """The secret sealed for `place`; never twice the same bytes."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """The secret; raises MasterKeyError when the master key or the place is another one."""
        try:
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except InvalidTag:
            raise MasterKeyError(
                "the master key is not the one that the database's secrets were sealed with: set REPOINT_MASTER_KEY, "
                f"or use the data folder whose {FILE} it was"
            ) from None
        return opened.decode()


def load_seal(settings: Settings) -> Seal:
    """The seal of this installation; the first start makes the file, readable by its owner only.

    Raises MasterKeyError for a malformed key and for a data folder that cannot be written.
    """
    return _load(settings.master_key, settings.data_dir)


@cache
def _load(master_key: SecretStr | None, data_dir: Path) -> Seal:
    if master_key is not None:
        return Seal(_parsed(master_key.get_secret_value(), "REPOINT_MASTER_KEY"))
    path = data_dir / FILE
    try:
        if not path.exists():
            _make(path)
        return Seal(_parsed(path.read_text(encoding="ascii"), str(path)))
    except OSError as error:
        raise MasterKeyError(f"the master key cannot be kept in {path}: {error.strerror}") from error


def _parsed(text: str, origin: str) -> bytes:
    if _KEY.fullmatch(text.strip()) is None:
        raise MasterKeyError(f"{origin} must hold 64 hex digits")
    return bytes.fromhex(text.strip())


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # Of several processes that start at once one gets the name; the others take what it wrote.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
