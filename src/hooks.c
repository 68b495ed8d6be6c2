/*-------------------------------------------------------------------------
 *
 * hooks.c
 *	  Where the module is called from: thin, early-outs and calls only.
 *
 * Owns the nesting depth.  It is raised around everything that may run other
 * statements (planning, running and finishing a statement, utilities), for
 * statements that are not followed as well, or else the statements inside
 * them would pass for the client's.  Around utilities it comes back by
 * PG_FINALLY.  The others are frames of a stack: each notes in which
 * subtransaction it began, and none of them outlives that, so that the
 * callback of an abort knows which of them an error has left.  That saves
 * every statement a sigsetjmp().
 *
 * A statement is followed in ExecutorRun alone, from its first run on: a
 * SELECT that runs once is begun and ended there, on the stack, so that an
 * error leaves nothing behind.  A write that has triggers to fire is kept in
 * "pending" until they have.  What runs in pieces (a cursor), or writes inside
 * of another statement, is kept by its QueryDesc until that is gone.
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
#include "connections.h"
#include "evidence.h"
#include "express.h"
#include "heavy.h"
#include "hints.h"
#include "hooks.h"
#include "loops.h"
#include "queryid.h"
#include "requests.h"
#include "settings.h"
#include "slots.h"
#include "streak.h"
#include "unit.h"

/* planned cost below which no index would help much, as in whatif.c */
#define HINTED_COST 100.0

/* how SPI and PL/pgSQL name the portals that they open themselves */
#define INTERNAL_PORTAL_PREFIX "<unnamed portal "

static planner_hook_type prev_planner = NULL;
static ExecutorRun_hook_type prev_ExecutorRun = NULL;
static ExecutorFinish_hook_type prev_ExecutorFinish = NULL;
static ProcessUtility_hook_type prev_ProcessUtility = NULL;

/*
 * A planning, or a run or the finish of the executor, that is under way.  Of
 * more than MAX_FRAMES only the number is known, and that some are left.
 */
typedef struct Frame
{
	int			level;			/* transaction nesting level that began it */
	Sampler    *sampler;		/* takes its rows, NULL: nobody does */
} Frame;

#define MAX_FRAMES 256

static Frame frames[MAX_FRAMES];
static int	nframes = 0;
static int	xact_level = 1;		/* GetCurrentTransactionNestLevel(), at hand */
static int	utilities = 0;		/* utilities around the current statement */
static int	explaining = 0;		/* EXPLAINs around it */
static bool attached = false;	/* this backend has its slot */
static bool busy = false;		/* this transaction took time of its own */

/* the client's write that has run, and whose triggers are yet to fire */
typedef struct Pending
{
	const QueryDesc *queryDesc; /* NULL: none */
	bool		is_express;		/* which of these it is */
	Express		express;
	Execution	execution;
} Pending;

static Pending pending;

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
	connections_note_first_statement(GetCurrentStatementStartTimestamp());
	attached = true;
	return true;
}

/* Is somebody else than the client the receiver of the rows? */
static inline bool
stays_in_server(const QueryDesc *queryDesc)
{
	CommandDest dest = queryDesc->dest->mydest;

	return dest != DestRemote && dest != DestRemoteExecute;
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

/* The statement's own, or else what it was given when its cursor was declared. */
static inline uint64
server_queryid(QueryDesc *queryDesc)
{
	uint64		queryid = (uint64) queryDesc->plannedstmt->queryId;
	Execution  *declared;

	if (queryid != 0 || unit_open == 0)
		return queryid;
	declared = unit_find(queryDesc);
	return declared != NULL ? declared->queryid : 0;
}

static inline uint64
plain_fingerprint(const QueryDesc *queryDesc)
{
	return NPO_FINGERPRINT((uint64) queryDesc->plannedstmt->queryId,
						   queryDesc->plannedstmt);
}

static inline uint64
fingerprint(QueryDesc *queryDesc)
{
	return NPO_FINGERPRINT(server_queryid(queryDesc), queryDesc->plannedstmt);
}

/*
 * The execution of a statement whose run is not its first, or is done; NULL
 * if it is not followed (it may have been declared, and read inside of
 * another).
 */
static Execution *
begun(QueryDesc *queryDesc)
{
	Execution  *execution = unit_open > 0 ? unit_find(queryDesc) : NULL;

	return execution != NULL && execution->entry != NULL ? execution : NULL;
}

/* Is this statement inside of another? */
static inline bool
is_nested(void)
{
	return utilities + nframes > 0;
}

/* Rows that end up in a table are no answer to a client. */
static bool
fills_table(const QueryDesc *queryDesc)
{
	return queryDesc->dest->mydest == DestIntoRel ||
		queryDesc->dest->mydest == DestTransientRel;
}

/*
 * Does the client get the answer?  In the extended protocol the answer to a
 * write has no receiver; it is run by the client's portal, mostly the one
 * without a name.
 */
static inline bool
answers_client(const QueryDesc *queryDesc)
{
	return !stays_in_server(queryDesc) ||
		(queryDesc->dest->mydest == DestNone && queryDesc->operation != CMD_SELECT &&
		 ActivePortal != NULL && ActivePortal->name[0] == '\0');
}

/* a client's statement, as most are: seen at a glance */
static inline bool
is_plain(const QueryDesc *queryDesc)
{
	return attached && (utilities | nframes | explaining) == 0 &&
		npo_track != TRACK_NONE && answers_client(queryDesc) &&
		queryDesc->plannedstmt->queryId != 0;
}

static bool
is_followed(QueryDesc *queryDesc, bool *nested)
{
	if (npo_track == TRACK_NONE || explaining > 0 || server_queryid(queryDesc) == 0)
		return false;
	*nested = is_nested();
	if (stays_in_server(queryDesc))
	{
		if (fills_table(queryDesc))
			return false;
		*nested = *nested || is_internal(queryDesc);
	}
	return (!*nested || npo_track == TRACK_ALL) && (attached || attach());
}

/* -------------------------------------------------------------------------
 * Frames
 * -------------------------------------------------------------------------
 */

/* Returns what leave_frame() is to be told. */
static inline int
enter_frame(Sampler *sampler)
{
	int			outer = nframes++;

	if (outer < MAX_FRAMES)
	{
		frames[outer].level = xact_level;
		frames[outer].sampler = sampler;
	}
	return outer;
}

/* Not reached when an error leaves the frame; see leave_frames(). */
static inline void
leave_frame(int outer)
{
	nframes = outer;
}

/* A transaction of this level has ended, and with it what began in it. */
static void
leave_frames(int level)
{
	nframes = Min(nframes, MAX_FRAMES);
	while (nframes > 0 && frames[nframes - 1].level >= level)
		nframes--;
}

/* who takes the rows of the run that is under way, NULL: nobody */
Sampler *
hooks_current_sampler(void)
{
	return nframes > 0 && nframes <= MAX_FRAMES ? frames[nframes - 1].sampler : NULL;
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
	int			frame = enter_frame(NULL);

	/* planning scribbles on the tree: what is planned again is a copy */
	Query	   *copy = hints_wanted(parse->queryId) ? copyObject(parse) : NULL;

	unit_plannings++;
	result = planner(NPO_PLANNER_PASS);
	if (copy != NULL)
		hints_plan(copy, query_string, cursorOptions, boundParams, result, planner);
	leave_frame(frame);
	return result;
}

/* Does the statement hand rows to somebody whose next statement may use them? */
static bool
hands_out_rows(const QueryDesc *queryDesc)
{
	if (npo_sample_rows == 0 || nframes >= MAX_FRAMES ||
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

static inline void
run(NPO_EXECUTOR_RUN_ARGS, Sampler *sampler)
{
	int			frame = enter_frame(sampler);

	if (prev_ExecutorRun)
		prev_ExecutorRun(NPO_EXECUTOR_RUN_PASS);
	else
		standard_ExecutorRun(NPO_EXECUTOR_RUN_PASS);
	leave_frame(frame);
}

/* Take rows while it runs.  After an error nobody looks at the receiver again. */
static void
run_sampled(NPO_EXECUTOR_RUN_ARGS, Execution *execution)
{
	Sampler		sampler;

	unit_prepare_sampler(execution, count != 0, &sampler);
	evidence_start_sampling(&sampler, queryDesc);
	run(NPO_EXECUTOR_RUN_PASS, &sampler);
	evidence_stop_sampling(&sampler, queryDesc);
	if (sampler.sample >= 0)
		evidence_finish_sampling(&sampler, execution->rows +
								 (int64) queryDesc->estate->es_processed);
	if (sampler.full)
		heavy_note_rows(&sampler.meter, queryDesc, execution);
}

/*
 * When a run begins is known to the server already, in the extended protocol:
 * when the client's Execute message was read.  In the simple protocol the
 * statement has been parsed and planned since, and either way time has passed
 * if it made a loop.
 */
static inline TimestampTz
start_of_run(const QueryDesc *queryDesc, TimestampTz started, bool late)
{
	CommandDest dest = queryDesc->dest->mydest;

	return (dest == DestRemoteExecute || dest == DestNone) && !late ?
		started : GetCurrentTimestamp();
}

static inline void
start_usage(Execution *execution, const QueryDesc *queryDesc)
{
	execution->run_started = start_of_run(queryDesc, execution->started,
										  execution->nested || execution->was_dear);
	execution->blks_hit = pgBufferUsage.shared_blks_hit;
	execution->blks_read = pgBufferUsage.shared_blks_read;
}

/* A statement has taken so long: is that a reason to look for an index? */
static void
note_slow(QueryDesc *queryDesc, int64 exec_time)
{
	if (hints_enabled && hints_min_time >= 0)
		hints_request(server_queryid(queryDesc), 0, 1, (double) exec_time / 1000.0);
}

static inline void
note_time(QueryDesc *queryDesc, int64 exec_time)
{
	hints_note_execution(queryDesc, exec_time);
	if (exec_time >= hints_min_time * INT64CONST(1000))
		note_slow(queryDesc, exec_time);
}

/* What the statement did is done, triggers included. */
static pg_attribute_always_inline void
end_usage(Execution *execution, QueryDesc *queryDesc)
{
	RunUsage	usage;

	unit_measure_run(&usage, queryDesc, execution->run_started, execution->blks_hit,
					 execution->blks_read);
	unit_end_run(execution, &usage);
	note_time(queryDesc, usage.exec_time);
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
	run(NPO_EXECUTOR_RUN_PASS, NULL);
	if (started != 0)
		note_time(queryDesc, GetCurrentTimestamp() - started);
}

/* Does ExecutorFinish() have something to do for this statement? */
static inline bool
fires_triggers(const QueryDesc *queryDesc)
{
	return (queryDesc->estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS) == 0;
}

/*
 * Does what SPI runs here end with this run?  It hands out the rows of cursors
 * in pieces; they are portals.
 */
static inline bool
is_in_one_run(const QueryDesc *queryDesc, uint64 count)
{
	return count == 0 ||
		(queryDesc->dest->mydest == DestSPI &&
		 (ActivePortal == NULL || ActivePortal->queryDesc != queryDesc));
}

/*
 * The execution that a run belongs to, NULL if it is not followed.  It is in
 * "local" where nobody will ask for it again.
 */
static inline Execution *
begin(QueryDesc *queryDesc, uint64 count, Execution *local)
{
	bool		plain;
	bool		nested = false;

	if (queryDesc->already_executed)
		return begun(queryDesc);
	if (!is_nested())
		streak_close();
	plain = is_plain(queryDesc);
	if (!plain && (!npo_loaded || !is_followed(queryDesc, &nested)))
		return NULL;
	streak_close();
	if (!unit_begin_statement(queryDesc, fingerprint(queryDesc), nested, local))
	{
		busy |= !nested;
		return NULL;
	}
	if (plain ? count == 0 : is_in_one_run(queryDesc, count) &&
		!fires_triggers(queryDesc) && queryDesc->plannedstmt->queryId != 0)
		return local;
	return unit_keep(local);
}

static pg_noinline void
run_the_usual_way(NPO_EXECUTOR_RUN_ARGS)
{
	Execution	local;
	Execution  *execution = begin(queryDesc, count, &local);

	if (execution == NULL)
	{
		run_unfollowed(NPO_EXECUTOR_RUN_PASS);
		return;
	}
	start_usage(execution, queryDesc);
	if (loops_is_sampled(execution->entry) && hands_out_rows(queryDesc))
		run_sampled(NPO_EXECUTOR_RUN_PASS, execution);
	else
		run(NPO_EXECUTOR_RUN_PASS, NULL);
	if (unit_has_offset(execution))
		heavy_note_offset(queryDesc, execution);
	if (!fires_triggers(queryDesc))
		end_usage(execution, queryDesc);
	else if (execution == &local)
	{
		pending.queryDesc = queryDesc;
		pending.is_express = false;
		pending.execution = local;
	}
}

static pg_noinline void
run_express_sampled(NPO_EXECUTOR_RUN_ARGS, const Express *express, bool nested)
{
	Execution	execution;

	express_describe(express, queryDesc, nested, &execution);
	run_sampled(NPO_EXECUTOR_RUN_PASS, &execution);
}

/* Run what express_begin() has taken. */
static pg_attribute_always_inline void
run_express(NPO_EXECUTOR_RUN_ARGS, Express *express, bool nested)
{
	express->run_started = start_of_run(queryDesc, express->started, nested);
	express->blks_hit = pgBufferUsage.shared_blks_hit;
	express->blks_read = pgBufferUsage.shared_blks_read;
	if (loops_is_sampled(express->entry) && hands_out_rows(queryDesc))
	{
		/* what is handed out by its address cannot stay in registers */
		const Express sampled = *express;

		run_express_sampled(NPO_EXECUTOR_RUN_PASS, &sampled, nested);
	}
	else
		run(NPO_EXECUTOR_RUN_PASS, NULL);
	if (!fires_triggers(queryDesc))
		note_time(queryDesc, express_end(queryDesc, nested, express));
	else
	{
		pending.queryDesc = queryDesc;
		pending.is_express = true;
		pending.express = *express;
	}
}

/* Compiled twice, so that neither looks at what it is. */
static pg_attribute_always_inline void
run_express_or_usual(NPO_EXECUTOR_RUN_ARGS, bool nested)
{
	Express		express;

	streak_close();
	if (express_begin(queryDesc, plain_fingerprint(queryDesc), nested, &express))
		run_express(NPO_EXECUTOR_RUN_PASS, &express, nested);
	else
		run_the_usual_way(NPO_EXECUTOR_RUN_PASS);
}

static pg_noinline void
run_plain(NPO_EXECUTOR_RUN_ARGS)
{
	run_express_or_usual(NPO_EXECUTOR_RUN_PASS, false);
}

static pg_noinline void
run_nested(NPO_EXECUTOR_RUN_ARGS)
{
	run_express_or_usual(NPO_EXECUTOR_RUN_PASS, true);
}

/*
 * An execution of the streak is done.  If others inside of it were followed
 * the streak has been closed since, and it is ended as others are.
 */
static inline void
end_streak(QueryDesc *queryDesc)
{
	Express		express;

	if (streak.queryid != 0)
	{
		note_time(queryDesc, streak_end(queryDesc));
		return;
	}
	express_take_over(&streak.execution, &express);
	streak.execution.queryDesc = NULL;
	note_time(queryDesc, express_end(queryDesc, false, &express));
}

static pg_noinline void
run_in_streak(NPO_EXECUTOR_RUN_ARGS)
{
	if (!streak_begin(queryDesc))
	{
		run_plain(NPO_EXECUTOR_RUN_PASS);
		return;
	}
	start_usage(&streak.execution, queryDesc);
	if (streak.sampled && hands_out_rows(queryDesc))
		run_sampled(NPO_EXECUTOR_RUN_PASS, &streak.execution);
	else
		run(NPO_EXECUTOR_RUN_PASS, NULL);
	if (!fires_triggers(queryDesc))
		end_streak(queryDesc);
}

/* a statement of a function's, without triggers */
static inline bool
is_plainly_nested(const QueryDesc *queryDesc, uint64 count)
{
	return npo_track == TRACK_ALL && attached && explaining == 0 && is_nested() &&
		queryDesc->dest->mydest == DestSPI && is_in_one_run(queryDesc, count) &&
		!fires_triggers(queryDesc) && queryDesc->plannedstmt->queryId != 0;
}

static void
npo_ExecutorRun(NPO_EXECUTOR_RUN_ARGS)
{
	/* most statements take fewer steps, see express.c and streak.c */
	if (queryDesc->already_executed)
		run_the_usual_way(NPO_EXECUTOR_RUN_PASS);
	else if (count == 0 && is_plain(queryDesc))
	{
		if (streak_is(queryDesc))
			run_in_streak(NPO_EXECUTOR_RUN_PASS);
		else
			run_plain(NPO_EXECUTOR_RUN_PASS);
	}
	else if (is_plainly_nested(queryDesc, count))
		run_nested(NPO_EXECUTOR_RUN_PASS);
	else
		run_the_usual_way(NPO_EXECUTOR_RUN_PASS);
}

static inline void
finish(QueryDesc *queryDesc)
{
	if (prev_ExecutorFinish)
		prev_ExecutorFinish(queryDesc);
	else
		standard_ExecutorFinish(queryDesc);
}

static void
end_pending(QueryDesc *queryDesc)
{
	pending.queryDesc = NULL;
	if (pending.is_express)
		note_time(queryDesc, express_end(queryDesc, false, &pending.express));
	else
		end_usage(&pending.execution, queryDesc);
}

static pg_noinline void
finish_with_triggers(QueryDesc *queryDesc)
{
	Execution  *execution;
	int			frame = enter_frame(NULL);

	finish(queryDesc);
	leave_frame(frame);
	if (streak.execution.queryDesc == queryDesc)
	{
		end_streak(queryDesc);
		return;
	}
	if (pending.queryDesc == queryDesc)
	{
		end_pending(queryDesc);
		return;
	}
	execution = begun(queryDesc);
	if (execution != NULL)
		end_usage(execution, queryDesc);
}

static void
npo_ExecutorFinish(QueryDesc *queryDesc)
{
	/* without triggers to fire nothing else runs in here */
	if (fires_triggers(queryDesc))
		finish_with_triggers(queryDesc);
	else
		finish(queryDesc);
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

/* what one utility adds, out of reach of the jump that an error makes */
typedef struct UtilityLevel
{
	int			utilities;
	int			explaining;
	bool		discards_all;
	bool		breaks_run;
} UtilityLevel;

static UtilityLevel
level_of(const Node *utility)
{
	UtilityLevel level = {0};

	level.utilities = is_transparent(utility) ? 0 : 1;
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

	if (!npo_loaded || !IsA(utility, DeclareCursorStmt) || queryid_is_off())
		return 0;
	query = castNode(Query, ((const DeclareCursorStmt *) utility)->query);
	if (query->queryId != 0 || NPO_CURSOR_HAS_QUERYID)
		return (uint64) query->queryId;
	return queryid_compute(copyObject(query), text);
}

/* Remember it for when the cursor is read. */
static void
note_declared(const char *name, uint64 queryid)
{
	Portal		portal = GetPortalByName(name);

	if (PortalIsValid(portal) && portal->queryDesc != NULL &&
		(attached || attach()))
		unit_keep_declared(portal->queryDesc, queryid);
}

#define NPO_UTILITY_ARGS \
	PlannedStmt *pstmt, const char *queryString, bool readOnlyTree, \
	ProcessUtilityContext context, ParamListInfo params, \
	QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc
#define NPO_UTILITY_PASS \
	pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc

static inline void
process_utility(NPO_UTILITY_ARGS)
{
	if (prev_ProcessUtility)
		prev_ProcessUtility(NPO_UTILITY_PASS);
	else
		standard_ProcessUtility(NPO_UTILITY_PASS);
}

static void
process_with_level(NPO_UTILITY_ARGS)
{
	/* the tree may be gone afterwards: read it now */
	const UtilityLevel level = level_of(pstmt->utilityStmt);
	const uint64 declared = declared_queryid(pstmt->utilityStmt, queryString);
	char		cursor[NAMEDATALEN] = "";

	if (declared != 0)
		strlcpy(cursor, ((DeclareCursorStmt *) pstmt->utilityStmt)->portalname,
				sizeof(cursor));
	utilities += level.utilities;
	explaining += level.explaining;
	PG_TRY();
	{
		process_utility(NPO_UTILITY_PASS);
	}
	PG_FINALLY();
	{
		utilities -= level.utilities;
		explaining -= level.explaining;
	}
	PG_END_TRY();
	if (declared != 0)
		note_declared(cursor, declared);
	if (level.breaks_run && !is_nested() && attached)
		unit_break_run();
	if (level.discards_all && attached)
		unit_close();
}

static void
npo_ProcessUtility(NPO_UTILITY_ARGS)
{
	streak_close();
	if (attached && !is_nested())
	{
		unit_check_idle_gap();
		busy = true;
	}

	/* BEGIN and its like run no statement; deferred triggers come later */
	if (IsA(pstmt->utilityStmt, TransactionStmt))
		process_utility(NPO_UTILITY_PASS);
	else
		process_with_level(NPO_UTILITY_PASS);
}

/* -------------------------------------------------------------------------
 * Transactions
 * -------------------------------------------------------------------------
 */

/* Numbers only: there may be no valid transaction to look anything up in. */
static pg_noinline void
at_end_of_xact(void)
{
	xact_level = 1;
	leave_frames(1);
	pending.queryDesc = NULL;
	streak_forget_run();
	if (!attached)
		return;
	unit_forget_level(1);
	if (busy)
		unit_note_xact_end(GetCurrentTimestamp());
	busy = false;
}

static void
at_xact_event(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	if ((nframes | unit_open | (int) busy) != 0 || xact_level != 1 ||
		pending.queryDesc != NULL)
		at_end_of_xact();
}

static void
at_subxact_event(SubXactEvent event, SubTransactionId mySubid,
				 SubTransactionId parentSubid, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();

	xact_level = event == SUBXACT_EVENT_ABORT_SUB ||
		event == SUBXACT_EVENT_COMMIT_SUB ? level - 1 : level;
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	leave_frames(level);
	if (nframes == 0)
	{
		pending.queryDesc = NULL;
		streak_forget_run();
	}
	if (attached)
		unit_forget_level(level);
}

void
hooks_install(void)
{
	prev_planner = planner_hook;
	planner_hook = npo_planner;
	prev_ExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = npo_ExecutorRun;
	prev_ExecutorFinish = ExecutorFinish_hook;
	ExecutorFinish_hook = npo_ExecutorFinish;
	prev_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = npo_ProcessUtility;
	connections_install();
	RegisterXactCallback(at_xact_event, NULL);
	RegisterSubXactCallback(at_subxact_event, NULL);
}
