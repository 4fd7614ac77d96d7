"""Checking a person's password, with the counts that stop guessing."""

from dataclasses import dataclass, field

from deployments import accounts
from deployments.web.dependencies import WebDependencies
from persistence.users import User, fetch_user_by_username

#: Attempts for one name from everywhere, as a multiple of those from one address: an
#: address that guesses shuts out itself, and only many of them together a name.
NAME_FACTOR = 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody from `address` says that this is the password of this user."""

    username: str
    password: str = field(repr=False)
    address: str


async def find_user(context: WebDependencies, attempt: Attempt) -> User | None:
    """Return the active user if the password is right.

    Attempts are counted for a name at an address, and for the name with a high bound;
    right ones as well, since each costs a core for a while. Failures are counted for
    the address.

    Raises:
        TooManyRequestsError: too many within the last minute.
    """
    limiter, limit = context.rate_limiter, context.settings.login_attempts_per_minute
    by_address = ("sign-in-address", attempt.address)
    # One after another from each address: a hundred guesses at once must not all pass
    # the counts before the first failure is counted, nor take both places for checks.
    async with context.sign_in_turns.take(attempt.address):
        await limiter.check(limit, *by_address)
        await limiter.count(limit, "sign-in", attempt.address, attempt.username)
        await limiter.count(limit * NAME_FACTOR, "sign-in-name", attempt.username)
        user = await fetch_user_by_username(context.pool, attempt.username)
        # An unknown name takes as long as a known one.
        password_hash = accounts.NOBODYS_HASH if user is None else user.password_hash
        # Nothing but the check itself happens in its place.
        async with context.password_checks:
            is_right = await accounts.verify_password(password_hash, attempt.password)
        if user is not None and user.is_active and is_right:
            return user
        await limiter.count(limit, *by_address)
    return None


async def hash_in_place(context: WebDependencies, password: str) -> str:
    """Hash a new password, at one of the places for checks."""
    async with context.password_checks:
        return await accounts.hash_password(password)
