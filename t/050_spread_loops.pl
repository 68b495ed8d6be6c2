# Loops whose statements are spread over several sessions, as a pool or a pooler
# spreads them.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

use LoopTest;
use WireClient;

my $node = new_server('spread', "pg_nplusone.idle_gap = 500ms\n");
create_blog($node);
$node->safe_psql('postgres', q{
CREATE ROLE visitor LOGIN;
CREATE TABLE tiny AS SELECT g AS id, 'row ' || g AS name FROM generate_series(1, 20) g;
ALTER TABLE tiny ADD PRIMARY KEY (id);
GRANT SELECT ON tiny TO PUBLIC;
VACUUM ANALYZE tiny;
});

my $LINK = 'post.author_id -> author.id';
my $LOOK_UP = 'SELECT id, name FROM author WHERE id = $1';
my $COLUMNS = q{concat_ws('|', pattern, confidence, link, loops, calls, max_calls, rows, parent_rows)};

# what has been found is forgotten, and so is what sessions that are gone knew
sub start_over
{
	$node->restart;
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	return;
}

sub sessions
{
	my ($n, @option) = @_;
	return map { WireClient->new($node, @option) } 1 .. $n;
}

sub listed
{
	my $where = shift // q{confidence <> 'suspected'};
	return $node->safe_psql('postgres', "SELECT $COLUMNS FROM pg_nplusone WHERE $where ORDER BY calls DESC");
}

sub look_up
{
	my ($sessions, @keys) = @_;
	my $n = 0;

	$sessions->[ $n++ % @$sessions ]->query('extended', $LOOK_UP, $_) foreach @keys;
	return;
}

# The keys as sessions that race with each other ask for them: nearly in order.
sub nearly
{
	my ($width, @keys) = @_;
	my @result;

	while (@keys)
	{
		my @window = splice(@keys, 0, $width);
		push @result, reverse @window;
	}
	return @result;
}

# --- By values -------------------------------------------------------------------

start_over();
my ($first, @others) = sessions(5);
my @authors = read_authors($first, 'extended', 30);
look_up(\@others, @authors);
is(listed('true'), "forward_fk|proven|$LINK|1|30|30|30|30", 'in turn over four sessions: one loop, and it shows while they are there');
$_->disconnect foreach $first, @others;
is(listed('true'), "forward_fk|proven|$LINK|1|30|30|30|30", 'and when they have gone');

start_over();
($first, @others) = sessions(5);
@authors = read_authors($first, 'extended', 40);
look_up([ $first, @others ], nearly(5, @authors));
$_->disconnect foreach $first, @others;
is(listed('true'), "forward_fk|proven|$LINK|1|40|40|40|40", 'nearly in order, and the session of the list takes part');

start_over();
($first, @others) = sessions(5);
@authors = read_authors($first, 'extended', 40);
look_up([$first], @authors[ 0 .. 14 ]);
is(listed('true'), "forward_fk|proven|$LINK|1|15|15|15|40", 'a loop of one session');
look_up(\@others, @authors[ 15 .. 39 ]);
look_up([$first], $authors[0]);
$_->disconnect foreach $first, @others;
like(listed('true'), qr/^\Qforward_fk|proven|$LINK|1|40|40|40|40\E$/m, 'that goes on in others: all of it is one');

# an UPDATE of each, which has triggers to fire before it is done
start_over();
($first, @others) = sessions(5);
@authors = read_authors($first, 'extended', 30);
my $n = 0;
$others[ $n++ % @others ]->query('extended', 'UPDATE author SET name = name WHERE id = $1', $_) foreach @authors;
$_->disconnect foreach $first, @others;
is(found($node, q{concat_ws('|', pattern, confidence, link, loops, calls, max_calls, rows, total_exec_time > 0)}),
	"update|proven|$LINK|1|30|30|30|t", 'writes: one loop, with all that they took');

# reset meanwhile: it begins again from there
start_over();
($first, @others) = sessions(4);
@authors = read_authors($first, 'extended', 40);
look_up(\@others, @authors[ 0 .. 19 ]);
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
is(listed('true'), '', 'reset meanwhile: nothing is listed');
look_up(\@others, @authors[ 20 .. 39 ]);
is(found($node, 'sum(calls)'), 20, 'and what comes after counts');
$_->disconnect foreach $first, @others;

# once more, and the same loop in a session of its own
start_over();
for (1 .. 3)
{
	($first, @others) = sessions(5);
	look_up(\@others, read_authors($first, 'extended', 30));
	$_->disconnect foreach $first, @others;
}
is(listed('true'), "forward_fk|proven|$LINK|3|90|30|90|90", 'three times: three loops');
like(found($node, 'parent_query'), qr/^SELECT id, author_id, title FROM post ORDER BY id LIMIT \$1$/, 'and by then the text of the list is there');
($first) = sessions(1);
author_loop($first, 'extended', 6);
$first->disconnect;
is(listed('true'), "forward_fk|proven|$LINK|4|96|30|96|96", 'a short one in one session is found as ever');

# --- What is not put together ------------------------------------------------------

foreach my $case (
	[ 'another application', { application_name => 'other' } ],
	[ 'another role', { user => 'visitor' } ],
	[ 'switched off', { options => '-c pg_nplusone.pools=off' } ])
{
	my ($name, $option) = @$case;

	start_over();
	($first) = sessions(1);
	@others = sessions(4, %$option);
	look_up(\@others, read_authors($first, 'extended', 30));
	$_->disconnect foreach $first, @others;
	is(listed(), '', "$name: nothing is proven");
	is(found($node, 'sum(calls)'), 30, "$name: every session counts its own");
}

# in an order that no program takes
start_over();
my $seed = 42;
sub draw
{
	my $n = shift;
	$seed = ($seed * 1103515245 + 12345) % 2147483648;
	return int($seed / 65536) % $n;
}

sub no_loop
{
	my ($sessions, $rounds, $table, $rows) = @_;

	for (1 .. $rounds)
	{
		$sessions->[ draw(scalar @$sessions) ]->query('extended', "SELECT id, name FROM $table ORDER BY id LIMIT 20");
		for (1 .. 17)
		{
			my $session = $sessions->[ draw(scalar @$sessions) ];

			# with something in between, or a run of as many as the list has is likely
			$session->query('extended', "SELECT name FROM $table WHERE id = \$1", 1 + draw($rows));
			$session->query('extended', 'SELECT body FROM comment WHERE id = $1', 1 + draw(600));
		}
	}
	return;
}

@others = sessions(5);
no_loop(\@others, 40, 'tiny', 20);
no_loop(\@others, 40, 'author', 200);
is(strong_loops($node), '', 'lists, and rows at random in between, from all sessions: no loop');
$_->disconnect foreach @others;

# --- By the name of the request -----------------------------------------------------

sub traced
{
	my ($tag, $request) = @_;
	return $tag eq 'traceparent'
	  ? sprintf("/*traceparent='00-%032x-%016x-01'*/", 7000 + $request, draw(1000) + 1)
	  : "/*$tag='request-$request'*/";
}

# Requests side by side, statement by statement, on whatever session is free.
sub run_requests
{
	my ($sessions, $tag, $requests, $rows) = @_;
	my @keys;

	# that a request is spread shows at its first look-up elsewhere
	foreach my $request (1 .. $requests)
	{
		my $list = $sessions->[ $request % @$sessions ]->query('simple', sprintf(
			'SELECT id, author_id, title FROM post ORDER BY id LIMIT %d OFFSET %d %s', $rows, 5 * $request, traced($tag, $request)));
		push @keys, [ map { $_->[1] } @$list ];
	}
	foreach my $n (0 .. $rows - 1)
	{
		foreach my $request (1 .. $requests)
		{
			my $session = $n == 0 ? $request + 1 : draw(scalar @$sessions);

			$sessions->[ $session % @$sessions ]->query('simple',
				"SELECT id, name FROM author WHERE id = $keys[$request - 1][$n] " . traced($tag, $request));
		}
	}
	return;
}

foreach my $tag ('traceparent', 'request_id', 'correlation')
{
	start_over();
	$node->safe_psql('postgres', "ALTER SYSTEM SET pg_nplusone.trace_tag = '" . ($tag eq 'correlation' ? $tag : '') . "'; SELECT pg_reload_conf()");
	@others = sessions(4);
	run_requests(\@others, $tag, 5, 8);
	$_->disconnect foreach @others;
	is(listed('true'), "forward_fk|proven|$LINK|5|40|8|40|40", "$tag: five requests side by side on four sessions, a loop each");
	is($node->safe_psql('postgres', q{SELECT sum(units), sum(statements), max(max_statements), sum(units_with_loops) FROM pg_nplusone_requests WHERE application_name = 'wire'}),
		'5|45|9|5', "$tag: five units of work of nine statements");
}
$node->safe_psql('postgres', 'ALTER SYSTEM RESET pg_nplusone.trace_tag; SELECT pg_reload_conf()');

# requests that each read a list and one row make none
start_over();
@others = sessions(4);
run_requests(\@others, 'request_id', 20, 1);
foreach my $request (101 .. 140)
{
	my $tag = traced('traceparent', $request);
	$others[ draw(4) ]->query('simple', "SELECT id, author_id, title FROM post ORDER BY id LIMIT 20 $tag");
	$others[ draw(4) ]->query('simple', 'SELECT id, name FROM author WHERE id = ' . (1 + $_ * 73 % 199) . " $tag") foreach 1 .. 3;
}
is(strong_loops($node), '', 'requests that read a list and three of its rows: no loop');
$_->disconnect foreach @others;

check_alive($node, 'spread');
$node->stop;
done_testing();
