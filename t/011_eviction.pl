# A table of 50 clusters and hundreds of loops: what gives way, and what does
# not.
#
# PG_NPLUSONE_LONG=1 in the environment makes the storm at the end last for ten
# minutes, with 200 connections.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $LONG = $ENV{PG_NPLUSONE_LONG};
my $node = new_server('eviction', "pg_nplusone.max = 50\nmax_connections = 250\n");
create_blog($node);

# Statement number n is unlike all others: it has a list of columns of its own.
sub statement
{
	my $n = shift;
	my $columns = join(', ', map { ($n >> $_ & 1) ? "id AS c$_" : "name AS c$_" } 0 .. 9);

	return "SELECT $columns FROM author WHERE id = \$1";
}

sub loop_of
{
	my ($client, $n, $calls) = @_;

	$client->query('extended', statement($n), $_) for 1 .. $calls;
	return;
}

sub info { return $node->safe_psql('postgres', "SELECT $_[0] FROM pg_nplusone_info"); }

# --- One connection after the other -------------------------------------------

my $client = WireClient->new($node);
loop_of($client, $_, 6) for 0 .. 39;
$client->disconnect;
is(info('clusters, dealloc'), '40|0', 'as long as there is room nothing goes');
is(found($node, 'sum(calls)'), 240, 'and all is counted');

my $before = time;
$client = WireClient->new($node);
loop_of($client, $_, 6) for 40 .. 399;
$client->disconnect;
my ($clusters, $dealloc) = split(/\|/, info('clusters, dealloc'));
cmp_ok($clusters, '<=', 50, "no more than 50 clusters ($clusters)");
cmp_ok($clusters, '>=', 40, 'and the table is not emptied for one newcomer');
is($clusters + $dealloc, 400, "every cluster is there or counted as gone ($dealloc)");
is(found($node, 'count(*)', 'calls <> 6 OR loops <> 1'), 0, 'what stays is exact');

# --- A loop that runs is not evicted --------------------------------------------

$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
my @runners = map { WireClient->new($node, application_name => "runner $_") } 1 .. 5;
loop_of($runners[$_], 500 + $_, 10 + $_) for 0 .. 4;
my @others = map { WireClient->new($node) } 1 .. 5;
for my $n (600 .. 899)
{
	loop_of($others[ $n % 5 ], $n, 6);
}
is(found($node, q{string_agg(calls::text, ',' ORDER BY calls)}, q{application_name LIKE 'runner%'}), '10,11,12,13,14',
	'five loops of sessions that wait outlive three hundred others');
loop_of($runners[$_], 500 + $_, 100) for 0 .. 4;
is(found($node, q{string_agg(calls::text, ',' ORDER BY calls)}, q{application_name LIKE 'runner%'}), '110,111,112,113,114',
	'and go on counting');
$_->disconnect for @runners, @others;
is(found($node, q{string_agg(calls::text, ',' ORDER BY calls)}, q{application_name LIKE 'runner%'}), '110,111,112,113,114',
	'and are counted when they have ended');

# --- More loops at once than there is room for ----------------------------------

$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
my @crowd = map { WireClient->new($node) } 1 .. 12;
for my $session (0 .. 11)
{
	loop_of($crowd[$session], 100 * $session / 10 + $_, 6) for 0 .. 7;
}
cmp_ok(info('clusters'), '<=', 50, 'more running loops than there is room for: no more than 50 clusters');
is($crowd[0]->value('SELECT count(*) FROM author'), 200, 'and every session goes on');
$_->disconnect for @crowd;
wait_for($node, "SELECT count(*) <= 1 FROM pg_stat_activity WHERE backend_type = 'client backend'");
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_activity'), 0, 'nothing is left running');
is(found($node, 'count(*)', 'calls % 6 <> 0'), 0, 'what was listed is exact');

# --- All at once -------------------------------------------------------------------

# Six sessions with one loop each, a storm of short ones with twenty others, a
# reader, and somebody who resets what is not the six's.
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
my $keep = "SELECT id, name, 'kept' AS kept FROM author WHERE id = :id;\n";
my %script;
for my $n (0 .. 19)
{
	(my $sql = statement(1 + $n * 13)) =~ s/\$1/:id/;
	$script{"storm$n"} = join('', map { "\\set id random(1, 200)\n$sql;\n" } 1 .. 6);
}
my $turns = $LONG ? 50_000 : 3000;
my @storm = $LONG ? ('-c', 190, '-T', 600) : ('-c', 8, '-t', 60);
my @running;
foreach my $part (0 .. 2)
{
	my $file = $node->basedir . "/kept$part.sql";
	append_to_file($file, "\\set id random(1, 200)\n$keep");
	push @running, IPC::Run::start([ 'pgbench', '-n', '-M', 'prepared', '-c', 2, '-t', $turns, '-f', $file,
			'-h', $node->host, '-p', $node->port, 'postgres' ], '>', \my $out, '2>', \my $err);
}
my $reader = WireClient->new($node);
my $backwards = 0;
my $last = 0;
my $resets = $node->basedir . '/resets.sql';
append_to_file($resets, q{SELECT pg_nplusone_reset(clusterid => clusterid) FROM pg_nplusone
WHERE query NOT LIKE '%kept%' AND random() < 0.3;
\sleep 5 ms
});
my $resetter = IPC::Run::start([ 'pgbench', '-n', '-T', 600, '-f', $resets,
		'-h', $node->host, '-p', $node->port, 'postgres' ], '>', \my $resetter_out, '2>', \my $resetter_err);
ok(run_pgbench($node, [ @storm, '-j', 2, '-C', '-M', 'extended' ], %script), 'a storm of short sessions');
for (1 .. 50)
{
	my $now = $reader->value(q{SELECT coalesce(sum(calls), 0) FROM pg_nplusone WHERE query LIKE '%kept%'});
	$backwards++ if $now < $last;
	$last = $now;
}
foreach my $process (@running)
{
	ok($process->finish, 'a program with a loop of its own');
}
is($backwards, 0, 'its calls never go down');
$reader->disconnect;
$resetter->kill_kill(grace => 5);
wait_for($node, "SELECT count(*) <= 1 FROM pg_stat_activity WHERE backend_type = 'client backend'");
is(found($node, 'sum(calls)', q{query LIKE '%kept%'}), 6 * $turns, 'calls of six sessions that stayed: exact');
cmp_ok(info('clusters'), '<=', 50, 'no more than 50 clusters');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_activity'), 0, 'nothing is left running');

# The table can still be filled and emptied.
$clusters = info('clusters');
is($node->safe_psql('postgres', 'SELECT pg_nplusone_reset()'), $clusters, 'reset removes what is there');
is(info('clusters'), 0, 'and nothing is left');
$client = WireClient->new($node);
loop_of($client, $_, 6) for 0 .. 49;
is(info('clusters'), 50, 'there is room for 50 again');
$client->disconnect;

check_alive($node, 'eviction');
$node->stop;
done_testing();
