# No value of a statement leaves its session: neither into the shared memory
# of pg_nplusone, nor into the file that it saves, its views, its reports or the
# server's log.  A secret goes through every protocol, through errors and DDL,
# and is then looked for in all these places.
#
# What is left in on purpose, tags and the constants of suggested indexes, has
# tests of its own (patterns: sql/hints_basic.sql, tags: test/modules/npo_text).

use strict;
use warnings;

use File::Find;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

# Repeated, so that a part of it gives it away as well.
my $WORD = 'Qz7kWv';
my $SECRET = $WORD x 3;
my $DIGITS = '8675309';
my $NUMBER = "421${DIGITS}";

# Memory of this kind can be read from outside by whoever owns it.
my $node = new_server('secrets', qq{
shared_memory_type = sysv
log_min_error_statement = panic
log_min_messages = log
log_statement = none
pg_nplusone.track = 'all'
pg_nplusone.threshold = 2
pg_nplusone.hint_min_time = 0
pg_nplusone.action = 'log'
pg_nplusone.save_interval = 1s
});
$node->safe_psql('postgres', q{
CREATE TABLE vault_list (id int PRIMARY KEY, pin bigint, word text, at date);
CREATE TABLE vault_door (id int PRIMARY KEY, list_id int REFERENCES vault_list, pin bigint, word text UNIQUE, note text);
INSERT INTO vault_list SELECT g, g, 'word ' || g, date '2000-01-01' + g FROM generate_series(1, 3000) g;
INSERT INTO vault_door SELECT g, 1 + g * 73 % 2999, g, 'door ' || g, 'note ' || g % 10 FROM generate_series(1, 6000) g;
ANALYZE;
CREATE FUNCTION decipher(t text, key text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT overlay(t PLACING '' FROM 1 FOR length(key) / 100) $$;
CREATE FUNCTION walk(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE l record;
BEGIN
	FOR l IN SELECT id, word FROM vault_list ORDER BY id LIMIT n LOOP
		PERFORM note FROM vault_door WHERE list_id = l.id AND note <> 'Qz7kWvQz7kWvQz7kWv' AND pin <> 4218675309;
		EXECUTE format('SELECT note FROM vault_door WHERE list_id = %s AND note <> %L', l.id, 'Qz7kWvQz7kWv');
	END LOOP;
END $$;
CREATE FUNCTION notes(k int) RETURNS SETOF text LANGUAGE sql AS $$ SELECT note FROM vault_door WHERE list_id = k AND note <> 'Qz7kWvQz7kWv' $$;
});

# --- Where to look -----------------------------------------------------------------

# Our parts of shared memory, by name.
sub memory
{
	my (undef, undef, undef, undef, undef, undef, $ids) = split(/\n/, slurp_file($node->data_dir . '/postmaster.pid'));
	my (undef, $shmid) = split(' ', $ids);
	my %area;

	foreach my $line (split(/\n/, $node->safe_psql('postgres', q{
SELECT name, off, allocated_size FROM pg_shmem_allocations WHERE name LIKE 'pg_nplusone%'})))
	{
		my ($name, $offset, $size) = split(/\|/, $line);
		my $bytes = '';

		shmread($shmid, $bytes, $offset, $size) or die "could not read shared memory: $!";
		$area{$name} = $bytes;
	}
	return %area;
}

# Files of ours in the data directory, whatever they are called.
sub files
{
	my %file;

	find(sub { $file{$_} = slurp_file($_) if /pg_nplusone/ && -f }, $node->data_dir);
	return %file;
}

# What we wrote into the server's log, with details and hints.
sub own_messages
{
	my ($own, $text) = (0, '');

	foreach my $record (split(/^(?=\d{4}-\d\d-\d\d )/m, slurp_file($node->logfile)))
	{
		$own = $record =~ /LOG:  pg_nplusone:/ if $record !~ / (?:DETAIL|HINT|CONTEXT|STATEMENT):  /;
		$text .= $record if $own;
	}
	return $text;
}

sub gives_away
{
	my $text = shift // '';

	$text =~ s/\0//g;    # also a text of wide characters would be one
	return $text =~ /$WORD|$DIGITS/ ? substr($text, $-[0] > 100 ? $-[0] - 100 : 0, 200) : '';
}

sub views
{
	return split(/\n/, $node->safe_psql('postgres', q{
SELECT c.oid::regclass FROM pg_class c JOIN pg_depend d ON d.objid = c.oid JOIN pg_extension e ON e.oid = d.refobjid
WHERE e.extname = 'pg_nplusone' AND d.deptype = 'e' AND c.relkind = 'v'}));
}

sub look
{
	my $what = shift;
	my %place = memory();

	foreach my $view (views())
	{
		$place{"view $view"} = $node->safe_psql('postgres', "SELECT v::text FROM $view v");
	}
	foreach my $format (qw(text json html))
	{
		$place{"report $format"} = $node->safe_psql('postgres', "SELECT pg_nplusone_report('$format')");
	}
	$place{log} = own_messages();
	foreach my $name (sort keys %place)
	{
		is(gives_away($place{$name}), '', "$what: not in $name");
	}
	return %place;
}

# --- Loops whose statements hold it, in every protocol -----------------------------

my @STATEMENTS = (
	"SELECT note FROM vault_door WHERE list_id = \$1 AND note <> '$SECRET'",
	"SELECT note FROM vault_door WHERE list_id = \$1 AND pin <> $NUMBER",
	"SELECT note /* $SECRET */ FROM vault_door -- $SECRET\n WHERE list_id = \$1",
	"/* $SECRET */ SELECT count(*) FROM vault_door WHERE list_id = \$1",
	"SELECT 1 FROM vault_door WHERE list_id = \$1 AND word = E'\\x51z7kWv$SECRET'",
	"SELECT 2 FROM vault_door WHERE list_id = \$1 AND word = U&'\\0051z7kWv$SECRET'",
	"SELECT 3 FROM vault_door WHERE list_id = \$1 AND word = \$q\$$SECRET\$q\$",
	"SELECT 4 FROM vault_door WHERE list_id = \$1 AND word IN ('$SECRET', 'x', '$SECRET')",
	"SELECT 5 FROM vault_door WHERE list_id = \$1 AND word LIKE '%$SECRET%' AND pin = -$NUMBER LIMIT 1",
	"SELECT '$SECRET', pin * $NUMBER FROM vault_door WHERE list_id = \$1 ORDER BY decipher(word, '$SECRET') LIMIT 1",
	"SELECT 6 FROM vault_door WHERE decipher(word, '$SECRET') = 'door ' || \$1",
	"SELECT 7 FROM vault_door WHERE decipher(word, '$SECRET') = 'door' AND list_id = \$1",
	"SELECT EXISTS (SELECT FROM vault_door WHERE list_id = \$1 AND note = '$SECRET')",
	"SELECT note FROM vault_door WHERE list_id = \$1 AND note <> '" . ($SECRET x 500) . "'",
	"SELECT note FROM vault_door WHERE list_id = \$1 AND note NOT IN (" . join(', ', map { "'$SECRET$_'" } 1 .. 300) . ')',
	"UPDATE vault_door SET note = '$SECRET' WHERE id = \$1",
	"DELETE FROM vault_door WHERE id = - \$1 - $NUMBER",
	"INSERT INTO vault_door (id, word, note) VALUES (\$1 + 10000000, '$SECRET' || \$1, '$SECRET') ON CONFLICT DO NOTHING",
	"WITH w AS (SELECT '$SECRET'::text AS s) SELECT s, note FROM w, vault_door WHERE list_id = \$1",
);

# The parent of each of them holds it too.
sub parent { return "SELECT id, '$SECRET', word FROM vault_list WHERE word <> '$SECRET' AND pin < $NUMBER ORDER BY id + $_[0] LIMIT 12"; }

foreach my $protocol (qw(simple extended prepared))
{
	my $client = WireClient->new($node);
	my $number = 0;
	my $base = { simple => 20000, extended => 30000, prepared => 40000 }->{$protocol};

	foreach my $statement (@STATEMENTS)
	{
		my @ids = map { $_->[0] } @{ $client->query($protocol, parent($number++)) };
		$client->try_query($protocol, "$statement", $_) for @ids;
	}
	# as parameters
	my @ids = map { $_->[0] } @{ $client->query($protocol, parent($number++)) };
	$client->query($protocol, 'SELECT note FROM vault_door WHERE list_id = $1 AND note <> $2', $_, $SECRET) for @ids;
	$client->query($protocol, 'SELECT id FROM vault_door WHERE word = $1', "$SECRET$_") for @ids;
	$client->query($protocol, 'INSERT INTO vault_door (id, word) VALUES ($1, $2)', $base + $_, "$SECRET$protocol$_") for @ids;
	$client->disconnect;
}
my %place = look('loops');
like(join('', values %place), qr/vault_door/, 'what is no secret is there to be found');
like($place{'pg_nplusone clusters'}, qr/vault_door/, 'also in shared memory');
like($place{'pg_nplusone hints'}, qr/vault_door/, 'and among the hints');
like($place{log}, qr/vault_door/, 'and in the log');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM pg_nplusone'), '>', 30, 'the statements above are loops');

# --- Several statements in a string, cursors, strings with backslashes ---------------------

my $client = WireClient->new($node);
foreach my $round (1 .. 6)
{
	$client->simple("SELECT '$SECRET'; SELECT note FROM vault_door WHERE pin = $round AND note <> '$SECRET'; SELECT '$SECRET'");
	$client->simple("BEGIN; DECLARE c CURSOR FOR SELECT note FROM vault_door WHERE list_id = $round AND note <> '$SECRET'; FETCH 5 FROM c; COMMIT");
	$client->simple("EXPLAIN ANALYZE SELECT note FROM vault_door WHERE note = '$SECRET' AND pin = $round");
	$client->simple("COPY (SELECT note FROM vault_door WHERE note = '$SECRET' AND pin = $round) TO STDOUT");
	$client->simple("CREATE TEMP TABLE kept_$round AS SELECT '$SECRET' AS s, * FROM vault_door WHERE note = '$SECRET' AND pin = $round");
}
$client->simple('SET standard_conforming_strings = off; SET escape_string_warning = off');
$client->simple("SELECT '\\'$SECRET' AS a, note FROM vault_door WHERE pin = $_ AND note <> 'it\\'s $SECRET' OR '\\\\' = '$SECRET'") for 1 .. 6;
$client->simple("PREPARE quoted(int) AS SELECT note FROM vault_door WHERE list_id = \$1 AND note <> '\\' $SECRET'");
$client->simple('SET standard_conforming_strings = on');
$client->simple("EXECUTE quoted($_)") for 1 .. 6;
$client->simple("PREPARE plain(int, text) AS SELECT id FROM vault_door WHERE list_id = \$1 AND note <> \$2 AND note <> '$SECRET'");
$client->simple("EXECUTE plain($_, '$SECRET')") for 1 .. 6;
$client->simple("DO \$\$ BEGIN PERFORM walk(9); PERFORM '$SECRET'; END \$\$");
$client->simple('SELECT walk(9)');
$client->simple("SELECT * FROM vault_list l, notes(l.id) WHERE l.id < 9 AND word <> '$SECRET'");
look('utilities and functions');

# --- Errors ----------------------------------------------------------------------------------

foreach my $round (1 .. 6)
{
	foreach my $failing (
		"SELECT note FROM vault_door WHERE list_id = $round AND note = '$SECRET' AND 1 / (pin - pin) > 0",
		"SELECT note FROM vault_door WHERE list_id = $round AND pin = '$SECRET$round'",
		"SELECT note FROM vault_door WHERE list_id = $round AND note::int = 1 OR '$SECRET' = note",
		"SELECT note FROM vault_door WHERE list_id = $round AND '$SECRET' nonsense '$SECRET'",
		"SELECT note FROM vault_door WHERE list_id = $round AND note = 'open $SECRET",
		"SELECT note, no_column_$round FROM vault_door WHERE note = '$SECRET'",
		"INSERT INTO vault_door (id, word) VALUES ($round, '$SECRET')",
		"INSERT INTO vault_door (id, list_id, word) VALUES (-$round, -$round, 'x$round$SECRET')")
	{
		$client->simple($failing);
		$client->simple("BEGIN; SAVEPOINT s; $failing");
		$client->simple('ROLLBACK');
		$client->try_query('extended', $failing);
	}
	$client->simple("SET statement_timeout = 1; SELECT pg_sleep(1), note FROM vault_door WHERE note <> '$SECRET' AND pin = $round; ");
	$client->simple('SET statement_timeout = 0');
}
$client->simple("SET pg_nplusone.action = 'error'");
$client->simple(parent(50));
my ($refused) = grep { $_->{error} } map { ($client->simple("SELECT pin FROM vault_door WHERE list_id = $_ AND note <> '$SECRET'"))[0] } 1 .. 6;
like($refused->{error}, qr/^NP001/, 'action = error refuses a statement');
is(gives_away($refused->{error}), '', 'and does not repeat its values');
$client->simple("SET pg_nplusone.action = 'notice'");
$client->simple(parent(51));
$client->simple("SELECT id FROM vault_door WHERE list_id = $_ AND note <> '$SECRET'") for 1 .. 6;
cmp_ok(scalar @{ $client->{notices} // [] }, '>', 0, 'action = notice tells the client');
is(gives_away(join("\n", grep { /nplusone/ } @{ $client->{notices} })), '', 'without the values');
$client->simple("SET pg_nplusone.action = 'log'");
$client->simple("SET pg_nplusone.tags = '$SECRET'");    # malformed
look('errors');

# --- DDL -------------------------------------------------------------------------------------

foreach my $round (1 .. 6)
{
	$client->simple($_) for (
		"CREATE TABLE made_$round (a text DEFAULT '$SECRET' CHECK (a <> '$SECRET'), b bigint DEFAULT $NUMBER)",
		"CREATE INDEX ON made_$round (b) WHERE a = '$SECRET'",
		"CREATE VIEW seen_$round AS SELECT a FROM made_$round WHERE a <> '$SECRET'",
		"SELECT a FROM seen_$round WHERE a = '$SECRET'",
		"CREATE FUNCTION made_$round() RETURNS text LANGUAGE sql AS \$\$ SELECT '$SECRET'::text \$\$",
		"COMMENT ON TABLE made_$round IS '$SECRET'",
		"CREATE ROLE role_$round PASSWORD '$SECRET'",
		"ALTER ROLE role_$round SET application_name = 'x'",
		"SET my.setting = '$SECRET'",
		"CREATE RULE r AS ON INSERT TO seen_$round DO INSTEAD INSERT INTO made_$round VALUES ('$SECRET')",
		"INSERT INTO seen_$round VALUES ('x')",
		"ALTER TABLE made_$round ADD COLUMN c text DEFAULT '$SECRET'",
		"ALTER TABLE made_$round ADD CONSTRAINT k CHECK (c <> '${SECRET}x')",
		"CREATE MATERIALIZED VIEW kept_view_$round AS SELECT '$SECRET' AS s, * FROM vault_list WHERE word <> '$SECRET'",
		"SECURITY LABEL ON TABLE made_$round IS '$SECRET'",
		"DROP TABLE made_$round CASCADE");
}
$client->simple($_) for (
	"CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM note FROM vault_door WHERE list_id = new.id AND note <> '$SECRET'; RETURN new; END \$\$",
	'CREATE TRIGGER guard BEFORE UPDATE ON vault_list FOR EACH ROW EXECUTE FUNCTION guard()',
	"UPDATE vault_list SET word = '$SECRET' WHERE id < 9",
	'CREATE TABLE parts (k int, w text) PARTITION BY RANGE (k)',
	'CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100)',
	"INSERT INTO parts SELECT g, '$SECRET' || g FROM generate_series(1, 50) g");
$client->simple("SELECT w FROM parts WHERE k = $_ AND w LIKE '$SECRET%'") for 1 .. 6;
$client->disconnect;
look('DDL');

# --- On disk ---------------------------------------------------------------------------------

sleep(2);    # longer than save_interval
$node->stop('fast');
my %file = files();
ok(scalar keys %file, 'a file has been saved: ' . join(', ', sort keys %file));
foreach my $name (sort keys %file)
{
	is(gives_away($file{$name}), '', "not in the file $name");
	like($file{$name}, qr/vault_door/, "what is no secret is in the file $name");
}
my @modes;
find(sub { push @modes, sprintf('%s %04o', $_, (stat)[2] & 07777) if /pg_nplusone/ && -f }, $node->data_dir);
is_deeply([ grep { !/ 0600$/ } @modes ], [], 'the file is for its owner alone');

# Where the data directory is open to a group, the file is not.
chmod(0750, $node->data_dir);
unlink(glob($node->data_dir . '/*/pg_nplusone*'));
$node->start;
$node->stop;
@modes = ();
find(sub { push @modes, sprintf('%s %04o', $_, (stat)[2] & 07777) if /pg_nplusone/ && -f }, $node->data_dir);
is_deeply([ grep { !/ 0600$/ } @modes ], [], 'nor is it where a group may read the data directory');
ok(scalar @modes, 'and there is one');

done_testing();
