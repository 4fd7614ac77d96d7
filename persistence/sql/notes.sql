-- insert_notes --
-- In the transaction of the events, behind the conversation that they are of.
INSERT INTO notes (
    id, tenant_id, conversation_id, position, user_id, content, created_at
)
SELECT * FROM json_to_recordset($1) AS r (
    id uuid, tenant_id uuid, conversation_id uuid, position bigint, user_id uuid,
    content text, created_at timestamptz
);

-- fetch_notes_page --
-- A conversation's notes, oldest first; of an author who is gone there is no name.
SELECT n.id, n.position, n.user_id, u.username, n.content, n.created_at
FROM notes n LEFT JOIN users u ON u.id = n.user_id AND u.tenant_id = n.tenant_id
WHERE n.tenant_id = $1 AND n.conversation_id = $2
    AND ($5::bigint IS NULL OR n.position > $5)
ORDER BY n.position LIMIT $3 OFFSET $4;

-- count_notes --
-- Separate from the page, and only so far that there are more than anybody counts.
SELECT count(*) FROM (
    SELECT FROM notes WHERE tenant_id = $1 AND conversation_id = $2 LIMIT $3
) AS counted;

-- fetch_note --
-- The note that was just written.
SELECT n.id, n.position, n.user_id, u.username, n.content, n.created_at
FROM notes n LEFT JOIN users u ON u.id = n.user_id AND u.tenant_id = n.tenant_id
WHERE n.tenant_id = $1 AND n.id = $2;
