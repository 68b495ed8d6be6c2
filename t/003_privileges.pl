# Who sees what, over several roles and databases; and what remains of those
# that are dropped.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $node = new_server('privileges');
$node->safe_psql('postgres', q{
CREATE ROLE alice LOGIN;
CREATE ROLE bob LOGIN;
CREATE ROLE watcher LOGIN IN ROLE pg_read_all_stats;
CREATE ROLE monitor LOGIN IN ROLE pg_monitor;
CREATE ROLE keeper LOGIN;
GRANT EXECUTE ON FUNCTION pg_nplusone_reset(oid, oid, bigint) TO keeper});
$node->safe_psql('postgres', "CREATE DATABASE shop_$_") for 1, 2;
create_blog($node, "shop_$_") for 1, 2;
$node->safe_psql('shop_1', 'CREATE EXTENSION pg_nplusone');

# One loop for each role in each database, each of a length of its own.
my %length = ('alice 1' => 11, 'alice 2' => 12, 'bob 1' => 13, 'bob 2' => 14);
foreach my $who (sort keys %length)
{
	my ($role, $shop) = split(/ /, $who);
	my $client = WireClient->new($node, user => $role, dbname => "shop_$shop", application_name => "app of $role");
	author_loop($client, 'prepared', $length{$who});
	$client->disconnect;
}

sub as
{
	my ($role, $sql, $dbname) = @_;
	return $node->safe_psql($dbname // 'postgres', $sql, extra_params => [ '-U', $role ]);
}

sub denied
{
	my ($role, $sql) = @_;
	my ($out, $err);
	$node->psql('postgres', $sql, extra_params => [ '-U', $role ], stdout => \$out, stderr => \$err);
	return $err;
}

my $NAMES = q{
SELECT coalesce(rolname, userid::text) AS role, coalesce(datname, dbid::text) AS db, p.*
FROM pg_nplusone p LEFT JOIN pg_roles r ON r.oid = userid LEFT JOIN pg_database d ON d.oid = dbid};

# --- Own rows in full, others' without what tells about them -------------------

is(as('alice', "SELECT role, db, calls, link FROM ($NAMES) s WHERE queryid IS NOT NULL ORDER BY 1, 2"),
	"alice|shop_1|11|post.author_id -> author.id\nalice|shop_2|12|post.author_id -> author.id",
	'a role sees its own loops, in every database');
is(as('alice', "SELECT role, db, calls, query, queryid, clusterid, parent_queryid, parent_query, link, application_name, tags, advice, rewrite FROM ($NAMES) s WHERE queryid IS NULL ORDER BY 1, 2"),
	"bob|shop_1|13|<insufficient privilege>|||||||||\nbob|shop_2|14|<insufficient privilege>|||||||||",
	'and of the others numbers, but no text, no identifier, no name');
foreach my $role (qw(watcher monitor postgres))
{
	is(as($role, "SELECT role, db, calls FROM ($NAMES) s WHERE queryid IS NOT NULL AND query LIKE '%author%' AND application_name LIKE 'app of%' ORDER BY 1, 2"),
		"alice|shop_1|11\nalice|shop_2|12\nbob|shop_1|13\nbob|shop_2|14", "$role sees everything");
}

# The extension is created where it is wanted; the loops of all databases show.
is(as('bob', 'SELECT count(*) FROM pg_nplusone', 'shop_1'), 4, 'the view is the same in another database');
like(denied('bob', '\connect shop_2
SELECT * FROM pg_nplusone'), qr/relation "pg_nplusone" does not exist/, 'and not there where it has not been created');

# A loop that is running.
my $running = WireClient->new($node, user => 'bob', dbname => 'shop_1', application_name => 'secret app');
author_loop($running, 'prepared', 10);
is(as('alice', 'SELECT query, application_name, queryid, parent_queryid, calls FROM pg_nplusone_activity'),
	'<insufficient privilege>||||10', 'activity: masked for others');
is(as('watcher', q{SELECT query LIKE '%author%', application_name, calls FROM pg_nplusone_activity}),
	't|secret app|10', 'activity: in full for those who may read statistics');
is(as('bob', q{SELECT query LIKE '%author%', application_name, calls FROM pg_nplusone_activity}),
	't|secret app|10', 'activity: in full for its owner');
$running->disconnect;

# The own session, for anyone; also where the role has been changed.
my $client = WireClient->new($node, user => 'alice');
$client->simple('CREATE TEMPORARY TABLE own (id int); INSERT INTO own SELECT generate_series(1, 30)');
$client->query('simple', 'SELECT id FROM own WHERE id = $1', $_) for 1 .. 10;
is($client->value('SELECT max(query) FROM pg_nplusone_session'), 'SELECT id FROM own WHERE id = $1', 'session: in full');
$client->disconnect;
$client = WireClient->new($node, dbname => 'shop_1');
$client->simple('SET ROLE bob');
author_loop($client, 'prepared', 20);
$client->simple('RESET ROLE');
is($client->value(q{SELECT userid::regrole FROM pg_nplusone_session}), 'bob', 'SET ROLE: the loop belongs to the role that it ran as');
$client->simple('SET SESSION AUTHORIZATION alice');
author_loop($client, 'prepared', 20);
is($client->value(q{SELECT count(DISTINCT userid) FROM pg_nplusone_session}), 2, 'SET SESSION AUTHORIZATION: and so does the next one');
$client->disconnect;

# A security definer function runs as its owner.
$node->safe_psql('shop_1', q{
CREATE FUNCTION authors_of(n int) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE p record;
BEGIN
	FOR p IN SELECT id, author_id FROM post ORDER BY id LIMIT n LOOP
		PERFORM name FROM author WHERE id = p.author_id;
	END LOOP;
END $$});
$node->safe_psql('shop_1', 'SELECT pg_nplusone_reset()');
$node->safe_psql('shop_1', q{SET pg_nplusone.track = 'all'; SET ROLE bob; SELECT authors_of(20)});
is($node->safe_psql('postgres', q{SELECT userid::regrole, calls FROM pg_nplusone WHERE confidence = 'proven'}), 'postgres|20',
	'SECURITY DEFINER: the loop is that of the owner');

# --- Who may change something -------------------------------------------------------

like(denied('alice', 'SELECT pg_nplusone_reset()'), qr/permission denied for function pg_nplusone_reset/, 'reset is not for everyone');
like(denied('watcher', 'SELECT pg_nplusone_reset()'), qr/permission denied/, 'nor for those who read statistics');
like(denied('alice', q{SET pg_nplusone.track = 'all'}), qr/permission denied to set parameter "pg_nplusone\.track"/, 'track is for superusers');
like(denied('alice', "SET pg_nplusone.min_confidence = 'proven'"), qr/permission denied/, 'so is min_confidence');
like(denied('alice', 'SET pg_nplusone.sample_rows = 0'), qr/permission denied/, 'and sample_rows');
like(denied('postgres', 'SET pg_nplusone.max = 100'), qr/cannot be changed without restarting the server/, 'max takes a restart');
is(denied('alice', "SET pg_nplusone.threshold = 3; SET pg_nplusone.idle_gap = '1s'"), '', 'threshold and idle_gap are for everyone');
like(denied('alice', 'SET pg_nplusone.threshold = 1'), qr/1 is outside the valid range/, 'a threshold of one is no loop');
is(denied('alice', 'SELECT pg_nplusone_session_reset(), pg_nplusone_session_statements()'), '', 'the own session is for everyone');

# --- Reset by role, by database, by cluster -------------------------------------------

foreach my $who (sort keys %length)
{
	my ($role, $shop) = split(/ /, $who);
	my $client = WireClient->new($node, user => $role, dbname => "shop_$shop");
	author_loop($client, 'prepared', $length{$who});
	$client->disconnect;
}
$node->safe_psql('postgres', q{SELECT pg_nplusone_reset('postgres'::regrole)});
is(as('keeper', q{SELECT pg_nplusone_reset((SELECT oid FROM pg_roles WHERE rolname = 'alice'), (SELECT oid FROM pg_database WHERE datname = 'shop_2'))}), 1,
	'reset of a role in a database, by one to whom it is granted');
is(as('keeper', q{SELECT pg_nplusone_reset(dbid => (SELECT oid FROM pg_database WHERE datname = 'shop_1'))}), 2, 'reset of a database');
is(as('postgres', q{SELECT pg_nplusone_reset(clusterid => (SELECT min(clusterid) FROM pg_nplusone))}), 1, 'reset of a cluster');
is(as('postgres', q{SELECT pg_nplusone_reset(clusterid => 4711)}), 0, 'reset of one that is not there');
is(as('postgres', q{SELECT pg_nplusone_reset(userid => 4711)}), 0, 'reset of a role that is not there');
is(as('postgres', 'SELECT pg_nplusone_reset()'), 0, 'nothing is left');

# --- Dropped: rows stay readable ------------------------------------------------------

foreach my $who (sort keys %length)
{
	my ($role, $shop) = split(/ /, $who);
	my $client = WireClient->new($node, user => $role, dbname => "shop_$shop");
	author_loop($client, 'prepared', $length{$who});
	$client->disconnect;
}
$node->safe_psql('shop_1', 'DROP TABLE comment, post, author CASCADE');
is(as('postgres', "SELECT role, db, calls, link FROM ($NAMES) s ORDER BY calls"),
	join("\n", map { "$_|post.author_id -> author.id" } 'alice|shop_1|11', 'alice|shop_2|12', 'bob|shop_1|13', 'bob|shop_2|14'),
	'dropped tables: their loops stay as they were');
$node->safe_psql('postgres', 'DROP DATABASE shop_2');
is(as('postgres', "SELECT role, db ~ '^[0-9]+\$', calls, link FROM ($NAMES) s ORDER BY calls"),
	join("\n", map { "$_|post.author_id -> author.id" } 'alice|f|11', 'alice|t|12', 'bob|f|13', 'bob|t|14'),
	'a dropped database: its loops stay, under its OID');
$node->safe_psql('postgres', 'DROP ROLE bob');
is(as('postgres', "SELECT role ~ '^[0-9]+\$', calls, query LIKE '%author%' FROM ($NAMES) s ORDER BY calls"),
	"f|11|t\nf|12|t\nt|13|t\nt|14|t", 'a dropped role: its loops stay, under its OID');
is(as('watcher', 'SELECT count(*) FROM pg_nplusone WHERE query IS NOT NULL'), 4, 'and can be read');
is(as('alice', q{SELECT count(*) FROM pg_nplusone WHERE query = '<insufficient privilege>'}), 2, 'by the same ones as before');
is(as('postgres', q{SELECT pg_nplusone_reset(userid => min(userid)) FROM pg_nplusone WHERE NOT EXISTS (SELECT FROM pg_roles WHERE oid = userid)}), 2,
	'reset of a role that has gone');
is(as('postgres', q{SELECT pg_nplusone_reset(dbid => min(dbid)) FROM pg_nplusone WHERE NOT EXISTS (SELECT FROM pg_database WHERE oid = dbid)}), 1,
	'reset of a database that has gone');

# Things that go or change under a loop that is running.
$node->safe_psql('postgres', 'CREATE DATABASE shop_3');
create_blog($node, 'shop_3');
foreach my $change (
	'ALTER TABLE author RENAME COLUMN name TO title; ALTER TABLE author RENAME COLUMN title TO name',
	'ALTER TABLE author ADD COLUMN more text; ALTER TABLE author DROP COLUMN more',
	'ALTER TABLE post ALTER COLUMN author_id TYPE bigint',
	'ALTER TABLE author ALTER COLUMN id TYPE bigint',
	'DROP TABLE comment',
	'ALTER TABLE author RENAME TO writer; ALTER TABLE writer RENAME TO author')
{
	my $client = WireClient->new($node, dbname => 'shop_3');
	my @authors = read_authors($client, 'extended', 20);
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', $_) for @authors[ 0 .. 9 ];
	$node->safe_psql('shop_3', $change);
	$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', $_) for @authors[ 10 .. 19 ];
	is($node->safe_psql('postgres', q{SELECT sum(calls), min(confidence) FROM pg_nplusone WHERE query LIKE '%FROM author%'}), '20|proven',
		"under a running loop: $change");
	$client->disconnect;
}

check_alive($node, 'privileges');
$node->stop;
done_testing();
