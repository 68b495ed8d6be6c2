# What a role without rights can learn of others: numbers, and nothing else.
# Every view and every function of the extension is asked, those that later
# versions add as well, and the report in every format.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $node = new_server('masking', q{
pg_nplusone.threshold = 2
pg_nplusone.hint_min_time = 0
});

# Names that occur nowhere else; each of them is in what alice does.
my %word = (
	table => 'classified', column => 'hushed', index => 'furtive', application => 'whisper',
	tag => 'murmur', constant => 'quizzical', schema => 'cloister', comment => 'gossip');
$node->safe_psql('postgres', qq{
CREATE ROLE alice LOGIN;
CREATE ROLE mallory LOGIN;
CREATE ROLE watcher LOGIN IN ROLE pg_read_all_stats;
CREATE SCHEMA $word{schema} AUTHORIZATION alice;
SET ROLE alice;
CREATE TABLE $word{schema}.$word{table} (id int PRIMARY KEY, $word{column}_id int, name text);
CREATE TABLE $word{schema}.$word{table}_part (id int CONSTRAINT $word{index} PRIMARY KEY, $word{column} int, note text);
INSERT INTO $word{schema}.$word{table} SELECT g, 1 + g * 73 % 2999, 'n' || g FROM generate_series(1, 3000) g;
INSERT INTO $word{schema}.$word{table}_part SELECT g, 1 + g * 73 % 2999, 'n' || g FROM generate_series(1, 20000) g;
ANALYZE $word{schema}.$word{table}, $word{schema}.$word{table}_part;
});

my $alice = WireClient->new($node, user => 'alice', application_name => $word{application});
$alice->simple("SET search_path = $word{schema}");

# One loop that is over and one that is running, without an index and with tags.
sub walk
{
	my $extra = shift;
	my @keys = map { $_->[1] } @{ $alice->query('simple', "SELECT id, $word{column}_id FROM $word{table} ORDER BY id LIMIT 12") };
	$alice->query('simple', "SELECT note FROM $word{table}_part WHERE $word{column} = \$1 AND note <> '$word{constant}' $extra /*route='/$word{tag}'*/", $_) for @keys;
	$alice->query('simple', "SELECT note /* $word{comment} */ FROM $word{table}_part WHERE id = \$1 /*route='/$word{tag}'*/", $_) for @keys;
}
walk('');
$alice->simple('SELECT pg_nplusone_session_reset()');
walk('AND true');

sub ask
{
	my ($role, $sql) = @_;
	my ($out, $err);

	$node->psql('postgres', $sql, extra_params => [ '-U', $role ], stdout => \$out, stderr => \$err);
	return ($out, $err);
}

# Everything that the extension shows: views, and functions without arguments
# that must be given.
my $members = q{
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_nplusone' AND d.deptype = 'e'};
my @views = split(/\n/, $node->safe_psql('postgres', "SELECT c.relname $members JOIN pg_class c ON c.oid = d.objid WHERE c.relkind = 'v' ORDER BY 1"));
my @functions = split(/\n/, $node->safe_psql('postgres', qq{
SELECT p.proname $members JOIN pg_proc p ON p.oid = d.objid
WHERE p.pronargs = p.pronargdefaults AND NOT p.proname ~ '(reset|mute)\$' ORDER BY 1}));
my %question = map { ("view $_" => "SELECT v::text FROM $_ v") } @views;
$question{"function $_"} = "SELECT f::text FROM $_() f" for @functions;
$question{"report $_"} = "SELECT pg_nplusone_report('$_')" for qw(text json html);
cmp_ok(scalar @views, '>=', 6, 'there are views: ' . join(' ', @views));
cmp_ok(scalar @functions, '>=', 8, 'and functions: ' . join(' ', @functions));

# Identifiers would lead from a number here to a text elsewhere.
my @ids = grep { $_ ne '' } split(/[|\n]/, $node->safe_psql('postgres', q{
SELECT clusterid, queryid, parent_queryid FROM pg_nplusone WHERE userid = 'alice'::regrole
UNION SELECT clusterid, queryid, NULL FROM pg_nplusone_index_hints WHERE userid = 'alice'::regrole AND clusterid <> 0}));
cmp_ok(scalar @ids, '>=', 6, 'there are identifiers');

my $secret = join('|', values %word, @ids);
my $seen = '';
foreach my $name (sort keys %question)
{
	my ($out, $err) = ask('mallory', $question{$name});
	is($err, '', "mallory may ask: $name");
	is(join(' ', $out =~ /(.{0,40}(?:$secret).{0,40})/g), '', "$name: tells nothing of alice");
	$seen .= (ask('watcher', $question{$name}))[0];
}

# The same questions do have answers, for those who may read statistics.
foreach my $what (grep { $_ ne 'constant' && $_ ne 'comment' && $_ ne 'index' } sort keys %word)
{
	like($seen, qr/$word{$what}/, "a watcher sees the $what");
}
unlike($seen, qr/$word{constant}|$word{comment}/, 'but no constant and no comment');
is(join(' ', grep { $seen !~ /$_/ } @ids), '', 'and all identifiers');
like((ask('alice', 'SELECT query FROM pg_nplusone'))[0], qr/$word{table}/, 'alice sees what is hers');
is((ask('mallory', q{SELECT count(*) FROM pg_nplusone WHERE query = '<insufficient privilege>'}))[0],
	$node->safe_psql('postgres', q{SELECT count(*) FROM pg_nplusone WHERE userid = 'alice'::regrole}), 'mallory sees that there is something');

# What changes something is for administrators, and for those whom they name.
my %change = ('pg_nplusone_reset' => 'oid, oid, bigint', 'pg_nplusone_mute' => 'bigint', 'pg_nplusone_unmute' => 'bigint');
my ($id) = grep { $_ ne '' } @ids;
foreach my $function (sort keys %change)
{
	my $call = $function eq 'pg_nplusone_reset' ? "SELECT $function(0, 0, 4711)" : "SELECT $function(4711)";

	foreach my $role (qw(mallory alice watcher))
	{
		like((ask($role, $call))[1], qr/permission denied for function $function/, "$function is not for $role");
	}
	$node->safe_psql('postgres', "GRANT EXECUTE ON FUNCTION $function($change{$function}) TO watcher");
	is((ask('watcher', $call))[1], '', "$function can be granted");
}
like((ask('alice', 'ALTER FUNCTION pg_nplusone_clusters() RENAME TO x'))[1], qr/must be owner/, 'and the functions are not to be changed');
my @open = split(/\n/, $node->safe_psql('postgres', qq{
SELECT p.proname $members JOIN pg_proc p ON p.oid = d.objid
WHERE p.prosecdef OR (p.proname ~ '(reset|mute)\$' AND p.proname !~ 'session' AND has_function_privilege('mallory', p.oid, 'EXECUTE'))}));
is_deeply(\@open, [], 'no function runs with the rights of another, none that changes something is open to all');

$alice->disconnect;
check_alive($node, 'masking');
$node->stop;
done_testing();
