"""The parts that `pilito up` starts, their order, and how they stop."""

from deployments.runtime.errors import LaunchError
from deployments.runtime.launch import up

__all__ = ["LaunchError", "up"]
