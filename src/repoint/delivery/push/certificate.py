"""Certificates that prove who we are to a push service."""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID


class CertificateError(Exception):
    """A certificate and its key that cannot be used; nothing of them is in the text."""


def present(context: ssl.SSLContext, certificate: str, private_key: str) -> None:
    """Have this certificate, PEM like its key, shown to servers that ask; raises CertificateError."""
    try:
        with _file(f"{private_key.strip()}\n{certificate.strip()}\n") as path:
            # Without a passphrase, rather than one that somebody is asked for at the terminal.
            context.load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError, OSError) as error:
        raise CertificateError(f"Certificate and PrivateKey do not go together ({type(error).__name__})") from None


def bundle_id(certificate: str) -> str | None:
    """The app that Apple says the certificate is for; None when it does not."""
    try:
        subject = x509.load_pem_x509_certificate(certificate.encode()).subject
    except ValueError as error:
        raise CertificateError(f"Certificate is none in PEM ({type(error).__name__})") from None
    names = subject.get_attributes_for_oid(NameOID.USER_ID)
    return str(names[0].value) if names else None


@contextmanager
def _file(text: str) -> Iterator[str]:
    """The path of a file with that text, in memory where the system has such files."""
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "certificate.pem"
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
            yield str(path)
        return
    with os.fdopen(os.memfd_create("certificate"), "wb") as file:
        file.write(text.encode())
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"
