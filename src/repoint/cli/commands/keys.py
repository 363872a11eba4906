import json
from typing import Annotated

import typer

from repoint.cli.configure import DatabaseUrl, DataDir, read_settings
from repoint.cli.local import create_key_locally
from repoint.cli.mistake import Mistake
from repoint.cli.remote import EndpointUrl, Remote, label
from repoint.cli.table import print_table
from repoint.cli.welcome import print_exports

PATH = "/repoint/v1/keys"

app = typer.Typer(name="keys", help="Make, list and revoke access keys.", no_args_is_help=True)


@app.command()
def create(  # noqa: PLR0913 - options of a command
    name: Annotated[str, typer.Argument(help="Whose key it is; shown in lists, in ARNs and in the audit record.")],
    *,
    endpoint_url: EndpointUrl = None,
    is_local: Annotated[
        bool, typer.Option("--local", help="On the server's machine: make it in the database itself, without a key.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Make an access key and show its secret, this once."""
    if is_local:
        settings = read_settings(data_dir=data_dir, database_url=database_url)
        key, region, url = create_key_locally(settings, name), settings.regions[0], None
    elif data_dir or database_url:
        raise Mistake("--data-dir and --database-url go with --local; otherwise the server makes the key")
    else:
        remote = Remote(endpoint_url)
        key, region, url = remote.json("POST", PATH, content={"Name": name}), remote.region, remote.url
    if as_json:
        typer.echo(json.dumps(key))
    else:
        print_exports(url, region, key)


@app.command(name="list")
def list_keys(endpoint_url: EndpointUrl = None) -> None:
    """List every key, revoked ones too, without secrets."""
    columns = ("AccessKeyId", "Name", "Status", "CreationDate")
    keys = Remote(endpoint_url).items(PATH)
    print_table(columns, ([key[column] for column in columns] for key in keys))


@app.command()
def revoke(
    access_key_id: Annotated[str, typer.Argument(help="The AccessKeyId, as `repoint keys list` shows it.")],
    endpoint_url: EndpointUrl = None,
) -> None:
    """Revoke a key for ever; calls signed with it are refused from now on."""
    key = Remote(endpoint_url).json("DELETE", f"{PATH}/{label(access_key_id)}")
    typer.echo(f"{key['AccessKeyId']} ({key['Name']}) is revoked.")
