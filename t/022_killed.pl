# kill -9 at random moments under load, of a backend, of the checkpointer, of
# the process that saves, and of the postmaster.
#
# Each time the server comes back, the file is whole, no counter is higher than
# the truth (what the clients have sent) and none is lower than when it was
# last saved.  PG_NPLUSONE_LONG=1 in the environment makes it fifty times.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

use LoopTest;
use WireClient;

my $ROUNDS = $ENV{PG_NPLUSONE_LONG} ? 50 : 4;
my $CLIENTS = 4;
my @VICTIMS = ('backend', 'checkpointer', 'postmaster', 'saver');
my $SEED = $ENV{PG_NPLUSONE_SEED} // 20260103;

my $node = new_server('killed', "restart_after_crash = on\npg_nplusone.save_interval = 1s\npg_nplusone.hint_min_time = -1\n");
create_blog($node);
srand($SEED);

# Each client has a statement of its own.
my @columns = ('id', 'name', 'id, name', 'name, id');
my @statements = map { "SELECT $_ FROM author WHERE id = \$1" } @columns;
my @sent = (0) x $CLIENTS;

# A program that loops until the server goes away, and then says how often.
sub start_client
{
	my ($n) = @_;
	pipe(my $reader, my $writer) or die;
	my $pid = fork() // die;

	if ($pid == 0)
	{
		my $client = WireClient->new($node);
		my $count = 0;
		my $pause = $n % 2;

		for (;;)
		{
			# a page, and what belongs to it; some in a transaction
			$client->simple('BEGIN') if $pause;
			for my $id (1 .. 40)
			{
				$count++;
				last if $client->try_query($n < 2 ? 'prepared' : 'extended', $statements[$n], $id)->{error};
			}
			$client->simple('COMMIT') if $pause;
			# other programs come and go
			if ($pause && rand() < 0.1 && !$client->is_closed)
			{
				$client->disconnect;
				$client = eval { WireClient->new($node) };
			}
			last if !$client || $client->is_closed;
		}
		print $writer "$count\n";
		close($writer);
		require POSIX;
		POSIX::_exit(0);
	}
	close($writer);
	return { pid => $pid, reader => $reader };
}

# The calls of each client's statement, as the view has them.
sub calls
{
	my %calls = map { split(/\|/) } split(/\n/,
		$node->safe_psql('postgres', 'SELECT query, sum(calls) FROM pg_nplusone GROUP BY query'));
	return map { $calls{$_} // 0 } @statements;
}

sub postmaster
{
	my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	return $pid;
}

# A child of the postmaster by its title: not all of them are in a view.
sub pid_of
{
	my ($title) = @_;
	my $parent = postmaster();

	foreach my $status (glob('/proc/[0-9]*/stat'))
	{
		my ($pid, $ppid) = (eval { slurp_file($status) } // '') =~ /^(\d+) \(.*\) \S (\d+)/ or next;
		next if $ppid != $parent;
		return $pid if (eval { slurp_file("/proc/$pid/cmdline") } // '') =~ $title;
	}
	die "no process $title";
}

my %title = (backend => qr/postgres postgres \[local\]/, checkpointer => qr/checkpointer/, saver => qr/pg_nplusone saver/);

sub kill_it
{
	my ($victim) = @_;
	my $pid = $victim eq 'postmaster' ? postmaster() : pid_of($title{$victim});
	my $before = -s $node->logfile;

	usleep(int(rand(1_100_000)));
	kill('KILL', $pid);
	if ($victim eq 'postmaster')
	{
		$node->kill9;
		for (1 .. 300) { last unless kill(0, $pid); usleep(20_000); }
		# its children let go of the memory when they notice
		for (1 .. 100)
		{
			last if $node->start(fail_ok => 1);
			usleep(100_000);
		}
	}
	else
	{
		for (1 .. 500)
		{
			last if slurp_file($node->logfile, $before) =~ /ready to accept connections/;
			usleep(20_000);
		}
	}
	return;
}

my ($too_high, $too_low, $lost, $not_whole) = (0, 0, 0, 0);
foreach my $round (1 .. $ROUNDS)
{
	my $victim = $VICTIMS[ $round % @VICTIMS ];
	my @clients = map { start_client($_) } 0 .. $CLIENTS - 1;

	usleep(300_000);
	my @seen = calls();
	my $seen_at = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
	wait_for($node, "SELECT last_saved > '$seen_at' FROM pg_nplusone_info");
	my $from = -s $node->logfile;
	kill_it($victim);

	foreach my $n (0 .. $CLIENTS - 1)
	{
		my $reader = $clients[$n]{reader};
		$sent[$n] += <$reader> // 0;
		close($reader);
		waitpid($clients[$n]{pid}, 0);
	}
	my @now = calls();
	foreach my $n (0 .. $CLIENTS - 1)
	{
		$too_high++ if $now[$n] > $sent[$n];
		$too_low++ if $now[$n] < $seen[$n];
		diag("round $round, $victim: $statements[$n]: seen $seen[$n], now $now[$n], sent $sent[$n]")
		  if $now[$n] > $sent[$n] || $now[$n] < $seen[$n];
		$lost += $sent[$n] - $now[$n];
		# the truth from here on: what was lost is not counted any more
		$sent[$n] = $now[$n];
	}
	$not_whole++ if slurp_file($node->logfile, $from) =~ /ignoring file/;
	$not_whole++ if $node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_activity') != 0;
}
is($too_high, 0, "$ROUNDS kills at random moments (seed $SEED): no counter is higher than the truth");
is($too_low, 0, 'none is lower than at the last save');
is($not_whole, 0, 'the file was whole each time, and nothing was left running');
note("$lost executions in all were counted after a last save and lost");

is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_nplusone WHERE calls < loops OR max_calls > calls OR rows > calls}),
	0, 'no counter contradicts another');
is($node->safe_psql('postgres', 'SELECT 1'), 1, 'the server answers');
$node->stop;
done_testing();
