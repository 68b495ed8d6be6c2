# What loops and hints were about goes away or changes: databases, roles,
# tables, columns, types.
#
# Rows stay readable, numbers stay, names fall back to OIDs, resets work, and a
# loop that runs meanwhile goes on.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my @VIEWS = qw(pg_nplusone pg_nplusone_session pg_nplusone_activity pg_nplusone_requests
  pg_nplusone_index_hints pg_nplusone_info);

my $node = new_server('objects', "pg_nplusone.hint_min_time = 0\nwal_level = logical\nmax_replication_slots = 4\n", allows_streaming => 'logical');
create_blog($node);

sub views_are_readable
{
	my ($what, $dbname) = @_;
	my @errors;

	foreach my $view (@VIEWS)
	{
		my ($ret, $out, $err) = $node->psql($dbname // 'postgres', "SELECT * FROM $view");
		push @errors, "$view: $err" if $ret;
	}
	foreach my $format (qw(text json html))
	{
		my ($ret, $out, $err) = $node->psql($dbname // 'postgres', "SELECT pg_nplusone_report('$format')");
		push @errors, "report as $format: $err" if $ret;
	}
	is(join("\n", @errors), '', "$what: views and reports can be read");
	return;
}

# --- Databases --------------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE shop; CREATE DATABASE other');
create_blog($node, 'shop');
$node->safe_psql('shop', 'CREATE EXTENSION pg_nplusone');
my $client = WireClient->new($node, dbname => 'shop');
author_loop($client, 'prepared', 20);
$client->disconnect;
my ($ret, $out, $err) = $node->psql('other', 'SELECT * FROM pg_nplusone');
like($err, qr/relation "pg_nplusone" does not exist/, 'a database without the extension has no views');
$client = WireClient->new($node, dbname => 'other');
$client->simple('CREATE TABLE author (id int PRIMARY KEY, name text)');
$client->query('extended', 'SELECT name FROM author WHERE id = $1', $_) for 1 .. 10;
$client->disconnect;
is($node->safe_psql('postgres', 'SELECT datname, calls FROM pg_nplusone c JOIN pg_database d ON d.oid = c.dbid ORDER BY 1'),
	"other|10\nshop|20", 'but is followed, and its loops are seen from the others');
is($node->safe_psql('shop', q{SELECT count(*) FROM pg_nplusone}), 2, 'whichever that is');

my $dbid = $node->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'shop'});
$node->safe_psql('postgres', 'DROP DATABASE shop; DROP DATABASE other');
views_are_readable('two databases dropped');
is(found($node, 'calls', "dbid = $dbid"), 20, 'a dropped database: its loops are there, under its OID');
$node->restart;
is(found($node, 'calls', "dbid = $dbid"), 20, 'also after a restart');
is($node->safe_psql('postgres', "SELECT pg_nplusone_reset(dbid => $dbid)"), 1, 'and can be reset by it');

# --- Roles -------------------------------------------------------------------------

$node->safe_psql('postgres', 'SELECT pg_nplusone_reset(); CREATE ROLE leaver LOGIN; CREATE ROLE worker LOGIN');
$client = WireClient->new($node, user => 'leaver');
author_loop($client, 'prepared', 20);
$client->disconnect;
my $userid = $node->safe_psql('postgres', q{SELECT 'leaver'::regrole::oid});
$node->safe_psql('postgres', 'DROP ROLE leaver');
views_are_readable('a role dropped');
is(found($node, 'calls, userid::regrole', "userid = $userid"), "20|$userid", 'a dropped role: its loops are there, under its OID');
$client = WireClient->new($node, user => 'worker');
is($client->value("SELECT string_agg(query, '') FROM pg_nplusone WHERE userid = $userid"), '<insufficient privilege>', 'still hidden from others');
$client->disconnect;
is($node->safe_psql('postgres', "SELECT pg_nplusone_reset(userid => $userid)"), 1, 'and can be reset by it');

# SET SESSION AUTHORIZATION: each role's loops are its own.
$client = WireClient->new($node);
foreach my $role (qw(worker postgres))
{
	$client->simple("SET SESSION AUTHORIZATION $role");
	author_loop($client, 'prepared', 20);
	is($client->value(q{SELECT string_agg(calls::text, ',') FROM pg_nplusone WHERE userid = current_user::regrole}), 20,
		"SET SESSION AUTHORIZATION $role: its own loops");
}
# the role is dropped while its session goes on
$client->simple('SET SESSION AUTHORIZATION worker');
author_loop($client, 'prepared', 20);
$node->safe_psql('postgres', 'DROP OWNED BY worker; DROP ROLE worker');
is($client->try_query('extended', 'SELECT name, id FROM author WHERE id = $1', $_)->{error}, undef, "execution $_ by a role that is gone") for 1, 2;
$client->try_query('extended', 'SELECT name, id FROM author WHERE id = $1', $_) for 3 .. 20;
$client->disconnect;
views_are_readable('a role dropped while it runs loops');

# --- Tables, columns, types ------------------------------------------------------------

$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
$node->safe_psql('postgres', q{
CREATE TABLE visit (id int, page int, pad text);
INSERT INTO visit SELECT g, g % 5000, repeat('x', 50) FROM generate_series(1, 20000) g;
VACUUM ANALYZE visit});
$client = WireClient->new($node);
my @authors = read_authors($client, 'prepared', 40);
my $n = 0;
my %change = (
	5 => 'ALTER TABLE author RENAME COLUMN name TO called; ALTER TABLE author ADD COLUMN name text',
	10 => 'ALTER TABLE author ADD COLUMN extra int DEFAULT 7; ALTER TABLE author DROP COLUMN extra',
	15 => 'ALTER TABLE author ALTER COLUMN id TYPE bigint',
	20 => 'CREATE INDEX extra_index ON author (called)',
	25 => 'DROP INDEX extra_index; ANALYZE author',
	30 => 'ALTER TABLE post ALTER COLUMN author_id TYPE bigint');
foreach my $author (@authors)
{
	$node->safe_psql('postgres', $change{$n}) if $change{$n};
	my $result = $client->try_query('extended', 'SELECT id, name FROM author WHERE id = $1', $author);
	fail("execution $n: $result->{error}") if $result->{error};
	$n++;
}
is(found($node, 'sum(calls)', q{query LIKE 'SELECT id, name%'}), 40, 'renamed columns, changed types, new indexes: a loop goes on');
like(found($node, q{string_agg(DISTINCT confidence, ',')}, q{query LIKE 'SELECT id, name%'}), qr/proven/, 'and is proven');

$client->query('simple', 'SELECT count(*) FROM visit WHERE page = $1', $_ * 7) for 1 .. 8;
like($node->safe_psql('postgres', 'SELECT ddl FROM pg_nplusone_index_hints'), qr/visit.*page/, 'a hint');
$node->safe_psql('postgres', 'ALTER TABLE visit RENAME COLUMN page TO leaf');
views_are_readable('a column with a hint renamed');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_nplusone_index_hints WHERE ddl LIKE '%page%'}), 0, 'no hint names a column that is not there');
my $cluster = $node->safe_psql('postgres', q{SELECT clusterid FROM pg_nplusone WHERE query LIKE '%visit%'});
$node->safe_psql('postgres', 'DROP TABLE visit, comment, post, author CASCADE');
views_are_readable('all tables dropped');
like(found($node, 'query, calls', "clusterid = $cluster"), qr/^SELECT count\(\*\) FROM visit WHERE page = \$1\|8$/, 'dropped tables: texts and numbers stay');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_index_hints'), 0, 'hints for them do not');
my $result = $client->try_query('prepared', 'SELECT id, name FROM author WHERE id = $1', 1);
like($result->{error} // '', qr/^42P01/, 'the session is told as ever');
$node->restart;
views_are_readable('all tables dropped, and a restart');
is($node->safe_psql('postgres', "SELECT pg_nplusone_reset(clusterid => $cluster)"), 1, 'and the loops can be reset');

# --- Temporary tables ------------------------------------------------------------------

create_blog($node);
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
foreach my $turn (1 .. 3)
{
	$client = WireClient->new($node);
	$client->simple('CREATE TEMP TABLE author AS SELECT * FROM public.author; ALTER TABLE author ADD PRIMARY KEY (id); ANALYZE author');
	author_loop($client, 'extended', 20);
	$client->disconnect;
}
views_are_readable('temporary tables that are gone');
is(found($node, 'sum(calls), sum(loops)', q{query LIKE 'SELECT id, name%'}), '60|3', 'temporary tables: their loops are counted');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_nplusone_index_hints WHERE relation::text LIKE 'pg_temp%'}), 0, 'and get no hints');

# --- A logical subscriber -----------------------------------------------------------------

my $subscriber = new_server('subscriber', "wal_level = logical\nmax_replication_slots = 4\nmax_logical_replication_workers = 4\npg_nplusone.track = all\n",
	allows_streaming => 'logical');
$_->safe_psql('postgres', 'CREATE TABLE event (id int PRIMARY KEY, what text)') for $node, $subscriber;
$node->safe_psql('postgres', 'CREATE PUBLICATION p FOR TABLE event');
$subscriber->safe_psql('postgres', q{CREATE SUBSCRIPTION s CONNECTION '} . $node->connstr . q{ dbname=postgres' PUBLICATION p});
$subscriber->wait_for_subscription_sync($node, 's') if $subscriber->can('wait_for_subscription_sync');
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
$client = WireClient->new($node);
$client->query('prepared', q{INSERT INTO event VALUES ($1, 'x')}, $_) for 1 .. 50;
$client->query('prepared', q{UPDATE event SET what = 'y' WHERE id = $1}, $_) for 1 .. 50;
$client->disconnect;
$node->wait_for_catchup('s');
is($subscriber->safe_psql('postgres', q{SELECT count(*) FROM event WHERE what = 'y'}), 50, 'logical replication works with the module on both sides');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone'), 0, 'what is applied is nobody\'s loop');
is(found($node, q{string_agg(pattern || ' ' || calls, ',' ORDER BY pattern)}, q{confidence <> 'suspected'}), 'insert 50,update 50',
	'it is the publisher\'s client\'s');
check_alive($subscriber, 'subscriber');
$subscriber->stop;

check_alive($node, 'objects');
$node->stop;
done_testing();
