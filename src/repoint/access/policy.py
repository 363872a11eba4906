"""Whether a principal may run an operation.

Issue 2 of the plan brings policies; until then every key that is known and not revoked may do everything, and this is
the one place that is asked.
"""

from repoint.operation import Call, Input


def authorise(call: Call, arguments: Input) -> None:
    """Raise AccessDeniedException when the principal may not run this operation on what `arguments` name."""
