-- Who may see and do what.  A role sees the statements of its own loops; those
-- of others only with the privileges of pg_read_all_stats.  The numbers are for
-- everyone.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
DROP TABLE IF EXISTS ledger;
DROP ROLE IF EXISTS nplusone_owner, nplusone_other, nplusone_monitor;
CREATE ROLE nplusone_owner;
CREATE ROLE nplusone_other;
CREATE ROLE nplusone_monitor IN ROLE pg_read_all_stats;
CREATE TABLE ledger (id int PRIMARY KEY, amount int);
GRANT ALL ON ledger TO nplusone_owner;
SELECT pg_nplusone_reset() \g /dev/null

SELECT plan(17);

-- A loop of nplusone_owner's

SET ROLE nplusone_owner;
SELECT pg_nplusone_session_reset() \g /dev/null
INSERT INTO ledger VALUES (1, 10);
INSERT INTO ledger VALUES (2, 20);
INSERT INTO ledger VALUES (3, 30);
INSERT INTO ledger VALUES (4, 40);
INSERT INTO ledger VALUES (5, 50);
INSERT INTO ledger VALUES (6, 60);

SELECT is(pattern || ' ' || calls, 'insert 6', 'the owner sees the loop')
FROM pg_nplusone WHERE userid = 'nplusone_owner'::regrole;
SELECT is(query, 'INSERT INTO ledger VALUES ($1, $2)', 'and its statement, without the amounts')
FROM pg_nplusone WHERE userid = 'nplusone_owner'::regrole;
SELECT isnt(clusterid, NULL, 'and its identifier')
FROM pg_nplusone WHERE userid = 'nplusone_owner'::regrole;
SELECT throws_ok('SELECT pg_nplusone_reset()', '42501', NULL, 'but may not reset');
SELECT lives_ok('SELECT * FROM pg_nplusone_info', 'may read pg_nplusone_info');
SELECT is(calls, 6::bigint, 'and sees the loop in pg_nplusone_session') FROM pg_nplusone_session;

-- Another role

SET ROLE nplusone_other;
SELECT is(pattern || ' ' || calls, 'insert 6', 'others see that there was a loop')
FROM pg_nplusone WHERE userid = 'nplusone_owner'::regrole;
SELECT is(query, '<insufficient privilege>', 'but not its statement')
FROM pg_nplusone WHERE userid = 'nplusone_owner'::regrole;
SELECT is(queryid, NULL, 'nor its query identifier')
FROM pg_nplusone WHERE userid = 'nplusone_owner'::regrole;
SELECT is(clusterid, NULL, 'nor its identifier')
FROM pg_nplusone WHERE userid = 'nplusone_owner'::regrole;
SELECT is(application_name, NULL, 'nor what program it was')
FROM pg_nplusone WHERE userid = 'nplusone_owner'::regrole;
SELECT throws_ok('SELECT pg_nplusone_reset()', '42501', NULL, 'nor may they reset');

-- A role that reads all statistics

SET ROLE nplusone_monitor;
SELECT is(query, 'INSERT INTO ledger VALUES ($1, $2)', 'pg_read_all_stats sees the statement')
FROM pg_nplusone WHERE userid = 'nplusone_owner'::regrole;
SELECT throws_ok('SELECT pg_nplusone_reset()', '42501', NULL, 'but may not reset either');

-- Settings that only a superuser may change, and those that anyone may

SELECT throws_ok('SET pg_nplusone.track = ''none''', '42501', NULL, 'not everyone may turn tracking off');
SELECT lives_ok('SET pg_nplusone.threshold = 3', 'anyone may set the threshold');

-- The superuser may

RESET ROLE;
SELECT is(pg_nplusone_reset(userid => 'nplusone_owner'::regrole), 1::bigint, 'a superuser resets one role''s clusters');

SELECT * FROM finish();
DROP TABLE ledger;
DROP ROLE nplusone_owner, nplusone_other, nplusone_monitor;
