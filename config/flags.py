"""Declares all flags and decides which tenants a rollout reaches."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias
from uuid import UUID

from config.errors import InvalidFlagValueError, UnknownFlagError

FlagValue: TypeAlias = bool | int | str

#: A rollout moves in steps of one per cent.
BUCKETS = 100


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
        if isinstance(value, bool | int | str) and self._accepts(value):
            return value
        message = f"value: {self.name} must be {self._wanted}"
        raise InvalidFlagValueError(message)

    def _accepts(self, value: FlagValue) -> bool:
        match self.type:
            case FlagType.SWITCH:
                return isinstance(value, bool)
            case FlagType.NUMBER:
                is_number = isinstance(value, int) and not isinstance(value, bool)
                return is_number and self._is_in_range(int(value))
            case FlagType.CHOICE:
                return value in self.choices

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
        about="Every retrieval is written to the log with all its candidates.",
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
