"""The value that a run of figures and number words says: «یک میلیون و ۲۰۰ هزار»."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from retrieval.text.number_tokens import Form, Token
from retrieval.text.number_words import (
    AND,
    HALF,
    HALVES,
    SCALES,
    SHORT_THOUSAND,
    SMALL,
    THOUSAND,
    ZWNJ,
)

_HUNDRED = 100
_MILLION = 1_000_000


@dataclass(slots=True)
class Reading:
    """A value while it is read, piece by piece.

    `total` is what a scale has closed; `open` is what the next scale multiplies.
    """

    total: Decimal = Decimal(0)
    open: Decimal | None = None
    #: What may still be added to the open part is smaller than this.
    floor: int = 0
    last_scale: int = 0
    #: The places of all pieces that were taken.
    first: int = 0
    end: int = 0
    has_figures: bool = False
    others: tuple[Decimal, ...] = ()
    _tail_joined: bool = field(default=False, repr=False)

    @property
    def value(self) -> Decimal:
        """Return the value of what was read so far."""
        return self.total + (self.open or 0)

    def take(self, token: Token, *, joined: bool) -> bool:
        """Add a piece if it continues the number; `joined` is behind an "and"."""
        if token.form is Form.NUMERAL and token.numeral is not None:
            return self._take_figure(token, joined=joined)
        if token.form is not Form.WORD:
            return False
        if token.text in SHORT_THOUSAND and not token.gap and self.has_figures:
            return self._take_scale(THOUSAND, joined=joined)
        if token.text in SCALES:
            return self._take_scale(SCALES[token.text], joined=joined)
        if token.text in SMALL:
            return self._take_small(token, SMALL[token.text], joined=joined)
        return token.text in HALVES and self._take_half(joined=joined)

    def _take_figure(self, token: Token, *, joined: bool) -> bool:
        numeral = token.numeral
        if numeral is None:
            return False
        if not self.end:
            self.open, self.others = numeral.value, numeral.others
        elif joined and self.open is None and numeral.value < self.last_scale:
            self.open, self._tail_joined = numeral.value, True
        elif joined and self.open is not None and numeral.value < self.floor:
            self.open += numeral.value
        else:
            return False
        self.floor, self.has_figures = 0, True
        return True

    def _take_small(self, token: Token, value: int, *, joined: bool) -> bool:
        if not self.end:
            self.open = Decimal(value)
        elif self.open is None:
            # «دو هزار پانصد» is said without an "and" as well.
            self.open, self._tail_joined = Decimal(value), joined
        elif value == _HUNDRED and not joined and 1 <= self.open < 20:
            self.open, self.floor = self.open * _HUNDRED, _HUNDRED
            return True
        elif 0 < value < self.floor and (joined or token.text.isascii()):
            self.open += value
        else:
            return False
        self.floor = _rank(value)
        return True

    def _take_scale(self, scale: int, *, joined: bool) -> bool:
        if self.open is None and self.end and not joined:
            if scale <= self.last_scale:
                return False
            self.total, self.last_scale = self.total * scale, scale  # هزار میلیارد
            return True
        if self.last_scale and scale >= self.last_scale:
            return False
        self.others = tuple(other * scale for other in self.others)
        if self.others and not self.total:
            # `1.280 million` is a decimal: the group of three is no thousand.
            literal = (self.open or Decimal(0)) * scale
            self.open, self.others = self.others[0] / scale, (literal,)
        self.total += (1 if self.open is None else self.open) * scale
        self.open, self.floor, self.last_scale = None, 0, scale
        self._tail_joined = False
        return True

    def _take_half(self, *, joined: bool) -> bool:
        if not self.end:
            self.open = HALF
        elif joined and self.open is not None and self.open == int(self.open):
            self.open += HALF
        elif joined and self.open is None:
            self.total += HALF * self.last_scale
        else:
            return False
        self.floor = 0
        return True

    def close(self) -> None:
        """Read «یک میلیون و ۲۰۰» as people mean it: 200 of the next smaller scale."""
        tail = self.open
        is_tail = self._tail_joined and self.last_scale >= _MILLION
        if is_tail and tail is not None and tail < THOUSAND and tail == int(tail):
            self.others = (self.value,)
            self.open = tail * (self.last_scale // THOUSAND)


def read_value(tokens: Sequence[Token], place: int) -> Reading | None:
    """Read the number that begins at a place of the pieces; None where none does."""
    reading = Reading(first=place)
    if not reading.take(tokens[place], joined=False):
        return None
    reading.end = place + 1
    while reading.end < len(tokens):
        token = tokens[reading.end]
        if not is_near(token.gap):
            break
        joined = token.form is Form.WORD and token.text in AND
        following = reading.end + 1
        if joined and (following >= len(tokens) or not is_near(tokens[following].gap)):
            break
        if joined and reading.take(tokens[following], joined=True):
            reading.end += 2
        elif not joined and reading.take(token, joined=False):
            reading.end += 1
        elif token.text == "a" and reading.value == HALF:
            reading.end += 1  # half a million
        else:
            break
    reading.close()
    return reading


def is_near(gap: str) -> bool:
    """Tell whether two pieces stand beside each other on a line."""
    return gap in ("", " ", ZWNJ, "-") or (not gap.strip(" \u00a0\u202f" + ZWNJ))


def _rank(value: int) -> int:
    """Return what may follow a number word: below a hundred after دویست, say."""
    if value >= _HUNDRED:
        return _HUNDRED
    return 10 if value >= 20 else 0
