"""DKIM: a domain says with its signature that a message is its own (RFC 6376; Ed25519: RFC 8463).

Header and body are canonicalised as `relaxed/relaxed`, which survives what relays do to blanks and folds.
"""

import base64
import hashlib
import re
import time
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

# RFC 6376 section 5.4.1, and what mailbox providers ask bulk senders to sign.
_SIGNED = (
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "reply-to",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-unsubscribe",
    "list-unsubscribe-post",
)
# Signed once more than they are there, so that nobody adds another one.
_SEALED = frozenset({"from", "to", "cc", "subject", "date", "reply-to"})
# RFC 8301 section 3.2.
_LEAST_RSA_BITS = 1024
_NAME = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_BLANKS = re.compile(rb"[ \t]+")
_BLANKS_AT_END = re.compile(rb"[ \t]+(?=\r\n)")
_EMPTY_LINES_AT_END = re.compile(rb"(?:\r\n)+\Z")


class Signer:
    """A domain's key."""

    def __init__(self, domain: str, selector: str, key: RSAPrivateKey | Ed25519PrivateKey) -> None:
        self._key = key
        algorithm = "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"
        self._tags = f"v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={domain};\r\n s={selector};"

    def signed(self, mime: bytes) -> bytes:
        """The message, lines ended by CRLF, with its signature before it."""
        head, _, body = mime.partition(b"\r\n\r\n")
        fields = _fields(head)
        names = _names_to_sign(fields)
        digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode("ascii")
        signed_at = int(time.time())
        unsigned = (
            f"DKIM-Signature: {self._tags} t={signed_at};\r\n h={_listed(names)};\r\n bh={digest};\r\n b="
        ).encode()
        signature = self._sign(_header_input(fields, names) + relaxed_field(unsigned))
        return unsigned + _folded(base64.b64encode(signature)) + b"\r\n" + mime

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, PKCS1v15(), SHA256())
        # RFC 8463 section 3: what is signed is the hash.
        return self._key.sign(hashlib.sha256(data).digest())


def load_signer(domain: str, selector: str, key_file: Path) -> Signer:
    """The signer with this key; raises ValueError when there is none in the file that can be used."""
    for name in (domain, selector):
        if not _NAME.fullmatch(name.encode()):
            raise ValueError(f"{name} cannot stand in a signature: letters, digits, dots and hyphens only")
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except OSError as error:
        raise ValueError(f"dkim_key_file cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's text may quote the file.
        raise ValueError("dkim_key_file holds no private key in PEM, or one with a passphrase") from None
    if isinstance(key, RSAPrivateKey) and key.key_size >= _LEAST_RSA_BITS:
        return Signer(domain, selector, key)
    if isinstance(key, Ed25519PrivateKey):
        return Signer(domain, selector, key)
    raise ValueError("dkim_key_file must hold an RSA key of 1024 bits or more, or an Ed25519 key")


def _fields(head: bytes) -> list[tuple[str, bytes]]:
    """Header fields in their order, each with its lower-case name and as it stands."""
    fields = re.split(rb"\r\n(?![ \t])", head)
    return [(field.partition(b":")[0].strip().lower().decode("latin-1"), field) for field in fields]


def _names_to_sign(fields: list[tuple[str, bytes]]) -> list[str]:
    present = [name for name, _ in fields]
    names = []
    for name in _SIGNED:
        names += [name] * (present.count(name) + (name in _SEALED))
    return names


def _listed(names: list[str]) -> str:
    """Names on short lines."""
    return ":\r\n  ".join(":".join(names[start : start + 3]) for start in range(0, len(names), 3))


def _header_input(fields: list[tuple[str, bytes]], names: list[str]) -> bytes:
    """What is signed of the header: for each name the last field that was not used yet, nothing where there is none."""
    left: dict[str, list[bytes]] = {}
    for name, field in fields:
        left.setdefault(name, []).append(field)
    chosen = [left[name].pop() for name in names if left.get(name)]
    return b"".join([relaxed_field(field) + b"\r\n" for field in chosen])


def relaxed_field(field: bytes) -> bytes:
    """RFC 6376 section 3.4.2."""
    name, _, value = field.partition(b":")
    return name.strip(b" \t").lower() + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t")


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4."""
    if b"  " in body or b"\t" in body or b" \r\n" in body:
        body = _BLANKS.sub(b" ", _BLANKS_AT_END.sub(b"", body))
    if body.endswith(b"\r\n\r\n") or body == b"\r\n":
        body = _EMPTY_LINES_AT_END.sub(b"", body) + b"\r\n"
    elif body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    return b"" if body == b"\r\n" else body


def _folded(text: bytes) -> bytes:
    return b"\r\n ".join(text[start : start + 72] for start in range(0, len(text), 72))
