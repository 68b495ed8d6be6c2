# A backend is killed, the server is restarted: what is kept and what works.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

use LoopTest;
use WireClient;

my $node = new_server('crash', "restart_after_crash = on\n");
create_blog($node);

# Find a loop in a fresh session and leave the session open.
sub one_loop
{
	my $client = WireClient->new($node);

	author_loop($client, 'prepared', 20);
	return $client;
}

my $EXPECTED = 'forward_fk|proven|post.author_id -> author.id|1|20';

# --- A backend goes away in an orderly way -------------------------------

my $client = one_loop();
is(loops($node), $EXPECTED, 'a loop is found');
$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . $client->pid . ')');
wait_for($node, 'SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = ' . $client->pid);
is(loops($node), $EXPECTED, 'a terminated session loses nothing');
is(found($node, 'count(*)', 'muted'), 0, 'nothing is muted');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_activity'), 0, 'and nothing is said to be running');

# --- A backend is killed -------------------------------------------------

foreach my $moment ('after a loop', 'in a loop', 'in a transaction')
{
	$client = one_loop();
	$client->simple('BEGIN') if $moment eq 'in a transaction';
	$client->send_simple('SELECT count(pg_sleep(0.01)) FROM author') if $moment ne 'after a loop';
	kill('KILL', $client->pid);
	ok(wait_for($node, 'SELECT true'), "killed $moment: the server comes back");
	my ($result) = $client->simple('SELECT 1');
	ok($result->{error} || $client->is_closed, "killed $moment: the session is gone");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_activity'), 0,
		"killed $moment: no loop is left running");
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');

	$client = one_loop();
	is(loops($node), $EXPECTED, "killed $moment: loops are found as before");
	$client->disconnect;
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
}

# --- The server is killed as a whole -------------------------------------

$client = one_loop();
my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
$node->kill9;
$client->simple('SELECT 1') until $client->is_closed;
# its number is taken until somebody has buried it
for (1 .. 300)
{
	last unless kill(0, $postmaster);
	usleep(100_000);
}
$node->start;
$client = one_loop();
like(found($node, 'max(max_calls)'), qr/^20$/, 'the postmaster was killed: loops are found as before');

# --- Restart, in every mode ----------------------------------------------

foreach my $mode (qw(smart fast immediate))
{
	$client->disconnect;
	$client = one_loop();
	$client->disconnect if $mode eq 'smart';
	$node->stop($mode);
	$node->start;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_info WHERE stats_reset <= now() AND clusters <= max_clusters'),
		1, "restart ($mode): the view of our state reads well");
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	$client = one_loop();
	is(loops($node), $EXPECTED, "restart ($mode): loops are found");
}

# A change of the number of clusters or of their size takes a restart.
$node->append_conf('postgresql.conf', "pg_nplusone.max = 50\npg_nplusone.query_size = 256\n");
$node->restart;
is($node->safe_psql('postgres', 'SELECT max_clusters FROM pg_nplusone_info'), 50, 'fewer clusters after a restart');
$node->adjust_conf('postgresql.conf', 'pg_nplusone.max', '100000');
$node->adjust_conf('postgresql.conf', 'pg_nplusone.query_size', '256');
$node->restart;
is($node->safe_psql('postgres', 'SELECT max_clusters FROM pg_nplusone_info'), 100000, 'the most clusters that there can be');
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
$client = one_loop();
is(loops($node), $EXPECTED, 'with them, loops are found');
$client->disconnect;

$node->stop;
done_testing();
