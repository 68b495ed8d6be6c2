# What a server says where pg_nplusone is not preloaded, or not set up right.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\n");
$node->start;

# One statement, its error in full: SQLSTATE, message, hint.
sub error_of
{
	my ($sql, $dbname) = @_;
	my ($out, $err);

	$node->psql($dbname // 'postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err);
	return $err;
}

# --- Not preloaded -------------------------------------------------------

is(error_of("LOAD 'pg_nplusone'"), '', 'loading the library later is silent');
is(error_of('CREATE EXTENSION pg_nplusone'), '', 'and so is CREATE EXTENSION, for a restore or an upgrade');

foreach my $call (
	'SELECT * FROM pg_nplusone',
	'SELECT * FROM pg_nplusone_session',
	'SELECT * FROM pg_nplusone_activity',
	'SELECT * FROM pg_nplusone_info',
	'SELECT pg_nplusone_reset()',
	'SELECT pg_nplusone_session_reset()',
	'SELECT pg_nplusone_session_statements()')
{
	my $error = error_of($call);

	like($error, qr/ERROR:  55000: pg_nplusone must be loaded via "shared_preload_libraries"/,
		"not preloaded: $call: message");
	like($error, qr/HINT:  Add pg_nplusone to shared_preload_libraries in postgresql\.conf and restart the server\./,
		"not preloaded: $call: hint");
}

is($node->safe_psql('postgres', "SELECT count(*) FROM pg_settings WHERE name LIKE 'pg_nplusone.%'"),
	0, 'not preloaded: no settings');
is(error_of("LOAD 'pg_nplusone'; SELECT count(*) FROM pg_class"), '', 'not preloaded: statements go their way');
is(error_of('DROP EXTENSION pg_nplusone'), '', 'not preloaded: it can be dropped');

# session_preload_libraries comes too late as well.
$node->append_conf('postgresql.conf', "session_preload_libraries = 'pg_nplusone'\n");
$node->reload;
is(error_of('CREATE EXTENSION pg_nplusone'), '', 'session_preload_libraries: loaded in silence');
like(error_of('SELECT * FROM pg_nplusone'), qr/ERROR:  55000: pg_nplusone must be loaded/,
	'session_preload_libraries: the functions say that it does not do');
$node->safe_psql('postgres', 'DROP EXTENSION pg_nplusone');
$node->adjust_conf('postgresql.conf', 'session_preload_libraries', undef);

# --- Settings that the server refuses ------------------------------------

# With a library's settings, the server says what is wrong and goes on with
# the default.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_nplusone'\n");

sub refuses
{
	my ($setting, $value, $default, $message) = @_;
	my $before = -s $node->logfile;

	$node->append_conf('postgresql.conf', "$setting = '$value'\n");
	$node->restart;
	like(slurp_file($node->logfile, $before), qr/WARNING:  $message/, "$setting = $value: the log says why not");
	is($node->safe_psql('postgres', "SHOW $setting"), $default, "$setting = $value: the default is in force");
	$node->adjust_conf('postgresql.conf', $setting, undef);
}

refuses('pg_nplusone.max', '49', 1000, qr/49 is outside the valid range for parameter "pg_nplusone\.max" \(50 \.\. 100000\)/);
refuses('pg_nplusone.max', '100001', 1000, qr/100001 is outside the valid range for parameter "pg_nplusone\.max"/);
refuses('pg_nplusone.query_size', '255', '2kB', qr/255 B is outside the valid range for parameter "pg_nplusone\.query_size" \(256( B)? \.\. 65536( B)?\)/);
refuses('pg_nplusone.track', 'some', 'top', qr/invalid value for parameter "pg_nplusone\.track": "some"/);
refuses('pg_nplusone.threshold', '1', 5, qr/1 is outside the valid range for parameter "pg_nplusone\.threshold"/);
refuses('pg_nplusone.idle_gap', '0', '500ms', qr/0 ms is outside the valid range for parameter "pg_nplusone\.idle_gap"/);
refuses('pg_nplusone.sample_rows', '-1', 64, qr/-1 is outside the valid range for parameter "pg_nplusone\.sample_rows"/);
refuses('pg_nplusone.min_confidence', 'sure', 'suspected', qr/invalid value for parameter "pg_nplusone\.min_confidence": "sure"/);

# A setting that does not exist is a slip of the pen: told, not obeyed.
$node->append_conf('postgresql.conf', "pg_nplusone.treshold = 7\n");
$node->restart;
like(slurp_file($node->logfile), qr/WARNING:  invalid configuration parameter name "pg_nplusone\.treshold"/,
	'an unknown setting in the file is warned of');
like(error_of('SET pg_nplusone.treshold = 7'), qr/invalid configuration parameter name "pg_nplusone\.treshold"/,
	'an unknown setting is refused in a session');
$node->adjust_conf('postgresql.conf', 'pg_nplusone.treshold', undef);

# --- SQL objects of another version --------------------------------------

is(error_of('CREATE EXTENSION pg_nplusone'), '', 'preloaded: CREATE EXTENSION');
is(error_of('SELECT * FROM pg_nplusone'), '', 'preloaded: the view can be read');
my $library = $node->safe_psql('postgres', q{SELECT probin FROM pg_proc WHERE proname = 'pg_nplusone_clusters'});

foreach my $symbol (qw(pg_nplusone_clusters_1_0 pg_nplusone_session_clusters_1_0 pg_nplusone_activity_1_0 pg_nplusone_info_1_0))
{
	foreach my $columns (2, 35)
	{
		my $out = join(', ', map { "OUT c$_ bigint" } 1 .. $columns);
		$node->safe_psql('postgres', qq{
DROP FUNCTION IF EXISTS other_version();
CREATE FUNCTION other_version($out) RETURNS SETOF record AS '$library', '$symbol' LANGUAGE C});
		my $error = error_of('SELECT * FROM other_version()');
		like($error, qr/ERROR:  55000: the SQL objects of extension "pg_nplusone" do not fit the library that is loaded/,
			"$symbol with $columns columns: an error");
		like($error, qr/HINT:  Run ALTER EXTENSION pg_nplusone UPDATE\./, "$symbol with $columns columns: the hint");
	}
}

# A function of a library that is newer than the objects, and the other way round.
like(error_of("CREATE FUNCTION missing() RETURNS void AS '$library', 'pg_nplusone_clusters_9_9' LANGUAGE C"),
	qr/ERROR:  42883: could not find function "pg_nplusone_clusters_9_9"/, 'a symbol that is not there');

$node->stop;
done_testing();
