"""Who of a part of the audience gets a message, and why the others do not (campaigns.md section 7, steps 1 to 4 and 6).

What is decided here is what endpoints are like: opted out, without a channel, another treatment's. Caps and quiet time
are decided when a message goes out.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from repoint.campaigns.campaign import Members
from repoint.campaigns.engine.batch import Sending, Trigger
from repoint.campaigns.engine.candidate import OTHER_TREATMENT, OTHER_ZONE, Candidate
from repoint.campaigns.engine.run import Run
from repoint.campaigns.hooks import Hook, HookFailure
from repoint.contract.dates import format_instant
from repoint.db.parameters import as_json
from repoint.db.pool import Database, Db
from repoint.db.queries import load_queries
from repoint.delivery.ledger import IN_DOUBT
from repoint.delivery.recipient import Recipient
from repoint.delivery.recommending import Recommending
from repoint.endpoints.timezone import find_zone
from repoint.messages.recipients import message_id
from repoint.recommenders.ask import NotRecommended, Recommended
from repoint.segments.members import Batch as SomeMembers
from repoint.segments.members import member_documents, members_among
from repoint.segments.sources import Version

Q = load_queries("repoint.campaigns.engine")

# Of whom the ledger says this, a message has gone to the address, or may have.
_SERVED = frozenset({"SUCCESS", "UNKNOWN", IN_DOUBT})


class Recipients:
    """Finds the recipients of a run's batches."""

    def __init__(self, database: Database, run: Run, hook: Hook, recommending: Recommending) -> None:
        self._database = database
        self._run = run
        self._hook = hook
        self._recommending = recommending

    async def of_members(self, members: SomeMembers) -> list[Candidate]:
        """Members of the segment, in the order of their keys."""
        async with self._database.connection() as db:
            documents = await member_documents(db, self._run.application_id, members)
            served = await self._served(db, documents) if self._run.zones is not None else set()
        found = [
            self._candidate(Candidate(key), documents[key])
            for key in members.keys
            if key in documents and key not in served
        ]
        await self._find_duplicates(found, members.snapshots)
        self._deal(found)
        await self._ask_hook(found)
        await self._ask_recommenders(found)
        return found

    async def of_triggers(self, triggers: Sequence[Trigger]) -> list[Candidate]:
        """Those who did something, in their order: once for each event."""
        keys = sorted({trigger.key for trigger in triggers})
        members = await members_among(self._database, self._run.audience, keys)
        async with self._database.connection() as db:
            documents = await member_documents(db, self._run.application_id, SomeMembers(keys))
        found = []
        for trigger in triggers:
            candidate = Candidate(trigger.key, trigger.occurrence, trigger.at)
            found.append(candidate)
            if trigger.key not in members or trigger.key not in documents:
                candidate.leave_out("FILTERED_OUT_BY_SEGMENT")
            else:
                self._candidate(candidate, documents[trigger.key])
        self._deal(found)
        await self._ask_hook(found)
        await self._ask_recommenders(found)
        return found

    async def again(self, lost: Sequence[Sending]) -> list[Candidate]:
        """Whose messages were on their way when their worker died; decided is only what they are like now.

        Their messages keep their ids.
        """
        keys = sorted({each.key for each in lost})
        async with self._database.connection() as db:
            documents = await member_documents(db, self._run.application_id, SomeMembers(keys))
            for version in self._run.audience.with_snapshots():
                missing = [key for key in keys if key not in documents]
                snapshots = SomeMembers(missing, dict.fromkeys(missing, version))
                documents |= await member_documents(db, self._run.application_id, snapshots)
        found = [Candidate(each.key, each.occurrence, each.at) for each in lost]
        for candidate, each in zip(found, lost, strict=True):
            if each.key in documents:
                self._candidate(candidate, documents[each.key])
                candidate.recipient = replace(candidate.known, message_id=each.message_id)
        await self._ask_hook(found)
        await self._ask_recommenders(found)
        return found

    def _candidate(self, candidate: Candidate, document: Members) -> Candidate:
        """With its document, and left out for what that says."""
        channel_type, address = document.get("ChannelType", ""), document.get("Address", "")
        candidate.recipient = Recipient(message_id(channel_type), channel_type, address, document["Id"], document)
        run = self._run
        if run.zones is not None and (metric := self._out_of_zone(document)):
            candidate.leave_out(metric)
        elif document.get("OptOut") == "ALL":
            candidate.leave_out("ENDPOINT_OPT_OUT")
        elif document.get("EndpointStatus") == "INACTIVE":
            candidate.leave_out("ENDPOINT_INACTIVE")
        elif not address:
            candidate.leave_out("ENDPOINT_MISSING_ADDRESS")
        elif not channel_type:
            candidate.leave_out("ENDPOINT_MISSING_CHANNEL")
        elif channel_type not in run.channels:
            candidate.leave_out("ENDPOINT_CHANNEL_MISMATCH")
        return candidate

    def _out_of_zone(self, document: Members) -> str | None:
        """Why it has no turn in this sweep; who has none at all is told in the first one."""
        assert self._run.zones is not None  # noqa: S101 - asked in local time only
        zone = document.get("Demographic", {}).get("Timezone")
        if zone in self._run.zones or (zone in self._run.zones_before and self._was_there(document)):
            return None
        has_none = zone is None or find_zone(zone) is None
        return "ENDPOINT_MISSING_TIMEZONE" if has_none and self._run.is_first_sweep else OTHER_ZONE

    def _was_there(self, document: Members) -> bool:
        """Whether it was written before the run: then it has moved to where the turn was over, and has its own now."""
        created_at: str = document.get("CreationDate", "")
        return created_at <= format_instant(self._run.scheduled_at)

    async def _served(self, db: Db, documents: Iterable[str]) -> set[str]:
        """Those who had their turn in another zone, before they moved."""
        parameters = {"application_id": self._run.application_id, "run_id": self._run.id, "keys": as_json(documents)}
        return {row["endpoint_key"] for row in await db.rows(Q.ledger_of, parameters)}

    async def _find_duplicates(self, found: Sequence[Candidate], snapshots: Mapping[str, Version]) -> None:
        """Of those that share a channel and address all but one get nothing: the one written last does."""
        for version in {snapshots.get(each.key) for each in found}:
            those = [each for each in found if each.is_open and snapshots.get(each.key) is version]
            await self._find_duplicates_among(those, version)

    async def _find_duplicates_among(self, found: Sequence[Candidate], version: Version | None) -> None:
        if not found:
            return
        parameters: dict[str, Any] = {
            "application_id": self._run.application_id,
            "places": as_json(
                {"channel_type": channel_type, "address": address}
                for channel_type, address in {(each.known.channel_type, each.known.address) for each in found}
            ),
        }
        query = Q.same_addresses
        if version is not None:
            query, parameters = Q.same_snapshot_addresses, parameters | _named(version)
        async with self._database.connection() as db:
            rows = await db.tuples(query, parameters)
        shared = {
            (channel_type, address): dict(zip(keys, written, strict=True))
            for channel_type, address, keys, written in rows
        }
        if shared:
            await self._choose(found, shared, version)

    async def _choose(
        self,
        found: Sequence[Candidate],
        shared: Mapping[tuple[str, str], Mapping[str, datetime]],
        version: Version | None,
    ) -> None:
        keys = sorted({key for keys in shared.values() for key in keys})
        members = await members_among(self._database, self._run.audience, keys, version)
        async with self._database.connection() as db:
            parameters = {"application_id": self._run.application_id, "run_id": self._run.id, "keys": as_json(keys)}
            known = {row["endpoint_key"]: row["status"] for row in await db.rows(Q.ledger_of, parameters)}
        for candidate in found:
            rivals = shared.get((candidate.known.channel_type, candidate.known.address), {})
            others = {key: at for key, at in rivals.items() if key in members and key != candidate.key}
            own = rivals.get(candidate.key)
            if own is None or not others:
                continue
            # Whoever was served before keeps its message, also when another was written since.
            is_served = any(known.get(key) in _SERVED for key in others)
            is_newest = all((own, candidate.key) > (at, key) for key, at in others.items())
            if is_served or not is_newest:
                candidate.hold_back("DUPLICATE_ADDRESS")

    def _deal(self, found: Sequence[Candidate]) -> None:
        """By cohorts: others' treatments, and those held out, of whom the standard treatment tells."""
        run = self._run
        for candidate in found:
            if candidate.recipient is None:
                continue
            cohort = int(candidate.known.data["CohortId"])
            if cohort in run.campaign.held_out and run.treatment.id == 0:
                if candidate.is_open:
                    candidate.hold_back("HOLDOUT")
            elif cohort not in run.treatment.cohorts:
                candidate.held_back = None
                candidate.leave_out(OTHER_TREATMENT)

    async def _ask_hook(self, found: Sequence[Candidate]) -> None:
        asked = [each for each in found if each.is_open and each.recipient is not None]
        if not asked or not self._run.campaign.hook:
            return
        endpoints = {each.known.client_id: each.known.data for each in asked}
        answers = await self._hook.ask(self._run.hook_envelope, endpoints)
        for candidate in asked:
            recipient = candidate.known
            answer = answers[recipient.client_id]
            if answer is None:
                candidate.leave_out("FILTERED_OUT_BY_HOOK")
            elif isinstance(answer, HookFailure):
                candidate.hold_back("HOOK_FAILURE", answer.reason)
            else:
                candidate.recipient = replace(
                    recipient,
                    channel_type=answer.endpoint.get("ChannelType", recipient.channel_type),
                    address=answer.endpoint.get("Address", recipient.address),
                    endpoint=answer.endpoint,
                    own=answer.own,
                )
                if candidate.known.channel_type not in self._run.channels:
                    candidate.leave_out("ENDPOINT_CHANNEL_MISMATCH")

    async def _ask_recommenders(self, found: Sequence[Candidate]) -> None:
        asked = [each for each in found if each.is_open and each.recipient is not None]
        answers = await self._recommending.ask(self._run.hook_envelope, [each.known for each in asked])
        for candidate in asked:
            match answers.get(candidate.known.client_id):
                case NotRecommended(reason):
                    candidate.hold_back("RECOMMENDATION_FAILURE", reason)
                case Recommended(members):
                    candidate.recipient = replace(candidate.known, endpoint={**candidate.known.data, **members})


def _named(version: Version) -> dict[str, object]:
    return {"segment_id": version.segment_id, "version": version.number}
