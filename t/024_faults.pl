# What fails inside of the module is not the statement's failure.
#
# A library is built whose allocations fail when told to: the first, the
# second, and so on through a program with loops of every kind.  Each time the
# program must get what it gets without the fault, and the next one must find
# its loops.  Then the same with a lock table that is full, and with sessions
# that are terminated at random moments.
#
# PG_NPLUSONE_LONG=1 in the environment lets every allocation fail, and
# terminates a thousand sessions.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use LoopTest;
use ScratchInstall;
use WireClient;

plan skip_all => 'needs a compiler and the source tree' unless ScratchInstall->can_build;

my $LONG = $ENV{PG_NPLUSONE_LONG};
my $install = ScratchInstall->new;
$install->add("src/$_", $install->text("test/faults/$_")) for qw(faults.h faults.c);
$install->build_anew('-O1 -fno-lto -include faults.h');

my $node = PostgreSQL::Test::Cluster->new('faults', install_path => $install->path);
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_nplusone'
max_connections = 10
max_prepared_transactions = 5
max_locks_per_transaction = 10
autovacuum = off
fsync = off
log_min_messages = fatal
pg_nplusone.idle_gap = 1min
pg_nplusone.hint_min_time = 0
pg_nplusone.action = off
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_nplusone;
CREATE FUNCTION arm(bigint) RETURNS bigint AS '$libdir/pg_nplusone', 'pg_nplusone_faults_arm' LANGUAGE C STRICT});
create_blog($node);
$node->safe_psql('postgres', q{
CREATE TABLE visit (id int, page int, pad text);
INSERT INTO visit SELECT g, g % 5000, repeat('x', 50) FROM generate_series(1, 20000) g;
CREATE TABLE journal (n int, what text);
VACUUM ANALYZE});

# A program with loops; returns all that it has been given, as text.
sub program
{
	my ($client) = @_;
	my @got;
	my $ask = sub {
		my $result = $client->try_query(@_);
		push @got, $result->{error} // join(';', map { join(',', map { $_ // '' } @$_) } @{ $result->{rows} }), $result->{tag} // '';
		return $result->{rows};
	};

	my $posts = $ask->('prepared', 'SELECT id, author_id, title FROM post ORDER BY id LIMIT $1', 8);
	$ask->('prepared', 'SELECT id, name FROM author WHERE id = $1', $_->[1]) for @$posts;
	$ask->('simple', q{SELECT body FROM comment WHERE post_id = $1 ORDER BY id /* controller='posts',action='index' */}, $_->[0]) for @$posts;
	$ask->('extended', 'SELECT count(*) FROM comment WHERE post_id = $1', $_->[0]) for @$posts;
	$client->simple('BEGIN');
	$ask->('extended', q{INSERT INTO journal VALUES ($1, 'x')}, $_) for 1 .. 6;
	$ask->('extended', q{UPDATE journal SET what = 'y' WHERE n = $1}, $_) for 1 .. 6;
	$client->simple('ROLLBACK');
	$ask->('simple', 'SELECT count(*) FROM visit WHERE page = $1', $_) for 1 .. 7;
	return join("\n", @got);
}

my $control = WireClient->new($node);
sub fresh
{
	$control->value('SELECT pg_nplusone_reset()');
	return WireClient->new($node);
}

# --- Allocations ---------------------------------------------------------------

my $client = fresh();
$client->value('SELECT arm(0)');
my $expected = program($client);
my $count = $client->value('SELECT arm(0)');
unlike($expected, qr/out of memory/, 'without a fault: the program runs');
cmp_ok($count, '>', 100, "and makes the module allocate $count times");
$client->disconnect;
my $loops = loops($node, q{confidence IN ('likely', 'proven')});
cmp_ok(scalar(() = $loops =~ /\n/g), '>=', 4, 'its loops are found');
my $calls = found($node, 'sum(calls)');

my ($differ, $miscounted, $silent) = (0, 0, 0);
my @which;
for (my $n = 1; $n <= $count; $n += $LONG ? 1 : 1 + int($count / 60))
{
	$client = fresh();
	$client->value("SELECT arm($n)");
	my $got = program($client);
	if ($got ne $expected)
	{
		$differ++;
		push @which, "$n: " . join(', ', $got =~ /^(.*out of memory.*)$/m);
	}
	$silent++ if $client->value('SELECT arm(0)') < $n;
	$client->disconnect;
	$miscounted++ if $got eq $expected && found($node, 'sum(calls)') != $calls;
}
is($differ, 0, 'with a fault in any allocation: the program gets the same') or diag(join("\n", @which));
is($miscounted, 0, 'and as many executions are counted');
is($silent, 0, 'each of them has been reached');
$client = fresh();
program($client);
$client->disconnect;
is(loops($node, q{confidence IN ('likely', 'proven')}), $loops, 'afterwards, everything is found as before');

# --- The lock table is full -----------------------------------------------------

# What the program gets then is what it gets where it is not followed.
my $hoarder = WireClient->new($node);
$client = fresh();
my $untracked = WireClient->new($node, options => '-c pg_nplusone.track=none -c pg_nplusone.index_hints=off');
program($_) for $client, $untracked;
$control->value('SELECT pg_nplusone_reset()');
for my $n (0 .. 99)
{
	my ($result) = $hoarder->simple("SELECT count(pg_advisory_lock($n, g)) FROM generate_series(1, 100) g");
	last if ($result->{error} // '') =~ /^53200/;
}
like(($hoarder->simple('SELECT count(pg_advisory_lock(-1, g)) FROM generate_series(1, 100) g'))[0]{error}, qr/^53200/, 'the lock table is full');
my ($with, $without) = (program($client), program($untracked));
is($with, $without, 'and the program gets what it gets where it is not followed');
$_->disconnect for $client, $untracked, $hoarder;
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_activity'), 0, 'nothing is left running');

# --- Sessions that are terminated at random moments ---------------------------------

srand(20260104);
$control->value('SELECT pg_nplusone_reset()');
my $threshold = $control->value('SHOW pg_nplusone.threshold');
my $rounds = $LONG ? 1000 : 60;
my $walk = 'SELECT name, id FROM author WHERE id = $1';

# As long as some sixty statements take on this machine, so that loops are met
# in their beginning and in their course.
$client = WireClient->new($node, options => '-c pg_nplusone.track=none');
my $longest = time;
$client->query('extended', $walk, 1 + $_ % 200) for 1 .. 600;
$longest = (time - $longest) / 10;
$client->disconnect;

my ($sent, $answered, $loops_cut, $least) = (0, 0, 0, 0);
for my $n (1 .. $rounds)
{
	my $own = 0;

	$client = WireClient->new($node);
	$client->simple('BEGIN') if $n % 3 == 0;
	if ($n % 5 == 0)
	{
		$client->send_simple(join(';', map { "SELECT id, name FROM author WHERE id = $_" } 1 .. 5));
		$own = -1;    # this is what is answered first
	}
	my $pid = $client->pid;
	my $wait = rand($longest);
	$control->send_simple("SELECT pg_sleep($wait), pg_terminate_backend($pid)");
	until ($client->is_closed)
	{
		$sent++;
		last if $client->try_query('extended', $walk, 1 + $sent % 200)->{error};
		$own++;
	}
	$control->collect;
	$answered += $own if $own > 0;
	# a loop below the threshold is none
	next if $own < $threshold;
	$loops_cut++;
	$least += $own;
}
wait_for($node, "SELECT count(*) <= 2 FROM pg_stat_activity WHERE backend_type = 'client backend'");
$calls = found($node, 'sum(calls)', q{query LIKE 'SELECT name, id%'});
note("$rounds sessions terminated: $sent statements sent, $answered answered, $least of them in the loops of $loops_cut sessions, $calls counted");
cmp_ok($loops_cut, '>', $rounds / 4, "$rounds sessions terminated, $loops_cut of them in a loop");
cmp_ok($calls, '<=', $sent, "no more calls than were sent ($calls counted, $sent sent)");
cmp_ok($calls, '>=', $least, "and no fewer than the loops of each session were answered ($least)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_activity'), 0, 'nothing is left running');

# --- Two-phase commit, and a backend that ends while its loop is folded -----------------

$client = fresh();
$client->simple('BEGIN');
$client->query('extended', 'SELECT name, id FROM author WHERE id = $1', $_) for 1 .. 10;
$client->simple(q{INSERT INTO journal VALUES (1, 'prepared'); PREPARE TRANSACTION 'two'});
$client->query('extended', 'SELECT name, id FROM author WHERE id = $1', $_) for 11 .. 20;
$client->disconnect;
is(found($node, 'sum(calls)', q{query LIKE 'SELECT name, id%'}), 20, 'PREPARE TRANSACTION: nothing is lost');
$node->safe_psql('postgres', q{COMMIT PREPARED 'two'});
is($node->safe_psql('postgres', 'SELECT what FROM journal'), 'prepared', 'and it can be committed by another session');

$control->disconnect;
check_alive($node, 'faults');
$node->stop;
done_testing();
