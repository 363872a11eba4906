"""Background work: tasks that run on a worker, enqueued in the caller's transaction."""

from repoint.queue.lease import Claim, LostClaimError
from repoint.queue.tasks import TaskContext, enqueue, every, task

__all__ = ["Claim", "LostClaimError", "TaskContext", "enqueue", "every", "task"]
