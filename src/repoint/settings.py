"""One frozen Settings, read once from the environment (`REPOINT_…`) and `repoint.toml`."""

from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource


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
    regions: tuple[str, ...] = Field(default=("us-east-1",), description="Regions that a signature may be scoped to.")

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
