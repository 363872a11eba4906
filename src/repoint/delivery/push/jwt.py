"""JSON Web Tokens as push services take them (RFC 7519, signed as RFC 7518 sections 3.3 and 3.4 say)."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key


class KeyFormError(Exception):
    """A text is no private key of the form that is needed; nothing of it is in the text of this."""


def read_ec_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """A key for ES256, as Apple's .p8 files have it; raises KeyFormError."""
    key = _read_key(pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFormError("not a private key on the curve P-256")
    return key


def read_rsa_key(pem: str) -> rsa.RSAPrivateKey:
    """A key for RS256, as service accounts have it; raises KeyFormError."""
    key = _read_key(pem)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyFormError("not an RSA private key")
    return key


def sign(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, header: Mapping[str, str], claims: Mapping[str, object]
) -> str:
    """A token; its algorithm is the key's."""
    is_ec = isinstance(key, ec.EllipticCurvePrivateKey)
    head = {"alg": "ES256" if is_ec else "RS256", **header}
    text = f"{_base64(msgspec.json.encode(head))}.{_base64(msgspec.json.encode(claims))}"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(SHA256())))
        signature = r.to_bytes(32) + s.to_bytes(32)
    else:
        signature = key.sign(text.encode(), padding.PKCS1v15(), SHA256())
    return f"{text}.{_base64(signature)}"


def _read_key(pem: str) -> object:
    try:
        return load_pem_private_key(pem.encode(), None)
    # A key with a passphrase is a TypeError, another kind of key UnsupportedAlgorithm.
    except Exception as error:  # noqa: BLE001 - the library's errors may quote what they were given
        raise KeyFormError(f"not a private key in PEM without a passphrase ({type(error).__name__})") from None


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
