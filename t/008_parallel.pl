# Parallel plans: workers are not followed, their leaders are, once.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $node = new_server('parallel', qq{
max_parallel_workers_per_gather = 2
parallel_setup_cost = 0
parallel_tuple_cost = 0
min_parallel_table_scan_size = 0
min_parallel_index_scan_size = 0
});
create_blog($node);
$node->safe_psql('postgres', q{
CREATE FUNCTION author_name(int) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
	RETURN (SELECT name FROM author WHERE id = $1);
END $$});

# The server calls the setting by another name since 16.
my $setting = $node->safe_psql('postgres', q{SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')});
my $LINK = 'post.author_id -> author.id';

foreach my $mode (qw(off on regress))
{
	foreach my $protocol (qw(simple extended prepared))
	{
		my $client = WireClient->new($node, options => "-c $setting=$mode");

		$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
		author_loop($client, $protocol, 30);
		is(loops($node), "forward_fk|proven|$LINK|1|30", "$setting = $mode, $protocol");
		is(found($node, 'rows || $$ $$ || parent_rows'), '30 30', "$setting = $mode, $protocol: each row is counted once");
		$client->disconnect;
	}
}

# A parallel plan as the parent: its rows come in an order of its own.
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
my $client = WireClient->new($node);
like(join("\n", map { $_->[0] } @{ $client->query('simple', 'EXPLAIN SELECT id, author_id FROM post WHERE id % 4 = 0') }),
	qr/Gather/, 'the list has a parallel plan');
my @rows = @{ $client->query('simple', 'SELECT id, author_id FROM post WHERE id % 4 = 0') };
$client->query('simple', 'SELECT id, name FROM author WHERE id = $1', $_->[1]) for @rows;
is(loops($node), 'forward_fk|proven|' . $LINK . '|1|' . @rows, 'a parallel plan as the parent');

# A parallel plan as the child, with an aggregate on top.
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
@rows = @{ $client->query('simple', 'SELECT id, title FROM post ORDER BY title LIMIT 20') };
$client->query('simple', 'SELECT count(*) FROM comment WHERE post_id + 0 > 0 AND post_id = $1', $_->[0]) for @rows;
is(loops($node), 'count|proven|post.id -> comment.post_id|1|20', 'a parallel plan as the child');
$client->disconnect;

# Statements that functions run in a worker are the leader's business.
foreach my $mode (qw(off on regress))
{
	$client = WireClient->new($node, options => "-c $setting=$mode -c pg_nplusone.track=all");
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	$client->simple('SELECT count(author_name(author_id)) FROM post');
	cmp_ok(found($node, 'coalesce(sum(calls), 0)'), '<=', 200, "$setting = $mode, nested: no execution is counted twice");
	author_loop($client, 'prepared', 20);
	is(loops($node, "query LIKE 'SELECT id, name%'"), "forward_fk|proven|$LINK|1|20", "$setting = $mode: and what follows is found");
	$client->disconnect;
}

# Errors and cancels in workers.
$client = WireClient->new($node, options => "-c $setting=on");
for (1 .. 10)
{
	my $result = $client->try_query('simple', 'SELECT 1 / (id - 100) FROM author');
	like($result->{error}, qr/^22012/, 'an error in a worker') if $_ == 1;
}
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
author_loop($client, 'prepared', 20);
is(loops($node, "query LIKE 'SELECT id, name%'"), "forward_fk|proven|$LINK|1|20", 'after errors in workers');
$client->disconnect;

check_alive($node, 'parallel');
$node->stop;
done_testing();
