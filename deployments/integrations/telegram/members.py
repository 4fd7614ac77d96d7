"""The members of Telegram's Update and Message that hold nothing a customer did.

The lists are closed: whatever stands in none of them, and is not read as content, is
stored as a placeholder. Source: Telegram, Bot API 10.3, Update and Message.
"""

from collections.abc import Mapping
from enum import StrEnum


class Skipped(StrEnum):
    """The reason why a member is not stored."""

    ATTRIBUTE = "it says who wrote, where, when or how: the content stands beside it"
    READ_BESIDE = "it is read together with the content that it belongs to"
    MEMBERSHIP = "somebody came, left or changed a role; nobody wrote"
    CHAT = "the chat itself changed: its name, picture, place, timer or look"
    TOPIC = "a topic was opened or closed; what is written in it comes by itself"
    CALL = "a group call, which no bot hears"
    PERMISSION = "a permission or a login, given outside of the talk"
    OWN = "the shop's own post, setting or bot"
    GROUP = "in a group or channel many people share a chat; no answer is one person's"
    COUNT = "a count or state without a person"
    TYPING = "typed, not sent; what is chosen of it comes as a message"
    NOT_STREAMED = "answers are sent whole: there is nothing to stop"
    BLOCKED = "the next send is refused, and that calls an operator"


def _list(reason: Skipped, members: str) -> dict[str, Skipped]:
    return dict.fromkeys(members.split(), reason)


#: Members of a message that are no content.
ATTRIBUTES: Mapping[str, Skipped] = {
    **_list(
        Skipped.ATTRIBUTE,
        "message_id date chat from message_thread_id is_topic_message "
        "direct_messages_topic sender_chat sender_boost_count sender_business_bot "
        "sender_tag guest_query_id business_connection_id is_automatic_forward via_bot "
        "guest_bot_caller_user guest_bot_caller_chat edit_date has_protected_content "
        "is_from_offline is_paid_post media_group_id author_signature paid_star_count "
        "effect_id suggested_post_info receiver_user ephemeral_message_id reply_markup",
    ),
    **_list(
        Skipped.READ_BESIDE,
        "entities caption caption_entities show_caption_above_media has_media_spoiler "
        "link_preview_options reply_to_message external_reply quote reply_to_story "
        "reply_to_checklist_task_id reply_to_poll_option_id forward_origin "
        "forward_date forward_from forward_from_chat forward_from_message_id "
        "forward_sender_name forward_signature",
    ),
}
#: Service messages: facts that nobody wrote.
SERVICE: Mapping[str, Skipped] = {
    **_list(
        Skipped.MEMBERSHIP,
        "new_chat_members new_chat_member new_chat_participant left_chat_member "
        "left_chat_participant chat_owner_left chat_owner_changed boost_added "
        "community_chat_added community_chat_removed community_chat_joined",
    ),
    **_list(
        Skipped.CHAT,
        "new_chat_title new_chat_photo delete_chat_photo group_chat_created "
        "supergroup_chat_created channel_chat_created migrate_to_chat_id "
        "migrate_from_chat_id message_auto_delete_timer_changed chat_background_set "
        "pinned_message proximity_alert_triggered",
    ),
    **_list(
        Skipped.TOPIC,
        "forum_topic_created forum_topic_edited forum_topic_closed "
        "forum_topic_reopened general_forum_topic_hidden general_forum_topic_unhidden",
    ),
    **_list(
        Skipped.CALL,
        "video_chat_scheduled video_chat_started video_chat_ended "
        "video_chat_participants_invited",
    ),
    **_list(Skipped.PERMISSION, "connected_website write_access_allowed"),
    **_list(
        Skipped.OWN,
        "paid_message_price_changed direct_message_price_changed managed_bot_created "
        "giveaway_created giveaway_completed suggested_post_approved "
        "suggested_post_approval_failed suggested_post_declined suggested_post_paid "
        "suggested_post_refunded",
    ),
}
#: Updates that are not read, and not subscribed to.
UPDATES: Mapping[str, Skipped] = {
    **_list(Skipped.ATTRIBUTE, "update_id"),
    **_list(
        Skipped.OWN,
        "channel_post edited_channel_post business_connection managed_bot",
    ),
    **_list(
        Skipped.GROUP,
        "guest_message chat_member chat_join_request chat_boost removed_chat_boost",
    ),
    **_list(Skipped.COUNT, "message_reaction_count poll"),
    **_list(Skipped.TYPING, "inline_query chosen_inline_result"),
    **_list(Skipped.NOT_STREAMED, "stopped_message_generation"),
    **_list(Skipped.BLOCKED, "my_chat_member"),
}
