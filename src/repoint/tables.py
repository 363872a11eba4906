"""Tables of the settings: what stands in one `[section]` or in braces, with its own rules."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, SecretStr, field_validator, model_serializer, model_validator


class Throttle(BaseModel, frozen=True):
    """A token bucket: `rate` calls a second in the long run, up to `burst` at once (by default `rate`)."""

    rate: float = Field(gt=0)
    burst: float | None = Field(default=None, ge=1)


class AwsCredentials(BaseModel, frozen=True, extra="forbid"):
    """One identity at a service of Amazon's, or at a server that stands in for it."""

    access_key_id: str = Field(description="Access key id at the service.")
    secret_access_key: SecretStr = Field(description="Its secret.")
    session_token: SecretStr | None = Field(default=None, description="Its session token, if it is a temporary key.")


class _AwsIdentities(BaseModel, frozen=True, extra="forbid"):
    """Who we are at a service."""

    credentials: AwsCredentials | None = Field(
        default=None, description="Used for every call; without them AWS's own chain (AWS_ACCESS_KEY_ID, …) is asked."
    )
    roles: dict[str, AwsCredentials] = Field(
        default={}, description="Credentials by role ARN; when any is given, callers must name one of these roles."
    )


class S3(_AwsIdentities, frozen=True, extra="forbid"):
    """Where `s3://` leads. Without `endpoint_url` it is Amazon S3 itself."""

    endpoint_url: str | None = Field(
        default=None, pattern=r"^https?://", description="Any server that speaks S3; buckets are then put in the path."
    )
    region: str = Field(default="us-east-1", description="Region that requests to S3 are signed for.")


class AwsService(_AwsIdentities, frozen=True, extra="forbid"):
    """Where ARNs of one of Amazon's services lead. Without `endpoint_url` it is Amazon's own."""

    endpoint_url: str | None = Field(
        default=None, pattern=r"^https?://", description="Any server that speaks the service's protocol."
    )
    region: str | None = Field(
        default=None, description="Region that requests are signed for; by default that of the ARN."
    )


class ProviderSettings(BaseModel, frozen=True, extra="allow"):
    """One way to send messages. What else it says are options of its kind, which delivery/ knows and checks."""

    kind: str = Field(description="One of the kinds in docs/providers.md.")

    @property
    def options(self) -> dict[str, Any]:
        """Everything but the kind, passwords among it."""
        return self.model_extra or {}

    @model_serializer(mode="plain")
    def _masked(self) -> dict[str, str]:
        # Which of the options are secret is not known here.
        return {"kind": self.kind, **dict.fromkeys(self.options, "**********")}

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("kind", self.kind)]


# A function's name, its ARN, or the end of one, each with or without a version or alias.
FUNCTION_NAME = (
    r"(?P<prefix>arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):[0-9]{12}:function:|[0-9]{12}:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]{1,64})(?P<qualifier>:(?:\$LATEST|[a-zA-Z0-9_-]{1,128}))?"
)


# ARNs of topics that anybody may publish to without saying in which order, and of any.
_PLAIN_TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"
SNS_TOPIC = rf"{_PLAIN_TOPIC}(?:\.fifo)?"


class Function(BaseModel, frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True):
    """A function of the user's own: exactly one of `file`, `url` and `lambda` says where it runs."""

    file: str | None = Field(default=None, description="A Python file and its handler, `hooks.py:handler`.")
    url: str | None = Field(default=None, description="A URL that payloads are POSTed to.")
    lambda_: str | None = Field(
        default=None,
        alias="lambda",
        pattern=f"^{FUNCTION_NAME}$",
        description="A name or ARN that the Lambda API knows.",
    )
    allow: tuple[str, ...] | None = Field(
        default=None, description="Patterns of the ARNs it may be called for; without them, any."
    )
    timeout_s: float = Field(default=15, gt=0, le=900, description="Seconds that a call may take.")

    env: dict[str, SecretStr] = Field(default={}, description="Environment variables of the file's processes.")
    python: str | None = Field(default=None, description="Python that runs the file; by default the server's own.")
    memory_mb: int = Field(default=1024, ge=128, description="Address space of one of the file's processes.")
    processes: int = Field(default=2, ge=1, description="Processes that run the file at once, in each of the server's.")

    @field_validator("file")
    @classmethod
    def _file_names_a_handler(cls, file: str | None) -> str | None:
        if file is not None and not re.fullmatch(r"(.*[/\\])?[^/\\.]+\.py:[^\W\d]\w*", file):
            raise ValueError("must be of the form hooks.py:handler, and the file's name without other dots")
        return file

    @model_validator(mode="after")
    def _runs_in_one_place(self) -> Self:
        places = [place for place in (self.file, self.url, self.lambda_) if place is not None]
        if len(places) != 1:
            raise ValueError("exactly one of file, url and lambda must be given")
        for name in ("env", "python", "memory_mb", "processes"):
            if self.file is None and name in self.model_fields_set:
                raise ValueError(f"{name} is for a function with file")
        return self


_OTP_TEXT = re.compile(r"(?:[^{}]|\{\{(?:otp|brand)\}\})*")


def _check_otp_text(text: str) -> str:
    if "{{otp}}" not in text or _OTP_TEXT.fullmatch(text) is None:
        raise ValueError("the text must hold {{otp}}, may hold {{brand}}, and no other braces")
    return text


OtpText = Annotated[str, AfterValidator(_check_otp_text)]

# The languages that a one-time password's message can be in.
OtpLanguage = Literal[
    "de-DE",
    "en-GB",
    "en-US",
    "es-419",
    "es-ES",
    "fr-CA",
    "fr-FR",
    "it-IT",
    "ja-JP",
    "ko-KR",
    "pt-BR",
    "zh-CN",
    "zh-TW",
]


class BounceMailbox(BaseModel, frozen=True, extra="forbid"):
    """A mailbox that bounces come to, read over IMAP."""

    host: str = Field(min_length=1, description="The server's name or address.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port; by default 993 or 143, as `tls` has it."
    )
    tls: Literal["implicit", "starttls", "none"] = Field(
        default="implicit", description="How the connection is encrypted; `none` is for a server on the same network."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of CAs that the server may be proved by, beside the public ones."
    )
    user: str = Field(min_length=1, description="Who we are at the server.")
    password: SecretStr = Field(description="The password of `user`.")
    allow_plain_auth: bool = Field(
        default=False, description="Send the password although `tls` is `none`, for everybody on the way to read."
    )
    folder: str = Field(default="INBOX", pattern=r"^[ -~]{1,200}$", description="Folder whose unread mails are read.")
    done_folder: str | None = Field(
        default=None,
        pattern=r"^[ -~]{1,200}$",
        description="Folder that bounces are moved to when they are noted; without it they are marked as read only.",
    )
    interval_s: float = Field(default=60, ge=1, description="Seconds between one look and the next.")
    timeout_s: float = Field(default=30, gt=0, le=120, description="Seconds that the server has for each answer.")

    @model_validator(mode="after")
    def _password_is_safe(self) -> Self:
        if self.tls == "none" and not self.allow_plain_auth:
            raise ValueError("a password without TLS can be read on the way; set tls, or allow_plain_auth = true")
        return self


# Words of channels.md section 5, which no keyword can take.
STOP_WORDS = frozenset({"ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"})
START_WORDS = frozenset({"START", "UNSTOP"})
HELP_WORDS = frozenset({"HELP"})
MAX_KEYWORDS = 30


class SmsNumber(BaseModel, frozen=True, extra="forbid"):
    """One of our numbers that people can write to."""

    destination: str | None = Field(
        default=None,
        pattern=rf"^({_PLAIN_TOPIC}|https?://[^\s]+|{re.sub(r'[?]P<[a-z]+>', '', FUNCTION_NAME)})$",
        description="Where messages are published: ARN of an SNS topic, a URL, or the name or ARN of a function.",
    )
    keyword: str | None = Field(
        default=None,
        description="The number's registered keyword, told with each message; KEYWORD_<account> by default.",
    )
    keywords: dict[str, str] = Field(
        default={}, max_length=MAX_KEYWORDS, description="Replies to messages whose first word is one of these."
    )
    stop_reply: str = Field(
        default="You have opted out and will receive no more messages. Reply START to resubscribe.",
        description="What is answered to STOP and words like it; nothing if empty.",
    )
    start_reply: str = Field(
        default="You have opted in and will receive messages again. Reply STOP to opt out.",
        description="What is answered to START and UNSTOP; nothing if empty.",
    )
    help_reply: str = Field(default="Reply STOP to opt out.", description="What is answered to HELP; nothing if empty.")
    self_managed_opt_outs: bool = Field(
        default=False, description="Leave STOP, START and HELP to the destination: nobody is opted out or answered."
    )
    application_id: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{32}$",
        description="Whose replies and opt-outs are those of people whom nothing was sent to; otherwise nobody's.",
    )

    @model_validator(mode="after")
    def _somebody_heeds_stop(self) -> Self:
        if self.self_managed_opt_outs and self.destination is None:
            raise ValueError("self_managed_opt_outs leaves STOP to the destination, and there is none")
        return self

    @field_validator("keywords")
    @classmethod
    def _keywords_are_words(cls, keywords: dict[str, str]) -> dict[str, str]:
        for keyword in keywords:
            if not keyword or keyword.split() != [keyword]:
                raise ValueError(f"{keyword!r} is no single word")
            if keyword.upper() in STOP_WORDS | START_WORDS | HELP_WORDS:
                raise ValueError(f"{keyword} has a meaning of its own: see stop_reply, start_reply and help_reply")
        folded = {keyword.upper() for keyword in keywords}
        if len(folded) < len(keywords):
            raise ValueError("keywords are the same whatever their case")
        return keywords
