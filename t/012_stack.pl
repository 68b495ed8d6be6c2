# Together with other modules that hook the executor, in any order.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $node = new_server('stack', q{
pg_stat_statements.track = all
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_nested_statements = on
log_statement = none
});
create_blog($node);
$node->safe_psql('postgres', q{
CREATE FUNCTION nested_loop(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE p record;
BEGIN
	FOR p IN SELECT id, author_id FROM post ORDER BY id LIMIT n LOOP
		PERFORM name FROM author WHERE id = p.author_id;
	END LOOP;
	RETURN n;
END $$});

# Modules of other packages, where they are installed.
my $directory = $node->config_data('--pkglibdir');
my %extension = (pg_stat_statements => 1, pg_qualstats => 1, pg_stat_kcache => 1, hypopg => 1, auto_explain => 0);
my @there = grep { -e "$directory/$_.so" } qw(auto_explain pg_stat_statements pg_qualstats pg_stat_kcache hypopg);
note("found: @there");

my $LINK = 'post.author_id -> author.id';
my @orders = (
	[ 'pg_nplusone', @there ],
	[ @there, 'pg_nplusone' ],
	[ reverse(@there), 'pg_nplusone' ],
	[ 'pg_nplusone', reverse @there ],
	[ 'pg_stat_statements', 'pg_nplusone', 'auto_explain' ],
	[ 'auto_explain', 'pg_nplusone', 'pg_stat_statements' ]);

foreach my $order (@orders)
{
	# pg_stat_kcache insists on pg_stat_statements before itself
	my @order = @$order;
	if (grep { $_ eq 'pg_stat_kcache' } @order)
	{
		@order = grep { $_ ne 'pg_stat_statements' } @order;
		my ($at) = grep { $order[$_] eq 'pg_stat_kcache' } 0 .. $#order;
		splice(@order, $at, 0, 'pg_stat_statements');
	}
	my $preload = join(', ', @order);

	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'$preload'");
	$node->restart;
	foreach my $module (grep { $extension{$_} } @order)
	{
		$node->safe_psql('postgres', "CREATE EXTENSION IF NOT EXISTS $module");
	}
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	$node->safe_psql('postgres', 'SELECT pg_stat_statements_reset()') if grep { $_ eq 'pg_stat_statements' } @order;

	foreach my $protocol (qw(simple extended prepared))
	{
		my $client = WireClient->new($node);
		author_loop($client, $protocol, 20);
		$client->disconnect;
	}
	# literals and parameters are two fingerprints
	is(found($node, 'sum(loops), sum(calls), min(confidence), min(link)'), "3|60|proven|$LINK", "$preload: loops are found");
	like($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT query, ';') FROM pg_nplusone}), qr/SELECT id, name FROM author WHERE id = \$\d/, "$preload: and their texts");

	my $client = WireClient->new($node);
	$client->simple(q{SET pg_nplusone.track = 'all'});
	$client->query('prepared', 'SELECT nested_loop($1)', 25);
	is($client->value(q{SELECT confidence || ' ' || calls FROM pg_nplusone_session}), 'proven 25', "$preload: nested loops, too");
	$client->simple('SELECT 1 / (id - 100), nested_loop(6) FROM author');
	$client->simple('BEGIN; DECLARE c CURSOR FOR SELECT nested_loop(6) FROM author; FETCH 3 FROM c');
	$client->simple('SELECT 1/0');
	$client->simple(q{ROLLBACK; RESET pg_nplusone.track; SELECT pg_nplusone_session_reset()});
	author_loop($client, 'prepared', 12);
	is($client->value(q{SELECT confidence || ' ' || calls FROM pg_nplusone_session}), 'proven 12', "$preload: also after errors");
	$client->disconnect;

	if (grep { $_ eq 'pg_stat_statements' } @order)
	{
		is($node->safe_psql('postgres', q{SELECT sum(s.calls) FROM pg_stat_statements s WHERE query LIKE 'SELECT id, name FROM author%'}),
			72, "$preload: pg_stat_statements counts the same");
		is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_nplusone n WHERE NOT EXISTS (SELECT FROM pg_stat_statements s WHERE s.queryid = n.queryid)}),
			0, "$preload: and knows the same identifiers");
	}
	if (grep { $_ eq 'auto_explain' } @order)
	{
		like(slurp_file($node->logfile), qr/Query Text: SELECT id, name FROM author WHERE id = \$1/, "$preload: auto_explain explains");
	}
	check_alive($node, $preload);
}

$node->stop;
done_testing();
