"""What the API counts for Prometheus: calls by operation and status, and how long they took.

Counting costs every call, being scraped costs one call in thousands: so calls are counted in plain lists, and the
library's metrics are made of them when somebody asks.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from repoint.events.readers import ReaderState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Upper bounds; one bucket more takes what is slower than the last.
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# What topics tell of: events of Amazon SES, texts and calls of End User Messaging.
KINDS = frozenset(
    {
        *("Send", "Delivery", "Bounce", "DeliveryDelay", "Complaint", "Open", "Click", "Reject", "Rendering Failure"),
        *("TEXT_QUEUED", "TEXT_PENDING", "TEXT_SENT", "TEXT_SUCCESSFUL", "TEXT_DELIVERED", "TEXT_INVALID"),
        *("TEXT_INVALID_MESSAGE", "TEXT_UNREACHABLE", "TEXT_CARRIER_UNREACHABLE", "TEXT_BLOCKED", "TEXT_UNKNOWN"),
        *("TEXT_CARRIER_BLOCKED", "TEXT_PROTECT_BLOCKED", "TEXT_SPAM", "TEXT_TTL_EXPIRED"),
        *("VOICE_INITIATED", "VOICE_RINGING", "VOICE_ANSWERED", "VOICE_COMPLETED", "VOICE_BUSY"),
        *("VOICE_NO_ANSWER", "VOICE_FAILED", "VOICE_TTL_EXPIRED"),
    }
)
_BOUNDS = (*(str(float(bound_s)) for bound_s in BUCKETS_S), "+Inf")


class Metrics(Collector):
    """The counts of one process. Their labels are names of operations and statuses, so they are bounded."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, int], int] = {}
        # By operation: the calls that fell into each bucket, and the seconds of all.
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self._heard: dict[str, int] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def count(self, operation: str, status: int, seconds: float) -> None:
        """Count one answered call."""
        self._calls[operation, status] = self._calls.get((operation, status), 0) + 1
        buckets = self._buckets.get(operation)
        if buckets is None:
            buckets = self._buckets[operation] = [0] * len(_BOUNDS)
        buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds[operation] = self._seconds.get(operation, 0.0) + seconds

    def hear(self, kind: str | None) -> None:
        """Count one message of a topic, those of kinds that we do not know together."""
        label = kind if kind in KINDS and kind is not None else "other"
        self._heard[label] = self._heard.get(label, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """The counts as Prometheus's library wants them."""
        calls = CounterMetricFamily("repoint_api_requests", "Calls answered.", labels=("operation", "status"))
        for (operation, status), number in self._calls.items():
            calls.add_metric((operation, str(status)), number)
        yield calls
        heard = CounterMetricFamily("repoint_topic_messages", "What SNS topics told of messages.", labels=("kind",))
        for kind, number in self._heard.items():
            heard.add_metric((kind,), number)
        yield heard
        text = "From the head of a request to the end of its answer."
        durations = HistogramMetricFamily("repoint_api_request_seconds", text, labels=("operation",))
        for operation, buckets in self._buckets.items():
            up_to = zip(_BOUNDS, accumulate(buckets), strict=True)
            durations.add_metric((operation,), list(up_to), self._seconds[operation])
        yield durations

    def page(self, readers: Iterable[ReaderState]) -> bytes:
        """Everything in Prometheus's text format, with how the readers of the event log stand."""
        registry = CollectorRegistry()
        registry.register(_Readers(readers))
        return generate_latest(self._registry) + generate_latest(registry)


class _Readers(Collector):
    """How the readers of the event log stand."""

    def __init__(self, readers: Iterable[ReaderState]) -> None:
        self._readers = list(readers)

    def collect(self) -> Iterator[Metric]:
        """One sample a reader."""
        for name, text, value in _OF_READERS:
            kind = GaugeMetricFamily if name.endswith(("seconds", "failures")) else CounterMetricFamily
            family = kind(name, text, labels=("application", "reader"))
            for reader in self._readers:
                family.add_metric((reader.application_id, reader.name), value(reader))
            yield family


_OF_READERS: tuple[tuple[str, str, Callable[[ReaderState], float]], ...] = (
    ("repoint_event_reader_lag_seconds", "Age of the oldest event not yet read.", lambda reader: reader.lag_s),
    ("repoint_event_reader_failures", "Failures in a row of the batch at hand.", lambda reader: reader.failures),
    ("repoint_event_reader_delivered", "Events handed over.", lambda reader: reader.delivered),
    ("repoint_event_reader_set_aside", "Events that can never be taken.", lambda reader: reader.set_aside),
    ("repoint_event_reader_dropped", "Events lost, the log being kept too short.", lambda reader: reader.dropped),
)
