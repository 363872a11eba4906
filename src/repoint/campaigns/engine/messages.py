"""The messages of a run: by the composer that direct messages have, or for a custom channel as they are."""

from collections.abc import Sequence

from repoint.campaigns.engine.candidate import Candidate
from repoint.campaigns.engine.run import Run
from repoint.delivery.compose import Composer
from repoint.delivery.definition import endpoint_definition
from repoint.delivery.judge import Judged, judge
from repoint.delivery.message import Custom, Message
from repoint.delivery.recipient import Recipient
from repoint.queue.tasks import TaskContext


class Messages:
    """Makes the messages of one batch."""

    def __init__(self, context: TaskContext, run: Run) -> None:
        self._database = context.database
        self._run = run
        is_lenient = context.settings.missing_variables_empty
        self._composer = Composer(run.source, context.now(), missing_is_empty=is_lenient)

    async def make(self, wanted: Sequence[Candidate]) -> list[Judged]:
        """The message of each, or why it has none."""
        recipients = [candidate.recipient for candidate in wanted if candidate.recipient is not None]
        if not recipients:
            return []
        if self._run.custom is not None:
            return [self._custom(recipient) for recipient in recipients]
        async with self._database.connection() as db:
            return await judge(db, self._composer, recipients)

    def _custom(self, recipient: Recipient) -> Message:
        custom = self._run.custom
        assert custom is not None  # noqa: S101 - asked for custom channels only
        definition = endpoint_definition(recipient.data)
        content = Custom(recipient.client_id, definition, custom.envelope, custom.target, self._run.arn)
        return Message(recipient.message_id, self._run.application_id, "CUSTOM", recipient.address, content)
