--
-- encodings: the same rooms where the server's encoding is not UTF8
--
SET client_min_messages = warning;
SELECT current_database() AS here \gset
CREATE DATABASE npo_text_latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE npo_text_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE npo_text_eucjp TEMPLATE template0 ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C';

\c npo_text_latin1
CREATE FUNCTION normalize_bytes(bytea, int, int, int) RETURNS bytea LANGUAGE c STRICT AS 'npo_text', 'npo_normalize';
CREATE FUNCTION tags_of_bytes(bytea) RETURNS text LANGUAGE c STRICT AS 'npo_text', 'npo_tags';
SELECT size, encode(normalize_bytes('\x53454c45435420e9e9e9e9e92c2035', -1, 0, size), 'escape') FROM generate_series(10, 16) AS size;
SELECT convert_to(tags_of_bytes('/*a=''%E9'',b=''%C3%A9''*/'), 'LATIN1');

\c npo_text_ascii
CREATE FUNCTION normalize_bytes(bytea, int, int, int) RETURNS bytea LANGUAGE c STRICT AS 'npo_text', 'npo_normalize';
CREATE FUNCTION tags_of_bytes(bytea) RETURNS text LANGUAGE c STRICT AS 'npo_text', 'npo_tags';
SELECT size, encode(normalize_bytes('\x53454c45435420e9ffe9c3e92c2035', -1, 0, size), 'escape') FROM generate_series(10, 16) AS size;
SELECT encode(normalize_bytes('\x53454c454354204527ff5c7865392720', -1, 0, 40), 'escape');
SELECT tags_of_bytes('/*a=''b'',c=''%41''*/');

\c npo_text_eucjp
CREATE FUNCTION normalize_bytes(bytea, int, int, int) RETURNS bytea LANGUAGE c STRICT AS 'npo_text', 'npo_normalize';
CREATE FUNCTION tags_of_bytes(bytea) RETURNS text LANGUAGE c STRICT AS 'npo_text', 'npo_tags';
SELECT size, encode(normalize_bytes('\x53454c454354202264a4a2a4a4a4a622', -1, 0, size), 'escape') FROM generate_series(11, 17) AS size;
SELECT tags_of_bytes('/*a=''%A4'',b=''ok''*/');

\c :here
DROP DATABASE npo_text_latin1;
DROP DATABASE npo_text_ascii;
DROP DATABASE npo_text_eucjp;
