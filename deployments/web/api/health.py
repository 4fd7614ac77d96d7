"""`/healthz` and `/readyz`: whether the process lives, and whether it can work."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from deployments.health.probes import PartStatus, check_parts, is_ready
from deployments.web.api.context import Context
from deployments.web.api.schemas import Answer

router = APIRouter(tags=["health"])


class LifeOut(Answer):
    """The process lives."""

    status: PartStatus


class PartOut(Answer):
    """How well a part works."""

    status: PartStatus
    reason: str


@router.get("/healthz")
async def show_life() -> LifeOut:
    """Answer while the process lives."""
    return LifeOut(status=PartStatus.OK)


@router.get(
    "/readyz",
    response_model=dict[str, PartOut],
    responses={503: {"model": dict[str, PartOut]}},
)
async def show_parts(context: Context) -> JSONResponse:
    """Tell how each part is; 503 when messages can't be taken."""
    parts = await check_parts(context.services.probes)
    content = {
        name: {"status": health.status, "reason": health.reason}
        for name, health in parts.items()
    }
    return JSONResponse(content, 200 if is_ready(parts) else 503)
