"""URLs of custom channels: how they are written, and that who is behind one expects us (campaigns.md section 10)."""

import re

from repoint.functions.webhook import NoAnswerError, RefusedUrlError, open_webhook
from repoint.settings import Settings

# What Pinpoint takes: no `=`, `&` and `%`. `http://` leads into allowed_private_networks only.
_FORM = re.compile(r"https?://[A-Za-z0-9._~?/#:;-]+")
_HEADER = "X-Amz-Pinpoint-AccountId"
_TIMEOUT_S = 5


def is_custom_url(target: str) -> bool:
    """Whether this is a URL in the letters that one of a custom channel may have."""
    return _FORM.fullmatch(target) is not None


async def check_custom_url(url: str, settings: Settings) -> None:
    """Raise RefusedUrlError for a URL that custom messages cannot go to; calls it, so no transaction may be open.

    Its answer to HEAD must name our account, whatever its status is; redirects are not followed.
    """
    if not is_custom_url(url):
        raise RefusedUrlError("not an https:// URL of letters, digits and - . _ ~ ? / # : ; only")
    opened = open_webhook(
        url, allowed=settings.allowed_private_networks, ca_file=settings.webhook_ca_file, timeout_s=_TIMEOUT_S
    )
    try:
        async with opened as webhook:
            headers = await webhook.head()
    except NoAnswerError as error:
        raise RefusedUrlError(str(error)) from error
    if headers.get(_HEADER) != settings.account_id:
        raise RefusedUrlError(f"{webhook.host} did not answer HEAD with {_HEADER}: {settings.account_id}")
