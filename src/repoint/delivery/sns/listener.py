"""Believes what comes from an allowed topic, and confirms subscriptions to it."""

import asyncio
import time
from collections import OrderedDict
from datetime import datetime

import httpx2
import structlog
from cryptography.x509 import Certificate

from repoint.contract.errors import AccessDeniedException
from repoint.delivery.sns.certificate import UnfitCertificateError, has_signed, is_valid, read_certificate
from repoint.delivery.sns.hosts import certificate_url, subscribe_url
from repoint.delivery.sns.notification import Notification
from repoint.functions.webhook import NoAnswerError, RefusedUrlError, open_webhook
from repoint.settings import Settings

log = structlog.get_logger()

_CERTIFICATE_BYTES = 64 << 10
_ANSWER_BYTES = 64 << 10
# SNS has one at a time, and a new one each year or so.
_MOST_CERTIFICATES = 32
_KEPT_S = 24 * 3600
# Certificates are asked for before anything is believed: so often at most, in this time.
_MOST_LOOKS, _LOOKS_WITHIN_S = 10, 60
_OK = 200


class Listener:
    """What one process knows of those who sign."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # By URL, with the time from which it is asked for again.
        self._certificates: OrderedDict[str, tuple[Certificate, float]] = OrderedDict()
        self._looking = asyncio.Lock()
        self._looks: list[float] = []

    async def check(self, notification: Notification, now: datetime) -> None:
        """Raise AccessDeniedException for what does not come from an allowed topic as it was sent, a short while ago.

        Raises NoAnswerError when the certificate cannot be had at the moment.
        """
        if notification.topic_arn not in self._settings.sns_topics:
            raise AccessDeniedException("The topic is none of sns_topics")
        notification.check_age(now)
        certificate = await self._certificate(notification)
        if not is_valid(certificate, now):
            raise AccessDeniedException("The signing certificate is not valid now")
        if not await asyncio.to_thread(has_signed, certificate, notification):
            raise AccessDeniedException("Invalid Signature")

    async def confirm(self, notification: Notification) -> None:
        """Confirm a subscription that was checked. Raises NoAnswerError when it could not be confirmed."""
        url = subscribe_url(notification.subscribe_url or "", notification.topic_arn, self._settings.sns_hosts)
        status, _ = await self._get(url, _ANSWER_BYTES)
        if status != _OK:
            raise NoAnswerError(f"{url.host} answered {status}")
        log.info("A subscription was confirmed", topic_arn=notification.topic_arn)

    async def _certificate(self, notification: Notification) -> Certificate:
        url = certificate_url(notification.certificate_url, notification.topic_arn, self._settings.sns_hosts)
        if (fresh := self._fresh(url)) is not None:
            return fresh
        # One at a time: many may come with the same, and nobody can have us call many.
        async with self._looking:
            if (fresh := self._fresh(url)) is not None:
                return fresh
            try:
                certificate = await self._look(url, notification.topic_arn)
            except NoAnswerError:
                # Anybody can use up our looks. What is at one URL is always the same, and its own dates are checked.
                if (kept := self._certificates.get(str(url))) is not None:
                    return kept[0]
                raise
            self._certificates[str(url)] = certificate, time.monotonic() + _KEPT_S
            self._certificates.move_to_end(str(url))
            if len(self._certificates) > _MOST_CERTIFICATES:
                self._certificates.popitem(last=False)
            return certificate

    def _fresh(self, url: httpx2.URL) -> Certificate | None:
        certificate, until = self._certificates.get(str(url), (None, 0.0))
        return certificate if time.monotonic() < until else None

    async def _look(self, url: httpx2.URL, topic_arn: str) -> Certificate:
        self._take_turn()
        status, pem = await self._get(url, _CERTIFICATE_BYTES)
        if status >= 500:  # noqa: PLR2004 - trouble that may pass
            raise NoAnswerError(f"{url.host} answered {status}")
        if status != _OK or pem is None:
            raise AccessDeniedException("There is no certificate at the SigningCertURL")
        try:
            return await asyncio.to_thread(read_certificate, pem, url.host, topic_arn)
        except UnfitCertificateError as error:
            raise AccessDeniedException(f"The signing certificate cannot be believed: {error}") from error

    def _take_turn(self) -> None:
        now = time.monotonic()
        self._looks = [each for each in self._looks if each > now - _LOOKS_WITHIN_S]
        if len(self._looks) >= _MOST_LOOKS:
            raise NoAnswerError("signing certificates were asked for too often")
        self._looks.append(now)

    async def _get(self, url: httpx2.URL, answer_bytes: int) -> tuple[int, bytes | None]:
        settings = self._settings
        opened = open_webhook(str(url), allowed=settings.allowed_private_networks, ca_file=settings.webhook_ca_file)
        try:
            async with opened as webhook:
                answer = await webhook.get(answer_bytes=answer_bytes)
        except RefusedUrlError as error:
            raise AccessDeniedException(f"{error}") from error
        return answer.status, answer.body
