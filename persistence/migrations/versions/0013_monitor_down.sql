-- The way back: all of it is in `digests` and `service_windows`.
DROP TABLE latest_digests;
DROP TABLE shown_windows;
