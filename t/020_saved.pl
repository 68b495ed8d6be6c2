# What is kept over a restart, and what a file that is no good does: nothing.
#
# Clusters, mutes, hints and the sums of requests are in one file.  Whatever
# has happened to it is said once in the log, the server starts and works, and
# the next save puts a good one in its place.
#
# PG_NPLUSONE_LONG=1 in the environment tries more ways to damage it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

use LoopTest;
use WireClient;

my $node = new_server('saved', "pg_nplusone.save_interval = 0\npg_nplusone.hint_min_time = 0\nlog_min_messages = log\n");
my $file = $node->data_dir . '/pg_stat_tmp/pg_nplusone.stat';
create_blog($node);
$node->safe_psql('postgres', q{
CREATE TABLE visit (id int, page int, pad text);
INSERT INTO visit SELECT g, g % 5000, repeat('x', 50) FROM generate_series(1, 20000) g;
VACUUM ANALYZE visit});

# Everything that the views say, as text.
my %everything = (
	clusters => 'SELECT c::text FROM pg_nplusone c ORDER BY 1',
	hints => 'SELECT h::text FROM pg_nplusone_index_hints h ORDER BY 1',
	requests => 'SELECT r::text FROM pg_nplusone_requests r WHERE route IS NOT NULL ORDER BY 1',
	info => 'SELECT clusters, dealloc, stats_reset FROM pg_nplusone_info');

sub everything
{
	return { map { $_ => $node->safe_psql('postgres', $everything{$_}) } keys %everything };
}

sub work
{
	my $client = WireClient->new($node, application_name => "shop \x{e9}t\x{e9}");

	$client->simple("SET pg_nplusone.tags = 'route=/posts'");
	author_loop($client, 'prepared', 20);
	$client->query('simple', 'SELECT count(*) FROM visit WHERE page = $1', $_ * 7) for 1 .. 8;
	$client->disconnect;
	return;
}

sub log_lines
{
	my ($from) = @_;

	return grep { /pg_nplusone\.stat/ } split(/\n/, slurp_file($node->logfile, $from));
}

sub write_file
{
	my ($bytes) = @_;

	open(my $handle, '>:raw', $file) or die "could not write $file: $!";
	print $handle $bytes;
	close($handle);
	return;
}

# --- A restart ---------------------------------------------------------------

work();
$node->safe_psql('postgres', q{SELECT pg_nplusone_mute(clusterid) FROM pg_nplusone WHERE pattern = 'forward_fk'});
my $before = everything();
like($before->{clusters}, qr/forward_fk.*,t\)$/m, 'a cluster is muted');
like($before->{hints}, qr/CREATE INDEX.*page/, 'there is a hint');
like($before->{requests}, qr{/posts}, 'and a request');
foreach my $mode (qw(fast smart))
{
	$node->stop($mode);
	$node->start;
	my $after = everything();
	is($after->{$_}, $before->{$_}, "restart ($mode): $_ are as before") foreach sort keys %everything;
}
is(sprintf('%o', (stat $file)[2] & oct('0777')), '600', 'nobody but the server may read the file');
is($node->safe_psql('postgres', 'SELECT last_saved < pg_postmaster_start_time() FROM pg_nplusone_info'), 't',
	'when it was saved is known after a restart');

# What goes on after a restart is added, and a hint is not found a second time.
work();
is(loops($node, q{pattern = 'forward_fk'}), 'forward_fk|proven|post.author_id -> author.id|2|40', 'loops are added to what was kept');
is($node->safe_psql('postgres', q{SELECT count(*), max(calls) FROM pg_nplusone_index_hints WHERE ddl LIKE '%page%'}),
	'1|16', 'so are the executions of a hint');
is($node->safe_psql('postgres', q{SELECT units FROM pg_nplusone_requests WHERE route = '/posts'}), 2, 'and requests');

# --- What an administrator decides is kept at once ------------------------------

$node->safe_psql('postgres', q{SELECT pg_nplusone_unmute(clusterid) FROM pg_nplusone WHERE muted});
$node->safe_psql('postgres', q{SELECT pg_nplusone_reset(clusterid => clusterid) FROM pg_nplusone WHERE pattern <> 'forward_fk'});
wait_for($node, q{SELECT last_saved > now() - interval '1s' FROM pg_nplusone_info});
usleep(1_200_000);
$node->stop('immediate');
$node->start;
is(found($node, 'pattern, muted'), 'forward_fk|f', 'after a crash: a reset and an unmute have been saved without an interval');
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
$node->stop('immediate');
$node->start;
is(found($node, 'count(*)'), 0, 'after a crash at once: nothing of what was reset comes back');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone_index_hints'), 0, 'nor do hints');

# What is only in memory when processes are stopped at once is not saved.
work();
$node->stop('immediate');
$node->start;
is(found($node, 'count(*)'), 0, 'an immediate shutdown saves nothing');

# --- Files that are no good -------------------------------------------------------

work();
$node->stop;
my $good = slurp_file($file);

# Bytes of the header: magic, major, length, time, checksum.
my %bad = (
	'empty' => '',
	'one byte' => 'N',
	'a header only' => substr($good, 0, 32),
	'its last byte missing' => substr($good, 0, -1),
	'its second half missing' => substr($good, 0, length($good) / 2),
	'a byte too many' => $good . "\0",
	'another file\'s magic' => 'ELF!' . substr($good, 4),
	'another major' => substr($good, 0, 4) . pack('L', 14) . substr($good, 8),
	'a later major' => substr($good, 0, 4) . pack('L', 99) . substr($good, 8),
	'a length beyond all bounds' => substr($good, 0, 8) . pack('Q', ~0) . substr($good, 16),
	'zeros' => "\0" x length($good),
	'noise' => join('', map { chr(int(rand(256))) } 1 .. length($good)));
srand(20260102);
foreach my $n (1 .. $ENV{PG_NPLUSONE_LONG} ? 100 : 2)
{
	my $bytes = $good;
	my $at = 32 + int(rand(length($good) - 32));

	substr($bytes, $at, 1) = chr(ord(substr($bytes, $at, 1)) ^ (1 << $n % 8));
	$bad{"a bit flipped at $at"} = $bytes;
}

foreach my $name (sort keys %bad)
{
	# each takes a start of the server
	next if !$ENV{PG_NPLUSONE_LONG} && $name =~ /one byte|header only|later|magic|last byte|zeros/;
	my $from = -s $node->logfile;

	write_file($bad{$name});
	$node->start;
	is(found($node, 'count(*)'), 0, "$name: the server starts with nothing");
	my @said = log_lines($from);
	is(scalar @said, 1, "$name: said once") or diag(join("\n", @said));
	like($said[0] // '', qr/LOG: .*ignoring file/, "$name: and how");
	$node->stop('immediate');
}

write_file($good);
$node->start;
cmp_ok(found($node, 'count(*)'), '>', 0, 'the file that all these were made from is taken');
$node->stop;

# Files that cannot be opened: a mode, a directory.
chmod(0, $file) or die;
my $from = -s $node->logfile;
$node->start;
is(found($node, 'count(*)'), 0, 'unreadable: the server starts with nothing');
work();
$node->restart;
cmp_ok(found($node, 'count(*)'), '>', 0, 'unreadable: it is replaced by the next save');
is(scalar(() = log_lines($from)), 1, 'unreadable: said once');
$node->stop;

unlink($file);
mkdir($file) or die;
$from = -s $node->logfile;
$node->start;
work();
$node->safe_psql('postgres', q{SELECT pg_nplusone_reset(clusterid => 1)});
usleep(2_500_000);
$node->safe_psql('postgres', q{SELECT pg_nplusone_reset(clusterid => 1)});
usleep(1_500_000);
cmp_ok(found($node, 'count(*)'), '>', 0, 'a directory in its place: the server works');
is(scalar(() = log_lines($from)), 2, 'a directory in its place: said once when read, once when written');
rmdir($file);
$node->safe_psql('postgres', q{SELECT pg_nplusone_reset(clusterid => 1)});
ok($node->poll_query_until('postgres', 'SELECT last_saved IS NOT NULL FROM pg_nplusone_info'), 'and is written when it has gone');
ok(-f $file, 'there it is');
$node->stop;

# Disks that take nothing: a directory that may not be written, a full one.
$node->append_conf('postgresql.conf', "pg_nplusone.save_interval = 1s\n");
my $directory = $node->data_dir . '/pg_stat_tmp';
chmod(0500, $directory);
$from = -s $node->logfile;
$node->start;
work();
usleep(3_500_000);
cmp_ok(found($node, 'count(*)'), '>', 0, 'unwritable: the server works');
my @said = grep { /could not create/ } log_lines($from);
is(scalar @said, 1, 'unwritable: said once, tried three times');
chmod(0700, $directory);
wait_for($node, q{SELECT last_saved > pg_postmaster_start_time() FROM pg_nplusone_info});
pass('unwritable: saved as soon as it can be');

symlink('/dev/full', "$file.tmp") or die;
$from = -s $node->logfile;
for (1 .. 60)
{
	last if log_lines($from);
	usleep(100_000);
}
like(join("\n", log_lines($from)), qr/could not write file .*No space left on device/, 'full: it is said');
my $whole = slurp_file($file);
is(unpack('L', $whole), 0x4e504f32, 'full: the old file is still there');
for (1 .. 3)
{
	symlink('/dev/full', "$file.tmp");
	usleep(1_100_000);
}
is(scalar(() = log_lines($from)), 1, 'full: said once');
unlink("$file.tmp");
usleep(2_000_000);
$node->stop('immediate');
$node->start;
cmp_ok(found($node, 'count(*)'), '>', 0, 'full: saved as soon as there is room');

# --- A server that keeps less -----------------------------------------------------

$node->append_conf('postgresql.conf', "pg_nplusone.save_interval = 0\n");
$node->restart;
$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
# a busy machine may make a client wait for longer than the gap
my $client = WireClient->new($node, options => '-c pg_nplusone.idle_gap=1min');
for my $n (0 .. 79)
{
	my $columns = join(', ', map { ($n >> $_ & 1) ? 'id' : 'name' } 0 .. 9);
	$client->query('simple', "SELECT $columns FROM author WHERE id = \$1", $_) for 1 .. 6;
}
$client->query('simple', 'SELECT name, name, name, id, name FROM author WHERE id = $1' . ' OR id = -1' x 100, $_) for 1 .. 6;
$client->query('simple', 'SELECT count(*), pg_sleep(0.1) FROM post a, post b WHERE a.id = $1', $_) for 1 .. 6;
$client->disconnect;
$node->safe_psql('postgres', q{SELECT pg_nplusone_mute(clusterid) FROM pg_nplusone WHERE query LIKE 'SELECT id, id, id, id, name, id%'});
is(found($node, 'count(*)'), 82, 'eighty-two clusters');
is(found($node, 'count(*)', 'muted'), 1, 'one of them muted');
$node->append_conf('postgresql.conf', "pg_nplusone.max = 50\npg_nplusone.query_size = 256\n");
$from = -s $node->logfile;
$node->restart;
is(found($node, 'count(*)'), 50, 'fifty of them after a restart with room for fifty');
is(found($node, 'count(*)', 'muted'), 1, 'the muted one among them');
is(found($node, 'count(*)', q{query LIKE '%post a, post b%'}), 1, 'and the one that took the longest');
is(found($node, 'count(*)', 'query IS NULL'), 0, 'texts that fit are kept');
is(scalar(() = log_lines($from)), 0, 'that is no damage');
$node->append_conf('postgresql.conf', "pg_nplusone.max = 1000\npg_nplusone.query_size = 65536\n");
$node->restart;
is(found($node, 'count(*)'), 50, 'nothing is lost when there is more room');

# Not kept at all.
ok(-f $file, 'there is a file');
$node->append_conf('postgresql.conf', "pg_nplusone.save = off\n");
$node->reload;
for (1 .. 50) { last unless -e $file; usleep(100_000); }
ok(!-e $file, 'it goes when it is not wanted any more');
$node->restart;
is(found($node, 'count(*)'), 0, 'pg_nplusone.save = off: a restart forgets');
work();
$node->stop;
ok(!-e $file, 'and nothing is written');

# A server that can start no worker saves at shutdown.
$node->append_conf('postgresql.conf', "pg_nplusone.save = on\nmax_worker_processes = 0\n");
$node->start;
work();
$node->safe_psql('postgres', q{SELECT pg_nplusone_reset(clusterid => 1)});
$node->restart;
cmp_ok(found($node, 'count(*)'), '>', 0, 'without a worker: saved at shutdown');

check_alive($node, 'saved');
$node->stop;
done_testing();
