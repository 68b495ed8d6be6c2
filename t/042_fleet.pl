# fleet/fleet.sql: a primary, its standby and another database, read as one.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use NPlusOne;

my $primary = nplusone_node('primary', 'max_wal_senders = 4');
my $other = nplusone_node('other');

# The same tables on both, in databases of different names: their identifiers
# differ, and so do those of statements
my $tables = <<'SQL';
CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author, title text);
INSERT INTO author SELECT g, 'author ' || g FROM generate_series(1, 10) g;
INSERT INTO post SELECT g, 1 + g * 7 % 10, 'post ' || g FROM generate_series(1, 10) g;
SQL
foreach my $where ([ $primary, 'shop' ], [ $other, 'branch' ])
{
	my ($node, $database) = @$where;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	# so that the next objects have other identifiers here than there
	$node->safe_psql($database, 'CREATE TABLE first (); DROP TABLE first') if $node == $other;
	$node->safe_psql($database, "CREATE EXTENSION pg_nplusone;\n$tables");
	$node->safe_psql('postgres', "CREATE ROLE observer LOGIN PASSWORD 'secret'; CREATE ROLE clerk LOGIN;
		GRANT pg_read_all_stats TO observer");
	$node->safe_psql($database, 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk');
}
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay');
$_->safe_psql('postgres', 'SELECT pg_nplusone_reset()') foreach $primary, $other;

my @keys = map { 1 + $_ * 7 % 10 } 1 .. 10;
my $loop = look_up_loop('SELECT author_id, title FROM post ORDER BY id', 'SELECT name FROM author WHERE id = %d', @keys);
my $reverse = look_up_loop('SELECT id, name FROM author ORDER BY id', 'SELECT title FROM post WHERE author_id = %d', 1 .. 10);
$primary->safe_psql('shop', $loop);
$primary->safe_psql('shop', $reverse);
$standby->safe_psql('shop', $loop) for 1 .. 2;
$other->safe_psql('branch', $loop, extra_params => [ '-U', 'clerk' ]);

# -- The observer, in a database that does not have the extension ----------

my $script = "$ENV{TESTDIR}/fleet/fleet.sql";
$other->safe_psql('postgres', 'CREATE DATABASE observer');
$other->command_ok([ 'psql', '-XAtq', '-d', $other->connstr('observer'), '-f', $script ], 'the script runs');
foreach ([ 'shop', $primary->host, $primary->port, 'shop' ], [ 'shop-standby', $standby->host, $standby->port, 'shop' ],
	[ 'branch', $other->host, $other->port, 'branch' ])
{
	my (undef, undef, $said) = $other->psql('observer', sprintf(q{CALL fleet.add('%s', 'host=%s port=%s dbname=%s', 'observer', 'secret')}, @$_));
	is($said, '', "$_->[0] is added without a word");
}

my $LINK = 'post.author_id -> author.id';
is($other->safe_psql('observer', q{SELECT server, database, role <> '' AS role, pattern, confidence, loops, calls, link
		FROM fleet.pg_nplusone WHERE link LIKE 'post.%' ORDER BY server}), <<"ROWS" =~ s/\n\z//r, 'the loop of each server');
branch|branch|t|forward_fk|proven|1|10|$LINK
shop|shop|t|forward_fk|proven|1|10|$LINK
shop-standby|shop|t|forward_fk|proven|2|20|$LINK
ROWS
is($other->safe_psql('observer', q{SELECT role FROM fleet.pg_nplusone WHERE server = 'branch' AND pattern = 'forward_fk'}),
	'clerk', 'roles have the names they have there');
is($other->safe_psql('observer', q{SELECT count(DISTINCT clusterid) > 1, count(DISTINCT signature), sum(calls)
		FROM fleet.pg_nplusone WHERE pattern = 'forward_fk'}), 't|1|40', 'one signature for the loop, wherever it ran');
is($other->safe_psql('observer', q{SELECT signature FROM fleet.pg_nplusone WHERE server = 'shop' AND pattern = 'forward_fk'}),
	$primary->safe_psql('shop', q{SELECT c ->> 'signature' FROM jsonb_array_elements(pg_nplusone_report('json')::jsonb -> 'clusters') c
		WHERE c ->> 'pattern' = 'forward_fk'}), 'that of the report');
is($other->safe_psql('observer', q{SELECT string_agg(server || ' ' || pattern, ', ' ORDER BY server, pattern) FROM fleet.top(1)}),
	$other->safe_psql('observer', q{SELECT string_agg(server || ' ' || pattern, ', ' ORDER BY server, pattern)
		FROM (SELECT DISTINCT ON (server) server, pattern FROM fleet.pg_nplusone WHERE confidence <> 'suspected'
			ORDER BY server, wasted_time DESC) t}), 'the most costly one of each');
is($other->safe_psql('observer', 'SELECT count(*) FROM fleet.top(2)'), 4, 'and the two most costly ones');
is($other->safe_psql('observer', q{SELECT server, sum(loops) FROM fleet.pg_nplusone_totals WHERE pattern = 'forward_fk' GROUP BY 1 ORDER BY 1}),
	"branch|1\nshop|1\nshop-standby|2", 'totals');
is($other->safe_psql('observer', q{SELECT server, sum(units_with_loops) FROM fleet.pg_nplusone_requests WHERE database <> 'observer'
		GROUP BY 1 HAVING sum(units_with_loops) > 0 ORDER BY 1}), "branch|1\nshop|2\nshop-standby|2", 'units of work');
is($other->safe_psql('observer', 'SELECT server, enabled, answers, clusters > 0, max_clusters FROM fleet.pg_nplusone_info ORDER BY 1'),
	"branch|t|t|t|1000\nshop|t|t|t|1000\nshop-standby|t|t|t|1000", 'the state of each');
is($other->safe_psql('observer', 'SELECT count(*) >= 0 FROM fleet.pg_nplusone_activity'), 't', 'activity can be read');

# Index hints name tables that the observer does not have
$primary->safe_psql('shop', "INSERT INTO post SELECT g, 1 + g % 10, 'post ' || g FROM generate_series(11, 20000) g; ANALYZE post");
$primary->safe_psql('shop', $reverse);
is($other->safe_psql('observer', q{SELECT server, relation, ddl FROM fleet.pg_nplusone_index_hints WHERE relation = 'public.post' AND ddl IS NOT NULL}),
	'shop|public.post|CREATE INDEX CONCURRENTLY ON public.post USING btree (author_id)', 'a missing index');

# Heavy reads and connections: of the server, as the loops are
$other->safe_psql('branch', "SELECT count(*) FROM post;\nSELECT count(*) FROM author", extra_params => [ '-U', 'clerk' ]) for 1 .. 2;
$primary->safe_psql('shop', q{CREATE TABLE event (id integer PRIMARY KEY, kind integer);
INSERT INTO event SELECT g, g % 7 FROM generate_series(1, 20000) g});
$primary->safe_psql('shop', "SELECT id, kind FROM event WHERE kind < 100;\n" x 3);
is($other->safe_psql('observer', q{SELECT server, database, role <> '' AS role, finding, calls, rows, columns, query, advice <> '' AS advice
		FROM fleet.pg_nplusone_heavy_reads WHERE query LIKE '%event%'}),
	'shop|shop|t|unbounded|3|60000||SELECT id, kind FROM event WHERE kind < $1|t', 'what was read in whole, and where');
is($other->safe_psql('observer', q{SELECT server, sessions, statements FROM fleet.pg_nplusone_connections
		WHERE database = 'branch' AND role = 'clerk'}),
	$other->safe_psql('branch', q{SELECT 'branch', sessions, statements FROM pg_nplusone_connections WHERE userid = 'clerk'::regrole}),
	'sessions that are over, and where');
is($other->safe_psql('observer', q{SELECT sessions FROM fleet.pg_nplusone_connections WHERE database = 'branch' AND role = 'clerk'}), 3,
	'as many as there were');

# A question of one's own is asked there: what @ stands for, order, limit
is($other->safe_psql('observer', q{SELECT * FROM fleet.read('SELECT r.rolname::text, max(c.calls) FROM @pg_nplusone c
		JOIN @roles r ON r.oid = c.userid WHERE r.rolname = $$clerk$$ GROUP BY 1') AS t (server text, role text, calls bigint)}),
	'branch|clerk|10', 'a query that joins, from the members that have an answer');
is($other->safe_psql('observer', q{SELECT * FROM fleet.read('SELECT calls FROM @pg_nplusone ORDER BY calls DESC LIMIT 1')
		AS t (server text, calls bigint)}),
	join("\n", map { "$_->[0]|" . $_->[1]->safe_psql($_->[2], 'SELECT max(calls) FROM pg_nplusone') }
		[ 'branch', $other, 'branch' ], [ 'shop', $primary, 'shop' ], [ 'shop-standby', $standby, 'shop' ]),
	'order and limit hold for each member');
my ($failed, undef, $said) = $other->psql('observer', q{SELECT * FROM fleet.read('SELECT nothing FROM @pg_nplusone') AS t (server text, nothing text)});
is(scalar(() = $said =~ /WARNING:  fleet: \S+ is left out: column "nothing" does not exist/g), 3, 'a query that fails on a member is told of');
is($failed, 0, 'and is no error');

# No view of the extension is missing in the fleet: what it has not are a
# session's own
is($other->safe_psql('branch', q{SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
		WHERE d.deptype = 'e' AND d.classid = 'pg_class'::regclass AND c.relkind = 'v' AND c.relname <> 'pg_nplusone_session'}),
	$other->safe_psql('observer', q{SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
		WHERE relnamespace = 'fleet'::regnamespace AND relkind = 'v'}), 'every view of the extension');

# -- Who may read ----------------------------------------------------------

$other->safe_psql('postgres', 'CREATE ROLE reader LOGIN; GRANT fleet_reader TO reader');
my ($status, $out, $err) = $other->psql('observer', q{SELECT * FROM fleet.read('SELECT 1') AS t (server text, n integer)},
	extra_params => [ '-U', 'clerk' ]);
like($err, qr/permission denied for schema fleet/, 'fleet.read is not for everyone');
is($other->safe_psql('observer', 'ALTER USER MAPPING FOR PUBLIC SERVER shop OPTIONS (ADD password_required $$false$$);
	SET ROLE reader; SELECT count(*) > 0 FROM fleet.pg_nplusone WHERE server = $$shop$$'), 't', 'a role with fleet_reader');
($status, $out, $err) = $other->psql('observer', 'SELECT * FROM fleet.pg_nplusone', extra_params => [ '-U', 'clerk' ]);
like($err, qr/permission denied for schema fleet/, 'and no other');
($status, $out, $err) = $other->psql('observer', q{SET ROLE reader; CALL fleet.remove('shop')});
like($err, qr/permission denied for procedure/, 'and only the owner changes the fleet');

# -- A member that does not answer -----------------------------------------

$standby->stop;
($status, $out, $err) = $other->psql('observer', q{SELECT server FROM fleet.pg_nplusone WHERE pattern = 'forward_fk' ORDER BY 1});
is($out, "branch\nshop", 'the others are read');
like($err, qr/WARNING:  fleet: shop-standby is left out: could not connect/, 'and it is said that one is missing');
is($other->safe_psql('observer', q{SELECT server FROM fleet.pg_nplusone_info WHERE NOT answers}), 'shop-standby', 'in the view, too');
$other->safe_psql('observer', q{UPDATE fleet.member SET enabled = false WHERE server = 'shop-standby'});
($status, $out, $err) = $other->psql('observer', 'SELECT count(DISTINCT server) FROM fleet.pg_nplusone');
is("$out$err", '2', 'one that is left out on purpose is not missed');

# -- Changes ---------------------------------------------------------------

$primary->safe_psql('shop', 'DROP EXTENSION pg_nplusone; CREATE SCHEMA watch; CREATE EXTENSION pg_nplusone SCHEMA watch;
	GRANT USAGE ON SCHEMA watch TO observer');
$other->safe_psql('observer', q{CALL fleet.import_tables('shop', 'watch')});
is($other->safe_psql('observer', q{SELECT count(*) > 0 FROM fleet.pg_nplusone WHERE server = 'shop'}), 't', 'the tables of a member are made anew');
$other->safe_psql('observer', q{CALL fleet.remove('branch')});
is($other->safe_psql('observer', q{SELECT string_agg(server, ',') FROM fleet.pg_nplusone_info WHERE enabled}), 'shop', 'a member is removed');
is($other->safe_psql('observer', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'fleet:branch'}), 0, 'with what belongs to it');
$other->command_ok([ 'psql', '-XAtq', '-d', $other->connstr('observer'), '-f', $script ], 'the script runs again');
is($other->safe_psql('observer', q{SELECT count(*) > 0 FROM fleet.pg_nplusone WHERE server = 'shop'}), 't', 'and keeps the members');

$_->stop foreach $primary, $other;
done_testing();
