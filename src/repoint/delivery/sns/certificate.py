"""The certificate that a topic's deliveries are signed with, and what it must be to be believed.

That it is SNS's is proved by TLS: it comes from a host that is SNS's. Looked at beside that: it is valid now, its key
is a strong one of RSA, on Amazon's hosts it names SNS, and where the issuers' certificates come with it, each has
signed the one before. The issuer's own authority is not looked for, since SNS sends none along.
"""

import binascii
from base64 import b64decode
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509.oid import NameOID

from repoint.delivery.sns.hosts import is_amazons
from repoint.delivery.sns.notification import Notification

_KEY_BITS = 2048
_MOST = 10
_HASHES = {"1": SHA1, "2": SHA256}


class UnfitCertificateError(Exception):
    """A certificate that nothing is believed on; the text tells why."""


def read_certificate(pem: bytes, host: str, topic_arn: str) -> x509.Certificate:
    """The first certificate of a file that came from this host. Raises UnfitCertificateError."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise UnfitCertificateError("it cannot be read") from error
    if len(found) > _MOST:
        raise UnfitCertificateError("it comes with too many others")
    first = found[0]
    key = first.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < _KEY_BITS:
        raise UnfitCertificateError(f"its key is none of RSA with {_KEY_BITS} bits at least")
    if is_amazons(host, topic_arn) and not any(_is_of_sns(name, host) for name in _names(first)):
        raise UnfitCertificateError("it does not name SNS")
    for one, issuer in pairwise(found):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise UnfitCertificateError("the certificate behind it has not signed it") from error
    return first


def is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether its time has come and is not over."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def has_signed(certificate: x509.Certificate, notification: Notification) -> bool:
    """Whether the notification is as the certificate's owner signed it: version 1 with SHA-1, 2 with SHA-256."""
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)  # noqa: S101 - no other is ever read
    try:
        signature = b64decode(notification.signature, validate=True)
        key.verify(signature, notification.signed_text(), PKCS1v15(), _HASHES[notification.signature_version]())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _names(certificate: x509.Certificate) -> list[str]:
    common = [f"{each.value!s}" for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return common
    return [*common, *others.get_values_for_type(x509.DNSName)]


def _is_of_sns(name: str, host: str) -> bool:
    """`sns.amazonaws.com`, or the host itself."""
    suffix = ".cn" if host.endswith(".cn") else ""
    return name in {host, f"sns.amazonaws.com{suffix}"}
