"""What `serve` prints once it answers: where it is, and the lines to paste."""

import ipaddress
from typing import Any

import typer

from repoint.settings import Settings


def api_url(settings: Settings, port: int) -> str:
    """Where a client on this machine reaches the API."""
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{_reachable(settings.host)}:{port}"


def welcome(settings: Settings, url: str, key: dict[str, Any] | None) -> None:
    """Print it. `key` is the access key of a first start; None says how to make another one."""
    database = "at --database-url" if settings.database_url else f"in {settings.data_dir.absolute()}"
    head("Repoint answers at ", url)
    typer.echo(f"account_id {settings.account_id}, regions {', '.join(settings.regions)}, database {database}")
    typer.echo()
    if key is None:
        typer.echo("Use an access key made before, or make one here: repoint keys create --local NAME")
        print_exports(url, settings.regions[0], None)
    else:
        typer.echo("An access key was made; its secret is shown this once. Paste into the shell of your program:")
        print_exports(url, settings.regions[0], key)
    typer.echo("Ctrl-C stops everything.")


def print_exports(url: str | None, region: str, key: dict[str, Any] | None) -> None:
    """The lines to paste into a shell; without those that are not known."""
    lines = {} if url is None else {"AWS_ENDPOINT_URL_PINPOINT": url}
    if key is not None:
        lines |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    typer.echo()
    for name, value in (lines | {"AWS_DEFAULT_REGION": region}).items():
        typer.echo(f"export {name}={value}")
    typer.echo()


def head(text: str, emphasis: str) -> None:
    """A line whose end stands out on a terminal."""
    typer.echo(text + typer.style(emphasis, bold=True))


def _reachable(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")  # noqa: PLR2004 - IP version
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IP version
