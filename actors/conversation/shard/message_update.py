"""How all that happens to one message within a batch becomes one change of its row.

A statement can touch a row once: changes of the same message are merged, and changes of
a message that the batch itself stores are part of what it stores.
"""

from dataclasses import replace

from actors.conversation.codec import (
    UNSENT_METADATA,
    add_failure_reason,
    mark_edited,
)
from persistence.journal import MessageRow, ProgressRow


def merge_progress(before: ProgressRow, change: ProgressRow) -> ProgressRow:
    """Merge a later change into an earlier one; what is None stays."""
    if change.is_unsent:
        return replace(change, platform_id=change.platform_id or before.platform_id)
    if before.is_unsent:
        # Nothing brings the words back; how far it has come may still be told.
        change = replace(change, content=None, combined_content=None)
    return ProgressRow(
        id=before.id,
        processing_status=change.processing_status or before.processing_status,
        delivery=change.delivery or before.delivery,
        platform_id=change.platform_id or before.platform_id,
        reason=change.reason or before.reason,
        content=before.content if change.content is None else change.content,
        combined_content=change.combined_content or before.combined_content,
        is_unsent=before.is_unsent,
        is_uncombined=before.is_uncombined or change.is_uncombined,
        # Only stored answers are rated, so a message of the same batch never is.
        feedback=change.feedback or before.feedback,
        feedback_comment=before.feedback_comment
        if change.feedback is None
        else change.feedback_comment,
    )


def apply_progress(row: MessageRow, change: ProgressRow) -> MessageRow:
    """Return the new message as it is after the change."""
    status = change.processing_status or row.processing_status
    delivery = change.delivery or row.delivery
    platform_id = change.platform_id or row.platform_id
    if change.is_unsent or row.metadata == UNSENT_METADATA:
        return replace(
            row,
            content="",
            combined_content=None,
            processing_status=status,
            delivery=delivery,
            platform_id=platform_id,
            metadata=UNSENT_METADATA,
        )
    metadata = row.metadata
    if change.reason:
        metadata = add_failure_reason(metadata, change.reason)
    if change.content is not None:
        metadata = mark_edited(metadata)
    combined = None if change.is_uncombined else row.combined_content
    return replace(
        row,
        processing_status=status,
        delivery=delivery,
        platform_id=platform_id,
        content=row.content if change.content is None else change.content,
        combined_content=change.combined_content or combined,
        metadata=metadata,
    )
