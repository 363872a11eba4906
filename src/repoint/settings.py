"""One frozen Settings, read once from the environment (`REPOINT_…`) and `repoint.toml`."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from repoint.tables import (
    S3,
    SNS_TOPIC,
    AwsService,
    BounceMailbox,
    Function,
    OtpLanguage,
    OtpText,
    ProviderSettings,
    SmsNumber,
    Throttle,
)


class Settings(BaseSettings):
    """Every setting with its default; `repoint settings` prints each with its origin."""

    model_config = SettingsConfigDict(
        env_prefix="REPOINT_", env_nested_delimiter="__", toml_file="repoint.toml", frozen=True, extra="forbid"
    )

    data_dir: Path = Field(default=Path("repoint-data"), description="Folder of the embedded database, keys and files.")
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL server (15 or later) to use instead of the embedded one."
    )
    account_id: str = Field(default="000000000000", pattern=r"^\d{12}$", description="Account in every ARN.")
    regions: tuple[str, ...] = Field(
        default=("us-east-1",), min_length=1, description="Regions that a signature may be scoped to."
    )

    host: str = Field(default="127.0.0.1", description="Address that the API listens on; by default this machine only.")
    port: int = Field(default=8100, ge=0, le=65535, description="Port of the API; 0 takes a free one and tells it.")
    tls_certificate: Path | None = Field(
        default=None, description="PEM file with the API's certificate chain; with it the API speaks TLS 1.2 or later."
    )
    tls_key: Path | None = Field(default=None, description="PEM file with the private key of `tls_certificate`.")
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Networks of the proxies whose X-Forwarded-For is believed."
    )
    shutdown_s: int = Field(
        default=10, ge=0, description="Seconds that calls under way have to end when the API is stopped."
    )
    read_timeout_s: float = Field(
        default=30, gt=0, description="Seconds that a request may pause while its headers or its body arrive."
    )
    body_limit_bytes: int = Field(
        default=7 * 1024 * 1024, ge=1024, description="Largest body of a request or of an answer to a read, unpacked."
    )
    events_body_limit_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        description="Largest body of PutEvents and of one part of an upload, unpacked.",
    )
    throttles: dict[str, Throttle] = Field(
        default={},
        description="Limits by operation in each API process, {GetApp: {rate: 300, burst: 300}}; `*` is every other.",
    )
    pinpoint_throttles: bool = Field(
        default=False, description="Apply Amazon's published rates to the operations that `throttles` does not name."
    )
    metrics_public: bool = Field(
        default=False, description="Serve /metrics to everybody; otherwise to this machine only."
    )
    debug_signatures: bool = Field(
        default=False, description="Tell the canonical request when a signature does not match; never in production."
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What is logged: refused calls from info on, failures always."
    )

    master_key: SecretStr | None = Field(
        default=None,
        description="32 bytes (64 hex digits) that encrypt stored secrets; otherwise <data_dir>/master.key holds them.",
    )

    s3: S3 | None = Field(
        default=None, description="The S3 that `s3://` leads to; without it, the folder `files` in the data folder."
    )

    allowed_buckets: tuple[str, ...] | None = Field(
        default=None,
        description="Buckets that jobs and `repoint files` may use; without it, whichever the server has access to.",
    )

    audit_days: int = Field(default=90, ge=1, description="Days that the audit record is kept.")

    event_folders: tuple[Path, ...] = Field(
        default=(), description="Folders that event streams to `file://` may write to; none by default."
    )
    kinesis: AwsService | None = Field(
        default=None, description="The Kinesis that streams to `arn:aws:kinesis:…` lead to; without it Amazon's."
    )
    firehose: AwsService | None = Field(
        default=None, description="The Firehose that streams to `arn:aws:firehose:…` lead to; without it Amazon's."
    )
    lambda_api: AwsService | None = Field(
        default=None, description="The Lambda API that calls functions of `arn:aws:lambda:…`; without it Amazon's."
    )
    personalize: AwsService | None = Field(
        default=None,
        description="The Personalize that recommenders of `arn:aws:personalize:…` ask; without it Amazon's.",
    )
    functions: dict[Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")], Function] = Field(
        default={},
        description="Functions by name, {greet: {file: hooks.py:handler}}; others are looked for by `lambda_api`.",
    )
    hook_endpoints: int = Field(
        default=50, ge=1, le=100, description="Most endpoints that a campaign's hook is asked about in one call."
    )
    event_webhook_secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Makes the keys that event streams to `https://` are signed with; without it there are none.",
    )
    webhook_ca_file: Path | None = Field(
        default=None, description="PEM file of CAs that hosts of webhooks may be proved by, beside the public ones."
    )
    allowed_private_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Networks, beside the public internet, that webhooks may lead to, with `http://` too."
    )
    event_object_wait_s: float = Field(
        default=60, ge=0, description="Seconds that events wait for others to share an object of a stream to `s3://`."
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#]+$",
        description="Where recipients of e-mail reach this API; with it, opens and clicks are followed.",
    )
    one_click_unsubscribe: bool = Field(
        default=False, description="Offer mail programs to unsubscribe (RFC 8058), which opts the endpoint out."
    )
    callback_secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Signs what others tell of messages at `/callbacks/…`; without it nobody is listened to.",
    )
    sns_topics: tuple[Annotated[str, Field(pattern=rf"^{SNS_TOPIC}$")], ...] = Field(
        default=(),
        description="ARNs of SNS topics over which Amazon SES and End User Messaging tell of messages at "
        "`/callbacks/sns`; none by default.",
    )
    sns_hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]+(:[0-9]{1,5})?$")], ...] = Field(
        default=(),
        description="Hosts beside Amazon's, with their port if not 443, that certificates of topics may come from.",
    )
    bounce_mailboxes: dict[Annotated[str, Field(min_length=1, max_length=100)], BounceMailbox] = Field(
        default={},
        description="Mailboxes that bounces are read from, {bounces: {host: …, user: …, password: …}}.",
    )
    mailbox_days: int = Field(default=7, ge=1, description="Days that messages are kept in the mailbox.")
    missing_variables_empty: bool = Field(
        default=False, description="Print nothing for a variable without a value; otherwise that message is not sent."
    )
    otp_texts: dict[OtpLanguage, OtpText] = Field(
        default={},
        description="Own texts of one-time passwords by language, {en-US: 'Your code for {{brand}}: {{otp}}'}.",
    )
    suppress_bounced: bool = Field(
        default=True, description="Send nothing more to an address after a hard bounce or a complaint."
    )
    most_campaign_delay_s: float = Field(
        default=3600, ge=0, description="Seconds that a campaign's run may start late; a later one is cancelled."
    )
    journey_event_wait_s: float = Field(
        default=3600,
        ge=0,
        description="Seconds that a split of a journey waits for what is told of a message, unless it names a time.",
    )
    journey_custom_event_wait_s: float = Field(
        default=900, ge=0, description="The same after a message to a custom channel."
    )
    at_most_once_channels: tuple[str, ...] = Field(
        default=(),
        description="Channels, CUSTOM among them, on which a campaign repeats no message that a crash left in doubt.",
    )
    event_days: int = Field(default=91, ge=1, description="Days that the event log is kept.")

    providers: dict[str, ProviderSettings] = Field(
        default={},
        description="Ways to send messages, by names of your own: {relay: {kind: email_smtp, …}}; docs/providers.md.",
    )
    channel_providers: dict[str, tuple[str, ...]] = Field(
        default={},
        description="Which providers serve a channel, {EMAIL: [relay]}; the next one is asked when one is unreachable "
        "or busy. Messages of a channel without any are kept in the mailbox; those of CUSTOM call what they name.",
    )
    application_providers: dict[str, dict[str, tuple[str, ...]]] = Field(
        default={}, description="Other providers for single applications, {<application id>: {EMAIL: [relay]}}."
    )

    sms_numbers: dict[Annotated[str, Field(pattern=r"^(\+[0-9]{8,15}|[0-9]{3,8}|\*)$")], SmsNumber] = Field(
        default={},
        description="Numbers that people can write to, {+12065550142: {destination: …}}; `*` is every other one.",
    )
    sms_interval_s: float = Field(
        default=1,
        ge=0,
        le=3600,
        description="Seconds between two text messages to one number, whoever sends them; 0 for none.",
    )
    sns: AwsService | None = Field(
        default=None, description="The SNS that topics of `sms_numbers` lead to; without it Amazon's."
    )

    max_applications: int = Field(default=100, ge=1, description="Applications that there may be.")
    max_attribute_names: int = Field(
        default=250, ge=1, description="Custom attribute names of one application, its metrics' and users' included."
    )
    max_templates: int = Field(default=20_000, ge=1, description="Message templates that there may be, of all kinds.")
    max_template_versions: int = Field(default=5000, ge=1, description="Versions that a message template may have.")
    max_recommenders: int = Field(default=100, ge=1, description="Recommender configurations that there may be.")
    max_active_campaigns: int = Field(
        default=200, ge=1, description="Campaigns that may be scheduled or running at once, over all applications."
    )
    max_event_campaigns: int = Field(
        default=25, ge=1, description="Active campaigns of one application that events trigger."
    )
    max_in_app_campaigns: int = Field(default=25, ge=1, description="Active in-app campaigns of one application.")
    max_active_journeys: int = Field(
        default=50, ge=1, description="Journeys that may be active, paused or closed at once, over all applications."
    )
    max_event_journeys: int = Field(
        default=20, ge=1, description="Those of these that events start, over all applications."
    )
    max_journey_activities: int = Field(default=40, ge=1, le=1000, description="Activities of one journey.")
    max_journey_contact_centers: int = Field(default=3, ge=0, description="Contact center activities of one journey.")
    max_journey_import_endpoints: int = Field(
        default=100_000_000, ge=1, description="Endpoints of an imported segment that a journey starts with."
    )
    max_journey_days: int = Field(
        default=540, ge=1, le=36_500, description="Days from its start after which a journey takes nobody in any more."
    )
    journey_start_delay_s: float = Field(
        default=300, ge=0, description="Seconds from its publishing that a journey starts after at the soonest."
    )
    journey_resume_delay_s: float = Field(
        default=300, ge=0, description="Seconds that a journey stays paused at least."
    )
    in_app_on_any_channel: bool = Field(
        default=False, description="Show in-app messages to endpoints of every channel, not only to those of IN_APP."
    )
    strict_event_start: bool = Field(
        default=False,
        description="Refuse campaigns on events that start in less than 15 minutes, as Amazon's console did.",
    )
    same_address_rule: Literal["all", "push"] = Field(
        default="all",
        description="Channels on which writing an endpoint makes others with its address INACTIVE: all, or push only.",
    )

    import_batch_rows: int = Field(
        default=5_000, ge=1, description="Lines of an import that are applied and committed together."
    )
    import_parse_processes: int | None = Field(
        default=None, ge=1, description="Processes that parse one import; by default one core stays free, at most 4."
    )
    import_size_limit_bytes: int = Field(
        default=1024**3, ge=1, description="Most bytes that one import job may read, unpacked."
    )
    max_active_import_jobs: int = Field(
        default=10, ge=1, description="Import jobs that may wait or run at once, over all applications."
    )

    import_error_days: int = Field(
        default=30, ge=1, description="Days after an import's end that the rows that failed in it are kept."
    )

    worker_concurrency: int = Field(default=4, ge=1, description="Tasks that one worker runs at the same time.")
    worker_lease_s: float = Field(
        default=30, gt=0, description="Seconds without a sign of life after which a worker's tasks are taken over."
    )
    worker_heartbeat_s: float = Field(
        default=10, gt=0, description="Seconds between a worker's signs of life; well below `worker_lease_s`."
    )
    worker_poll_s: float = Field(
        default=2, gt=0, description="Seconds between looks for tasks that are due to be tried again."
    )
    worker_stop_s: float = Field(
        default=10,
        ge=0,
        description="Seconds that running tasks and messages on their way have to end when a worker stops.",
    )
    task_backoff_s: float = Field(
        default=1, ge=0, description="Seconds until a failed task is tried again; four times longer each time."
    )
    failed_task_days: int = Field(default=7, ge=1, description="Days that a task that failed for good is kept.")

    @field_validator("functions", mode="before")
    @classmethod
    def _text_is_a_file(cls, functions: object) -> object:
        if not isinstance(functions, dict):
            return functions
        return {name: {"file": given} if isinstance(given, str) else given for name, given in functions.items()}

    @field_validator("database_url")
    @classmethod
    def _database_url_can_be_read(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        # Commands that only call the API read settings, too, and do without the driver.
        from psycopg import ProgrammingError  # noqa: PLC0415
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

        try:
            conninfo_to_dict(url.get_secret_value())
        except ProgrammingError:
            # Its text quotes what it cannot read, a password perhaps.
            raise ValueError("not of the form postgresql://user:password@host/database") from None
        return url

    @model_validator(mode="after")
    def _heartbeats_fit_into_the_lease(self) -> Self:
        if self.worker_heartbeat_s > self.worker_lease_s / 2:
            raise ValueError("worker_heartbeat_s must be at most half of worker_lease_s")
        return self

    @cached_property
    def files_dir(self) -> Path:
        """Where `s3://bucket/key` lives when no S3 is configured: `<files_dir>/<bucket>/<key>`."""
        return self.data_dir / "files"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then `repoint.toml`."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
