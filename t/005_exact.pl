# Counts are exact, at any moment, and counting takes no more memory the
# longer it goes on.
#
# PG_NPLUSONE_LONG=1 in the environment makes it a million executions for each
# protocol; every day it is less.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

use LoopTest;
use WireClient;

my $N = $ENV{PG_NPLUSONE_LONG} ? 1_000_000 : 30_000;
my $N_NESTED = $ENV{PG_NPLUSONE_LONG} ? 1_000_000 : 100_000;
my $MEMORY_LIMIT = 32 * 1024;

my $node = new_server('exact', "synchronous_commit = off\n");
create_blog($node);
$node->safe_psql('postgres', 'CREATE SEQUENCE turns; CREATE TABLE journal (n int)');

# Bytes in our contexts of another backend, as it writes them to the log.
sub memory_in_log
{
	my $pid = shift;
	my $before = -s $node->logfile;

	$node->safe_psql('postgres', "SELECT pg_log_backend_memory_contexts($pid)");
	for (1 .. 100)
	{
		my $log = slurp_file($node->logfile, $before);
		return $1 if $log =~ /level: \d+; pg_nplusone: (\d+) total in \d+ blocks/;
		usleep(20000);
	}
	return;
}

# Watch a loop of another session while it runs: calls never go down, and no
# more memory is used.
sub watch
{
	my ($what, $condition, $is_running) = @_;
	my $watcher = WireClient->new($node);
	my ($last, $seen, $backwards) = (0, 0, 0);
	my (@memory, @resident);

	while ($is_running->())
	{
		my $row = $watcher->query('simple', qq{
SELECT sum(calls) FROM pg_nplusone WHERE $condition})->[0];
		my $calls = $row->[0] // 0;

		$backwards++ if $calls < $last;
		$seen++ if $calls > $last;
		$last = $calls;
		if (my $pid = $watcher->value('SELECT min(pid) FROM pg_nplusone_activity WHERE calls > 1000'))
		{
			if (@memory < 3)
			{
				my $bytes = memory_in_log($pid);
				push @memory, $bytes if defined $bytes;
			}
			my $kilobytes = eval { resident_of($pid) };
			push @resident, $kilobytes if defined $kilobytes;
		}
		usleep(50000);
	}
	$watcher->disconnect;
	cmp_ok($seen, '>=', 2, "$what: calls are seen to grow");
	is($backwards, 0, "$what: calls never go down");
	if (@memory)
	{
		is(scalar(grep { $_ != $memory[0] } @memory), 0, "$what: our memory does not grow (@memory)");
		cmp_ok($memory[-1], '<=', $MEMORY_LIMIT, "$what: and is at most 32 kB");
	}
	cmp_ok($resident[-1] - $resident[ @resident / 2 ], '<', 256, "$what: nor does the backend ($resident[0] .. $resident[-1] kB)")
	  if @resident > 4;
}

# --- Each protocol ------------------------------------------------------------

my %program = (
	'look-up' => [ "\\set id random(1, 200)\nSELECT id, name FROM author WHERE id = :id;\n", q{query LIKE 'SELECT id, name%'} ],
	'INSERT' => [ "INSERT INTO journal VALUES (:client_id);\n", q{pattern = 'insert'} ]);

foreach my $protocol (qw(simple extended prepared))
{
	foreach my $name (sort keys %program)
	{
		next if $name eq 'INSERT' && $protocol ne 'prepared';
		my ($script, $condition) = @{ $program{$name} };
		my $file = $node->basedir . "/exact.sql";
		my ($out, $err);

		$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
		append_to_file($file, '') unless -e $file;
		open(my $handle, '>', $file) or die;
		print $handle $script;
		close($handle);
		my $pgbench = IPC::Run::start([ 'pgbench', '-n', '-M', $protocol, '-t', $N, '-f', $file,
				'-h', $node->host, '-p', $node->port, 'postgres' ], '>', \$out, '2>', \$err);
		watch("$protocol, $name", $condition, sub { $pgbench->pump_nb; $pgbench->pumpable });
		ok($pgbench->finish, "$protocol, $name: pgbench has run") or diag($err);
		is(found($node, 'sum(calls)', $condition), $N, "$protocol, $name: exactly $N calls when it has ended");
		is(found($node, 'max(rows)', $condition), $N, "$protocol, $name: and as many rows");
	}
}

# --- Nested ------------------------------------------------------------------

my %nested = (
	'look-ups' => qq{FOR i IN 1 .. $N_NESTED LOOP PERFORM name FROM author WHERE id = i % 200; END LOOP},
	'look-ups after a list' => qq{FOR p IN SELECT post.id, author_id FROM post, generate_series(1, $N_NESTED / 200) g ORDER BY g, post.id LOOP
PERFORM name FROM author WHERE id = p.author_id; END LOOP});

foreach my $name (sort keys %nested)
{
	my $client = WireClient->new($node);
	my $running = 1;

	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	$client->simple("SET pg_nplusone.track = 'all'");
	$client->send_simple("DO \$\$ DECLARE p record; BEGIN $nested{$name}; END \$\$");
	my $pid = $client->pid;
	my $watcher = WireClient->new($node);
	watch($name, q{query LIKE 'SELECT name%'}, sub {
		$watcher->value("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND state = 'active'") });
	$watcher->disconnect;
	$client->collect;
	is(found($node, 'sum(calls)', q{query LIKE 'SELECT name%'}), $N_NESTED, "$name: exactly $N_NESTED calls");
	cmp_ok(memory_of($client), '<=', $MEMORY_LIMIT, "$name: at most 32 kB of memory");
	$client->disconnect;
	is(found($node, 'sum(calls)', q{query LIKE 'SELECT name%'}), $N_NESTED, "$name: also when the session has ended");
}
is(found($node, 'confidence', q{query LIKE 'SELECT name%'}), 'proven', 'the loop over a list is proven');

# --- More loops at once than the machine has processors -------------------------

# A backend may lose its processor at any point: no reader misses its loop.
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
my @busy = map { WireClient->new($node) } 1 .. 4;
foreach my $client (@busy)
{
	$client->simple("SET pg_nplusone.track = 'all'");
	$client->send_simple('DO $$ BEGIN LOOP PERFORM name FROM author WHERE id = 7; END LOOP; END $$');
}
my $reader = WireClient->new($node);
wait_for($node, q{SELECT sum(loops) = 4 FROM pg_nplusone});
my ($reads, $missed, $backwards, $last) = (0, 0, 0, 0);
for (my $until = time + ($ENV{PG_NPLUSONE_LONG} ? 60 : 5); time < $until; $reads++)
{
	my ($loops, $calls) = @{ $reader->query('simple', 'SELECT sum(loops), sum(calls) FROM pg_nplusone')->[0] };

	$missed++ if $loops != 4;
	$backwards++ if $calls < $last;
	$last = $calls if $calls > $last;
}
cmp_ok($reads, '>', 50, "four loops at once, read again and again ($reads times)");
is($missed, 0, 'four loops at once: every reading has all four');
is($backwards, 0, 'four loops at once: calls never go down');
$_->cancel for @busy;
$_->collect for @busy;
$last = found($node, 'sum(calls)');
$_->disconnect for @busy;
is(found($node, 'sum(calls)'), $last, 'four loops at once: and nothing is lost when they have ended');
$reader->disconnect;

# --- The backend is terminated in the middle ---------------------------------

foreach my $protocol (qw(simple extended prepared))
{
	# while it waits for its client
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	my $client = WireClient->new($node);
	$client->query($protocol, 'SELECT id, name FROM author WHERE id = $1', 1 + $_ % 200) for 1 .. 777;
	is(found($node, 'sum(calls)', q{query LIKE 'SELECT id, name%'}), 777, "$protocol: what the client has counted, while it waits");
	my $pid = $client->pid;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	wait_for($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
	is(found($node, 'sum(calls)', q{query LIKE 'SELECT id, name%'}), 777, "$protocol: what the client has counted, terminated between two statements");

	# while it runs: the statement on the way may be counted or not
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	$client = WireClient->new($node);
	$pid = $client->pid;
	my $killer = WireClient->new($node);
	my $answered = 0;
	$killer->send_simple("SELECT pg_sleep(0.2), pg_terminate_backend($pid)");
	until ($client->is_closed)
	{
		my $result = $client->try_query($protocol, 'SELECT id, name FROM author WHERE id = $1', 1 + $answered % 200);
		last if $result->{error};
		$answered++;
	}
	$killer->collect;
	wait_for($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
	my $calls = found($node, 'sum(calls)', q{query LIKE 'SELECT id, name%'});
	ok($calls == $answered || $calls == $answered + 1,
		"$protocol: what the client has counted, terminated in the middle ($answered answers, $calls calls)");
	$killer->disconnect;
}

$node->safe_psql('postgres', q{SELECT pg_nplusone_reset(), setval('turns', 1, false)});
my $client = WireClient->new($node);
my $pid = $client->pid;
$client->simple("SET pg_nplusone.track = 'all'");
$client->send_simple(q{DO $$ BEGIN LOOP PERFORM nextval('turns'); PERFORM name FROM author WHERE id = 7; END LOOP; END $$});
usleep(300000);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_for($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
my $turns = $node->safe_psql('postgres', 'SELECT last_value FROM turns');
my $calls = found($node, 'sum(calls)', q{query LIKE 'SELECT name%'});
cmp_ok($turns, '>', 100, "nested: some turns were made ($turns)");
ok($turns - $calls >= 0 && $turns - $calls <= 1, "nested, terminated in the middle: $turns turns, $calls calls");

# --- Several sessions on one cluster ------------------------------------------

$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
ok(run_pgbench($node, [ '-c', 8, '-j', 2, '-M', 'prepared', '-t', 2000 ], 'shared' => $program{'look-up'}[0]),
	'eight sessions');
is(found($node, "sum(calls) || ' ' || sum(loops) || ' ' || max(max_calls)", q{query LIKE 'SELECT id, name%'}), '16000 8 2000',
	'eight sessions: every execution of each');
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
ok(run_pgbench($node, [ '-C', '-M', 'simple', '-t', 100 ],
		'reconnect' => join('', map { "SELECT id, name FROM author WHERE id = $_;\n" } 1 .. 20)),
	'a hundred sessions, one after the other');
wait_for($node, "SELECT count(*) <= 1 FROM pg_stat_activity WHERE backend_type = 'client backend'");
is(found($node, "sum(calls) || ' ' || sum(loops)", q{query LIKE 'SELECT id, name%'}), '2000 100',
	'a hundred sessions, one after the other: every execution of each');

# --- Reset while a loop runs ----------------------------------------------------

$client = WireClient->new($node);
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
my $protocol = 'prepared';
$client->query($protocol, 'SELECT id, name FROM author WHERE id = $1', $_) for 1 .. 50;
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
$client->query($protocol, 'SELECT id, name FROM author WHERE id = $1', $_) for 51 .. 90;
is(found($node, 'sum(calls)'), 40, 'after a reset a running loop counts from zero');
is($client->value('SELECT sum(calls) FROM pg_nplusone_session'), 90, 'the session itself knows of all');
$client->disconnect;
is(found($node, 'sum(calls)'), 40, 'after a reset and the end of the session');

check_alive($node, 'exact');
$node->stop;
done_testing();
