--
-- Who sees what, and who may do what.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SELECT pg_nplusone_reset() >= 0 AS cleared;
CREATE SCHEMA privileges;
SET search_path = privileges, public;
CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author);
INSERT INTO author SELECT n, 'author ' || n FROM generate_series(21, 40) n;
INSERT INTO post SELECT 100 + n, 21 + n * 7 % 19 FROM generate_series(1, 6) n;
CREATE ROLE regress_nplusone_app;
CREATE ROLE regress_nplusone_stranger;
CREATE ROLE regress_nplusone_dba IN ROLE pg_read_all_stats;
CREATE ROLE regress_nplusone_monitor IN ROLE pg_monitor;
GRANT USAGE ON SCHEMA privileges TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA privileges TO PUBLIC;

-- a loop of an application
SET application_name = 'shop';
SET ROLE regress_nplusone_app;
SELECT pg_nplusone_session_reset();
SELECT id, author_id FROM post ORDER BY id;
\o /dev/null
SELECT format('SELECT name FROM author WHERE id = %s', 21 + n * 7 % 19)
  FROM generate_series(1, 6) n \gexec
\o
SELECT clusterid FROM pg_nplusone_session \gset
\x on

-- The role itself sees it, in the view of its session ...
SELECT pattern, confidence, query, parent_query, link, calls, application_name,
       clusterid IS NOT NULL AS clusterid, queryid IS NOT NULL AS queryid,
       parent_queryid IS NOT NULL AS parent_queryid
  FROM pg_nplusone_session;
-- ... in that of all clusters, and while it runs.
SELECT userid::regrole, pattern, confidence, query, parent_query, link, calls, application_name,
       clusterid = :clusterid AS clusterid, queryid IS NOT NULL AS queryid,
       parent_queryid IS NOT NULL AS parent_queryid
  FROM pg_nplusone WHERE userid = 'regress_nplusone_app'::regrole;
SELECT userid::regrole, pattern, query, calls, application_name, parent_queryid IS NOT NULL AS parent_queryid
  FROM pg_nplusone_activity;

-- Another role sees that there is one, of whom, and how large; not what it is.
SET ROLE regress_nplusone_stranger;
SELECT userid::regrole, pattern, confidence, query, parent_query, link, calls, loops, application_name,
       tags, advice, rewrite, clusterid, queryid, parent_queryid, first_seen IS NOT NULL AS first_seen
  FROM pg_nplusone WHERE userid = 'regress_nplusone_app'::regrole;
SELECT userid::regrole, pattern, query, queryid, parent_queryid, calls, application_name
  FROM pg_nplusone_activity;

-- pg_read_all_stats shows all of it, also through pg_monitor ...
SET ROLE regress_nplusone_dba;
SELECT userid::regrole, query, parent_query, link, application_name, clusterid = :clusterid AS clusterid
  FROM pg_nplusone WHERE userid = 'regress_nplusone_app'::regrole;
SELECT query, application_name FROM pg_nplusone_activity;
SET ROLE regress_nplusone_monitor;
SELECT query, parent_query FROM pg_nplusone WHERE userid = 'regress_nplusone_app'::regrole;

-- ... and so does being a superuser.
RESET ROLE;
SELECT query, parent_query FROM pg_nplusone WHERE userid = 'regress_nplusone_app'::regrole;
\x off

-- The session view holds the loops of the session, whoever reads it; the
-- state of the module is no secret either.
SET ROLE regress_nplusone_stranger;
SELECT query FROM pg_nplusone_session;
SELECT clusters > 0 AS clusters, max_clusters FROM pg_nplusone_info;
SELECT pg_nplusone_session_statements() > 0 AS statements;

-- An ordinary user may not reset what all share, with any arguments;
SELECT pg_nplusone_reset();
SELECT pg_nplusone_reset('regress_nplusone_stranger'::regrole);
SELECT pg_nplusone_reset(0, 0, 42);
-- nor may one who sees everything,
SET ROLE regress_nplusone_dba;
SELECT pg_nplusone_reset();
RESET ROLE;
SELECT count(*) FROM pg_nplusone WHERE userid = 'regress_nplusone_app'::regrole;
-- but whom it is granted to,
GRANT EXECUTE ON FUNCTION pg_nplusone_reset TO regress_nplusone_dba;
SET ROLE regress_nplusone_dba;
SELECT pg_nplusone_reset('regress_nplusone_app'::regrole, 0, :clusterid);
RESET ROLE;
SELECT count(*) FROM pg_nplusone WHERE userid = 'regress_nplusone_app'::regrole;
-- and everybody may reset what is the session's own.
SET ROLE regress_nplusone_stranger;
SELECT pg_nplusone_session_reset();
RESET ROLE;

-- The clusters of a role that is gone stay, under its number.
SET ROLE regress_nplusone_app;
\o /dev/null
SELECT id, author_id FROM post ORDER BY id;
SELECT format('SELECT name FROM author WHERE id = %s', 21 + n * 7 % 19)
  FROM generate_series(1, 6) n \gexec
\o
RESET ROLE;
SELECT pg_nplusone_session_reset();
SELECT 'regress_nplusone_app'::regrole::oid AS gone \gset
REVOKE EXECUTE ON FUNCTION pg_nplusone_reset FROM regress_nplusone_dba;
SET client_min_messages = warning;
DROP SCHEMA privileges CASCADE;
DROP ROLE regress_nplusone_app, regress_nplusone_stranger, regress_nplusone_dba, regress_nplusone_monitor;
SELECT pattern, calls, query FROM pg_nplusone WHERE userid = :gone;
SELECT pg_nplusone_reset(:gone);
