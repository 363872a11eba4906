"""Helpers that hash and encode text, in UTF-8 (templates.md section 7.4)."""

import base64
import binascii
import hashlib

from repoint.templates.errors import RenderError
from repoint.templates.helper import helper
from repoint.templates.values import Values


@helper("md5")
def md5(value: str) -> str:
    """The MD5 digest in hex; a name for what is sent, no protection."""
    return hashlib.md5(_bytes(value), usedforsecurity=False).hexdigest()


@helper("sha256")
def sha256(value: str) -> str:
    """The SHA-256 digest in hex."""
    return hashlib.sha256(_bytes(value)).hexdigest()


@helper("sha512")
def sha512(value: str) -> str:
    """The SHA-512 digest in hex."""
    return hashlib.sha512(_bytes(value)).hexdigest()


@helper("encode64")
def encode64(value: str) -> str:
    """The text in base64."""
    return base64.b64encode(_bytes(value)).decode()


@helper("decode64")
def decode64(value: str) -> str:
    """The text that base64 encodes; NUL is in no text that can be sent."""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        text = "\0"
    if "\0" in text:
        raise RenderError("decode64: not the base64 of a text")
    return text


@helper("uuid", skips="never")
def uuid(*, values: Values) -> str:
    """A random UUID, a new one at each use."""
    return values.new_uuid()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
