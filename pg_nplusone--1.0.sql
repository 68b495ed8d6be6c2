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
COMMENT ON COLUMN pg_nplusone.clusterid IS 'stable identifier of the cluster, for pg_nplusone_reset()';
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
COMMENT ON COLUMN pg_nplusone_session.clusterid IS 'stable identifier of the cluster, for pg_nplusone_reset()';
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

CREATE FUNCTION pg_nplusone_reset(
    userid oid DEFAULT 0,
    dbid oid DEFAULT 0,
    clusterid bigint DEFAULT 0
)
RETURNS bigint
AS 'MODULE_PATHNAME', 'pg_nplusone_reset_1_0'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pg_nplusone_reset(oid, oid, bigint) IS
'remove the clusters of a role, a database, or with an identifier (0: any), and return how many were removed; superusers may call it and those it is granted to';

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
GRANT SELECT ON pg_nplusone, pg_nplusone_session, pg_nplusone_activity, pg_nplusone_info TO PUBLIC;
