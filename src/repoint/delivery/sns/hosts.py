"""Which URLs in a topic's deliveries are called: those of SNS itself, and of servers that the operator named."""

import re
from collections.abc import Sequence

import httpx2

from repoint.contract.errors import AccessDeniedException
from repoint.functions.webhook import RefusedUrlError, read_url

_AMAZON = r"sns\.{region}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem")
_HTTPS = 443


def certificate_url(url: str, topic_arn: str, hosts: Sequence[str]) -> httpx2.URL:
    """Where the certificate of a topic's signature is; raises AccessDeniedException for anywhere else."""
    target = _allowed(url, topic_arn, hosts, "SigningCertURL")
    if is_amazons(target.host, topic_arn) and (target.query or not _CERTIFICATE.fullmatch(target.path)):
        raise AccessDeniedException("The SigningCertURL is no certificate of SNS")
    return target


def subscribe_url(url: str, topic_arn: str, hosts: Sequence[str]) -> httpx2.URL:
    """Where a subscription to this topic is confirmed; raises AccessDeniedException for anywhere else."""
    target = _allowed(url, topic_arn, hosts, "SubscribeURL")
    if is_amazons(target.host, topic_arn):
        asked = target.params
        if asked.get("Action") != "ConfirmSubscription" or asked.get("TopicArn") != topic_arn:
            raise AccessDeniedException("The SubscribeURL does not confirm a subscription to the topic")
    return target


def is_amazons(host: str, topic_arn: str) -> bool:
    """Whether a host is Amazon SNS in the topic's region."""
    region = topic_arn.split(":")[3]
    return re.fullmatch(_AMAZON.format(region=re.escape(region)), host) is not None


def _allowed(url: str, topic_arn: str, hosts: Sequence[str], name: str) -> httpx2.URL:
    try:
        target = read_url(url)
    except RefusedUrlError as error:
        raise AccessDeniedException(f"The {name} is {error}") from None
    if target.scheme != "https":
        raise AccessDeniedException(f"The {name} is no https:// URL")
    port = target.port or _HTTPS
    is_named = f"{target.host}:{port}" in {each if ":" in each else f"{each}:{_HTTPS}" for each in hosts}
    if not is_named and not (port == _HTTPS and is_amazons(target.host, topic_arn)):
        raise AccessDeniedException(f"The {name} leads to a host that is not SNS's, see sns_hosts")
    return target
