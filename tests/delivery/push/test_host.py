"""Where push services are, as the operator says."""

import pytest
from pydantic import ValidationError

from repoint.delivery.providers.push_apns import PushApnsOptions
from repoint.delivery.providers.push_fcm import PushFcmOptions


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://push.example:0x1bb",
        "https://push.example:99999",
        "https://[::1",
        "https://push..example",
        f"https://{'p' * 64}.example",
        "ftp://push.example",
        "https://push.example/?a",
        "https://user:secret@push.example",
    ],
)
@pytest.mark.parametrize("options", [PushApnsOptions, PushFcmOptions])
def test_urls_that_lead_nowhere_are_refused(options: type[PushApnsOptions] | type[PushFcmOptions], url: str) -> None:
    with pytest.raises(ValidationError):
        options(url=url)


@pytest.mark.parametrize("url", ["https://push.example", "https://push.example:8443", "https://[::1]:2197"])
@pytest.mark.parametrize("options", [PushApnsOptions, PushFcmOptions])
def test_urls_that_lead_somewhere_are_taken(options: type[PushApnsOptions] | type[PushFcmOptions], url: str) -> None:
    assert options(url=url).url == url
