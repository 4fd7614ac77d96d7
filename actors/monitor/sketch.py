"""Latencies in buckets that grow by a tenth: small, mergeable, percentiles within 5 %.

The idea is DDSketch's (Masson, Rim, Lee 2019): with buckets that grow by a constant
factor the relative error of every quantile is bounded, whatever the distribution.
"""

import math
from collections.abc import Mapping

GAMMA = 1.1
_LOG_GAMMA = math.log(GAMMA)
#: 0.01 ms and a little more than ten minutes.
MIN_BUCKET, MAX_BUCKET = -48, 141


def bucket_of(latency_ms: float) -> int:
    """Return the bucket: b holds what is above 1.1^(b-1) and not above 1.1^b ms."""
    if latency_ms <= 0:
        return MIN_BUCKET
    found = math.ceil(math.log(latency_ms) / _LOG_GAMMA)
    return min(max(found, MIN_BUCKET), MAX_BUCKET)


def middle_of(bucket: int) -> float:
    """Return the milliseconds that stand for a bucket."""
    return float(GAMMA ** (bucket - 0.5))


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the latency below which the share, 0 to 1, lies; None of nothing.

    By nearest rank: of 20 values the 95th percentile is the 19th.
    """
    total = sum(counts.values())
    if not total:
        return None
    rank = max(math.ceil(share * total), 1)
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            return middle_of(bucket)
    return None
