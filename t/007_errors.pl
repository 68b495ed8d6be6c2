# Statements that fail, or are cancelled, at every stage of their lives.
#
# After each of them the session goes on as if nothing had been: what the
# client sends is followed (the nesting depth has come down again), what its
# functions run is not (it has not come down too far), and counts are right.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

use LoopTest;
use WireClient;

my $node = new_server('errors', "max_prepared_transactions = 5\n");
create_blog($node);
$node->safe_psql('postgres', q{
CREATE ROLE visitor LOGIN;
CREATE TABLE secret (id int PRIMARY KEY);
CREATE TABLE target (id int PRIMARY KEY, author_id int REFERENCES author DEFERRABLE INITIALLY DEFERRED,
	n int CHECK (n < 100));

-- a loop of the server's own, nested in the statement that calls it
CREATE FUNCTION nested_loop(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	p record;
	found text;
BEGIN
	FOR p IN SELECT id, author_id FROM post ORDER BY id LIMIT n LOOP
		SELECT name INTO found FROM author WHERE id = p.author_id;
	END LOOP;
	RETURN n;
END $$;

CREATE FUNCTION fails() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM count(*) FROM author;
	RAISE EXCEPTION 'planned to fail';
END $$;

CREATE FUNCTION fails_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM nested_loop(6);
	IF NEW.n = 13 THEN
		RAISE EXCEPTION 'trigger failed';
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER fails_after AFTER INSERT ON target FOR EACH ROW EXECUTE FUNCTION fails_after();

CREATE FUNCTION survives(depth int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF depth > 0 THEN
		PERFORM survives(depth - 1);
	END IF;
	PERFORM nested_loop(6);
	PERFORM 1 / (depth - depth) FROM author;
	RETURN 0;
EXCEPTION WHEN division_by_zero THEN
	RETURN 1;
END $$;

CREATE PROCEDURE commits(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		INSERT INTO target VALUES (1000 + i, 1, i);
		IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF;
		PERFORM nested_loop(6);
	END LOOP;
	DELETE FROM target WHERE id > 1000;
	COMMIT;
END $$;

CREATE PROCEDURE commits_and_fails() LANGUAGE plpgsql AS $$
BEGIN
	COMMIT;
	PERFORM nested_loop(6);
	ROLLBACK;
	PERFORM 1 / 0 FROM author;
END $$;
});

# The session behaves: see above.
sub goes_on
{
	my ($client, $what) = @_;

	$client->simple('ROLLBACK') if $client->status ne 'I';
	$client->value('SELECT pg_nplusone_session_reset()');
	author_loop($client, 'prepared', 12);
	is(join('|', map { $_ // '' } @{ ($client->query('simple',
						'SELECT pattern, confidence, loops, calls FROM pg_nplusone_session'))->[0] // [] }),
		'forward_fk|proven|1|12', "$what: what the client sends is followed");
	$client->value('SELECT pg_nplusone_session_reset()');
	$client->query('prepared', 'SELECT nested_loop($1)', 20);
	is(scalar @{ $client->query('simple', 'SELECT * FROM pg_nplusone_session') },
		0, "$what: what a function runs is not");
}

sub fails_with
{
	my ($client, $what, $state, @messages) = @_;
	my $error = '';

	foreach my $message (@messages)
	{
		my ($result) = grep { $_->{error} } (ref $message ? $message->() : $client->simple($message));
		$error = $result->{error} if $result;
	}
	like($error, qr/^$state/, "$what: the statement fails as it would");
	goes_on($client, $what);
}

my $client = WireClient->new($node);
goes_on($client, 'at the beginning');

# --- One stage after the other -------------------------------------------

fails_with($client, 'syntax', '42601', 'SELEKT 1');
fails_with($client, 'analysis', '42703', 'SELECT nothing FROM author');
fails_with($client, 'planning: constant', '22012', 'SELECT 1/0 FROM author');
fails_with($client, 'planning: function', 'P0001', 'SELECT id FROM author WHERE id = fails()');
fails_with($client, 'start: privileges', '42501', 'SET ROLE visitor', 'SELECT * FROM secret', 'RESET ROLE');
fails_with($client, 'start: read-only', '25006', 'BEGIN READ ONLY', 'INSERT INTO target VALUES (1, 1, 1)');
fails_with($client, 'first row', '22012', 'SELECT 1 / (id - 1) FROM author ORDER BY id');
fails_with($client, 'in the middle', '22012', 'SELECT 1 / (id - 100) FROM author ORDER BY id');
fails_with($client, 'in the middle, nested', '22012', 'SELECT nested_loop(6), 1 / (id - 100) FROM author ORDER BY id');
fails_with($client, 'constraint', '23514', 'INSERT INTO target VALUES (1, 1, 1000)');
fails_with($client, 'finish: trigger', 'P0001', 'INSERT INTO target VALUES (1, 1, 13)');
fails_with($client, 'commit: deferred constraint', '23503', 'BEGIN', 'INSERT INTO target VALUES (1, 9999, 1)', 'COMMIT');
fails_with($client, 'deferred constraint, no block', '23503', 'INSERT INTO target VALUES (1, 9999, 1)');
fails_with($client, 'deferred constraint made immediate', '23503',
	'BEGIN', 'INSERT INTO target VALUES (1, 9999, 1)', 'SET CONSTRAINTS ALL IMMEDIATE');
fails_with($client, 'statement_timeout', '57014', "SET statement_timeout = '20ms'", 'SELECT pg_sleep(1) FROM author',
	'RESET statement_timeout');
fails_with($client, 'EXPLAIN', '22012', 'EXPLAIN SELECT 1/0 FROM author');
fails_with($client, 'EXPLAIN ANALYZE', '22012', 'EXPLAIN ANALYZE SELECT 1 / (id - 100) FROM author');
fails_with($client, 'COPY (query)', '22012', 'COPY (SELECT 1 / (id - 100) FROM author) TO STDOUT');
fails_with($client, 'CREATE TABLE AS', '22012', 'CREATE TABLE copy AS SELECT 1 / (id - 100) FROM author');
fails_with($client, 'DO', '22012', 'DO $$ BEGIN PERFORM nested_loop(6); PERFORM 1 / (id - 3) FROM author; END $$');
fails_with($client, 'DISCARD ALL in a transaction', '25001', 'BEGIN', 'DISCARD ALL');
fails_with($client, 'PREPARE', '42601', 'PREPARE p AS SELEKT');
fails_with($client, 'EXECUTE', '22012', 'PREPARE p(int) AS SELECT 1 / (id - $1) FROM author', 'EXECUTE p(100)', 'DEALLOCATE p');
fails_with($client, 'several statements in a string', '22012',
	'SELECT id FROM author; SELECT 1 / (id - 100) FROM author; SELECT id FROM post');

# --- Lock timeout and deadlock --------------------------------------------

my $other = WireClient->new($node);
$other->simple('BEGIN; SELECT id FROM author WHERE id = 1 FOR UPDATE');
fails_with($client, 'lock_timeout', '55P03', "SET lock_timeout = '20ms'",
	"UPDATE author SET name = 'x' WHERE id = 1", 'RESET lock_timeout');
$client->simple("SET deadlock_timeout = '10ms'; BEGIN; SELECT id FROM author WHERE id = 2 FOR UPDATE");
$other->send_simple('SELECT id FROM author WHERE id = 2 FOR UPDATE');
wait_for($node, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'});
fails_with($client, 'deadlock', '40P01', 'SELECT id FROM author WHERE id = 1 FOR UPDATE');
$other->collect;
$other->simple('ROLLBACK');
$other->disconnect;

# --- The protocol's own ---------------------------------------------------

fails_with($client, 'Bind', '22P02', sub { $client->parse('', 'SELECT id FROM author WHERE id = $1', 'int')->bind('', '', 'one')->execute('')->sync });
fails_with($client, 'Execute, unnamed', '22012', sub { $client->parse('', 'SELECT 1 / (id - 100) FROM author')->bind('', '')->execute('')->sync });
fails_with($client, 'a portal, in the middle', '22012',
	sub { $client->simple('BEGIN'); $client->parse('', 'SELECT 1 / (id - 100) FROM author ORDER BY id')->bind('p', '')->execute('p', 50)->sync },
	sub { $client->execute('p', 50)->sync });
fails_with($client, 'a pipeline, in the middle', '22012', sub {
	$client->parse('s', 'SELECT 1 / (id - $1) FROM author ORDER BY id', 'int');
	$client->bind('', 's', $_)->execute('') for (1000, 1001, 50, 1002);
	$client->sync });
$client->close_statement('s')->sync;

# --- Cursors whose transaction goes away -----------------------------------

fails_with($client, 'cursors left open', '22012', 'BEGIN',
	(map { "DECLARE c$_ CURSOR FOR SELECT id, name FROM author ORDER BY id" } 1 .. 20),
	(map { "FETCH 3 FROM c$_" } 1 .. 20), 'SELECT 1/0');
fails_with($client, 'a cursor that outlives its transaction fails at COMMIT', '22012', 'BEGIN',
	'DECLARE c CURSOR WITH HOLD FOR SELECT 1 / (id - 100) FROM author ORDER BY id', 'FETCH 3 FROM c', 'COMMIT');
fails_with($client, 'a cursor in a savepoint', '34000', 'BEGIN', 'SAVEPOINT s',
	'DECLARE c CURSOR FOR SELECT id FROM author', 'FETCH 3 FROM c', 'ROLLBACK TO s', 'FETCH 3 FROM c');

# --- Subtransactions --------------------------------------------------------

$client->simple('BEGIN');
my @authors = read_authors($client, 'simple', 20);
for my $author (@authors)
{
	$client->simple('SAVEPOINT s');
	$client->query('prepared', 'SELECT id, name FROM author WHERE id = $1', $author);
	$client->simple('SELECT 1 / (id - 100) FROM author');
	$client->simple('ROLLBACK TO s');
}
$client->simple('COMMIT');
is($client->value(q{SELECT string_agg(confidence || ' ' || calls, ',') FROM pg_nplusone_session WHERE link LIKE '%author.id'}),
	'proven 20', 'rolled back to a savepoint after each: the loop is found all the same');
goes_on($client, 'savepoints');

$client->value('SELECT survives(5)');
goes_on($client, 'PL/pgSQL EXCEPTION, six deep');
$client->query('prepared', 'SELECT survives($1)', 2) for 1 .. 20;
goes_on($client, 'PL/pgSQL EXCEPTION, again and again');
is($client->value('SELECT sum(survives(1)) FROM generate_series(1, 5)'), 5, 'PL/pgSQL EXCEPTION within a statement');

# --- Procedures that end transactions ----------------------------------------

$client->simple('CALL commits(7)');
goes_on($client, 'a procedure with COMMIT and ROLLBACK');
fails_with($client, 'a procedure that fails after COMMIT and ROLLBACK', '22012', 'CALL commits_and_fails()');
fails_with($client, 'a procedure that may not commit', '2D000', 'BEGIN', 'CALL commits(3)');
$client->simple('DO $$ BEGIN FOR i IN 1 .. 5 LOOP PERFORM nested_loop(6); COMMIT; END LOOP; END $$');
goes_on($client, 'DO with COMMIT');

# --- Two-phase commit ----------------------------------------------------------

foreach my $end ('COMMIT', 'ROLLBACK')
{
	$client->simple('BEGIN');
	author_loop($client, 'simple', 10);
	$client->simple("INSERT INTO target VALUES (77, 1, 1)");
	$client->simple("PREPARE TRANSACTION 'two'");
	goes_on($client, "PREPARE TRANSACTION, before $end");
	$client->simple("$end PREPARED 'two'");
	goes_on($client, "PREPARE TRANSACTION, after $end");
	$client->simple('DELETE FROM target');
}
fails_with($client, 'PREPARE TRANSACTION fails', '23503', 'BEGIN',
	'INSERT INTO target VALUES (1, 9999, 1)', "PREPARE TRANSACTION 'three'");

# --- Everything again with nested statements followed --------------------------

$client->simple("SET pg_nplusone.track = 'all'; SET pg_nplusone.threshold = 2");
$client->simple($_) foreach (
	'SELECT survives(5)',
	'CALL commits(7)',
	'CALL commits_and_fails()',
	'INSERT INTO target VALUES (1, 1, 13)',
	'INSERT INTO target VALUES (1, 9999, 1)',
	'SELECT nested_loop(6), 1 / (id - 100) FROM author ORDER BY id',
	'SELECT id FROM author WHERE id = fails()');
$client->simple('RESET pg_nplusone.track; RESET pg_nplusone.threshold');
goes_on($client, 'after errors in statements that were followed, nested');

# --- Failed executions are executions ------------------------------------------

$client->value('SELECT pg_nplusone_session_reset()');
@authors = read_authors($client, 'prepared', 30);
my $failed = 0;
for my $i (0 .. 29)
{
	my $result = $client->try_query('prepared', 'SELECT name, 1 / (length(name) * ($2 % 3)) FROM author WHERE id = $1', $authors[$i], $i);
	$failed++ if $result->{error};
}
is($failed, 10, 'a third of the executions fails');
is($client->value(q{SELECT calls || ' ' || rows FROM pg_nplusone_session}), '30 20', 'calls have them all, rows those that came');
goes_on($client, 'a loop that fails now and then');

# --- Cancelled at random moments -----------------------------------------------

srand(20260101);
$client->simple("SET pg_nplusone.track = 'all'");
my $cancelled = 0;
my $rounds = $ENV{PG_NPLUSONE_LONG} ? 1000 : 200;
my @long = (
	'SELECT nested_loop(200) FROM generate_series(1, 2000)',
	'SELECT id, name, survives(2) FROM author',
	'SELECT count(*) FROM author a, author b, post p',
	'INSERT INTO target SELECT g, 1, 1 FROM generate_series(1, 50) g',
	'EXPLAIN ANALYZE SELECT nested_loop(200) FROM generate_series(1, 2000)',
	'DO $$ BEGIN FOR i IN 1 .. 1000 LOOP PERFORM nested_loop(50); END LOOP; END $$');
for my $i (1 .. $rounds)
{
	$client->simple('BEGIN') if $i % 3 == 0;
	$client->send_simple($long[ $i % @long ]);
	usleep(int(rand(6000)));
	$client->cancel;
	my @results = $client->collect;
	$cancelled++ if grep { ($_->{error} // '') =~ /^57014/ } @results;
	$client->simple('ROLLBACK') if $client->status ne 'I';
	$client->simple('DELETE FROM target');
}
cmp_ok($cancelled, '>', $rounds / 2, "most of $rounds statements were cancelled ($cancelled)");
# a cancel that came too late must not hit what follows
usleep(20000);
$client->simple('SELECT 1');
$client->simple('RESET pg_nplusone.track');
goes_on($client, 'cancelled at random');

is($node->safe_psql('postgres', q{
SELECT count(*) FROM pg_nplusone
WHERE calls < loops OR max_calls > calls OR duplicate_calls >= calls OR duplicate_calls < 0
	OR rows < 0 OR loops < 1 OR max_calls < 1 OR total_exec_time < max_exec_time OR total_gap_time < 0}),
	0, 'no counter contradicts another');
my $pid = $client->pid;
$client->disconnect;
wait_for($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_activity'), 0, 'nothing is left running');
check_alive($node, 'errors');

$node->stop;
done_testing();
