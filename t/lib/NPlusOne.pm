
# NPlusOne: what the TAP tests share
#
#   use lib 't/lib';
#   use NPlusOne;
#
#   my $node = nplusone_node('main', "pg_nplusone.threshold = 3");
#   my $session = $node->background_psql('postgres');
#
# A test that wants several statements in one session passes them in one call of
# safe_psql, each on a line of its own: psql sends them one by one.

package NPlusOne;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(nplusone_node nplusone_rows look_up_loop);

my $settings = dirname(abs_path(__FILE__)) . '/../../test/regress.conf';

# A running server with pg_nplusone preloaded and created in the database
# postgres; further arguments are lines for postgresql.conf, the last wins
sub nplusone_node
{
	my ($name, @lines) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => 1);
	$node->append_conf('postgresql.conf', slurp_file($settings));
	$node->append_conf('postgresql.conf', "$_\n") foreach @lines;
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_nplusone');
	return $node;
}

# The clusters listed, one line each: pattern|confidence|loops|calls, or the
# columns given
sub nplusone_rows
{
	my ($node, $columns) = @_;

	$columns //= 'pattern, confidence, loops, calls';
	return $node->safe_psql('postgres',
		"SELECT $columns FROM pg_nplusone ORDER BY clusterid");
}

# Statements that read a list and then look up each of its rows: the list, the
# look-up with %d where the key goes, and the keys in the order of the list
sub look_up_loop
{
	my ($list, $look_up, @keys) = @_;

	return join "\n", "$list;", map { sprintf("$look_up;", $_) } @keys;
}

1;
