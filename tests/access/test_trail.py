"""Reading the audit record: pages, filters, following it, and what is forgotten."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from repoint.access.trail import forget_audit_records
from repoint.db.pool import Database
from repoint.queue import TaskContext
from repoint.settings import Settings
from tests.fixtures.server import Raw, Serve

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def arranged(raw: Raw, database_url: str) -> Raw:
    """Ten records, a minute apart, of two users and two operations; and none else."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM audit_records")
        for number in range(10):
            add(
                connection, START + timedelta(minutes=number), ("ana", "bob")[number % 2], f"Event{number // 5}", number
            )
    return raw


def add(connection: "psycopg.Connection[Any]", at: datetime, user: str, event: str, number: int) -> None:
    connection.execute(
        "INSERT INTO audit_records (occurred_at, user_name, event_name, record) VALUES (%s, %s, %s, %s)",
        (at, user, event, json.dumps({"number": number})),
    )


def page(raw: Raw, **query: str) -> Any:
    answer = raw.send("GET", f"/repoint/v1/audit?{urlencode({name.replace('_', '-'): v for name, v in query.items()})}")
    assert answer.status == 200, answer.body
    return answer.json


def numbers(found: Any) -> list[int]:
    """The arranged records of a page; the listing is a read, and recorded itself some time later."""
    return [each["number"] for each in found["Item"] if "number" in each]


def test_newest_record_comes_first(arranged: Raw) -> None:
    found = page(arranged)

    assert numbers(found) == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert "NextToken" not in found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"user": "ana"}, [8, 6, 4, 2, 0]),
        ({"event": "Event0"}, [4, 3, 2, 1, 0]),
        ({"user": "bob", "event": "Event1"}, [9, 7, 5]),
        ({"since": "2026-11-01T00:08:00Z"}, [9, 8]),
        ({"until": "2026-11-01T00:02:00Z"}, [1, 0]),
        ({"since": "2026-11-01T01:02:00+01:00", "until": "2026-11-01T00:04:00Z"}, [3, 2]),
        ({"user": "nobody"}, []),
        ({"without": "Event0", "user": "ana"}, [8, 6]),
    ],
)
def test_records_are_found_by_time_user_and_event(arranged: Raw, query: dict[str, str], expected: list[int]) -> None:
    assert numbers(page(arranged, **{"until": "2026-11-02"} | query)) == expected


def test_pages_are_whole_though_records_are_added(arranged: Raw, database_url: str) -> None:
    found = page(arranged, page_size="4", user="ana")
    with psycopg.connect(database_url, autocommit=True) as connection:
        add(connection, START + timedelta(minutes=20), "ana", "Event1", 20)
    rest = page(arranged, page_size="4", user="ana", token=found["NextToken"])

    assert (numbers(found), numbers(rest)) == ([8, 6, 4, 2], [0])
    assert "NextToken" not in rest


def test_records_of_one_instant_are_told_apart(arranged: Raw, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for number in range(30, 35):
            add(connection, START + timedelta(hours=1), "carol", "Event", number)

    found: list[int] = []
    token: dict[str, str] = {}
    for _ in range(5):
        answer = page(arranged, user="carol", page_size="1", **token)
        found += numbers(answer)
        token = {"token": answer["NextToken"]} if "NextToken" in answer else {}

    assert found == [34, 33, 32, 31, 30]
    assert token == {}


def test_position_leads_to_what_was_added_since(arranged: Raw, database_url: str) -> None:
    position = page(arranged, until="2026-11-01")["Position"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Its call began earlier than the others, which does not matter here.
        add(connection, START - timedelta(minutes=1), "ana", "Event", 10)
        for number in (11, 12):
            add(connection, START, "bob", "Event", number)

    first = page(arranged, after=position, page_size="2", event="Event")
    second = page(arranged, after=first["Position"], page_size="2", event="Event")
    third = page(arranged, after=second["Position"], event="Event")

    assert (numbers(first), numbers(second), numbers(third)) == ([10, 11], [12], [])


def test_page_ends_where_the_answer_would_be_too_large(serve: Serve, database_url: str) -> None:
    raw = Raw(serve(body_limit_bytes=100_000))
    position = page(raw)["Position"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        for number in range(10):
            connection.execute(
                "INSERT INTO audit_records (occurred_at, user_name, event_name, record) VALUES (%s, 'dora', 'E', %s)",
                (START, json.dumps({"number": number, "text": "é" * 3_000})),
            )

    first = page(raw, user="dora", page_size="1000")
    second = page(raw, user="dora", token=first["NextToken"])
    since = page(raw, user="dora", after=position, page_size="1000")
    rest = page(raw, user="dora", after=since["Position"])

    assert (numbers(first), numbers(second)) == ([9, 8, 7, 6, 5], [4, 3, 2, 1, 0])
    assert "NextToken" not in second
    assert (numbers(since), numbers(rest)) == ([0, 1, 2, 3, 4], [5, 6, 7, 8, 9])


def test_follower_misses_nothing_and_gets_nothing_twice(serve: Serve, raw: Raw) -> None:
    """Two processes write changes and groups while a third reads on and on."""
    others = [Raw(serve()), Raw(serve())]
    position, is_done = page(raw)["Position"], threading.Event()
    found: list[str] = []

    def work(other: Raw) -> None:
        for number in range(40):
            other.send("POST", "/v1/apps", {"Name": f"app {number}"})
            other.send("GET", "/v1/apps/0123456789abcdef0123456789abcdef")

    def follow() -> None:
        nonlocal position
        idle = 0
        while idle < 20:
            answer = page(raw, after=position)
            position = answer["Position"]
            seen = [each["eventID"] for each in answer["Item"] if each["eventName"] in {"CreateApp", "GetApp"}]
            found.extend(seen)
            idle = idle + 1 if is_done.is_set() and not seen else 0
            time.sleep(0.1)

    threads = [threading.Thread(target=work, args=(other,)) for other in others]
    follower = threading.Thread(target=follow)
    for thread in (follower, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    is_done.set()
    follower.join()

    assert len(found) == len(set(found)) == 160


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("page-size=0", "Invalid page-size"),
        ("page-size=1001", "Invalid page-size"),
        ("page-size=x", "Invalid page-size"),
        ("since=yesterday", "Invalid since"),
        ("until=2026-13-01", "Invalid until"),
        ("token=x", "Invalid token"),
        ("token=2026-11-01_x", "Invalid token"),
        ("after=-1", "Invalid after"),
        ("after=", "Invalid after"),
        ("after=9999999999999999999", "Invalid after"),
    ],
)
def test_parameter_that_is_none_is_refused(raw: Raw, query: str, message: str) -> None:
    answer = raw.send("GET", f"/repoint/v1/audit?{query}")

    assert (answer.status, answer.json["Message"]) == (400, message)


async def test_old_records_are_forgotten(database: Database, settings: Settings, database_url: str) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for days in (0, 89, 91, 400):
            add(connection, now - timedelta(days=days), "ana", "Event", days)
        await forget_audit_records.run(TaskContext(database, settings, "worker"))
        kept = [row[0]["number"] for row in connection.execute("SELECT record::json FROM audit_records ORDER BY id")]

    assert kept == [0, 89]


async def test_days_are_a_setting_and_batches_are_many(
    database: Database, settings: Settings, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO audit_records (occurred_at, user_name, event_name, record)"
            " SELECT now() - interval '3 days', 'ana', 'Event', %s FROM generate_series(1, 12000)",
            (json.dumps({}),),
        )
        await forget_audit_records.run(TaskContext(database, settings.model_copy(update={"audit_days": 2}), "worker"))
        (left,) = connection.execute("SELECT count(*) FROM audit_records").fetchall()

    assert left == (0,)
