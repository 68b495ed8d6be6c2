# What is large or deep: many fingerprints, wide results, long rows, deep
# nesting, long arrays.  Our memory does not grow with any of them, and nothing
# is written beyond its end: the server goes on and counts right.
#
# PG_NPLUSONE_LONG=1 in the environment makes the long rows 100 MB.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

# of a session, see docs/performance.md
my $LIMIT = 64 * 1024;
my $FINGERPRINTS = 10_000;
my $MEGABYTES = $ENV{PG_NPLUSONE_LONG} ? 100 : 20;

my $node = new_server('large', "max_stack_depth = 4MB\n");
create_blog($node);
my $client = WireClient->new($node);
$client->value('SELECT count(*) FROM author');
my $ours = memory_of($client);
my $resident;

sub steady
{
	my ($what) = @_;

	is(memory_of($client), $ours, "$what: our memory has not grown");
	return;
}

# --- Ten thousand fingerprints ------------------------------------------------

cmp_ok($ours, '<=', $LIMIT, "a session has $ours bytes of ours");
for my $n (1 .. $FINGERPRINTS)
{
	# thirteen columns, each one of two: a statement unlike all others
	my $columns = join(', ', map { ($n >> $_ & 1) ? 'id' : 'name' } 0 .. 13);
	$client->query('simple', "SELECT $columns FROM author WHERE id = \$1", 1 + $n % 200);
	$resident = resident_of($client->pid) if $n == $FINGERPRINTS / 2;
}
steady("$FINGERPRINTS fingerprints");
cmp_ok(resident_of($client->pid) - $resident, '<', 1024, 'nor has the backend by much, in the second half of them');
is($node->safe_psql('postgres', 'SELECT clusters <= max_clusters FROM pg_nplusone_info'), 't', 'no more clusters than there is room for');
author_loop($client, 'prepared', 20);
like(loops($node, q{confidence = 'proven'}), qr/\|1\|20$/m, 'a loop after them is found');
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');

# --- A thousand columns ----------------------------------------------------------

$client->simple('CREATE TABLE wide (' . join(', ', map { "c$_ int" } 1 .. 1000) . ')');
$client->simple('INSERT INTO wide SELECT ' . join(', ', map { "g + $_" } 1 .. 1000) . ' FROM generate_series(1, 100) g');
my $rows = $client->query('simple', 'SELECT * FROM wide ORDER BY c1');
is(scalar @{ $rows->[0] }, 1000, 'a result of a thousand columns');
$client->query('simple', 'SELECT name FROM author WHERE id = $1', $_->[6]) for @$rows;
$client->query('simple', 'SELECT ' . join(', ', map { "c$_" } 1 .. 1000) . ' FROM wide WHERE c1000 = $1', $_) for 1001 .. 1020;
$client->query('simple', 'UPDATE wide SET ' . join(', ', map { "c$_ = c$_" } 1 .. 1000) . ' WHERE c1 = $1', $_) for 1 .. 10;
steady('a thousand columns');
is(found($node, 'sum(calls)', q{query LIKE 'SELECT name%'}), 100, 'a loop over its rows is counted');
is(found($node, 'sum(calls)', q{query LIKE 'SELECT c1,%'}), 20, 'so is one of statements that long');

# --- Long rows -----------------------------------------------------------------------

$client->simple('CREATE TABLE long (id int PRIMARY KEY, body text)');
$client->simple("INSERT INTO long VALUES (1, repeat('x', $MEGABYTES * 1024 * 1024)), (2, 'y'), (3, 'z'), (4, 'z'), (5, 'z'), (6, 'z')");
$client->query('simple', 'SELECT id, body FROM long ORDER BY id');
$client->query('simple', 'SELECT length(body) FROM long WHERE id = $1', $_) for 1 .. 6;
$client->query('extended', 'SELECT id FROM long WHERE body = $1', 'x' x ($MEGABYTES * 1024 * 1024)) for 1 .. 6;
$client->query('extended', 'SELECT id FROM author WHERE name = $1', 'k' x (1_000_000 + $_)) for 1 .. 6;
steady("rows and keys of $MEGABYTES MB");
is(found($node, 'sum(calls)', q{query LIKE 'SELECT length%'}), 6, 'a loop over long rows is counted');
is(found($node, 'max(duplicate_calls)', q{query LIKE '%body = %'}), 5, 'long keys are told to be the same');
is(found($node, 'max(duplicate_calls)', q{query LIKE '%name = %'}), 0, 'or not, by their first bytes and their length');

# --- Deep ---------------------------------------------------------------------------------

$client->simple(q{CREATE FUNCTION deep(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
	FOR i IN 1 .. 3 LOOP
		SELECT name INTO found FROM author WHERE id = n + i;
	END LOOP;
	RETURN CASE WHEN n > 0 THEN deep(n - 1) ELSE 0 END;
END $$});
$client->simple(q{SET pg_nplusone.track = 'all'; SET pg_nplusone.threshold = 2});
is($client->value('SELECT deep(64)'), 0, 'nested 64 deep, all of it followed');
cmp_ok(found($node, 'sum(calls)', q{query LIKE 'SELECT name%FROM author WHERE id = n%' OR query LIKE 'SELECT name%FROM author WHERE id = $%'}), '>=', 195,
	'each of its look-ups is counted');
like(($client->simple('SELECT deep(100000)'))[0]{error}, qr/^54001/, 'too deep: the server says so');
$client->simple('RESET pg_nplusone.track; RESET pg_nplusone.threshold');
my $query = 'SELECT 1';
$query = "SELECT (SELECT id FROM author WHERE id = ($query))" for 1 .. 64;
$client->query('simple', $query) for 1 .. 6;
$client->query('simple', 'SELECT id FROM author WHERE ' . '(' x 500 . 'id = $1' . ')' x 500, $_) for 1 .. 6;
$client->query('simple', 'SELECT id FROM author WHERE id = $1' . ' OR id = -1' x 2000, $_) for 1 .. 6;
steady('nested deeply');

# --- Long arrays ------------------------------------------------------------------------------

my $array = join(',', 1 .. 100_000);
$client->query('simple', "SELECT id FROM author WHERE id = ANY ('{$array}')") for 1 .. 6;
$client->query('extended', 'SELECT id FROM author WHERE id = ANY ($1::int[])', "{$array}") for 1 .. 6;
$client->query('simple', 'SELECT id FROM author WHERE id IN (' . join(',', 1 .. 20_000) . ')') for 1 .. 3;
$client->query('simple', 'INSERT INTO comment VALUES ' . join(',', map { '(' . (10_000 + $_) . ',1,NULL)' } 1 .. 10_000));
steady('arrays of 100,000 elements');
is(found($node, 'count(*)', q{query LIKE '%ANY%' AND confidence <> 'suspected'}), 0, 'a batch is no loop');

# --- What was too much is not forgotten ------------------------------------------------------

$client->query('extended', "SELECT name, $_ FROM author WHERE id = \$1", $_) for map { ($_) x 6 } 1 .. 40;
my $dropped = $client->value('SELECT dropped FROM pg_nplusone_info');
cmp_ok($dropped, '>', 0, "statements that were not followed are counted ($dropped)");
$client->disconnect;
wait_for($node, "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'");
is(found($node, 'count(*)', 'false'), 0, 'another session takes the place of that one');
cmp_ok($node->safe_psql('postgres', 'SELECT dropped FROM pg_nplusone_info'), '>=', $dropped, 'and the count of it has stayed');

check_alive($node, 'large');
$node->stop;
done_testing();
