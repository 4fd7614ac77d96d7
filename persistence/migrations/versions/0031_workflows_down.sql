-- The way back: runs that are under way end with the state's next event.
DROP TABLE workflow_schedules;
DROP TABLE workflow_steps;
DROP TABLE workflow_runs;
DROP TABLE business_hours;
DROP TABLE workflow_versions;
DROP TABLE workflows;
DROP FUNCTION notify_workflows;
