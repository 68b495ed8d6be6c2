# Query identifiers are the server's own, also where they are remembered by the
# text of the statement: pg_nplusone makes them as compute_query_id = on would.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $node = new_server('query_ids');
$node->safe_psql('postgres', 'CREATE DATABASE blog');
create_blog($node, 'blog');

my $observer = WireClient->new($node, dbname => 'blog');
my $client = WireClient->new($node, dbname => 'blog');

# The identifier of a statement: ours, or with "on" the server's own.
sub id_of
{
	my ($statement, $setting) = @_;
	my $pid = $client->pid;

	$client->query('simple', "SET compute_query_id = $setting");
	ref $statement eq 'CODE' ? $statement->($client) : $client->query('simple', $statement);

	# it is idle, so what it shows does not change any more
	return $observer->value("SELECT query_id FROM pg_stat_activity WHERE pid = $pid");
}

# Several times over, so that texts are known by then.  What is no SELECT or
# UPDATE is run between them; for that there are no identifiers.
sub ids_agree
{
	my ($name, @statements) = @_;
	my $wrong = 0;

	foreach my $round (1 .. 4)
	{
		foreach my $statement (@statements)
		{
			if (ref $statement eq '' && $statement !~ /^(SELECT|UPDATE)/)
			{
				$client->query('simple', $statement);
				next;
			}
			my ($got, $expected) = map { id_of($statement, $_) } qw(auto on);

			next if defined $got && $got eq $expected;
			$wrong++;
			diag("round $round: $statement: " . ($got // 'none') . " instead of $expected");
		}
	}
	is($wrong, 0, $name);
	return;
}

ids_agree('literals that do not show in the tree',
	map { ("SELECT name FROM author WHERE id = $_", "SELECT id FROM post WHERE title = 'x$_' LIMIT $_",
		"SELECT name FROM author WHERE id IN ($_, 8)", "UPDATE author SET name = 'y$_' WHERE id = $_",
		"SELECT name FROM author WHERE id IN (SELECT author_id FROM post WHERE id = $_)") } 1 .. 4);
ids_agree('literals that do',
	map { ("SELECT id, author_id FROM post ORDER BY $_", "SELECT id + $_ FROM post ORDER BY id + 2",
		"SELECT count(*) FILTER (WHERE id = $_) FROM post ORDER BY count(*) FILTER (WHERE id = 1)",
		"SELECT (SELECT name FROM author WHERE id = $_) FROM post ORDER BY (SELECT name FROM author WHERE id = 1)",
		"SELECT id, title FROM post GROUP BY $_, 2, 1") } 1 .. 2);
ids_agree('types of literals',
	map { "SELECT name FROM author WHERE id = $_" } 1, 2147483647, 2147483648, 99999999999, 1.5, "'1'", 'NULL', -1, '1::bigint');
ids_agree('types with a length',
	map { "SELECT id FROM post WHERE $_" } "title::varchar(10) = 'x'", "title::varchar(20) = 'x'",
	'id::float(24) > 1', 'id::float(53) > 1', 'id = 1 AND true');
ids_agree('a comment for each request', map { "SELECT name FROM author WHERE id = 1 /*request_id='$_'*/" } 1 .. 3);
ids_agree('several statements in one string', 'SELECT 1; SELECT name FROM author WHERE id = 1', 'SELECT 2; SELECT name FROM author WHERE id = 2;');

# Parameters: the same text with other types.
sub with_type
{
	my ($type) = @_;

	return sub {
		$client->parse('', 'SELECT name FROM author WHERE id = $1', $type eq 'unknown' ? () : ($type))
		  ->bind('', '', '1')->execute('');
		$client->sync;
		return;
	};
}
$node->safe_psql('blog', 'CREATE FUNCTION same(integer, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT $1::text = $2 $$;
	CREATE OPERATOR = (LEFTARG = integer, RIGHTARG = text, FUNCTION = same)');
ids_agree('types of parameters', map { with_type($_) } qw(int unknown text int));

# What the text means changes under it.
$node->safe_psql('blog', 'CREATE SCHEMA other; CREATE ROLE other SUPERUSER; CREATE TABLE other.author (id int, name text);
	CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
	CREATE FUNCTION other.f(int) RETURNS int LANGUAGE sql AS $$ SELECT 2 $$');
my $read = 'SELECT name FROM author WHERE id = 3';
ids_agree('the search path', $read, 'SET search_path = other, public', $read, 'SELECT f(1)', 'SET search_path = public', 'SELECT f(1)');
ids_agree('"$user"', map { ("SET ROLE $_", 'RESET search_path', $read) } 'other', 'NONE');
ids_agree('transform_null_equals', map { ("SET transform_null_equals = $_", 'SELECT id FROM author WHERE name = NULL') } 'on', 'off');
ids_agree('a table of the session', $read, 'CREATE TEMP TABLE author (id int, name text)', $read, 'DROP TABLE pg_temp.author', $read);
ids_agree('another function that fits', "SELECT abs(id) FROM author WHERE f('1') = 1",
	"CREATE OR REPLACE FUNCTION pg_temp.f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'", 'SELECT f(2)');

# DDL of others arrives.
ids_agree('before another session changes the table', $read);
$node->safe_psql('blog', 'ALTER TABLE author RENAME TO writer; CREATE TABLE author (id int, name text)');
ids_agree('and behind it', $read);

# Where identifiers are turned off there are none.
is(id_of($read, 'off'), undef, 'off is off');

done_testing();
