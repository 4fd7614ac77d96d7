"""Cross-encoders: compiled once, then run in 8 bits, or as they are."""

from retrieval.cross_encoder.runtime import (
    CrossEncoderRuntime,
    LatencyEstimator,
    batch_by_length,
)

__all__ = ["CrossEncoderRuntime", "LatencyEstimator", "batch_by_length"]
