# Pools: sessions that are handed from one program to the next.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

use LoopTest;
use WireClient;

my $node = new_server('pools', "pg_nplusone.idle_gap = 500ms\n");
create_blog($node);
$node->safe_psql('postgres', 'CREATE ROLE visitor LOGIN; CREATE ROLE tenant_a; CREATE ROLE tenant_b; GRANT tenant_a, tenant_b TO visitor');

my $LINK = 'post.author_id -> author.id';

sub start_over
{
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	return WireClient->new($node, @_);
}

# --- What a pool does between two programs -----------------------------------

# DISCARD ALL ends the unit of work: what comes after it is another program's.
my $client = start_over();
for (1 .. 10)
{
	$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', $_ * 7) for 1 .. 3;
	$client->simple('DISCARD ALL');
}
is(loops($node), '', 'three look-ups each between two DISCARD ALL: not even suspected');
for (1 .. 4)
{
	author_loop($client, 'extended', 20);
	$client->simple('DISCARD ALL');
}
is(loops($node), "forward_fk|proven|$LINK|4|80", 'a loop each between two DISCARD ALL: as many loops');
my @authors = read_authors($client, 'extended', 20);
$client->simple('DISCARD ALL');
$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', $_) for @authors;
is(loops($node, q{confidence = 'suspected'}), 'lookup|suspected||1|20', 'a list before DISCARD ALL is no evidence after it');
$client->disconnect;

# The lesser ones end nothing.
foreach my $statement ('DISCARD PLANS', 'DISCARD TEMP', 'DISCARD SEQUENCES', 'RESET ALL', 'UNLISTEN *',
	'DEALLOCATE ALL', 'CLOSE ALL', 'SET search_path = public', 'SET application_name = $$page$$')
{
	$client = start_over();
	@authors = read_authors($client, 'extended', 20);
	for my $n (0 .. 19)
	{
		$client->simple($statement) if $n % 5 == 2;
		$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', $authors[$n]);
	}
	is(loops($node), "forward_fk|proven|$LINK|1|20", "$statement does not end a loop");
	$client->disconnect;
}

# Idle for long, outside of a transaction and inside.
$client = start_over();
@authors = read_authors($client, 'extended', 20);
for my $n (0 .. 19)
{
	usleep(800000) if $n == 10;
	$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', $authors[$n]);
}
like(loops($node), qr/^forward_fk\|proven\|\Q$LINK\E\|1\|10$/m, 'idle outside of a transaction: the loop ends');
$client->disconnect;
$client = start_over();
$client->simple('BEGIN');
@authors = read_authors($client, 'extended', 20);
for my $n (0 .. 19)
{
	usleep(800000) if $n == 10;
	$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', $authors[$n]);
}
$client->simple('COMMIT');
is(loops($node), "forward_fk|proven|$LINK|1|20", 'idle in a transaction: it goes on');
$client->disconnect;

# A statement that takes long is no gap.
$client = start_over();
@authors = read_authors($client, 'extended', 20);
for my $n (0 .. 19)
{
	$client->query('extended', 'SELECT id, name, $2::text FROM author, pg_sleep(CASE WHEN $2 = $$10$$ THEN 0.8 ELSE 0 END) WHERE id = $1', $authors[$n], "$n");
}
is(loops($node), "forward_fk|proven|$LINK|1|20", 'a statement that takes longer than the gap does not end a loop');
$client->disconnect;

# --- A role for each tenant ------------------------------------------------------

$client = start_over(user => 'visitor');
foreach my $role (qw(tenant_a tenant_b))
{
	$client->simple("SET ROLE $role");
	author_loop($client, 'extended', 20);
	$client->simple('RESET ROLE');
}
is($node->safe_psql('postgres', 'SELECT userid::regrole, confidence, calls FROM pg_nplusone ORDER BY userid::regrole::text'),
	"tenant_a|proven|20\ntenant_b|proven|20", 'SET ROLE: a cluster for each role');
$client->disconnect;

$client = start_over(user => 'visitor');
@authors = read_authors($client, 'extended', 20);
for my $n (0 .. 19)
{
	$client->simple('SET ROLE ' . ($n % 2 ? 'tenant_a' : 'tenant_b'));
	$client->query('extended', 'SELECT id, name FROM author WHERE id = $1', $authors[$n]);
}
is($node->safe_psql('postgres', 'SELECT sum(calls) FROM pg_nplusone'), 20, 'SET ROLE in turn: each counts what is its own');
$client->disconnect;

$client = start_over();
for (1 .. 3)
{
	$client->simple('BEGIN; SET LOCAL ROLE tenant_a');
	author_loop($client, 'extended', 20);
	$client->simple('COMMIT');
}
is($node->safe_psql('postgres', 'SELECT userid::regrole, confidence, loops, calls FROM pg_nplusone'), 'tenant_a|proven|3|60', 'SET LOCAL ROLE');
$client->disconnect;

# --- PgBouncer ---------------------------------------------------------------------

SKIP:
{
	skip 'pgbouncer is not installed', 10 unless can_run('pgbouncer');

	foreach my $mode (qw(session transaction))
	{
		my $pooler = start_pooler($node, $mode, 1);
		my @through = (host => '127.0.0.1', port => $pooler->{port});

		# one program after the other on the pool's only connection
		$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
		for (1 .. 5)
		{
			my $program = WireClient->new($node, @through);
			author_loop($program, 'extended', 20);
			$program->disconnect;
		}
		is(loops($node, q{confidence <> 'suspected'}), "forward_fk|proven|$LINK|5|100", "$mode mode: five programs with a loop each");

		$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
		for (1 .. 20)
		{
			my $program = WireClient->new($node, @through);
			read_authors($program, 'extended', 20);
			$program->query('extended', 'SELECT id, name FROM author WHERE id = $1', 1 + $_ * 37 % 199);
			$program->disconnect;
		}
		is(strong_loops($node), '', "$mode mode: twenty programs with a list and one row each");
		stop_pooler($pooler);
	}

	# two programs in turn on one connection to the server, statement by statement
	my $pooler = start_pooler($node, 'transaction', 1);
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	my @programs = map { WireClient->new($node, host => '127.0.0.1', port => $pooler->{port}) } 1 .. 2;
	my @lists = map { [ read_authors($_, 'extended', 20) ] } @programs;
	for my $n (0 .. 19)
	{
		$programs[$_]->query('extended', 'SELECT id, name FROM author WHERE id = $1', $lists[$_][$n]) for 0, 1;
	}
	is(found($node, q{string_agg(confidence || ' ' || calls, ',')}), 'proven 40', 'transaction mode: two programs in turn on one connection');

	# a loop in a transaction, others between
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	$programs[0]->simple('BEGIN');
	author_loop($programs[0], 'extended', 30);
	$programs[0]->simple('COMMIT');
	$programs[1]->query('extended', 'SELECT id, title FROM post WHERE id = $1', 7);
	is(loops($node), "forward_fk|proven|$LINK|1|30", 'transaction mode: a loop in a transaction');
	$_->disconnect for @programs;
	stop_pooler($pooler);
}

check_alive($node, 'pools');
$node->stop;
done_testing();
