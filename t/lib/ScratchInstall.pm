# ScratchInstall.pm: a PostgreSQL installation of a test's own, and libraries
# of pg_nplusone built into it from a copy of the source tree
#
# A library of another version, or one built with other flags, must not go
# where the library under test lies.  PostgreSQL finds its directories relative
# to its programs, so a copied tree is a whole installation; only the programs
# need to be copies, the rest can be links.
#
#   my $install = ScratchInstall->new;
#   $install->build_anew('-DSOMETHING');
#   my $node = PostgreSQL::Test::Cluster->new('x', install_path => $install->path);

package ScratchInstall;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(abs_path(__FILE__)) . '/../..');

sub _config
{
	my ($what) = @_;
	my ($value) = run_command([ 'pg_config', "--$what" ]);

	chomp $value;
	return $value;
}

sub _run
{
	my (@command) = @_;
	my $output = '';

	IPC::Run::run(\@command, '<', \'', '>', \$output, '2>&1')
	  or die "@command: $output";
	return;
}

# Can there be one at all?  It takes a compiler and the source tree.
sub can_build
{
	return -e "$root/Makefile" && !system('command -v make cc >/dev/null 2>&1');
}

sub new
{
	my ($class) = @_;
	my $top = PostgreSQL::Test::Utils::tempdir();
	my %from = map { $_ => _config($_) } qw(bindir pkglibdir sharedir includedir-server pgxs);
	my $prefix = $from{bindir};

	# what the directories have in common is their prefix
	while (grep { index("$_/", "$prefix/") != 0 } @from{qw(pkglibdir sharedir)})
	{
		$prefix = dirname($prefix);
	}
	my %to = map { $_ => $top . substr($from{$_}, length $prefix) } qw(bindir pkglibdir sharedir);
	make_path(map { dirname($_) } values %to);
	_run('cp', '-RL', $from{bindir}, $to{bindir});
	_run('cp', '-Rs', $from{pkglibdir}, $to{pkglibdir});
	_run('cp', '-Rs', $from{sharedir}, $to{sharedir});
	if (index($from{'includedir-server'}, "$prefix/") == 0)
	{
		my $include = $top . substr($from{'includedir-server'}, length $prefix);
		make_path(dirname($include));
		symlink($from{'includedir-server'}, $include);
	}
	unlink("$to{pkglibdir}/pg_nplusone.so", glob("$to{sharedir}/extension/pg_nplusone*"));
	mkdir("$top/source");
	# what is compiled already comes along, with its times: make need not do it again
	_run('sh', '-c', 'tar -C "$1" --exclude=.git --exclude=./tmp_check --exclude=./results -cf - . | tar -C "$2" -xf -',
		'sh', $root, "$top/source");
	return bless { source => "$top/source", path => dirname($to{bindir}), config => "$to{bindir}/pg_config" }, $class;
}

# The installation under test itself, to switch to and fro.
sub installed
{
	my ($class) = @_;
	return bless { path => dirname(_config('bindir')) }, $class;
}

sub path { return $_[0]{path}; }

# Replace a piece of text in a file of the copied tree; it has to be there.
sub change
{
	my ($self, $file, $from, $to) = @_;
	my $path = "$self->{source}/$file";
	my $text = slurp_file($path);

	my $at = index($text, $from);
	die "\"$from\" is not in $file" if $at < 0;
	substr($text, $at, length $from) = $to;
	$self->add($file, $text);
	return;
}

sub add
{
	my ($self, $file, $text) = @_;

	open(my $handle, '>', "$self->{source}/$file") or die "$file: $!";
	print $handle $text;
	close($handle);
	return;
}

sub text { return slurp_file("$_[0]{source}/$_[1]"); }

# Build all of it with further flags for the compiler.
sub build_anew
{
	my ($self, $flags) = @_;

	unlink(glob("$self->{source}/*.o $self->{source}/*.so $self->{source}/src/*.o"));
	return $self->build(COPT => $flags);
}

# Build and install; further arguments are variables for make.
sub build
{
	my ($self, %variable) = @_;

	# a make that runs us, as installcheck does, has flags of its own
	local %ENV = %ENV;
	delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};
	_run('make', '-s', '-j2', '-C', $self->{source}, 'with_llvm=no', "PG_CONFIG=$self->{config}",
		(map { "$_=$variable{$_}" } sort keys %variable), 'install');
	return;
}

1;
