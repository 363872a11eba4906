"""One criterion as SQL over a row `e` of endpoints or snapshots (segments.md sections 5 to 8).

What comes out is true or false, never NULL, and cannot fail whatever is stored. Values are parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from repoint.contract.dates import DATE_CHARACTERS, instant_text
from repoint.endpoints.patch import PUSH_CHANNELS, one_decimal
from repoint.segments.dimensions import Criterion, Kind

_COLUMNS = {
    "AppVersion": "e.app_version",
    "Channel": "e.channel_type",
    "Country": "e.country",
    "Make": "e.make",
    "Model": "e.model",
    "Platform": "e.platform",
}
_COMPARISONS = {
    "GREATER_THAN": ">",
    "LESS_THAN": "<",
    "GREATER_THAN_OR_EQUAL": ">=",
    "LESS_THAN_OR_EQUAL": "<=",
    "EQUAL": "=",
}
_DURATIONS = {
    "HR_24": timedelta(hours=24),
    "DAY_7": timedelta(days=7),
    "DAY_14": timedelta(days=14),
    "DAY_30": timedelta(days=30),
}
# A billionth of a degree is a tenth of a millimetre. What differs by less would underflow in the distance, which
# PostgreSQL takes for an error.
_DEGREE_DECIMALS = 9
_COORDINATES = ("Latitude", "Longitude")

# What a criterion costs a row, roughly; the cheap ones are asked first.
COSTS: dict[Kind, int] = {
    "recency": 0,
    "demographic": 0,
    "location": 0,
    "attribute": 1,
    "metric": 1,
    "gps": 2,
    "user_attribute": 3,
}

# What becomes of a condition on a JSON object of lists, given the object's SQL.
OnLists = Callable[[str], str]


class Parameters:
    """The values of a statement, by the names they have in it.

    Equal ones of one SQL type share a name, so that equal SQL is equal. Of several types they cannot: what has one name
    is one parameter, and PostgreSQL gives it the type that it has where it stands first.
    """

    def __init__(self, given: Mapping[str, object]) -> None:
        self.values = dict(given)
        self._names: dict[tuple[str, str], str] = {}

    def add(self, value: object, sql_type: str) -> str:
        """The place that stands for the value, of this type."""
        key = (sql_type, repr(value))
        if key not in self._names:
            self._names[key] = f"v{len(self.values)}"
            self.values[self._names[key]] = value
        return f"%({self._names[key]})s::{sql_type}"


def criterion_sql(
    criterion: Criterion, parameters: Parameters, at: datetime, on_user_attributes: Callable[[OnLists], str]
) -> str:
    """Whether the row matches a criterion, evaluated at an instant.

    `on_user_attributes` says how a condition is asked of the attributes of the row's user.
    """
    match criterion.kind:
        case "attribute":
            positive = _on_lists(criterion, parameters)("e.attributes")
        case "user_attribute":
            positive = on_user_attributes(_on_lists(criterion, parameters))
        case "demographic" | "location":
            positive = _one_of(criterion, parameters)
        case "metric":
            return _metric(criterion, parameters)
        case "recency":
            return _recency(criterion, parameters, at)
        case "gps":
            return _gps_point(criterion, parameters)
    return f"(NOT {positive})" if criterion.type == "EXCLUSIVE" else positive


def _on_lists(criterion: Criterion, parameters: Parameters) -> OnLists:
    """An attribute criterion in its positive form."""
    name = parameters.add(criterion.name, "text")
    if criterion.type in ("INCLUSIVE", "EXCLUSIVE"):
        wanted = _any_of(criterion.values, parameters)
        return lambda lists: f"((({lists} -> {name}) {wanted}) IS TRUE)"
    matches = _some_value(criterion, parameters)
    # Asking first whether there is such an attribute costs a twentieth of looking through its values.
    return lambda lists: (
        f"(({lists} ? {name}) IS TRUE AND "
        f"EXISTS (SELECT FROM jsonb_array_elements_text({lists} -> {name}) AS stored (value) WHERE {matches}))"
    )


def _any_of(values: Sequence[str], parameters: Parameters) -> str:
    if len(values) == 1:
        return f"? {parameters.add(values[0], 'text')}"
    return f"?| {parameters.add(list(values), 'text[]')}"


def _some_value(criterion: Criterion, parameters: Parameters) -> str:
    """Whether one stored value matches one value of the criterion."""
    if criterion.type == "CONTAINS":
        wanted = [parameters.add(value, "text") for value in criterion.values]
        return " OR ".join(f"strpos(stored.value, {each}) > 0" for each in wanted)
    # Checked when the definition was stored.
    instants = [instant for value in criterion.values if (instant := instant_text(value))]
    stored = "instant_text(stored.value)"
    match criterion.type:
        case "BEFORE":
            return f"{stored} < {_instant(max(instants), parameters)}"
        case "AFTER":
            return f"{stored} > {_instant(min(instants), parameters)}"
        case "BETWEEN":
            first, last = (_instant(instant, parameters) for instant in instants)
            return f"{stored} BETWEEN {first} AND {last}"
    days = [instant[:DATE_CHARACTERS] for instant in instants]
    return f"left({stored}, {DATE_CHARACTERS}) = ANY({parameters.add(days, 'text[]')})"


def _instant(text: str, parameters: Parameters) -> str:
    return f'({parameters.add(text, "text")} COLLATE "C")'


def _metric(criterion: Criterion, parameters: Parameters) -> str:
    """Compares JSON with JSON: a cast could fail, and takes longer."""
    name = parameters.add(criterion.name, "text")
    value = parameters.add(repr(float(criterion.given["Value"])), "jsonb")
    sign = _COMPARISONS[criterion.given["ComparisonOperator"]]
    return f"(((e.metrics -> {name}) {sign} {value}) IS TRUE)"


def _recency(criterion: Criterion, parameters: Parameters, at: datetime) -> str:
    """Whether the endpoint was seen since then, by an update or by an event (segments.md section 7)."""
    since = parameters.add(at - _DURATIONS[criterion.given["Duration"]], "timestamptz")
    seen = (
        f"(e.effective_at >= {since} OR EXISTS (SELECT FROM endpoint_activity AS a "
        "WHERE a.application_id = e.application_id AND a.endpoint_key = e.endpoint_key "
        f"AND a.active_at >= {since}))"
    )
    return seen if criterion.given["RecencyType"] == "ACTIVE" else f"(NOT {seen})"


def _one_of(criterion: Criterion, parameters: Parameters) -> str:
    column = _COLUMNS.get(criterion.name)
    if column is None:
        # Endpoints have no DeviceType.
        return "FALSE"
    values = criterion.values
    if criterion.name == "Channel" and "PUSH" in values:
        values = [*values, *sorted(PUSH_CHANNELS)]
    return f"(({column} = ANY({parameters.add(list(values), 'text[]')})) IS TRUE)"


def _gps_point(criterion: Criterion, parameters: Parameters) -> str:
    point = criterion.given["Coordinates"]
    range_km = criterion.given.get("RangeInKilometers", 0)
    if not range_km:
        latitude, longitude = (parameters.add(one_decimal(point[name]), "float8") for name in _COORDINATES)
        return f"((e.latitude = {latitude} AND e.longitude = {longitude}) IS TRUE)"
    latitude, longitude = (
        parameters.add(round(float(point[name]), _DEGREE_DECIMALS), "float8") for name in _COORDINATES
    )
    limit = parameters.add(float(range_km), "float8")
    return f"((distance_km(e.latitude, e.longitude, {latitude}, {longitude}) <= {limit}) IS TRUE)"
