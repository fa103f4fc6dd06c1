"""What Prometheus reads at `/metrics`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_FACTORS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The numbers of one server."""

    def __init__(self) -> None:
        kept = self._registry = CollectorRegistry()
        ProcessCollector(registry=kept)
        self._requests = Counter(
            "asr_requests",
            "Requests and live sessions that ended.",
            ["protocol", "status"],
            registry=kept,
        )
        self._latency = Histogram(
            "asr_request_seconds",
            "From a request's head to the end of its answer; of a live session, its length.",
            ["protocol"],
            buckets=_SECONDS,
            registry=kept,
        )
        self._audio = Counter(
            "asr_audio_seconds", "Audio transcribed.", ["protocol"], registry=kept
        )
        self._factor = Histogram(
            "asr_real_time_factor",
            "Of a recording: seconds from upload to text, for a second of audio.",
            buckets=_FACTORS,
            registry=kept,
        )
        self._under_way = Gauge("asr_under_way", "Requests and live sessions now.", registry=kept)
        self._waiting = Gauge(
            "asr_queue",
            "Parts of recordings, and live packets, that wait.",
            ["kind"],
            registry=kept,
        )

    def watch(
        self, under_way: Callable[[], int], files: Callable[[], int], live: Callable[[], int]
    ) -> None:
        """Have these asked for their numbers whenever Prometheus reads."""
        self._under_way.set_function(under_way)
        self._waiting.labels("files").set_function(files)
        self._waiting.labels("live").set_function(live)

    @contextmanager
    def request(self, protocol: str) -> Iterator[Callable[[int | str], None]]:
        """Time a request; gives a function that takes its status."""
        started_s, found = time.monotonic(), ["lost"]

        def keep(status: int | str) -> None:
            found.append(str(status))

        try:
            yield keep
        finally:
            self._requests.labels(protocol, found[-1]).inc()
            self._latency.labels(protocol).observe(time.monotonic() - started_s)

    def audio(self, protocol: str, duration_s: float) -> None:
        """Count transcribed audio."""
        self._audio.labels(protocol).inc(duration_s)

    def real_time_factor(self, factor: float) -> None:
        """Count a recording by how fast it was."""
        self._factor.observe(factor)

    def text(self) -> bytes:
        """Give all numbers in Prometheus' format."""
        return generate_latest(self._registry)
