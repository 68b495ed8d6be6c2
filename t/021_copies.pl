# Copies of a server: what is saved belongs to one server, and goes neither
# into a base backup nor through pg_rewind and pg_upgrade.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $STAT = 'pg_stat_tmp/pg_nplusone.stat';

sub work
{
	my ($node) = @_;
	my $client = WireClient->new($node);

	author_loop($client, 'prepared', 20);
	$client->disconnect;
	return;
}

my $primary = new_server('primary', "pg_nplusone.save_interval = 1s\nwal_log_hints = on\nmax_wal_senders = 5\nwal_keep_size = 64MB\n",
	allows_streaming => 1);
create_blog($primary);
work($primary);
my $EXPECTED = loops($primary);
wait_for($primary, 'SELECT last_saved IS NOT NULL FROM pg_nplusone_info');
ok(-s $primary->data_dir . "/$STAT", 'there is a file');

# --- Base backup and standby --------------------------------------------------

$primary->backup('base');
ok(!-e $primary->backup_dir . "/base/$STAT", 'it is not in a base backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay');
is(loops($standby), '', 'a standby starts with nothing');
work($standby);
work($standby) for 1 .. 2;
my $on_standby = loops($standby);
$standby->restart;
is(loops($standby), $on_standby, 'and keeps what is its own over a restart');

# --- pg_rewind -------------------------------------------------------------------

$standby->promote;
$standby->safe_psql('postgres', 'CREATE TABLE after_promotion AS SELECT 1 AS n; CHECKPOINT');
$primary->safe_psql('postgres', 'CREATE TABLE left_behind AS SELECT 1 AS n');
$primary->stop;
my $configuration = slurp_file($primary->data_dir . '/postgresql.conf');
command_ok([ 'pg_rewind', '--source-server', $standby->connstr('postgres'), '--target-pgdata', $primary->data_dir, '--no-sync' ],
	'pg_rewind of the former primary');
ok(!-e $primary->data_dir . "/$STAT", 'brings no file, and leaves none of before');
open(my $handle, '>', $primary->data_dir . '/postgresql.conf') or die;
print $handle $configuration;
close($handle);
$primary->enable_streaming($standby);
$primary->set_standby_mode;
$primary->start;
is($primary->safe_psql('postgres', 'SELECT n FROM after_promotion'), 1, 'which follows the new one');
is(loops($primary), '', 'and starts with nothing');
work($primary);
is(loops($primary), $EXPECTED, 'and finds loops');
check_alive($primary, 'rewound');
$primary->stop;

# --- pg_upgrade --------------------------------------------------------------------

work($standby);
$standby->stop;
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_nplusone'\npg_nplusone.idle_gap = 1min\n");
my ($bin) = run_command([ 'pg_config', '--bindir' ]);
chomp $bin;
chdir($new->basedir) or die;
command_ok([ 'pg_upgrade', '--no-sync', '-d', $standby->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
		'-p', $standby->port, '-P', $new->port, '-s', $new->host ], 'pg_upgrade with the module preloaded');
$new->start;
is(loops($new), '', 'the new server has the views, and starts with nothing');
work($new);
is(loops($new), $EXPECTED, 'and finds loops');
check_alive($new, 'upgraded');
$new->stop;
done_testing();
