"""How long work takes here, learned from what it took."""

_MEMORY = 0.3  # of each new measurement; other programs come and go


class Pace:
    """Foretells how long a piece of work would take behind what is already waiting.

    Sizes are characters: tokens would be exact, but counting them is part of the work.
    """

    def __init__(self) -> None:
        self._seconds_per_char = 0.0
        self._waiting_chars = 0

    def foretell(self, chars: int) -> float:
        """Return seconds until a piece of this size would be done, if taken now.

        0 before anything was measured: the first one is always taken.
        """
        return (self._waiting_chars + chars) * self._seconds_per_char

    def take(self, chars: int) -> None:
        """Count a piece as waiting."""
        self._waiting_chars += chars

    def leave(self, chars: int) -> None:
        """Count a piece as done, or given up."""
        self._waiting_chars -= chars

    def learn(self, chars: int, seconds: float) -> None:
        """Learn from a piece that was done."""
        if chars <= 0:
            return
        measured = seconds / chars
        known = self._seconds_per_char or measured
        self._seconds_per_char = (1 - _MEMORY) * known + _MEMORY * measured
