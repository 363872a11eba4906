"""What functions print, line by line into our log, up to limits: printing without end costs neither memory nor disk."""

import re
import time

import structlog

CALL_BYTES = 64 << 10
SECOND_BYTES = 128 << 10
# What a line counts beside its text, since each costs time, an empty one too.
LINE_COST_BYTES = 100
# A longer line is cut in several.
LINE_BYTES = 8 << 10

log = structlog.get_logger()


class Allowance:
    """The bytes that all processes of a function may log in a second."""

    def __init__(self) -> None:
        self._second = 0
        self._left = SECOND_BYTES

    def covers(self, size_bytes: int) -> bool:
        """Whether so much may be logged; it is then taken off."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._left = second, SECOND_BYTES
        if size_bytes > self._left:
            return False
        self._left -= size_bytes
        return True


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
        self.end()
        self._request_id, self._left, self._is_cut = request_id, CALL_BYTES, False

    def take(self, chunk: bytes) -> None:
        """Log what was printed, until a limit is reached."""
        if self._is_cut:
            return
        *lines, self._rest = re.split(rb"[\r\n]+", self._rest + chunk)
        if len(self._rest) >= LINE_BYTES:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._log(line)

    def end(self) -> None:
        """Nothing follows on the line that was begun."""
        self._log(self._rest)
        self._rest = b""

    def _log(self, line: bytes) -> None:
        for start in range(0, len(line), LINE_BYTES):
            text = line[start : start + LINE_BYTES]
            if self._is_cut or not self._covers(len(text) + LINE_COST_BYTES):
                return
            # It goes to a terminal, perhaps.
            shown = "".join(sign if sign.isprintable() else " " for sign in text.decode(errors="replace"))
            log.info("A function printed a line", function=self._function, request_id=self._request_id, line=shown)

    def _covers(self, size_bytes: int) -> bool:
        self._left -= size_bytes
        if self._left >= 0 and self._allowance.covers(size_bytes):
            return True
        self._is_cut, self._rest = True, b""
        log.warning("A function prints more than is logged", function=self._function, request_id=self._request_id)
        return False
