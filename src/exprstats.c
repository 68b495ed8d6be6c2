/*-------------------------------------------------------------------------
 *
 * exprstats.c
 *	  Statistics of an expression from those of its column.
 *
 * An index on an expression that exists has statistics of its own; one that
 * does not has none, and the planner takes half a percent of the rows for any
 * equality: for lower(email) too many, for extract(year from ts) far too few.
 * So the expression is worked out on the column's own statistics, on its most
 * common values and the bounds of its histogram, some two hundred values.
 *
 * The expression is immutable, and it is run with the rights of the user who
 * runs the statement, on values that this user may read; else there are no
 * statistics, as before.
 *
 * Locking: none; catalog caches only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "exprstats.h"
#include "stopwatch.h"

#define MAX_SAMPLE		256

/* A function that needs longer for all of them is left alone */
#define MAX_TIME_MS		2

/* So many values for each distinct one make a list of common values */
#define COMMON_REPEATS	2

typedef struct SampleValue
{
	Datum		value;
	double		weight;			/* share of the table's rows */
} SampleValue;

typedef struct Sample
{
	SampleValue values[MAX_SAMPLE];
	int			n;
	double		null_share;
	double		distinct;		/* of the column */
	bool		complete;		/* these are all of its values */
} Sample;

/* The column's own values, from its statistics; false where there are none */
static bool
read_column(Sample *sample, Oid relid, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
										Int16GetDatum(attnum),
										BoolGetDatum(false));
	AttStatsSlot slot;
	double		rest;

	/* a partitioned table has those of its partitions together */
	if (!HeapTupleIsValid(tuple))
		tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
								Int16GetDatum(attnum), BoolGetDatum(true));
	if (!HeapTupleIsValid(tuple))
		return false;
	sample->null_share = ((Form_pg_statistic) GETSTRUCT(tuple))->stanullfrac;
	sample->distinct = ((Form_pg_statistic) GETSTRUCT(tuple))->stadistinct;
	rest = 1 - sample->null_share;
	if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_MCV, InvalidOid,
						 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
		for (int i = 0; i < slot.nvalues && sample->n < MAX_SAMPLE / 2; i++)
		{
			sample->values[sample->n].value = slot.values[i];
			sample->values[sample->n++].weight = slot.numbers[i];
			rest -= slot.numbers[i];
		}
	if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_HISTOGRAM, InvalidOid,
						 ATTSTATSSLOT_VALUES))
		for (int i = 0; i < slot.nvalues && sample->n < MAX_SAMPLE; i++)
		{
			sample->values[sample->n].value = slot.values[i];
			sample->values[sample->n++].weight = Max(rest, 0) / slot.nvalues;
		}
	sample->complete = rest < 0.001;

	/* the slots' arrays live as long as the verification does */
	ReleaseSysCache(tuple);
	return sample->n > 0;
}

/*
 * Replace the column's values by the expression's; nulls fall out.  Says
 * whether that was done in time.
 */
static bool
evaluate(Sample *sample, Relation rel, AttrNumber attnum, const WhatifKey *key)
{
	EState	   *estate = CreateExecutorState();
	ExprContext *econtext = GetPerTupleExprContext(estate);
	ExprState  *state = ExecPrepareExpr((Expr *) copyObject(key->expr), estate);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel),
													&TTSOpsVirtual);
	int16		len;
	bool		byval;
	Stopwatch	watch;
	bool		in_time = true;
	int			kept = 0;

	get_typlenbyval(key->type, &len, &byval);
	stopwatch_start(&watch);
	for (int i = 0; i < sample->n && in_time; i++)
	{
		Datum		value;
		bool		isnull;

		CHECK_FOR_INTERRUPTS();

		ExecClearTuple(slot);
		memset(slot->tts_isnull, true, RelationGetDescr(rel)->natts);
		slot->tts_values[attnum - 1] = sample->values[i].value;
		slot->tts_isnull[attnum - 1] = false;
		ExecStoreVirtualTuple(slot);
		econtext->ecxt_scantuple = slot;
		value = ExecEvalExprSwitchContext(state, econtext, &isnull);
		if (isnull)
			sample->null_share += sample->values[i].weight;
		else
		{
			sample->values[kept].value = datumCopy(value, byval, len);
			sample->values[kept++].weight = sample->values[i].weight;
		}
		ResetExprContext(econtext);
		in_time = !stopwatch_is_over(&watch, MAX_TIME_MS);
	}
	sample->n = kept;
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
	return in_time;
}

typedef struct Order
{
	FmgrInfo   *cmp;
	Oid			collation;
} Order;

static int
compare_values(const void *a, const void *b, void *arg)
{
	Order	   *order = (Order *) arg;

	return DatumGetInt32(FunctionCall2Coll(order->cmp, order->collation,
										   ((const SampleValue *) a)->value,
										   ((const SampleValue *) b)->value));
}

static int
compare_weights(const void *a, const void *b)
{
	double		wa = ((const SampleValue *) a)->weight;
	double		wb = ((const SampleValue *) b)->weight;

	return wa < wb ? 1 : wa > wb ? -1 : 0;
}

/* Sort, and put equal values together; returns how many are left */
static int
group(Sample *sample, Order *order)
{
	int			n = 0;

	qsort_arg(sample->values, sample->n, sizeof(SampleValue), compare_values,
			  order);
	for (int i = 0; i < sample->n; i++)
	{
		if (n > 0 && compare_values(&sample->values[n - 1],
									&sample->values[i], order) == 0)
			sample->values[n - 1].weight += sample->values[i].weight;
		else
			sample->values[n++] = sample->values[i];
	}
	return n;
}

static ArrayType *
value_array(Sample *sample, int n, Oid type)
{
	Datum	   *values = palloc(sizeof(Datum) * n);
	int16		len;
	bool		byval;
	char		align;

	for (int i = 0; i < n; i++)
		values[i] = sample->values[i].value;
	get_typlenbyvalalign(type, &len, &byval, &align);
	return construct_array(values, n, type, len, byval, align);
}

/* A pg_statistic tuple with one slot: common values, or a histogram */
static HeapTuple
form_tuple(Oid relid, const WhatifKey *key, Sample *sample, int n,
		   double distinct, bool common, TypeCacheEntry *type)
{
	Relation	catalog = table_open(StatisticRelationId, AccessShareLock);
	Datum		values[Natts_pg_statistic] = {0};
	bool		nulls[Natts_pg_statistic] = {0};
	Datum	   *numbers = palloc(sizeof(Datum) * n);
	HeapTuple	tuple;

	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		nulls[Anum_pg_statistic_stanumbers1 - 1 + i] = true;
		nulls[Anum_pg_statistic_stavalues1 - 1 + i] = true;
	}
	values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(relid);
	values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(1);
	values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum((float4) sample->null_share);
	values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(get_typavgwidth(key->type, -1));
	values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum((float4) distinct);
	values[Anum_pg_statistic_stakind1 - 1] =
		Int16GetDatum(common ? STATISTIC_KIND_MCV : STATISTIC_KIND_HISTOGRAM);
	values[Anum_pg_statistic_staop1 - 1] =
		ObjectIdGetDatum(common ? type->eq_opr : type->lt_opr);
	values[Anum_pg_statistic_stacoll1 - 1] = ObjectIdGetDatum(key->collation);
	values[Anum_pg_statistic_stavalues1 - 1] =
		PointerGetDatum(value_array(sample, n, key->type));
	nulls[Anum_pg_statistic_stavalues1 - 1] = false;
	if (common)
	{
		for (int i = 0; i < n; i++)
			numbers[i] = Float4GetDatum((float4) sample->values[i].weight);
		values[Anum_pg_statistic_stanumbers1 - 1] =
			PointerGetDatum(construct_array(numbers, n, FLOAT4OID,
											sizeof(float4), true, TYPALIGN_INT));
		nulls[Anum_pg_statistic_stanumbers1 - 1] = false;
	}
	tuple = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
	table_close(catalog, AccessShareLock);
	return tuple;
}

/* The place of a value on a line of whole numbers; false: there is none */
static bool
position_of(Oid type, Datum value, int64 *position)
{
	switch (type)
	{
		case INT2OID:
			*position = DatumGetInt16(value);
			return true;
		case INT4OID:
		case DATEOID:
			*position = DatumGetInt32(value);
			return true;
		case INT8OID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			*position = DatumGetInt64(value);
			return true;
		case NUMERICOID:
			{
				double		number = DatumGetFloat8(DirectFunctionCall1(numeric_float8,
																		value));

				*position = (int64) Min(Max(number, -1e15), 1e15);
				return number == (double) *position;
			}
		default:
			return false;
	}
}

/*
 * No more distinct values than there are steps between the least and the
 * greatest: date(ts) has one for each day, however many rows there are.
 */
static double
most_distinct(const WhatifKey *key, Sample *sample, int n)
{
	int64		least;
	int64		last;
	int64		step = 0;

	if (!position_of(key->type, sample->values[0].value, &least))
		return DBL_MAX;
	last = least;
	for (int i = 1; i < n; i++)
	{
		int64		next;
		int64		a;

		if (!position_of(key->type, sample->values[i].value, &next))
			return DBL_MAX;
		a = next - last;
		while (a != 0)
		{
			int64		rest = step % a;

			step = a;
			a = rest;
		}
		last = next;
	}
	return step > 0 ? (double) (last - least) / step + 1 : 1;
}

/* May the values of the column be looked at by this user, all of them? */
static bool
may_read(Oid relid)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

/*
 * The statistics that an index on this expression would have, or NULL where
 * they cannot be told: no statistics, more than one column, no ordering.
 */
HeapTuple
exprstats_make(Oid relid, const WhatifKey *key, double tuples)
{
	List	   *vars = pull_var_clause(key->expr, 0);
	TypeCacheEntry *type = lookup_type_cache(key->type, TYPECACHE_CMP_PROC_FINFO |
											 TYPECACHE_LT_OPR | TYPECACHE_EQ_OPR);
	Sample	   *sample = palloc0(sizeof(Sample));
	AttrNumber	attnum;
	Order		order = {.cmp = &type->cmp_proc_finfo,.collation = key->collation};
	Relation	rel;
	double		distinct;
	double		most;
	int			n;
	int			total;
	bool		in_time;
	ListCell   *lc;

	if (vars == NIL || !OidIsValid(type->cmp_proc_finfo.fn_oid) ||
		!OidIsValid(type->lt_opr) || !may_read(relid))
		return NULL;
	attnum = ((Var *) linitial(vars))->varattno;
	foreach(lc, vars)
	{
		if (((Var *) lfirst(lc))->varattno != attnum)
			return NULL;
	}
	if (attnum <= 0 || !read_column(sample, relid, attnum))
		return NULL;
	rel = table_open(relid, NoLock);
	in_time = evaluate(sample, rel, attnum, key);
	table_close(rel, NoLock);
	if (!in_time || sample->n < 1)
		return NULL;
	total = sample->n;
	n = group(sample, &order);
	if (sample->complete || n * COMMON_REPEATS <= total)
	{
		qsort(sample->values, n, sizeof(SampleValue), compare_weights);
		return form_tuple(relid, key, sample, n, n, true, type);
	}
	distinct = sample->distinct * n / total;
	most = most_distinct(key, sample, n);
	if (most < tuples && (distinct < 0 ? -distinct * tuples : distinct) > most)
		distinct = most;
	return form_tuple(relid, key, sample, n, distinct, false, type);
}
