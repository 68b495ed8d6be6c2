/*-------------------------------------------------------------------------
 *
 * pending.c
 *	  Verifies, for a reader, what cached plans kept from the planner.
 *
 * A statement that runs by a cached generic plan never comes back to the
 * planner in its own session.  It lies in the store with its text, parameter
 * types, user and search path, and is planned here when the view is read.
 *
 * The planning folds constants, which runs IMMUTABLE functions that the
 * statement's owner may have written.  So it is done as the recorded user, in
 * a security-restricted operation, never with the reader's rights; and in a
 * subtransaction that is always rolled back, which gives the user, the
 * settings and the locks back.  Locks are waited for but briefly.  What fails
 * becomes a row that says why; only a cancel or a termination goes on.
 *
 * Locking: the store's own, through its functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "optimizer/planner.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "hints.h"
#include "hinttext.h"
#include "normalize.h"
#include "pending.h"
#include "compat.h"

#define PENDING_BUDGET_MS	20
#define PENDING_MAX_INDEXES	3

static void
set_for_now(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* Become the statement's owner until the subtransaction ends */
static void
become_owner(const HintEntry *entry)
{
	int			sec_context;
	Oid			userid;

	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(entry->userid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the statement's user is gone")));
	(void) NewGUCNestLevel();
	set_for_now("search_path", entry->search_path);
	set_for_now("lock_timeout", "50ms");
	set_for_now("client_min_messages", "error");
	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(entry->userid,
						   sec_context | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
}

/* The planner that everybody else uses; our own hook keeps out of the way */
static PlannedStmt *
plan_as_usual(NPO_PLANNER_ARGS)
{
	if (planner_hook)
		return planner_hook(NPO_PLANNER_PASS);
	return standard_planner(NPO_PLANNER_PASS);
}

/* The statement of a text; that of a PREPARE is the one inside it */
static RawStmt *
parse_one(const char *text)
{
	List	   *raw = pg_parse_query(text);
	RawStmt    *stmt;

	if (list_length(raw) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the text is not one statement")));
	stmt = linitial_node(RawStmt, raw);
	if (IsA(stmt->stmt, PrepareStmt))
		stmt->stmt = ((PrepareStmt *) stmt->stmt)->query;
	return stmt;
}

/* Parse the statement again and verify it; throws what goes wrong */
static int
verify_text(const HintEntry *entry, HintEntry *entries)
{
	Oid		   *types = palloc(sizeof(Oid) * HINT_MAX_PARAMS);
	int			ntypes = entry->nparams;
	List	   *queries;
	HintEntry	common = *entry;
	Verdict		verdict = {0};
	char	   *text;

	memcpy(types, entry->param_types, sizeof(Oid) * ntypes);
	queries = pg_analyze_and_rewrite_varparams(parse_one(entry->query),
											   entry->query, &types, &ntypes,
											   NULL);
	if (list_length(queries) != 1 ||
		linitial_node(Query, queries)->commandType == CMD_UTILITY)
		return 0;
	verify_statement(&verdict, linitial_node(Query, queries), entry->query, 0,
					 NULL, plan_as_usual, PENDING_BUDGET_MS);
	text = normalize_statement(entry->query, 0, 0, HINT_QUERY_LEN - 1);
	strlcpy(common.query, text ? text : "", HINT_QUERY_LEN);
	common.saving = common.total_time *
		(1 - verdict.cost_after / Max(verdict.cost_before, 1));
	return hinttext_entries(entries, PENDING_MAX_INDEXES, &common, &verdict);
}

/* The verified entries take the place, and the numbers, of the pending one */
static void
publish(const HintEntry *pending, HintEntry *entries, int n)
{
	hintstore_drop_pending(pending);
	for (int i = 0; i < n; i++)
		(void) hintstore_put(&entries[i]);
}

/* What is left when nothing was found, or the planning failed */
static void
describe_failure(HintEntry *entry, const HintEntry *pending,
				 const ErrorData *error)
{
	char	   *text = normalize_statement(pending->query, 0, 0,
										   HINT_QUERY_LEN - 1);

	*entry = *pending;
	strlcpy(entry->query, text ? text : "", HINT_QUERY_LEN);
	entry->verified = error ? HINT_NOT_VERIFIED : HINT_NOTHING;
	if (error)
		snprintf(entry->reason, HINT_REASON_LEN,
				 "could not be planned again: %s", error->message);
}

/* Verify one pending entry, and put what comes of it into its place */
void
pending_verify(const HintEntry *entry)
{
	MemoryContext old_context = CurrentMemoryContext;
	ResourceOwner old_owner = CurrentResourceOwner;
	HintEntry  *entries = palloc0(sizeof(HintEntry) * PENDING_MAX_INDEXES);
	volatile int n = 0;
	bool		was_busy;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	was_busy = hints_set_busy(true);
	PG_TRY();
	{
		become_owner(entry);
		n = verify_text(entry, entries);
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
	(void) hints_set_busy(was_busy);
	if (error != NULL && !verify_may_swallow(error->sqlerrcode))
		ReThrowError(error);
	if (n == 0)
	{
		describe_failure(&entries[0], entry, error);
		n = 1;
	}
	publish(entry, entries, n);
	pfree(entries);
}
