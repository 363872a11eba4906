"""Signatures, verified by a reader of RFC 6376 of the test's own, which is itself tried on the example of RFC 8463."""

import base64
import hashlib
import re
from email import message_from_bytes
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from repoint.delivery.providers.email_smtp import EmailSmtpOptions
from repoint.delivery.smtp.dkim import Signer, load_signer

PublicKey = RSAPublicKey | Ed25519PublicKey
# RFC 8463 appendix A.
BODY = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
MESSAGE = (
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    b"\r\n" + BODY
)
EXAMPLE = (
    b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    b" subject : date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
    b" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
)
EXAMPLE_KEY = Ed25519PublicKey.from_public_bytes(base64.b64decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="))


def verify(mime: bytes, key: PublicKey) -> dict[str, str]:
    """The tags of a message's first signature; raises InvalidSignature, or AssertionError for another body."""
    head, body = mime.split(b"\r\n\r\n", 1)
    fields = [field.split(b":", 1) for field in re.split(rb"\r\n(?=[^ \t])", head)]
    name, value = fields[0]
    assert name == b"DKIM-Signature"
    tags = dict(re.findall(r"(\w+)=([^;]*)", re.sub(r"\s", "", value.decode())))
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    plain = b"".join(line + b"\r\n" for line in lines)
    assert tags["bh"] == base64.b64encode(hashlib.sha256(plain).digest()).decode()
    data, unused = b"", list(fields[1:])
    for wanted in tags["h"].split(":"):
        found = next((field for field in reversed(unused) if field[0].decode().lower().strip() == wanted), None)
        if found is not None:
            unused.remove(found)
            data += relaxed(*found) + b"\r\n"
    data += relaxed(name, re.sub(rb"\bb=[^;]*$", b"b=", value))
    signature = base64.b64decode(tags["b"])
    if isinstance(key, RSAPublicKey):
        key.verify(signature, data, PKCS1v15(), SHA256())
    else:
        key.verify(signature, hashlib.sha256(data).digest())
    return tags


def relaxed(name: bytes, value: bytes) -> bytes:
    return name.strip().lower() + b":" + b" ".join(value.split())


@pytest.fixture(scope="module", params=["rsa", "ed25519"])
def keys(request: pytest.FixtureRequest) -> tuple[Signer, PublicKey]:
    """A signer and the key to verify it with."""
    private = generate_private_key(65537, 2048) if request.param == "rsa" else Ed25519PrivateKey.generate()
    return Signer("football.example.com", "brisbane", private), private.public_key()


def test_the_verifier_agrees_with_the_example_of_the_rfc() -> None:
    tags = verify(EXAMPLE + MESSAGE, EXAMPLE_KEY)

    assert tags["d"] == "football.example.com"
    with pytest.raises(InvalidSignature):
        verify(EXAMPLE + MESSAGE.replace(b"dinner", b"supper"), EXAMPLE_KEY)


def test_a_signature_says_who_signed_what(keys: tuple[Signer, PublicKey]) -> None:
    signer, key = keys

    signed = signer.signed(MESSAGE)

    tags = verify(signed, key)
    assert signed.endswith(b"\r\n" + MESSAGE)
    assert (tags["v"], tags["d"], tags["s"], tags["c"]) == ("1", "football.example.com", "brisbane", "relaxed/relaxed")
    assert tags["a"] == ("rsa-sha256" if isinstance(key, RSAPublicKey) else "ed25519-sha256")
    assert tags["bh"] == "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    assert tags["h"] == "from:from:to:to:cc:subject:subject:date:date:reply-to:message-id"
    assert message_from_bytes(signed)["Subject"] == "Is dinner ready?"


@pytest.mark.parametrize(
    "mime",
    [
        b"From: a@b\r\n\r\n",
        b"From: a@b\r\n\r\n\r\n\r\n",
        b"From: a@b\r\n\r\nx",
        b"From: a@b\r\n\r\nx \t y\t\r\n\r\n \t\r\n",
        b"From: a@b\r\n\r\n\r\n \r\nx\r\n\r\n",
        b"FROM :  a@b  (x\r\n\t y) \r\nSubject:\r\nTo: c@d,\r\n  e@f\r\nTo: g@h\r\n\r\nx\r\n",
        b"From: a@b\r\nX: y",
    ],
)
def test_blanks_folds_and_empty_lines_are_signed_as_others_read_them(
    keys: tuple[Signer, PublicKey], mime: bytes
) -> None:
    signer, key = keys

    tags = verify(signer.signed(mime if b"\r\n\r\n" in mime else mime + b"\r\n\r\n"), key)

    assert tags["v"] == "1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"hungry", b"angry"),
        (b"dinner", b"supper"),
        (b"From: Joe", b"From: Eve <eve@example.com>\r\nFrom: Joe"),
        (b"\r\n\r\nHi", b"\r\nReply-To: eve@example.com\r\n\r\nHi"),
        (b"\r\n\r\nHi", b"\r\nCc: eve@example.com\r\n\r\nHi"),
    ],
)
def test_what_was_changed_or_added_does_not_verify(keys: tuple[Signer, PublicKey], old: bytes, new: bytes) -> None:
    signer, key = keys
    changed = signer.signed(MESSAGE).replace(old, new)

    with pytest.raises((InvalidSignature, AssertionError)):
        verify(changed, key)


def test_lines_of_a_signature_are_short(keys: tuple[Signer, PublicKey]) -> None:
    signer, _ = keys

    lines = signer.signed(MESSAGE).split(b"\r\n")

    assert max(len(line) for line in lines) <= 78


def test_a_key_comes_from_a_file(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    signer = load_signer("shop.example", "s1", tmp_path / "key.pem")

    assert verify(signer.signed(MESSAGE), private.public_key())["s"] == "s1"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (b"no key", "dkim_key_file holds no private key in PEM, or one with a passphrase"),
        (
            Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
            ),
            "dkim_key_file holds no private key in PEM, or one with a passphrase",
        ),
        (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "dkim_key_file must hold an RSA key of 1024 bits or more, or an Ed25519 key",
        ),
    ],
)
def test_a_key_that_cannot_be_used_is_told_when_settings_are_read(tmp_path: Path, key: bytes, told: str) -> None:
    (tmp_path / "key.pem").write_bytes(key)

    with pytest.raises(ValueError, match=told):
        EmailSmtpOptions(host="h", dkim_domain="d.example", dkim_selector="s", dkim_key_file=tmp_path / "key.pem")


def test_a_domain_cannot_say_more_than_its_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot stand in a signature"):
        load_signer("d.example; t=y", "s", tmp_path)
