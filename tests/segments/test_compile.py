"""Compiled segments against a plain evaluation, over random populations and random definitions."""

import asyncio
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement, product
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st

from repoint.contract.dates import format_instant
from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.segments.audience import Audience
from repoint.segments.dimensions import normal_form
from repoint.segments.imported import Imported
from repoint.segments.members import Count, count_members, read_members
from repoint.segments.memberships import compile_memberships
from repoint.segments.sources import Sources
from repoint.segments.why import explain
from repoint.settings import Settings
from tests.segments.conftest import Import, Shop, group, groups, make_import
from tests.segments.plain import Listed, World

AT = datetime(2025, 6, 30, 12, tzinfo=UTC)

ENDPOINTS = 60
USERS = ("u1", "u2", "U2", "u3", "u4 ", "ü%", "u5", "u6", "u7", "u8")
NAMES = ("a", "b", "é.%", "'\"")
TEXTS = (
    "", "x", "X", "xy", "y", "%", "_", "\\", "a%b", "a_b", "%x%", "null", '["x"]', "日本", "2025-03-01", "2025-02-30",
    "2025-03-01T00:00:00Z", "2025-03-01T18:45:00Z", "2025-03-01T18:45:00.5Z", "2025-03-01T18:45:00.500000000Z",
    "2025-03-01T18:45:00.50000000Z0", "2025-03-01T18:45:00.1234567890Z", "2025-03-01T18:45:00.Z", "2025-03-01T18:45Z",
    "2025-02-29T00:00:00Z", "2024-02-29T23:59:59.999999999Z", "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z",
    "2025-02-30T25:61:61Z", "2025-04-31T00:00:00Z", "2025-13-01T00:00:00Z", "2025-00-10T00:00:00Z",
    "2025-03-00T00:00:00Z", "2025-03-01T24:00:00Z", "2025-03-01T23:60:00Z", "2025-03-01T23:59:60Z",
    "2025-03-01T00:00:00z", "2025-03-01t00:00:00Z", "2025-03-01 00:00:00Z", "2025-03-01T00:00:00+00:00",
    " 2025-03-01T00:00:00Z", "2025-03-01T00:00:00Z ", "2025-03-01T00:00:00Z\n", "-025-03-01T00:00:00Z",
    "12025-03-01T00:00:00Z", "0000-02-29T00:00:00Z", "9999-12-31T23:59:59Z", "٢٠٢٥-03-01T00:00:00Z",
    "2025-0:-01T00:00:00Z", "2025-03-01T00:0/:00Z", "3.0", "1e+16", "i0",
)  # fmt: skip
DATES = (
    "2025-03-01T00:00:00Z", "2025-03-01T18:45:00.5Z", "2025-03-01T18:45:00.50Z", "2024-02-29T23:59:59.999999999Z",
    "2000-02-29T12:00:00Z", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
)  # fmt: skip
NUMBERS = (
    -1e308, -2.5, -0.0, 0.0, 5e-324, 1e-300, 0.1, 0.3, 0.30000000000000004, 1.0, 3.0, 3.0000000000000004, 2.0**53,
    2.0**53 + 2, 1e16, 1e308,
)  # fmt: skip
DEVICES = ("x", "X", "ios", "%", "日本")
COUNTRIES = ("US", "USA", "us", "CA", "FR")
CHANNELS = ("EMAIL", "SMS", "APNS", "APNS_VOIP_SANDBOX", "GCM", "BAIDU", "CUSTOM", "VOICE", "PUSH", "IN_APP")
LATITUDES = (-90.0, -89.9, -47.6, -0.1, 0.0, 0.1, 47.6, 49.3, 89.9, 90.0)
LONGITUDES = (-180.0, -179.9, -122.3, -0.1, 0.0, 0.1, 122.3, 179.9, 180.0)
AGES = (-3600, 0, 86399, 86400, 86401, 7 * 86400, 7 * 86400 + 0.001, 14 * 86400, 14 * 86400 - 0.001, 30 * 86400, 1e9)

OPERATORS = ("GREATER_THAN", "LESS_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN_OR_EQUAL", "EQUAL")
COMBINERS = st.sampled_from((None, "ALL", "ANY", "NONE"))


# -- random populations


def some_lists(choose: random.Random) -> dict[str, list[str]]:
    names = choose.sample(NAMES, choose.randrange(len(NAMES) + 1))
    return {
        name: [choose.choice(choose.choice((TEXTS, DATES))) for _ in range(choose.choice((1, 2, 5)))] for name in names
    }


def some_endpoint(choose: random.Random) -> dict[str, Any]:
    """An UpdateEndpoint request in which anything may be missing."""
    effective_at = AT - timedelta(seconds=choose.choice(AGES))
    request: dict[str, Any] = {
        "Attributes": some_lists(choose),
        "Metrics": {name: choose.choice(NUMBERS) for name in choose.sample(NAMES, choose.randrange(3))},
        "Demographic": {
            name: choose.choice(DEVICES)
            for name in ("AppVersion", "Make", "Model", "Platform")
            if choose.random() < 0.5
        },
        "EffectiveDate": format_instant(effective_at),
        "User": {},
        "Location": {},
    }
    if choose.random() < 0.8:
        request["ChannelType"] = choose.choice(CHANNELS)
        request["Address"] = f"address-{choose.random()}"
    if choose.random() < 0.7:
        request["Location"]["Country"] = choose.choice(COUNTRIES)
    if choose.random() < 0.7:
        request["Location"] |= {"Latitude": choose.choice(LATITUDES), "Longitude": choose.choice(LONGITUDES)}
    elif choose.random() < 0.3:
        request["Location"]["Latitude"] = choose.choice(LATITUDES)
    if choose.random() < 0.7:
        request["User"]["UserId"] = choose.choice(USERS)
    if choose.random() < 0.6:
        request["User"]["UserAttributes"] = some_lists(choose)
    request["OptOut"] = choose.choice(("ALL", "NONE")) if "Address" in request else "ALL"
    request["EndpointStatus"] = choose.choice(("ACTIVE", "INACTIVE"))
    return request


@dataclass(frozen=True)
class Population:
    """What is stored, and the same for the plain evaluation."""

    application_id: str
    database: Database
    runner: asyncio.Runner
    world: World
    imported: tuple[Imported, ...]


SNAPSHOTS = """
    INSERT INTO endpoint_snapshots
    SELECT e.application_id, e.endpoint_key, e.endpoint_id, e.channel_type, e.address, e.attributes, e.metrics,
           e.app_version, e.locale, e.make, e.model, e.model_version, e.platform, e.platform_version, e.timezone,
           e.city, e.country, e.postal_code, e.region, e.latitude, e.longitude, e.cohort, e.endpoint_status, e.opt_out,
           e.opt_out_is_explicit, e.user_key, coalesce(u.attributes, e.own_user_attributes), e.effective_at,
           e.created_at, e.request_id, e.size_bound, %(segment_id)s, %(version)s, u.user_id
    FROM endpoints e LEFT JOIN users u ON u.application_id = e.application_id AND u.user_key = e.user_key
    WHERE e.application_id = %(application_id)s AND e.endpoint_key = ANY(%(keys)s)
"""


@contextmanager
def population(seed: int, shop: Shop, given: Settings) -> Iterator[Population]:
    """Endpoints written through the API, lists as an import writes them; `s…` become snapshots of the third of these.

    Some snapshots have the ids of registered endpoints, and some of those that are gone.
    """
    choose = random.Random(seed)  # noqa: S311 - invented data
    ids = [f"e{number:02}" for number in range(ENDPOINTS)] + [f"s{number:02}" for number in range(15)]
    for endpoint_id in ids:
        shop.put(endpoint_id, **some_endpoint(choose))
    documents = {each: document(shop, each) for each in ids}
    lists = [
        Listed(endpoints=frozenset(choose.sample(ids, 20)) | {"nobody"}),
        Listed(users=frozenset(choose.sample(USERS, 3)) | {"stranger"}),
        Listed(
            frozenset(choose.sample(ids, 10)),
            frozenset(choose.sample(USERS, 1)),
            {each: documents[each] for each in [*ids[ENDPOINTS:], *choose.sample(ids[:ENDPOINTS], 5)]},
        ),
        Listed(snapshots={each: documents[each] for each in ids[ENDPOINTS - 5 : ENDPOINTS + 5]}),
    ]
    with asyncio.Runner() as runner:
        database = Database(given.database_url.get_secret_value() if given.database_url else "")
        runner.run(database.open())
        imported = tuple(runner.run(store(given, database, shop.id, listed)) for listed in lists)
        for gone in ids[ENDPOINTS + 3 :]:
            shop.client.delete_endpoint(ApplicationId=shop.id, EndpointId=gone)
        # An attribute that holds an import's id: a text that is a uuid elsewhere.
        for each in ids[:ENDPOINTS:6]:
            shop.put(each, Attributes={"b": [imported[0].segment_id]})
        left = {each: document(shop, each) for each in ids[: ENDPOINTS + 3]}
        held = {version.segment_id: listed for version, listed in zip(imported, lists, strict=True)}
        world = World(AT, left, held, {})
        yield Population(shop.id, database, runner, world, imported)
        runner.run(database.close())


def document(shop: Shop, endpoint_id: str) -> dict[str, Any]:
    answer = shop.client.get_endpoint(ApplicationId=shop.id, EndpointId=endpoint_id)["EndpointResponse"]
    return {**answer, "Attributes": answer.get("Attributes", {}), "Metrics": answer.get("Metrics", {})}


async def store(given: Settings, database: Database, application_id: str, listed: Listed) -> Imported:
    imported = await make_import(given, database, application_id, sorted(listed.endpoints), sorted(listed.users))
    async with database.connection() as db:
        await db.execute(Query("snapshots", SNAPSHOTS), {**imported.key, "keys": sorted(listed.snapshots)})
    return imported


# -- random definitions


def values(among: Iterable[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(tuple(among)), min_size=1, max_size=3)


def with_type(member: str, types: Iterable[str], among: Iterable[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Values of a type, which may be left out for the first one."""
    first, *rest = types
    typed = st.fixed_dictionaries({member: st.sampled_from((first, *rest)), "Values": values(among)})
    return st.one_of(typed, st.fixed_dictionaries({"Values": values(among)}))


ATTRIBUTE = st.one_of(
    with_type("AttributeType", ("INCLUSIVE", "EXCLUSIVE", "CONTAINS"), TEXTS),
    st.fixed_dictionaries({"AttributeType": st.sampled_from(("BEFORE", "AFTER", "ON")), "Values": values(DATES)}),
    st.tuples(st.sampled_from(DATES), st.sampled_from(DATES)).map(
        lambda pair: {"AttributeType": "BETWEEN", "Values": sorted(pair, key=lambda text: text.rstrip("Z"))}
    ),
)
METRIC = st.fixed_dictionaries({"ComparisonOperator": st.sampled_from(OPERATORS), "Value": st.sampled_from(NUMBERS)})
RECENCY = st.fixed_dictionaries(
    {
        "RecencyType": st.sampled_from(("ACTIVE", "INACTIVE")),
        "Duration": st.sampled_from(("HR_24", "DAY_7", "DAY_14", "DAY_30")),
    }
)
KINDS = ("INCLUSIVE", "EXCLUSIVE")
DEVICE = with_type("DimensionType", KINDS, DEVICES)
POINT = st.fixed_dictionaries(
    {
        "Coordinates": st.fixed_dictionaries(
            {
                "Latitude": st.sampled_from((*LATITUDES, 47.64, 47.65, 1e-200, -1e-12, 89.95)),
                "Longitude": st.sampled_from((*LONGITUDES, -122.349, 179.95, 1e-200)),
            }
        )
    },
    optional={"RangeInKilometers": st.sampled_from((0, 1e-9, 0.5, 25, 250, 10_010, 20_000, 20_016, 1e308))},
)
CRITERION = st.one_of(
    st.tuples(st.just("Attributes"), st.dictionaries(st.sampled_from(NAMES), ATTRIBUTE, min_size=1, max_size=2)),
    st.tuples(st.just("UserAttributes"), st.dictionaries(st.sampled_from(NAMES), ATTRIBUTE, min_size=1, max_size=2)),
    st.tuples(st.just("Metrics"), st.dictionaries(st.sampled_from(NAMES), METRIC, min_size=1, max_size=2)),
    st.tuples(st.just("Behavior"), st.fixed_dictionaries({"Recency": RECENCY})),
    st.tuples(
        st.just("Demographic"),
        st.one_of(
            st.dictionaries(
                st.sampled_from(("AppVersion", "Make", "Model", "Platform", "DeviceType")),
                DEVICE,
                min_size=1,
                max_size=2,
            ),
            st.fixed_dictionaries({"Channel": with_type("DimensionType", KINDS, CHANNELS)}),
        ),
    ),
    st.tuples(st.just("Location"), st.fixed_dictionaries({"Country": with_type("DimensionType", KINDS, COUNTRIES)})),
    st.tuples(st.just("Location"), st.fixed_dictionaries({"GPSPoint": POINT})),
)
ENTRY = st.lists(CRITERION, max_size=2).map(dict)


def group_of(bases: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(st.sampled_from([base for base in bases if base.startswith("d")] or ["i0"]), max_size=2)
    sources: st.SearchStrategy[list[str]] = st.one_of(
        st.just([]), st.sampled_from(bases).map(lambda base: [base]), several
    )
    return st.builds(
        lambda entries, found, combiner, source_type: without_none(
            {
                "Dimensions": entries or None,
                "SourceSegments": [{"Id": base} for base in found] or None,
                "Type": combiner,
                "SourceType": source_type,
            }
        ),
        st.lists(ENTRY, max_size=3), sources, COMBINERS, COMBINERS,
    )  # fmt: skip


def without_none(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Dynamic segments `d0`, `d1` …, each based on imports and those before it; the last one is asked."""
    found: dict[str, dict[str, Any]] = {}
    for number in range(draw(st.integers(1, 4))):
        bases = ["i0", "i1", "i2", "i3", *found, *found]
        groups = draw(st.lists(group_of(bases), max_size=3))
        found[f"d{number}"] = without_none({"Groups": groups, "Include": draw(COMBINERS)})
    return found


# -- the comparison


def with_ids(part: Any, ids: dict[str, str]) -> Any:
    """The same with the segments' ids in place of the imports' names."""
    if isinstance(part, dict):
        return {name: with_ids(value, ids) for name, value in part.items()}
    if isinstance(part, list):
        return [with_ids(each, ids) for each in part]
    return ids.get(part, part) if isinstance(part, str) else part


def audience(stored: Population, dynamic: dict[str, Any], asked: str) -> Audience:
    """The segment as it would be loaded from the database, with its base segments."""
    nothing = {"lists_endpoints": False, "lists_users": False, "has_snapshots": False}
    rows = [
        {"id": name, "asked": None, "version": 1, "document": normal_form({"SegmentGroups": definition}), **nothing}
        for name, definition in dynamic.items()
    ]
    rows += [
        {
            "id": name,
            "asked": None,
            "version": 1,
            "document": {"ImportDefinition": {}},
            "lists_endpoints": bool(listed.endpoints),
            "lists_users": bool(listed.users),
            "has_snapshots": bool(listed.snapshots),
        }
        for name, listed in stored.world.imported.items()
    ]
    sources = Sources(rows)
    return Audience(stored.application_id, sources.require({"Id": asked}), sources, AT)


KEYS = Query("keys", "SELECT endpoint_key, segment_id FROM ({members}) AS m ORDER BY endpoint_key")


async def whole(stored: Population, asked: Audience) -> tuple[list[str], Count]:
    """The members by the statements on all of them."""
    statement = asked.whole(KEYS)
    async with stored.database.transaction() as db:
        found = await db.tuples(statement.query, statement.parameters)
        return [key for key, _ in found], await count_members(db, asked)


async def in_batches(stored: Population, asked: Audience, rows: int, *, only_eligible: bool = False) -> list[str]:
    """The members by the statements on ranges."""
    batches = read_members(stored.database, asked, batch_rows=rows, only_eligible=only_eligible)
    return [key async for batch in batches for key in batch.keys]


async def explained(stored: Population, asked: Audience, key: str) -> tuple[bool, bool]:
    """Whether an endpoint is a member, and would be sent to, as `why` has it."""
    async with stored.database.connection() as db:
        found = await explain(db, asked, key)
    return (found["IsMember"], found["IsEligible"]) if found else (False, False)


async def joined(stored: Population, asked: Audience, names: Iterable[str], key: str) -> set[str]:
    """Of which of these segments an endpoint is a member, all asked at once."""
    roots = [asked.sources.require({"Id": name}) for name in names]
    # They are kept, and asked of later instants.
    memberships = compile_memberships(stored.application_id, asked.sources, roots, AT - timedelta(days=9)).as_of(AT)
    async with stored.database.connection() as db:
        answers = await db.together(*memberships.ask(key))
    return {name for name, _ in memberships.read(answers)}


def compare(stored: Population, drawn: dict[str, Any], rows: int, choose: random.Random) -> None:
    """Every way of asking gives the members that the plain evaluation has."""
    names = {f"i{number}": imported.segment_id for number, imported in enumerate(stored.imported)}
    dynamic = with_ids(drawn, names)
    *_, last = dynamic
    world = replace(stored.world, dynamic=dynamic)
    members, eligible = set(world.members(last)), world.eligible(last)
    asked = audience(stored, dynamic, last)
    endpoint_id = choose.choice([*world.endpoints, *[f"s{number:02}" for number in range(15)]])

    keys, count = stored.runner.run(whole(stored, asked))
    read = stored.runner.run(in_batches(stored, asked, rows))
    read_eligible = stored.runner.run(in_batches(stored, asked, rows, only_eligible=True))
    why = stored.runner.run(explained(stored, asked, endpoint_id))
    of_which = stored.runner.run(joined(stored, asked, dynamic, endpoint_id))

    assert of_which == {name for name in dynamic if endpoint_id in world.members(name)}
    assert keys == sorted(members)
    assert count == (len(members), len(eligible))
    assert read == sorted(members)
    assert read_eligible == sorted(eligible)
    assert why == (endpoint_id in members, endpoint_id in eligible)


def single_criteria() -> Iterator[dict[str, Any]]:
    """Every kind of criterion with every value it can have here, alone."""
    for kind in ("INCLUSIVE", "EXCLUSIVE", "CONTAINS"):
        yield from ({"Attributes": {"a": {"AttributeType": kind, "Values": [text]}}} for text in TEXTS)
    for kind, first, second in product(("BEFORE", "AFTER", "ON"), DATES, DATES[:3]):
        yield {"UserAttributes": {"a": {"AttributeType": kind, "Values": [first, second]}}}
    for pair in combinations_with_replacement(sorted(DATES, key=lambda date: date.rstrip("Z")), 2):
        yield {"Attributes": {"b": {"AttributeType": "BETWEEN", "Values": list(pair)}}}
    for operator, number in product(OPERATORS, NUMBERS):
        yield {"Metrics": {"a": {"ComparisonOperator": operator, "Value": number}}}
    for kind, duration in product(("ACTIVE", "INACTIVE"), ("HR_24", "DAY_7", "DAY_14", "DAY_30")):
        yield {"Behavior": {"Recency": {"RecencyType": kind, "Duration": duration}}}
    for member, texts in {"Channel": CHANNELS, "Make": DEVICES, "DeviceType": DEVICES}.items():
        for kind, text in product(KINDS, texts):
            yield {"Demographic": {member: {"DimensionType": kind, "Values": [text]}}}
    for kind, text in product(KINDS, COUNTRIES):
        yield {"Location": {"Country": {"DimensionType": kind, "Values": [text]}}}
    for latitude, longitude, range_km in product((-90, 0, 1e-200, 47.65), (-180, 0, 179.95), (0, 0.5, 10_010, 20_016)):
        coordinates = {"Latitude": latitude, "Longitude": longitude}
        yield {"Location": {"GPSPoint": {"Coordinates": coordinates, "RangeInKilometers": range_km}}}


@pytest.mark.parametrize("seed", [3])
def test_every_criterion_agrees_with_the_page(shop: Shop, settings: Settings, seed: int) -> None:
    with population(seed, shop, settings) as stored:
        choose = random.Random(seed)  # noqa: S311 - invented data
        for criterion in single_criteria():
            # Shown when the comparison fails.
            print(criterion)  # noqa: T201 - see above
            compare(stored, {"d0": {"Groups": [{"Dimensions": [criterion]}]}}, 1000, choose)


def contains(value: str, kind: str = "CONTAINS") -> dict[str, Any]:
    return {"V": {"AttributeType": kind, "Values": [value]}}


METRIC_OF_FIVE = {"Metrics": {"M": {"ComparisonOperator": "EQUAL", "Value": 5}}}
LARGE_METRIC = {"Metrics": {"M": {"ComparisonOperator": "EQUAL", "Value": 1e16}}}


@pytest.mark.parametrize(
    ("definition", "members"),
    [
        (groups(group(METRIC_OF_FIVE, {"Attributes": contains("5.0")}, combiner="ANY")), ["a"]),
        (groups(group({**METRIC_OF_FIVE, "UserAttributes": contains("5.0")})), ["a"]),
        (groups(group(LARGE_METRIC, {"Attributes": contains("1e+16", "INCLUSIVE")}, combiner="ANY")), ["a", "b"]),
    ],
)
def test_a_number_and_a_text_that_are_written_alike(shop: Shop, definition: dict[str, Any], members: list[str]) -> None:
    user = {"UserId": "u", "UserAttributes": {"V": ["x5.0"]}}
    shop.put("a", OptOut="ALL", Attributes={"V": ["x5.0", "1e+16"]}, Metrics={"M": 5}, User=user)
    shop.put("b", OptOut="ALL", Metrics={"M": 1e16})
    segment = shop.create(**definition)["Id"]

    assert shop.count(segment)[0] == len(members)
    assert shop.members(segment) == members
    assert shop.why(segment, "a")["IsMember"] is True


@pytest.mark.parametrize("kind", ["INCLUSIVE", "CONTAINS"])
async def test_an_id_and_a_text_that_are_written_alike(shop: Shop, imports: Import, kind: str) -> None:
    listed = (await imports(["a"])).segment_id
    shop.put("a", OptOut="ALL", Attributes={"V": [listed]})
    segment = shop.create(**groups(group({"Attributes": contains(listed, kind)}, sources=[listed])))["Id"]

    assert shop.count(segment) == (1, 0)
    assert shop.members(segment) == ["a"]
    assert shop.why(segment, "a")["IsMember"] is True


def check_definitions(stored: Population, examples: int, seed: int) -> None:
    """Many definitions on one population."""
    choose = random.Random(seed)  # noqa: S311 - invented data

    @hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @hypothesis.given(drawn=definitions(), rows=st.sampled_from((5, 30, 1000)))
    def check(drawn: dict[str, Any], rows: int) -> None:
        compare(stored, drawn, rows, choose)

    check()


@pytest.mark.parametrize("seed", [1, 2])
def test_compiled_segments_agree_with_the_page(shop: Shop, settings: Settings, seed: int) -> None:
    with population(seed, shop, settings) as stored:
        check_definitions(stored, 100, seed)


@pytest.mark.torture
@pytest.mark.timeout(1700)
@pytest.mark.parametrize("seed", range(10, 20))
def test_many_more_segments_agree_with_the_page(shop: Shop, settings: Settings, seed: int) -> None:
    with population(seed, shop, settings) as stored:
        check_definitions(stored, 3000, seed)
