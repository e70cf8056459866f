"""Prometheus: sessions, turns, and how long each stage of an answer takes."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)


class Metrics:
    """One set for each app, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sessions = Gauge("louro_sessions", "Sessions that are open.", registry=self.registry)
        self.refused = Counter(
            "louro_sessions_refused", "Sessions that were refused.", ["reason"], registry=self.registry
        )
        self.turns = Counter("louro_turns", "Answers that were finished.", registry=self.registry)
        self.stages = Histogram(
            "louro_stage_seconds",
            "How long a stage took: transcript from the end of the audio; first_token, first_audio and done from the "
            "moment the model was asked.",
            ["stage"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )

    def observe(self, stage: str, seconds: float) -> None:
        self.stages.labels(stage).observe(seconds)
        if stage == "done":
            self.turns.inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)
