-- Index hints

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

GRANT SELECT ON pg_nplusone_index_hints TO PUBLIC;
