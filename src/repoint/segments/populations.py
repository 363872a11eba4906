"""The rows that a segment's condition is asked of, and how they find their users and the lists they are on."""

from dataclasses import dataclass, field

from repoint.segments.compile import FALSE, TRUE
from repoint.segments.criterion import OnLists, Parameters
from repoint.segments.sources import Version


@dataclass(slots=True)
class Probed:
    """Registered endpoints, each asked for by itself: for some at a time.

    What stands in other tables is looked up by primary key, when the criteria before it leave that open.
    """

    parameters: Parameters
    everybody: str = TRUE
    # The list that the rows come from, so that all of them are on it.
    read_from: Version | None = None

    def on_user_attributes(self, condition: OnLists) -> str:
        """By a look at the row's user."""
        return (
            f"((SELECT {condition('u.attributes')} FROM users AS u "  # noqa: S608 - ours
            "WHERE u.application_id = e.application_id AND u.user_key = e.user_key) IS TRUE "
            f"OR {condition('e.own_user_attributes')})"
        )

    def is_listed(self, version: Version) -> str:
        """By a look into the lists that the import has written."""
        if version is self.read_from:
            return TRUE
        return _either(
            self._is_on(version, "segment_members", "endpoint_key") if version.lists_endpoints else FALSE,
            self._is_on(version, "segment_users", "user_key") if version.lists_users else FALSE,
        )

    def _is_on(self, version: Version, table: str, key: str) -> str:
        # A subquery with a value, not EXISTS, which the planner may turn into a join.
        listed = place(version, self.parameters, "l")
        return f"((SELECT TRUE FROM {table} AS l WHERE {listed} AND l.{key} = e.{key}) IS TRUE)"  # noqa: S608 - ours


@dataclass(slots=True)
class Joined:
    """All registered endpoints at once, joined with what the condition asks of other tables: for whole segments.

    A join reads the other table once, where looking into it a million times takes several times as long.
    """

    parameters: Parameters
    everybody: str = TRUE
    users: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    _listed: dict[Version, str] = field(default_factory=dict)

    def on_user_attributes(self, condition: OnLists) -> str:
        """By a column of the join with those users that match some condition."""
        asked = condition("u.attributes")
        if asked not in self.users:
            self.users.append(asked)
        return f"(e.user{self.users.index(asked)} IS TRUE OR {condition('e.own_user_attributes')})"

    def is_listed(self, version: Version) -> str:
        """By a column of the join with the list; each is joined once."""
        if version not in self._listed:
            self._listed[version] = _either(
                self._join(version, "segment_members", "endpoint_key") if version.lists_endpoints else FALSE,
                self._join(version, "segment_users", "user_key") if version.lists_users else FALSE,
            )
        return self._listed[version]

    def _join(self, version: Version, table: str, key: str) -> str:
        name = f"list{len(self.lists)}"
        listed = place(version, self.parameters, name)
        self.lists.append(f"LEFT JOIN {table} AS {name} ON {listed} AND {name}.{key} = e.{key}")
        return f"(e.{name} IS NOT NULL)"

    def population(self) -> str:
        """The rows, once everything has been asked."""
        columns = [f"u.user{number}" for number in range(len(self.users))]
        columns += [f"list{number}.version AS list{number}" for number in range(len(self.lists))]
        joins = " ".join([self._join_users(), *self.lists] if self.users else self.lists)
        return (
            f"(SELECT {', '.join(['e.*', *columns])} FROM endpoints AS e {joins} "  # noqa: S608 - ours
            "WHERE e.application_id = %(application_id)s)"
        )

    def _join_users(self) -> str:
        # A single condition holds for all that are joined.
        found = self.users if len(self.users) > 1 else [TRUE]
        columns = ", ".join(f"{condition} AS user{number}" for number, condition in enumerate(found))
        return (
            f"LEFT JOIN (SELECT u.user_key, {columns} FROM users AS u "  # noqa: S608 - ours
            f"WHERE u.application_id = %(application_id)s AND ({' OR '.join(self.users)})) AS u "
            "ON u.user_key = e.user_key"
        )


@dataclass(slots=True)
class Snapshots:
    """What an import has defined without registering it: on the list of that import alone."""

    version: Version
    everybody: str = FALSE

    def on_user_attributes(self, condition: OnLists) -> str:
        """User attributes are the snapshot's own."""
        return condition("e.own_user_attributes")

    def is_listed(self, version: Version) -> str:
        """Known without a look."""
        return TRUE if version is self.version else FALSE


def _either(first: str, second: str) -> str:
    if FALSE in (first, second):
        return second if first == FALSE else first
    return f"({first} OR {second})"


def place(version: Version, parameters: Parameters, alias: str) -> str:
    """Where the rows of a version of an imported segment stand, in any table of such."""
    segment_id, number = parameters.add(version.segment_id, "uuid"), parameters.add(version.number, "integer")
    return (
        f"{alias}.application_id = %(application_id)s AND {alias}.segment_id = {segment_id} "
        f"AND {alias}.version = {number}"
    )
