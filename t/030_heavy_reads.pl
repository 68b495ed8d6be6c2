# Reads that carry too much: found in every protocol, and never held against
# programs that read as they should.  The settings are the defaults.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $node = new_server('heavy', qq{
wal_level = logical
pg_nplusone.idle_gap = 500ms
}, allows_streaming => 1);
my $rows = 12000;

$node->safe_psql('postgres', qq{
CREATE TABLE document (id int PRIMARY KEY, title text NOT NULL, body text);
INSERT INTO document SELECT g, 'document ' || g, (SELECT string_agg(md5((g * i)::text), '') FROM generate_series(1, 50) i)
  FROM generate_series(1, 2000) g;
CREATE TABLE event (id int PRIMARY KEY, kind int NOT NULL);
INSERT INTO event SELECT g, g % 7 FROM generate_series(1, $rows) g;
VACUUM ANALYZE});

sub findings
{
	my $server = shift // $node;

	return $server->safe_psql('postgres', q{
SELECT finding, calls, rows, columns, left(query, 80) FROM pg_nplusone_heavy_reads ORDER BY finding, query});
}

sub is_silent
{
	my ($what, $server) = @_;

	is(findings($server), '', "$what: nothing is said");
	($server // $node)->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
}

# --- Found, whatever the protocol --------------------------------------------

foreach my $protocol (qw(simple extended prepared))
{
	my $client = WireClient->new($node, application_name => 'shop');

	$client->query($protocol, 'SELECT * FROM document WHERE id <= $1', 500) for 1 .. 3;
	$client->query($protocol, 'SELECT id, kind FROM event WHERE kind < $1', 100) for 1 .. 3;
	$client->query($protocol, 'SELECT id, title FROM document ORDER BY id LIMIT $1 OFFSET $2', 20, 1500 + 20 * $_) for 1 .. 3;
	# pages that are not deep
	$client->query($protocol, 'SELECT title, id FROM document ORDER BY id LIMIT $1 OFFSET $2', 20, 20 * $_) for 0 .. 20;
	$client->disconnect;
	is(findings(), join("\n",
			'deep_offset|3|4620||SELECT id, title FROM document ORDER BY id LIMIT $1 OFFSET $2',
			"unbounded|3|@{[ 3 * $rows ]}||SELECT id, kind FROM event WHERE kind < \$1",
			'wide_columns|3|1500|{body}|SELECT * FROM document WHERE id <= $1'),
		"$protocol: a wide column, a whole table, a deep offset");
	like($node->safe_psql('postgres', q{SELECT round(column_share[1]::numeric, 2) || ' ' || round(mean_bytes / 1000) FROM pg_nplusone_heavy_reads WHERE finding = 'wide_columns'}),
		qr/^0.9[89] 80[5-9]$/, "$protocol: how much of it the column is");
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
}

# --- ETL that reads in portions -----------------------------------------------

my $etl = WireClient->new($node, application_name => 'etl');
for my $night (1 .. 3)
{
	foreach my $table ('document', 'event')
	{
		$etl->simple('BEGIN');
		$etl->simple("DECLARE portions CURSOR FOR SELECT * FROM $table");
		1 while @{ $etl->query('simple', 'FETCH FORWARD 1000 FROM portions') };
		$etl->simple('COMMIT');
	}
}
is_silent('DECLARE and FETCH 1000');
for my $night (1 .. 3)
{
	$etl->simple('DECLARE portions CURSOR WITH HOLD FOR SELECT * FROM document ORDER BY title');
	1 while @{ $etl->query('simple', 'FETCH FORWARD 500 FROM portions') };
	$etl->simple('CLOSE portions');
}
is_silent('a cursor that outlives its transaction');
for my $night (1 .. 3)
{
	foreach my $table ('document', 'event')
	{
		$etl->simple('BEGIN');
		my ($result) = $etl->parse('', "SELECT * FROM $table")->bind('rows', '')->execute('rows', 2000)->sync;
		my $read = @{ $result->{rows} };
		while ($result->{suspended})
		{
			($result) = $etl->execute('rows', 2000)->sync;
			$read += @{ $result->{rows} };
		}
		is($read, $table eq 'event' ? $rows : 2000, "a portal has handed out $table") if $night == 1;
		$etl->simple('COMMIT');
	}
}
is_silent('a portal with a row limit');
for my $night (1 .. 3)
{
	my ($last, $page) = (0);
	do
	{
		$page = $etl->query('extended', 'SELECT id, kind FROM event WHERE id > $1 ORDER BY id LIMIT 1000', $last);
		$last = $page->[-1][0] if @$page;
	} while (@$page);
}
is_silent('keyset pages');
$etl->simple("COPY $_ TO STDOUT"), $etl->simple("COPY (SELECT * FROM $_ WHERE id > 0) TO STDOUT") for ('document', 'event') x 2;
is_silent('COPY TO');
$etl->simple('CREATE TABLE stage AS SELECT * FROM document; INSERT INTO stage SELECT * FROM document; DROP TABLE stage') for 1 .. 3;
is_silent('INSERT ... SELECT');
$etl->simple(q{DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM document LOOP END LOOP; PERFORM * FROM event; END $$}) for 1 .. 3;
$etl->simple(q{SET pg_nplusone.track = 'all'; DO $$ DECLARE r record; BEGIN FOR r IN SELECT id, * FROM document LOOP END LOOP; PERFORM id, * FROM event; END $$}) for 1 .. 3;
is_silent('PL/pgSQL');
$etl->disconnect;

# --- Programs of PostgreSQL's ---------------------------------------------------

$node->command_ok([ 'pgbench', '-i', '-q', '-s', 1, '-h', $node->host, '-p', $node->port, 'postgres' ], 'pgbench -i');
is_silent('pgbench -i');
foreach my $protocol (qw(simple extended prepared))
{
	foreach my $program ('tpcb-like', 'simple-update', 'select-only')
	{
		ok(run_pgbench($node, [ '-b', $program, '-M', $protocol, '-c', 4, '-j', 2, '-t', 100 ]), "pgbench -b $program -M $protocol");
	}
	is_silent("pgbench -M $protocol");
}
foreach my $options ([], [ '--inserts' ], [ '-Fc' ], [ '-Fd', '-j', 2 ])
{
	my $target = $node->basedir . '/dump' . join('', @$options);

	$node->command_ok([ 'pg_dump', @$options, '-f', "$target.$_", $node->connstr('postgres') ], "pg_dump @$options") for 1 .. 2;
	is_silent("pg_dump @$options");
}
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('restored'), $node->basedir . '/dump-Fc.1' ], 'pg_restore');
is_silent('pg_restore');
$node->command_ok([ 'vacuumdb', '--all', '--analyze', '-h', $node->host, '-p', $node->port ], 'vacuumdb');
is_silent('vacuumdb');

# Somebody looks around
my $copy = $node->basedir . '/copy';
$node->psql('postgres', join("\n", qw(\d \d+ \dt+ \di+ \df+ \dT+ \dn+ \du+ \l+ \dconfig \dC), '\d document', '\d+ event'), on_error_stop => 0) for 1 .. 2;
$node->safe_psql('postgres', qq{
\\copy document TO '$copy.1'
\\copy (SELECT * FROM event) TO '$copy.2'
CREATE TABLE again (LIKE document);
\\copy again FROM '$copy.1'
SELECT * FROM document ORDER BY id LIMIT 50;
SELECT id, title FROM document;
SELECT count(*), max(length(body)) FROM document;
SELECT kind, count(*) FROM event GROUP BY kind;
SELECT * FROM event;
SELECT * FROM document WHERE id = 7;
TABLE pg_catalog.pg_attribute;
TABLE pg_catalog.pg_description;
TABLE pg_catalog.pg_description;
SELECT pg_nplusone_report();
SELECT pg_nplusone_report('html');
DROP TABLE again});
is_silent('psql');

# --- Logical replication ---------------------------------------------------------

my $subscriber = new_server('subscriber', "pg_nplusone.track = all\n");
$subscriber->safe_psql('postgres', 'CREATE TABLE document (id int PRIMARY KEY, title text, body text); CREATE TABLE event (id int PRIMARY KEY, kind int)');
$node->safe_psql('postgres', 'CREATE PUBLICATION everything FOR TABLE document WHERE (id > 3), event');
my $connstr = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION everything CONNECTION '$connstr' PUBLICATION everything");
$subscriber->wait_for_subscription_sync($node, 'everything');
$node->safe_psql('postgres', 'UPDATE event SET kind = kind + 1; DELETE FROM document WHERE id % 2 = 0');
$node->wait_for_catchup('everything');
is($subscriber->safe_psql('postgres', 'SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM document)'), "$rows|998", 'the subscriber has caught up');
is_silent('logical replication, publisher');
is_silent('logical replication, subscriber', $subscriber);
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION everything');
$subscriber->stop;

# --- A client that goes away, a statement that fails ------------------------------

my $client = WireClient->new($node);
my $pid = $client->pid;
$client->query('simple', 'SELECT * FROM document');
ok($client->try_query('simple', 'SELECT *, 1 / (id - 1999) FROM document ORDER BY id')->{error}, 'a result that breaks off');
ok($client->try_query('simple', 'SELECT id, title, 1 / (id - 1997) FROM document ORDER BY id LIMIT 10 OFFSET 995')->{error}, 'also behind an offset');
is($client->query('simple', 'SELECT * FROM document WHERE id < 1000')->[0][0], 1, 'the session goes on');
$client->disconnect;
is(findings(), join("\n", 'wide_columns|1|1000|{body}|SELECT * FROM document', 'wide_columns|1|500|{body}|SELECT * FROM document WHERE id < $1'),
	'what has failed is not counted');

check_alive($node, 'heavy');
$node->stop;
done_testing();
