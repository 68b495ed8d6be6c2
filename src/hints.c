/*-------------------------------------------------------------------------
 *
 * hints.c
 *	  Which statements are looked at for missing indexes, and when.
 *
 * Owns the statements of interest of this backend: a small table of fixed
 * size, keyed by fingerprint and user.  A statement comes in by hints_request(), when
 * it is found in a loop or has been slow.  The next time that it is planned,
 * hints_plan() verifies it on a copy of its Query, with its real values, role
 * and search path, and the result goes to the store in shared memory.  From
 * then on its executions are counted here and added to the store in batches.
 *
 * A statement whose cached plan keeps it away from the planner is verified
 * when it has run: reparse.c makes its Query anew from its text, in its own
 * session, with its own parameters.  Nobody plans for anybody else.
 *
 * What a verification throws ends with its subtransaction, but for a cancel
 * or a termination, which are the user's and go on.  A bucket of ten
 * verifications that fills up by one a second bounds what all this can cost;
 * and a statement that has not run for a minute is no longer counted, so that
 * hints_counted comes down to zero and the others stop paying.
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
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "hints.h"
#include "hinttext.h"
#include "normalize.h"
#include "planwalk.h"
#include "reparse.h"
#include "stopwatch.h"
#include "verify.h"
#include "compat.h"

#define INTERESTS			128
#define PROBES				8
#define REFS				3
#define RELIDS				4

/* The bucket: so many at once, and one more each second */
#define BUCKET_SIZE			10
#define VERIFY_BUDGET_MS	20

/* A verification that came to no end is tried so often */
#define MAX_TRIES			3

/* Executions without a planning after which a plan must be a cached one */
#define CACHED_AFTER		2

/* Numbers go to shared memory at most this often */
#define FLUSH_INTERVAL_MS	1000

/* A statement that has not run for so long is no longer counted */
#define IDLE_AFTER_MS		60000

typedef enum InterestState
{
	INTEREST_FREE,
	INTEREST_WANTED,			/* to be verified when planned or run next */
	INTEREST_COUNTED,			/* verified; executions go to its hints */
	INTEREST_DONE				/* remembered, lest it be verified again */
} InterestState;

typedef struct Interest
{
	uint64		queryid;
	uint64		clusterid;
	Oid			userid;
	InterestState state;
	int			tries;			/* verifications that came to no end */
	int			unplanned;		/* executions since it was planned last */
	Oid			relids[RELIDS]; /* a change of one makes it stale */
	int			nrefs;
	bool		no_reparse;		/* its text cannot be parsed by itself */
	bool		stale;			/* one of its tables has changed */
	bool		anew;			/* verified before: what others say is old */
	HintRef		refs[REFS];
	double		share;			/* of its time that the indexes would save */
	int64		calls;			/* not in the store yet */
	double		time;
	TimestampTz last_run;
} Interest;

/* What is needed to verify a statement */
typedef struct VerifyTask
{
	Interest   *interest;
	Query	   *query;			/* NULL: to be parsed again */
	QueryDesc  *queryDesc;		/* ... from this */
	const char *query_string;
	int			cursorOptions;
	ParamListInfo params;
	WhatifPlanner planner;
} VerifyTask;

bool		hints_enabled = true;
int			hints_min_time = 10;

int			hints_wanted_count = 0;
uint64		hints_counted = 0;

static Interest interests[INTERESTS];
static bool busy = false;
static bool callbacks_registered = false;
static int	bucket = BUCKET_SIZE;
static TimestampTz bucket_filled = 0;
static TimestampTz last_flush = 0;
static TimestampTz last_sweep = 0;
static Stopwatch planning;		/* of the planning that goes on, if wanted */

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

		if (interest->state != INTEREST_FREE && interest->queryid == queryid &&
			interest->userid == GetUserId())
			return interest;
	}
	return NULL;
}

static inline bool
is_counted(const Interest *interest)
{
	return interest->state == INTEREST_WANTED || interest->state == INTEREST_COUNTED;
}

static void
set_state(Interest *interest, InterestState state)
{
	if (state == interest->state)
		return;
	hints_wanted_count += (int) (state == INTEREST_WANTED) -
		(int) (interest->state == INTEREST_WANTED);
	interest->state = state;
	hints_counted = 0;
	for (int i = 0; i < INTERESTS; i++)
		if (is_counted(&interests[i]))
			hints_counted |= HINTS_COUNTED_BIT(interests[i].queryid);
}

/* Verified: to be counted where there is something to count for */
static void
set_verified(Interest *interest)
{
	set_state(interest, interest->nrefs > 0 ? INTEREST_COUNTED : INTEREST_DONE);
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
	for (int i = 0; i < INTERESTS && hints_counted != 0; i++)
		if (interests[i].state != INTEREST_FREE)
			flush_interest(&interests[i]);
}

/*
 * Let go of what has not run for a while: a statement that was never verified
 * altogether, and the counting of the others until they are asked for again.
 */
static void
sweep(TimestampTz now)
{
	for (int i = 0; i < INTERESTS && hints_counted != 0; i++)
	{
		Interest   *interest = &interests[i];

		if (!is_counted(interest) ||
			now - interest->last_run <= IDLE_AFTER_MS * INT64CONST(1000))
			continue;
		if (interest->state == INTEREST_WANTED)
			set_state(interest, INTEREST_FREE);
		else
		{
			flush_interest(interest);
			if (interest->state == INTEREST_COUNTED)
				set_state(interest, INTEREST_DONE);
		}
	}
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
	if (busy)
		return;
	for (int i = 0; i < INTERESTS; i++)
	{
		Interest   *interest = &interests[i];

		if (interest->state != INTEREST_DONE &&
			interest->state != INTEREST_COUNTED)
			continue;
		for (int j = 0; j < RELIDS; j++)
			if (relid == InvalidOid || relid == interest->relids[j])
				interest->stale = true;
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
		if (interest->state != INTEREST_WANTED &&
			(idle == NULL || interest->nrefs < idle->nrefs ||
			 (interest->nrefs == idle->nrefs &&
			  interest->last_run < idle->last_run)))
			idle = interest;
	}
	if (idle != NULL)
	{
		flush_interest(idle);
		set_state(idle, INTEREST_FREE);
	}
	return idle;
}

/* What is known of it already, when it is asked for again */
static void
request_again(Interest *interest, uint64 clusterid, int64 calls, double time)
{
	if (clusterid != 0)
		interest->clusterid = clusterid;
	if (interest->state == INTEREST_DONE)
	{
		interest->calls += calls;
		interest->time += time;
	}
	if (interest->stale &&
		(interest->state == INTEREST_DONE || interest->state == INTEREST_COUNTED))
	{
		flush_interest(interest);
		interest->stale = false;
		interest->anew = true;
		interest->tries = 0;
		interest->unplanned = 0;
		set_state(interest, INTEREST_WANTED);
	}
	else if (interest->state == INTEREST_DONE)
		set_verified(interest);
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
		request_again(interest, clusterid, calls, time);
		return;
	}
	interest = place_for(queryid);
	if (interest == NULL)
		return;
	register_callbacks();
	memset(interest, 0, sizeof(*interest));
	interest->queryid = queryid;
	interest->userid = GetUserId();
	interest->clusterid = clusterid;
	interest->calls = calls;
	interest->time = time;
	interest->last_run = GetCurrentStatementStartTimestamp();
	set_state(interest, INTEREST_WANTED);
}

/* Nothing is requested, counted or verified while a reader is served */
bool
hints_set_busy(bool now)
{
	bool		before = busy;

	busy = now;
	return before;
}

/* Is there a verification left in the bucket? */
static bool
fill_bucket(TimestampTz now)
{
	int64		seconds = (now - bucket_filled) / USECS_PER_SEC;

	if (seconds > 0)
	{
		bucket = (int) Min((int64) BUCKET_SIZE, bucket + seconds);
		bucket_filled = now;
	}
	return bucket > 0;
}

/* May anything be verified here and now? */
static bool
may_verify(void)
{
	return !busy && hints_enabled && !whatif_active() && !IsParallelWorker() &&
		!IsInParallelMode() && IsTransactionState();
}

/* Asked before a planning, whose time is taken when the answer is yes */
bool
hints_is_wanted(uint64 queryid)
{
	Interest   *interest;

	if (!may_verify())
		return false;
	interest = find_interest(queryid);
	if (interest == NULL || interest->state != INTEREST_WANTED ||
		!fill_bucket(GetCurrentStatementStartTimestamp()))
		return false;
	stopwatch_start(&planning);
	return true;
}

/* Has another backend found out about this statement already? */
static bool
adopt(Interest *interest)
{
	if (interest->anew)
		return false;
	interest->nrefs = hintstore_adopt(MyDatabaseId, GetUserId(),
									  interest->queryid, interest->refs, REFS,
									  &interest->share);
	if (interest->nrefs > 0)
		set_verified(interest);
	return interest->nrefs > 0;
}

/* What the entries of a statement begin with */
static void
start_entry(HintEntry *entry, const Interest *interest, const char *text,
			int location, int len)
{
	char	   *shown = normalize_statement(text, location, len,
											HINT_QUERY_LEN - 1);

	memset(entry, 0, sizeof(*entry));
	entry->dbid = MyDatabaseId;
	entry->userid = GetUserId();
	entry->queryid = interest->queryid;
	entry->clusterid = interest->clusterid;
	entry->first_seen = entry->last_seen = GetCurrentTimestamp();
	entry->calls = interest->calls;
	entry->total_time = interest->time;
	strlcpy(entry->query, shown ? shown : "", HINT_QUERY_LEN);
}

/* Take out what this statement had before and has no longer */
static void
drop_former(const Interest *interest, const HintRef *former, int nformer)
{
	for (int i = 0; i < nformer; i++)
	{
		bool		still = false;

		for (int j = 0; j < interest->nrefs; j++)
			still = still || interest->refs[j].slot == former[i].slot;
		if (!still)
			hintstore_drop(former[i], interest->queryid);
	}
}

/* Put the entries of a statement into the store, in the place of its former */
static void
store_entries(Interest *interest, const HintEntry *entries, int n)
{
	HintRef		former[REFS];
	int			nformer = interest->nrefs;

	memcpy(former, interest->refs, sizeof(former));
	interest->nrefs = n;
	for (int i = 0; i < n; i++)
		interest->refs[i] = hintstore_put(&entries[i]);
	drop_former(interest, former, nformer);
	interest->calls = 0;
	interest->time = 0;
}

/* Put a verdict into the store: an entry for each index, or the finding */
static void
publish(VerifyTask *task, const Verdict *verdict)
{
	Interest   *interest = task->interest;
	HintEntry  *entries = palloc0(sizeof(HintEntry) * REFS);
	HintEntry  *common = palloc(sizeof(HintEntry));
	int			n;

	interest->share = 1 - verdict->cost_after / Max(verdict->cost_before, 1);
	start_entry(common, interest, task->query_string, task->query->stmt_location,
				task->query->stmt_len);
	common->saving = interest->time * interest->share;
	n = hinttext_entries(entries, REFS, common, verdict);
	store_entries(interest, entries, n);
}

/*
 * One verification, and what comes of it into the store.  Says whether it is
 * to be tried again.
 */
static bool
verify_and_publish(VerifyTask *task)
{
	Verdict		verdict = {0};
	int			level = NewGUCNestLevel();
	bool		again;

	/* what functions say while they are folded has been said already */
	(void) set_config_option("client_min_messages", "error", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (task->query == NULL)
		reparse_statement(task->queryDesc, &task->query, &task->query_string,
						  &task->params);
	verify_statement(&verdict, task->query, task->query_string,
					 task->cursorOptions, task->params, task->planner,
					 VERIFY_BUDGET_MS);
	again = verdict.timed_out && verdict.indexes == NIL &&
		++task->interest->tries < MAX_TRIES;
	if (!again)
		publish(task, &verdict);
	AtEOXact_GUC(true, level);
	return again;
}

/* What did not come to an end is tried again, but not for ever */
static void
give_up_after_tries(Interest *interest)
{
	if (++interest->tries >= MAX_TRIES)
		set_verified(interest);
}

/*
 * Run a verification in a subtransaction, so that whatever goes wrong in it
 * is undone.  A cancel or a termination goes on to where it was meant; any
 * other error is returned.
 */
static ErrorData *
verify_safely(VerifyTask *task)
{
	MemoryContext old_context = CurrentMemoryContext;
	ResourceOwner old_owner = CurrentResourceOwner;
	MemoryContext context = AllocSetContextCreate(old_context,
												  "pg_nplusone verification",
												  ALLOCSET_DEFAULT_SIZES);
	ErrorData  *volatile error = NULL;
	volatile bool again = false;

	bucket--;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	busy = true;
	PG_TRY();
	{
		again = verify_and_publish(task);
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
	if (error != NULL && !verify_may_swallow(error->sqlerrcode))
	{
		give_up_after_tries(task->interest);
		ReThrowError(error);
	}
	if (error != NULL)
		ereport(DEBUG1,
				(errmsg_internal("index hint verification failed: %s",
								 error->message)));
	else if (!again)
		set_verified(task->interest);
	return error;
}

/* The planner that everybody else uses; our own hook keeps out of the way */
static PlannedStmt *
plan_as_usual(NPO_PLANNER_ARGS)
{
	if (planner_hook)
		return planner_hook(NPO_PLANNER_PASS);
	return standard_planner(NPO_PLANNER_PASS);
}

/* A cached plan that cannot be verified: a row that says why */
static void
publish_failure(Interest *interest, QueryDesc *queryDesc, const ErrorData *error)
{
	HintEntry  *entry = palloc(sizeof(HintEntry));

	start_entry(entry, interest,
				queryDesc->sourceText ? queryDesc->sourceText : "",
				queryDesc->plannedstmt->stmt_location,
				queryDesc->plannedstmt->stmt_len);
	entry->verified = HINT_NOT_VERIFIED;
	hinttext_set(entry->reason, HINT_REASON_LEN,
				 psprintf("runs by a cached plan, and could not be planned again: %s",
						  error->message));
	interest->share = 0;
	store_entries(interest, entry, 1);
	pfree(entry);
	set_verified(interest);
}

/* The user's own tables in a plan, whose changes are to be heeded */
static void
note_relations(Interest *interest, PlannedStmt *plan)
{
	ListCell   *lc;
	int			n = 0;

	memset(interest->relids, 0, sizeof(interest->relids));
	foreach(lc, plan->relationOids)
	{
		if (n < RELIDS && lfirst_oid(lc) >= FirstNormalObjectId)
			interest->relids[n++] = lfirst_oid(lc);
	}
}

/*
 * A wanted statement has run without having been planned.  Its text is parsed
 * again here, where its variables, user and search path are.  A text that
 * stands for nothing by itself (a function's, with its arguments' names) gets
 * another chance when its plan is made, though without values.
 */
static void
verify_cached(Interest *interest, QueryDesc *queryDesc)
{
	VerifyTask	task = {.interest = interest,.queryDesc = queryDesc,
		.planner = plan_as_usual
	};
	ErrorData  *error;

	note_relations(interest, queryDesc->plannedstmt);
	if (adopt(interest))
		return;
	if (!verify_worthwhile(queryDesc->plannedstmt))
	{
		set_verified(interest);
		return;
	}
	error = verify_safely(&task);
	if (error == NULL)
		return;
	if (interest->no_reparse)
		publish_failure(interest, queryDesc, error);
	interest->no_reparse = true;
	interest->unplanned = 0;
	FreeErrorData(error);
}

/* One execution of a statement that may be of interest, its time in microseconds */
void
hints_count(QueryDesc *queryDesc, int64 time)
{
	Interest   *interest = find_interest(queryDesc->plannedstmt->queryId);
	TimestampTz now = GetCurrentStatementStartTimestamp();

	if (busy)
		return;
	if (now - last_sweep > IDLE_AFTER_MS / 2 * INT64CONST(1000))
	{
		last_sweep = now;
		sweep(now);
	}
	if (interest == NULL || interest->state == INTEREST_DONE)
		return;
	interest->calls++;
	interest->time += time / 1000.0;
	interest->last_run = now;
	if (interest->state == INTEREST_WANTED &&
		++interest->unplanned >= CACHED_AFTER && may_verify() &&
		fill_bucket(GetCurrentTimestamp()))
		verify_cached(interest, queryDesc);
	if (interest->nrefs == 0)
		return;
	now = GetCurrentTimestamp();
	if (now - last_flush > FLUSH_INTERVAL_MS * INT64CONST(1000))
	{
		last_flush = now;
		hints_flush();
	}
}

/*
 * A statement whose plan is fixed by a comment for pg_hint_plan is out of the
 * planner's hands, and that module does not expect an index without a name.
 */
static bool
plan_is_fixed(const char *query_string)
{
	return query_string != NULL && strstr(query_string, "/*+") != NULL;
}

/* An index that another module has made up, for an EXPLAIN */
static bool
is_invention(Plan *plan, void *context)
{
	Oid			indexoid = planwalk_index(plan);

	return OidIsValid(indexoid) &&
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(indexoid));
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
	VerifyTask	task = {.interest = interest,.query = query,
		.query_string = query_string,.cursorOptions = cursorOptions,
		.params = boundParams,.planner = planner
	};
	ErrorData  *error;

	/* the planning may have run functions, and they anything */
	if (interest == NULL || interest->state != INTEREST_WANTED ||
		!may_verify() || planwalk(plan, is_invention, NULL))
		return;
	note_relations(interest, plan);
	if (adopt(interest))
		return;
	if (!verify_worthwhile(plan) || plan_is_fixed(query_string))
	{
		set_verified(interest);
		return;
	}

	/* what takes so long to plan once is not planned over and over */
	if (stopwatch_is_over(&planning, VERIFY_BUDGET_MS))
	{
		give_up_after_tries(interest);
		return;
	}

	/* a generic plan in the making: its values are known when it has run */
	if (boundParams == NULL && !interest->no_reparse && verify_has_params(query))
	{
		interest->unplanned = CACHED_AFTER;
		return;
	}
	interest->unplanned = 0;
	error = verify_safely(&task);
	if (error != NULL)
	{
		set_verified(interest);
		FreeErrorData(error);
	}
}
