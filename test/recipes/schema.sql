-- The tables of the recipes that bring no models of their own.

CREATE EXTENSION pg_nplusone;
CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer NOT NULL REFERENCES author, title text NOT NULL);
INSERT INTO author SELECT g, 'author ' || g FROM generate_series(1, 10) g;
INSERT INTO post SELECT g, 1 + g * 7 % 10, 'post ' || g FROM generate_series(1, 10) g;
ANALYZE author, post;
