# shellcheck shell=bash
#
# lib.sh: what scripts/demo and scripts/check share.  Sourced by bash, not run.
#
# The order in which its functions are called:
#
#   pick_major          which PostgreSQL major is used            -> PG_MAJOR
#   require_packages    installs what is missing, having said so
#   make_workspace      one temporary directory for everything    -> WORK
#   build_extension     private copy of PostgreSQL, extension in  -> PGBIN, PG_CONFIG
#   start_server        a server on a socket in the workspace     -> PGHOST, PGPORT, PGUSER
#
# Nothing outside the workspace is written, except by the package manager.  The
# extension goes into a copy of PostgreSQL's own tree: PostgreSQL finds its
# libraries and its share directory relative to its programs, so a copied tree
# is a whole installation.  Whatever way a script ends, the trap set by
# make_workspace ends every process that was started there and removes it.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
SOURCE=         # the copy of the project in the workspace
WORK=
SERVER_ROOT=${SERVER_ROOT:-/usr}    # where PostgreSQL's tree is copied from: scripts/source-server has others
CHILD=          # the process that run_limited waits for

say()
{
    printf '%s\n' "$*"
}

die()
{
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Run a command as root, for the package manager only
as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Run a command as the user that the server runs as: PostgreSQL refuses root
as_server()
{
    if [ "$(id -u)" -eq 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

# Run a command and wait for it.  In the background, because bash runs a trap
# only once the command in the foreground has ended.
run_child()
{
    local status=0

    "$@" </dev/null &
    CHILD=$!
    wait "$CHILD" || status=$?
    CHILD=
    return "$status"
}

# Run a command as the server's user, for at most so many seconds, its output in a file
run_limited()
{
    local seconds=$1 log=$2 status=0
    shift 2

    run_child as_server timeout -k 10 "$seconds" "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -eq 124 ]; then
        printf '%s\n' "ended after $seconds seconds: it took too long" >>"$log"
    fi
    return "$status"
}

is_installed()
{
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

need_apt()
{
    command -v apt-get >/dev/null ||
        die "needs Debian or Ubuntu (apt-get); elsewhere: make && make install, then make installcheck"
}

# Packages can be installed by root, or by someone who can become root
need_root()
{
    [ "$(id -u)" -eq 0 ] && return
    command -v sudo >/dev/null ||
        die "not root, and no sudo; as root: apt-get install $*"
    sudo -n true 2>/dev/null || [ -t 0 ] ||
        die "sudo asks for a password and there is no terminal; as root: apt-get install $*"
}

APT_LISTS_FRESH=
apt_update()
{
    [ -n "$APT_LISTS_FRESH" ] && return
    say "Reading the package lists (apt-get update)"
    as_root apt-get -qq -o DPkg::Lock::Timeout=120 update </dev/null >/dev/null ||
        die "apt-get update failed"
    APT_LISTS_FRESH=yes
}

# The major of PG_MAJOR, else of the newest server headers installed that will
# do, else the one that this release of Debian or Ubuntu comes with
pick_major()
{
    need_apt
    if [ -z "${PG_MAJOR:-}" ]; then
        PG_MAJOR=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'postgresql-server-dev-*' 2>/dev/null |
            sed -n 's/^installed postgresql-server-dev-\([0-9]*\)$/\1/p' | awk '$1 >= 15' | sort -n | tail -n 1)
    fi
    if [ -z "$PG_MAJOR" ]; then
        need_root postgresql
        apt_update
        PG_MAJOR=$(apt-cache depends postgresql 2>/dev/null |
            sed -n 's/^ *Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
    fi
    case $PG_MAJOR in
        '') die "no PostgreSQL among the packages of this system" ;;
        *[!0-9]*) die "PG_MAJOR is \"$PG_MAJOR\": a major version such as 15 is meant" ;;
    esac
    [ "$PG_MAJOR" -ge 15 ] || die "PostgreSQL $PG_MAJOR is too old: 15 is the oldest that pg_nplusone supports"
}

# Debian creates and starts a database cluster with the first server package,
# and starts a pooler that it installs.  Neither is wanted: for as long as the
# installation lasts, and only where the administrator has not decided otherwise.
CREATECLUSTER=/etc/postgresql-common/createcluster.d/pg-nplusone-scripts.conf
POLICY=/usr/sbin/policy-rc.d

hold_services()
{
    as_root mkdir -p "${CREATECLUSTER%/*}"
    echo 'create_main_cluster = false' | as_root tee "$CREATECLUSTER" >/dev/null
    if [ ! -e "$POLICY" ]; then
        printf '%s\n' '#!/bin/sh' '# pg-nplusone-scripts: removed when the installation ends' 'exit 101' |
            as_root tee "$POLICY" >/dev/null
        as_root chmod 755 "$POLICY"
    fi
}

release_services()
{
    if [ -e "$CREATECLUSTER" ]; then
        as_root rm -f "$CREATECLUSTER"
        as_root rmdir --ignore-fail-on-non-empty "${CREATECLUSTER%/*}"
    fi
    if grep -qs pg-nplusone-scripts "$POLICY"; then
        as_root rm -f "$POLICY"
    fi
}

require_packages()
{
    local package output missing=()

    for package in $(printf '%s\n' "$@" | sort -u); do
        is_installed "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0

    need_root "${missing[@]}"
    say "These packages are missing; apt-get installs them now, with what they depend on:"
    say "    ${missing[*]}"
    say "No database cluster is created and no service is started for them."
    apt_update
    trap release_services EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    hold_services
    if ! output=$(as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -qq -y \
        -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 --no-install-recommends install "${missing[@]}" </dev/null 2>&1); then
        say "$output"
        die "apt-get install failed"
    fi
    release_services
    trap - EXIT
}

# What it takes to build the extension and to run it
base_packages()
{
    say make gcc libc6-dev "postgresql-$PG_MAJOR" "postgresql-server-dev-$PG_MAJOR"
}

# In /tmp whatever TMPDIR says: the server's user must be able to enter it, and
# the path of a socket can be no longer than about a hundred bytes
make_workspace()
{
    local name

    for name in $(compgen -v PG); do
        [ "$name" = PG_MAJOR ] || unset "$name"
    done
    umask 022
    WORK=$(mktemp -d /tmp/nplusone.XXXXXX)
    trap remove_workspace EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    chmod 755 "$WORK"
    mkdir "$WORK/home" "$WORK/tmp" "$WORK/log" "$WORK/source"
    export HOME=$WORK/home TMPDIR=$WORK/tmp LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PSQLRC=/dev/null
    unset LANGUAGE PERL5LIB PERL5OPT PYTHONPATH PYTHONHOME PROVE_TESTS MAKEFLAGS MAKELEVEL
    SOURCE=$WORK/source
    copy_tree "$SOURCE"
    own_by_server "$WORK"
    cd "$WORK" || die "cannot enter $WORK"
}

# The project without what was built in it: directory
copy_tree()
{
    tar -C "$ROOT" --exclude=./.git --exclude='*.o' --exclude='*.d' --exclude='*.bc' --exclude='*.so' \
        --exclude=./tmp_check --exclude=./results --exclude=./output_iso -cf - . |
        tar -C "$1" -xf - --no-same-owner
}

own_by_server()
{
    if [ "$(id -u)" -eq 0 ]; then
        chown -R postgres: "$@"
    fi
}

# The processes of this workspace: those that name it on their command line.
# The brackets keep grep from finding itself.
workspace_processes()
{
    grep -ls "[/]${WORK#/}/" /proc/[0-9]*/cmdline | cut -d / -f 3
}

remove_workspace()
{
    local status=$? file pid i

    trap '' INT TERM HUP
    if [ -n "$CHILD" ]; then
        kill "$CHILD" 2>/dev/null
    fi
    find "$WORK" -name postmaster.pid 2>/dev/null | while read -r file; do
        pid=$(head -n 1 "$file")
        grep -qsF "$WORK/" "/proc/$pid/cmdline" && kill -QUIT "$pid" 2>/dev/null
    done
    for i in 1 2 3 4 5 6 7 8 9 10 last; do
        pid=$(workspace_processes)
        [ -n "$pid" ] || break
        if [ "$i" = last ]; then
            # shellcheck disable=SC2086
            kill -KILL $pid 2>/dev/null
        elif [ "$i" -gt 2 ]; then
            # shellcheck disable=SC2086
            kill -TERM $pid 2>/dev/null
        fi
        sleep 0.3
    done
    cd /
    rm -rf "$WORK"
    exit "$status"
}

# The extension, built in the copy of the project and installed into a copy of
# PostgreSQL; further arguments are for make
build_extension()
{
    local log=$WORK/log/build prefix=$WORK/pg

    say "Building pg_nplusone for PostgreSQL $PG_MAJOR"
    mkdir -p "$prefix/lib/postgresql" "$prefix/share/postgresql" "$prefix/include"
    cp -R --preserve=mode,links,timestamps "$SERVER_ROOT/lib/postgresql/$PG_MAJOR" "$prefix/lib/postgresql/"
    cp -R --preserve=mode,links,timestamps "$SERVER_ROOT/share/postgresql/$PG_MAJOR" "$prefix/share/postgresql/"
    ln -s "$SERVER_ROOT/include/postgresql" "$prefix/include/postgresql"
    own_by_server "$prefix"

    PGBIN=$prefix/lib/postgresql/$PG_MAJOR/bin
    PG_CONFIG=$PGBIN/pg_config
    export PG_CONFIG PATH="$PGBIN:$PATH"
    if ! run_limited 600 "$log" make -s -C "$SOURCE" -j "$(nproc)" PG_CONFIG="$PG_CONFIG" with_llvm=no "$@" all ||
        ! run_limited 60 "$log.install" make -s -C "$SOURCE" PG_CONFIG="$PG_CONFIG" with_llvm=no "$@" install; then
        cat "$log" "$log.install" 2>/dev/null
        die "the extension could not be built"
    fi
}

# A server of our own: reached only through a socket in the workspace
start_server()
{
    local log=$WORK/log

    export PGHOST=$WORK/tmp PGPORT=54329 PGUSER=postgres PGDATABASE=postgres
    PGDATA=$WORK/data
    SERVER_LOG=$log/server
    run_limited 120 "$log/initdb" "$PGBIN/initdb" -D "$PGDATA" -U postgres -A trust \
        -E UTF8 --locale=C.UTF-8 --no-sync ||
        { cat "$log/initdb"; die "initdb failed"; }
    {
        cat "$SOURCE/test/regress.conf"
        printf "%s = '%s'\n" listen_addresses '' unix_socket_directories "$PGHOST" port "$PGPORT"
    } >"$WORK/tmp/server.conf"
    as_server tee -a "$PGDATA/postgresql.conf" <"$WORK/tmp/server.conf" >/dev/null
    run_limited 120 "$log/start" "$PGBIN/pg_ctl" -D "$PGDATA" -l "$SERVER_LOG" -w start ||
        { cat "$log/start" "$SERVER_LOG"; die "the server did not start"; }
}

# One value from the server
ask()
{
    as_server "$PGBIN/psql" -XAtq -v ON_ERROR_STOP=1 -c "$1" </dev/null
}
