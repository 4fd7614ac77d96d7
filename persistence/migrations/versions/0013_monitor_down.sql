-- The way back: what is shown is all in `digests` and `service_windows`; who waits for a
-- check asks again.
DROP TRIGGER services_ring ON services;
DROP TABLE check_requests;
DROP FUNCTION ring_monitor;
DROP TABLE latest_digests;
DROP TABLE shown_windows;
