# LoopTest.pm: servers with pg_nplusone, and what it has listed
#
# Also the schema that most tests use, a small blog whose authors come in an
# order that no accident produces, and the programs that walk it.

package LoopTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use WireClient;

our @EXPORT = qw(
  new_server create_blog loops found strong_loops wait_for run_pgbench
  read_authors author_loop check_alive memory_of resident_of
  can_run start_pooler stop_pooler
);

# A server that has pg_nplusone preloaded and created in "postgres".
sub new_server
{
	my ($name, $conf, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $preload = $option{preload} // 'pg_nplusone';

	$node->init(allows_streaming => $option{allows_streaming});
	$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = '$preload'
max_connections = 40
shared_buffers = 16MB
autovacuum = off
fsync = off
pg_nplusone.idle_gap = 1min
});
	$node->append_conf('postgresql.conf', $conf) if $conf;
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_nplusone');
	return $node;
}

sub create_blog
{
	my ($node, $dbname) = @_;

	$node->safe_psql($dbname // 'postgres', q{
CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE post (id int PRIMARY KEY, author_id int NOT NULL REFERENCES author, title text);
CREATE TABLE comment (id int PRIMARY KEY, post_id int NOT NULL REFERENCES post, body text);
CREATE INDEX ON comment (post_id);
INSERT INTO author SELECT g, 'author ' || g FROM generate_series(1, 200) g;
INSERT INTO post SELECT g, 1 + g * 73 % 199, 'post ' || g FROM generate_series(1, 200) g;
INSERT INTO comment SELECT g, 1 + g * 41 % 200, 'comment ' || g FROM generate_series(1, 600) g;
GRANT SELECT ON author, post, comment TO PUBLIC;
VACUUM ANALYZE;
});
}

# The rows of pg_nplusone as text, "pattern|confidence|link|loops|calls".
sub loops
{
	my ($node, $where, $dbname) = @_;
	my $condition = $where ? "WHERE $where" : '';

	return $node->safe_psql($dbname // 'postgres', qq{
SELECT pattern, confidence, link, loops, calls FROM pg_nplusone $condition ORDER BY calls DESC, pattern});
}

# One column, or an expression, over the clusters that fit.
sub found
{
	my ($node, $expression, $where) = @_;
	my $condition = $where ? "WHERE $where" : '';

	return $node->safe_psql('postgres', "SELECT $expression FROM pg_nplusone $condition");
}

# What would be held against a program: nothing, where it has no loop.
sub strong_loops
{
	my $node = shift;

	return $node->safe_psql('postgres', q{
SELECT pattern, confidence, calls, left(query, 80) FROM pg_nplusone
WHERE confidence IN ('likely', 'proven') ORDER BY calls DESC});
}

sub wait_for
{
	my ($node, $sql, $expected) = @_;

	return $node->poll_query_until('postgres', $sql, $expected // 't');
}

# Run pgbench scripts, given as name => text; fails the test if pgbench does.
sub run_pgbench
{
	my ($node, $options, %script) = @_;
	my @files;

	foreach my $name (sort keys %script)
	{
		my $file = $node->basedir . "/$name.sql";
		open(my $handle, '>', $file) or die "could not write $file: $!";
		print $handle $script{$name};
		close($handle);
		push @files, '-f', $file;
	}
	my ($out, $err);
	my $ok = IPC::Run::run([ 'pgbench', '-n', @$options, @files,
			'-h', $node->host, '-p', $node->port, 'postgres' ], '>', \$out, '2>', \$err);
	diag($err) unless $ok;
	return $ok ? $out : undef;
}

# The first "n" posts, as the list that a page begins with.
sub read_authors
{
	my ($client, $protocol, $n) = @_;

	return map { $_->[1] } @{ $client->query($protocol,
			'SELECT id, author_id, title FROM post ORDER BY id LIMIT $1', $n) };
}

# The classic: a list of posts, then the author of each.  Returns the number
# of authors asked for.
sub author_loop
{
	my ($client, $protocol, $n) = @_;
	my @authors = read_authors($client, $protocol, $n);

	$client->query($protocol, 'SELECT id, name FROM author WHERE id = $1', $_) for @authors;
	return scalar @authors;
}

# The server has lost no process and still answers.
sub check_alive
{
	my ($node, $what) = @_;
	my $log = slurp_file($node->logfile);

	unlike($log, qr/was terminated by signal|PANIC:|TRAP:/, "$what: no process has crashed");
	is($node->safe_psql('postgres', 'SELECT 1'), 1, "$what: the server answers");
}

# Bytes in our memory contexts of the client's backend.
sub memory_of
{
	my $client = shift;

	return $client->value(q{
SELECT coalesce(sum(total_bytes), 0) FROM pg_backend_memory_contexts WHERE name LIKE 'pg_nplusone%'});
}

# Kilobytes that a process has to itself.
sub resident_of
{
	my $pid = shift;
	my ($kilobytes) = slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m;

	return $kilobytes;
}

sub can_run
{
	my $program = shift;
	return scalar grep { -x "$_/$program" } split(/:/, $ENV{PATH}), '/usr/sbin';
}

# PgBouncer before a server, on the loopback interface.  "mode" is its
# pool_mode, "size" the number of its connections to the server.
sub start_pooler
{
	my ($node, $mode, $size) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my ($host, $server_port) = ($node->host, $node->port);
	my $directory = PostgreSQL::Test::Utils::tempdir_short();

	append_to_file("$directory/users.txt", qq{"postgres" ""\n"visitor" ""\n});
	append_to_file("$directory/pooler.ini", qq{
[databases]
* = host=$host port=$server_port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = trust
auth_file = $directory/users.txt
pool_mode = $mode
default_pool_size = $size
ignore_startup_parameters = extra_float_digits,options
logfile = $directory/log
pidfile = $directory/pid
});
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin";
	my $output = '';
	my $process = IPC::Run::start([ 'pgbouncer', '-q', "$directory/pooler.ini" ], '>', \$output, '2>', \$output);
	for (1 .. 100)
	{
		my $client = eval { WireClient->new($node, host => '127.0.0.1', port => $port) };
		if ($client)
		{
			$client->disconnect;
			return { process => $process, port => $port };
		}
		select(undef, undef, undef, 0.05);
	}
	die "pgbouncer does not answer: $output";
}

sub stop_pooler
{
	my $pooler = shift;

	$pooler->{process}->kill_kill(grace => 5);
	return;
}

1;
