"""What `pilito up` starts, in which order, and how all of it stops again."""

from deployments.runtime.errors import LaunchError
from deployments.runtime.launch import up

__all__ = ["LaunchError", "up"]
