--
-- The settings: what they are, what they take, and who may change them.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_nplusone;
RESET client_min_messages;

SELECT name, boot_val AS default, unit, min_val AS min, max_val AS max, enumvals AS values,
       context AS who
  FROM pg_settings
 WHERE name IN ('pg_nplusone.max', 'pg_nplusone.query_size', 'pg_nplusone.track',
                'pg_nplusone.threshold', 'pg_nplusone.idle_gap',
                'pg_nplusone.min_confidence', 'pg_nplusone.sample_rows',
                'pg_nplusone.action', 'pg_nplusone.action_min_confidence',
                'pg_nplusone.tags', 'pg_nplusone.orm', 'pg_nplusone.index_hints', 'pg_nplusone.hint_min_time',
                'pg_nplusone.heavy_result', 'pg_nplusone.heavy_rows', 'pg_nplusone.heavy_offset',
                'pg_nplusone.connection_rate', 'pg_nplusone.connection_span',
                'pg_nplusone.connection_statements', 'pg_nplusone.connection_time',
                'pg_nplusone.save', 'pg_nplusone.save_interval')
 ORDER BY name;

-- each says in a sentence what it does
SELECT name FROM pg_settings
 WHERE name LIKE 'pg\_nplusone.%' AND (short_desc IS NULL OR short_desc !~ '\.$');

SHOW pg_nplusone.idle_gap;
SHOW pg_nplusone.query_size;

-- out of range
SET pg_nplusone.threshold = 1;
SET pg_nplusone.threshold = 0;
SET pg_nplusone.threshold = -5;
SET pg_nplusone.sample_rows = -1;
SET pg_nplusone.sample_rows = 65;
\set VERBOSITY sqlstate
-- majors differ in whether they print the unit of the range
SET pg_nplusone.idle_gap = 0;
SET pg_nplusone.idle_gap = '-1ms';
\set VERBOSITY default

-- not a value at all
SET pg_nplusone.threshold = 'many';
SET pg_nplusone.idle_gap = '5 parsecs';
SET pg_nplusone.track = 'some';
SET pg_nplusone.min_confidence = 'certain';
SET pg_nplusone.action = 'explode';
SET pg_nplusone.orm = 'none at all';
SET pg_nplusone.tags = 'no tag';

-- units and spellings that are taken
SET pg_nplusone.idle_gap = '2s';
SHOW pg_nplusone.idle_gap;
SET pg_nplusone.track = 'ALL';
SHOW pg_nplusone.track;
SET pg_nplusone.min_confidence = 'Proven';
SHOW pg_nplusone.min_confidence;
SET pg_nplusone.sample_rows = 0;
SHOW pg_nplusone.sample_rows;
SET pg_nplusone.threshold = 2;
SHOW pg_nplusone.threshold;
RESET ALL;

-- two are fixed when the server starts
SET pg_nplusone.max = 2000;
SET pg_nplusone.query_size = '4kB';

-- and some are for the configuration file
SET pg_nplusone.save = off;
SET pg_nplusone.save_interval = '1h';
SET pg_nplusone.connection_rate = -1;

-- the prefix is reserved: a misspelt name is an error
SET pg_nplusone.treshold = 3;

-- an ordinary user may say what makes a loop, not what is followed
CREATE ROLE regress_nplusone_user;
SET ROLE regress_nplusone_user;
SET pg_nplusone.threshold = 10;
SET pg_nplusone.idle_gap = '100ms';
SET pg_nplusone.action = 'notice';
SET pg_nplusone.action_min_confidence = 'proven';
SET pg_nplusone.tags = 'route=/posts';
SET pg_nplusone.index_hints = off;
SET pg_nplusone.hint_min_time = -1;
SET pg_nplusone.track = 'none';
SET pg_nplusone.min_confidence = 'proven';
SET pg_nplusone.sample_rows = 0;
SET pg_nplusone.heavy_result = -1;
SET pg_nplusone.heavy_rows = -1;
SET pg_nplusone.heavy_offset = -1;
RESET ROLE;
SHOW pg_nplusone.threshold;
SHOW pg_nplusone.track;
RESET ALL;
DROP ROLE regress_nplusone_user;
