"""Loading a segment with all that it is based on."""

import re

import psycopg
import pytest

from repoint.db.parameters import as_json
from repoint.db.queries import Query
from repoint.segments.sources import LOAD_SOURCES, LOAD_VERSIONS
from tests.segments.conftest import Shop


@pytest.mark.parametrize(("query", "looks"), [(LOAD_SOURCES, 6), (LOAD_VERSIONS, 3)])
def test_segments_are_found_by_their_ids_whatever_the_planner_knows(
    shop: Shop, database_url: str, query: Query, looks: int
) -> None:
    base = shop.create(Name="base", Dimensions={})["Id"]
    parameters = {"application_id": shop.id, "references": as_json([{"Id": base}])}

    with psycopg.connect(database_url, autocommit=True) as connection:
        # What it would choose if there were many.
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_bitmapscan = off")
        plan = [line for (line,) in connection.execute(b"EXPLAIN " + query.sql.encode(), parameters).fetchall()]

    conditions = [
        plan[number + 1]
        for number, line in enumerate(plan)
        if " on documents" in line or " on document_versions" in line
    ]
    assert len(conditions) == looks
    assert [condition for condition in conditions if "id =" not in condition] == []
    # Room is made for as many as it reckons with.
    rows = [int(each) for line in plan if "Recursive Union" in line for each in re.findall(r"rows=(\d+)", line)]
    assert max(rows, default=0) < 100_000
