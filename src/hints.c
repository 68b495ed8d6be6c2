/*-------------------------------------------------------------------------
 *
 * hints.c
 *	  Which statements are looked at for missing indexes, and when.
 *
 * Owns the statements of interest of this backend: a small table of fixed
 * size, keyed by fingerprint.  A statement comes in by hints_request(), when
 * it is found in a loop or has been slow.  The next time that it is planned,
 * hints_plan() verifies it on a copy of its Query, with its real values, role
 * and search path, and the result goes to the store in shared memory.  From
 * then on its executions are counted here and added to the store in batches.
 *
 * A statement whose cached plan keeps it away from the planner is put into
 * the store unverified; hintview.c verifies it when somebody looks.
 *
 * What a verification throws ends with its subtransaction, but for a cancel
 * or a termination, which are the user's and go on.  A bucket of ten
 * verifications that fills up by one a second bounds what all this can cost.
 *
 * Locking: none here.  Nothing is allocated outside a memory context that
 * ends with the verification.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "hints.h"
#include "hinttext.h"
#include "normalize.h"
#include "verify.h"
#include "compat.h"

#define INTERESTS			128
#define PROBES				8
#define REFS				3
#define RELIDS				4

/* The bucket: so many at once, and one more each second */
#define BUCKET_SIZE			10
#define VERIFY_BUDGET_MS	20

/* A verification that ran out of time is tried again so often */
#define MAX_TRIES			3

/* For "unplanned" of a verified statement: one of its tables has changed */
#define STALE				(-1)

/* Executions without a planning after which a plan must be a cached one */
#define CACHED_AFTER		3

/* Numbers go to shared memory at most this often */
#define FLUSH_INTERVAL_MS	1000

typedef enum InterestState
{
	INTEREST_FREE,
	INTEREST_WANTED,			/* to be verified when it is planned next */
	INTEREST_PENDING,			/* the same, and in the store unverified */
	INTEREST_DONE				/* verified; refs say what came of it */
} InterestState;

typedef struct Interest
{
	uint64		queryid;
	uint64		clusterid;
	InterestState state;
	int			tries;			/* verifications that ran out of time */
	int			unplanned;		/* executions since the request */
	Oid			relids[RELIDS]; /* a change of one makes it unknown again */
	int			nrefs;
	HintRef		refs[REFS];
	double		share;			/* of its time that the indexes would save */
	int64		calls;			/* not in the store yet */
	double		time;
} Interest;

bool		hints_enabled = true;
int			hints_min_time = 10;

int			hints_interests = 0;
int			hints_wanted_count = 0;

static Interest interests[INTERESTS];
static bool busy = false;
static bool callbacks_registered = false;
static int	bucket = BUCKET_SIZE;
static TimestampTz bucket_filled = 0;
static TimestampTz last_flush = 0;

void
hints_define_settings(void)
{
	DefineCustomBoolVariable("pg_nplusone.index_hints",
							 "Looks for the index that a loop or a slow statement lacks.",
							 NULL, &hints_enabled, true, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.hint_min_time",
							"Statements outside loops that took at least this long are looked at for missing indexes.",
							"-1 looks at loops only.",
							&hints_min_time, 10, -1, INT_MAX, PGC_SUSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
}

static Interest *
find_interest(uint64 queryid)
{
	uint32		start = murmurhash32((uint32) (queryid ^ (queryid >> 32)));

	for (int i = 0; i < PROBES; i++)
	{
		Interest   *interest = &interests[(start + i) % INTERESTS];

		if (interest->state != INTEREST_FREE && interest->queryid == queryid)
			return interest;
	}
	return NULL;
}

static void
set_state(Interest *interest, InterestState state)
{
	bool		was = interest->state == INTEREST_WANTED ||
		interest->state == INTEREST_PENDING;
	bool		is = state == INTEREST_WANTED || state == INTEREST_PENDING;

	hints_wanted_count += (int) is - (int) was;
	hints_interests += (int) (state != INTEREST_FREE) -
		(int) (interest->state != INTEREST_FREE);
	interest->state = state;
}

/* Add what this backend has counted to the store */
static void
flush_interest(Interest *interest)
{
	if (interest->calls == 0)
		return;
	for (int i = 0; i < interest->nrefs; i++)
		if (!hintstore_add(interest->refs[i], interest->clusterid,
						   interest->calls, interest->time,
						   interest->time * interest->share))
		{
			/* evicted or reset: if it matters it will be found again */
			set_state(interest, INTEREST_FREE);
			break;
		}
	if (interest->nrefs > 0)
	{
		interest->calls = 0;
		interest->time = 0;
	}
}

void
hints_flush(void)
{
	if (!hintstore_ready())
		return;
	for (int i = 0; i < INTERESTS && hints_interests > 0; i++)
		if (interests[i].state != INTEREST_FREE)
			flush_interest(&interests[i]);
}

/* Everything is to be found anew: after a reset */
void
hints_forget(void)
{
	for (int i = 0; i < INTERESTS; i++)
		set_state(&interests[i], INTEREST_FREE);
}

/* At exit: numbers only */
static void
flush_at_exit(int code, Datum arg)
{
	hints_flush();
}

/* A table has changed: what was found about it may no longer hold */
static void
relation_changed(Datum arg, Oid relid)
{
	for (int i = 0; i < INTERESTS && hints_interests > 0; i++)
	{
		Interest   *interest = &interests[i];

		if (interest->state != INTEREST_DONE || busy)
			continue;
		for (int j = 0; j < RELIDS; j++)
			if (relid == InvalidOid || relid == interest->relids[j])
				interest->unplanned = STALE;
	}
}

static void
register_callbacks(void)
{
	if (callbacks_registered)
		return;
	callbacks_registered = true;
	before_shmem_exit(flush_at_exit, (Datum) 0);
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

/* A place for a new statement; one without hints makes room if need be */
static Interest *
place_for(uint64 queryid)
{
	uint32		start = murmurhash32((uint32) (queryid ^ (queryid >> 32)));
	Interest   *idle = NULL;

	for (int i = 0; i < PROBES; i++)
	{
		Interest   *interest = &interests[(start + i) % INTERESTS];

		if (interest->state == INTEREST_FREE)
			return interest;
		if (interest->state == INTEREST_DONE &&
			(idle == NULL || interest->nrefs < idle->nrefs))
			idle = interest;
	}
	if (idle != NULL)
	{
		flush_interest(idle);
		set_state(idle, INTEREST_FREE);
	}
	return idle;
}

/*
 * A statement runs in a loop, or was slow: verify it when it is planned next.
 * calls and time are what has been seen of it before this call.
 */
void
hints_request(uint64 queryid, uint64 clusterid, int64 calls, double time)
{
	Interest   *interest;

	if (!hints_enabled || queryid == 0 || busy || !hintstore_ready())
		return;
	interest = find_interest(queryid);
	if (interest != NULL)
	{
		if (clusterid != 0)
			interest->clusterid = clusterid;
		if (interest->state == INTEREST_DONE && interest->unplanned == STALE)
		{
			flush_interest(interest);
			interest->unplanned = 0;
			set_state(interest, INTEREST_WANTED);
		}
		return;
	}
	interest = place_for(queryid);
	if (interest == NULL)
		return;
	register_callbacks();
	set_state(interest, INTEREST_FREE);
	memset(interest, 0, sizeof(*interest));
	interest->queryid = queryid;
	interest->clusterid = clusterid;
	interest->calls = calls;
	interest->time = time;
	set_state(interest, INTEREST_WANTED);
}

/* Nothing is to be requested or verified while a verification runs */
bool
hints_set_busy(bool now)
{
	bool		before = busy;

	busy = now;
	return before;
}

bool
hints_is_wanted(uint64 queryid)
{
	Interest   *interest = find_interest(queryid);

	return interest != NULL && !busy && !whatif_active() && hints_enabled &&
		(interest->state == INTEREST_WANTED ||
		 interest->state == INTEREST_PENDING);
}

/* One verification from the bucket, if there is one left */
static bool
take_from_bucket(void)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		seconds = (now - bucket_filled) / USECS_PER_SEC;

	if (seconds > 0)
	{
		bucket = (int) Min((int64) BUCKET_SIZE, bucket + seconds);
		bucket_filled = now;
	}
	if (bucket == 0)
		return false;
	bucket--;
	return true;
}

/* Has another backend, or a reader, found out about this statement already? */
static bool
adopt(Interest *interest, bool confirmed_only)
{
	interest->nrefs = hintstore_adopt(MyDatabaseId, GetUserId(),
									  interest->queryid, confirmed_only,
									  interest->refs, REFS, &interest->share);
	if (interest->nrefs > 0)
		set_state(interest, INTEREST_DONE);
	return interest->nrefs > 0;
}

/*
 * A cached plan has kept the statement from the planner: leave it with all
 * that is needed to plan it elsewhere.  Texts that are too long to be kept
 * whole are left alone.
 */
static void
publish_pending(Interest *interest, QueryDesc *queryDesc)
{
	HintEntry	entry;
	const char *text = queryDesc->sourceText;
	int			location = Max(queryDesc->plannedstmt->stmt_location, 0);
	int			len = queryDesc->plannedstmt->stmt_len;
	ParamListInfo params = queryDesc->params;

	if (adopt(interest, false))
		return;
	set_state(interest, INTEREST_PENDING);
	if (text == NULL || (params && params->numParams > HINT_MAX_PARAMS))
		return;
	text += location;
	if (len <= 0)
		len = strlen(text);
	if (len >= HINT_QUERY_LEN || strlen(namespace_search_path) >= HINT_PATH_LEN)
		return;
	memset(&entry, 0, sizeof(entry));
	entry.dbid = MyDatabaseId;
	entry.userid = GetUserId();
	entry.queryid = interest->queryid;
	entry.clusterid = interest->clusterid;
	entry.first_seen = entry.last_seen = GetCurrentTimestamp();
	memcpy(entry.query, text, len);
	entry.verified = HINT_PENDING;
	strlcpy(entry.search_path, namespace_search_path, HINT_PATH_LEN);
	entry.nparams = params ? params->numParams : 0;
	for (int i = 0; i < entry.nparams; i++)
		entry.param_types[i] = params->params[i].ptype;
	entry.calls = interest->calls;
	entry.total_time = interest->time;
	interest->calls = 0;
	interest->time = 0;
	interest->share = 0;
	interest->refs[0] = hintstore_put(&entry);
	interest->nrefs = 1;
}

/* One execution of any statement, while some are of interest */
void
hints_count(QueryDesc *queryDesc, double time)
{
	Interest   *interest = find_interest(queryDesc->plannedstmt->queryId);
	TimestampTz now;

	if (interest == NULL || busy)
		return;
	interest->calls++;
	interest->time += time;
	if (interest->state == INTEREST_WANTED &&
		++interest->unplanned >= CACHED_AFTER && bucket > 0)
		publish_pending(interest, queryDesc);
	if (interest->nrefs == 0)
		return;
	now = GetCurrentTimestamp();
	if (now - last_flush > FLUSH_INTERVAL_MS * INT64CONST(1000))
	{
		last_flush = now;
		hints_flush();
	}
}

/* Put a verdict into the store: an entry for each index, or the finding */
static void
publish(Interest *interest, Verdict *verdict, const char *query_string,
		Query *query)
{
	HintEntry  *entries = palloc(sizeof(HintEntry) * REFS);
	HintEntry	common = {0};
	char	   *text = normalize_statement(query_string, query->stmt_location,
										   query->stmt_len, HINT_QUERY_LEN - 1);
	int			n;

	interest->share = 1 - verdict->cost_after / Max(verdict->cost_before, 1);
	common.dbid = MyDatabaseId;
	common.userid = GetUserId();
	common.queryid = interest->queryid;
	common.clusterid = interest->clusterid;
	common.first_seen = common.last_seen = GetCurrentTimestamp();
	common.calls = interest->calls;
	common.total_time = interest->time;
	common.saving = interest->time * interest->share;
	strlcpy(common.query, text ? text : "", HINT_QUERY_LEN);
	n = hinttext_entries(entries, REFS, &common, verdict);

	if (interest->state == INTEREST_PENDING && interest->nrefs > 0)
		hintstore_drop(interest->refs[0]);
	interest->nrefs = n;
	for (int i = 0; i < n; i++)
		interest->refs[i] = hintstore_put(&entries[i]);
	interest->calls = 0;
	interest->time = 0;
}

/*
 * One verification, and what comes of it into the store.  Says whether it ran
 * out of time and is to be tried again.
 */
static bool
verify_and_publish(Interest *interest, Query *query, const char *query_string,
				   int cursorOptions, ParamListInfo boundParams,
				   WhatifPlanner planner)
{
	Verdict		verdict = {0};
	int			level = NewGUCNestLevel();
	bool		again;

	/* what functions say while they are folded has been said already */
	(void) set_config_option("client_min_messages", "error", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	verify_statement(&verdict, query, query_string, cursorOptions, boundParams,
					 planner, VERIFY_BUDGET_MS);
	again = verdict.timed_out && verdict.indexes == NIL &&
		++interest->tries < MAX_TRIES;
	if (!again)
		publish(interest, &verdict, query_string, query);
	AtEOXact_GUC(true, level);
	return again;
}

/*
 * A verification has thrown, and its subtransaction is undone.  A cancel or a
 * termination goes on to where it was meant; the rest ends here.
 */
static void
end_error(ErrorData *error)
{
	if (!verify_may_swallow(error->sqlerrcode))
		ReThrowError(error);
	ereport(DEBUG1,
			(errmsg_internal("index hint verification failed: %s",
							 error->message)));
	FreeErrorData(error);
}

/*
 * Run a verification in a subtransaction, so that whatever goes wrong in it
 * is undone.  Says whether it is to be tried again.
 */
static bool
verify_safely(Interest *interest, Query *query, const char *query_string,
			  int cursorOptions, ParamListInfo boundParams,
			  WhatifPlanner planner)
{
	MemoryContext old_context = CurrentMemoryContext;
	ResourceOwner old_owner = CurrentResourceOwner;
	MemoryContext context = AllocSetContextCreate(old_context,
												  "pg_nplusone verification",
												  ALLOCSET_DEFAULT_SIZES);
	ErrorData  *volatile error = NULL;
	volatile bool again = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	busy = true;
	PG_TRY();
	{
		again = verify_and_publish(interest, query, query_string,
								   cursorOptions, boundParams, planner);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old_context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old_context);
	CurrentResourceOwner = old_owner;
	MemoryContextDelete(context);
	busy = false;
	if (error != NULL)
		end_error(error);
	return again;
}

/* The user's own tables in a plan, whose changes are to be heeded */
static void
note_relations(Interest *interest, PlannedStmt *plan)
{
	ListCell   *lc;
	int			n = 0;

	memset(interest->relids, 0, sizeof(interest->relids));
	foreach(lc, plan->relationOids)
		if (n < RELIDS && lfirst_oid(lc) >= FirstNormalObjectId)
			interest->relids[n++] = lfirst_oid(lc);
}

/*
 * Called after the real planning of a wanted statement with a copy of its
 * Query that planning has not touched.  The plan that the user gets is not
 * changed by anything in here.
 */
void
hints_plan(Query *query, const char *query_string, int cursorOptions,
		   ParamListInfo boundParams, PlannedStmt *plan, WhatifPlanner planner)
{
	Interest   *interest = find_interest(query->queryId);

	if (interest == NULL || busy || whatif_active() || IsParallelWorker() ||
		IsInParallelMode() || !IsTransactionState())
		return;
	interest->unplanned = 0;
	note_relations(interest, plan);
	if (interest->state == INTEREST_WANTED && adopt(interest, true))
		return;
	if (!verify_worthwhile(plan))
	{
		set_state(interest, INTEREST_DONE);
		return;
	}
	if (!take_from_bucket())
		return;
	if (!verify_safely(interest, query, query_string, cursorOptions,
					   boundParams, planner))
		set_state(interest, INTEREST_DONE);
}
