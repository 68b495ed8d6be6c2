/*-------------------------------------------------------------------------
 *
 * hooks.c
 *	  Where the module is called from: thin, early-outs and calls only.
 *
 * Owns the nesting depth.  It is raised around everything that may run other
 * statements (planning, running and finishing a statement, utilities) and
 * comes back by PG_FINALLY, for statements that are not followed as well, or
 * else the statements inside them would pass for the client's.
 *
 * What a client sends is not always at depth 0, nor is everything at depth 0
 * a client's.  EXECUTE, DECLARE CURSOR, FETCH and COPY (query) are utilities
 * that are no level of their own; a deferred trigger runs at COMMIT, at
 * depth 0 and outside of every utility, and is known by its receiver and by
 * the missing portal.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "optimizer/planner.h"
#include "storage/ipc.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/portal.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "evidence.h"
#include "hints.h"
#include "hooks.h"
#include "requests.h"
#include "settings.h"
#include "slots.h"
#include "unit.h"

/* planned cost below which no index would help much, as in whatif.c */
#define HINTED_COST 100.0

/* how SPI and PL/pgSQL name the portals that they open themselves */
#define INTERNAL_PORTAL_PREFIX "<unnamed portal "

static planner_hook_type prev_planner = NULL;
static ExecutorStart_hook_type prev_ExecutorStart = NULL;
static ExecutorRun_hook_type prev_ExecutorRun = NULL;
static ExecutorFinish_hook_type prev_ExecutorFinish = NULL;
static ExecutorEnd_hook_type prev_ExecutorEnd = NULL;
static ProcessUtility_hook_type prev_ProcessUtility = NULL;

static int	depth = 0;			/* statements around the current one */
static int	explaining = 0;		/* EXPLAINs around it */
static uint64 cursor_queryid = 0;	/* of the query that is being declared */
static bool attached = false;	/* this backend has its slot */
static bool busy = false;		/* this transaction took time of its own */

/* -------------------------------------------------------------------------
 * Which statements are followed
 * -------------------------------------------------------------------------
 */

/* Fold what is running before the slot goes to another backend. */
static void
detach_at_exit(int code, Datum arg)
{
	attached = false;
	npo_loaded = false;

	unit_close();
	requests_flush();
	slots_detach();
}

static bool
attach(void)
{
	if (MyBackendType != B_BACKEND || !unit_attach())
	{
		/* no client here: never ask again */
		npo_loaded = false;
		return false;
	}
	before_shmem_exit(detach_at_exit, (Datum) 0);
	attached = true;
	return true;
}

/*
 * Did the server itself send this, for a trigger or a function?  The portal
 * of EXECUTE is named as SPI's are, but hidden.
 */
static bool
is_internal(const QueryDesc *queryDesc)
{
	return queryDesc->dest->mydest == DestSPI ||
		ActivePortal == NULL ||
		(ActivePortal->visible &&
		 strncmp(ActivePortal->name, INTERNAL_PORTAL_PREFIX,
				 sizeof(INTERNAL_PORTAL_PREFIX) - 1) == 0);
}

static inline uint64
server_queryid(const QueryDesc *queryDesc)
{
	uint64		queryid = (uint64) queryDesc->plannedstmt->queryId;

	return queryid != 0 ? queryid : cursor_queryid;
}

static inline uint64
fingerprint(const QueryDesc *queryDesc)
{
	return NPO_FINGERPRINT(server_queryid(queryDesc), queryDesc->plannedstmt);
}

/* Rows that stay in the server are no answer to a client. */
static bool
stays_in_server(const QueryDesc *queryDesc)
{
	return queryDesc->dest->mydest == DestIntoRel ||
		queryDesc->dest->mydest == DestTransientRel;
}

static bool
is_followed(const QueryDesc *queryDesc, int eflags, bool *nested)
{
	if (!npo_loaded || npo_track == TRACK_NONE ||
		server_queryid(queryDesc) == 0 ||
		(eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0 || explaining > 0)
		return false;
	*nested = depth > 0 || is_internal(queryDesc);
	if ((*nested && npo_track != TRACK_ALL) || stays_in_server(queryDesc) ||
		IsParallelWorker())
		return false;
	return attached || attach();
}

/* -------------------------------------------------------------------------
 * Planner and executor
 * -------------------------------------------------------------------------
 */

static PlannedStmt *
npo_planner(NPO_PLANNER_ARGS)
{
	planner_hook_type planner = prev_planner ? prev_planner : standard_planner;
	PlannedStmt *result;

	depth++;
	PG_TRY();
	{
		/* planning scribbles on the tree: what is planned again is a copy */
		Query	   *copy = hints_wanted(parse->queryId) ? copyObject(parse) : NULL;

		result = planner(NPO_PLANNER_PASS);
		if (copy != NULL)
			hints_plan(copy, query_string, cursorOptions, boundParams, result, planner);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	return result;
}

static void
npo_ExecutorStart(QueryDesc *queryDesc, int eflags)
{
	bool		nested;

	if (is_followed(queryDesc, eflags, &nested))
		busy |= unit_begin_statement(queryDesc, fingerprint(queryDesc), nested) == NULL ||
			IsTransactionBlock();
	if (prev_ExecutorStart)
		prev_ExecutorStart(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);
}

/* Does the statement hand rows to somebody whose next statement may use them? */
static bool
is_sampled(const QueryDesc *queryDesc)
{
	if (npo_sample_rows == 0 ||
		(queryDesc->operation != CMD_SELECT && !queryDesc->plannedstmt->hasReturning))
		return false;
	switch (queryDesc->dest->mydest)
	{
		case DestRemote:
		case DestRemoteExecute:
		case DestSPI:
		case DestCopyOut:
		case DestTuplestore:
			return true;
		default:
			return false;
	}
}

static void
start_usage(RunUsage *usage)
{
	usage->started = GetCurrentTimestamp();
	usage->blks_hit = pgBufferUsage.shared_blks_hit;
	usage->blks_read = pgBufferUsage.shared_blks_read;
}

static void
end_usage(RunUsage *usage, QueryDesc *queryDesc)
{
	usage->ended = GetCurrentTimestamp();
	usage->blks_hit = pgBufferUsage.shared_blks_hit - usage->blks_hit;
	usage->blks_read = pgBufferUsage.shared_blks_read - usage->blks_read;
	usage->rows = (int64) queryDesc->estate->es_processed;
}

static void
run_at_depth(NPO_EXECUTOR_RUN_ARGS, Sampler *sampler)
{
	depth++;
	PG_TRY();
	{
		if (prev_ExecutorRun)
			prev_ExecutorRun(NPO_EXECUTOR_RUN_PASS);
		else
			standard_ExecutorRun(NPO_EXECUTOR_RUN_PASS);
	}
	PG_FINALLY();
	{
		depth--;
		if (sampler != NULL)
			evidence_stop_sampling(sampler, queryDesc);
	}
	PG_END_TRY();
}

/* A run has taken so long: is that a reason to look for an index? */
static void
note_time(QueryDesc *queryDesc, int64 exec_time)
{
	double		ms = (double) exec_time / 1000.0;

	if (!hints_enabled)
		return;
	hints_note_execution(queryDesc, ms);
	if (hints_min_time >= 0 && ms >= hints_min_time)
		hints_request(server_queryid(queryDesc), 0, 1, ms);
}

/*
 * A statement that is not followed, inside a function or a trigger, may lack
 * an index all the same.  Its time is taken only where the planner expects it
 * to be dear, since foreign keys are checked with one such statement per row.
 */
static bool
is_timed(const QueryDesc *queryDesc)
{
	return hints_enabled && hints_min_time >= 0 && npo_loaded && explaining == 0 &&
		queryDesc->plannedstmt->planTree != NULL &&
		queryDesc->plannedstmt->planTree->total_cost >= HINTED_COST &&
		queryDesc->plannedstmt->queryId != 0 &&
		MyBackendType == B_BACKEND && !IsParallelWorker();
}

static void
run_unfollowed(NPO_EXECUTOR_RUN_ARGS)
{
	TimestampTz started = 0;

	if (is_timed(queryDesc))
		started = GetCurrentTimestamp();
	run_at_depth(NPO_EXECUTOR_RUN_PASS, NULL);
	if (started != 0)
		note_time(queryDesc, GetCurrentTimestamp() - started);
}

static void
npo_ExecutorRun(NPO_EXECUTOR_RUN_ARGS)
{
	Execution  *execution = attached ? unit_find(queryDesc) : NULL;
	Sampler		sampler;
	RunUsage	usage;
	bool		sampled;

	if (execution == NULL)
	{
		run_unfollowed(NPO_EXECUTOR_RUN_PASS);
		return;
	}
	sampled = is_sampled(queryDesc) && unit_is_sampled(execution);
	if (sampled)
	{
		unit_prepare_sampler(execution, count != 0, &sampler);
		evidence_start_sampling(&sampler, queryDesc);
	}
	start_usage(&usage);
	run_at_depth(NPO_EXECUTOR_RUN_PASS, sampled ? &sampler : NULL);
	end_usage(&usage, queryDesc);

	/* what ran inside may have closed the unit, or the subtransaction */
	execution = unit_find(queryDesc);
	if (execution == NULL)
		return;
	unit_end_run(execution, &usage);
	if (sampled)
		evidence_finish_sampling(&sampler, execution->rows);
	note_time(queryDesc, usage.ended - usage.started);
}

static void
finish(QueryDesc *queryDesc)
{
	if (prev_ExecutorFinish)
		prev_ExecutorFinish(queryDesc);
	else
		standard_ExecutorFinish(queryDesc);
}

static void
npo_ExecutorFinish(QueryDesc *queryDesc)
{
	Execution  *execution;
	RunUsage	usage;

	/* without triggers to fire nothing else runs in here */
	if (queryDesc->estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS)
	{
		finish(queryDesc);
		return;
	}
	execution = attached ? unit_find(queryDesc) : NULL;
	if (execution != NULL)
		start_usage(&usage);
	depth++;
	PG_TRY();
	{
		finish(queryDesc);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	if (execution == NULL || (execution = unit_find(queryDesc)) == NULL)
		return;
	end_usage(&usage, queryDesc);
	unit_end_triggers(execution, &usage);
}

static void
npo_ExecutorEnd(QueryDesc *queryDesc)
{
	if (attached)
		unit_forget(queryDesc);
	if (prev_ExecutorEnd)
		prev_ExecutorEnd(queryDesc);
	else
		standard_ExecutorEnd(queryDesc);
}

/* -------------------------------------------------------------------------
 * Utilities
 * -------------------------------------------------------------------------
 */

/* Is what runs inside this utility what the client has asked for? */
static bool
is_transparent(const Node *utility)
{
	switch (nodeTag(utility))
	{
		case T_PrepareStmt:
		case T_ExecuteStmt:
		case T_DeclareCursorStmt:
		case T_FetchStmt:
		case T_ClosePortalStmt:
		case T_CreateTableAsStmt:
		case T_ExplainStmt:
			return true;
		case T_CopyStmt:
			return ((const CopyStmt *) utility)->query != NULL;
		default:
			return false;
	}
}

/*
 * Does this come between two statements of a loop as another statement would?
 * What drivers and frameworks send of their own accord does not.
 */
static bool
breaks_run(const Node *utility)
{
	switch (nodeTag(utility))
	{
		case T_TransactionStmt:
		case T_VariableSetStmt:
		case T_VariableShowStmt:
		case T_DeallocateStmt:
		case T_DiscardStmt:
		case T_LockStmt:
		case T_ConstraintsSetStmt:
		case T_NotifyStmt:
		case T_ListenStmt:
		case T_UnlistenStmt:
			return false;
		default:
			return !is_transparent(utility);
	}
}

/* the depths of one utility, out of reach of the jump that an error makes */
typedef struct UtilityLevel
{
	int			depth;
	int			explaining;
	bool		discards_all;
	bool		breaks_run;
} UtilityLevel;

static UtilityLevel
level_of(const Node *utility)
{
	UtilityLevel level = {0};

	level.depth = is_transparent(utility) ? 0 : 1;
	level.explaining = IsA(utility, ExplainStmt) ? 1 : 0;
	level.discards_all = IsA(utility, DiscardStmt) &&
		((const DiscardStmt *) utility)->target == DISCARD_ALL;
	level.breaks_run = breaks_run(utility);
	return level;
}

/* The fingerprint of a cursor's query, where the server has not made one. */
static uint64
declared_queryid(const Node *utility, const char *text)
{
	Query	   *query;

	if (!npo_loaded || !IsA(utility, DeclareCursorStmt) || !IsQueryIdEnabled())
		return 0;
	query = copyObject(castNode(Query, ((const DeclareCursorStmt *) utility)->query));
	return query->queryId != 0 ? (uint64) query->queryId :
		NPO_CURSOR_QUERYID(query, text);
}

static void
npo_ProcessUtility(PlannedStmt *pstmt, const char *queryString,
				   bool readOnlyTree, ProcessUtilityContext context,
				   ParamListInfo params, QueryEnvironment *queryEnv,
				   DestReceiver *dest, QueryCompletion *qc)
{
	/* the tree may be gone afterwards: read it now */
	const UtilityLevel level = level_of(pstmt->utilityStmt);

	if (attached && depth == 0)
	{
		unit_check_idle_gap();
		busy = true;
	}
	depth += level.depth;
	explaining += level.explaining;
	cursor_queryid = declared_queryid(pstmt->utilityStmt, queryString);
	PG_TRY();
	{
		if (prev_ProcessUtility)
			prev_ProcessUtility(pstmt, queryString, readOnlyTree, context,
								params, queryEnv, dest, qc);
		else
			standard_ProcessUtility(pstmt, queryString, readOnlyTree, context,
									params, queryEnv, dest, qc);
	}
	PG_FINALLY();
	{
		depth -= level.depth;
		explaining -= level.explaining;
		cursor_queryid = 0;
	}
	PG_END_TRY();
	if (level.breaks_run && depth == 0 && attached)
		unit_break_run();
	if (level.discards_all && attached)
		unit_close();
}

/* -------------------------------------------------------------------------
 * Transactions
 * -------------------------------------------------------------------------
 */

/* Numbers only: there may be no valid transaction to look anything up in. */
static void
at_xact_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			if (!attached)
				break;
			unit_forget_level(1);
			if (busy)
				unit_note_xact_end(GetCurrentTimestamp());
			busy = false;
			break;
		default:
			break;
	}
}

static void
at_subxact_event(SubXactEvent event, SubTransactionId mySubid,
				 SubTransactionId parentSubid, void *arg)
{
	if (attached && event == SUBXACT_EVENT_ABORT_SUB)
		unit_forget_level(GetCurrentTransactionNestLevel());
}

void
hooks_install(void)
{
	prev_planner = planner_hook;
	planner_hook = npo_planner;
	prev_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = npo_ExecutorStart;
	prev_ExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = npo_ExecutorRun;
	prev_ExecutorFinish = ExecutorFinish_hook;
	ExecutorFinish_hook = npo_ExecutorFinish;
	prev_ExecutorEnd = ExecutorEnd_hook;
	ExecutorEnd_hook = npo_ExecutorEnd;
	prev_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = npo_ProcessUtility;
	RegisterXactCallback(at_xact_event, NULL);
	RegisterSubXactCallback(at_subxact_event, NULL);
}
