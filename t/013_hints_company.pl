# Index hints beside other modules that have a say in planning.
#
# hypopg has hypothetical indexes of its own, in both orders of loading and
# loaded in the middle of a what-if planning; pg_stat_statements counts
# plannings.  Neither takes what is tried out for something real.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use NPlusOne;

my $tables = q{
CREATE TABLE t (id int, a int, b int, pad text);
INSERT INTO t SELECT g, g, g, repeat('x', 50) FROM generate_series(1, 20000) g;
ANALYZE t};

sub has_extension
{
	my ($node, $name) = @_;

	return $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_available_extensions WHERE name = '$name'");
}

# Run statements in one session that looks at each of them for hints
sub in_session
{
	my ($node, $script) = @_;
	my ($out, $err);

	$node->psql('postgres', "SET pg_nplusone.hint_min_time = 0;\n$script",
		stdout => \$out, stderr => \$err, on_error_stop => 0);
	is($err, '', 'no errors');
	return $out;
}

my $plain = nplusone_node('plain');
my $hypopg = has_extension($plain, 'hypopg');
my $pgss = has_extension($plain, 'pg_stat_statements');

SKIP:
{
	skip 'hypopg is not installed', 1 unless $hypopg;
	foreach my $order ('hypopg, pg_nplusone', 'pg_nplusone, hypopg')
	{
		(my $name = $order) =~ s/\W+/_/g;
		my $node = nplusone_node($name, "shared_preload_libraries = '$order'");

		$node->safe_psql('postgres', "CREATE EXTENSION hypopg;\n$tables");
		like(
			in_session($node, q{
				SELECT count(*) FROM hypopg_create_index('CREATE INDEX ON t (a)');
				EXPLAIN SELECT * FROM t WHERE a = 5;
				SELECT a FROM t WHERE a = 5;
				EXPLAIN SELECT a FROM t WHERE a = 5;
				SELECT a FROM t WHERE a = 5;
				SELECT a FROM t WHERE a = 5;
				EXPLAIN SELECT a FROM t WHERE a = 6;
				SELECT b FROM t WHERE b = 5;
				SELECT b FROM t WHERE b = 5;
				EXPLAIN SELECT b FROM t WHERE b = 6;
				SELECT ddl FROM pg_nplusone_index_hints WHERE ddl IS NOT NULL ORDER BY ddl}),
			qr/<\d+>btree_t_a.*?5.*?<\d+>btree_t_a.*?5\n5.*?<\d+>btree_t_a.*?5\n5\nSeq Scan on t.*\n.*ON public.t USING btree \(a\)\n.*ON public.t USING btree \(b\)$/s,
			"$order: each has its own hypothetical indexes");
		$node->stop;
	}
}

# A function loads hypopg while a value of the column's statistics is looked
# at, which happens in what-if planning only: its hook then lies before ours
SKIP:
{
	skip 'hypopg is not installed', 1 unless $hypopg;
	$plain->safe_psql('postgres', qq{
CREATE EXTENSION hypopg;
$tables;
CREATE FUNCTION loads(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
\$\$ BEGIN IF \$1 > 10 THEN LOAD 'hypopg'; END IF; RETURN \$1; END \$\$});
	like(
		in_session($plain, q{
			SELECT a FROM t WHERE a <= 10 AND loads(a) = 5;
			SELECT a FROM t WHERE a <= 10 AND loads(a) = 5;
			SELECT count(*) FROM hypopg_create_index('CREATE INDEX ON t (a)');
			EXPLAIN SELECT * FROM t WHERE a = 5;
			SELECT b FROM t WHERE b = 5;
			SELECT b FROM t WHERE b = 5;
			SELECT b FROM t WHERE b = 6 ORDER BY a;
			SELECT b FROM t WHERE b = 6 ORDER BY a;
			EXPLAIN SELECT b FROM t WHERE b = 6;
			SELECT ddl FROM pg_nplusone_index_hints WHERE ddl LIKE '%(b)'}),
		qr/5\n5\n1\nIndex Scan using "?<\d+>btree_t_a.*5\n5\n6\n6\nSeq Scan on t.*\(b\)$/s,
		'a library that is loaded meanwhile stays in the chain');
}
$plain->stop;

SKIP:
{
	skip 'pg_stat_statements is not installed', 1 unless $pgss;
	foreach my $order ('pg_stat_statements, pg_nplusone',
		'pg_nplusone, pg_stat_statements')
	{
		(my $name = $order) =~ s/\W+/_/g;
		my $node = nplusone_node($name, "shared_preload_libraries = '$order'",
			'pg_stat_statements.track_planning = on');

		$node->safe_psql('postgres', "CREATE EXTENSION pg_stat_statements;\n$tables");
		is( in_session($node, q{
				SELECT a FROM t WHERE a = 5;
				SELECT a FROM t WHERE a = 5;
				SELECT a FROM t WHERE a = 5;
				SELECT count(ddl) FROM pg_nplusone_index_hints;
				SELECT plans, calls FROM pg_stat_statements WHERE query LIKE 'SELECT a FROM t WHERE a%'}),
			"5\n5\n5\n1\n3|3", "$order: what-if plannings are not the statement's");
		$node->stop;
	}
}

done_testing();
