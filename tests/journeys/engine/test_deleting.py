"""What is left of journeys when their application is deleted."""

import re
from datetime import timedelta
from pathlib import Path

from repoint.journeys.engine.clearing import forget_visits
from repoint.queue.worker import Worker
from tests.journeys.engine.conftest import Tour, mail, wait

MIGRATIONS = Path(__file__).resolve().parents[3] / "src" / "repoint" / "db" / "migrations"


def tables() -> list[str]:
    """Every table of journeys."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    found = [name for text in texts for name in re.findall(r"^CREATE TABLE (\w+)", text, re.MULTILINE)]
    return [name for name in found if name.startswith("journey_") or name == "visits"]


async def test_a_deleted_application_leaves_nothing_of_its_journeys(tour: Tour, worker: Worker) -> None:
    await tour.put_many(5)
    tour.publish({"m1": mail("w1"), "w1": wait("PT1H", "m2"), "m2": mail()})
    await tour.go()
    filled = [name for name in tables() if await tour.rows(f"SELECT 1 FROM {name}")]  # noqa: S608 - names of tables

    tour.client.delete_app(ApplicationId=tour.id)
    await tour.go(hours=2)
    await worker.drain()

    assert {"journey_states", "journey_runs", "journey_sweeps", "journey_lanes", "journey_counts", "visits"} <= {
        *filled
    }
    for name in tables():
        assert await tour.rows(f"SELECT 1 FROM {name}") == [], name  # noqa: S608 - names of tables


async def test_who_was_in_a_journey_is_forgotten_long_after_it_was_over(tour: Tour) -> None:
    tour.put("ann")
    over = tour.publish({"w1": wait("PT1H")})
    goes_on = tour.publish({"w1": wait("P200D")})
    await tour.go()
    await tour.go(hours=2)

    tour.set_clock(tour.began_at + timedelta(days=90))
    await forget_visits.run(tour.context)
    assert len(await tour.rows("SELECT 1 FROM visits")) == 2

    tour.set_clock(tour.began_at + timedelta(days=92))
    await forget_visits.run(tour.context)

    [left] = await tour.rows("SELECT journey_id FROM visits")
    assert left["journey_id"].hex == goes_on
    assert (tour.state(over), tour.state(goes_on)) == ("COMPLETED", "CLOSED")
