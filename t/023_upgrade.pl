# From 1.0 to the next version, which this test makes up: a view with a column
# more, a C function more, a file whose records have changed in part.
#
# The library is installed first and the SQL objects are updated later, or
# never: the old ones go on working with the new library.  The other way round
# what is missing is said, and nothing crashes.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use ScratchInstall;
use WireClient;

plan skip_all => 'needs a compiler and the source tree' unless ScratchInstall->can_build;

my @VIEWS = qw(pg_nplusone pg_nplusone_session pg_nplusone_activity pg_nplusone_requests
  pg_nplusone_index_hints pg_nplusone_info);

sub next_version
{
	my $install = ScratchInstall->new;

	$install->change('pg_nplusone.control', q{default_version = '1.0'}, q{default_version = '1.1'});
	$install->add('pg_nplusone--1.0--1.1.sql', q{
CREATE FUNCTION pg_nplusone_version() RETURNS text
AS 'MODULE_PATHNAME', 'pg_nplusone_version_1_1' LANGUAGE C STRICT PARALLEL SAFE;
CREATE OR REPLACE VIEW pg_nplusone_info AS SELECT i.*, pg_nplusone_version() AS version FROM pg_nplusone_state() i;
});
	$install->add('src/next.c', q{
#include "postgres.h"
#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(pg_nplusone_version_1_1);

Datum
pg_nplusone_version_1_1(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(CStringGetTextDatum("1.1"));
}
});
	# the sums of requests have changed, and there is something new to save
	$install->change('src/persist.c', '{4, sizeof(RequestSums), requests_save, requests_restore},',
		'{4, sizeof(RequestSums) + 8, requests_save, requests_restore},
	{99, 4, clusters_save_reset, clusters_restore_reset},');
	$install->build;
	return $install;
}

my $this = ScratchInstall->installed;
my $next = next_version();

my $node = PostgreSQL::Test::Cluster->new('upgraded', install_path => $this->path);
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_nplusone'
max_connections = 20
autovacuum = off
fsync = off
pg_nplusone.idle_gap = 1min
});

# The same data directory with another installation: what a package does.
sub switch_to
{
	my ($install) = @_;

	$node->stop;
	$node->{_install_path} = $install->path;
	$node->start;
	return;
}

sub work
{
	my $client = WireClient->new($node);

	$client->simple("SET pg_nplusone.tags = 'route=/posts'");
	author_loop($client, 'prepared', 20);
	$client->disconnect;
	return;
}

sub errors_of_views
{
	my @errors;

	foreach my $view (@VIEWS)
	{
		my ($ret, $out, $err) = $node->psql('postgres', "SELECT * FROM $view");
		push @errors, "$view: $err" if $ret;
	}
	return join("\n", @errors);
}

# --- This version --------------------------------------------------------------

$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_nplusone');
create_blog($node);
$node->safe_psql('postgres', 'CREATE VIEW mine AS SELECT link, calls FROM pg_nplusone');
work();
$node->safe_psql('postgres', 'SELECT pg_nplusone_mute(clusterid) FROM pg_nplusone');
is(errors_of_views(), '', 'this version: every view can be read');

# --- The next library, the SQL objects of 1.0 ------------------------------------

switch_to($next);
is($node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'pg_nplusone'}), '1.0', 'the SQL objects are those of 1.0');
is(errors_of_views(), '', 'with the next library every one of their views can be read');
is(found($node, 'calls, muted'), '20|t', 'it has read the file of its predecessor');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_nplusone_requests WHERE route IS NOT NULL}), 0, 'but for the records that have changed');
work();
is(found($node, 'calls, loops'), '40|2', 'and goes on counting');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_nplusone_session}), 0, 'functions: session');
like($node->safe_psql('postgres', q{SELECT pg_nplusone_report()}), qr/forward_fk/, 'functions: report');
is($node->safe_psql('postgres', q{SELECT pg_nplusone_unmute(clusterid) FROM pg_nplusone}), 't', 'functions: unmute');

# --- ALTER EXTENSION ---------------------------------------------------------------

$node->safe_psql('postgres', 'ALTER EXTENSION pg_nplusone UPDATE');
is($node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'pg_nplusone'}), '1.1', 'ALTER EXTENSION UPDATE');
is($node->safe_psql('postgres', 'SELECT version, clusters FROM pg_nplusone_info'), '1.1|1', 'brings what is new');
is($node->safe_psql('postgres', 'SELECT calls FROM mine'), 40, 'and leaves views upon the others alone');
is(errors_of_views(), '', 'every view can be read');
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION pg_nplusone');
is($node->safe_psql('fresh', 'SELECT version FROM pg_nplusone_info'), '1.1', 'a new database has the next version at once');
$node->safe_psql('postgres', 'CREATE DATABASE old');
$node->safe_psql('old', q{CREATE EXTENSION pg_nplusone VERSION '1.0'});
is($node->safe_psql('old', 'SELECT max_clusters FROM pg_nplusone_info'), 1000, 'or that of 1.0, if asked for');

# --- Back to this library: the SQL objects are too new ------------------------------

switch_to($this);
work();
is(found($node, 'calls, loops'), '60|3', 'an older library: loops are found and shown');
my ($ret, $out, $err) = $node->psql('postgres', 'SELECT * FROM pg_nplusone_info');
like($err, qr/could not find function "pg_nplusone_version_1_1"/, 'what it does not have is said');

# --- Functions whose rows are not those of the library ----------------------------------

my %symbol = (clusters => 29, session_clusters => 29, activity => 12, requests => 12, index_hints => 19, info => 6);
my @misfits;
foreach my $name (sort keys %symbol)
{
	foreach my $columns ($symbol{$name} - 1, $symbol{$name} + 1)
	{
		my $list = join(', ', map { "OUT c$_ text" } 1 .. $columns);

		push @misfits, qq{
CREATE OR REPLACE FUNCTION misfit_${name}_$columns($list) RETURNS SETOF record
AS '\$libdir/pg_nplusone', 'pg_nplusone_${name}_1_0' LANGUAGE C;
SELECT count(*) FROM misfit_${name}_$columns();};
	}
}
($ret, $out, $err) = $node->psql('postgres', join("\n", @misfits), on_error_stop => 0);
is(scalar(() = $err =~ /ERROR:  the SQL objects of extension "pg_nplusone" do not fit/g), scalar @misfits,
	'functions with a column too many or too few: all refused');
is($out, '', 'and nothing is returned');
check_alive($node, 'upgraded');
$node->stop;
done_testing();
