"""How pairs of many lengths become batches with little padding."""

from collections.abc import Sequence


def batch_by_length(lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Return batches of places, longest pairs first, each padded to its own longest.

    A batch holds at most `max_tokens`, padding included, but always one pair. Padding
    is computed like words, so pairs of like length go together.
    By hand: batch_by_length([2, 8, 7], 16) == [[1, 2], [0]], with one token of padding.
    """
    by_length = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    batches: list[list[int]] = []
    longest = 0
    for place in by_length:
        if batches and longest * (len(batches[-1]) + 1) <= max_tokens:
            batches[-1].append(place)
        else:
            batches.append([place])
            longest = lengths[place]
    return batches
