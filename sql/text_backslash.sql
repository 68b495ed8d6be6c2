--
-- Texts where backslashes are read the old way, which 19 has given up
--
SELECT current_setting('server_version_num')::integer >= 190000 AS given_up \gset
\if :given_up
\quit
\endif
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;
SET pg_nplusone.idle_gap = '1min';
SET pg_nplusone.threshold = 2;
CREATE SCHEMA text_backslash;
SET search_path = text_backslash, public;
CREATE TABLE account (id integer PRIMARY KEY, name text, born date);
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT name, born FROM account WHERE name = 'it\'s s3cret' AND id = 5 \g
\g
RESET standard_conforming_strings;
RESET escape_string_warning;
SELECT query FROM pg_nplusone_session;

DROP SCHEMA text_backslash CASCADE;
