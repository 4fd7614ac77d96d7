-- The way back: what was watched and told is forgotten.
DROP TABLE anomalies, digests, alert_deliveries, alerts, alert_routes, monitor_leases,
    service_windows, check_rollups, maintenance_windows, service_transitions,
    check_results, service_states, services;
