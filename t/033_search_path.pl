# The extension's SQL means what it meant when it was written, whatever stands
# in the search path of those who install it and of those who use it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $node = new_server('search_path');
$node->safe_psql('postgres', 'CREATE DATABASE trap');
create_blog($node, 'trap');

# Before the extension comes, its schema has operators that fit its operands
# better than the server's own do, and functions with the names that it uses.
my @types = qw(bigint integer text numeric float8 jsonb boolean oid regclass timestamptz name);
my $sql = "CREATE FUNCTION public.sprung() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN RAISE 'sprung'; END \$\$;\n";
foreach my $left (@types)
{
	foreach my $right (@types)
	{
		$sql .= "CREATE FUNCTION public.trap($left, $right) RETURNS boolean LANGUAGE sql AS 'SELECT public.sprung() IS NULL';\n";
		foreach my $operator ('+', '-', '*', '/', '||', '=', '<>', '<', '>', '<=', '>=', '->', '->>', '~')
		{
			$sql .= "CREATE OPERATOR public.$operator (LEFTARG = $left, RIGHTARG = $right, FUNCTION = public.trap);\n";
		}
	}
}
foreach my $type (@types)
{
	foreach my $function (qw(format round to_char sum max min count coalesce_ jsonb_pretty string_agg concat_ws jsonb_agg current_setting lower upper left greatest_ array_agg to_jsonb repeat rpad lpad))
	{
		$sql .= "CREATE FUNCTION public.$function($type) RETURNS text LANGUAGE sql AS 'SELECT public.sprung()::text';\n";
	}
}
$node->safe_psql('trap', $sql);
$node->safe_psql('trap', 'SET search_path = public, pg_catalog; CREATE EXTENSION pg_nplusone SCHEMA public');

# What its functions and views refer to is the server's or its own.
is($node->safe_psql('trap', q{
SET search_path = pg_catalog;
WITH member AS (SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	WHERE e.extname = 'pg_nplusone' AND d.deptype = 'e'),
rule AS (SELECT 'pg_rewrite'::regclass AS classid, r.oid AS objid FROM pg_rewrite r JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = r.ev_class),
part AS (SELECT * FROM member UNION ALL SELECT * FROM rule)
SELECT pg_describe_object(p.classid, p.objid, 0), pg_describe_object(d.refclassid, d.refobjid, 0)
FROM part p JOIN pg_depend d ON d.classid = p.classid AND d.objid = p.objid AND d.deptype IN ('n', 'i')
WHERE d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_class'::regclass)
	AND d.refobjid >= 16384 AND NOT EXISTS (SELECT FROM member m WHERE m.classid = d.refclassid AND m.objid = d.refobjid)
	AND NOT EXISTS (SELECT FROM pg_type t JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = t.typrelid WHERE d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid)
ORDER BY 1, 2}), '', 'nothing of it is bound to what lay in wait');

# All SQL functions are bound when they are created, none when it is called.
is($node->safe_psql('trap', q{
SET search_path = pg_catalog;
SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid
JOIN pg_language l ON l.oid = p.prolang WHERE e.extname = 'pg_nplusone' AND (l.lanname NOT IN ('c', 'sql') OR (l.lanname = 'sql' AND p.prosqlbody IS NULL))}),
	'', 'no function reads its SQL when it runs');

# So it works among traps, and without any search path.
my $client = WireClient->new($node, dbname => 'trap');
author_loop($client, 'extended', 20);
$client->disconnect;
foreach my $path ('public, pg_catalog', "''", 'pg_temp')
{
	foreach my $format (qw(text json html))
	{
		my ($out, $err);
		$node->psql('trap', "SET search_path = $path; SELECT public.pg_nplusone_report('$format')", stdout => \$out, stderr => \$err);
		is($err, '', "the $format report, search_path $path");
		like($out, qr/author_id/, 'and it says what it should');
	}
	foreach my $view (split(/\n/, $node->safe_psql('trap', q{SET search_path = pg_catalog; SELECT relname FROM pg_class WHERE relkind = 'v' AND relname LIKE 'pg\_nplusone%'})))
	{
		my ($out, $err);
		$node->psql('trap', "SET search_path = $path; SELECT * FROM public.$view", stdout => \$out, stderr => \$err);
		is($err, '', "view $view, search_path $path");
	}
}

# Relocatable on purpose: it may be moved, and works where it is.
$node->safe_psql('postgres', 'CREATE SCHEMA elsewhere; ALTER EXTENSION pg_nplusone SET SCHEMA elsewhere');
is($node->safe_psql('postgres', q{SET search_path = ''; SELECT elsewhere.pg_nplusone_report('json')::pg_catalog.jsonb IS NOT NULL, pg_catalog.count(*) > 0 FROM elsewhere.pg_nplusone}),
	't|t', 'moved into another schema');

check_alive($node, 'search_path');
$node->stop;
done_testing();
