"""Counters and histograms of one studio, in the Prometheus text format."""

from __future__ import annotations

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """What /metrics shows. Each studio has a registry of its own, so that two in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "atelier_request",
            "Runs by task, adapter and outcome.",
            ["task", "adapter", "state"],
            registry=self.registry,
        )
        self.duration_s = Histogram(
            "atelier_request_duration_seconds",
            "Seconds from start to end of a run, waiting in the queue left out.",
            ["task", "adapter"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "atelier_request_in_progress", "Runs that compute now.", ["task"], registry=self.registry
        )
        self.load_s = Histogram(
            "atelier_model_load_seconds",
            "Seconds to load a model.",
            ["model"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        resident = Gauge("atelier_resident_memory_bytes", "Resident memory of the process.", registry=self.registry)
        resident.set_function(lambda: psutil.Process().memory_info().rss)

    def text(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
