# What-if planning that is cancelled, timed out or terminated at any moment
# leaves no trace: the next plain statement plans as before, and runs.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use NPlusOne;

my $node = nplusone_node('main', 'pg_nplusone.hint_min_time = 0');

$node->safe_psql('postgres', q{
CREATE TABLE t (id int, a int, b int, c int, pad text);
INSERT INTO t SELECT g, g, g % 500, g % 90, repeat('x', 50) FROM generate_series(1, 20000) g;
CREATE TABLE part (id int, a int, b int) PARTITION BY RANGE (id);
SELECT format('CREATE TABLE part%s PARTITION OF part FOR VALUES FROM (%s) TO (%s)', g, g * 1000, g * 1000 + 1000)
	FROM generate_series(0, 20) g \gexec
INSERT INTO part SELECT g, g, g FROM generate_series(1, 20000) g;
ANALYZE;

-- slow where nobody but a what-if planning looks: at the column's statistics
CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN IF $1 > 10 THEN PERFORM pg_sleep(0.001); END IF; RETURN $1; END $$;

-- everybody of this name, again and again, in a rhythm of its own
CREATE FUNCTION strike(how text, times int) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN
	FOR i IN 1 .. times LOOP
		PERFORM CASE how WHEN 'cancel' THEN pg_cancel_backend(pid) ELSE pg_terminate_backend(pid) END
			FROM pg_stat_activity WHERE application_name = 'victim' AND state = 'active';
		PERFORM pg_sleep(0.002 + random() * 0.006), pg_stat_clear_snapshot();
	END LOOP;
END $$});

my @statements = (
	'SELECT count(*) FROM t WHERE a = 5 AND b = 5 AND c > 7 AND id <> 3',
	'SELECT count(*) FROM t WHERE a <= 10 AND slow(a) = 5',
	'SELECT count(*) FROM t x JOIN t y ON y.a = x.b JOIN t z ON z.b = y.c WHERE x.id = 7 AND z.id < 100',
	'SELECT count(*) FROM part p JOIN t ON t.a = p.b WHERE p.a = 5',
	'SELECT count(*) FROM t WHERE a = 5 OR b = 7 OR c = 9');
my $check = 'EXPLAIN (COSTS OFF) SELECT * FROM t WHERE a = 5';

# Ten verifications in a session, and the plan of a plain statement after each
sub session
{
	my ($timeout) = @_;
	my $script = '';

	foreach my $i (1 .. 10)
	{
		my $statement = $statements[ $i % @statements ];

		$script .= "SELECT pg_nplusone_reset();\n$statement;\n";
		$script .= 'SET statement_timeout = ' . $timeout->() . ";\n" if $timeout;
		$script .= "$statement;\nRESET statement_timeout;\n$check;\n";
		$script .= "SELECT count(*) FROM t WHERE a = 5;\n";
	}
	return $script;
}

sub judge
{
	my ($out, $err, $expected, $name) = @_;

	unlike($out, qr/Index|Bitmap/, "$name: no plan with an index");
	# the parser says where it was when it was interrupted
	my @strange = grep { !/$expected|^$|CONTEXT|PL\/pgSQL|SQL statement|^psql|HINT|before or while|^LINE \d|^ *\^$/ } split /\n/, $err;
	is(join("\n", @strange), '', "$name: no other errors");
}

local $ENV{PGAPPNAME} = 'victim';
my @victim = ('psql', '-X', '-A', '-t', '-q', '-d', $node->connstr('postgres'), '-f', '-');

# timeouts of all lengths
foreach my $round (1 .. 6)
{
	my ($out, $err) = ('', '');
	my $script = session(sub { return 1 + int(rand(25)) });

	IPC::Run::run(\@victim, '<', \$script, '>', \$out, '2>', \$err);
	like($out, qr/Seq Scan on t/, "timeout: plans are shown");
	judge($out, $err, 'statement timeout', "timeout, round $round");
}

# somebody else's cancels and terminations
foreach my $how ('cancel', 'terminate')
{
	my ($strike_out, $strike_err) = ('', '');
	my $striker = IPC::Run::start(
		[ 'psql', '-X', '-d', $node->connstr('postgres') . " application_name='striker'",
			'-c', "SELECT strike('$how', 400)" ],
		'>', \$strike_out, '2>', \$strike_err);
	my $script = session();

	foreach my $round (1 .. 10)
	{
		my ($out, $err) = ('', '');

		IPC::Run::run(\@victim, '<', \$script, '>', \$out, '2>', \$err);
		judge($out, $err,
			'user request|terminating connection|server closed|connection to server|the connection|terminated abnormally', "$how, round $round");
	}
	$striker->finish;
	is($strike_err, '', "$how: the other session");
}

# and the server is none the worse for it
my ($ret, $out, $err) = $node->psql('postgres', qq{
SELECT pg_nplusone_reset() >= 0;
SELECT count(*) FROM t WHERE a = 5;
SELECT count(*) FROM t WHERE a = 5;
$check;
SELECT ddl FROM pg_nplusone_index_hints WHERE ddl IS NOT NULL});
like($out, qr/Seq Scan.*ON public\.t USING btree \(a\)$/s, 'hints as before');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|was terminated by signal/, 'no crash');
$node->stop;

done_testing();
