# WireClient.pm: a client that says what it sends, message by message
#
# psql and pgbench choose the messages of the protocol themselves.  Here a test
# chooses: which name a statement or a portal has, how many rows an Execute
# asks for, and where the Sync goes.
#
#   my $client = WireClient->new($node, dbname => 'blog');
#   $client->query('extended', 'SELECT ... WHERE id = $1', 7);
#
# A result is a hash: rows (each an array of texts), tag, error (SQLSTATE and
# message).  query() dies of an error, the others hand it back.

package WireClient;

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::UNIX;

my %PARAMETER_TYPE = (int => 23, text => 25);

sub new
{
	my ($class, $node, %option) = @_;
	my $self = bless {
		host => $option{host} // $node->host,
		port => $option{port} // $node->port,
		statements => {},
		pending => '',
	}, $class;

	$self->{socket} = $self->_connect;
	$self->_start(
		user => $option{user} // 'postgres',
		database => $option{dbname} // 'postgres',
		application_name => $option{application_name} // 'wire',
		options => $option{options} // '');
	return $self;
}

sub _connect
{
	my $self = shift;
	my $socket;

	if ($self->{host} =~ m{^/})
	{
		$socket = IO::Socket::UNIX->new(
			Peer => "$self->{host}/.s.PGSQL.$self->{port}");
	}
	else
	{
		$socket = IO::Socket::INET->new(
			PeerAddr => $self->{host},
			PeerPort => $self->{port});
	}
	die "could not connect to $self->{host}:$self->{port}: $!\n"
	  unless $socket;
	binmode $socket;
	$socket->autoflush(1);
	return $socket;
}

sub _start
{
	my ($self, %parameter) = @_;
	my $body = pack('N', 196608);

	foreach my $name (sort keys %parameter)
	{
		next if $parameter{$name} eq '';
		$body .= pack('Z*Z*', $name, $parameter{$name});
	}
	$body .= "\0";
	$self->_send(pack('N', length($body) + 4) . $body);
	my ($result) = $self->_read_results;
	die "$result->{error}\n" if $result && $result->{error};
}

# Processes that a test has killed do not answer: no signal, no second try.
sub _send
{
	my ($self, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';

	$self->{socket}->print($bytes) or $self->{closed} = 1;
}

sub _read_bytes
{
	my ($self, $wanted) = @_;
	my $bytes = '';

	while (length($bytes) < $wanted)
	{
		my $got = $self->{socket}->read($bytes, $wanted - length($bytes), length($bytes));
		if (!$got)
		{
			$self->{closed} = 1;
			return;
		}
	}
	return $bytes;
}

sub _read_message
{
	my $self = shift;
	my $head = $self->_read_bytes(5);
	return unless defined $head;
	my ($type, $length) = unpack('aN', $head);
	my $body = $length > 4 ? $self->_read_bytes($length - 4) : '';
	return unless defined $body;
	return ($type, $body);
}

sub _error_text
{
	my %field = map { substr($_, 0, 1) => substr($_, 1) } grep { $_ ne '' } split(/\0/, shift);
	my $text = "$field{C}: $field{M}";

	$text .= " HINT: $field{H}" if defined $field{H};
	return $text;
}

sub _row
{
	my $body = shift;
	my ($n, $at) = (unpack('n', $body), 2);
	my @row;

	for (1 .. $n)
	{
		my $length = unpack('l>', substr($body, $at, 4));
		$at += 4;
		push @row, $length < 0 ? undef : substr($body, $at, $length);
		$at += $length if $length > 0;
	}
	return \@row;
}

# Everything up to the next ReadyForQuery, one result per statement or error.
sub _read_results
{
	my $self = shift;
	my @results;
	my $rows = [];

	while (my ($type, $body) = $self->_read_message)
	{
		if ($type eq 'D') { push @$rows, _row($body); }
		elsif ($type eq 'C' || $type eq 's' || $type eq 'I')
		{
			push @results,
			  { rows => $rows, tag => $type eq 'C' ? unpack('Z*', $body) : '', suspended => $type eq 's' };
			$rows = [];
		}
		elsif ($type eq 'E')
		{
			push @results, { rows => $rows, error => _error_text($body) };
			$rows = [];
		}
		elsif ($type eq 'N') { push @{ $self->{notices} }, _error_text($body); }
		elsif ($type eq 'K') { ($self->{pid}, $self->{key}) = unpack('NN', $body); }
		elsif ($type eq 'Z')
		{
			$self->{status} = $body;
			return @results;
		}
	}
	push @results, { rows => $rows, error => 'connection lost' }
	  unless @results && $results[-1]{error};
	return @results;
}

sub pid { return $_[0]{pid}; }
sub status { return $_[0]{status}; }    # I, T or E: idle, in a transaction, failed
sub is_closed { return $_[0]{closed}; }

sub _message
{
	my ($type, $body) = @_;
	return $type . pack('N', length($body) + 4) . $body;
}

# A string of statements in one Query message.
sub simple
{
	my ($self, $sql) = @_;

	$self->_send(_message('Q', "$sql\0"));
	return $self->_read_results;
}

# These gather messages; sync() or flush_and_wait() sends them.
sub parse
{
	my ($self, $name, $sql, @types) = @_;
	$self->{pending} .= _message('P',
		pack('Z*Z*n', $name, $sql, scalar @types)
		  . join('', map { pack('N', $PARAMETER_TYPE{$_}) } @types));
	return $self;
}

sub bind
{
	my ($self, $portal, $name, @values) = @_;
	my $body = pack('Z*Z*nn', $portal, $name, 0, scalar @values);

	foreach my $value (@values)
	{
		$body .= defined $value ? pack('N', length $value) . $value : pack('l>', -1);
	}
	$self->{pending} .= _message('B', $body . pack('n', 0));
	return $self;
}

sub execute
{
	my ($self, $portal, $limit) = @_;
	$self->{pending} .= _message('E', pack('Z*N', $portal, $limit // 0));
	return $self;
}

sub close_portal
{
	my ($self, $portal) = @_;
	$self->{pending} .= _message('C', 'P' . pack('Z*', $portal));
	return $self;
}

sub close_statement
{
	my ($self, $name) = @_;
	$self->{pending} .= _message('C', 'S' . pack('Z*', $name));
	delete $self->{statements}{$_}
	  for grep { $self->{statements}{$_} eq $name } keys %{ $self->{statements} };
	return $self;
}

sub sync
{
	my $self = shift;

	$self->_send($self->{pending} . _message('S', ''));
	$self->{pending} = '';
	return $self->_read_results;
}

# Send without waiting; collect() reads the answers later.
sub send_simple
{
	my ($self, $sql) = @_;
	$self->_send(_message('Q', "$sql\0"));
	return;
}

sub collect { return $_[0]->_read_results; }

# One statement: simple (values as literals), extended (unnamed) or prepared
# (parsed once under a name).
sub try_query
{
	my ($self, $protocol, $sql, @values) = @_;
	my @types = map { $_ =~ /^-?\d{1,9}$/ ? 'int' : 'text' } map { $_ // '' } @values;

	if ($protocol eq 'simple')
	{
		$sql =~ s/\$(\d+)/_literal($values[$1 - 1])/ge;
		return ($self->simple($sql))[-1];
	}
	if ($protocol eq 'extended')
	{
		$self->parse('', $sql, @types)->bind('', '', @values);
	}
	else
	{
		my $name = $self->{statements}{$sql};
		if (!defined $name)
		{
			$name = $self->{statements}{$sql} = 's' . scalar keys %{ $self->{statements} };
			$self->parse($name, $sql, @types);
		}
		$self->bind('', $name, @values);
	}
	return ($self->execute('')->sync)[-1];
}

sub _literal
{
	my $value = shift;

	return 'NULL' unless defined $value;
	return $value if $value =~ /^-?\d{1,9}$/;
	$value =~ s/'/''/g;
	return "'$value'";
}

sub query
{
	my ($self, $protocol, $sql, @values) = @_;
	my $result = $self->try_query($protocol, $sql, @values);

	die "$result->{error} in: $sql\n" if $result->{error};
	return $result->{rows};
}

# The first value of the first row.
sub value
{
	my ($self, $sql) = @_;
	return $self->query('simple', $sql)->[0][0];
}

# Ask the server, over another connection, to cancel what this one runs.
sub cancel
{
	my $self = shift;
	my $socket = $self->_connect;

	$socket->print(pack('NNNN', 16, 80877102, $self->{pid}, $self->{key}));
	$socket->read(my $nothing, 1);    # the server closes when it has passed it on
	$socket->close;
	return;
}

sub disconnect
{
	my $self = shift;

	return if $self->{closed};
	$self->_send(_message('X', ''));
	1 while $self->_read_message;     # until the backend has gone
	$self->{socket}->close;
	return;
}

1;
