# Sessions that are over: counted exactly, and advised about only where they
# come fast, for long enough, and do little.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);

use LoopTest;
use WireClient;

my $node = new_server('connections', "wal_level = logical\n", allows_streaming => 1);
create_blog($node);

# psql of the test itself is in the list as well, under its own name
sub sessions
{
	my ($columns, $where) = @_;

	wait_for($node, q{SELECT count(*) <= 1 FROM pg_stat_activity WHERE backend_type = 'client backend'});
	return $node->safe_psql('postgres', "SELECT $columns FROM pg_nplusone_connections WHERE $where");
}

sub setting
{
	my %value = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET pg_nplusone.$_ = '$value{$_}'") for sort keys %value;
	$node->reload;
	foreach my $name (keys %value)
	{
		wait_for($node, "SELECT current_setting('pg_nplusone.$name') = '$value{$name}'");
	}
}

# --- Counting -----------------------------------------------------------------

$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
foreach my $n (1 .. 50)
{
	my $client = WireClient->new($node, application_name => 'few');
	$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', $_) for 1 .. 3;
	$client->simple('SET search_path = public');
	# an own reset does not change how many there were
	$client->simple('SELECT pg_nplusone_session_reset()') if $n == 7;
	$client->disconnect;
}
is(sessions('sessions, statements, mean_statements', "application_name = 'few'"), '50|151|3.02', 'sessions and their statements');
is(sessions('advice IS NULL', "application_name = 'few'"), 't', 'fifty sessions at once are no habit');

my @open = map { WireClient->new($node, application_name => 'at once') } 1 .. 20;
$_->query('simple', 'SELECT 1') for @open;
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_nplusone_connections WHERE application_name = 'at once'}), 0,
	'sessions that are open are not counted');
usleep(300000);
$_->disconnect for @open;
is(sessions('sessions, statements, mean_session_time >= 300, connect_share BETWEEN 0.001 AND 0.9', "application_name = 'at once'"), '20|20|t|t',
	'they are when they have ended, with the time that they took');

WireClient->new($node, application_name => 'silent')->disconnect for 1 .. 3;
is(sessions('sessions, statements, connect_share', "application_name = 'silent'"), '3|0|1', 'sessions that send nothing');
ok(!eval { WireClient->new($node, application_name => 'turned away', dbname => 'nowhere') }, 'a session that is turned away');
is(sessions('count(*)', "application_name = 'turned away'"), 0, 'is none');

my $victim = WireClient->new($node, application_name => 'victim');
$victim->query('simple', 'SELECT id FROM author WHERE id = 1');
my $pid = $victim->pid;
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
is(sessions('sessions, statements', "application_name = 'victim'"), '1|1', 'a session that is terminated');

$node->safe_psql('postgres', q{CREATE ROLE guest LOGIN; CREATE ROLE untracked LOGIN; ALTER ROLE untracked SET pg_nplusone.track = 'none'});
$node->safe_psql('postgres', 'CREATE DATABASE other');
WireClient->new($node, application_name => 'who', user => $_, dbname => 'other')->disconnect for ('guest', 'guest', 'postgres', 'untracked');
is(sessions(q{string_agg(userid::regrole || ' ' || sessions, ', ' ORDER BY userid::regrole::text)}, "application_name = 'who' AND dbid = (SELECT oid FROM pg_database WHERE datname = 'other')"),
	'guest 2, postgres 1', 'by role and database, without those that are not followed');
my $changed = WireClient->new($node, application_name => 'changed', user => 'postgres');
$changed->simple('SET SESSION AUTHORIZATION guest');
$changed->disconnect;
is(sessions('userid::regrole', "application_name = 'changed'"), 'postgres', 'a session is that of the role that has connected');

# --- Who sees what, and starting over ---------------------------------------------

my $guest = WireClient->new($node, user => 'guest');
my $seen = $guest->query('simple', q{
SELECT count(*) FILTER (WHERE userid <> 'guest'::regrole AND application_name = '<insufficient privilege>' AND advice IS NULL) > 2,
       count(*) FILTER (WHERE userid = 'guest'::regrole AND application_name = 'who'),
       count(*) FILTER (WHERE application_name IN ('few', 'silent')) FROM pg_nplusone_connections});
is("@{ $seen->[0] }", 't 1 0', 'the programs of other roles are masked');
$guest->disconnect;
$node->safe_psql('postgres', q{SELECT pg_nplusone_reset(userid => 'guest'::regrole)});
is(sessions('sessions', "application_name = 'who'"), '1', 'a reset for a role');
$node->safe_psql('postgres', q{SELECT pg_nplusone_reset(clusterid => 42)});
is(sessions('sessions', "application_name = 'who'"), '1', 'that of a cluster leaves connections alone');
$node->safe_psql('postgres', q{SELECT pg_nplusone_reset(dbid => oid) FROM pg_database WHERE datname = 'other'});
is(sessions(q{count(*) FILTER (WHERE application_name = 'who'), count(*) FILTER (WHERE application_name = 'few')}, 'true'), '0|1', 'a reset for a database');
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
is(sessions('count(*)', "application_name = 'few'"), 0, 'a reset of everything');

# more programs than there is room for
WireClient->new($node, application_name => "program $_")->disconnect for 1 .. 80;
is(sessions(q{count(*), count(*) FILTER (WHERE application_name = 'program 80'), count(*) FILTER (WHERE application_name = 'program 1')}, 'true'), '64|1|0',
	'the programs that were seen last are kept');
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');

# --- Many at once: nothing is lost -----------------------------------------------

ok(run_pgbench($node, [ '-C', '-c', 8, '-j', 4, '-t', 40 ], 'one' => "SET application_name = 'pgbench -C';\nSELECT name FROM author WHERE id = 7;\n"),
	'pgbench -C, eight clients');
is(sessions('sum(sessions), sum(statements)', "application_name LIKE 'pgbench -C%'"), '320|320', 'every session of eight clients is counted, once');

# --- Too fast for too little --------------------------------------------------------

# the same, in a few seconds
setting(connection_span => '3s');
my @orms = qw(django rails sqlalchemy hibernate prisma sequelize typeorm laravel ef drizzle kysely knex peewee sql);

# Connect for a while, as often as it goes; "work" is what a session does.
sub come_and_go
{
	my ($name, $seconds, $pause, $work, %option) = @_;

	for (my $until = time + $seconds; time < $until;)
	{
		my $client = WireClient->new($node, application_name => $name, %option);
		$work->($client);
		$client->disconnect;
		usleep($pause);
	}
}

sub one_statement
{
	my $client = shift;
	$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', 7);
}

$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
come_and_go('hasty', 5, 20000, \&one_statement);
like(sessions('advice', "application_name = 'hasty'"),
	qr/^More than 60 sessions come and go in a minute, and most of them send 20 statements or fewer and live for less than 1000 ms\. Keep connections .*PgBouncer/,
	'sessions of one statement, again and again');

is($node->safe_psql('postgres', q{
SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(pg_nplusone_report('json')::jsonb #> '{connections,0}') k}),
	'advice application_name connect_share database mean_session_time mean_statements role sessions statements', 'the report has them as JSON');
like($node->safe_psql('postgres', 'SELECT pg_nplusone_report()'), qr/^Connections\n.*\n.* %  postgres\@postgres, hasty\n      More than 60/m, 'as text');
like($node->safe_psql('postgres', q{SELECT pg_nplusone_report('html')}), qr{<h2>Connections</h2>.*hasty}s, 'and as a page');

# nothing names the program, but its statements show who has written them
come_and_go('django by hand', 5, 20000, sub { $_[0]->simple('SELECT "author"."id", "author"."name" FROM "author" WHERE "author"."id" = 7 LIMIT 21') });
like(sessions('advice', "application_name = 'django by hand'"), qr/CONN_MAX_AGE/, 'the ORM is known by its statements');

# not for long enough
come_and_go('short burst', 1, 20000, \&one_statement);
is(sessions('advice IS NULL', "application_name = 'short burst'"), 't', 'a burst is no habit');
# at most one a second
come_and_go('cron', 5, 1_000_000, \&one_statement);
is(sessions('advice IS NULL', "application_name = 'cron'"), 't', 'one a second is not too many');
# work enough
come_and_go('busy', 5, 1000, sub { my $client = shift; $client->query('extended', 'SELECT id, name FROM author WHERE id = $1', $_) for 1 .. 21; });
is(sessions('advice IS NULL', "application_name = 'busy'"), 't', 'twenty-one statements are work enough');
# long enough: twenty at a time
for (1 .. 4)
{
	my @batch = map { WireClient->new($node, application_name => 'patient') } 1 .. 20;
	one_statement($_) for @batch;
	usleep(1_100_000);
	$_->disconnect for @batch;
}
is(sessions('sessions, advice IS NULL', "application_name = 'patient'"), '80|t', 'sessions that live for a second');

# Each ORM has something to say.  A slow machine takes long to let so many in.
setting(connection_rate => 1, connection_span => '24s');
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
my $monitor = WireClient->new($node);
my $advised = 0;
for (my $until = time + 120; time < $until && $advised < @orms; usleep(200_000))
{
	WireClient->new($node, application_name => $_, options => "-c pg_nplusone.orm=$_")->disconnect for @orms;
	$advised = $monitor->value("SELECT count(advice) FROM pg_nplusone_connections WHERE application_name IN (" . join(', ', map { "'$_'" } @orms) . ')');
}
$monitor->disconnect;
is($advised, 14, 'every ORM is advised');
my $list = join(', ', map { "'$_'" } @orms);
is(sessions(q{count(DISTINCT regexp_replace(advice, '^.*? 1000 ms. ', ''))}, "application_name IN ($list)"), 14, 'in its own words');
is(sessions('count(*)', q{advice ~ '[{]\w+[}]'}), 0, 'and all of them are filled in');
foreach my $words ([ 'django', 'CONN_MAX_AGE' ], [ 'rails', 'Active Record' ], [ 'sqlalchemy', 'create_engine' ], [ 'hibernate', 'HikariCP' ], [ 'prisma', 'PrismaClient' ])
{
	like(sessions('advice', "application_name = '$words->[0]'"), qr/\Q$words->[1]\E/, "advice for $words->[0]");
}

# turned off
setting(connection_rate => -1);
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
WireClient->new($node, application_name => 'off')->disconnect for 1 .. 3;
is(sessions('count(*)', 'true'), 0, 'no session is counted when it is turned off');
setting(connection_rate => 60);

# --- What must not be held against a program -------------------------------------------

setting(connection_span => '2s');
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
$node->command_ok([ 'pgbench', '-i', '-q', '-s', 1, '-h', $node->host, '-p', $node->port, 'postgres' ], 'pgbench -i');
foreach my $protocol (qw(simple extended prepared))
{
	ok(run_pgbench($node, [ '-b', $_, '-M', $protocol, '-c', 4, '-j', 2, '-t', 50 ]), "pgbench -b $_ -M $protocol") for ('tpcb-like', 'select-only');
}
$node->command_ok([ 'pg_dump', '-Fd', '-j', 2, '-f', $node->basedir . "/dump$_", $node->connstr('postgres') ], 'pg_dump -j 2') for 1 .. 2;
$node->safe_psql('postgres', 'COPY author TO STDOUT; SELECT 1') for 1 .. 3;

my $subscriber = new_server('subscriber');
$subscriber->safe_psql('postgres', 'CREATE TABLE author (id int PRIMARY KEY, name text)');
$node->safe_psql('postgres', 'CREATE PUBLICATION authors FOR TABLE author');
my $connstr = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION authors CONNECTION '$connstr' PUBLICATION authors");
$subscriber->wait_for_subscription_sync($node, 'authors');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION authors');
is(sessions('count(*)', "application_name LIKE 'pg\\_%sync%' OR application_name = 'authors'"), 0, 'connections of replication are no sessions of clients');
$subscriber->stop;

my $client = WireClient->new($node, application_name => 'etl');
$client->simple('BEGIN; DECLARE c CURSOR FOR SELECT * FROM author');
1 while @{ $client->query('simple', 'FETCH 10 FROM c') };
$client->disconnect;
is(sessions('count(*)', 'advice IS NOT NULL'), 0, 'pgbench, pg_dump, COPY, psql, replication and ETL: nothing is said');

SKIP:
{
	skip 'pgbouncer is not installed', 1 unless can_run('pgbouncer');
	my $pooler = start_pooler($node, 'transaction', 3);

	for (my $until = time + 4; time < $until;)
	{
		my $pooled = WireClient->new($node, application_name => 'pooled', host => '127.0.0.1', port => $pooler->{port});
		one_statement($pooled);
		$pooled->disconnect;
	}
	stop_pooler($pooler);
	is(sessions('count(*)', 'advice IS NOT NULL'), 0, 'behind a pooler clients may come and go');
}

check_alive($node, 'connections');
$node->stop;
done_testing();
