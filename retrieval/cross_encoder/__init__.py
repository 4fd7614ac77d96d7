"""Cross-encoders: compiled once, then run in 8 bits, or as they are."""

from retrieval.cross_encoder.batching import batch_by_length
from retrieval.cross_encoder.latency_estimator import Pace
from retrieval.cross_encoder.runtimes import CrossEncoderRuntime

__all__ = ["CrossEncoderRuntime", "Pace", "batch_by_length"]
