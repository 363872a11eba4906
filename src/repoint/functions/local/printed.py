"""What functions print, line by line into our log, up to limits: printing without end costs neither memory nor disk."""

import re
import time

import structlog

CALL_BYTES = 64 << 10
SECOND_BYTES = 128 << 10
# A longer line is cut in several.
LINE_BYTES = 8 << 10

log = structlog.get_logger()


class Allowance:
    """The bytes that all processes of a function may log in a second."""

    def __init__(self) -> None:
        self._second = 0
        self._left = SECOND_BYTES

    def take(self, wanted: int) -> int:
        """How many of the wanted bytes may be logged; they are then taken."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._left = second, SECOND_BYTES
        taken = min(wanted, self._left)
        self._left -= taken
        return taken


class Printed:
    """What one process prints."""

    def __init__(self, function: str, allowance: Allowance) -> None:
        self._function = function
        self._allowance = allowance
        self._request_id: str | None = None
        self._left = CALL_BYTES
        self._is_cut = False
        # The beginning of a line whose end has not come.
        self._rest = b""

    def begin(self, request_id: str) -> None:
        """What follows belongs to another call."""
        self._flush()
        self._request_id, self._left, self._is_cut = request_id, CALL_BYTES, False

    def take(self, chunk: bytes) -> None:
        """Log what was printed, as far as limits let us."""
        allowed = self._allowance.take(min(len(chunk), self._left))
        self._left -= allowed
        *lines, self._rest = re.split(rb"[\r\n]+", self._rest + chunk[:allowed])
        for line in lines:
            self._log(line)
        if len(self._rest) >= LINE_BYTES or allowed < len(chunk):
            self._flush()
        if allowed < len(chunk) and not self._is_cut:
            self._is_cut = True
            log.warning("A function prints more than is logged", function=self._function, request_id=self._request_id)

    def end(self) -> None:
        """Nothing follows."""
        self._flush()

    def _flush(self) -> None:
        self._log(self._rest)
        self._rest = b""

    def _log(self, line: bytes) -> None:
        for start in range(0, len(line), LINE_BYTES):
            text = line[start : start + LINE_BYTES].decode(errors="replace")
            # It goes to a terminal, perhaps.
            shown = "".join(sign if sign.isprintable() else " " for sign in text)
            log.info("A function printed a line", function=self._function, request_id=self._request_id, line=shown)
