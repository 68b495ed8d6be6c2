#!/bin/sh
#
# Run once, when the image makes its database cluster: the extension in the
# databases that are there, and in template1, which new ones are copied from.

set -eu

for database in template1 postgres "${POSTGRES_DB:-postgres}"; do
    psql -X -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "$database" \
        -c 'CREATE EXTENSION IF NOT EXISTS pg_nplusone'
done
