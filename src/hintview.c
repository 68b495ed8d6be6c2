/*-------------------------------------------------------------------------
 *
 * hintview.c
 *	  The SQL function behind the view pg_nplusone_index_hints.
 *
 * Locking: copies the store's entries out first and works on the copy.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "hints.h"
#include "existing.h"
#include "hintadvice.h"
#include "hintkeys.h"
#include "hintstore.h"
#include "hinttext.h"
#include "sqlfuncs.h"
#include "compat.h"

#define HINT_COLUMNS		19

PG_FUNCTION_INFO_V1(pg_nplusone_index_hints_1_0);

/* The words for HintVerified */
static const char *
verified_text(HintVerified verified)
{
	switch (verified)
	{
		case HINT_ACTUAL_VALUES:
			return "actual values";
		case HINT_GENERIC_PLAN:
			return "generic plan";
		default:
			return "not verified";
	}
}

static void
set_text(Datum *values, bool *nulls, int i, const char *text)
{
	if (text == NULL || text[0] == '\0')
		nulls[i] = true;
	else
		values[i] = CStringGetTextDatum(text);
}

static void
fill_row(Datum *values, bool *nulls, const HintEntry *entry, bool allowed)
{
	int			i = 0;

	memset(nulls, 0, sizeof(bool) * HINT_COLUMNS);
	values[i] = Int64GetDatum((int64) entry->clusterid);
	nulls[i++] = !allowed;
	values[i++] = ObjectIdGetDatum(entry->userid);
	values[i] = Int64GetDatum((int64) entry->queryid);
	nulls[i++] = !allowed;
	set_text(values, nulls, i++, allowed ? entry->query : "<insufficient privilege>");
	values[i] = ObjectIdGetDatum(entry->relid);
	nulls[i++] = !allowed || !OidIsValid(entry->relid);
	set_text(values, nulls, i++, allowed ? hinttext_ddl(entry) : NULL);
	set_text(values, nulls, i++, allowed ? hintadvice_reason(entry) : NULL);
	set_text(values, nulls, i++, allowed ? entry->finding : NULL);
	values[i++] = Int64GetDatum(entry->calls);
	values[i++] = Float8GetDatum(entry->total_time);
	values[i++] = Float8GetDatum(entry->cost_before);
	values[i++] = Float8GetDatum(entry->cost_after);
	values[i++] = Float8GetDatum(entry->saving);
	values[i] = Int64GetDatum((int64) entry->index_bytes);
	nulls[i++] = entry->nkeys == 0;
	set_text(values, nulls, i++, verified_text(entry->verified));
	set_text(values, nulls, i++, allowed ? entry->plan_before : NULL);
	set_text(values, nulls, i++, allowed ? entry->plan_after : NULL);
	values[i++] = TimestampTzGetDatum(entry->first_seen);
	values[i++] = TimestampTzGetDatum(entry->last_seen);
	Assert(i == HINT_COLUMNS);
}

/* Own statements, and all of them with pg_read_all_stats */
static bool
may_see(const HintEntry *entry)
{
	return has_privs_of_role(GetUserId(), entry->userid) ||
		has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}

/* Is there something to be said, and still? */
static bool
worth_showing(const HintEntry *entry)
{
	if (entry->nkeys == 0)
		return true;
	return existing_columns(entry->relid, entry->used) == entry->used_sig &&
		!existing_serves(entry);
}

/*
 * The entries that are worth showing, those of foreign keys behind those of
 * statements.  The same index for several users, or for a statement and a
 * constraint, is one row where the reader may see them all.
 */
static int
copy_shown(HintEntry *entries)
{
	int			n = hintstore_copy(MyDatabaseId, entries);
	int			shown = 0;

	if (hints_enabled)
		n += hintkeys_collect(&entries[n]);

	for (int i = 0; i < n; i++)
	{
		bool		merged = false;

		if (!worth_showing(&entries[i]))
			continue;
		for (int j = 0; j < shown && !merged && may_see(&entries[i]); j++)
			merged = may_see(&entries[j]) &&
				hintstore_merge(&entries[j], &entries[i]);
		if (!merged && shown++ < i)
			entries[shown - 1] = entries[i];
	}
	return shown;
}

Datum
pg_nplusone_index_hints_1_0(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = sqlfuncs_begin(fcinfo, HINT_COLUMNS);
	HintEntry  *entries;
	int			n;

	hints_flush();
	entries = palloc0(sizeof(HintEntry) * (HINTSTORE_MAX + HINTKEYS_MAX));
	n = copy_shown(entries);
	for (int i = 0; i < n; i++)
	{
		Datum		values[HINT_COLUMNS];
		bool		nulls[HINT_COLUMNS];

		fill_row(values, nulls, &entries[i], may_see(&entries[i]));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
