import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from repoint.cli.configure import DatabaseUrl, DataDir, read_settings
from repoint.cli.local import create_key_locally
from repoint.cli.mistake import Mistake
from repoint.cli.remote import EndpointUrl, Remote, label
from repoint.cli.table import print_table
from repoint.cli.welcome import print_exports

PATH = "/repoint/v1/keys"

app = typer.Typer(name="keys", help="Make, list and revoke access keys; say what they may do.", no_args_is_help=True)
policy = typer.Typer(help="What a key may do: an IAM policy, or everything.", no_args_is_help=True)
app.add_typer(policy, name="policy")

KeyId = Annotated[str, typer.Argument(help="The AccessKeyId, as `repoint keys list` shows it.")]
PolicyFile = Annotated[Path, typer.Argument(help="A file with an IAM policy; - is standard input.", metavar="FILE")]


@app.command()
def create(  # noqa: PLR0913 - options of a command
    name: Annotated[str, typer.Argument(help="Whose key it is; shown in lists, in ARNs and in the audit record.")],
    *,
    policy_file: Annotated[
        Path | None, typer.Option("--policy", help="A file with the IAM policy of the key.", show_default="everything")
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", help="NAME=VALUE, for aws:PrincipalTag in policies.", show_default="none"),
    ] = None,
    endpoint_url: EndpointUrl = None,
    is_local: Annotated[
        bool, typer.Option("--local", help="On the server's machine: make it in the database itself, without a key.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Make an access key and show its secret, this once. Without --policy it may do everything."""
    request = _request(name, policy_file, tags or [])
    if is_local:
        settings = read_settings(data_dir=data_dir, database_url=database_url)
        key, region, url = create_key_locally(settings, request), settings.regions[0], None
    elif data_dir or database_url:
        raise Mistake("--data-dir and --database-url go with --local; otherwise the server makes the key")
    else:
        remote = Remote(endpoint_url)
        key, region, url = remote.json("POST", PATH, content=request), remote.region, remote.url
    if as_json:
        typer.echo(json.dumps(key))
    else:
        print_exports(url, region, key)


@app.command(name="list")
def list_keys(endpoint_url: EndpointUrl = None) -> None:
    """List every key, revoked ones too, without secrets."""
    columns = ("AccessKeyId", "Name", "Status", "CreationDate")
    keys = Remote(endpoint_url).items(PATH)
    rows = ((*(key[column] for column in columns), "policy" if key["HasPolicy"] else "everything") for key in keys)
    print_table((*columns, "May do"), rows)


@app.command()
def revoke(
    access_key_id: KeyId,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Revoke a key for ever; calls signed with it are refused from now on."""
    key = Remote(endpoint_url).json("DELETE", f"{PATH}/{label(access_key_id)}")
    typer.echo(f"{key['AccessKeyId']} ({key['Name']}) is revoked.")


@policy.command()
def show(access_key_id: KeyId, endpoint_url: EndpointUrl = None) -> None:
    """Print a key's policy."""
    key = Remote(endpoint_url).json("GET", _policy_path(access_key_id))
    if "Policy" in key:
        typer.echo(json.dumps(key["Policy"], indent=2, ensure_ascii=False))
    else:
        typer.echo(f"{_called(key)} has no policy: it may do everything.", err=True)


@policy.command(name="set")
def set_policy(access_key_id: KeyId, file: PolicyFile, endpoint_url: EndpointUrl = None) -> None:
    """Give a key the policy of a file, instead of the one that it has; it counts from the next call on.

    What in it can never match is told, as it may be a slip of the pen.
    """
    content = {"Policy": _read(file)}
    key = Remote(endpoint_url).json("PUT", _policy_path(access_key_id), content=content)
    for warning in key["Warnings"]:
        typer.echo(f"Warning: {warning}", err=True)
    typer.echo(f"{_called(key)} may do what {file} allows.")


@policy.command()
def remove(access_key_id: KeyId, endpoint_url: EndpointUrl = None) -> None:
    """Take a key's policy away, so that it may do everything."""
    key = Remote(endpoint_url).json("DELETE", _policy_path(access_key_id))
    typer.echo(f"{_called(key)} may do everything.")


def _policy_path(access_key_id: str) -> str:
    return f"{PATH}/{label(access_key_id)}/policy"


def _called(key: dict[str, Any]) -> str:
    return f"{key['AccessKeyId']} ({key['Name']})"


def _request(name: str, policy_file: Path | None, tags: list[str]) -> dict[str, Any]:
    request: dict[str, Any] = {"Name": name}
    if policy_file is not None:
        request["Policy"] = _read(policy_file)
    if tags:
        request["Tags"] = dict(_tag(tag) for tag in tags)
    return request


def _tag(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise Mistake(f"--tag {text}: a tag is NAME=VALUE")
    return name, value


def _read(file: Path) -> str:
    """The text as it is: only the server, which reads it again, says whether it is a policy."""
    try:
        return sys.stdin.read() if f"{file}" == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Mistake(f"{file} cannot be read: {error}") from error
