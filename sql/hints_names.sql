-- What a hint says stays true, and runs as it stands, whatever things are called.
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
SET pg_nplusone.hint_min_time = 0;
CREATE SCHEMA "Hints Names";
CREATE TABLE "Hints Names"."Or""der" (id int, "Group by" int, k int, t text, pad text);
INSERT INTO "Hints Names"."Or""der" SELECT g, g, g, 'T' || g, repeat('x', 40) FROM generate_series(1, 20000) g;
ANALYZE "Hints Names"."Or""der";

-- quoted and qualified; no model form where a model could not say it
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(*) FROM "Hints Names"."Or""der" WHERE "Group by" = 5;
SELECT count(*) FROM "Hints Names"."Or""der" WHERE "Group by" = 5;
SELECT ddl, reason ~ 'Django' AS model FROM pg_nplusone_index_hints;

-- a table that is renamed has its new name in the DDL; a hint on a column that
-- is renamed, changed or dropped goes, and is found anew
ALTER TABLE "Hints Names"."Or""der" RENAME TO plain;
SELECT ddl FROM pg_nplusone_index_hints;
ALTER TABLE "Hints Names".plain RENAME "Group by" TO grp;
SELECT ddl FROM pg_nplusone_index_hints;
SELECT count(*) FROM "Hints Names".plain WHERE grp = 5;
SELECT count(*) FROM "Hints Names".plain WHERE grp = 5;
SELECT count(*) FROM "Hints Names".plain WHERE lower(t) = 't5';
SELECT count(*) FROM "Hints Names".plain WHERE lower(t) = 't5';
SELECT ddl FROM pg_nplusone_index_hints ORDER BY ddl COLLATE "C";
ALTER TABLE "Hints Names".plain DROP t;
SELECT ddl FROM pg_nplusone_index_hints;
ALTER TABLE "Hints Names".plain ALTER grp TYPE text;
SELECT ddl FROM pg_nplusone_index_hints;
ANALYZE "Hints Names".plain;
SELECT count(*) FROM "Hints Names".plain WHERE grp = '5';
SELECT count(*) FROM "Hints Names".plain WHERE grp = '5';
SELECT ddl FROM pg_nplusone_index_hints;

-- what was found about the same statement before makes room
CREATE TABLE hints_n AS SELECT * FROM "Hints Names".plain;
ANALYZE hints_n;
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(*) FROM hints_n WHERE id = 5 AND k = 5;
SELECT count(*) FROM hints_n WHERE id = 5 AND k = 5;
SELECT ddl FROM pg_nplusone_index_hints;
UPDATE hints_n SET id = 5;
ANALYZE hints_n;
SELECT count(*) FROM hints_n WHERE id = 5 AND k = 5;
SELECT count(*) FROM hints_n WHERE id = 5 AND k = 5;
SELECT ddl FROM pg_nplusone_index_hints;

-- long names of more than one byte a character are cut between characters
CREATE TABLE "строки" (
    "длинное_название_столбца_а" int, "длинное_название_столбца_б" int,
    "длинное_название_столбца_в" int, "длинное_название_столбца_г" int, pad text);
INSERT INTO "строки" SELECT g, g % 1000, g % 100, g, repeat('x', 40) FROM generate_series(1, 20000) g;
ANALYZE "строки";
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(*) FROM "строки" WHERE "длинное_название_столбца_б" = 1 AND "длинное_название_столбца_в" = 1 AND "длинное_название_столбца_г" > 19000;
SELECT count(*) FROM "строки" WHERE "длинное_название_столбца_б" = 1 AND "длинное_название_столбца_в" = 1 AND "длинное_название_столбца_г" > 19000;
SELECT length(reason) > 0 AS readable, ddl FROM pg_nplusone_index_hints;

-- a name with our own separator in it is no reason to split it
CREATE TABLE hints_u (U&"a\001fb" int, pad text);
INSERT INTO hints_u SELECT g, repeat('x', 40) FROM generate_series(1, 20000) g;
ANALYZE hints_u;
SELECT pg_nplusone_reset() >= 0 AS reset;
SELECT count(*) FROM hints_u WHERE U&"a\001fb" = 5;
SELECT count(*) FROM hints_u WHERE U&"a\001fb" = 5;
SELECT ddl FROM pg_nplusone_index_hints;

-- an index is known again when it has been created, whatever its keys
SELECT pg_nplusone_reset() >= 0 AS reset;
CREATE TABLE hints_x (id int, k int, t text, ts timestamp, open boolean, pad text);
INSERT INTO hints_x SELECT g, g, 'T' || g, '2024-01-01'::timestamp + g * interval '1 hour', g % 1000 = 0, repeat('x', 40) FROM generate_series(1, 20000) g;
ANALYZE hints_x;
\c -
SET pg_nplusone.hint_min_time = 0;
SELECT count(*) FROM hints_x WHERE coalesce(k, 0) = 5;
SELECT count(*) FROM hints_x WHERE coalesce(k, 0) = 5;
SELECT count(*) FROM hints_x WHERE extract(doy FROM ts) = 5;
SELECT count(*) FROM hints_x WHERE extract(doy FROM ts) = 5;
SELECT count(*) FROM hints_x WHERE k + 1 = 5;
SELECT count(*) FROM hints_x WHERE k + 1 = 5;
SELECT count(*) FROM hints_x WHERE t LIKE 'T1234%' COLLATE "C";
SELECT count(*) FROM hints_x WHERE t LIKE 'T1234%' COLLATE "C";
SELECT id FROM hints_x WHERE open ORDER BY id DESC NULLS LAST LIMIT 1;
SELECT id FROM hints_x WHERE open ORDER BY id DESC NULLS LAST LIMIT 1;
SELECT greatest(id, k) FROM hints_x ORDER BY greatest(id, k) LIMIT 1;
SELECT greatest(id, k) FROM hints_x ORDER BY greatest(id, k) LIMIT 1;
SELECT ddl FROM pg_nplusone_index_hints WHERE ddl IS NOT NULL ORDER BY ddl COLLATE "C";
SELECT replace(ddl, 'CONCURRENTLY ', '') FROM pg_nplusone_index_hints WHERE ddl IS NOT NULL ORDER BY ddl COLLATE "C" \gexec
SELECT ddl FROM pg_nplusone_index_hints WHERE ddl IS NOT NULL ORDER BY ddl COLLATE "C";

-- system columns and whole rows make no index
SELECT count(*) FROM hints_u u WHERE u.ctid = '(1,1)' OR u.xmin = '1';
SELECT count(*) FROM hints_u u WHERE u.ctid = '(1,1)' OR u.xmin = '1';
SELECT count(*) FROM hints_u u WHERE tableoid = 5;
SELECT count(*) FROM hints_u u WHERE tableoid = 5;
SELECT count(*) FROM hints_u u WHERE u IS NULL;
SELECT count(*) FROM hints_u u WHERE u IS NULL;
SELECT count(*) FROM hints_u u WHERE u = ROW(1, 'x')::hints_u;
SELECT count(*) FROM hints_u u WHERE u = ROW(1, 'x')::hints_u;
SELECT ddl FROM pg_nplusone_index_hints;

DROP TABLE hints_n, hints_u, hints_x, "строки";
DROP SCHEMA "Hints Names" CASCADE;
