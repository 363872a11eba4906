"""The five kinds of templates, and what each may hold (templates.md section 2)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import TemplateType
from repoint.resources.documents import Resource
from repoint.templates.check import check_compiles, check_count, check_length, every_text, too_long
from repoint.templates.escape import Escape
from repoint.templates.mime import MAX_HEADERS, MAX_NAME_LENGTH, MAX_VALUE_LENGTH
from repoint.templates.values import read_defaults

Content = Mapping[str, Any]

MAX_DESCRIPTION = 500
MAX_EMAIL = 600_000
MAX_PUSH = {"Default": 4000, "ADM": 6000, "APNS": 4000, "Baidu": 4000, "GCM": 4000}
MAX_SMS_BODY = 1600
MAX_VOICE_BODY = 10_000
MAX_INAPP = 200_000
MAX_INAPP_CONTENTS = 5
MAX_INAPP_CUSTOM = 10
MAX_INAPP_HEADER = 64
MAX_INAPP_BODY = 150
MAX_INAPP_BUTTON = 64

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
# What is put into JSON as it is.
_JSON = "RawContent"
_BUTTONS = ("PrimaryBtn", "SecondaryBtn")
# Suffixes of what apps do not show.
_OTHER_FILES = frozenset({".avif", ".bmp", ".gif", ".heic", ".ico", ".mp4", ".pdf", ".svg", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of template."""

    # In ARNs, paths and answers.
    type: TemplateType
    # In the names of operations: `create_…_template`.
    word: str
    # The member of a request that holds the template.
    request: str
    # Raises BadRequestException for a content that may not be stored, beyond what all kinds have in common.
    check: Callable[[Content], None]

    @property
    def resource(self) -> Resource:
        """Where templates of this kind are kept; their names are their ids."""
        return Resource(f"{self.type.lower()}-template", check=self.check, versioned=True)


def check_name(name: str) -> None:
    """Raises BadRequestException for a name that no template can have."""
    if _NAME.fullmatch(name) is None:
        raise BadRequestException(f"Invalid template name: {name[:200]}")


def check_content(kind: Kind, content: Content) -> None:
    """Raises BadRequestException for a content that no template of this kind can have."""
    check_length(MAX_DESCRIPTION, "TemplateDescription", content.get("TemplateDescription"))
    read_defaults(content.get("DefaultSubstitutions"))
    kind.check(content)


def _check_email(content: Content) -> None:
    headers = content.get("Headers", [])
    check_count(MAX_HEADERS, "Headers", headers)
    for header in headers:
        check_length(MAX_NAME_LENGTH, "Headers.Name", header.get("Name"))
        check_length(MAX_VALUE_LENGTH, "Headers.Value", header.get("Value"))
    parts = {name: content.get(name, "") for name in ("Subject", "HtmlPart", "TextPart")}
    if sum(map(len, (*parts.values(), *every_text(headers)))) > MAX_EMAIL:
        raise too_long("EmailTemplateRequest", MAX_EMAIL)
    for name, text in parts.items():
        check_compiles(name, text, Escape.HTML if name == "HtmlPart" else Escape.NONE)
    for header in headers:
        check_compiles("Headers", header.get("Value", ""))


def _check_push(content: Content) -> None:
    for name, most in MAX_PUSH.items():
        part = content.get(name, {})
        if sum(map(len, every_text(part))) > most:
            raise too_long(name, most)
        for member, text in part.items():
            check_compiles(f"{name}.{member}", text, Escape.JSON_STRING if member == _JSON else Escape.NONE)


def _check_sms(content: Content) -> None:
    check_length(MAX_SMS_BODY, "Body", content.get("Body"))
    check_compiles("Body", content.get("Body", ""))


def _check_voice(content: Content) -> None:
    check_length(MAX_VOICE_BODY, "Body", content.get("Body"))
    check_compiles("Body", content.get("Body", ""))


def _check_inapp(content: Content) -> None:
    """In-app templates know no variables."""
    if sum(map(len, every_text(content))) > MAX_INAPP:
        raise too_long("InAppTemplateRequest", MAX_INAPP)
    contents = content.get("Content", [])
    check_count(MAX_INAPP_CONTENTS, "Content", contents)
    if content.get("Layout") != "CAROUSEL":
        check_count(1, "Content", contents)
    check_count(MAX_INAPP_CUSTOM, "CustomConfig", content.get("CustomConfig", {}))
    for each in contents:
        for member in ("BodyConfig", "HeaderConfig", "BackgroundColor"):
            if not each.get(member):
                raise BadRequestException(f"Missing Content.{member}")
        _check_image(each.get("ImageUrl", ""))
        check_length(MAX_INAPP_HEADER, "Content.HeaderConfig.Header", each["HeaderConfig"].get("Header"))
        check_length(MAX_INAPP_BODY, "Content.BodyConfig.Body", each["BodyConfig"].get("Body"))
        for button in _BUTTONS:
            text = each.get(button, {}).get("DefaultConfig", {}).get("Text")
            check_length(MAX_INAPP_BUTTON, f"Content.{button}.DefaultConfig.Text", text)


def _check_image(url: str) -> None:
    """Raises BadRequestException where the URL's path says that something else is there than a JPEG or PNG."""
    path = re.split("[?#]", url, maxsplit=1)[0].partition("://")[2].partition("/")[2]
    if PurePosixPath(path).suffix.lower() in _OTHER_FILES:
        raise BadRequestException("Content.ImageUrl must be a .jpg or .png image")


KINDS: dict[str, Kind] = {
    kind.type: kind
    for kind in (
        Kind("EMAIL", "email", "EmailTemplateRequest", _check_email),
        Kind("INAPP", "in_app", "InAppTemplateRequest", _check_inapp),
        Kind("PUSH", "push", "PushNotificationTemplateRequest", _check_push),
        Kind("SMS", "sms", "SMSTemplateRequest", _check_sms),
        Kind("VOICE", "voice", "VoiceTemplateRequest", _check_voice),
    )
}


def kind_of(given: str) -> Kind:
    """The kind that a path or a query names, in any case. Raises BadRequestException."""
    kind = KINDS.get(given.upper())
    if kind is None:
        raise BadRequestException(f"Invalid template type: {given[:200]}")
    return kind
