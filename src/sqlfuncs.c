/*-------------------------------------------------------------------------
 *
 * sqlfuncs.c
 *	  The functions under the views, and the administrator's.
 *
 * Each function that returns rows fills a tuplestore.  A cluster is copied
 * under its own partition's lock, so a reader never holds more than one and
 * holds it for the copying of a few kilobytes.  What a row is made of lives in
 * a memory context that is emptied after each: of a thousand rows, fetching
 * fresh memory from the system for all of it took most of the time.  The rows
 * of a full table at the defaults may be larger than work_mem is by default;
 * they are not written to a temporary file for that.
 *
 * C symbols carry the version of the SQL objects that they serve; a function
 * whose row type is not the one it was written for says so instead of
 * returning something else.
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
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "clusters.h"
#include "compat.h"
#include "connections.h"
#include "encoding.h"
#include "heavystore.h"
#include "hints.h"
#include "persist.h"
#include "requests.h"
#include "session.h"
#include "settings.h"
#include "slots.h"
#include "sqlfuncs.h"
#include "tally.h"
#include "unit.h"

PG_FUNCTION_INFO_V1(pg_nplusone_clusters_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_session_clusters_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_activity_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_info_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_requests_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_tally_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_reset_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_mute_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_unmute_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_session_reset_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_session_statements_1_0);

#define CLUSTER_COLUMNS 29
#define ACTIVITY_COLUMNS 12
#define INFO_COLUMNS 6
#define REQUEST_COLUMNS 12
#define TALLY_COLUMNS 8

#define MASKED_TEXT "<insufficient privilege>"

/* bytes that most rows fit in, so that emptying their context frees none */
#define ROW_ROOM (32 * 1024)

/* kilobytes of rows kept in memory in any case */
#define ROWS_MEMORY (16 * 1024)

/* where rows go, and what each is made in */
typedef struct Rows
{
	ReturnSetInfo *result;
	MemoryContext memory;
	MemoryContext caller;
} Rows;

/* a row on its way out */
typedef struct Row
{
	Rows	   *rows;
	int			n;
	Datum		values[CLUSTER_COLUMNS];
	bool		nulls[CLUSTER_COLUMNS];
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
put_int8(Row *row, int64 value)
{
	put(row, Int64GetDatum(value));
}

/* microseconds inside, milliseconds outside */
static void
put_time(Row *row, int64 usecs)
{
	put(row, Float8GetDatum((double) usecs / 1000.0));
}

static void
put_text(Row *row, const char *text)
{
	if (text == NULL || text[0] == '\0')
		put_null(row);
	else
		put(row, CStringGetTextDatum(text));
}

/* -------------------------------------------------------------------------
 * What a caller may do and see
 * -------------------------------------------------------------------------
 */

static void
check_loaded(void)
{
	if (my_slot == NULL && !npo_loaded)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_nplusone must be loaded via \"shared_preload_libraries\""),
				 errhint("Add pg_nplusone to shared_preload_libraries in postgresql.conf and restart the server.")));
}

/* A tuplestore with room for more than work_mem. */
static void
widen_result(ReturnSetInfo *result)
{
	MemoryContext caller;

	if (work_mem >= ROWS_MEMORY)
		return;
	caller = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	tuplestore_end(result->setResult);
	result->setResult =
		tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0,
							  false, ROWS_MEMORY);
	MemoryContextSwitchTo(caller);
}

/* Set up the result, and see that it has the columns we know. */
ReturnSetInfo *
sqlfuncs_begin(FunctionCallInfo fcinfo, int columns)
{
	ReturnSetInfo *result;

	check_loaded();
	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	if (result->setDesc->natts != columns)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the SQL objects of extension \"pg_nplusone\" do not fit the library that is loaded"),
				 errdetail("The function returns %d columns, the library gives %d.",
						   result->setDesc->natts, columns),
				 errhint("Run ALTER EXTENSION pg_nplusone UPDATE.")));
	return result;
}

static Rows
begin_rows(FunctionCallInfo fcinfo, int columns)
{
	Rows		rows;

	rows.result = sqlfuncs_begin(fcinfo, columns);
	widen_result(rows.result);
	rows.memory = AllocSetContextCreate(CurrentMemoryContext, "pg_nplusone row",
										ROW_ROOM, ROW_ROOM, ALLOCSET_DEFAULT_MAXSIZE);
	rows.caller = CurrentMemoryContext;
	return rows;
}

static void
begin_row(Rows *rows, Row *row)
{
	row->rows = rows;
	row->n = 0;
	rows->caller = MemoryContextSwitchTo(rows->memory);
}

static void
end_row(Row *row)
{
	Rows	   *rows = row->rows;

	Assert(row->n == rows->result->setDesc->natts);
	tuplestore_putvalues(rows->result->setResult, rows->result->setDesc,
						 row->values, row->nulls);
	MemoryContextSwitchTo(rows->caller);
	MemoryContextReset(rows->memory);
}

static void
end_rows(Rows *rows)
{
	MemoryContextDelete(rows->memory);
}

static bool
sees_all(void)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}

/* -------------------------------------------------------------------------
 * Clusters
 * -------------------------------------------------------------------------
 */

/* a text of the cluster, in our encoding */
static const char *
cluster_text(const Cluster *cluster, ClusterText which)
{
	if (cluster->text_at[which] < 0)
		return NULL;
	return encoding_convert(cluster->texts + cluster->text_at[which],
							encoding_of_database(cluster->key.dbid));
}

static void
put_statement(Row *row, uint64 queryid, const char *text)
{
	if (queryid == 0)
		put_null(row);
	else
		put_int8(row, (int64) queryid);
	put_text(row, text);
}

static void
put_identity(Row *row, const Cluster *cluster, bool visible)
{
	put(row, ObjectIdGetDatum(cluster->key.userid));
	put(row, ObjectIdGetDatum(cluster->key.dbid));
	if (visible)
		put_int8(row, cluster->clusterid);
	else
		put_null(row);
	put(row, CStringGetTextDatum(pattern_name(cluster->pattern)));
	put(row, CStringGetTextDatum(confidence_name(cluster->confidence)));
	if (!visible)
	{
		put_statement(row, 0, MASKED_TEXT);
		put_statement(row, 0, NULL);
		put_null(row);
		return;
	}
	put_statement(row, cluster->queryid, cluster_text(cluster, TEXT_QUERY));
	put_statement(row, cluster->parent_queryid, cluster_text(cluster, TEXT_PARENT));
	put_text(row, encoding_convert(cluster->link,
								   encoding_of_database(cluster->key.dbid)));
}

static void
put_totals(Row *row, const ClusterTotals *totals)
{
	put_int8(row, totals->loops);
	put_int8(row, totals->calls);
	put_int8(row, totals->max_calls);
	put_int8(row, totals->duplicate_calls);
	put_int8(row, totals->parent_rows);
	put_int8(row, totals->rows);
	put_time(row, totals->exec_time);
	put_time(row, totals->max_exec_time);
	put_time(row, totals->gap_time);
	put_time(row, totals->max_loop_time);
	put_int8(row, totals->blks_hit);
	put_int8(row, totals->blks_read);
}

static void
put_origin(Row *row, const Cluster *cluster, bool visible)
{
	put_text(row, visible ? cluster->application_name : NULL);
	if (visible && cluster->tags[0] != '\0')
		put(row, DirectFunctionCall1(jsonb_in,
									 CStringGetDatum(encoding_convert(cluster->tags,
																	  encoding_of_database(cluster->key.dbid)))));
	else
		put_null(row);
	put_text(row, visible ? cluster_text(cluster, TEXT_ADVICE) : NULL);
	put_text(row, visible ? cluster_text(cluster, TEXT_REWRITE) : NULL);
}

static void
put_cluster(Rows *rows, const Cluster *cluster, bool visible)
{
	Row			row;

	begin_row(rows, &row);
	put_identity(&row, cluster, visible);
	put_totals(&row, &cluster->totals);
	put_origin(&row, cluster, visible);
	put(&row, TimestampTzGetDatum(cluster->totals.first_seen));
	put(&row, TimestampTzGetDatum(cluster->totals.last_seen));
	put(&row, BoolGetDatum(cluster->muted));
	end_row(&row);
}

/* all clusters; what belongs to others is masked */
Datum
pg_nplusone_clusters_1_0(PG_FUNCTION_ARGS)
{
	Rows		rows = begin_rows(fcinfo, CLUSTER_COLUMNS);
	Cluster    *copy = palloc(clusters_copy_size());
	bool		all = sees_all();

	for (int i = 0; i < clusters_capacity(); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (clusters_copy(i, copy))
			put_cluster(&rows, copy, all || copy->key.userid == GetUserId());
	}
	end_rows(&rows);
	return (Datum) 0;
}

/* the clusters of this session, with its own sums; anyone may read them */
Datum
pg_nplusone_session_clusters_1_0(PG_FUNCTION_ARGS)
{
	Rows		rows = begin_rows(fcinfo, CLUSTER_COLUMNS);
	Cluster    *copy = palloc(clusters_copy_size());
	SessionCluster lines[SESSION_CLUSTERS];
	int			n = session_collect(lines);

	for (int i = 0; i < n; i++)
	{
		if (!clusters_copy_key(&lines[i].key, copy))
		{
			/* reset or evicted meanwhile: the numbers are there, no texts */
			memset(copy, 0, sizeof(*copy));
			memset(copy->text_at, -1, sizeof(copy->text_at));
			copy->key = lines[i].key;
			copy->queryid = NPO_KNOWN_QUERYID(lines[i].key.queryid);
			copy->parent_queryid = NPO_KNOWN_QUERYID(lines[i].key.parent_queryid);
			copy->clusterid = clusters_id(&lines[i].key);
		}
		copy->totals = lines[i].totals;
		copy->pattern = lines[i].pattern;
		copy->confidence = lines[i].confidence;
		put_cluster(&rows, copy, true);
	}
	end_rows(&rows);
	return (Datum) 0;
}

/* -------------------------------------------------------------------------
 * Loops that are running
 * -------------------------------------------------------------------------
 */

static void
put_activity(Rows *rows, const BackendSlot *slot, const SlotLoop *loop,
			 const Cluster *cluster, bool visible)
{
	Row			row;

	begin_row(rows, &row);
	put(&row, Int32GetDatum(slot->pid));
	put(&row, ObjectIdGetDatum(slot->dbid));
	put(&row, ObjectIdGetDatum(loop->userid));
	put_text(&row, visible ? cluster->application_name : NULL);
	put(&row, CStringGetTextDatum(pattern_name(loop->pattern)));
	put(&row, CStringGetTextDatum(confidence_name(loop->confidence)));
	if (visible)
		put_statement(&row, cluster->queryid, cluster_text(cluster, TEXT_QUERY));
	else
		put_statement(&row, 0, MASKED_TEXT);
	if (visible && cluster->parent_queryid != 0)
		put_int8(&row, (int64) cluster->parent_queryid);
	else
		put_null(&row);
	put_int8(&row, loop->counters.calls);
	put_int8(&row, loop->counters.parent_rows);
	put(&row, TimestampTzGetDatum(loop->counters.started));
	end_row(&row);
}

Datum
pg_nplusone_activity_1_0(PG_FUNCTION_ARGS)
{
	Rows		rows = begin_rows(fcinfo, ACTIVITY_COLUMNS);
	Cluster    *cluster = palloc(clusters_copy_size());
	bool		all = sees_all();

	for (int i = 0; i < slots_count(); i++)
	{
		const BackendSlot *slot = slots_get(i);

		for (int j = 0; slot->pid != 0 && j < SLOT_LOOPS; j++)
		{
			SlotLoop	loop;

			if (!slots_read_loop(&slot->loops[j], &loop) ||
				!clusters_copy_bare(loop.cluster, cluster) ||
				cluster->serial != loop.cluster_serial)
				continue;
			put_activity(&rows, slot, &loop, cluster,
						 all || loop.userid == GetUserId());
		}
	}
	end_rows(&rows);
	return (Datum) 0;
}

/* -------------------------------------------------------------------------
 * Units of work by origin
 * -------------------------------------------------------------------------
 */

static void
put_requests(Rows *rows, const RequestSums *sums, bool visible)
{
	Row			row;

	begin_row(rows, &row);
	put(&row, ObjectIdGetDatum(sums->userid));
	put(&row, ObjectIdGetDatum(sums->dbid));
	put_text(&row, visible ? sums->application_name : NULL);
	put_text(&row, visible ?
			 encoding_convert(sums->route, encoding_of_database(sums->dbid)) :
			 MASKED_TEXT);
	put_int8(&row, sums->units);
	put_int8(&row, sums->statements);
	put(&row, Float8GetDatum((double) sums->statements / sums->units));
	put_int8(&row, sums->max_statements);
	put_int8(&row, sums->units_with_loops);
	put_time(&row, sums->exec_time);
	put(&row, Float8GetDatum((double) sums->exec_time / sums->units / 1000.0));
	put_time(&row, sums->max_time);
	end_row(&row);
}

Datum
pg_nplusone_requests_1_0(PG_FUNCTION_ARGS)
{
	Rows		rows = begin_rows(fcinfo, REQUEST_COLUMNS);
	bool		all = sees_all();
	int			n;
	RequestSums *sums = requests_collect(&n);

	for (int i = 0; i < n; i++)
		put_requests(&rows, &sums[i], all || sums[i].userid == GetUserId());
	end_rows(&rows);
	return (Datum) 0;
}

/* -------------------------------------------------------------------------
 * Administration
 * -------------------------------------------------------------------------
 */

Datum
pg_nplusone_info_1_0(PG_FUNCTION_ARGS)
{
	Rows		rows = begin_rows(fcinfo, INFO_COLUMNS);
	Row			row;
	int64		used,
				dealloc;
	TimestampTz stats_reset;

	clusters_info(&used, &dealloc, &stats_reset);
	begin_row(&rows, &row);
	put_int8(&row, used);
	put_int8(&row, clusters_capacity());
	put_int8(&row, dealloc);
	put_int8(&row, (int64) slots_dropped());
	put(&row, TimestampTzGetDatum(stats_reset));
	if (persist_last_saved() == 0)
		put_null(&row);
	else
		put(&row, TimestampTzGetDatum(persist_last_saved()));
	end_row(&row);
	end_rows(&rows);
	return (Datum) 0;
}

static void
tally_row(Rows *rows, Pattern pattern, Confidence confidence)
{
	Row			row;
	ClusterTotals sums;

	tally_read(pattern, confidence, &sums);
	begin_row(rows, &row);
	put_text(&row, pattern_name(pattern));
	put_text(&row, confidence_name(confidence));
	put_int8(&row, sums.loops);
	put_int8(&row, sums.calls);
	put_int8(&row, sums.duplicate_calls);
	put_int8(&row, sums.rows);
	put_time(&row, sums.exec_time);
	put_time(&row, sums.gap_time);
	end_row(&row);
}

/*
 * One row for each pattern and confidence there can be, zero or not: a series
 * that begins with its first loop would hide that loop from a rate.
 */
Datum
pg_nplusone_tally_1_0(PG_FUNCTION_ARGS)
{
	Rows		rows = begin_rows(fcinfo, TALLY_COLUMNS);

	for (int pattern = 0; pattern <= PATTERN_OTHER; pattern++)
		for (int confidence = CONFIDENCE_SUSPECTED; confidence <= CONFIDENCE_PROVEN; confidence++)
			tally_row(&rows, pattern, confidence);
	end_rows(&rows);
	return (Datum) 0;
}

/* the sums by route go with the clusters when all of them are removed */
Datum
pg_nplusone_reset_1_0(PG_FUNCTION_ARGS)
{
	Oid			userid = PG_GETARG_OID(0);
	Oid			dbid = PG_GETARG_OID(1);
	int64		clusterid = PG_GETARG_INT64(2);
	bool		all = !OidIsValid(userid) && !OidIsValid(dbid) && clusterid == 0;
	int64		removed;

	check_loaded();
	if (all)
		requests_reset();
	if (clusterid == 0)
	{
		heavystore_reset(userid, dbid);
		connections_reset(userid, dbid);
	}
	hints_forget();
	hintstore_reset(userid, dbid, clusterid);
	removed = clusters_remove(userid, dbid, clusterid);
	persist_save_soon(all);
	PG_RETURN_INT64(removed);
}

static Datum
set_muted(FunctionCallInfo fcinfo, bool mute)
{
	bool		found;

	check_loaded();
	found = clusters_mute(PG_GETARG_INT64(0), mute);
	if (found)
		persist_save_soon(false);
	PG_RETURN_BOOL(found);
}

Datum
pg_nplusone_mute_1_0(PG_FUNCTION_ARGS)
{
	return set_muted(fcinfo, true);
}

Datum
pg_nplusone_unmute_1_0(PG_FUNCTION_ARGS)
{
	return set_muted(fcinfo, false);
}

Datum
pg_nplusone_session_reset_1_0(PG_FUNCTION_ARGS)
{
	check_loaded();
	unit_session_reset();
	PG_RETURN_VOID();
}

Datum
pg_nplusone_session_statements_1_0(PG_FUNCTION_ARGS)
{
	check_loaded();
	PG_RETURN_INT64(unit_session_statements());
}
