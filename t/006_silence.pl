# What must not be held against a program: nothing likely, nothing proven.
#
# Benchmarks, requests on a hot connection, a pooler that deals them out, the
# programs that come with PostgreSQL, and what the server does on its own.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $node = new_server('publisher', qq{
wal_level = logical
log_statement = none
autovacuum_naptime = 1s
compute_query_id = on
pg_nplusone.idle_gap = 500ms
}, allows_streaming => 1);
create_blog($node);

sub is_silent
{
	my ($what, $server) = @_;

	is(strong_loops($server // $node), '', "$what: nothing is likely, nothing proven");
	($server // $node)->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
}

# --- pgbench's own programs -----------------------------------------------

# The one real loop in here: ten tellers, one INSERT each.  From 17 on it is a
# COPY.
my $tellers = $node->pg_version < 17 ? 'insert 10' : '';
$node->command_ok([ 'pgbench', '-i', '-q', '-s', '1', '-h', $node->host, '-p', $node->port, 'postgres' ], 'pgbench -i');
is(found($node, "string_agg(pattern || ' ' || calls, ',')", "confidence IN ('likely', 'proven')"), $tellers,
	'pgbench -i inserts its tellers one by one');
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
foreach my $protocol (qw(simple extended prepared))
{
	foreach my $program ('tpcb-like', 'simple-update', 'select-only')
	{
		ok(run_pgbench($node, [ '-b', $program, '-M', $protocol, '-c', 4, '-j', 2, '-t', 250 ]), "pgbench -b $program -M $protocol");
		is_silent("pgbench -b $program -M $protocol");
	}
}

# --- Requests on a connection that is never idle ---------------------------

foreach my $protocol (qw(simple extended prepared))
{
	my $client = WireClient->new($node);

	$client->query($protocol, 'SELECT id, name FROM author WHERE id = $1', 1 + $_ * 37 % 199) for 1 .. 30;
	is_silent("$protocol: 30 requests that read one row each");

	for my $request (1 .. 30)
	{
		my $post = $client->query($protocol, 'SELECT id, author_id, title FROM post WHERE id = $1', 1 + $request * 53 % 199)->[0];
		$client->query($protocol, 'SELECT id, name FROM author WHERE id = $1', $post->[1]);
		$client->query($protocol, 'SELECT id, body FROM comment WHERE post_id = $1', $post->[0]);
	}
	is_silent("$protocol: 30 requests that read a post and what belongs to it");

	for my $request (1 .. 30)
	{
		$client->simple('BEGIN');
		$client->query($protocol, 'SELECT id, name FROM author WHERE id = $1', 1 + $request * 53 % 199);
		$client->query($protocol, 'UPDATE post SET title = $2 WHERE id = $1', 1 + $request * 53 % 199, "title $request");
		$client->simple('COMMIT');
	}
	is_silent("$protocol: 30 requests with a transaction each");
	$client->disconnect;
}

# --- The same from eight clients through a pooler ----------------------------

SKIP:
{
	skip 'pgbouncer is not installed', 3 unless can_run('pgbouncer');
	my $pooler = start_pooler($node, 'transaction', 3);

	foreach my $protocol (qw(simple extended))
	{
		my ($out, $err);
		my $file = $node->basedir . '/request.sql';
		open(my $handle, '>', $file) or die;
		print $handle "\\set id random(1, 199)\nSELECT id, name FROM author WHERE id = :id;\n";
		close($handle);
		ok(IPC::Run::run([ 'pgbench', '-n', '-M', $protocol, '-c', 8, '-j', 2, '-t', 200, '-f', $file,
				'-h', '127.0.0.1', '-p', $pooler->{port}, 'postgres' ], '>', \$out, '2>', \$err),
			"pgbench -M $protocol through the pooler") or diag($err);
		is_silent("$protocol: eight clients through a pooler, one row each");
	}

	my @clients = map { WireClient->new($node, host => '127.0.0.1', port => $pooler->{port}) } 1 .. 8;
	for my $turn (0 .. 239)
	{
		my $client = $clients[ $turn * 5 % 8 ];
		$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', 1 + $turn * 37 % 199);
		$client->query('extended', 'SELECT id, title FROM post WHERE author_id = $1 ORDER BY id', 1 + $turn * 37 % 199);
	}
	$_->disconnect for @clients;
	is_silent('eight clients in turn through a pooler, an author and the posts');
	stop_pooler($pooler);
}

# --- PostgreSQL's own programs -------------------------------------------------

$node->safe_psql('postgres', q{
CREATE SCHEMA many;
DO $$ BEGIN FOR i IN 1 .. 30 LOOP
	EXECUTE format('CREATE TABLE many.t%s (id int PRIMARY KEY, a int REFERENCES author, b text CHECK (b <> ''''))', i);
	EXECUTE format('INSERT INTO many.t%s SELECT g, 1 + g %% 199, ''row'' FROM generate_series(1, 10) g', i);
	EXECUTE format('CREATE VIEW many.v%s AS SELECT id, b FROM many.t%s', i, i);
	EXECUTE format('CREATE FUNCTION many.f%s(int) RETURNS bigint LANGUAGE sql AS ''SELECT count(*) FROM many.t%s WHERE a = $1''', i, i);
END LOOP; END $$});
is_silent('DDL in a loop');
foreach my $options ([], [ '--inserts' ], [ '--schema-only' ], [ '--data-only', '--rows-per-insert=3' ], [ '-Fc' ])
{
	my $file = $node->basedir . '/dump';
	$node->command_ok([ 'pg_dump', @$options, '-f', $file, $node->connstr('postgres') ], "pg_dump @$options");
	is_silent("pg_dump @$options");
}
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'pg_dump', '-Fc', '-f', $node->basedir . '/dump', $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('copy'), $node->basedir . '/dump' ], 'pg_restore');
is_silent('pg_restore');
$node->command_ok([ 'pg_dumpall', '-f', $node->basedir . '/dumpall', '-d', $node->connstr('postgres') ], 'pg_dumpall');
is_silent('pg_dumpall');
$node->command_ok([ 'vacuumdb', '--all', '--analyze', '-h', $node->host, '-p', $node->port ], 'vacuumdb');
is_silent('vacuumdb');

my @describe = qw(\d \d+ \dt+ \di+ \dv+ \df+ \dT+ \dn+ \du+ \dx+ \dp \ds \dD \dO \dRp+ \l+ \dconfig \da \dC \dF \dL);
# psql calls it an error where there is nothing to list
$node->psql('postgres', join("\n", @describe, map { ("\\d many.t$_", "\\d+ many.v$_", "\\sf many.f$_", "\\sv many.v$_", "\\d+ many.t$_") } 1 .. 12),
	on_error_stop => 0);
is_silent("psql's \\d family");

# --- What the server does on its own -------------------------------------------

$node->append_conf('postgresql.conf', "autovacuum = on\nautovacuum_vacuum_threshold = 5\nautovacuum_analyze_threshold = 5\n");
$node->reload;
$node->safe_psql('postgres', q{UPDATE many.t1 SET a = 1; DELETE FROM comment WHERE id > 300; UPDATE post SET title = title || '.'});
ok(wait_for($node, q{SELECT count(*) > 1 FROM pg_stat_user_tables WHERE autovacuum_count + autoanalyze_count > 0}), 'autovacuum has run');
is_silent('autovacuum');

# Foreign keys check row by row, and cascade row by row.
$node->safe_psql('postgres', q{
SET pg_nplusone.track = 'all';
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO parent SELECT generate_series(1, 200);
INSERT INTO child SELECT g, g FROM generate_series(1, 200) g;
UPDATE parent SET id = id + 1000;
DELETE FROM parent WHERE id > 1100;
BEGIN; INSERT INTO child SELECT g, g FROM generate_series(1001, 1100) g; COMMIT;
});
is_silent('foreign keys, nested statements followed');

# --- Logical replication ---------------------------------------------------------

my $subscriber = new_server('subscriber', "pg_nplusone.track = all\npg_nplusone.threshold = 2\n");
$subscriber->safe_psql('postgres', q{
CREATE TABLE stream (id int PRIMARY KEY, author_id int, body text);
CREATE TABLE copied (id int, stream_id int);
CREATE FUNCTION copy_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 FROM public.copied WHERE stream_id = NEW.id;
	INSERT INTO public.copied VALUES (NEW.id, NEW.id);
	RETURN NULL;
END $$;
CREATE TRIGGER copy_it AFTER INSERT ON stream FOR EACH ROW EXECUTE FUNCTION copy_it();
ALTER TABLE stream ENABLE ALWAYS TRIGGER copy_it});
$node->safe_psql('postgres', q{
CREATE TABLE stream (id int PRIMARY KEY, author_id int, body text);
INSERT INTO stream SELECT g, g, 'copied' FROM generate_series(1, 200) g;
CREATE PUBLICATION all_rows FOR TABLE stream});
my $connstr = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION all_rows CONNECTION '$connstr' PUBLICATION all_rows");
$subscriber->wait_for_subscription_sync($node, 'all_rows');
$node->safe_psql('postgres', q{
INSERT INTO stream SELECT g, g, 'streamed' FROM generate_series(201, 400) g;
UPDATE stream SET body = 'changed' WHERE id % 2 = 0;
DELETE FROM stream WHERE id % 3 = 0});
$node->wait_for_catchup('all_rows');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM stream'), 267, 'the subscriber has caught up');
is_silent('logical replication, publisher');
is_silent('logical replication, subscriber', $subscriber);
is(loops($subscriber), '', 'logical replication: apply workers are not followed at all');
check_alive($subscriber, 'subscriber');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION all_rows');
$subscriber->stop;

# --- A physical standby ------------------------------------------------------------

$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
$node->backup('base');
is_silent('pg_basebackup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
run_pgbench($node, [ '-b', 'tpcb-like', '-t', 100 ]);
$node->wait_for_catchup($standby, 'replay');
my $client = WireClient->new($standby);
$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', 1 + $_ * 37 % 199) for 1 .. 30;
$client->disconnect;
is_silent('reads on a standby', $standby);
ok(run_pgbench($standby, [ '-b', 'select-only', '-M', 'prepared', '-c', 4, '-t', 250 ]), 'pgbench -S on a standby');
is_silent('pgbench -S on a standby', $standby);
check_alive($standby, 'standby');
$standby->stop;

check_alive($node, 'publisher');
$node->stop;
done_testing();
