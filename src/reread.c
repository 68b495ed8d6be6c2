/*-------------------------------------------------------------------------
 *
 * reread.c
 *	  The parse tree of a statement that is about to run, for a closer look.
 *
 * A plan does not show what was written: it has folded, moved and dropped.
 * Advice and rewrite need the statement as it was meant, and there the
 * parser is the only authority.  So its text is parsed and analysed again,
 * once per cluster, at detection.
 *
 * This can fail where the statement itself did not: a name may mean another
 * table by now, or a variable of PL/pgSQL stands in the text.  Therefore it
 * runs in a subtransaction of its own, as an EXCEPTION block does, which
 * gives back what a failure leaves behind (relation references, locks,
 * messages' settings).  A cancel or a shutdown goes on to the user; every
 * other failure means only that there is nothing to say.
 *
 * The relations are locked already, being those of the statement; if the
 * names lead to others, the tree is not used.  The analysis calls no hook of
 * other modules: transformTopLevelStmt() stands below post_parse_analyze_hook.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_node.h"
#include "parser/parse_param.h"
#include "parser/parser.h"
#include "utils/elog.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "reread.h"
#include "verify.h"

/* a longer text holds a large value, and costs more to parse than it gives */
#define MAX_REREAD 65536

/* the statement inside of PREPARE and DECLARE CURSOR */
static Node *
inner_statement(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_PrepareStmt:
			return ((PrepareStmt *) stmt)->query;
		case T_DeclareCursorStmt:
			return ((DeclareCursorStmt *) stmt)->query;
		default:
			return stmt;
	}
}

static char *
statement_text(const QueryDesc *queryDesc)
{
	const PlannedStmt *pstmt = queryDesc->plannedstmt;
	const char *text = queryDesc->sourceText;
	int			len;

	if (text == NULL)
		return NULL;
	if (pstmt->stmt_location > 0)
		text += pstmt->stmt_location;
	len = pstmt->stmt_len > 0 ? pstmt->stmt_len : strlen(text);
	return len > MAX_REREAD ? NULL : pnstrdup(text, len);
}

/* The parameters' types; false where a language hands out its variables. */
static bool
parameter_types(ParamListInfo params, Oid **types, int *ntypes)
{
	*ntypes = params ? params->numParams : 0;
	*types = NULL;
	if (*ntypes == 0)
		return true;
	if (params->paramFetch != NULL)
		return false;
	*types = palloc(sizeof(Oid) * *ntypes);
	for (int i = 0; i < *ntypes; i++)
		(*types)[i] = params->params[i].ptype;
	return true;
}

static Query *
analyse(const char *text, RawStmt *raw, const Oid *types, int ntypes)
{
	ParseState *pstate = make_parsestate(NULL);
	Query	   *query;

	pstate->p_sourcetext = text;
	if (ntypes > 0)
		setup_parse_fixed_parameters(pstate, types, ntypes);
	query = transformTopLevelStmt(pstate, raw);
	free_parsestate(pstate);
	return query;
}

static bool
other_relation_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		return rte->rtekind == RTE_RELATION &&
			!list_member_oid((List *) context, rte->relid);
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, other_relation_walker,
								 context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, other_relation_walker, context);
}

static Query *
read_again(const QueryDesc *queryDesc)
{
	char	   *text = statement_text(queryDesc);
	List	   *parsed;
	RawStmt    *raw;
	Query	   *query;
	Oid		   *types;
	int			ntypes;

	if (text == NULL || !parameter_types(queryDesc->params, &types, &ntypes))
		return NULL;
	parsed = raw_parser(text, RAW_PARSE_DEFAULT);
	if (list_length(parsed) != 1)
		return NULL;
	raw = linitial_node(RawStmt, parsed);
	raw->stmt = inner_statement(raw->stmt);
	query = analyse(text, raw, types, ntypes);
	if (query->commandType != queryDesc->plannedstmt->commandType ||
		other_relation_walker((Node *) query, queryDesc->plannedstmt->relationOids))
		return NULL;
	return query;
}

/* What was said once by the parser need not be said twice. */
static void
silence_messages(void)
{
	(void) set_config_option("client_min_messages", "error", PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("log_min_messages", "error", PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Parse the statement again and let "user" look at the tree.  False when
 * there was none to look at, or when it failed.
 */
bool
reread_statement(const QueryDesc *queryDesc, RereadUser user, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *edata = NULL;
	volatile bool done = false;

	if (IsInParallelMode())
		return false;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		int			nest = NewGUCNestLevel();
		Query	   *query;

		silence_messages();
		query = read_again(queryDesc);
		if (query != NULL)
			user(query, arg);
		AtEOXact_GUC(true, nest);
		done = query != NULL;
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		done = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (edata != NULL && !verify_may_swallow(edata->sqlerrcode))
		ReThrowError(edata);
	return done;
}

/*
 * Would PREPARE take this?  Raises the error if not; only for a RereadUser,
 * whose caller takes care of it.
 */
void
reread_check(const char *sql)
{
	List	   *parsed = raw_parser(sql, RAW_PARSE_DEFAULT);
	ParseState *pstate = make_parsestate(NULL);
	Oid		   *types = NULL;
	int			ntypes = 0;
	Query	   *query;

	pstate->p_sourcetext = sql;
	setup_parse_variable_parameters(pstate, &types, &ntypes);
	query = transformTopLevelStmt(pstate, linitial_node(RawStmt, parsed));
	check_variable_parameters(pstate, query);
	free_parsestate(pstate);
}
