"""Submits of one connection leave no faster than its rate says."""

# Turns of so long a time may be made up for: timers are not exact.
_LATE_S = 0.02


class Rate:
    """So many turns a second; instants are the event loop's."""

    def __init__(self, per_s: float) -> None:
        self._each_s = 1 / per_s
        self._next_at_s = 0.0

    def wait_s(self, now_s: float, before: int = 0) -> float:
        """How long from now the next turn is, or the one after so many others; 0 when it has come."""
        return max(0.0, self._next_at_s - now_s) + before * self._each_s

    def take(self, now_s: float) -> None:
        """Use the turn that has come."""
        self._next_at_s = max(self._next_at_s, now_s - _LATE_S) + self._each_s
