"""Subjects outside of any business, which no tenant answers for."""

from retrieval.data.loading import load_rows

OFF_TOPIC = tuple(subject for (subject,) in load_rows("out_of_domain.tsv", columns=1))
"""A question nearer to one of these than to all others, and no nearer to the tenant's
knowledge, is not for the tenant. Persian lines serve English questions too, since the
embedder has one space for both.
"""
