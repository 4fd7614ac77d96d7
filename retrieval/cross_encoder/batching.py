"""How pairs of many lengths become batches with little padding."""

from collections.abc import Sequence

#: A batch is at most this part of what each worker has still to do: towards the end
#: batches become smaller, so that nobody waits long for the last one.
_PART = 2 / 3


def batch_by_length(
    lengths: Sequence[int], max_tokens: int, workers: int = 1
) -> list[list[int]]:
    """Return batches of places, longest pairs first, each padded to its own longest.

    A batch holds at most `max_tokens`, padding included, but always one pair. Padding
    is computed like words, so pairs of like length go together. `workers` take batches
    from the front whenever they are free.
    By hand: batch_by_length([2, 8, 7], 16) == [[1, 2], [0]], with one token of padding.
    """
    by_length = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    left = sum(lengths)
    batches: list[list[int]] = []
    longest = most = 0
    for place in by_length:
        if batches and longest * (len(batches[-1]) + 1) <= most:
            batches[-1].append(place)
        else:
            batches.append([place])
            longest = lengths[place]
            most = max_tokens
            if workers > 1:
                most = min(max_tokens, int(left / workers * _PART))
        left -= lengths[place]
    return batches
