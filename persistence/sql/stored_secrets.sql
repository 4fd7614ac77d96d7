-- lock_channel_tokens --
-- Keys are changed for all tenants at once, in steps by id; the locks of one step hold
-- up an edit for milliseconds, and no edit is overwritten by what stood before it.
SELECT id, access_token AS secret FROM channels
WHERE id > $1 AND access_token IS NOT NULL ORDER BY id LIMIT $2 FOR UPDATE;

-- store_channel_token --
-- Under the lock of `lock_channel_tokens`.
UPDATE channels SET access_token = $2 WHERE id = $1;

-- lock_webhook_secrets --
-- As `lock_channel_tokens`.
SELECT id, webhook_secret AS secret FROM channels
WHERE id > $1 AND webhook_secret IS NOT NULL ORDER BY id LIMIT $2 FOR UPDATE;

-- store_webhook_secret --
-- Under the lock of `lock_webhook_secrets`.
UPDATE channels SET webhook_secret = $2 WHERE id = $1;

-- lock_service_headers --
-- As `lock_channel_tokens`.
SELECT id, headers AS secret FROM services
WHERE id > $1 AND headers IS NOT NULL ORDER BY id LIMIT $2 FOR UPDATE;

-- store_service_headers --
-- Under the lock of `lock_service_headers`.
UPDATE services SET headers = $2 WHERE id = $1;

-- lock_route_targets --
-- As `lock_channel_tokens`.
SELECT id, target AS secret FROM alert_routes
WHERE id > $1 ORDER BY id LIMIT $2 FOR UPDATE;

-- store_route_target --
-- Under the lock of `lock_route_targets`.
UPDATE alert_routes SET target = $2 WHERE id = $1;

-- lock_confirmation_tokens --
-- As `lock_channel_tokens`.
SELECT id, confirmation_token AS secret FROM alert_routes
WHERE id > $1 AND confirmation_token IS NOT NULL ORDER BY id LIMIT $2 FOR UPDATE;

-- store_confirmation_token --
-- Under the lock of `lock_confirmation_tokens`.
UPDATE alert_routes SET confirmation_token = $2 WHERE id = $1;

-- lock_visitor_secrets --
-- As `lock_channel_tokens`.
SELECT id, visitor_secret AS secret FROM channels
WHERE id > $1 AND visitor_secret IS NOT NULL ORDER BY id LIMIT $2 FOR UPDATE;

-- store_visitor_secret --
-- Under the lock of `lock_visitor_secrets`.
UPDATE channels SET visitor_secret = $2 WHERE id = $1;

-- lock_signing_secrets --
-- As `lock_channel_tokens`; a tenant has one.
SELECT tenant_id AS id, secret FROM workflow_signing_secrets
WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2 FOR UPDATE;

-- store_signing_secret --
-- Under the lock of `lock_signing_secrets`.
UPDATE workflow_signing_secrets SET secret = $2 WHERE tenant_id = $1;
