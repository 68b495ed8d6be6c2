# The same program finds the same loop whatever the protocol it speaks.
#
# What is a loop: one round trip per execution.  What is not: executions that
# were sent together (a pipeline, several statements in one string), and one
# result that is fetched piece by piece.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $node = new_server('protocols');
create_blog($node);

my $LINK = 'post.author_id -> author.id';
my $LIST = 'SELECT id, author_id, title FROM post ORDER BY id LIMIT 30';
my $CHILD = 'SELECT id, name FROM author WHERE id = $1';

sub start_over
{
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	return WireClient->new($node);
}

# Each protocol as it comes from a driver.
foreach my $protocol (qw(simple extended prepared))
{
	my $client = start_over();
	author_loop($client, $protocol, 30);
	is(loops($node), "forward_fk|proven|$LINK|1|30", "$protocol: found while the session lasts");
	$client->disconnect;
	is(loops($node), "forward_fk|proven|$LINK|1|30", "$protocol: and when it has ended");
}

# A driver that begins with literals and goes on with a named statement.
my $client = start_over();
my @authors = read_authors($client, 'simple', 30);
for my $i (0 .. 29)
{
	my $protocol = $i < 4 ? 'extended' : 'prepared';
	$client->query($protocol, $CHILD, $authors[$i]);
}
is(loops($node), "forward_fk|proven|$LINK|1|30", 'a change of protocol in the middle is no boundary');
$client->disconnect;

# From the sixth execution on a named statement may have a generic plan.
foreach my $mode (qw(force_generic_plan force_custom_plan auto))
{
	$client = start_over();
	$client->simple("SET plan_cache_mode = $mode");
	author_loop($client, 'prepared', 60);
	is(loops($node), "forward_fk|proven|$LINK|1|60", "named statement, plan_cache_mode = $mode");
	$client->disconnect;
}

# A new name for every row, as some drivers have it, with and without DEALLOCATE.
foreach my $deallocate (0, 1)
{
	$client = start_over();
	@authors = read_authors($client, 'extended', 30);
	for my $i (0 .. 29)
	{
		$client->parse("name$i", $CHILD, 'int')->sync;
		$client->bind('', "name$i", $authors[$i])->execute('')->sync;
		$client->simple("DEALLOCATE name$i") if $deallocate;
	}
	is(loops($node), "forward_fk|proven|$LINK|1|30", 'a name per row' . ($deallocate ? ', deallocated' : ''));
	$client->disconnect;
}

# Parse, Bind and Execute each with a round trip of their own.
$client = start_over();
@authors = read_authors($client, 'extended', 30);
for my $author (@authors)
{
	$client->parse('s', $CHILD, 'int')->sync;
	$client->bind('', 's', $author)->execute('')->sync;
	$client->close_statement('s')->sync;
}
is(loops($node), "forward_fk|proven|$LINK|1|30", 'a round trip for every message');
$client->disconnect;

# SQL's own PREPARE and EXECUTE.
$client = start_over();
$client->simple('PREPARE child(int) AS SELECT id, name FROM author WHERE id = $1');
@authors = read_authors($client, 'simple', 30);
$client->query('simple', "EXECUTE child($_)") for @authors;
is(loops($node), "forward_fk|proven|$LINK|1|30", 'EXECUTE is no level of its own');
$client->disconnect;

# A list that is read through a portal, some rows at a time, each followed by
# the look-ups for them: the portal needs a transaction.
$client = start_over();
$client->simple('BEGIN');
$client->parse('', $LIST)->bind('list', '')->sync;
my $calls = 0;
for my $piece (1 .. 3)
{
	my ($result) = $client->execute('list', 10)->sync;
	for my $row (@{ $result->{rows} })
	{
		$client->query('prepared', $CHILD, $row->[1]);
		$calls++;
	}
}
$client->simple('COMMIT');
is($calls, 30, 'the portal gave ten rows at a time');
is(loops($node), "forward_fk|proven|$LINK|1|30", 'portal with a row limit: one loop over all pieces');
$client->disconnect;

# The same with an SQL cursor, and with one that outlives its transaction.
foreach my $hold ('', 'WITH HOLD')
{
	$client = start_over();
	$client->simple('BEGIN');
	$client->simple("DECLARE list CURSOR $hold FOR $LIST");
	$client->simple('COMMIT') if $hold;
	while (my @rows = @{ $client->query('simple', 'FETCH 7 FROM list') })
	{
		$client->query('simple', $CHILD, $_->[1]) for @rows;
	}
	$client->simple('COMMIT') unless $hold;
	is(loops($node), "forward_fk|proven|$LINK|1|30", "cursor $hold: one loop over all pieces");
	$client->disconnect;
}

# Nothing but pieces.
$client = start_over();
$client->simple('BEGIN');
$client->parse('', 'SELECT id, title FROM post ORDER BY id')->bind('all', '')->sync;
for (1 .. 100)
{
	$client->execute('all', 2)->sync;
}
$client->simple('DECLARE pieces CURSOR FOR SELECT id, title FROM post ORDER BY id');
$client->query('simple', 'FETCH 5 FROM pieces') for 1 .. 22;
$client->simple('COMMIT');
is(loops($node), '', 'a result read piece by piece is no loop');
$client->disconnect;

# Executions that were sent together cost one round trip.
$client = start_over();
@authors = read_authors($client, 'extended', 30);
$client->parse('child', $CHILD, 'int');
$client->bind('', 'child', $_)->execute('') for @authors;
my @results = $client->sync;
is(scalar(grep { @{ $_->{rows} } == 1 } @results), 30, 'a pipeline of 30 executions');
is(loops($node), '', 'a pipeline is no loop');
$client->disconnect;

$client = start_over();
@authors = read_authors($client, 'extended', 30);
$client->simple('BEGIN');
$client->parse('child', $CHILD, 'int');
$client->bind('', 'child', $_)->execute('') for @authors;
$client->sync;
$client->simple('COMMIT');
is(loops($node), '', 'nor is it in a transaction');
$client->disconnect;

$client = start_over();
$client->simple('CREATE TEMPORARY TABLE target (id int, name text)');
$client->parse('insert', 'INSERT INTO target VALUES ($1, $2)', 'int', 'text');
$client->bind('', 'insert', $_, "name $_")->execute('') for 1 .. 50;
$client->sync;
is(loops($node), '', 'a batch of INSERTs in a pipeline is no loop');
$client->disconnect;

# Each execution with a Sync of its own, but sent without waiting: still a
# transaction for each, and no round trip.
$client = start_over();
@authors = read_authors($client, 'simple', 30);
$client->simple(join(';', map { "SELECT id, name FROM author WHERE id = $_" } @authors));
is(loops($node), '', 'several statements in one string are no loop');

# A loop whose turns are strings of several statements is one.
$client->disconnect;
$client = start_over();
@authors = read_authors($client, 'simple', 30);
$client->simple("SET search_path = public; SELECT id, name FROM author WHERE id = $_") for @authors;
is(loops($node), "forward_fk|proven|$LINK|1|30", 'a string of two statements per row is a loop');
$client->disconnect;

# Where the server keeps no time of what it does, a transaction that is not the
# client's own tells the same.
foreach my $transaction (0, 1)
{
	my $where = $transaction ? 'in a transaction' : 'one by one';
	$client = start_over();
	$client->simple('SET track_activities = off');
	@authors = read_authors($client, 'extended', 30);
	$client->simple('BEGIN') if $transaction;
	$client->query('prepared', $CHILD, $_) for @authors;
	$client->simple('COMMIT') if $transaction;
	is(loops($node), "forward_fk|proven|$LINK|1|30", "track_activities = off, $where: a loop");
	$client->disconnect;
}
$client = start_over();
$client->simple('SET track_activities = off');
@authors = read_authors($client, 'extended', 30);
$client->parse('child', $CHILD, 'int');
$client->bind('', 'child', $_)->execute('') for @authors;
$client->sync;
is(loops($node), '', 'track_activities = off: a pipeline is no loop');
$client->disconnect;

$client = start_over();
$client->simple('SET track_activities = off');
@authors = read_authors($client, 'simple', 30);
$client->simple(join(';', map { "SELECT id, name FROM author WHERE id = $_" } @authors));
is(loops($node), '', 'track_activities = off: several statements in one string are no loop');
$client->disconnect;

# pgbench: the loop that its -t makes has no parent, and one client.
foreach my $protocol (qw(simple extended prepared))
{
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	run_pgbench($node, [ '-M', $protocol, '-t', 200 ],
		"loop_$protocol" => "\\set id random(1, 200)\nSELECT id, name FROM author WHERE id = :id;\n");
	is(found($node, 'sum(calls) || confidence', "confidence = 'suspected' GROUP BY confidence"),
		'200suspected', "pgbench -M $protocol: every execution is counted, and only suspected");
	is(strong_loops($node), '', "pgbench -M $protocol: look-ups without a parent are not held against it");
}

foreach my $protocol (qw(extended prepared))
{
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	my $script = "\\startpipeline\n"
	  . join('', map { "\\set id$_ random(1, 200)\nSELECT id, name FROM author WHERE id = :id$_;\n" } 1 .. 50)
	  . "\\endpipeline\n";
	ok(run_pgbench($node, [ '-M', $protocol, '-t', 1 ], "pipeline_$protocol" => $script),
		"pgbench -M $protocol runs a pipeline");
	is(loops($node), '', "pgbench -M $protocol: a pipeline is no loop");
}

check_alive($node, 'protocols');
$node->stop;
done_testing();
