/* pg_nplusone--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION pg_nplusone" to load this file. \quit

--
-- Clusters
--

CREATE FUNCTION pg_nplusone_clusters(
    OUT userid oid,
    OUT dbid oid,
    OUT clusterid bigint,
    OUT pattern text,
    OUT confidence text,
    OUT queryid bigint,
    OUT query text,
    OUT parent_queryid bigint,
    OUT parent_query text,
    OUT link text,
    OUT loops bigint,
    OUT calls bigint,
    OUT max_calls bigint,
    OUT duplicate_calls bigint,
    OUT parent_rows bigint,
    OUT rows bigint,
    OUT total_exec_time double precision,
    OUT max_exec_time double precision,
    OUT total_gap_time double precision,
    OUT max_loop_time double precision,
    OUT shared_blks_hit bigint,
    OUT shared_blks_read bigint,
    OUT application_name text,
    OUT tags jsonb,
    OUT advice text,
    OUT rewrite text,
    OUT first_seen timestamptz,
    OUT last_seen timestamptz,
    OUT muted boolean
)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_nplusone_clusters_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pg_nplusone_clusters() IS
'rows of the view pg_nplusone; anyone may call it, and sees the statements of others only with the privileges of pg_read_all_stats';

CREATE VIEW pg_nplusone AS
    SELECT * FROM pg_nplusone_clusters();

COMMENT ON VIEW pg_nplusone IS
'statements that were executed in a loop, one row per cluster of loops; times are in milliseconds';
COMMENT ON COLUMN pg_nplusone.userid IS 'role that executed the loop';
COMMENT ON COLUMN pg_nplusone.dbid IS 'database in which it was executed';
COMMENT ON COLUMN pg_nplusone.clusterid IS 'stable identifier of the cluster, for pg_nplusone_reset(), pg_nplusone_mute() and pg_nplusone_unmute()';
COMMENT ON COLUMN pg_nplusone.pattern IS 'kind of loop: forward_fk, reverse_fk, many_to_many, polymorphic, deferred_column, count, exists, aggregate, first_per_parent, lookup, duplicate, select_for_update, insert, update, delete, upsert, other';
COMMENT ON COLUMN pg_nplusone.confidence IS 'proven: the keys were the values of a column of the parent''s result, in order; likely: tied by a transaction, an unbroken run of writes, or a run as long as the parent''s result; suspected: repetition only';
COMMENT ON COLUMN pg_nplusone.queryid IS 'query identifier of the repeated statement, as in pg_stat_statements';
COMMENT ON COLUMN pg_nplusone.query IS 'text of the repeated statement, without its constants';
COMMENT ON COLUMN pg_nplusone.parent_queryid IS 'query identifier of the statement that returned the keys, null where none is known';
COMMENT ON COLUMN pg_nplusone.parent_query IS 'text of the statement that returned the keys, without its constants';
COMMENT ON COLUMN pg_nplusone.link IS 'column of the parent''s result and column it was looked up in';
COMMENT ON COLUMN pg_nplusone.loops IS 'number of loops';
COMMENT ON COLUMN pg_nplusone.calls IS 'executions of the repeated statement in all loops';
COMMENT ON COLUMN pg_nplusone.max_calls IS 'executions in the longest loop';
COMMENT ON COLUMN pg_nplusone.duplicate_calls IS 'executions whose values had been looked up already in the same loop';
COMMENT ON COLUMN pg_nplusone.parent_rows IS 'rows that the parents returned for these loops';
COMMENT ON COLUMN pg_nplusone.rows IS 'rows that the repeated statement returned or changed';
COMMENT ON COLUMN pg_nplusone.total_exec_time IS 'time in the executor, in milliseconds';
COMMENT ON COLUMN pg_nplusone.max_exec_time IS 'time of the slowest execution, in milliseconds';
COMMENT ON COLUMN pg_nplusone.total_gap_time IS 'time between the executions, spent in the network and the client, in milliseconds';
COMMENT ON COLUMN pg_nplusone.max_loop_time IS 'wall-clock time of the longest loop, in milliseconds';
COMMENT ON COLUMN pg_nplusone.shared_blks_hit IS 'shared blocks found in the buffer cache';
COMMENT ON COLUMN pg_nplusone.shared_blks_read IS 'shared blocks read';
COMMENT ON COLUMN pg_nplusone.application_name IS 'application_name of the last loop';
COMMENT ON COLUMN pg_nplusone.tags IS 'tags that the statement carried in a comment, of the last loop';
COMMENT ON COLUMN pg_nplusone.advice IS 'what to change';
COMMENT ON COLUMN pg_nplusone.rewrite IS 'one statement that does the work of the loop';
COMMENT ON COLUMN pg_nplusone.first_seen IS 'when the first loop was detected';
COMMENT ON COLUMN pg_nplusone.last_seen IS 'when the latest execution ended';
COMMENT ON COLUMN pg_nplusone.muted IS 'true if actions are off for this cluster';

--
-- This session
--

CREATE FUNCTION pg_nplusone_session_clusters(
    OUT userid oid,
    OUT dbid oid,
    OUT clusterid bigint,
    OUT pattern text,
    OUT confidence text,
    OUT queryid bigint,
    OUT query text,
    OUT parent_queryid bigint,
    OUT parent_query text,
    OUT link text,
    OUT loops bigint,
    OUT calls bigint,
    OUT max_calls bigint,
    OUT duplicate_calls bigint,
    OUT parent_rows bigint,
    OUT rows bigint,
    OUT total_exec_time double precision,
    OUT max_exec_time double precision,
    OUT total_gap_time double precision,
    OUT max_loop_time double precision,
    OUT shared_blks_hit bigint,
    OUT shared_blks_read bigint,
    OUT application_name text,
    OUT tags jsonb,
    OUT advice text,
    OUT rewrite text,
    OUT first_seen timestamptz,
    OUT last_seen timestamptz,
    OUT muted boolean
)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_nplusone_session_clusters_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pg_nplusone_session_clusters() IS
'rows of the view pg_nplusone_session; anyone may call it, for the loops of the own session';

CREATE VIEW pg_nplusone_session AS
    SELECT * FROM pg_nplusone_session_clusters();

COMMENT ON VIEW pg_nplusone_session IS
'loops of this session since it began or since pg_nplusone_session_reset(); columns as in pg_nplusone';
COMMENT ON COLUMN pg_nplusone_session.userid IS 'role that executed the loop';
COMMENT ON COLUMN pg_nplusone_session.dbid IS 'database in which it was executed';
COMMENT ON COLUMN pg_nplusone_session.clusterid IS 'stable identifier of the cluster, for pg_nplusone_reset(), pg_nplusone_mute() and pg_nplusone_unmute()';
COMMENT ON COLUMN pg_nplusone_session.pattern IS 'kind of loop: forward_fk, reverse_fk, many_to_many, polymorphic, deferred_column, count, exists, aggregate, first_per_parent, lookup, duplicate, select_for_update, insert, update, delete, upsert, other';
COMMENT ON COLUMN pg_nplusone_session.confidence IS 'proven: the keys were the values of a column of the parent''s result, in order; likely: tied by a transaction, an unbroken run of writes, or a run as long as the parent''s result; suspected: repetition only';
COMMENT ON COLUMN pg_nplusone_session.queryid IS 'query identifier of the repeated statement, as in pg_stat_statements';
COMMENT ON COLUMN pg_nplusone_session.query IS 'text of the repeated statement, without its constants';
COMMENT ON COLUMN pg_nplusone_session.parent_queryid IS 'query identifier of the statement that returned the keys, null where none is known';
COMMENT ON COLUMN pg_nplusone_session.parent_query IS 'text of the statement that returned the keys, without its constants';
COMMENT ON COLUMN pg_nplusone_session.link IS 'column of the parent''s result and column it was looked up in';
COMMENT ON COLUMN pg_nplusone_session.loops IS 'number of loops';
COMMENT ON COLUMN pg_nplusone_session.calls IS 'executions of the repeated statement in all loops';
COMMENT ON COLUMN pg_nplusone_session.max_calls IS 'executions in the longest loop';
COMMENT ON COLUMN pg_nplusone_session.duplicate_calls IS 'executions whose values had been looked up already in the same loop';
COMMENT ON COLUMN pg_nplusone_session.parent_rows IS 'rows that the parents returned for these loops';
COMMENT ON COLUMN pg_nplusone_session.rows IS 'rows that the repeated statement returned or changed';
COMMENT ON COLUMN pg_nplusone_session.total_exec_time IS 'time in the executor, in milliseconds';
COMMENT ON COLUMN pg_nplusone_session.max_exec_time IS 'time of the slowest execution, in milliseconds';
COMMENT ON COLUMN pg_nplusone_session.total_gap_time IS 'time between the executions, spent in the network and the client, in milliseconds';
COMMENT ON COLUMN pg_nplusone_session.max_loop_time IS 'wall-clock time of the longest loop, in milliseconds';
COMMENT ON COLUMN pg_nplusone_session.shared_blks_hit IS 'shared blocks found in the buffer cache';
COMMENT ON COLUMN pg_nplusone_session.shared_blks_read IS 'shared blocks read';
COMMENT ON COLUMN pg_nplusone_session.application_name IS 'application_name of the last loop';
COMMENT ON COLUMN pg_nplusone_session.tags IS 'tags that the statement carried in a comment, of the last loop';
COMMENT ON COLUMN pg_nplusone_session.advice IS 'what to change';
COMMENT ON COLUMN pg_nplusone_session.rewrite IS 'one statement that does the work of the loop';
COMMENT ON COLUMN pg_nplusone_session.first_seen IS 'when the first loop was detected';
COMMENT ON COLUMN pg_nplusone_session.last_seen IS 'when the latest execution ended';
COMMENT ON COLUMN pg_nplusone_session.muted IS 'true if actions are off for this cluster';

CREATE FUNCTION pg_nplusone_session_reset()
RETURNS void
AS 'MODULE_PATHNAME', 'pg_nplusone_session_reset_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pg_nplusone_session_reset() IS
'forget the loops and the statements of this session, and begin a new unit of work; anyone may call it';

CREATE FUNCTION pg_nplusone_session_statements()
RETURNS bigint
AS 'MODULE_PATHNAME', 'pg_nplusone_session_statements_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pg_nplusone_session_statements() IS
'number of statements that this session has executed since it began or since pg_nplusone_session_reset(), utility statements and the asking one not counted; anyone may call it';

--
-- What is running
--

CREATE FUNCTION pg_nplusone_running(
    OUT pid integer,
    OUT datid oid,
    OUT userid oid,
    OUT application_name text,
    OUT pattern text,
    OUT confidence text,
    OUT queryid bigint,
    OUT query text,
    OUT parent_queryid bigint,
    OUT calls bigint,
    OUT parent_rows bigint,
    OUT started timestamptz
)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_nplusone_activity_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pg_nplusone_running() IS
'rows of the view pg_nplusone_activity; anyone may call it, and sees the statements of others only with the privileges of pg_read_all_stats';

CREATE VIEW pg_nplusone_activity AS
    SELECT * FROM pg_nplusone_running();

COMMENT ON VIEW pg_nplusone_activity IS
'loops that are running now, one row each';
COMMENT ON COLUMN pg_nplusone_activity.pid IS 'process identifier of the backend';
COMMENT ON COLUMN pg_nplusone_activity.datid IS 'database it is connected to';
COMMENT ON COLUMN pg_nplusone_activity.userid IS 'role that executes the loop';
COMMENT ON COLUMN pg_nplusone_activity.application_name IS 'application_name of the loop';
COMMENT ON COLUMN pg_nplusone_activity.pattern IS 'kind of loop, as in pg_nplusone';
COMMENT ON COLUMN pg_nplusone_activity.confidence IS 'confidence reached so far, as in pg_nplusone';
COMMENT ON COLUMN pg_nplusone_activity.queryid IS 'query identifier of the repeated statement';
COMMENT ON COLUMN pg_nplusone_activity.query IS 'text of the repeated statement, without its constants';
COMMENT ON COLUMN pg_nplusone_activity.parent_queryid IS 'query identifier of the statement that returned the keys';
COMMENT ON COLUMN pg_nplusone_activity.calls IS 'executions so far';
COMMENT ON COLUMN pg_nplusone_activity.parent_rows IS 'rows that the parent returned';
COMMENT ON COLUMN pg_nplusone_activity.started IS 'when the first statement of the loop came';

--
-- Units of work
--

CREATE FUNCTION pg_nplusone_units(
    OUT userid oid,
    OUT dbid oid,
    OUT application_name text,
    OUT route text,
    OUT units bigint,
    OUT statements bigint,
    OUT mean_statements double precision,
    OUT max_statements bigint,
    OUT units_with_loops bigint,
    OUT total_exec_time double precision,
    OUT mean_time double precision,
    OUT max_time double precision
)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_nplusone_requests_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pg_nplusone_units() IS
'rows of the view pg_nplusone_requests; anyone may call it, and sees the routes of others only with the privileges of pg_read_all_stats';

CREATE VIEW pg_nplusone_requests AS
    SELECT * FROM pg_nplusone_units();

COMMENT ON VIEW pg_nplusone_requests IS
'statements per unit of work, by where they came from; times are in milliseconds';
COMMENT ON COLUMN pg_nplusone_requests.userid IS 'role that the unit of work began with';
COMMENT ON COLUMN pg_nplusone_requests.dbid IS 'database';
COMMENT ON COLUMN pg_nplusone_requests.application_name IS 'application_name that the unit of work began with';
COMMENT ON COLUMN pg_nplusone_requests.route IS 'tag route, else controller/action; null where untagged';
COMMENT ON COLUMN pg_nplusone_requests.units IS 'number of units of work';
COMMENT ON COLUMN pg_nplusone_requests.statements IS 'statements in all of them, utility statements not counted';
COMMENT ON COLUMN pg_nplusone_requests.mean_statements IS 'statements per unit of work';
COMMENT ON COLUMN pg_nplusone_requests.max_statements IS 'statements of the longest unit of work';
COMMENT ON COLUMN pg_nplusone_requests.units_with_loops IS 'units of work with a loop that is likely or proven';
COMMENT ON COLUMN pg_nplusone_requests.total_exec_time IS 'time in the executor, in milliseconds';
COMMENT ON COLUMN pg_nplusone_requests.mean_time IS 'time in the executor per unit of work, in milliseconds';
COMMENT ON COLUMN pg_nplusone_requests.max_time IS 'time in the executor of the slowest unit of work, in milliseconds';

--
-- Missing indexes
--

CREATE FUNCTION pg_nplusone_index_hints(
    OUT clusterid bigint,
    OUT userid oid,
    OUT queryid bigint,
    OUT query text,
    OUT relation regclass,
    OUT ddl text,
    OUT reason text,
    OUT finding text,
    OUT calls bigint,
    OUT total_exec_time double precision,
    OUT cost_before double precision,
    OUT cost_after double precision,
    OUT estimated_saving double precision,
    OUT index_size bigint,
    OUT verified text,
    OUT plan_before text,
    OUT plan_after text,
    OUT first_seen timestamptz,
    OUT last_seen timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_nplusone_index_hints_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION pg_nplusone_index_hints() IS
'index hints of the current database: times in milliseconds, costs in planner units, sizes in bytes; identifying columns of other users'' statements are masked unless the reader has pg_read_all_stats; fails with object_not_in_prerequisite_state where the module is not preloaded';

CREATE VIEW pg_nplusone_index_hints AS
    SELECT * FROM pg_nplusone_index_hints() ORDER BY estimated_saving DESC;

COMMENT ON VIEW pg_nplusone_index_hints IS
'missing indexes that the planner has confirmed, and findings where no index is the answer; the greatest estimated saving first';
COMMENT ON COLUMN pg_nplusone_index_hints.clusterid IS 'the loop, as in pg_nplusone; 0 for a slow statement outside of loops, or a foreign key';
COMMENT ON COLUMN pg_nplusone_index_hints.userid IS 'role that ran the statement that wanted the index first; owner of the table for a foreign key';
COMMENT ON COLUMN pg_nplusone_index_hints.queryid IS 'query identifier of that statement';
COMMENT ON COLUMN pg_nplusone_index_hints.query IS 'text of that statement, without its constants';
COMMENT ON COLUMN pg_nplusone_index_hints.relation IS 'table that lacks the index, null for a finding about the whole statement';
COMMENT ON COLUMN pg_nplusone_index_hints.ddl IS 'statement that creates the index, null where none is the answer';
COMMENT ON COLUMN pg_nplusone_index_hints.reason IS 'what the statement would use the index for';
COMMENT ON COLUMN pg_nplusone_index_hints.finding IS 'what is wrong where no index is the answer, or beside one';
COMMENT ON COLUMN pg_nplusone_index_hints.calls IS 'executions that wanted the index';
COMMENT ON COLUMN pg_nplusone_index_hints.total_exec_time IS 'time of these executions, in milliseconds';
COMMENT ON COLUMN pg_nplusone_index_hints.cost_before IS 'cost of the plan as it is, in units of the planner';
COMMENT ON COLUMN pg_nplusone_index_hints.cost_after IS 'cost of the plan with the index, in units of the planner';
COMMENT ON COLUMN pg_nplusone_index_hints.estimated_saving IS 'time that the index would have saved, in milliseconds';
COMMENT ON COLUMN pg_nplusone_index_hints.index_size IS 'estimated size of the index, in bytes';
COMMENT ON COLUMN pg_nplusone_index_hints.verified IS 'how the planner was asked: actual values, generic plan, not verified';
COMMENT ON COLUMN pg_nplusone_index_hints.plan_before IS 'plan as it is';
COMMENT ON COLUMN pg_nplusone_index_hints.plan_after IS 'plan with the index';
COMMENT ON COLUMN pg_nplusone_index_hints.first_seen IS 'when the index was first wanted';
COMMENT ON COLUMN pg_nplusone_index_hints.last_seen IS 'when it was last wanted';

--
-- Heavy reads, and connections
--

CREATE FUNCTION pg_nplusone_heavy(
    OUT userid oid,
    OUT dbid oid,
    OUT queryid bigint,
    OUT query text,
    OUT finding text,
    OUT calls bigint,
    OUT rows bigint,
    OUT mean_rows double precision,
    OUT total_bytes double precision,
    OUT mean_bytes double precision,
    OUT columns text[],
    OUT column_share double precision[],
    OUT application_name text,
    OUT tags jsonb,
    OUT advice text,
    OUT first_seen timestamptz,
    OUT last_seen timestamptz
)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_nplusone_heavy_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 64;

COMMENT ON FUNCTION pg_nplusone_heavy() IS
'rows of the view pg_nplusone_heavy_reads; anyone may call it, and sees the statements of others only with the privileges of pg_read_all_stats; fails with object_not_in_prerequisite_state where the module is not preloaded';

CREATE VIEW pg_nplusone_heavy_reads AS
    SELECT * FROM pg_nplusone_heavy();

COMMENT ON VIEW pg_nplusone_heavy_reads IS
'statements that read more than a program is likely to need, one row per statement and finding; sizes are in bytes';
COMMENT ON COLUMN pg_nplusone_heavy_reads.userid IS 'role that executed the statement';
COMMENT ON COLUMN pg_nplusone_heavy_reads.dbid IS 'database in which it was executed';
COMMENT ON COLUMN pg_nplusone_heavy_reads.queryid IS 'query identifier of the statement, as in pg_stat_statements';
COMMENT ON COLUMN pg_nplusone_heavy_reads.query IS 'text of the statement, without its constants';
COMMENT ON COLUMN pg_nplusone_heavy_reads.finding IS 'wide_columns: few columns carry most of a large result; unbounded: many rows read at once, without LIMIT; deep_offset: many rows skipped by OFFSET';
COMMENT ON COLUMN pg_nplusone_heavy_reads.calls IS 'executions of which the finding is true';
COMMENT ON COLUMN pg_nplusone_heavy_reads.rows IS 'rows that they returned; for deep_offset, rows that they skipped';
COMMENT ON COLUMN pg_nplusone_heavy_reads.mean_rows IS 'the same for one execution, on average';
COMMENT ON COLUMN pg_nplusone_heavy_reads.total_bytes IS 'size of the values in all results, estimated from a part of the rows; null for deep_offset';
COMMENT ON COLUMN pg_nplusone_heavy_reads.mean_bytes IS 'the same for one execution, on average';
COMMENT ON COLUMN pg_nplusone_heavy_reads.columns IS 'wide columns, the widest first; null for other findings';
COMMENT ON COLUMN pg_nplusone_heavy_reads.column_share IS 'share of the bytes that each of them carries, 0 to 1';
COMMENT ON COLUMN pg_nplusone_heavy_reads.application_name IS 'application_name of the last execution';
COMMENT ON COLUMN pg_nplusone_heavy_reads.tags IS 'tags of the request, of the last execution';
COMMENT ON COLUMN pg_nplusone_heavy_reads.advice IS 'what happens, and what to change';
COMMENT ON COLUMN pg_nplusone_heavy_reads.first_seen IS 'when the first such execution ended';
COMMENT ON COLUMN pg_nplusone_heavy_reads.last_seen IS 'when the latest such execution ended';

CREATE FUNCTION pg_nplusone_connections(
    OUT userid oid,
    OUT dbid oid,
    OUT application_name text,
    OUT sessions bigint,
    OUT statements bigint,
    OUT mean_statements double precision,
    OUT mean_session_time double precision,
    OUT connect_share double precision,
    OUT advice text
)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_nplusone_connections_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 64;

COMMENT ON FUNCTION pg_nplusone_connections() IS
'rows of the view pg_nplusone_connections; anyone may call it, and sees the programs of others only with the privileges of pg_read_all_stats; fails with object_not_in_prerequisite_state where the module is not preloaded';

CREATE VIEW pg_nplusone_connections AS
    SELECT * FROM pg_nplusone_connections();

COMMENT ON VIEW pg_nplusone_connections IS
'client sessions that are over, one row per role, database and application_name; times are in milliseconds';
COMMENT ON COLUMN pg_nplusone_connections.userid IS 'role that connected';
COMMENT ON COLUMN pg_nplusone_connections.dbid IS 'database it connected to';
COMMENT ON COLUMN pg_nplusone_connections.application_name IS 'application_name that the session ended with';
COMMENT ON COLUMN pg_nplusone_connections.sessions IS 'number of sessions that are over';
COMMENT ON COLUMN pg_nplusone_connections.statements IS 'statements in all of them, utility statements not counted';
COMMENT ON COLUMN pg_nplusone_connections.mean_statements IS 'statements per session';
COMMENT ON COLUMN pg_nplusone_connections.mean_session_time IS 'time from the start of a session''s process to its end, in milliseconds';
COMMENT ON COLUMN pg_nplusone_connections.connect_share IS 'share of that time before the first statement came, 0 to 1; all of it where none did';
COMMENT ON COLUMN pg_nplusone_connections.advice IS 'what to change, where sessions come fast and do little; else null';

--
-- Administration
--

CREATE FUNCTION pg_nplusone_state(
    OUT clusters bigint,
    OUT max_clusters bigint,
    OUT dealloc bigint,
    OUT dropped bigint,
    OUT stats_reset timestamptz,
    OUT last_saved timestamptz
)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_nplusone_info_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 1;

COMMENT ON FUNCTION pg_nplusone_state() IS
'row of the view pg_nplusone_info; anyone may call it';

CREATE VIEW pg_nplusone_info AS
    SELECT * FROM pg_nplusone_state();

COMMENT ON VIEW pg_nplusone_info IS
'state of pg_nplusone itself, one row';
COMMENT ON COLUMN pg_nplusone_info.clusters IS 'clusters kept now';
COMMENT ON COLUMN pg_nplusone_info.max_clusters IS 'clusters that there is room for (pg_nplusone.max)';
COMMENT ON COLUMN pg_nplusone_info.dealloc IS 'clusters that gave way to others since the server started';
COMMENT ON COLUMN pg_nplusone_info.dropped IS 'statements that were not followed because a backend followed too many others';
COMMENT ON COLUMN pg_nplusone_info.stats_reset IS 'when all clusters were last removed';
COMMENT ON COLUMN pg_nplusone_info.last_saved IS 'when the clusters were last saved to disk';

CREATE FUNCTION pg_nplusone_tally(
    OUT pattern text,
    OUT confidence text,
    OUT loops bigint,
    OUT calls bigint,
    OUT duplicate_calls bigint,
    OUT rows bigint,
    OUT total_exec_time double precision,
    OUT total_gap_time double precision
)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_nplusone_tally_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 51;

COMMENT ON FUNCTION pg_nplusone_tally() IS
'rows of the view pg_nplusone_totals; anyone may call it';

CREATE VIEW pg_nplusone_totals AS
    SELECT * FROM pg_nplusone_tally();

COMMENT ON VIEW pg_nplusone_totals IS
'sums over all loops that have ended since the server started, by pattern and confidence: they only grow, whatever becomes of the clusters; for monitoring';
COMMENT ON COLUMN pg_nplusone_totals.pattern IS 'what kind of loop';
COMMENT ON COLUMN pg_nplusone_totals.confidence IS 'proven, likely or suspected';
COMMENT ON COLUMN pg_nplusone_totals.loops IS 'loops that have ended';
COMMENT ON COLUMN pg_nplusone_totals.calls IS 'executions of the repeated statements';
COMMENT ON COLUMN pg_nplusone_totals.duplicate_calls IS 'executions whose values had been looked up already in the same loop';
COMMENT ON COLUMN pg_nplusone_totals.rows IS 'rows that they returned or changed';
COMMENT ON COLUMN pg_nplusone_totals.total_exec_time IS 'time in the executor, in milliseconds';
COMMENT ON COLUMN pg_nplusone_totals.total_gap_time IS 'time between one execution and the next, in milliseconds';

CREATE FUNCTION pg_nplusone_reset(
    userid oid DEFAULT 0,
    dbid oid DEFAULT 0,
    clusterid bigint DEFAULT 0
)
RETURNS bigint
AS 'MODULE_PATHNAME', 'pg_nplusone_reset_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pg_nplusone_reset(oid, oid, bigint) IS
'remove the clusters of a role, a database, or with an identifier (0: any), and return how many were removed; without an identifier also the heavy reads and connections of the role or the database; superusers may call it and those it is granted to';

REVOKE ALL ON FUNCTION pg_nplusone_reset(oid, oid, bigint) FROM PUBLIC;

CREATE FUNCTION pg_nplusone_mute(clusterid bigint)
RETURNS boolean
AS 'MODULE_PATHNAME', 'pg_nplusone_mute_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pg_nplusone_mute(bigint) IS
'stop pg_nplusone.action for a cluster, which goes on counting; returns false if there is no such cluster; superusers may call it and those it is granted to';

CREATE FUNCTION pg_nplusone_unmute(clusterid bigint)
RETURNS boolean
AS 'MODULE_PATHNAME', 'pg_nplusone_unmute_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pg_nplusone_unmute(bigint) IS
'let pg_nplusone.action apply to a cluster again; returns false if there is no such cluster; superusers may call it and those it is granted to';

REVOKE ALL ON FUNCTION pg_nplusone_mute(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pg_nplusone_unmute(bigint) FROM PUBLIC;

GRANT SELECT ON pg_nplusone_requests, pg_nplusone_index_hints TO PUBLIC;
GRANT SELECT ON pg_nplusone_heavy_reads, pg_nplusone_connections TO PUBLIC;
GRANT SELECT ON pg_nplusone, pg_nplusone_session, pg_nplusone_activity, pg_nplusone_info, pg_nplusone_totals TO PUBLIC;

--
-- Report
--
-- pg_nplusone_report_document() reads the views into one document; the other
-- formats are made from the document alone, and would be from one that was
-- kept.
--
-- The functions have bodies of the SQL standard (BEGIN ATOMIC), so that what
-- they name is looked up here, once, and kept by identity: the extension stays
-- relocatable, and no search_path of a caller can put another function,
-- operator or view in the place of the one that is meant.  While this script
-- runs, the extension's schema is searched, and may hold objects of others.
-- So functions of the system are called by their qualified names, and
-- operators get operands of exactly the types that they are declared for.
--

CREATE FUNCTION pg_nplusone_report_check(format text, width integer)
RETURNS text
AS 'MODULE_PATHNAME', 'pg_nplusone_report_check_1_0'
LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION pg_nplusone_report_check(text, integer) IS
'format of a report in lower case; fails with invalid_parameter_value if there is no such format or the width is less than 60; anyone may call it';

CREATE FUNCTION pg_nplusone_report_fit(value text, width integer, indent integer, max_lines integer)
RETURNS text
AS 'MODULE_PATHNAME', 'pg_nplusone_report_fit_1_0'
LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION pg_nplusone_report_fit(text, integer, integer, integer) IS
'text in lines that end before a width and begin at an indent (the first one too, whose indent is not written), both in columns of a terminal; no more lines than max_lines unless that is 0; control characters and invisible ones are written as [U+202E]; anyone may call it';

CREATE FUNCTION pg_nplusone_report_escape(value text)
RETURNS text
AS 'MODULE_PATHNAME', 'pg_nplusone_report_escape_1_0'
LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION pg_nplusone_report_escape(text) IS
'text as HTML in ASCII, fit for elements and attributes; control characters and invisible ones are written as [U+202E]; anyone may call it';

CREATE FUNCTION pg_nplusone_report_time(milliseconds double precision)
RETURNS text
AS 'MODULE_PATHNAME', 'pg_nplusone_report_time_1_0'
LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION pg_nplusone_report_time(double precision) IS
'milliseconds as text with a unit: ms, s, min, or h; anyone may call it';

-- The document.  Identifiers are strings, since many a reader of JSON keeps
-- numbers as double precision.  The signature tells a loop by its texts, which
-- outlive the tables: query identifiers, and clusterid with them, change when
-- a test database is made anew.
CREATE FUNCTION pg_nplusone_report_document()
RETURNS jsonb
LANGUAGE SQL VOLATILE
BEGIN ATOMIC
    WITH cluster AS MATERIALIZED (
        SELECT c.*,
               c.total_exec_time + c.total_gap_time AS wasted_time,
               pg_catalog.row_number() OVER (
                   ORDER BY c.total_exec_time + c.total_gap_time DESC, c.clusterid) AS rank,
               pg_catalog.pg_get_userbyid(c.userid)::text AS role,
               (SELECT d.datname::text FROM pg_catalog.pg_database d
                 WHERE d.oid = c.dbid) AS database,
               CASE WHEN c.clusterid IS NOT NULL THEN
                   pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.hashtextextended(
                       (COALESCE(c.parent_query, ''::text) || E'\n'::text || c.query)
                           COLLATE pg_catalog."C", 0::bigint)), 16, '0'::text)
               END AS signature
          FROM pg_nplusone c
    )
    SELECT pg_catalog.jsonb_build_object(
        'format_version', 1,
        'generated_at', pg_catalog.clock_timestamp(),
        'stats_reset', (SELECT i.stats_reset FROM pg_nplusone_info i),
        'server_version', pg_catalog.current_setting('server_version'::text),
        'extension_version',
            (SELECT e.extversion FROM pg_catalog.pg_extension e
              WHERE e.extname = 'pg_nplusone'::name),
        'database', pg_catalog.current_database(),
        'totals',
            (SELECT pg_catalog.jsonb_build_object(
                 'clusters', pg_catalog.count(*),
                 'muted', pg_catalog.count(*) FILTER (WHERE c.muted),
                 'loops', COALESCE(pg_catalog.sum(c.loops), 0::numeric),
                 'calls', COALESCE(pg_catalog.sum(c.calls), 0::numeric),
                 'wasted_time', pg_catalog.round(COALESCE(pg_catalog.sum(c.wasted_time), 0::float8)::numeric, 3))
               FROM cluster c),
        'clusters',
            (SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                 'rank', c.rank,
                 'clusterid', c.clusterid::text,
                 'signature', c.signature,
                 'role', c.role,
                 'database', c.database,
                 'pattern', c.pattern,
                 'confidence', c.confidence,
                 'link', c.link,
                 'queryid', c.queryid::text,
                 'query', c.query,
                 'parent_queryid', c.parent_queryid::text,
                 'parent_query', c.parent_query,
                 'loops', c.loops,
                 'calls', c.calls,
                 'max_calls', c.max_calls,
                 'duplicate_calls', c.duplicate_calls,
                 'parent_rows', c.parent_rows,
                 'rows', c.rows,
                 'wasted_time', pg_catalog.round(c.wasted_time::numeric, 3),
                 'total_exec_time', pg_catalog.round(c.total_exec_time::numeric, 3),
                 'max_exec_time', pg_catalog.round(c.max_exec_time::numeric, 3),
                 'total_gap_time', pg_catalog.round(c.total_gap_time::numeric, 3),
                 'max_loop_time', pg_catalog.round(c.max_loop_time::numeric, 3),
                 'shared_blks_hit', c.shared_blks_hit,
                 'shared_blks_read', c.shared_blks_read,
                 'application_name', c.application_name,
                 'tags', c.tags,
                 'advice', c.advice,
                 'rewrite', c.rewrite,
                 'first_seen', c.first_seen,
                 'last_seen', c.last_seen,
                 'muted', c.muted)
                 ORDER BY c.rank), '[]'::jsonb)
               FROM cluster c),
        'index_hints',
            (SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                 'clusterid', h.clusterid::text,
                 'role', pg_catalog.pg_get_userbyid(h.userid)::text,
                 'queryid', h.queryid::text,
                 'query', h.query,
                 'relation', h.relation::text,
                 'ddl', h.ddl,
                 'reason', h.reason,
                 'finding', h.finding,
                 'calls', h.calls,
                 'total_exec_time', pg_catalog.round(h.total_exec_time::numeric, 3),
                 'cost_before', h.cost_before,
                 'cost_after', h.cost_after,
                 'estimated_saving', pg_catalog.round(h.estimated_saving::numeric, 3),
                 'index_size', h.index_size,
                 'verified', h.verified,
                 'plan_before', h.plan_before,
                 'plan_after', h.plan_after,
                 'first_seen', h.first_seen,
                 'last_seen', h.last_seen)
                 ORDER BY h.estimated_saving DESC NULLS LAST, h.ddl, h.finding), '[]'::jsonb)
               FROM pg_nplusone_index_hints h
              -- of a table that is gone, nothing is left to be said
              WHERE h.ddl IS NOT NULL OR h.finding IS NOT NULL),
        'requests',
            (SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                 'role', pg_catalog.pg_get_userbyid(r.userid)::text,
                 'database', (SELECT d.datname::text FROM pg_catalog.pg_database d
                               WHERE d.oid = r.dbid),
                 'application_name', r.application_name,
                 'route', r.route,
                 'units', r.units,
                 'statements', r.statements,
                 'mean_statements', pg_catalog.round(r.mean_statements::numeric, 1),
                 'max_statements', r.max_statements,
                 'units_with_loops', r.units_with_loops,
                 'total_exec_time', pg_catalog.round(r.total_exec_time::numeric, 3),
                 'mean_time', pg_catalog.round(r.mean_time::numeric, 3),
                 'max_time', pg_catalog.round(r.max_time::numeric, 3))
                 ORDER BY r.statements DESC, r.route, r.application_name), '[]'::jsonb)
               FROM pg_nplusone_requests r),
        'heavy_reads',
            (SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                 'role', pg_catalog.pg_get_userbyid(h.userid)::text,
                 'database', (SELECT d.datname::text FROM pg_catalog.pg_database d
                               WHERE d.oid = h.dbid),
                 'queryid', h.queryid::text,
                 'query', h.query,
                 'finding', h.finding,
                 'calls', h.calls,
                 'rows', h.rows,
                 'mean_rows', pg_catalog.round(h.mean_rows::numeric, 1),
                 'total_bytes', pg_catalog.round(h.total_bytes::numeric, 0),
                 'mean_bytes', pg_catalog.round(h.mean_bytes::numeric, 0),
                 'columns', pg_catalog.to_jsonb(h.columns),
                 'column_share',
                     (SELECT pg_catalog.jsonb_agg(pg_catalog.round(s.share::numeric, 3) ORDER BY s.n)
                        FROM pg_catalog.unnest(h.column_share) WITH ORDINALITY AS s(share, n)),
                 'application_name', h.application_name,
                 'tags', h.tags,
                 'advice', h.advice,
                 'first_seen', h.first_seen,
                 'last_seen', h.last_seen)
                 ORDER BY h.total_bytes DESC NULLS LAST, h.rows DESC, h.query), '[]'::jsonb)
               FROM pg_nplusone_heavy_reads h),
        'connections',
            (SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                 'role', pg_catalog.pg_get_userbyid(n.userid)::text,
                 'database', (SELECT d.datname::text FROM pg_catalog.pg_database d
                               WHERE d.oid = n.dbid),
                 'application_name', n.application_name,
                 'sessions', n.sessions,
                 'statements', n.statements,
                 'mean_statements', pg_catalog.round(n.mean_statements::numeric, 1),
                 'mean_session_time', pg_catalog.round(n.mean_session_time::numeric, 3),
                 'connect_share', pg_catalog.round(n.connect_share::numeric, 3),
                 'advice', n.advice)
                 ORDER BY n.sessions DESC, n.application_name), '[]'::jsonb)
               FROM pg_nplusone_connections n));
END;

COMMENT ON FUNCTION pg_nplusone_report_document() IS
'all that a report tells, as a JSON document: clusters by the wall-clock time that they wasted, index hints, statements per unit of work, heavy reads, and connections; times are in milliseconds, sizes in bytes; anyone may call it, and sees what the views show';

-- A section per kind of thing, a paragraph per cluster; psql's aligned output
-- puts a space before each line and a "+" behind it, which fit in too.
CREATE FUNCTION pg_nplusone_report_text(document jsonb, width integer)
RETURNS text
LANGUAGE SQL STABLE
BEGIN ATOMIC
    WITH page AS MATERIALIZED (
        SELECT width - 2 AS columns, (width - 2) / 5 AS bar, d.clusters, d.index_hints, d.requests,
               d.heavy_reads, d.connections,
               t.clusters AS n_clusters, t.muted, t.loops, t.calls, t.wasted_time
          FROM pg_catalog.jsonb_to_record(document)
                   AS d(totals jsonb, clusters jsonb, index_hints jsonb, requests jsonb,
                        heavy_reads jsonb, connections jsonb),
               pg_catalog.jsonb_to_record(d.totals)
                   AS t(clusters bigint, muted bigint, loops bigint, calls bigint, wasted_time float8)
    ), cluster AS MATERIALIZED (
        SELECT c.*,
               (p.bar::float8 * c.wasted_time
                / NULLIF(pg_catalog.max(c.wasted_time) OVER (), 0::float8))::integer AS bar_wasted,
               (p.bar::float8 * c.total_exec_time
                / NULLIF(pg_catalog.max(c.wasted_time) OVER (), 0::float8))::integer AS bar_exec
          FROM page p,
               pg_catalog.jsonb_to_recordset(p.clusters)
                   AS c(rank integer, clusterid text, role text, database text, pattern text,
                        confidence text, link text, query text, parent_query text, loops bigint,
                        calls bigint, max_calls bigint, duplicate_calls bigint,
                        parent_rows bigint, wasted_time float8, total_exec_time float8,
                        total_gap_time float8, max_loop_time float8, application_name text,
                        tags jsonb, advice text, rewrite text, muted boolean)
         WHERE c.rank <= 20
    ), section AS (
        SELECT 1 AS n, 0 AS rank,
               CASE WHEN p.n_clusters = 0::bigint THEN 'pg_nplusone: no loops'::text
               ELSE pg_nplusone_report_fit(pg_catalog.format(
                        'pg_nplusone: clusters %s (muted %s), loops %s, executions %s, wasted %s'::text,
                        p.n_clusters, p.muted, p.loops, p.calls,
                        pg_nplusone_report_time(p.wasted_time)), p.columns, 0, 0)
                    || E'\nbars: # in the executor, - waiting for the next execution\n\n'::text
                    || pg_catalog.format('%4s %9s %-*s %9s %-16s %s'::text,
                                         '#', 'wasted', p.bar, '', 'calls', 'pattern', 'link')
               END AS lines
          FROM page p
        UNION ALL
        SELECT 2, c.rank,
               pg_catalog.format('%4s %9s %-*s %9s %-16s '::text, c.rank,
                   pg_nplusone_report_time(c.wasted_time), p.bar,
                   pg_catalog.repeat('#'::text, c.bar_exec)
                       || pg_catalog.repeat('-'::text, c.bar_wasted - c.bar_exec),
                   c.calls, c.pattern)
               || pg_nplusone_report_fit(COALESCE(c.link, c.query, ''::text),
                                         p.columns, p.bar + 43, 1)
          FROM page p, cluster c
        UNION ALL
        SELECT 3, 0, pg_catalog.format(E'\n%s more are in the views and in the other formats'::text,
                                       p.n_clusters - 20::bigint)
          FROM page p WHERE p.n_clusters > 20::bigint
        UNION ALL
        SELECT 4, c.rank,
               pg_catalog.format(E'\n%s. %s, %s%s\n'::text, c.rank, c.pattern, c.confidence,
                                 CASE WHEN c.muted THEN ', muted' END)
               || (SELECT pg_catalog.string_agg(
                              pg_catalog.format('   %-9s'::text, l.label)
                              || pg_nplusone_report_fit(l.value, p.columns, 12, l.lines),
                              E'\n'::text ORDER BY l.n)
                     FROM (VALUES
                         (1, 'link'::text, c.link, 2),
                         (2, 'parent'::text, c.parent_query, 3),
                         (3, 'child'::text, c.query, 3),
                         (4, 'counts'::text, pg_catalog.format(
                             'executions %s, longest loop %s, repeated keys %s, loops %s, parent rows %s'::text,
                             c.calls, c.max_calls, c.duplicate_calls, c.loops, c.parent_rows), 0),
                         (5, 'times'::text, pg_catalog.format(
                             '%s in the executor, %s waiting; longest loop %s'::text,
                             pg_nplusone_report_time(c.total_exec_time),
                             pg_nplusone_report_time(c.total_gap_time),
                             pg_nplusone_report_time(c.max_loop_time)), 0),
                         (6, 'advice'::text, c.advice, 0),
                         (7, 'rewrite'::text, c.rewrite, 0),
                         (8, 'from'::text, pg_catalog.concat_ws(', '::text,
                             pg_catalog.concat_ws('@'::text, c.role, c.database), c.application_name,
                             (SELECT pg_catalog.string_agg(t.key || '='::text || t.value, ', '::text ORDER BY t.key)
                                FROM pg_catalog.jsonb_each_text(c.tags) AS t(key, value))), 0),
                         (9, 'cluster'::text, c.clusterid, 1)) AS l(n, label, value, lines)
                    WHERE l.value <> ''::text)
          FROM page p, cluster c
        UNION ALL
        SELECT 5, 0, E'\nIndex hints'::text
          FROM page p WHERE pg_catalog.jsonb_array_length(p.index_hints) > 0
        UNION ALL
        SELECT 6, h.n::integer,
               '   '::text || pg_nplusone_report_fit(COALESCE(h.ddl, h.finding, ''::text), p.columns, 3, 0)
               || COALESCE(E'\n      '::text || pg_nplusone_report_fit(h.reason, p.columns, 6, 0), ''::text)
          FROM page p,
               ROWS FROM (pg_catalog.jsonb_to_recordset(p.index_hints)
                              AS (ddl text, finding text, reason text)) WITH ORDINALITY AS h(ddl, finding, reason, n)
        UNION ALL
        SELECT 7, 0, E'\nStatements per unit of work\n'::text
               || pg_catalog.format('%9s %9s %9s %9s  %s'::text, 'mean', 'max', 'units', 'loops', 'route')
          FROM page p WHERE pg_catalog.jsonb_array_length(p.requests) > 0
        UNION ALL
        SELECT 8, r.n::integer,
               pg_catalog.format('%9s %9s %9s %9s  '::text, r.mean_statements, r.max_statements,
                                 r.units, r.units_with_loops)
               || pg_nplusone_report_fit(
                      pg_catalog.concat_ws(', '::text, r.route, r.application_name), p.columns, 41, 1)
          FROM page p,
               ROWS FROM (pg_catalog.jsonb_to_recordset(p.requests)
                              AS (mean_statements numeric, max_statements bigint, units bigint,
                                  units_with_loops bigint, route text, application_name text))
                   WITH ORDINALITY AS r(mean_statements, max_statements, units,
                                        units_with_loops, route, application_name, n)
         WHERE r.n <= 20::bigint
        UNION ALL
        SELECT 9, 0, E'\nHeavy reads'::text
          FROM page p WHERE pg_catalog.jsonb_array_length(p.heavy_reads) > 0
        UNION ALL
        SELECT 10, h.n::integer,
               pg_catalog.format(E'%s%s. %s, executions %s, rows %s%s\n'::text,
                                 CASE WHEN h.n > 1::bigint THEN E'\n' END, h.n, h.finding, h.calls, h.rows,
                                 ', '::text || pg_catalog.pg_size_pretty(h.total_bytes::bigint))
               || (SELECT pg_catalog.string_agg(
                              pg_catalog.format('   %-9s'::text, l.label)
                              || pg_nplusone_report_fit(l.value, p.columns, 12, l.lines),
                              E'\n'::text ORDER BY l.n)
                     FROM (VALUES
                         (1, 'query'::text, h.query, 3),
                         (2, 'advice'::text, h.advice, 0),
                         (3, 'from'::text, pg_catalog.concat_ws(', '::text,
                             pg_catalog.concat_ws('@'::text, h.role, h.database), h.application_name,
                             (SELECT pg_catalog.string_agg(t.key || '='::text || t.value, ', '::text ORDER BY t.key)
                                FROM pg_catalog.jsonb_each_text(h.tags) AS t(key, value))), 0)) AS l(n, label, value, lines)
                    WHERE l.value <> ''::text)
          FROM page p,
               ROWS FROM (pg_catalog.jsonb_to_recordset(p.heavy_reads)
                              AS (finding text, calls bigint, rows bigint, total_bytes numeric, query text,
                                  advice text, role text, database text, application_name text, tags jsonb))
                   WITH ORDINALITY AS h(finding, calls, rows, total_bytes, query, advice, role,
                                        database, application_name, tags, n)
         WHERE h.n <= 20::bigint
        UNION ALL
        -- of connections only those that something is to be done about
        SELECT 11, 0, E'\nConnections\n'::text
               || pg_catalog.format('%9s %9s %9s %9s  %s'::text, 'sessions', 'mean', 'time', 'connect', 'program')
          FROM page p
         WHERE EXISTS (SELECT FROM pg_catalog.jsonb_to_recordset(p.connections) AS c(advice text)
                        WHERE c.advice IS NOT NULL)
        UNION ALL
        SELECT 12, c.n::integer,
               pg_catalog.format('%9s %9s %9s %7s %%  '::text, c.sessions, c.mean_statements,
                                 pg_nplusone_report_time(c.mean_session_time),
                                 pg_catalog.round(100::numeric * c.connect_share, 0))
               || pg_nplusone_report_fit(
                      pg_catalog.concat_ws(', '::text, pg_catalog.concat_ws('@'::text, c.role, c.database),
                                           c.application_name), p.columns, 41, 1)
               || E'\n      '::text || pg_nplusone_report_fit(c.advice, p.columns, 6, 0)
          FROM page p,
               ROWS FROM (pg_catalog.jsonb_to_recordset(p.connections)
                              AS (sessions bigint, mean_statements numeric, mean_session_time float8,
                                  connect_share numeric, role text, database text,
                                  application_name text, advice text))
                   WITH ORDINALITY AS c(sessions, mean_statements, mean_session_time, connect_share,
                                        role, database, application_name, advice, n)
         WHERE c.advice IS NOT NULL
    )
    SELECT pg_catalog.string_agg(s.lines, E'\n'::text ORDER BY s.n, s.rank) FROM section s;
END;

COMMENT ON FUNCTION pg_nplusone_report_text(jsonb, integer) IS
'document of pg_nplusone_report_document() as text for a terminal of the given width: the ranking, then the twenty clusters at its head one by one, index hints, the twenty busiest routes, twenty heavy reads, and connections that are worth keeping; anyone may call it';

-- Whatever text comes from the document is escaped once, in the first CTEs;
-- the markup is made from their columns, and from numbers.
CREATE FUNCTION pg_nplusone_report_html(document jsonb)
RETURNS text
LANGUAGE SQL STABLE
BEGIN ATOMIC
    WITH page AS MATERIALIZED (
        SELECT d.clusters, d.index_hints, d.requests, d.heavy_reads, d.connections,
               pg_nplusone_report_escape(d.database) AS database,
               pg_nplusone_report_escape(d.server_version) AS server_version,
               pg_nplusone_report_escape(d.extension_version) AS extension_version,
               pg_catalog.to_char(d.generated_at, 'YYYY-MM-DD HH24:MI:SS TZ'::text) AS generated_at,
               pg_catalog.to_char(d.stats_reset, 'YYYY-MM-DD HH24:MI:SS TZ'::text) AS stats_reset,
               t.clusters AS n_clusters, t.muted, t.loops, t.calls, t.wasted_time
          FROM pg_catalog.jsonb_to_record(document)
                   AS d(totals jsonb, clusters jsonb, index_hints jsonb, requests jsonb,
                        heavy_reads jsonb, connections jsonb, database text, server_version text, extension_version text,
                        generated_at timestamptz, stats_reset timestamptz),
               pg_catalog.jsonb_to_record(d.totals)
                   AS t(clusters bigint, muted bigint, loops bigint, calls bigint, wasted_time float8)
    ), cluster AS MATERIALIZED (
        SELECT c.rank, c.clusterid AS raw_id,
               pg_nplusone_report_escape(c.clusterid) AS clusterid,
               pg_nplusone_report_escape(c.role) AS role,
               pg_nplusone_report_escape(c.database) AS database,
               pg_nplusone_report_escape(c.application_name) AS application_name,
               pg_nplusone_report_escape(c.pattern) AS pattern,
               pg_nplusone_report_escape(c.confidence) AS confidence,
               CASE WHEN c.confidence = 'proven'::text THEN
                   'the keys of the executions were, in order, the values of a column of the parent''s result.'::text
               WHEN c.confidence = 'likely'::text THEN
                   'a transaction, a request tag, an unbroken run of writes, or a run as long as the parent''s result ties the executions together.'::text
               ELSE 'the statement was repeated, and nothing else ties the executions together.'::text
               END AS proof,
               pg_nplusone_report_escape(c.link) AS link,
               pg_nplusone_report_escape(COALESCE(c.link, c.query)) AS title,
               pg_nplusone_report_escape(c.query) AS query,
               pg_nplusone_report_escape(c.parent_query) AS parent_query,
               pg_nplusone_report_escape(c.advice) AS advice,
               pg_nplusone_report_escape(c.rewrite) AS rewrite,
               (SELECT pg_catalog.string_agg(
                           '<span class="tag">'::text || pg_nplusone_report_escape(t.key)
                           || '=<bdi dir="ltr">'::text || pg_nplusone_report_escape(t.value)
                           || '</bdi></span>'::text, ' '::text ORDER BY t.key)
                  FROM pg_catalog.jsonb_each_text(c.tags) AS t(key, value)) AS tags,
               c.loops, c.calls, c.max_calls, c.duplicate_calls, c.parent_rows, c.rows, c.muted,
               c.shared_blks_hit, c.shared_blks_read,
               pg_nplusone_report_time(c.wasted_time) AS wasted,
               pg_nplusone_report_time(c.total_exec_time) AS exec,
               pg_nplusone_report_time(c.total_gap_time) AS gap,
               pg_nplusone_report_time(c.max_loop_time) AS longest,
               pg_catalog.round((100::float8 * c.total_exec_time
                   / NULLIF(pg_catalog.max(c.wasted_time) OVER (), 0::float8))::numeric, 2) AS bar_exec,
               pg_catalog.round((100::float8 * c.total_gap_time
                   / NULLIF(pg_catalog.max(c.wasted_time) OVER (), 0::float8))::numeric, 2) AS bar_gap,
               pg_catalog.round((100::float8 * c.wasted_time
                   / NULLIF(p.wasted_time, 0::float8))::numeric, 1) AS share
          FROM page p,
               pg_catalog.jsonb_to_recordset(p.clusters)
                   AS c(rank integer, clusterid text, role text, database text, pattern text,
                        confidence text, link text, query text, parent_query text, loops bigint,
                        calls bigint, max_calls bigint, duplicate_calls bigint,
                        parent_rows bigint, rows bigint, wasted_time float8, total_exec_time float8,
                        total_gap_time float8, max_loop_time float8, shared_blks_hit bigint,
                        shared_blks_read bigint, application_name text,
                        tags jsonb, advice text, rewrite text, muted boolean)
    ), hint AS MATERIALIZED (
        SELECT h.n, h.clusterid AS raw_id,
               pg_catalog.format('<article class="hint">%s%s%s%s<p class="figures">%s</p>%s</article>'::text,
                   '<pre class="after">'::text || pg_nplusone_report_escape(h.ddl) || '</pre>'::text,
                   '<p>'::text || pg_nplusone_report_escape(h.finding) || '</p>'::text,
                   '<p>'::text || pg_nplusone_report_escape(h.reason) || '</p>'::text,
                   CASE WHEN h.query IS NOT NULL THEN
                       '<details><summary>Statement</summary><pre>'::text
                       || pg_nplusone_report_escape(h.query) || '</pre></details>'::text END,
                   pg_catalog.concat_ws(' &middot; '::text,
                       pg_nplusone_report_escape(h.relation),
                       'cost '::text || pg_catalog.round(h.cost_before, 2)::text
                           || ' &rarr; '::text || pg_catalog.round(h.cost_after, 2)::text,
                       'saves about '::text || pg_nplusone_report_time(h.estimated_saving),
                       'size about '::text || pg_catalog.pg_size_pretty(h.index_size),
                       'verified: '::text || pg_nplusone_report_escape(h.verified)),
                   CASE WHEN h.plan_before IS NOT NULL THEN pg_catalog.format(
                       '<details><summary>Plans</summary><div class="two"><div><h5>Before</h5><pre>%s</pre></div><div><h5>After</h5><pre>%s</pre></div></div></details>'::text,
                       pg_nplusone_report_escape(h.plan_before),
                       pg_nplusone_report_escape(h.plan_after)) END) AS markup
          FROM page p,
               ROWS FROM (pg_catalog.jsonb_to_recordset(p.index_hints)
                              AS (clusterid text, query text, relation text, ddl text, finding text,
                                  reason text, cost_before numeric, cost_after numeric,
                                  estimated_saving float8, index_size bigint, verified text,
                                  plan_before text, plan_after text))
                   WITH ORDINALITY AS h(clusterid, query, relation, ddl, finding, reason,
                                        cost_before, cost_after, estimated_saving, index_size,
                                        verified, plan_before, plan_after, n)
    ), request AS (
        SELECT r.n,
               pg_catalog.format('<tr><td class="name"><bdi dir="ltr">%s</bdi><small><bdi dir="ltr">%s</bdi></small></td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td><td class="num wide">%s</td><td class="num wide">%s</td></tr>'::text,
                   COALESCE(pg_nplusone_report_escape(r.route), '<i>no route</i>'::text),
                   pg_nplusone_report_escape(r.application_name),
                   r.mean_statements, r.max_statements, r.units, r.units_with_loops,
                   pg_nplusone_report_time(r.mean_time),
                   pg_nplusone_report_time(r.max_time)) AS markup
          FROM page p,
               ROWS FROM (pg_catalog.jsonb_to_recordset(p.requests)
                              AS (route text, application_name text, mean_statements numeric,
                                  max_statements bigint, units bigint, units_with_loops bigint,
                                  mean_time float8, max_time float8))
                   WITH ORDINALITY AS r(route, application_name, mean_statements, max_statements,
                                        units, units_with_loops, mean_time, max_time, n)
    ), heavy AS (
        SELECT h.n,
               pg_catalog.format('<article class="hint"><h5>%s</h5>%s%s<p class="figures">%s</p></article>'::text,
                   pg_nplusone_report_escape(h.finding),
                   '<p class="advice">'::text || pg_nplusone_report_escape(h.advice) || '</p>'::text,
                   '<pre>'::text || pg_nplusone_report_escape(h.query) || '</pre>'::text,
                   pg_catalog.concat_ws(' &middot; '::text,
                       'executions '::text || h.calls::text,
                       'rows '::text || h.rows::text,
                       pg_catalog.pg_size_pretty(h.total_bytes::bigint),
                       pg_nplusone_report_escape(pg_catalog.concat_ws(' @ '::text, h.role, h.database)),
                       '<bdi dir="ltr">'::text || pg_nplusone_report_escape(h.application_name) || '</bdi>'::text,
                       (SELECT pg_catalog.string_agg(
                                   '<span class="tag">'::text || pg_nplusone_report_escape(t.key)
                                   || '=<bdi dir="ltr">'::text || pg_nplusone_report_escape(t.value)
                                   || '</bdi></span>'::text, ' '::text ORDER BY t.key)
                          FROM pg_catalog.jsonb_each_text(h.tags) AS t(key, value)))) AS markup
          FROM page p,
               ROWS FROM (pg_catalog.jsonb_to_recordset(p.heavy_reads)
                              AS (finding text, calls bigint, rows bigint, total_bytes numeric, query text,
                                  advice text, role text, database text, application_name text, tags jsonb))
                   WITH ORDINALITY AS h(finding, calls, rows, total_bytes, query, advice, role,
                                        database, application_name, tags, n)
    ), connection AS (
        SELECT c.n,
               pg_catalog.format('<tr><td class="name"><bdi dir="ltr">%s</bdi><small><bdi dir="ltr">%s</bdi></small><small>%s</small></td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td><td class="num">%s %%</td></tr>'::text,
                   pg_nplusone_report_escape(pg_catalog.concat_ws(' @ '::text, c.role, c.database)),
                   pg_nplusone_report_escape(c.application_name),
                   pg_nplusone_report_escape(c.advice),
                   c.sessions, c.mean_statements, pg_nplusone_report_time(c.mean_session_time),
                   pg_catalog.round(100::numeric * c.connect_share, 0)) AS markup
          FROM page p,
               ROWS FROM (pg_catalog.jsonb_to_recordset(p.connections)
                              AS (sessions bigint, mean_statements numeric, mean_session_time float8,
                                  connect_share numeric, role text, database text,
                                  application_name text, advice text))
                   WITH ORDINALITY AS c(sessions, mean_statements, mean_session_time, connect_share,
                                        role, database, application_name, advice, n)
         WHERE c.advice IS NOT NULL
    ), ranking AS (
        SELECT c.rank,
               pg_catalog.format('<tr%s><td class="num">%s</td><td class="bars"><b>%s</b> <small>%s %%</small><span class="bar"><i style="width:%s%%"></i><u style="width:%s%%"></u></span></td><td class="num">%s</td><td class="num wide">%s</td><td class="name"><a href="#cluster-%s"><bdi dir="ltr">%s</bdi></a><small>%s, <span class="%s">%s</span>%s</small></td></tr>'::text,
                   CASE WHEN c.muted THEN ' class="muted"' END, c.rank, c.wasted,
                   COALESCE(c.share, 0::numeric), COALESCE(c.bar_exec, 0::numeric),
                   COALESCE(c.bar_gap, 0::numeric), c.calls, c.loops, c.rank, c.title,
                   c.pattern, c.confidence, c.confidence,
                   CASE WHEN c.muted THEN ', muted' END) AS markup
          FROM cluster c
    ), story AS (
        SELECT c.rank,
               pg_catalog.format('<details class="cluster"%s><summary><b>%s.</b> <bdi dir="ltr">%s</bdi><small>%s, <span class="%s">%s</span>, %s wasted%s</small></summary><div id="cluster-%s">'::text,
                   CASE WHEN c.rank <= 3 THEN ' open' END, c.rank, c.title, c.pattern,
                   c.confidence, c.confidence, c.wasted,
                   CASE WHEN c.muted THEN ', muted' END, c.rank)
               || COALESCE('<h4>Advice</h4><p class="advice">'::text || c.advice || '</p>'::text, ''::text)
               || '<div class="two"><div><h4>Before</h4>'::text
               || CASE WHEN c.parent_query IS NULL THEN ''::text
                  ELSE pg_catalog.format('<h5>Parent, returned %s rows</h5><pre>%s</pre><p class="arrow">&darr; <bdi dir="ltr">%s</bdi></p>'::text,
                           c.parent_rows, c.parent_query, c.link) END
               || pg_catalog.format('<h5>Child, executed %s times in %s</h5><pre>%s</pre></div><div><h4>After</h4>'::text,
                      c.calls, CASE WHEN c.loops = 1::bigint THEN 'a loop'::text
                               ELSE c.loops::text || ' loops'::text END, c.query)
               || COALESCE('<h5>One statement</h5><pre class="after">'::text || c.rewrite || '</pre>'::text,
                           '<p>No statement is known that replaces the loop.</p>'::text)
               || pg_catalog.format('</div></div><h4>Proof</h4><p><span class="%s">%s</span>: %s</p><dl>'::text,
                      c.confidence, c.confidence, c.proof)
               || (SELECT pg_catalog.string_agg(
                              pg_catalog.format('<div><dt>%s</dt><dd>%s</dd></div>'::text, f.label, f.value),
                              ''::text ORDER BY f.n)
                     FROM (VALUES
                         (1, 'Executions'::text, c.calls::text),
                         (2, 'In the longest loop'::text, c.max_calls::text),
                         (3, 'Parent rows'::text, c.parent_rows::text),
                         (4, 'Repeated a key'::text, c.duplicate_calls::text),
                         (5, 'Rows'::text, c.rows::text),
                         (6, 'In the executor'::text, c.exec),
                         (7, 'Between executions'::text, c.gap),
                         (8, 'Longest loop'::text, c.longest),
                         (9, 'Blocks hit, read'::text, c.shared_blks_hit::text || ', '::text
                                                       || c.shared_blks_read::text)) AS f(n, label, value))
               || '</dl>'::text
               || COALESCE('<h4>Index hints</h4>'::text
                           || (SELECT pg_catalog.string_agg(h.markup, ''::text ORDER BY h.n)
                                 FROM hint h WHERE h.raw_id = c.raw_id), ''::text)
               || '<p class="figures">'::text
               || pg_catalog.concat_ws(' &middot; '::text,
                      'cluster '::text || c.clusterid, pg_catalog.concat_ws(' @ '::text, c.role, c.database),
                      '<bdi dir="ltr">'::text || c.application_name || '</bdi>'::text, c.tags)
               || '</p></div></details>'::text AS markup
          FROM cluster c
    )
    SELECT '<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src ''none''; style-src ''unsafe-inline''">
<meta name="color-scheme" content="light dark">
<title>pg_nplusone: '::text || p.database || '</title>
<style>
:root { --paper: #fbfaf8; --card: #fff; --ink: #1d2329; --dim: #5f6872; --line: #dcdad5;
  --exec: #b3541e; --gap: #e6b17e; --link: #1f5fa8; --good: #2c6e49; --code: #f3f1ec }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --card: #1c2024; --ink: #e4e6e8; --dim: #9aa3ac; --line: #343a40;
    --exec: #e58a4e; --gap: #7a4a28; --link: #7fb2ec; --good: #7cc79b; --code: #24292e } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { margin: 0; font-size: 1.6rem } h2 { margin: 2.2rem 0 .8rem; font-size: 1.2rem }
h4 { margin: 1.2rem 0 .4rem; font-size: 1rem } h5 { margin: .6rem 0 .3rem; font-size: .8rem; color: var(--dim); font-weight: 600 }
p { margin: .4rem 0 } a { color: var(--link) }
small, .figures, .note { color: var(--dim); font-size: .85rem }
.totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .8rem; margin: 1.2rem 0; padding: 0 }
.totals div, .cluster, .hint { background: var(--card); border: 1px solid var(--line); border-radius: 8px }
.totals div { padding: .7rem 1rem } .totals b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line) }
th, td { padding: .45rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { color: var(--dim); font-size: .8rem; font-weight: 600 }
.num { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.name { width: 60% } .name small { display: block }
.bars { width: 24%; white-space: nowrap }
.bar { display: flex; height: .5rem; margin-top: .3rem; background: var(--code); border-radius: 3px; overflow: hidden }
.bar i, .exec { background: var(--exec) } .bar u, .gap { background: var(--gap) }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px }
.proven, .likely { font-weight: 600; color: var(--exec) } .likely { color: inherit }
tr.muted { opacity: .7 }
.cluster { margin: .7rem 0; padding: 0 1rem }
summary { cursor: pointer } .cluster > summary { padding: .7rem 0 } summary small { display: block }
.cluster > div { padding-bottom: .8rem; border-top: 1px solid var(--line) }
.two { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 1.2rem }
pre { margin: 0; padding: .6rem .8rem; max-height: 24rem; overflow: auto; background: var(--code); border-left: 3px solid var(--gap); border-radius: 4px;
  font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; unicode-bidi: isolate }
pre.after { border-color: var(--good) } .arrow { color: var(--exec); font-weight: 600 }
.advice { white-space: pre-line; padding: .5rem .8rem; border-left: 3px solid var(--good); background: var(--code); border-radius: 4px }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .5rem 1rem; margin: .6rem 0 }
dt { color: var(--dim); font-size: .8rem } dd { margin: 0; font-variant-numeric: tabular-nums }
.hint { margin: .6rem 0; padding: .7rem 1rem } .tag { padding: 0 .4em; background: var(--code); border-radius: 4px }
@media (max-width: 40rem) {
  body { padding: .8rem } .wide { display: none } .two { grid-template-columns: minmax(0, 1fr) }
  th, td { padding: .4rem .35rem } .cluster, .hint { padding-left: .7rem; padding-right: .7rem }
  .name { width: auto } .bars small { display: none } .totals { grid-template-columns: repeat(2, 1fr) } }
@media print { .cluster, .hint { break-inside: avoid } }
</style>
</head>
<body>
<h1>pg_nplusone</h1>
<p class="note">Database '::text || p.database || ', PostgreSQL '::text || p.server_version
        || ', pg_nplusone '::text || p.extension_version || '; '::text || p.generated_at
        || COALESCE(', since '::text || p.stats_reset, ''::text) || '</p>
<div class="totals">'::text
        || pg_catalog.format('<div><b>%s</b>wasted</div><div><b>%s</b>executions</div><div><b>%s</b>loops</div><div><b>%s</b>clusters, %s muted</div>'::text,
               pg_nplusone_report_time(p.wasted_time),
               pg_catalog.to_char(p.calls, 'FM999,999,999,999,990'::text),
               pg_catalog.to_char(p.loops, 'FM999,999,999,999,990'::text), p.n_clusters, p.muted)
        || '</div>
<h2>Ranking</h2>
'::text || COALESCE('<p class="note"><span class="key exec"></span> in the executor <span class="key gap"></span> between executions: network and client</p>
<table>
<thead><tr><th class="num">#</th><th>Wasted</th><th class="num">Calls</th><th class="num wide">Loops</th><th>Link</th></tr></thead>
<tbody>
'::text || (SELECT pg_catalog.string_agg(r.markup, E'\n'::text ORDER BY r.rank) FROM ranking r)
        || '
</tbody>
</table>
<h2>Clusters</h2>
'::text || (SELECT pg_catalog.string_agg(s.markup, E'\n'::text ORDER BY s.rank) FROM story s),
            '<p>No loops have been found.</p>'::text)
        || COALESCE('
<h2>Index hints</h2>
'::text || (SELECT pg_catalog.string_agg(h.markup, E'\n'::text ORDER BY h.n) FROM hint h), ''::text)
        || COALESCE('
<h2>Statements per unit of work</h2>
<table>
<thead><tr><th>Route</th><th class="num">Mean</th><th class="num">Max</th><th class="num">Units</th><th class="num">With loops</th><th class="num wide">Mean time</th><th class="num wide">Max time</th></tr></thead>
<tbody>
'::text || (SELECT pg_catalog.string_agg(r.markup, E'\n'::text ORDER BY r.n) FROM request r) || '
</tbody>
</table>'::text, ''::text)
        || COALESCE('
<h2>Heavy reads</h2>
'::text || (SELECT pg_catalog.string_agg(h.markup, E'\n'::text ORDER BY h.n) FROM heavy h), ''::text)
        || COALESCE('
<h2>Connections</h2>
<table>
<thead><tr><th>Program</th><th class="num">Sessions</th><th class="num">Statements, mean</th><th class="num">Time, mean</th><th class="num">Connecting</th></tr></thead>
<tbody>
'::text || (SELECT pg_catalog.string_agg(c.markup, E'\n'::text ORDER BY c.n) FROM connection c) || '
</tbody>
</table>'::text, ''::text)
        || '
</body>
</html>'::text
      FROM page p;
END;

COMMENT ON FUNCTION pg_nplusone_report_html(jsonb) IS
'document of pg_nplusone_report_document() as a page of HTML that needs nothing else; anyone may call it';

CREATE FUNCTION pg_nplusone_report(format text DEFAULT 'text', width integer DEFAULT 80)
RETURNS text
LANGUAGE SQL VOLATILE
BEGIN ATOMIC
    SELECT CASE pg_nplusone_report_check(format, width)
           WHEN 'html'::text THEN pg_nplusone_report_html(pg_nplusone_report_document())
           WHEN 'json'::text THEN pg_catalog.jsonb_pretty(pg_nplusone_report_document())
           ELSE pg_nplusone_report_text(pg_nplusone_report_document(), width)
           END;
END;

COMMENT ON FUNCTION pg_nplusone_report(text, integer) IS
'report on the loops, as text for a terminal of the given width, as json, or as an html page; fails with invalid_parameter_value on another format or a width of less than 60; anyone may call it, and sees what the views show';
