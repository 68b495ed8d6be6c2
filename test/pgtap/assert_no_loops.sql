-- How a test of an application asserts that it does not loop, in SQL: run what
-- the application runs, then look at pg_nplusone_session.  Each statement below
-- is sent on its own, as a client would.

\set ON_ERROR_STOP on
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;

SET client_min_messages = warning;
DROP SCHEMA IF EXISTS shop CASCADE;
CREATE SCHEMA shop;
SET search_path = shop, public;
CREATE TABLE customer (id int PRIMARY KEY, name text);
CREATE TABLE purchase (id int PRIMARY KEY, customer_id int REFERENCES customer, total int);
INSERT INTO customer SELECT i, 'customer ' || i FROM generate_series(1, 50) i;
INSERT INTO purchase SELECT i, i * 7 % 50 + 1, i FROM generate_series(1, 100) i;
ANALYZE customer, purchase;

SELECT plan(8);

-- One statement for all: nothing is listed

SELECT pg_nplusone_session_reset() \g /dev/null
SELECT p.total, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id ORDER BY p.id LIMIT 10 \g /dev/null
SELECT is(pg_nplusone_session_statements(), 1::bigint, 'the join took one statement');
SELECT is_empty('SELECT * FROM pg_nplusone_session', 'and is not listed');

-- One statement more for each row: found, and proven by the values

SELECT pg_nplusone_session_reset() \g /dev/null
SELECT id, customer_id FROM purchase ORDER BY id LIMIT 10 \g /dev/null
SELECT name FROM customer WHERE id = 8 \g /dev/null
SELECT name FROM customer WHERE id = 15 \g /dev/null
SELECT name FROM customer WHERE id = 22 \g /dev/null
SELECT name FROM customer WHERE id = 29 \g /dev/null
SELECT name FROM customer WHERE id = 36 \g /dev/null
SELECT name FROM customer WHERE id = 43 \g /dev/null
SELECT name FROM customer WHERE id = 50 \g /dev/null
SELECT name FROM customer WHERE id = 7 \g /dev/null
SELECT name FROM customer WHERE id = 14 \g /dev/null
SELECT name FROM customer WHERE id = 21 \g /dev/null
SELECT is(pg_nplusone_session_statements(), 11::bigint, 'the loop took eleven statements');
SELECT is(count(*), 1::bigint, 'one loop is listed') FROM pg_nplusone_session;
SELECT is(pattern || ' ' || confidence, 'forward_fk proven', 'for what it is') FROM pg_nplusone_session;
SELECT is(link, 'purchase.customer_id -> customer.id', 'with the columns that tie it') FROM pg_nplusone_session;
SELECT is(calls, 10::bigint, 'and all its executions') FROM pg_nplusone_session;

-- Forgotten again

SELECT pg_nplusone_session_reset() \g /dev/null
SELECT is_empty('SELECT * FROM pg_nplusone_session', 'a reset forgets the loop');

SELECT * FROM finish();
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
