-- Fail the test that holds a loop, in pgTAP.  psql sends each statement on its
-- own, as the application does; \gexec sends one for each row.

\set QUIET on
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\getenv mended MENDED
\if :{?mended}
\else
    \set mended false
\endif
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;

SELECT plan(2);

SELECT pg_nplusone_session_reset() \g /dev/null
\o /dev/null
\if :mended
    SELECT p.title, a.name FROM post p JOIN author a ON a.id = p.author_id ORDER BY p.id;
\else
    SELECT author_id, title FROM post ORDER BY id;
    SELECT format('SELECT name FROM author WHERE id = %s', author_id) FROM post ORDER BY id \gexec
\endif
\o

SELECT cmp_ok(pg_nplusone_session_statements(), '<=', 2::bigint, 'no more statements than it needs');
SELECT is_empty(
    $$SELECT pattern, calls, coalesce(link, query), advice FROM pg_nplusone_session
       WHERE confidence <> 'suspected' AND NOT muted$$,
    'the test holds a loop unless this is empty');

SELECT * FROM finish();
