"""What the API counts for Prometheus: calls by operation and status, and how long they took."""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counters of one process. Their labels are names of operations and statuses, so they are bounded."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "repoint_api_requests", "Calls answered.", ("operation", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "repoint_api_request_seconds",
            "From the head of a request to the end of its answer.",
            ("operation",),
            registry=self.registry,
            buckets=_BUCKETS_S,
        )
        self._known: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def count(self, operation: str, status: int, seconds: float) -> None:
        """Count one answered call."""
        known = self._known.get((operation, status))
        if known is None:
            known = (self._requests.labels(operation, str(status)), self._seconds.labels(operation))
            self._known[operation, status] = known
        requests, histogram = known
        requests.inc()
        histogram.observe(seconds)

    def page(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self.registry)
