"""`repoint import-errors`: every row that failed in an import."""

from typing import Annotated

import typer

from repoint.cli.follow import error_line
from repoint.cli.printable import printable_json
from repoint.cli.remote import Application, EndpointUrl, Remote, label

app = typer.Typer()


@app.command(name="import-errors")
def import_errors(
    job_id: Annotated[str, typer.Argument(help="The import's or dry run's id.", metavar="JOB")],
    application_id: Application,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print each as a JSON object on a line of its own.")] = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Print every row that failed in an import, with its line and the reason.

    A job itself tells the first 100 only.
    """
    path = f"/repoint/v1/apps/{label(application_id)}/jobs/import/{label(job_id)}/errors"
    for error in Remote(endpoint_url).items(path, {"page-size": "1000"}):
        typer.echo(printable_json(error) if as_json else error_line(error))
