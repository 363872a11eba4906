"""What an SMSC's command_status means (SMPP 3.4 section 5.1.3)."""

from collections.abc import Iterable, Mapping

from repoint.delivery.outcome import Outcome, Status

_CODES = {
    Status.THROTTLED: 429,
    Status.TEMPORARY_FAILURE: 500,
    Status.PERMANENT_FAILURE: 400,
    Status.OPT_OUT: 400,
    Status.UNKNOWN_FAILURE: 500,
}


def _each(codes: Iterable[int], status: Status) -> dict[int, Status]:
    return dict.fromkeys(codes, status)


# What is in none of them is UNKNOWN_FAILURE: refused, and nobody knows why.
STATUSES: Mapping[int, Status] = {
    # ESME_RTHROTTLED, ESME_RMSGQFUL
    **_each((0x58, 0x14), Status.THROTTLED),
    # About us and not about the message, so another provider may take it: bind states, passwords, RSYSERR, RSUBMITFAIL.
    **_each((0x04, 0x05, 0x08, 0x0D, 0x0E, 0x0F, 0x45, 0x53, 0x54), Status.TEMPORARY_FAILURE),
    # Lengths, commands, priority, registered_delivery; addresses, their types and plans; ids, service type, esm_class,
    # schedule, validity, predefined messages; TLVs; RDELIVERYFAILURE.
    **_each((0x01, 0x02, 0x03, 0x06, 0x07, 0x0A, 0x0B, 0x0C, 0x15), Status.PERMANENT_FAILURE),
    **_each((0x33, 0x34, 0x40, 0x42, 0x43, 0x44, 0x48, 0x49, 0x50, 0x51), Status.PERMANENT_FAILURE),
    **_each((0x61, 0x62, 0x63, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xFE), Status.PERMANENT_FAILURE),
}


def status_of(command_status: int, own: Mapping[int, Status]) -> Status:
    """What a code means; `own` is what the operator says of single ones."""
    if command_status == 0:
        return Status.SUCCESSFUL
    return own.get(command_status) or STATUSES.get(command_status, Status.UNKNOWN_FAILURE)


def refusal(command_status: int, own: Mapping[int, Status], throttled_s: float) -> Outcome:
    """The outcome of a message that was refused."""
    status = status_of(command_status, own)
    detail = f"the SMSC refused it with {command_status:#010x}"
    wait_s = throttled_s if status == Status.THROTTLED else None
    return Outcome(status, _CODES[status], detail, retry_after_s=wait_s)
