#!/usr/bin/env python3
"""Is META.json what the PGXN Meta Spec 1.0.0 asks for, and does it tell the truth?

    meta.py DIRECTORY

Prints what is wrong, a line each; the exit status is 0 if nothing is.
"""

import json
import os
import re
import sys

SEMVER = re.compile(r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-?[A-Za-z][0-9A-Za-z-]*)?$")
TERM = re.compile(r"^[^\s/\\\x00-\x1f]{2,}$")
TOP = {"name", "abstract", "description", "version", "maintainer", "license", "provides", "meta-spec",
       "release_status", "prereqs", "resources", "tags", "no_index", "generated_by"}
REQUIRED = {"name", "abstract", "version", "maintainer", "license", "provides", "meta-spec"}
LICENSES = {"agpl_3", "apache_1_1", "apache_2_0", "artistic_1", "artistic_2", "bsd", "freebsd", "gfdl_1_2", "gfdl_1_3",
            "gpl_1", "gpl_2", "gpl_3", "lgpl_2_1", "lgpl_3_0", "mit", "mozilla_1_0", "mozilla_1_1", "openssl", "perl_5",
            "postgresql", "qpl_1_0", "ssleay", "sun", "zlib", "open_source", "restricted", "unrestricted", "unknown"}
PHASES = {"configure", "build", "test", "runtime", "develop"}
RELATIONS = {"requires", "recommends", "suggests", "conflicts"}


def filled(value):
    return isinstance(value, str) and value.strip() != ""


def check_top(meta):
    for key in sorted(REQUIRED - meta.keys()):
        yield "%s is missing" % key
    for key in sorted(meta.keys() - TOP):
        if not key.lower().startswith("x_"):
            yield "%s is no key of the specification" % key
    for key in ("abstract", "description", "generated_by"):
        if key in meta and not filled(meta[key]):
            yield "%s is empty" % key
    if not TERM.match(str(meta.get("name"))):
        yield "name is no term"
    if not SEMVER.match(str(meta.get("version"))):
        yield "version is no semantic version"
    maintainers = meta.get("maintainer")
    if not (filled(maintainers) or isinstance(maintainers, list) and maintainers and all(map(filled, maintainers))):
        yield "maintainer is empty"
    if meta.get("license") not in LICENSES:
        yield "license is none that the specification names"
    if meta.get("release_status", "stable") not in ("stable", "testing", "unstable"):
        yield "release_status is unknown"
    if meta.get("meta-spec", {}).get("version") != "1.0.0":
        yield "meta-spec is not 1.0.0"
    tags = meta.get("tags", ["-"])
    if not tags or not all(filled(tag) and len(tag) <= 255 and "/" not in tag for tag in tags):
        yield "tags are no tags"


def check_prereqs(prereqs):
    for phase, relations in prereqs.items():
        if phase not in PHASES:
            yield "prereqs: %s is no phase" % phase
        for relation, needed in relations.items():
            if relation not in RELATIONS:
                yield "prereqs: %s is no relation" % relation
            for name, version in needed.items():
                if not SEMVER.match(str(version)) and version != 0:
                    yield "prereqs: version of %s" % name


def check_provides(provides, directory):
    if not provides:
        yield "provides nothing"
    for name, extension in provides.items():
        if not SEMVER.match(str(extension.get("version"))):
            yield "provides %s: no semantic version" % name
        for key in ("file", "docfile"):
            if key == "file" and key not in extension:
                yield "provides %s: no file" % name
            elif key in extension and not os.path.isfile(os.path.join(directory, extension[key])):
                yield "provides %s: %s is not there" % (name, extension[key])


def check_truth(meta, directory):
    """The version is that of the extension, up to the third number, which only the distribution has."""
    with open(os.path.join(directory, "pg_nplusone.control"), encoding="utf-8") as stream:
        version = re.search(r"^default_version *= *'([^']+)'", stream.read(), re.M).group(1)
    provided = meta["provides"]["pg_nplusone"]
    if not provided["version"].startswith(version + "."):
        yield "provides version %s of an extension of version %s" % (provided["version"], version)
    if provided["file"] != "pg_nplusone--%s.sql" % version:
        yield "provides %s, which does not create version %s" % (provided["file"], version)
    with open(os.path.join(directory, "debian", "changelog"), encoding="utf-8") as stream:
        if not stream.readline().startswith("pg-nplusone (%s-" % meta["version"]):
            yield "debian/changelog has another version"
    with open(os.path.join(directory, "packaging", "pg_nplusone.spec"), encoding="utf-8") as stream:
        if not re.search(r"^Version:\s+%s$" % re.escape(meta["version"]), stream.read(), re.M):
            yield "packaging/pg_nplusone.spec has another version"


def main():
    directory = sys.argv[1]
    with open(os.path.join(directory, "META.json"), encoding="utf-8") as stream:
        meta = json.load(stream)
    wrong = list(check_top(meta)) + list(check_prereqs(meta.get("prereqs", {}))) + \
        list(check_provides(meta.get("provides", {}), directory))
    wrong += [] if wrong else list(check_truth(meta, directory))
    for line in wrong:
        print("META.json: " + line)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
