import sys
from pathlib import Path
from typing import Annotated

import typer

from repoint.cli.mistake import Mistake
from repoint.cli.objects import Place, download, list_objects, open_to_send, parse_place, upload
from repoint.cli.progress import bytes_bar
from repoint.cli.remote import EndpointUrl, Remote
from repoint.cli.table import print_table
from repoint.cli.whole_file import whole_file

app = typer.Typer(name="files", help="Put, list and get objects of the server's buckets.", no_args_is_help=True)


@app.command()
def put(
    file: Annotated[Path, typer.Argument(help="A local file.")],
    url: Annotated[str, typer.Argument(help="s3://bucket/key; with a closing / the file's name is added.")],
    endpoint_url: EndpointUrl = None,
) -> None:
    """Upload a file, which appears as one object when it is complete."""
    place = parse_place(url)
    if not place.key or place.key.endswith("/"):
        place = Place(place.bucket, place.key + file.name)
    with open_to_send(file) as source, bytes_bar(f"{place}", file.stat().st_size) as progress:
        upload(Remote(endpoint_url), source, place, progress)


@app.command(name="ls")
def list_files(
    url: Annotated[str, typer.Argument(help="s3://bucket/prefix; every object whose key begins so.")],
    endpoint_url: EndpointUrl = None,
) -> None:
    """List objects with size, time of the last change and key."""
    found = list_objects(Remote(endpoint_url), parse_place(url))
    print_table(("size", "modified", "key"), ([f"{item['Size']}", item["LastModified"], item["Key"]] for item in found))


@app.command()
def get(
    url: Annotated[str, typer.Argument(help="s3://bucket/key")],
    file: Annotated[
        Path | None, typer.Argument(help="Where to; by default the key's last part, - is standard output.")
    ] = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Download an object."""
    place = parse_place(url)
    target = file or Path(place.key.rpartition("/")[2])
    if not target.name:
        raise Mistake(f"{url} names no object")
    remote = Remote(endpoint_url)
    if f"{target}" == "-":
        download(remote, place, sys.stdout.buffer, lambda _: None)
    else:
        with whole_file(target) as sink:
            download(remote, place, sink, lambda _: None)
