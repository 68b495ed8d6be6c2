# A hot standby: reads are followed there, nothing is written, and promotion
# changes neither.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LoopTest;
use WireClient;

my $primary = new_server('primary', '', allows_streaming => 1);
create_blog($primary);
my $here = WireClient->new($primary);
author_loop($here, 'prepared', 33);
$here->disconnect;

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay');

my $LINK = 'post.author_id -> author.id';
is(loops($standby), '', 'a standby starts with what it has seen itself: nothing');

foreach my $protocol (qw(simple extended prepared))
{
	my $client = WireClient->new($standby);
	author_loop($client, $protocol, 20);
	is(loops($standby), "forward_fk|proven|$LINK|1|20", "$protocol: a loop is found");
	is($client->value('SELECT calls FROM pg_nplusone_session'), 20, "$protocol: in the session's view, too");
	$client->disconnect;
	is($standby->safe_psql('postgres', 'SELECT pg_nplusone_reset()'), 1, "$protocol: and can be reset");
}

# In a transaction, and with errors that only a standby has.
my $client = WireClient->new($standby);
$client->simple('BEGIN');
author_loop($client, 'prepared', 20);
like($client->try_query('simple', 'INSERT INTO author VALUES (999, $$x$$)')->{error}, qr/^25006/, 'a write is refused');
$client->simple('ROLLBACK');
like($client->try_query('simple', 'SELECT id FROM author WHERE id = 1 FOR UPDATE')->{error}, qr/^25006/, 'so is a row lock');
author_loop($client, 'prepared', 20);
is(loops($standby), "forward_fk|proven|$LINK|2|40", 'loops around refused statements');
$client->disconnect;

# Nothing of this has come from the standby, nor gone to it.
is(loops($primary), "forward_fk|proven|$LINK|1|33", 'the primary keeps its own');
my $before = $primary->lsn('insert');
$here = WireClient->new($primary);
author_loop($here, 'prepared', 50) for 1 .. 5;
$here->disconnect;
is($primary->safe_psql('postgres', "SELECT pg_current_wal_insert_lsn() - '$before'::pg_lsn < 10000"), 't', 'loops write no WAL');

# A conflict with recovery ends the session: what it has counted stays.
$client = WireClient->new($standby);
$standby->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
author_loop($client, 'prepared', 20);
$client->simple('BEGIN; DECLARE c CURSOR FOR SELECT id FROM author; FETCH 1 FROM c');
$standby->safe_psql('postgres', 'SELECT pg_terminate_backend(' . $client->pid . ')');
wait_for($standby, 'SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = ' . $client->pid);
is(loops($standby, q{confidence = 'proven'}), "forward_fk|proven|$LINK|1|20", 'a terminated session loses nothing');

# Promotion, with a session that stays.
$client = WireClient->new($standby);
$standby->safe_psql('postgres', 'SELECT pg_nplusone_reset()');
my @authors = read_authors($client, 'prepared', 20);
$client->query('prepared', 'SELECT id, name FROM author WHERE id = $1', $_) for @authors[ 0 .. 9 ];
$standby->promote;
$client->query('prepared', 'SELECT id, name FROM author WHERE id = $1', $_) for @authors[ 10 .. 19 ];
is(loops($standby), "forward_fk|proven|$LINK|1|20", 'a loop goes on through a promotion');
$client->query('prepared', 'INSERT INTO author VALUES ($1, $2)', 1000 + $_, "new $_") for 1 .. 10;
is(loops($standby, q{pattern = 'insert'}), 'insert|likely||1|10', 'and writes are followed afterwards');
$client->disconnect;

check_alive($primary, 'primary');
check_alive($standby, 'standby');
$standby->stop;
$primary->stop;
done_testing();
