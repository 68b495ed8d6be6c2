# Memory: what docs/performance.md says it is, by formula, and how much that
# is at the defaults.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $SHARED_LIMIT = 8 * 1024 * 1024;
my $PRIVATE_LIMIT = 32 * 1024;
# the figures of the document are rounded
my $TOLERANCE = 0.02;

# The lines of the document, "name   expression", as functions of the settings.
sub formulas
{
	my $text = slurp_file("$ENV{TESTDIR}/docs/performance.md");
	my $block = join('', $text =~ /<!-- formulas -->\n(.*?)<!-- end -->/sg)
	  or die 'docs/performance.md has no formulas';
	my %formula;

	while ($block =~ /^ {4}(\w+) += (.+)$/mg)
	{
		my ($name, $expression) = ($1, $2);

		die "not a formula: $expression" unless $expression =~ m{^[\w\s.+*/()]+$};
		$formula{$name} = sub {
			my %value = @_;
			my $filled = $expression =~ s/([a-z]\w*)/$value{$1} \/\/ die "unknown: $1"/gre;
			return eval $filled // die "$filled: $@";
		};
	}
	return %formula;
}

# The settings that the formulas name.
sub settings_of
{
	my $node = shift;
	my %setting = map { split /\|/ } split(/\n/, $node->safe_psql('postgres', q{
SELECT name, setting FROM pg_settings WHERE name = 'max_connections' OR name LIKE 'pg_nplusone.%' AND vartype = 'integer'}));

	return (backends => $setting{max_connections}, max => $setting{'pg_nplusone.max'}, query_size => $setting{'pg_nplusone.query_size'});
}

sub shared_of
{
	my $node = shift;

	return map { split /\|/ } split(/\n/, $node->safe_psql('postgres', q{
SELECT replace(name, 'pg_nplusone ', ''), size FROM pg_shmem_allocations WHERE name LIKE 'pg_nplusone%'}));
}

sub check_formulas
{
	my ($node, $what) = @_;
	my %formula = formulas();
	my %value = settings_of($node);
	my %size = shared_of($node);
	my $documented = 0;

	foreach my $name (sort keys %formula)
	{
		next if $name eq 'private';
		my $expected = $formula{$name}->(%value);
		$documented += $expected;
		cmp_ok(abs($size{$name} - $expected), '<=', $TOLERANCE * $size{$name},
			"$what: $name, $size{$name} bytes, are documented as " . int($expected));
	}
	my $all = 0;
	$all += $_ for values %size;
	cmp_ok(abs($all - $documented), '<=', $TOLERANCE * $all, "$what: and nothing else is taken ($all bytes)");
	return $all;
}

# --- At the defaults ------------------------------------------------------------

my $node = new_server('memory', "max_connections = 100\n", allows_streaming => 1);
create_blog($node);
cmp_ok(check_formulas($node, 'at the defaults'), '<=', $SHARED_LIMIT, 'at the defaults: at most 8 MB of shared memory');

# a backend that has had everything: lists, loops in loops, writes, tags, hints
my $client = WireClient->new($node);
$client->simple("SET pg_nplusone.tags = 'controller=''posts'''");
foreach my $protocol (qw(simple extended prepared))
{
	author_loop($client, $protocol, 60);
	$client->query($protocol, 'SELECT body FROM comment WHERE post_id = $1', $_) for 1 .. 30;
	$client->query($protocol, 'UPDATE post SET title = title WHERE id = $1', $_) for 1 .. 10;
}
$client->simple("SELECT id, name AS name_$_ FROM author WHERE id = $_") for 1 .. 200;
my $private = memory_of($client);
my %formula = formulas();
cmp_ok($private, '<=', $PRIVATE_LIMIT, "a backend: at most 32 kB ($private bytes)");
cmp_ok(abs($private - $formula{private}->()), '<=', $TOLERANCE * $private,
	"a backend: $private bytes are documented as " . $formula{private}->());
author_loop($client, 'prepared', 200) for 1 .. 20;
is(memory_of($client), $private, 'a backend: however long it goes on');
$client->disconnect;

# --- With other settings ------------------------------------------------------------

$node->append_conf('postgresql.conf', "max_connections = 300\npg_nplusone.max = 250\npg_nplusone.query_size = 8192\n");
$node->restart;
check_formulas($node, 'with other settings');
$node->append_conf('postgresql.conf', "max_connections = 20\nmax_wal_senders = 0\nmax_worker_processes = 4\npg_nplusone.max = 5000\npg_nplusone.query_size = 512\n");
$node->restart;
check_formulas($node, 'with many small clusters');

check_alive($node, 'memory');
$node->stop;
done_testing();
