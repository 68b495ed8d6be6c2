/*-------------------------------------------------------------------------
 *
 * heavyfuncs.c
 *	  The functions under pg_nplusone_heavy_reads and pg_nplusone_connections.
 *
 * What happened is said here, with the numbers that the row has now; what to
 * do about it was written when the finding was made.
 *
 * Locking: the tables are copied out first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "connections.h"
#include "encoding.h"
#include "heavystore.h"
#include "heavywords.h"
#include "settings.h"
#include "sqlfuncs.h"

PG_FUNCTION_INFO_V1(pg_nplusone_heavy_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_connections_1_0);

#define HEAVY_VIEW_COLUMNS 17
#define CONNECTION_VIEW_COLUMNS 9

#define MASKED_TEXT "<insufficient privilege>"

static const char *const kind_names[HEAVY_KINDS] = {
	[HEAVY_WIDE_COLUMNS] = "wide_columns",
	[HEAVY_UNBOUNDED] = "unbounded",
	[HEAVY_DEEP_OFFSET] = "deep_offset"
};

/* a row on its way out */
typedef struct Row
{
	int			n;
	Datum		values[HEAVY_VIEW_COLUMNS];
	bool		nulls[HEAVY_VIEW_COLUMNS];
} Row;

static void
put(Row *row, Datum value)
{
	row->values[row->n] = value;
	row->nulls[row->n++] = false;
}

static void
put_null(Row *row)
{
	row->values[row->n] = (Datum) 0;
	row->nulls[row->n++] = true;
}

static void
put_text(Row *row, const char *text)
{
	if (text == NULL || text[0] == '\0')
		put_null(row);
	else
		put(row, CStringGetTextDatum(text));
}

static void
put_float(Row *row, double value, bool known)
{
	if (known)
		put(row, Float8GetDatum(value));
	else
		put_null(row);
}

static void
end_row(ReturnSetInfo *rsinfo, const Row *row)
{
	Assert(row->n == rsinfo->setDesc->natts);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc,
						 (Datum *) row->values, (bool *) row->nulls);
}

static bool
sees_all(void)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}

/* -------------------------------------------------------------------------
 * Heavy reads
 * -------------------------------------------------------------------------
 */

static char *
pretty_bytes(double bytes)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	int			unit = 0;

	while (bytes >= 1024 && unit < (int) lengthof(units) - 1)
	{
		bytes /= 1024;
		unit++;
	}
	return psprintf(unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static double
mean_bytes(const HeavyEntry *entry)
{
	return entry->measured_calls > 0 ? entry->bytes / entry->measured_calls : 0;
}

static double
column_share(const HeavyEntry *entry, int column)
{
	return entry->bytes > 0 ? entry->column_bytes[column] / entry->bytes : 0;
}

/* the names of the wide columns, with something between them */
static char *
joined_columns(const HeavyEntry *entry)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = entry->columns; *p != '\0'; p++)
		if (*p == HEAVY_SEPARATOR)
			appendStringInfoString(&buf, ", ");
		else
			appendStringInfoChar(&buf, *p);
	return buf.data;
}

/* what happens */
static char *
lead_of(const HeavyEntry *entry)
{
	double		mean = mean_bytes(entry);
	double		share = 0;
	double		rows = (double) entry->rows / entry->calls;

	switch (entry->key.kind)
	{
		case HEAVY_WIDE_COLUMNS:
			for (int i = 0; i < entry->ncolumns; i++)
				share += column_share(entry, i);
			return psprintf("%d %% of what %.0f rows carry (%s) is in %s; without %s they would be %s. The server cannot know whether the program uses %s.",
							(int) (share * 100), rows, pretty_bytes(mean),
							joined_columns(entry), entry->ncolumns > 1 ? "them" : "it",
							pretty_bytes(mean * Max(1 - share, 0)),
							entry->ncolumns > 1 ? "them" : "it");
		case HEAVY_UNBOUNDED:
			return psprintf("%.0f rows are read at once, without LIMIT.", rows);
		default:
			return psprintf("%.0f rows are read and thrown away before the first that is returned.", rows);
	}
}

static char *
advice_of(const HeavyEntry *entry)
{
	return entry->advice[0] == '\0' ? lead_of(entry) :
		psprintf("%s %s", lead_of(entry), entry->advice);
}

/* the wide columns and their shares, as two arrays */
static void
put_columns(Row *row, const HeavyEntry *entry, bool visible, int encoding)
{
	Datum		names[HEAVY_LISTED];
	Datum		shares[HEAVY_LISTED];
	const char	separator[] = {HEAVY_SEPARATOR, '\0'};
	const char *name = entry->columns;

	if (!visible || entry->ncolumns == 0)
	{
		put_null(row);
		put_null(row);
		return;
	}
	for (int i = 0; i < entry->ncolumns; i++)
	{
		int			len = strcspn(name, separator);

		names[i] = CStringGetTextDatum(encoding_convert(pnstrdup(name, len), encoding));
		shares[i] = Float8GetDatum(column_share(entry, i));
		name += len + (name[len] != '\0');
	}
	put(row, PointerGetDatum(construct_array(names, entry->ncolumns, TEXTOID,
											 -1, false, TYPALIGN_INT)));
	put(row, PointerGetDatum(construct_array(shares, entry->ncolumns, FLOAT8OID,
											 sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
}

static void
put_heavy_read(ReturnSetInfo *rsinfo, const HeavyEntry *entry, bool visible)
{
	Row			row = {0};
	bool		measured = entry->measured_calls > 0;
	int			encoding = encoding_of_database(entry->key.dbid);

	put(&row, ObjectIdGetDatum(entry->key.userid));
	put(&row, ObjectIdGetDatum(entry->key.dbid));
	if (visible)
		put(&row, Int64GetDatum((int64) entry->key.queryid));
	else
		put_null(&row);
	put_text(&row, visible ? encoding_convert(entry->query, encoding) : MASKED_TEXT);
	put_text(&row, kind_names[entry->key.kind]);
	put(&row, Int64GetDatum(entry->calls));
	put(&row, Int64GetDatum(entry->rows));
	put_float(&row, (double) entry->rows / entry->calls, true);
	/* calls that could not be measured are taken for like the others */
	put_float(&row, mean_bytes(entry) * entry->calls, measured);
	put_float(&row, mean_bytes(entry), measured);
	put_columns(&row, entry, visible, encoding);
	put_text(&row, visible ? entry->application_name : NULL);
	if (visible && entry->tags[0] != '\0')
		put(&row, DirectFunctionCall1(jsonb_in,
									  CStringGetDatum(encoding_convert(entry->tags, encoding))));
	else
		put_null(&row);
	put_text(&row, visible ? encoding_convert(advice_of(entry), encoding) : NULL);
	put(&row, TimestampTzGetDatum(entry->first_seen));
	put(&row, TimestampTzGetDatum(entry->last_seen));
	end_row(rsinfo, &row);
}

/* all heavy reads; what belongs to others is masked */
Datum
pg_nplusone_heavy_1_0(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = sqlfuncs_begin(fcinfo, HEAVY_VIEW_COLUMNS);
	HeavyEntry *entries = palloc(HEAVY_MAX * sizeof(HeavyEntry));
	int			n = heavystore_copy(entries);
	bool		all = sees_all();

	for (int i = 0; i < n; i++)
		put_heavy_read(rsinfo, &entries[i], all || entries[i].key.userid == GetUserId());
	return (Datum) 0;
}

/* -------------------------------------------------------------------------
 * Connections
 * -------------------------------------------------------------------------
 */

/* NULL where there is nothing to be said */
static char *
connection_advice(const ConnectionSums *sums)
{
	if (!sums->churns)
		return NULL;
	return psprintf("More than %d sessions come and go in a minute, and most of them send %d statements or fewer and live for less than %d ms. %s",
					connection_rate, connection_statements, connection_time,
					heavywords_connections(sums->orm));
}

static void
put_connections(ReturnSetInfo *rsinfo, const ConnectionSums *sums, bool visible)
{
	Row			row = {0};
	double		sessions = (double) sums->sessions;

	put(&row, ObjectIdGetDatum(sums->userid));
	put(&row, ObjectIdGetDatum(sums->dbid));
	put_text(&row, visible ? sums->application_name : MASKED_TEXT);
	put(&row, Int64GetDatum(sums->sessions));
	put(&row, Int64GetDatum(sums->statements));
	put_float(&row, sums->statements / sessions, true);
	put_float(&row, sums->session_time / sessions / 1000.0, true);
	put_float(&row, (double) sums->connect_time / Max(sums->session_time, 1), true);
	put_text(&row, visible ? connection_advice(sums) : NULL);
	end_row(rsinfo, &row);
}

/* sessions that are over, by program */
Datum
pg_nplusone_connections_1_0(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = sqlfuncs_begin(fcinfo, CONNECTION_VIEW_COLUMNS);
	ConnectionSums *sums = palloc(CONNECTIONS_MAX * sizeof(ConnectionSums));
	int			n = connections_collect(sums);
	bool		all = sees_all();

	for (int i = 0; i < n; i++)
		put_connections(rsinfo, &sums[i], all || sums[i].userid == GetUserId());
	return (Datum) 0;
}
