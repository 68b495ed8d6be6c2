--
-- CREATE EXTENSION, and what it creates.
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pg_nplusone;
RESET client_min_messages;
CREATE EXTENSION pg_nplusone;

-- the views, column by column
SELECT attrelid::regclass AS view, attname AS column,
       format_type(atttypid, atttypmod) AS type
  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
 WHERE c.relname IN ('pg_nplusone', 'pg_nplusone_activity', 'pg_nplusone_requests',
                     'pg_nplusone_index_hints', 'pg_nplusone_info')
   AND c.relkind = 'v' AND attnum > 0
 ORDER BY c.relname COLLATE "C", attnum;

SELECT attname AS column, format_type(atttypid, atttypmod) AS type
  FROM pg_attribute WHERE attrelid = 'pg_nplusone_heavy_reads'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname AS column, format_type(atttypid, atttypmod) AS type
  FROM pg_attribute WHERE attrelid = 'pg_nplusone_connections'::regclass AND attnum > 0 ORDER BY attnum;

-- pg_nplusone_session has the columns of pg_nplusone, in that order
SELECT a.attname, a.atttypid::regtype, s.attname, s.atttypid::regtype
  FROM (SELECT * FROM pg_attribute WHERE attrelid = 'pg_nplusone'::regclass AND attnum > 0) a
  FULL JOIN
       (SELECT * FROM pg_attribute WHERE attrelid = 'pg_nplusone_session'::regclass AND attnum > 0) s
    ON a.attnum = s.attnum
 WHERE (a.attname, a.atttypid) IS DISTINCT FROM (s.attname, s.atttypid);

-- the functions that are meant to be called by hand
SELECT oid::regprocedure AS function, prorettype::regtype AS returns,
       pronargdefaults AS defaults, proretset AS set
  FROM pg_proc
 WHERE proname IN ('pg_nplusone_reset', 'pg_nplusone_session_reset',
                   'pg_nplusone_session_statements', 'pg_nplusone_mute', 'pg_nplusone_unmute')
 ORDER BY oid::regprocedure::text COLLATE "C";
SELECT pg_get_function_arguments('pg_nplusone_reset'::regproc);

-- what reads the module's memory does not run in a parallel worker, which has
-- no session, and is not taken for constant
SELECT p.oid::regprocedure
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'c'
  JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
 WHERE e.extname = 'pg_nplusone' AND (proparallel = 's' OR provolatile <> 'v')
   AND proname NOT LIKE 'pg\_nplusone\_report\_%';

-- every view, column and function carries a comment
WITH member AS (
    SELECT d.classid, d.objid
      FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
     WHERE d.refclassid = 'pg_extension'::regclass
       AND d.deptype = 'e' AND e.extname = 'pg_nplusone')
SELECT pg_describe_object(classid, objid, 0) AS uncommented
  FROM member
 WHERE classid IN ('pg_class'::regclass, 'pg_proc'::regclass)
   AND obj_description(objid, classid::regclass::name) IS NULL
UNION ALL
SELECT pg_describe_object(classid, objid, attnum)
  FROM member JOIN pg_attribute ON attrelid = objid
 WHERE classid = 'pg_class'::regclass AND attnum > 0
   AND col_description(objid, attnum) IS NULL
 ORDER BY 1;
SELECT obj_description(oid, 'pg_extension') IS NOT NULL AS commented
  FROM pg_extension WHERE extname = 'pg_nplusone';

-- everybody may read the views; resetting is for whom it is granted to
SELECT c.relname, has_table_privilege('public', c.oid, 'select') AS public_reads
  FROM pg_class c
 WHERE c.relname LIKE 'pg\_nplusone%' AND c.relkind = 'v'
   AND c.relnamespace = 'public'::regnamespace
   AND NOT has_table_privilege('public', c.oid, 'select');
SELECT has_function_privilege('public', 'pg_nplusone_reset(oid, oid, bigint)', 'execute')
           AS public_resets,
       has_function_privilege('public', 'pg_nplusone_mute(bigint)', 'execute')
           AS public_mutes,
       has_function_privilege('public', 'pg_nplusone_unmute(bigint)', 'execute')
           AS public_unmutes,
       has_function_privilege('public', 'pg_nplusone_session_reset()', 'execute')
           AS public_resets_session;

-- neither a search path nor objects of the same name come between the views
-- and their functions
CREATE SCHEMA impostor;
CREATE FUNCTION impostor.pg_nplusone_state() RETURNS integer LANGUAGE sql
    AS $$ SELECT 1 / 0 $$;
CREATE FUNCTION impostor.pg_nplusone_clusters() RETURNS integer LANGUAGE sql
    AS $$ SELECT 1 / 0 $$;
SET search_path = impostor, public;
SELECT count(*) AS info FROM public.pg_nplusone_info;
SELECT count(*) >= 0 AS clusters FROM public.pg_nplusone;
SET search_path = '';
SELECT count(*) AS info FROM public.pg_nplusone_info;
SELECT count(*) >= 0 AS clusters FROM public.pg_nplusone;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA impostor CASCADE;
RESET client_min_messages;

-- it can live in, and move to, any schema
DROP EXTENSION pg_nplusone;
CREATE SCHEMA monitoring;
CREATE SCHEMA elsewhere;
CREATE EXTENSION pg_nplusone SCHEMA monitoring;
SELECT count(*) AS info FROM monitoring.pg_nplusone_info;
ALTER EXTENSION pg_nplusone SET SCHEMA elsewhere;
SELECT count(*) AS info FROM elsewhere.pg_nplusone_info;
SELECT elsewhere.pg_nplusone_session_reset();

-- nothing is left of it
DROP EXTENSION pg_nplusone;
SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'pg\_nplusone%';
SELECT oid::regclass FROM pg_class WHERE relname LIKE 'pg\_nplusone%';
DROP SCHEMA monitoring;
DROP SCHEMA elsewhere;
CREATE EXTENSION pg_nplusone;
