# pg_nplusone.action = log: one message per loop, in a form that programs can
# read, in the server's three log formats.

use strict;
use warnings;

use IPC::Run qw(run);
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Utils;
use Test::More;

use NPlusOne;

my $node = nplusone_node('main', 'logging_collector = on', "log_destination = 'stderr,csvlog,jsonlog'",
	"log_filename = 'server.log'", 'log_rotation_age = 0', 'log_rotation_size = 0',
	"log_line_prefix = '%m [%p]: db=%d,user=%u,app=%a,state=%e '", "pg_nplusone.idle_gap = '1min'");
my $logs = $node->data_dir . '/log';

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author, title text);
INSERT INTO author SELECT g, 'author ' || g FROM generate_series(1, 10) g;
INSERT INTO post SELECT g, 1 + g * 7 % 10, 'post ' || g FROM generate_series(1, 10) g;
SQL

# A child of several lines, with what the formats have to quote, and a name that
# tries to be a fact of its own
my $loop = look_up_loop('SELECT author_id, title FROM post ORDER BY id',
	"SELECT name AS \"n\nTags: {}\",\n       '\"x\",\\y'\n  FROM author WHERE id = %d", map { 1 + $_ * 7 % 10 } 1 .. 10);
$node->safe_psql('postgres', "SET application_name = 'shop, \"web\"';
SET pg_nplusone.action = 'log';
SET pg_nplusone.tags = 'route=/posts,traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
$loop");
$node->safe_psql('postgres', "SET pg_nplusone.action = 'warning';\nSET client_min_messages = error;\n$loop");
my ($cluster, $queryid) = split /\|/, $node->safe_psql('postgres',
	q{SELECT clusterid, queryid FROM pg_nplusone WHERE pattern = 'forward_fk'});
ok($cluster, 'a loop was found');

my $message = "pg_nplusone: forward_fk loop, proven, 5 executions so far, cluster $cluster";
my @detail = (
	'Statement: SELECT name AS "n Tags: {}", $1 FROM author WHERE id = $2',
	'Parent: SELECT author_id, title FROM post ORDER BY id (10 rows)',
	'Link: post.author_id -> author.id', 'Application: shop, "web"',
	'Tags: {"route":"/posts","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}');

# The regular expression that docs/monitoring.md gives
my ($documented) = slurp_file("$ENV{TESTDIR}/docs/monitoring.md") =~ /^(\^pg_nplusone: .*\$)$/m;
like($message, qr/$documented/, 'the documented expression fits');
$message =~ /$documented/;
is_deeply([ $1, $2, $3, $4 ], [ 'forward_fk', 'proven', 5, $cluster ], 'and takes it apart');

$node->stop;

# -- jsonlog ---------------------------------------------------------------

my @entries = grep { ($_->{state_code} // '') eq 'NP001' } map { decode_json($_) } split /\n/, slurp_file("$logs/server.json");
is(join(',', map { $_->{error_severity} } @entries), 'LOG,WARNING', 'jsonlog: one message for each loop, though they went on');
my $entry = $entries[0];
is($entry->{message}, $message, 'jsonlog: message');
is($entry->{detail}, join("\n", @detail), 'jsonlog: each fact is a line of the detail');
like($entry->{hint}, qr/^author is read once for each row of post/, 'jsonlog: the hint is the advice');
is($entry->{application_name}, 'shop, "web"', 'jsonlog: application');
is($entry->{dbname}, 'postgres', 'jsonlog: database');
is($entry->{query_id}, $queryid, 'jsonlog: the identifier of the statement is that of the view');
ok(!exists $entry->{statement}, 'jsonlog: not the statement, which has its constants in it');

# -- stderr ----------------------------------------------------------------

my $text = slurp_file("$logs/server.log");
my ($line, $rest) = $text =~ /^(\S+ \S+ \S+ \[\d+\]: db=postgres,user=\S+,app=shop, "web",state=NP001 LOG:  .*)\n(.*state=NP001 DETAIL:(?:.*\n)(?:\t.*\n)*)/m;
like($line, qr/LOG:  \Q$message\E$/, 'stderr: message');
$rest =~ s/^.*DETAIL:  //;
$rest =~ s/^\t//mg;
is($rest, join('', map { "$_\n" } @detail), 'stderr: detail');

# -- csvlog ----------------------------------------------------------------

# As the manual of PostgreSQL reads it, into a table
$node->start;
$node->safe_psql('postgres', <<"SQL");
CREATE TABLE log (log_time timestamptz(3), user_name text, database_name text, process_id integer,
    connection_from text, session_id text, session_line_num bigint, command_tag text,
    session_start_time timestamptz, virtual_transaction_id text, transaction_id bigint, error_severity text,
    sql_state_code text, message text, detail text, hint text, internal_query text, internal_query_pos integer,
    context text, query text, query_pos integer, location text, application_name text, backend_type text,
    leader_pid integer, query_id bigint);
COPY log FROM '$logs/server.csv' WITH (FORMAT csv);
SQL
my $row = sub {
	return $node->safe_psql('postgres', "SELECT $_[0] FROM log WHERE sql_state_code = 'NP001' ORDER BY log_time LIMIT 1");
};
is($node->safe_psql('postgres', "SELECT string_agg(error_severity, ',' ORDER BY log_time) FROM log WHERE sql_state_code = 'NP001'"),
	'LOG,WARNING', 'csvlog: the messages');
is($row->('message'), $message, 'csvlog: message');
is($row->('detail'), join("\n", @detail), 'csvlog: detail');
like($row->('hint'), qr/^author is read once for each row of post/, 'csvlog: hint');
is($row->('query'), '', 'csvlog: not the statement, which has its constants in it');
is($row->('query_id'), $queryid, 'csvlog: its identifier');
$node->stop;

# -- pgBadger --------------------------------------------------------------


SKIP:
{
	skip 'needs pgbadger', 3 unless run [ 'sh', '-c', 'command -v pgbadger' ], '>', \my $path;
	my $directory = PostgreSQL::Test::Utils::tempdir();
	my $out = '';

	run [ 'pgbadger', '-q', '-j', '1', '-f', 'stderr', '-p', '%m [%p]: db=%d,user=%u,app=%a,state=%e ',
		'-o', "$directory/out.json", "$logs/server.log" ], '>&', \$out or diag($out);
	my $events = decode_json(slurp_file("$directory/out.json"))->{error_info}{postgres};
	my ($event) = grep { /pg_nplusone/ } keys %$events;
	like($event, qr/^WARNING:  pg_nplusone: forward_fk loop, proven, /, 'pgBadger counts the warning') or diag(join "\n", keys %$events);
	like($events->{$event}{detail}[0], qr/^Statement: SELECT name/, 'with its detail');
	like($events->{$event}{hint}[0], qr/^author is read once/, 'and its hint');
}

done_testing();
