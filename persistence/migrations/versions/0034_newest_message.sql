-- Why: an operator's answer is not sent past a message that the operator has not seen.
-- The rules know the newest message from the state; states that are older lack it. Of
-- an operator's messages the newest by others counts as well: see InboxState.
WITH written AS (
    SELECT m.conversation_id, m.position, m.seq, e.payload ->> 'user_id' AS user_id
    FROM messages m
    LEFT JOIN conversation_events e ON e.id = m.id AND e.kind = 'OperatorAnswered'
), newest AS (
    SELECT DISTINCT ON (conversation_id) conversation_id, position, user_id
    FROM written ORDER BY conversation_id, position DESC, seq DESC
), others AS (
    SELECT w.conversation_id, max(w.position) AS position
    FROM written w JOIN newest n USING (conversation_id)
    WHERE n.user_id IS NOT NULL AND w.user_id IS DISTINCT FROM n.user_id
    GROUP BY w.conversation_id
)
UPDATE conversations c SET state = c.state || jsonb_build_object(
    'inbox', jsonb_build_object(
        'newest_position', n.position,
        'newest_user_id', n.user_id,
        'others_position', coalesce(o.position, 0)))
FROM newest n LEFT JOIN others o USING (conversation_id)
WHERE n.conversation_id = c.id;
