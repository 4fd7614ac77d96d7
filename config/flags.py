"""The flags: their declarations, their values in force, and the rollout by tenant.

A flag without a row, or whose ttl has run out, is *not set*. That differs from a flag
that is set to its default: a percentage decides only while its switch is not set.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias, TypedDict
from uuid import UUID

FlagValue: TypeAlias = bool | int | str

#: A rollout moves in steps of one per cent.
BUCKETS = 100


class FlagError(Exception):
    """The flag could not be read or changed. Try again, or see the log."""

    permanent = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class UnknownFlagError(FlagError):
    """No flag has this name. `GET /api/flags/` lists all flags."""


class InvalidFlagValueError(FlagError):
    """The flag can't have this value. The message begins with the name of the field."""


class FlagsUnreadError(FlagError):
    """The flags have not been loaded yet. Try again in a few seconds."""

    permanent = False


class FlagName(StrEnum):
    """The names of all flags."""

    PRODUCTION_RAG = "production_rag"
    PRODUCTION_RAG_ROLLOUT_PERCENTAGE = "production_rag_rollout_percentage"
    CROSS_ENCODER_RERANKING = "cross_encoder_reranking"
    RERANK_MODEL = "rerank_model"
    DENSE_TOP_K = "dense_top_k"
    SPARSE_TOP_K = "sparse_top_k"
    RERANK_TOP_K = "rerank_top_k"
    PRODUCTION_RAG_DEBUG = "production_rag_debug"
    FUSION = "fusion"


class FlagType(StrEnum):
    """The type of a flag's values."""

    SWITCH = "switch"
    NUMBER = "number"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Flag:
    """A declaration. Numbers have a range, bounds included; choices have a list."""

    name: FlagName
    default: FlagValue
    about: str
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()

    @property
    def type(self) -> FlagType:
        """Return the type of the values, which is that of the default."""
        # bool first: in Python it is an int as well.
        if isinstance(self.default, bool):
            return FlagType.SWITCH
        return FlagType.NUMBER if isinstance(self.default, int) else FlagType.CHOICE

    def check(self, value: object) -> FlagValue:
        """Return the value. Raises InvalidFlagValueError if the flag can't have it."""
        match self.type, value:
            case FlagType.SWITCH, bool() as switch:
                return switch
            case FlagType.NUMBER, bool():
                pass
            case FlagType.NUMBER, int() as number if self._is_in_range(number):
                return number
            case FlagType.CHOICE, str() as choice if choice in self.choices:
                return choice
        message = f"value: {self.name} must be {self._wanted}"
        raise InvalidFlagValueError(message)

    def _is_in_range(self, value: int) -> bool:
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )

    @property
    def _wanted(self) -> str:
        match self.type:
            case FlagType.SWITCH:
                return "true or false"
            case FlagType.NUMBER:
                return f"a whole number from {self.minimum} to {self.maximum}"
            case FlagType.CHOICE:
                return " or ".join(f'"{choice}"' for choice in self.choices)


_DECLARED = (
    Flag(
        FlagName.PRODUCTION_RAG,
        default=False,
        about="ProductionRAG finds the passages for answers; an explicit"
        " false stops it for every tenant, whatever the percentage.",
    ),
    Flag(
        FlagName.PRODUCTION_RAG_ROLLOUT_PERCENTAGE,
        default=0,
        minimum=0,
        maximum=BUCKETS,
        about="Share of tenants that get ProductionRAG while"
        " production_rag is not set.",
    ),
    Flag(
        FlagName.CROSS_ENCODER_RERANKING,
        default=True,
        about="A cross-encoder reranks the candidates if one is loaded.",
    ),
    Flag(
        FlagName.RERANK_MODEL,
        default="base",
        choices=("base", "large"),
        about="Cross-encoder that reranks: the base or the large model of"
        " the settings.",
    ),
    Flag(
        FlagName.DENSE_TOP_K,
        default=20,
        minimum=1,
        maximum=200,
        about="Number of candidates from the embedding search.",
    ),
    Flag(
        FlagName.SPARSE_TOP_K,
        default=15,
        minimum=1,
        maximum=200,
        about="Number of candidates from the BM25 search.",
    ),
    Flag(
        FlagName.RERANK_TOP_K,
        default=8,
        minimum=1,
        maximum=50,
        about="Number of best candidates that the answer's context may use.",
    ),
    Flag(
        FlagName.PRODUCTION_RAG_DEBUG,
        default=False,
        about="Every retrieval is logged with its candidates, without the question.",
    ),
    Flag(
        FlagName.FUSION,
        default="weighted",
        choices=("weighted", "rrf"),
        about="Order of the candidates of both searches: by the weighted"
        " sum of their scores, or by their ranks alone (RRF, k=60).",
    ),
)
FLAGS: Mapping[str, Flag] = MappingProxyType(
    {str(flag.name): flag for flag in _DECLARED}
)
#: The percentage that decides by tenant while a switch is not set.
PERCENTAGES: Mapping[str, str] = MappingProxyType(
    {FlagName.PRODUCTION_RAG: FlagName.PRODUCTION_RAG_ROLLOUT_PERCENTAGE}
)


def find_flag(name: str) -> Flag:
    """Return a declaration. Raises UnknownFlagError."""
    flag = FLAGS.get(name)
    if flag is None:
        message = f"name: there is no flag {name[:80]!r}"
        raise UnknownFlagError(message)
    return flag


def bucket(flag: str, tenant: UUID) -> int:
    """Return the bucket, 0 to 99, of a tenant in a flag's rollout.

    It is the same in every process and for ever: the first eight bytes, big-endian, of
    the SHA-256 of `flag:tenant`, modulo 100. Each flag orders the tenants differently,
    so that the same tenants are not always first. Test vectors are in docs/flags.md.
    """
    digest = hashlib.sha256(f"{flag}:{tenant}".encode()).digest()
    return int.from_bytes(digest[:8]) % BUCKETS


def is_rolled_out(flag: str, tenant: UUID, percentage: int) -> bool:
    """Say whether the rollout has reached the tenant; a larger one still has."""
    return bucket(flag, tenant) < percentage


@dataclass(frozen=True, slots=True)
class SetFlag:
    """A value that was set; it never expires if `expires_at` is None."""

    value: FlagValue
    expires_at: datetime | None = None

    def is_expired(self, at: datetime) -> bool:
        """Say whether the value has expired; at `expires_at` it has."""
        return self.expires_at is not None and self.expires_at <= at


class FlagState(TypedDict):
    """A flag and its present value."""

    enabled: bool
    value: FlagValue
    default: FlagValue
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class FlagValues:
    """The values that are set; every other flag has its default."""

    set_flags: Mapping[str, SetFlag] = field(default_factory=dict)

    def explicit(self, name: str, at: datetime) -> SetFlag | None:
        """Return the value that is set and not expired. Raises UnknownFlagError."""
        found = self.set_flags.get(find_flag(name).name)
        return None if found is None or found.is_expired(at) else found

    def value(self, name: str, at: datetime) -> FlagValue:
        """Return the value in force. Raises UnknownFlagError."""
        found = self.explicit(name, at)
        return find_flag(name).default if found is None else found.value

    def is_enabled(self, name: str, at: datetime, tenant: UUID | None = None) -> bool:
        """Say whether a flag is on: for the tenant, or for everybody when None.

        A switch that is set decides alone: false is the kill switch, true is for all.
        While it is not set its percentage decides. A number is on above 0, a choice
        always. Raises UnknownFlagError.
        """
        found = self.explicit(name, at)
        if found is not None or name not in PERCENTAGES:
            return bool(self.value(name, at))
        percentage = int(self.value(PERCENTAGES[name], at))
        if tenant is None:
            return percentage >= BUCKETS
        return is_rolled_out(name, tenant, percentage)

    def describe(self, at: datetime) -> dict[str, FlagState]:
        """List every flag, set or not."""
        return {name: self.describe_one(name, at) for name in FLAGS}

    def describe_one(self, name: str, at: datetime) -> FlagState:
        """Describe one flag. Raises UnknownFlagError."""
        found = self.explicit(name, at)
        return FlagState(
            enabled=self.is_enabled(name, at),
            value=self.value(name, at),
            default=find_flag(name).default,
            expires_at=None if found is None else found.expires_at,
        )
