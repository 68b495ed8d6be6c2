# scripts/nplusone-diff and scripts/nplusone-ci: a build fails on a loop that
# its baseline does not have, and on nothing else.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run qw(run);
use JSON::PP qw(decode_json encode_json);
use PostgreSQL::Test::Utils;
use Test::More;

my $scripts = abs_path(dirname(__FILE__) . '/../scripts');
my $directory = PostgreSQL::Test::Utils::tempdir_short();

sub write_file
{
	my ($name, $text) = @_;

	open my $file, '>:raw', "$directory/$name" or die "$name: $!";
	print $file $text;
	close $file or die "$name: $!";
	return "$directory/$name";
}

sub loop_of
{
	my ($signature, %changes) = @_;

	return {
		signature => $signature, pattern => 'forward_fk', confidence => 'proven', muted => JSON::PP::false,
		database => 'shop', link => "$signature.x -> y.id", parent_query => 'SELECT x FROM parent',
		query => "SELECT *\n  FROM y WHERE id = \$1", calls => 20, loops => 2, max_calls => 12,
		advice => 'Read them with one statement.', rewrite => undef, tags => undef, %changes
	};
}

sub report_of
{
	my ($name, @loops) = @_;

	return write_file($name, encode_json({ format_version => 1, clusters => \@loops }));
}

# Exit status and output
sub diff_of
{
	my ($out, $err);

	run [ "$scripts/nplusone-diff", @_ ], '<', \undef, '>', \$out, '2>', \$err;
	return ($? >> 8, $out, $err);
}

# -- nplusone-diff ---------------------------------------------------------

my $none = report_of('none.json');
my $one = report_of('one.json', loop_of('aaaa'));
my $two = report_of('two.json', loop_of('aaaa', calls => 999),
	loop_of('bbbb', tags => { route => '/posts', action => 'index' }));

my ($status, $out, $err) = diff_of($one, $two);
is($status, 1, 'a new loop: status 1');
is($out, <<'TEXT', 'and it is described');
1. forward_fk: bbbb.x -> y.id (proven)
   calls      20 in 2 loops, the longest 12
   parent     SELECT x FROM parent
   child      SELECT * FROM y WHERE id = $1
   advice     Read them with one statement.
   tags       action=index, route=/posts
   signature  bbbb

1 new loop, 1 known, 0 gone
TEXT

($status, $out) = diff_of($two, $one);
is($status, 0, 'a loop less: status 0');
is($out, <<'TEXT', 'and it is named');
In the baseline, and not found any more:
   forward_fk: bbbb.x -> y.id

0 new loops, 1 known, 1 gone
TEXT

is((diff_of($two, $two))[0], 0, 'the same loops: status 0');
is((diff_of($none, $none))[1], "0 new loops, 0 known, 0 gone\n", 'no loops at all');

my $more = report_of('more.json', loop_of('aaaa'), loop_of('cccc', confidence => 'suspected'),
	loop_of('dddd', muted => JSON::PP::true), loop_of('eeee', confidence => 'likely', database => 'other'),
	loop_of('eeee', confidence => 'likely', database => 'third'));
like((diff_of($one, $more))[1], qr/^1 new loop, 1 known/m, 'suspected and muted loops do not count, and one of two roles is one');
like((diff_of('--confidence', 'suspected', $one, $more))[1], qr/^2 new loops/m, 'suspected ones on request');
like((diff_of('--confidence', 'proven', $one, $more))[1], qr/^0 new loops/m, 'or only proven ones');
like((diff_of('--database', 'shop', $one, $more))[1], qr/^0 new loops/m, 'one database on request');
like((diff_of($more, $one))[1], qr/^0 new loops, 1 known, 1 gone/m, 'nor are those that do not count missed');

($status, $out) = diff_of('--accept', $two);
is($status, 0, '--accept');
my $accepted = write_file('accepted.json', $out);
is_deeply([ map { join ',', sort keys %$_ } @{ decode_json($out)->{clusters} } ],
	[ ('link,parent_query,pattern,query,signature') x 2 ], 'a baseline has nothing that changes from run to run');
is((diff_of('--accept', report_of('turned.json', loop_of('bbbb'), loop_of('aaaa'))))[1], $out, 'nor does their order');
is((diff_of($accepted, $two))[1], "0 new loops, 2 known, 0 gone\n", 'and is one to compare with');

($status, $out) = diff_of($none, report_of('evil.json', loop_of('ffff', link => undef, query => "SELECT '\e[2J\x{202e}'")));
like($out, qr/SELECT '\[U\+001B\]\[2J\[U\+202E\]'/, 'texts cannot command the terminal');

($status, $out, $err) = diff_of($none, report_of('masked.json', loop_of(undef)));
is($status, 2, 'what is masked cannot be compared');
like($err, qr/pg_read_all_stats/, 'and it is said who could');
is((diff_of($none, write_file('bad.json', 'psql: error')))[0], 2, 'no JSON: status 2');
is((diff_of($none, write_file('list.json', '[]')))[0], 2, 'no report: status 2');
is((diff_of($none, write_file('short.json', '{"format_version": 1, "clusters": [{"pattern": "x"}]}')))[0], 2,
	'half a report: status 2');
is((diff_of("$directory/nowhere", $one))[0], 2, 'no file: status 2');
is((diff_of($one))[0], 2, 'one report: status 2');

# -- nplusone-ci -----------------------------------------------------------

# What a project's tests do.  Their database is gone when they end.
my $suite = write_file('suite', <<'SH');
set -eu
psql -XAtq -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -c 'SELECT current_database()' > "$1/database"
psql -XAtq -c 'SHOW data_directory' >> "$1/servers"
createdb suite
psql -XAtq -v ON_ERROR_STOP=1 -d suite -o /dev/null <<'SQL'
CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer NOT NULL REFERENCES author, title text NOT NULL);
INSERT INTO author SELECT g, 'author ' || g FROM generate_series(1, 10) g;
INSERT INTO post SELECT g, 1 + g * 7 % 10, 'post ' || g FROM generate_series(1, 10) g;
SQL
psql -XAtq -d suite -o /dev/null <<SQL
$2
SQL
dropdb suite
SH
my $loop = <<'SQL';
SELECT author_id, title FROM post ORDER BY id;
SELECT format('SELECT name FROM author WHERE id = %s', author_id) FROM post ORDER BY id \gexec
SQL
my $other = <<'SQL';
SELECT id, name FROM author ORDER BY id;
SELECT format('SELECT title FROM post WHERE author_id = %s', id) FROM author ORDER BY id \gexec
SQL
my $baseline = "$directory/loops.json";

sub ci
{
	my ($options, @command) = @_;
	my ($out, $err);

	run [ "$scripts/nplusone-ci", '--baseline', $baseline, @$options, @command ], '<', \undef, '>', \$out, '2>', \$err;
	return ($? >> 8, $out, $err);
}

($status, $out, $err) = ci([], 'sh', $suite, $directory, $loop);
is($status, 1, 'nplusone-ci fails on a loop without a baseline') or diag("$out\n$err");
like($out, qr/^1\. forward_fk: post\.author_id -> author\.id \(proven\)$/m, 'and names it');
is(slurp_file("$directory/database"), "test\n", 'the tests find the server through DATABASE_URL');

($status, $out, $err) = ci(['--accept'], 'sh', $suite, $directory, $loop);
is($status, 0, 'it can be accepted') or diag("$out\n$err");
($status, $out) = ci([ '--report', "$directory/report.json" ], 'sh', $suite, $directory, "$loop$other");
is($status, 1, 'and another one is told from it');
like($out, qr/^1 new loop, 1 known, 0 gone$/m, 'in a database made anew');
is(scalar @{ decode_json(slurp_file("$directory/report.json"))->{clusters} }, 2, 'the report is kept');
like(slurp_file("$directory/report.html"), qr/^<!DOCTYPE html>/i, 'and its page');

($status, $out) = ci([ '--set', 'pg_nplusone.threshold=3' ],
	'sh', '-c', 'test "$(psql -XAtqc "SHOW pg_nplusone.threshold")" = 3 && exit 7');
is($status, 7, 'tests that fail have the last word, and settings reach the server');
is((ci([ '--set', 'nonsense=3' ], 'true'))[0], 2, 'a server that does not start: status 2');
is((ci(['--nonsense'], 'true'))[0], 2, 'an unknown option: status 2');
my @servers = split /\n/, slurp_file("$directory/servers");
is(scalar(grep { m{^/tmp/nplusone-ci\.\w+/data$} } @servers), 3, 'three servers ran');
is(scalar(grep { -e dirname($_) } @servers), 0, 'and nothing is left of them');

done_testing();
