/*-------------------------------------------------------------------------
 *
 * hintkeys.c
 *	  Foreign keys that lack an index.
 *
 * A row that is deleted, or whose key is changed, is looked for in the tables
 * that refer to it; without an index on the referring columns each of them is
 * read from end to end.  The statements that do so are fast as long as the
 * tables are small, and come to nobody's attention before it is too late.  So
 * when the view is read, the constraints are gone through: those whose
 * referenced table has seen deletes, or updates that may have changed a key,
 * and for which no index leads with the columns.  (Loops over such columns
 * have their hint by themselves.)
 *
 * Each of them is put to the planner with the look-up that the constraint's
 * trigger would do.  Planning evaluates what stands in the table's indexes and
 * policies, so it is done as the table's owner, in a security-restricted
 * operation, never with the reader's rights, and under a search path that is
 * nobody's; and in a subtransaction that is always rolled back, which gives
 * the user, the settings and the locks back.  What fails is left out.
 *
 * Locking: a RowShareLock where it is free at once, for the time of the
 * planning.  A standby cannot have it, and sees no deletes either.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "optimizer/planner.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "hintkeys.h"
#include "hints.h"
#include "hinttext.h"
#include "stopwatch.h"
#include "compat.h"

/* For one key, and for all of them together */
#define KEY_BUDGET_MS		20
#define READ_BUDGET_MS		100

#define KEYS_OF_A_ROW		8

/*
 * The constraints, those of the largest tables first.  An update that changes
 * a key is never HOT, since the key has an index; and where the constraint
 * does nothing about it, nobody means to change keys.
 */
#define QUERY \
	"SELECT c.conrelid, r.relowner, c.conname::text, c.confrelid::regclass::text," \
	"   s.deletes, s.updates, c.conkey, c.confkey, c.conpfeqop, r.relkind = 'p'," \
	"   c.confrelid" \
	" FROM pg_catalog.pg_constraint c" \
	"   JOIN pg_catalog.pg_class r ON r.oid = c.conrelid," \
	"   LATERAL (SELECT pg_catalog.sum(pg_catalog.pg_stat_get_tuples_deleted(t))::bigint AS deletes," \
	"           pg_catalog.sum(pg_catalog.pg_stat_get_tuples_updated(t)" \
	"              - pg_catalog.pg_stat_get_tuples_hot_updated(t))::bigint AS updates" \
	"       FROM (SELECT c.confrelid AS t UNION" \
	"           SELECT p.relid FROM pg_catalog.pg_partition_tree(c.confrelid) p) x) s" \
	" WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid >= 16384" \
	"   AND r.relpersistence <> 't' AND (r.relpages >= 10 OR r.relkind = 'p')" \
	"   AND (s.deletes > 0 OR s.updates > 0 AND c.confupdtype IN ('c', 'n', 'd'))" \
	"   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_index i" \
	"       WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL" \
	"       AND (SELECT pg_catalog.array_agg(k) FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY u(k, n)" \
	"           WHERE n <= pg_catalog.array_length(c.conkey, 1)) @> c.conkey)" \
	" ORDER BY r.relpages DESC, c.oid LIMIT 32"

/* One constraint */
typedef struct ForeignKey
{
	Oid			relid;
	Oid			owner;
	Oid			referenced;
	const char *name;
	const char *referenced_name;
	int64		deletes;
	int64		updates;
	bool		partitioned;
	int			nkeys;
	AttrNumber	attnums[KEYS_OF_A_ROW];
	AttrNumber	referenced_attnums[KEYS_OF_A_ROW];
	Oid			operators[KEYS_OF_A_ROW];	/* referenced = referring */
} ForeignKey;

static Datum
column(SPITupleTable *table, int row, int i)
{
	bool		isnull;
	Datum		value = SPI_getbinval(table->vals[row], table->tupdesc, i, &isnull);

	return isnull ? (Datum) 0 : value;
}

static ForeignKey *
read_key(SPITupleTable *table, int row)
{
	ForeignKey *key = palloc0(sizeof(ForeignKey));
	ArrayType  *attnums = DatumGetArrayTypeP(column(table, row, 7));
	ArrayType  *referenced = DatumGetArrayTypeP(column(table, row, 8));
	ArrayType  *operators = DatumGetArrayTypeP(column(table, row, 9));

	key->relid = DatumGetObjectId(column(table, row, 1));
	key->owner = DatumGetObjectId(column(table, row, 2));
	key->name = TextDatumGetCString(column(table, row, 3));
	key->referenced_name = TextDatumGetCString(column(table, row, 4));
	key->deletes = DatumGetInt64(column(table, row, 5));
	key->updates = DatumGetInt64(column(table, row, 6));
	key->partitioned = DatumGetBool(column(table, row, 10));
	key->referenced = DatumGetObjectId(column(table, row, 11));
	key->nkeys = ArrayGetNItems(ARR_NDIM(attnums), ARR_DIMS(attnums));
	if (key->nkeys > KEYS_OF_A_ROW)
		return NULL;
	memcpy(key->attnums, ARR_DATA_PTR(attnums), sizeof(AttrNumber) * key->nkeys);
	memcpy(key->referenced_attnums, ARR_DATA_PTR(referenced),
		   sizeof(AttrNumber) * key->nkeys);
	memcpy(key->operators, ARR_DATA_PTR(operators), sizeof(Oid) * key->nkeys);
	return key;
}

/* The constraints without an index, in the caller's memory */
static List *
find_keys(void)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *keys = NIL;
	int			level = hinttext_plain_search_path();

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(QUERY, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the foreign keys");
	MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		ForeignKey *key = read_key(SPI_tuptable, i);

		if (key != NULL)
			keys = lappend(keys, key);
	}
	SPI_finish();
	AtEOXact_GUC(true, level);
	return keys;
}

/* What the constraint's trigger asks when a referenced row goes */
static char *
look_up_text(const ForeignKey *key, Oid *types)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT 1 FROM %s%s x", key->partitioned ? "" : "ONLY ",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(key->relid)),
												get_rel_name(key->relid)));
	for (int i = 0; i < key->nkeys; i++)
	{
		Oid			operator = key->operators[i];
		HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
		Form_pg_operator op;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for operator %u", operator);
		op = (Form_pg_operator) GETSTRUCT(tuple);
		types[i] = get_atttype(key->referenced, key->referenced_attnums[i]);
		appendStringInfo(&buf, " %s $%d OPERATOR(%s.%s) x.%s",
						 i == 0 ? "WHERE" : "AND", i + 1,
						 quote_identifier(get_namespace_name(op->oprnamespace)),
						 NameStr(op->oprname),
						 quote_identifier(get_attname(key->relid, key->attnums[i], false)));
		ReleaseSysCache(tuple);
	}
	appendStringInfoString(&buf, " FOR KEY SHARE OF x");
	return buf.data;
}

/* Become the table's owner until the subtransaction ends */
static void
become_owner(Oid owner)
{
	int			sec_context;
	Oid			userid;

	(void) NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("client_min_messages", "error", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(owner, sec_context | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
}

static PlannedStmt *
plan_as_usual(NPO_PLANNER_ARGS)
{
	if (planner_hook)
		return planner_hook(NPO_PLANNER_PASS);
	return standard_planner(NPO_PLANNER_PASS);
}

static void
write_reason(HintEntry *entry, const ForeignKey *key)
{
	hinttext_set(entry->reason, HINT_REASON_LEN,
				 psprintf("foreign key %s: a row of %s that is deleted, or whose key is changed, is looked for in the whole table ("
						  INT64_FORMAT " deletes, " INT64_FORMAT " updates so far); the plan's cost falls from %.0f to %.0f",
						  quote_identifier(key->name), key->referenced_name,
						  key->deletes, key->updates,
						  entry->cost_before, entry->cost_after));
}

/* Ask the planner; returns the number of entries, none or one */
static int
verify_key(const ForeignKey *key, HintEntry *entry)
{
	Oid			types[KEYS_OF_A_ROW];
	HintEntry  *common = palloc0(sizeof(HintEntry));
	Verdict		verdict = {0};
	List	   *queries;
	char	   *text;

	if (!ConditionalLockRelationOid(key->relid, RowShareLock))
		return 0;
	text = look_up_text(key, types);
	queries = pg_analyze_and_rewrite_fixedparams(linitial_node(RawStmt, pg_parse_query(text)),
												 text, types, key->nkeys, NULL);
	verify_statement(&verdict, linitial_node(Query, queries), text, 0, NULL,
					 plan_as_usual, KEY_BUDGET_MS);
	if (verdict.indexes == NIL)
		return 0;
	common->dbid = MyDatabaseId;
	common->userid = key->owner;
	common->first_seen = common->last_seen = GetCurrentTimestamp();
	hinttext_set(common->query, HINT_QUERY_LEN, text);
	if (hinttext_entries(entry, 1, common, &verdict) == 0 || entry->nkeys == 0)
		return 0;
	write_reason(entry, key);
	return 1;
}

/* The same in a subtransaction that leaves nothing behind but the entry */
static int
verify_as_owner(const ForeignKey *key, HintEntry *entry)
{
	MemoryContext old_context = CurrentMemoryContext;
	ResourceOwner old_owner = CurrentResourceOwner;
	volatile int n = 0;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		become_owner(key->owner);
		n = verify_key(key, entry);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old_context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		n = 0;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old_context);
	CurrentResourceOwner = old_owner;
	if (error != NULL && !verify_may_swallow(error->sqlerrcode))
		ReThrowError(error);
	return n;
}

/*
 * Hints for foreign keys; "into" has room for HINTKEYS_MAX.  Nothing of this
 * is a statement of the reader's to be looked at.
 */
int
hintkeys_collect(HintEntry *into)
{
	bool		was_busy = hints_set_busy(true);
	volatile int n = 0;

	PG_TRY();
	{
		Stopwatch	watch;
		ListCell   *lc;

		stopwatch_start(&watch);
		foreach(lc, find_keys())
		{
			if (n < HINTKEYS_MAX && !stopwatch_is_over(&watch, READ_BUDGET_MS))
				n += verify_as_owner((ForeignKey *) lfirst(lc), &into[n]);
		}
	}
	PG_FINALLY();
	{
		(void) hints_set_busy(was_busy);
	}
	PG_END_TRY();
	return n;
}
