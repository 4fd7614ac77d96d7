"""Lists of secrets in one setting, and what a secret key must be."""

#: 32 characters of base64 are 192 bits: nobody finds them from a signed token.
MIN_KEY_CHARS = 32
#: A text of so few different characters was typed, not drawn.
MIN_DIFFERENT_CHARS = 8


def split_list(text: str) -> tuple[str, ...]:
    """Split a comma list; spaces around its entries and empty entries are left out."""
    return tuple(part for part in map(str.strip, text.split(",")) if part)


def read_keys(text: str) -> tuple[str, ...]:
    """Return the keys of `PILITO_SECRET_KEY`, the one that writes first.

    The undivided text is the last: before the setting was a list, a key might hold a
    comma, and what was encrypted with it must stay readable.
    """
    return tuple(dict.fromkeys((*split_list(text), text)))


def check_keys(text: str) -> None:
    """Check that each key of a list is long enough.

    Raises:
        ValueError: one line that says what to do, and shows no part of a key.
    """
    keys = split_list(text)
    if not keys or any(
        len(key) < MIN_KEY_CHARS or len(set(key)) < MIN_DIFFERENT_CHARS for key in keys
    ):
        message = (
            f"each key must have at least {MIN_KEY_CHARS} random characters (commas"
            " separate keys, the first one writes); `openssl rand -hex 32` prints one,"
            " and `pilito rotate-keys --old-key-file` takes over what a shorter key"
            " encrypted"
        )
        raise ValueError(message)
