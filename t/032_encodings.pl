# Texts in every encoding: of clients, of databases, of readers in other
# databases, and bytes that are no text at all.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $node = new_server('encodings', q{
pg_nplusone.threshold = 3
pg_nplusone.hint_min_time = 0
});

# The same table in each: "e acute" and the Japanese "a" where the encoding has them.
my %bytes = (
	UTF8 => "caf\xC3\xA9_\xE3\x81\x82",
	LATIN1 => "caf\xE9",
	EUC_JP => "caf_\xA4\xA2",
	SQL_ASCII => "caf\xE9\xFF\xC3");
foreach my $encoding (sort keys %bytes)
{
	my $dbname = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $dbname TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($dbname, 'CREATE EXTENSION pg_nplusone');
	loop_in($dbname, $encoding, $bytes{$encoding}, $encoding);
}

# A list and its loop; the table is called so, in bytes of the client's encoding.
sub loop_in
{
	my ($dbname, $client_encoding, $name, $tag) = @_;
	my $client = WireClient->new($node, dbname => $dbname, application_name => "of $dbname");

	$client->query('simple', "SET client_encoding = '$client_encoding'");
	$client->simple(qq{CREATE TABLE IF NOT EXISTS "$name" (id int PRIMARY KEY, "$name" int, note text)});
	$client->simple(qq{INSERT INTO "$name" SELECT g, 1 + g * 73 % 199, 'x' FROM generate_series(1, 200) g ON CONFLICT DO NOTHING});
	$client->simple('SELECT pg_nplusone_session_reset()');
	my @keys = map { $_->[0] } @{ $client->query('extended', qq{SELECT "$name" FROM "$name" ORDER BY id LIMIT 12}) };
	$client->query('extended', qq{SELECT note FROM "$name" WHERE id = \$1 AND note <> '$name' /*route='$name-$tag'*/}, $_) for @keys;
	$client->disconnect;
}

# As bytes, so that nothing is converted on the way here.
sub seen_from
{
	my ($dbname, $expression, $where) = @_;

	return pack('H*', $node->safe_psql($dbname, qq{
SELECT encode(convert_to(string_agg($expression, '|' ORDER BY $expression), getdatabaseencoding()), 'hex') FROM pg_nplusone WHERE $where}));
}

# What each of them reads about the others.
my %expected = (
	'utf8' => { utf8 => "caf\xC3\xA9_\xE3\x81\x82", latin1 => "caf\xC3\xA9", euc_jp => "caf_\xE3\x81\x82", sql_ascii => 'caf???' },
	'latin1' => { utf8 => "caf\xE9_?", latin1 => "caf\xE9", euc_jp => 'caf_?', sql_ascii => "caf\xE9\xFF\xC3" },
	'euc_jp' => { utf8 => "caf\x8F\xAB\xB1_\xA4\xA2", latin1 => 'caf?', euc_jp => "caf_\xA4\xA2", sql_ascii => 'caf???' },
	'sql_ascii' => { map { (lc $_ => $bytes{$_}) } keys %bytes });
foreach my $reader (sort keys %expected)
{
	foreach my $writer (sort keys %{ $expected{$reader} })
	{
		my $name = $expected{$reader}{$writer};
		my $there = "dbid = (SELECT oid FROM pg_database WHERE datname = '$writer') AND link IS NOT NULL";

		is(seen_from($reader, 'query', $there), qq{SELECT note FROM "$name" WHERE id = \$1 AND note <> \$2}, "$reader reads a statement of $writer");
		is(seen_from($reader, 'parent_query', $there), qq{SELECT "$name" FROM "$name" ORDER BY id LIMIT \$1}, "$reader reads its parent in $writer");
		like(seen_from($reader, 'link', $there), qr/\Q$name\E/, "$reader reads a link of $writer");
		is(seen_from($reader, "tags ->> 'route'", $there), "$name-" . uc $writer, "$reader reads tags of $writer");
	}
	foreach my $format (qw(text json html))
	{
		my $valid = $node->safe_psql($reader, qq{
SELECT convert_from(convert_to(pg_nplusone_report('$format'), getdatabaseencoding()), getdatabaseencoding()) <> ''});
		is($valid, 't', "the $format report can be read in $reader");
	}
	is($node->safe_psql($reader, 'SELECT count(*) > 0 FROM pg_nplusone_requests WHERE route IS NOT NULL'), 't', "so can the requests in $reader");
}

# A database that has gone cannot be asked for its encoding.
$node->safe_psql('postgres', 'DROP DATABASE latin1');
is(seen_from('utf8', 'query', q{application_name = 'of latin1' AND link IS NOT NULL}), 'SELECT note FROM "caf?" WHERE id = $1 AND note <> $2',
	'texts of a dropped database are shown as far as they can be read');

# --- Clients that speak something else -------------------------------------------------

loop_in('utf8', 'SJIS', "sjis_\x82\xA0\x83\x5C", 'S');    # the second character ends with a backslash
is(seen_from('utf8', 'query', q{query LIKE '%sjis%' AND link IS NOT NULL}), qq{SELECT note FROM "sjis_\xE3\x81\x82\xE3\x82\xBD" WHERE id = \$1 AND note <> \$2},
	'a client in SJIS');
loop_in('euc_jp', 'SJIS', "sjis_\x82\xA0\x83\x5C", 'S');
is(seen_from('euc_jp', 'query', q{query LIKE '%sjis%' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND link IS NOT NULL}),
	qq{SELECT note FROM "sjis_\xA4\xA2\xA5\xBD" WHERE id = \$1 AND note <> \$2}, 'a client in SJIS of a database in EUC_JP');
loop_in('utf8', 'BIG5', "big5_\xA5\x5C", 'B');            # so does this one
is(seen_from('utf8', 'query', q{query LIKE '%big5%' AND link IS NOT NULL}), qq{SELECT note FROM "big5_\xE5\x8A\x9F" WHERE id = \$1 AND note <> \$2}, 'a client in BIG5');

# --- Names and comments that want to do harm ---------------------------------------------

my $harm = WireClient->new($node, dbname => 'utf8');
foreach my $name ("a''b", 'semi;colon', '--dash', '/*open', 'back\\slash', "new\nline", "tab\there", '$1', '$$', '%s%n', '<script>alert(1)</script>',
	"\xE2\x80\xAE\xE2\x81\xA6rtl", "bell\x07\x1B[31m", 'x' x 63, '{"json": "}', "''); DROP TABLE victim; --")
{
	(my $quoted = $name) =~ s/"/""/g;
	$harm->simple(qq{CREATE TABLE "$quoted" (id int PRIMARY KEY, "${quoted}k" int, note text)});
	$harm->simple(qq{INSERT INTO "$quoted" SELECT g, 1 + g * 73 % 199, 'x' FROM generate_series(1, 200) g});
	$harm->simple('SELECT pg_nplusone_session_reset()');
	my ($list) = $harm->simple(qq{SELECT * FROM "$quoted" ORDER BY id LIMIT 12});
	$harm->simple(qq{SELECT note FROM "$quoted" WHERE id = $_->[1] /*route='%2F} . unpack('H*', $name) . qq{',x='\\'",{}%00%FF'*/}) for @{ $list->{rows} };
	my ($found) = $harm->simple(q{SELECT count(*) FROM pg_nplusone_session WHERE confidence = 'proven'});
	is($found->{rows}[0][0], 1, 'a loop over a table called ' . ($name =~ /[^ -~]/ ? unpack('H*', $name) : $name));
	# what is proposed instead can be run as it stands
	my ($rewrite) = $harm->simple(q{SELECT rewrite FROM pg_nplusone_session WHERE confidence = 'proven'});
	my $sql = $rewrite->{rows}[0][0];
	my ($run) = defined $sql ? $harm->simple("PREPARE rewritten AS $sql") : ({});
	$harm->simple('DEALLOCATE ALL');
	is($run->{error}, undef, 'its rewrite is SQL' . (defined $sql ? '' : ' (there is none)'));
}
foreach my $format (qw(text json html))
{
	my ($report) = $harm->simple("SELECT pg_nplusone_report('$format')");
	is($report->{error}, undef, "the $format report stands them all");
	unlike($report->{rows}[0][0], $format eq 'html' ? qr/<script|\xE2\x80\xAE|\x1B|\x07/ : $format eq 'text' ? qr/\x1B|\x07|\xE2\x80\xAE/ : qr/\x1B|\x07/,
		"nothing in the $format report commands its reader");
}
is($harm->value(q{SELECT count(*) FROM pg_nplusone WHERE pg_nplusone_report('json')::jsonb IS NULL}), 0, 'the json report is json');
$harm->disconnect;

# Bytes that are no text, as a whole statement and at its end.
my $ascii = WireClient->new($node, dbname => 'sql_ascii');
$ascii->simple("SELECT note FROM \"caf\xE9\xFF\xC3\" WHERE id = $_ AND note <> '\xFF\xFE' /*a='\xFF',b='%FF%00'*/") for 1 .. 6;
$ascii->simple("SELECT note FROM \"caf\xE9\xFF\xC3\" WHERE id = $_ -- \xC3") for 1 .. 6;
is($ascii->value('SELECT count(*) > 0 FROM pg_nplusone'), 't', 'bytes that are no text');
$ascii->disconnect;

check_alive($node, 'encodings');
$node->stop;
done_testing();
