/*-------------------------------------------------------------------------
 *
 * heavy.c
 *	  Reads that carry too much: wide columns, whole tables, deep offsets.
 *
 * In flow, from the sampler, the rows of a result that goes on beyond the
 * sample, and from the hooks a statement that is done.  Out flow findings to
 * heavystore.c, described by heavyadvice.c when they show for the first time.
 *
 * What a value takes is read from its header: the size that it has when it is
 * sent, without fetching or decompressing it.  The rows of a result are
 * measured at growing distances, so that a few speak for hundreds; the
 * receiver is left alone after that.
 *
 * A result that the client asked for in pieces (a cursor, a portal with a
 * row limit) is none of these, nor is one that stays in the server or is
 * copied out.
 *
 * Everything lives on the stack of one run, or in shared memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "tcop/pquery.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "catalog.h"
#include "compat.h"
#include "heavy.h"
#include "heavyadvice.h"
#include "requests.h"
#include "unit.h"

/*
 * So many rows are measured before their distance is doubled.  It stays odd,
 * so that what is true of every second row is seen for what it is, and a row
 * lies in the middle of those that it stands for.
 */
#define ROWS_AT_DISTANCE 8
#define FIRST_DISTANCE 3

/* fewer rows say nothing of a result */
#define LEAST_MEASURED 4

/* a value of so many bytes is wide, and so is one that lies out of line */
#define WIDE_BYTES 1024.0

/* the share of a result that its wide columns have to carry */
#define WIDE_SHARE 0.8

static int	heavy_result = 100; /* kB; -1: off */
static int	heavy_rows = 10000;
static int	heavy_offset = 1000;

void
heavy_define_settings(void)
{
	DefineCustomIntVariable("pg_nplusone.heavy_result",
							"Sets how large a result has to be for its wide columns to be reported.",
							"-1 reports none.",
							&heavy_result, 100, -1, MAX_KILOBYTES,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.heavy_rows",
							"Sets how many rows a client has to read at once for a statement without LIMIT to be reported.",
							"-1 reports none.",
							&heavy_rows, 10000, -1, PG_INT32_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.heavy_offset",
							"Sets how many rows an OFFSET has to skip to be reported.",
							"-1 reports none.",
							&heavy_offset, 1000, -1, PG_INT32_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

/* -------------------------------------------------------------------------
 * Measuring
 * -------------------------------------------------------------------------
 */

/*
 * Is this the answer to a client's SELECT?  EXECUTE and FETCH gather theirs
 * in the server; the portal of EXECUTE is hidden, that of a cursor is not.
 */
static bool
goes_to_client(const QueryDesc *queryDesc)
{
	if (queryDesc->operation != CMD_SELECT)
		return false;
	switch (queryDesc->dest->mydest)
	{
		case DestRemote:
		case DestRemoteExecute:
			return true;
		case DestTuplestore:
			return ActivePortal != NULL && !ActivePortal->visible;
		default:
			return false;
	}
}

/*
 * The sample of a result is full: begin to measure the rows behind it.  False
 * when there is nothing to be measured.  "first" is how far away the first
 * such row is.
 */
bool
heavy_start(HeavyMeter *meter, const QueryDesc *queryDesc, TupleDesc tupdesc,
			int first)
{
	meter->active = false;
	meter->measured = 0;
	if (!meter->wanted || (heavy_result < 0 && heavy_rows < 0) ||
		!goes_to_client(queryDesc))
		return false;
	meter->ncolumns = 0;
	meter->natts = tupdesc->natts;
	meter->until = first;
	meter->distance = FIRST_DISTANCE;
	meter->weight = meter->fixed = meter->other = 0;
	for (int i = 0; i < tupdesc->natts; i++)
	{
		int			attlen = TupleDescAttr(tupdesc, i)->attlen;

		if (attlen > 0)
			meter->fixed += attlen;
		else if (attlen == -1 && meter->ncolumns < HEAVY_COLUMNS)
		{
			meter->resno[meter->ncolumns] = i + 1;
			meter->out_of_line[meter->ncolumns] = 0;
			meter->bytes[meter->ncolumns++] = 0;
		}
	}
	meter->active = true;
	return true;
}

/* what a value takes when it is sent, as its header has it */
static inline double
sent_bytes(Datum value)
{
	struct varlena *bytes = (struct varlena *) DatumGetPointer(value);

	return VARATT_IS_EXTERNAL(bytes) || VARATT_IS_COMPRESSED(bytes) ?
		(double) toast_raw_datum_size(value) - VARHDRSZ : VARSIZE_ANY_EXHDR(bytes);
}

/* the variable columns beyond those that are told apart */
static double
other_bytes(const HeavyMeter *meter, TupleTableSlot *slot)
{
	TupleDesc	tupdesc = slot->tts_tupleDescriptor;
	double		bytes = 0;

	if (meter->ncolumns < HEAVY_COLUMNS)
		return 0;
	for (int i = meter->resno[HEAVY_COLUMNS - 1]; i < tupdesc->natts; i++)
		if (TupleDescAttr(tupdesc, i)->attlen == -1 && !slot->tts_isnull[i])
			bytes += sent_bytes(slot->tts_values[i]);
	return bytes;
}

/* Measure this row, and see when the next one is due.  False: none is. */
bool
heavy_measure_row(HeavyMeter *meter, TupleTableSlot *slot)
{
	/* the receiver will do the same */
	slot_getallattrs(slot);
	for (int i = 0; i < meter->ncolumns; i++)
	{
		int			att = meter->resno[i] - 1;

		if (slot->tts_isnull[att])
			continue;
		meter->bytes[i] += sent_bytes(slot->tts_values[att]) * meter->distance;
		meter->out_of_line[i] +=
			VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(slot->tts_values[att]));
	}
	meter->other += other_bytes(meter, slot) * meter->distance;
	meter->weight += meter->distance;
	meter->measured++;
	meter->until = meter->distance;
	if (meter->measured % ROWS_AT_DISTANCE == 0)
	{
		int			next = meter->distance * 2 + 1;

		meter->until = (meter->distance + next) / 2;
		meter->distance = next;
	}
	meter->active = meter->measured < HEAVY_MEASURED;
	return meter->active;
}

/* the bytes of a row, -1 where too few have been measured */
static double
row_bytes(const HeavyMeter *meter)
{
	double		bytes;

	if (meter->measured < LEAST_MEASURED)
		return -1;
	bytes = meter->other;
	for (int i = 0; i < meter->ncolumns; i++)
		bytes += meter->bytes[i];
	return meter->fixed + bytes / meter->weight;
}

/* -------------------------------------------------------------------------
 * Findings
 * -------------------------------------------------------------------------
 */

/* Extensions' own tables are not the users'; some columns are known to be needed. */
static bool
is_worth_telling(const HeavyKey *key, Oid relid)
{
	return OidIsValid(relid) && !catalog_is_of_extension(relid) &&
		!(key->kind == HEAVY_WIDE_COLUMNS && heavystore_is_withdrawn(key->dbid, relid));
}

/*
 * Count the execution.  Its statement is described when that is new, in a
 * memory context of its own.
 */
static void
record(HeavyKind kind, QueryDesc *queryDesc, const UnitEntry *entry, HeavyCall *call)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_nplusone heavy read",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	HeavyKey	key;
	HeavyTexts	texts = {0};

	key.queryid = entry->queryid;
	key.userid = entry->userid;
	key.dbid = MyDatabaseId;
	key.kind = kind;
	call->application_name = application_name;
	call->tags = requests_tags();
	if (!heavystore_add(&key, call))
	{
		texts.relid = heavyadvice_table(queryDesc, &entry->shape, call);
		if (is_worth_telling(&key, texts.relid))
		{
			heavyadvice_describe(kind, queryDesc, call, &texts);
			heavystore_describe(&key, call, &texts);
		}
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* Put a wide column among those listed, the widest first. */
static void
list_column(HeavyCall *call, int16 resno, double bytes)
{
	int			i = Min(call->ncolumns, HEAVY_LISTED - 1);

	if (call->ncolumns == HEAVY_LISTED && call->column_bytes[i] >= bytes)
		return;
	for (; i > 0 && call->column_bytes[i - 1] < bytes; i--)
	{
		call->resno[i] = call->resno[i - 1];
		call->column_bytes[i] = call->column_bytes[i - 1];
	}
	call->resno[i] = resno;
	call->column_bytes[i] = bytes;
	call->ncolumns = Min(call->ncolumns + 1, HEAVY_LISTED);
}

/* Few columns that carry most of a large result: list them. */
static bool
find_wide_columns(const HeavyMeter *meter, HeavyCall *call)
{
	double		wide = 0;

	if (heavy_result < 0 || call->bytes < heavy_result * 1024.0)
		return false;
	for (int i = 0; i < meter->ncolumns; i++)
		if (meter->bytes[i] >= WIDE_BYTES * meter->weight ||
			meter->out_of_line[i] * 2 > meter->measured)
			list_column(call, meter->resno[i],
						meter->bytes[i] / meter->weight * call->rows);
	for (int i = 0; i < call->ncolumns; i++)
		wide += call->column_bytes[i];
	return call->ncolumns > 0 && call->ncolumns * 2 <= meter->natts &&
		wide >= WIDE_SHARE * call->bytes;
}

/*
 * Does the statement itself bound its result?  By LIMIT, by a unique column,
 * or by the rows that a list named, as the one that replaces a loop does.
 */
static bool
is_bounded(const Shape *shape)
{
	if (shape->flags & (SHAPE_LIMIT | SHAPE_BATCH))
		return true;
	for (int i = 0; i < shape->nkeys; i++)
	{
		const KeyPlace *key = &shape->keys[i];
		AttrNumber	target;

		if (!OidIsValid(key->relid) || (key->role != KEY_EQUAL && key->role != KEY_LIST))
			continue;
		if (catalog_is_unique(key->relid, key->attnum) ||
			(key->role == KEY_LIST &&
			 OidIsValid(catalog_target(key->relid, key->attnum, &target))))
			return true;
	}
	return false;
}

/*
 * A result has gone on beyond its sample and is done.  "meter" has measured
 * some of its rows, or nothing.
 */
void
heavy_note_rows(const HeavyMeter *meter, QueryDesc *queryDesc, const Execution *execution)
{
	const UnitEntry *entry = unit_entry_of(execution);
	HeavyCall	call = {0};
	double		bytes;

	if (entry == NULL || !meter->wanted || !goes_to_client(queryDesc))
		return;
	bytes = row_bytes(meter);
	call.rows = (int64) queryDesc->estate->es_processed;
	call.bytes = bytes < 0 ? -1 : bytes * call.rows;
	if (find_wide_columns(meter, &call))
		record(HEAVY_WIDE_COLUMNS, queryDesc, entry, &call);
	call.ncolumns = 0;
	if (heavy_rows >= 0 && call.rows >= heavy_rows && !is_bounded(&entry->shape))
		record(HEAVY_UNBOUNDED, queryDesc, entry, &call);
}

/* the most rows that an OFFSET somewhere in the plan has skipped */
static bool
skipped_walker(PlanState *planstate, void *context)
{
	int64	   *skipped = context;

	if (planstate == NULL)
		return false;
	if (IsA(planstate, LimitState))
	{
		const LimitState *limit = (const LimitState *) planstate;

		/* of a result that ends before, no more than it has */
		*skipped = Max(*skipped, Min(limit->offset, limit->position));
	}
	return planstate_tree_walker(planstate, skipped_walker, context);
}

/* A run of a statement with an OFFSET is over: what has it skipped? */
void
heavy_note_offset(QueryDesc *queryDesc, const Execution *execution)
{
	const UnitEntry *entry = unit_entry_of(execution);
	HeavyCall	call = {.bytes = -1};

	/* of a result in pieces, the first */
	if (entry == NULL || heavy_offset < 0 || execution->rows > 0)
		return;
	skipped_walker(queryDesc->planstate, &call.rows);
	if (call.rows > 0 && call.rows >= heavy_offset)
		record(HEAVY_DEEP_OFFSET, queryDesc, entry, &call);
}

/* A loop reads columns of this table that a list has left out. */
void
heavy_withdraw(Oid relid)
{
	if (OidIsValid(relid))
		heavystore_withdraw(MyDatabaseId, catalog_root(relid));
}
