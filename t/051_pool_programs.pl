# Real programs with a pool, and real poolers: the loop is put together, and
# traffic without one lists nothing.
#
# PG_NPLUSONE_LONG=1 repeats what has no loop a hundred times.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $REPEAT = $ENV{PG_NPLUSONE_LONG} ? 100 : 8;
my $LINK = 'post.author_id -> author.id';
my $node = new_server('programs', "pg_nplusone.idle_gap = 500ms\nlisten_addresses = '127.0.0.1'\n");
create_blog($node);
$node->safe_psql('postgres', q{
CREATE TABLE tiny AS SELECT g AS id, 'row ' || g AS name FROM generate_series(1, 20) g;
ALTER TABLE tiny ADD PRIMARY KEY (id);
VACUUM ANALYZE tiny;
});

my $CONNECT = sprintf('dict(host=%s, port=%s, user="postgres")', map { "\"$_\"" } $node->host, $node->port);
my $PYTHON = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';

sub python
{
	my ($name, $text, @argument) = @_;
	my $file = $node->basedir . "/$name.py";
	my $output = '';

	open(my $handle, '>', $file) or die "could not write $file: $!";
	print $handle $text;
	close($handle);
	ok(IPC::Run::run([ $PYTHON, $file, @argument ], '>', \$output, '2>', \$output), "$name has run") or diag($output);
	return;
}

sub can_import
{
	my $module = shift;
	return IPC::Run::run([ $PYTHON, '-c', "import $module" ], '>', \my $out, '2>', \my $err);
}

sub start_over
{
	$node->restart;
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	return;
}

sub listed
{
	return $node->safe_psql('postgres', q{SELECT confidence, link, loops, calls, max_calls, rows FROM pg_nplusone ORDER BY calls DESC});
}

my $THREADS = qq{
import sys, threading
from concurrent.futures import ThreadPoolExecutor
import psycopg2

local, connections = threading.local(), []
ready = threading.Barrier(10)

def connect():
    local.connection = psycopg2.connect(dbname='postgres', **$CONNECT)
    local.connection.autocommit = True
    connections.append(local.connection)

def run(sql, *values):
    cursor = local.connection.cursor()
    cursor.execute(sql, values or None)
    return cursor.fetchall()

with ThreadPoolExecutor(10, initializer=connect) as pool:
    list(pool.map(lambda n: ready.wait(), range(10)))
    posts = pool.submit(run, 'SELECT id, author_id, title FROM post ORDER BY id LIMIT ' + sys.argv[1]).result()
    list(pool.map(lambda post: run('SELECT id, name FROM author WHERE id = %s', post[1]), posts))
for connection in connections:
    connection.close()
};

my $GATHER = qq{
import asyncio, sys
import asyncpg

async def main():
    pool = await asyncpg.create_pool(database='postgres', min_size=10, max_size=10, **$CONNECT)
    posts = await pool.fetch('SELECT id, author_id, title FROM post ORDER BY id LIMIT ' + sys.argv[1])
    await asyncio.gather(*[pool.fetchrow('SELECT id, name FROM author WHERE id = \$1', post['author_id']) for post in posts])
    await pool.close()

asyncio.run(main())
};

# Clients in processes of their own, each with its requests one after the other.
my $CLIENTS = q{
import multiprocessing, sys
multiprocessing.set_start_method('fork')
import psycopg2

port, rows, requests = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

def work(number, start):
    connection = psycopg2.connect(host='127.0.0.1', port=port, user='postgres', dbname='postgres')
    connection.autocommit = True
    cursor = connection.cursor()
    start.wait()
    for request in range(requests):
        cursor.execute('SELECT id, author_id, title FROM post ORDER BY id LIMIT %s OFFSET %s', (rows, (number * 7 + request) * 9 % 120))
        for post in cursor.fetchall():
            cursor.execute('SELECT id, name FROM author WHERE id = %s', (post[1],))
            cursor.fetchall()
    connection.close()

start = multiprocessing.Barrier(8)
clients = [multiprocessing.Process(target=work, args=(i, start)) for i in range(8)]
[client.start() for client in clients]
[client.join() for client in clients]
};

# Lists, and rows that are drawn at random; something in between, since a run of
# as many look-ups as the list has rows is likely to be a loop.
my $NO_LOOP = q{
import multiprocessing, random, sys
multiprocessing.set_start_method('fork')
import psycopg2

host, port, table, rows, repeat = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])

def work(number, start):
    draw = random.Random(number)
    connection = psycopg2.connect(host=host, port=port, user='postgres', dbname='postgres')
    connection.autocommit = True
    cursor = connection.cursor()
    start.wait()
    for turn in range(40 * repeat):
        if draw.random() < 0.1:
            cursor.execute('SELECT id, name FROM %s ORDER BY id LIMIT 20 OFFSET %d' % (table, 20 * draw.randrange(rows // 20)))
        else:
            cursor.execute('SELECT name FROM ' + table + ' WHERE id = %s', (draw.randint(1, rows),))
            cursor.execute('SELECT body FROM comment WHERE id = %s', (draw.randint(1, 600),))
        cursor.fetchall()
    connection.close()

start = multiprocessing.Barrier(8)
clients = [multiprocessing.Process(target=work, args=(i, start)) for i in range(8)]
[client.start() for client in clients]
[client.join() for client in clients]
};

# --- Side by side -----------------------------------------------------------------

SKIP:
{
	skip 'psycopg2 is not installed', 2 unless can_import('psycopg2');
	start_over();
	python('threads', $THREADS, 50);
	is(listed(), "proven|$LINK|1|50|50|50", 'a pool of ten threads, fifty look-ups: one loop');
}

SKIP:
{
	skip 'asyncpg is not installed', 2 unless can_import('asyncpg');
	start_over();
	python('gather', $GATHER, 50);
	is(listed(), "proven|$LINK|1|50|50|50", 'asyncio.gather on a pool of ten: one loop');
}

# --- Behind PgBouncer ---------------------------------------------------------------

SKIP:
{
	skip 'psycopg2 or pgbouncer is not installed', 9 unless can_import('psycopg2') && can_run('pgbouncer');

	# The first requests teach what follows what; from then on all of it is counted.
	start_over();
	my $pooler = start_pooler($node, 'transaction', 5);
	python('clients', $CLIENTS, $pooler->{port}, 50, 4);
	my $found = found($node, 'sum(calls)', "confidence = 'proven'");
	cmp_ok($found, '>', 0, "PgBouncer, eight clients: $found of 1600 executions in loops that are proven");
	cmp_ok($found, '<=', 1600, 'and none twice');
	$node->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
	python('clients', $CLIENTS, $pooler->{port}, 50, 2);
	stop_pooler($pooler);
	wait_for($node, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name <> current_setting('application_name') AND backend_type = 'client backend'});
	my $listed = listed();
	my ($confidence, $link, undef, $calls, $max_calls) = split(/\|/, $listed);
	is("$confidence|$link", "proven|$LINK", 'PgBouncer, once it is known: proven');
	# what is missing depends on how sessions race with each other
	cmp_ok($calls, '>=', 600, "PgBouncer, once it is known: $calls of 800 executions") or diag($listed);
	cmp_ok($calls, '<=', 800, 'and none twice');
	is($max_calls, 50, 'PgBouncer, once it is known: fifty in the longest');

	$pooler = start_pooler($node, 'transaction', 5);
	start_over();
	python('no loop', $NO_LOOP, '127.0.0.1', $pooler->{port}, 'author', 200, $REPEAT);
	is(strong_loops($node), '', "PgBouncer: no loop in $REPEAT repetitions");
	stop_pooler($pooler);
}

SKIP:
{
	skip 'psycopg2 is not installed', 4 unless can_import('psycopg2');
	foreach my $table ([ 'author', 200 ], [ 'tiny', 20 ])
	{
		start_over();
		python('no loop', $NO_LOOP, $node->host, $node->port, @$table, $REPEAT);
		is(strong_loops($node), '', "eight sessions, @$table rows: no loop in $REPEAT repetitions");
	}
}

check_alive($node, 'programs');
$node->stop;
done_testing();
