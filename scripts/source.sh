# shellcheck shell=bash
#
# source.sh: PostgreSQL's source package.  Sourced by bash behind lib.sh, not run.
#
#   find_cache          where things are kept for the next run    -> CACHE
#   fetch_source MAJOR  the unpacked source of this release       -> SOURCES

CACHE=
SOURCES=

find_cache()
{
    [ -n "$CACHE" ] || CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/pg_nplusone
    mkdir -p "$CACHE/source" || die "cannot make $CACHE/source"
    CACHE=$(cd "$CACHE" && pwd -P)
}

# The newest source package that the mirror still has is unpacked into the
# cache; nothing of this machine's apt is changed.
fetch_source()
{
    local package=postgresql-$1 apt=$CACHE/source/apt options version

    SOURCES=$CACHE/source/$package
    [ ! -d "$SOURCES" ] || return 0
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$CACHE/source"
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        sort -u | sed 's/^/deb-src /' >"$apt/sources.list"
    options=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
    apt-get -qq "${options[@]}" update || return
    for version in $(apt-cache "${options[@]}" showsrc "$package" | sed -n 's/^Version: //p' | sort -rV | uniq); do
        rm -rf "$apt/unpacked"
        mkdir "$apt/unpacked"
        (cd "$apt/unpacked" && apt-get -qq "${options[@]}" source "$package=$version") || continue
        mv "$apt/unpacked"/postgresql-*/ "$SOURCES"
        rm -rf "$apt"
        return 0
    done
    return 1
}
