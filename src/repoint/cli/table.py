from collections.abc import Iterable, Sequence

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their columns: laid out on a terminal, elsewhere plain lines with tabs between the cells."""
    console = Console()
    if not console.is_terminal:
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # What is too long goes on in the next line: a cut key or id is of no use.
        table.add_column(column, overflow="fold")
    for row in rows:
        # Names come from users; what looks like markup in them is not.
        table.add_row(*map(Text, row))
    console.print(table)
