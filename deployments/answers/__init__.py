"""The answering side: it searches a tenant's knowledge and writes answers from it.

A question's way, each name once:

- `Responder` (a protocol of `actors.conversation.ports`) is what a shard calls.
  `clients.RemoteResponder` implements it by a call to the Responder deployment, where
  `replicas.ResponderReplica` is a `responder.AnswerWriter` with its own connections.
- `Retriever` (`ports`) is what the writer and the API call. `clients.RemoteRetriever`
  calls the Retriever deployment, where `replicas.RetrieverReplica` opens what its
  `retriever.KnowledgeRetriever` needs. That one searches the tenants' indexes
  (`indexes`) by `retrieval.production_rag` or `retrieval.context_retriever`.
- `Reranker` (`retrieval.ranking.reranking`) is what that search calls;
  `reranking.client.RemoteReranker` calls the Reranker deployment.
"""
