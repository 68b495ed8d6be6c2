# A thousand connections, each in the middle of a loop: nothing is lost, the
# views are right and quick to read.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use LoopTest;
use WireClient;

my $CONNECTIONS = 1000;
my $CLIENTS = 990;				# so that there is room for those who look
my $POSTS = 20;
my $READING_LIMIT = 5;			# seconds, on a machine that is busy

my $node = new_server('thousand', "max_connections = $CONNECTIONS\nshared_buffers = 64MB\n");
create_blog($node);
is($node->safe_psql('postgres', 'SHOW max_connections'), $CONNECTIONS, 'the server has started');

# Each client walks the list in a transaction, and waits before the last of it
# until the gate is opened.
my @look_ups = map { 'SELECT name FROM author WHERE id = ' . (1 + $_ * 73 % 199) . ";\n" } 1 .. $POSTS + 1;
my $last = pop @look_ups;
my $script = $node->basedir . '/walk.sql';
append_to_file($script, join('', "BEGIN;\n",
		'SELECT id, author_id FROM post ORDER BY id LIMIT ' . ($POSTS + 1) . ";\n",
		@look_ups, "SELECT pg_advisory_xact_lock_shared(7);\n", $last, "COMMIT;\n"));

my $gate = WireClient->new($node);
$gate->simple('SELECT pg_advisory_lock(7)');
my $began = time;
my @runs = map {
	my ($out, $err) = ('', '');
	{
		errors => \$err,
		process => IPC::Run::start([ 'pgbench', '-n', '-c', $CLIENTS / 2, '-j', 1, '-t', 1, '-f', $script,
				'-h', $node->host, '-p', $node->port, 'postgres' ], '>', \$out, '2>', \$err)
	}
} 1 .. 2;
ok(wait_for($node, "SELECT count(*) = $CLIENTS FROM pg_stat_activity WHERE wait_event = 'advisory'"),
	"$CLIENTS clients are in their loops");
note(sprintf('after %.1f s', time - $began));

sub reading
{
	my $sql = shift;
	my $start = time;
	my $answer = $node->safe_psql('postgres', $sql);
	my $seconds = time - $start;

	note(sprintf('%.3f s: %s', $seconds, $sql));
	cmp_ok($seconds, '<', $READING_LIMIT, 'it is read in time');
	return $answer;
}

is(reading(q{SELECT count(*), count(DISTINCT pid), min(calls), max(calls) FROM pg_nplusone_activity WHERE query LIKE 'SELECT name%'}),
	"$CLIENTS|$CLIENTS|$POSTS|$POSTS", 'each shows in pg_nplusone_activity');
is(reading(q{SELECT confidence, link, loops, calls, parent_rows FROM pg_nplusone WHERE query LIKE 'SELECT name%'}),
	join('|', 'proven', 'post.author_id -> author.id', $CLIENTS, $CLIENTS * $POSTS, $CLIENTS * ($POSTS + 1)),
	'pg_nplusone adds up what all of them are counting');
is(reading(q{SELECT sum(statements) >= } . $CLIENTS * ($POSTS + 2) . q{ FROM pg_nplusone_requests}), 't',
	'pg_nplusone_requests as well');
is(reading('SELECT dropped FROM pg_nplusone_info'), '0', 'nothing is dropped');

# one more goes on working
my $client = WireClient->new($node);
author_loop($client, 'prepared', 30);
is($client->value(q{SELECT calls FROM pg_nplusone_session WHERE query LIKE 'SELECT id, name%'}), 30, 'another client is not in the way');
$client->disconnect;

$gate->simple('SELECT pg_advisory_unlock(7)');
foreach my $run (@runs)
{
	ok($run->{process}->finish, 'the clients come to their end') or diag(${ $run->{errors} });
}
$gate->disconnect;
ok(wait_for($node, "SELECT count(*) <= 1 FROM pg_stat_activity WHERE backend_type = 'client backend'"), 'they are gone');
is(found($node, 'loops, calls, max_calls', q{query LIKE 'SELECT name%'}),
	join('|', $CLIENTS, $CLIENTS * ($POSTS + 1), $POSTS + 1), 'every execution of every client is there');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_activity'), '0', 'and none runs any more');

check_alive($node, 'a thousand connections');
$node->stop;
done_testing();
