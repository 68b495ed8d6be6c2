/*-------------------------------------------------------------------------
 *
 * reparse.c
 *	  The Query of a statement that has just run by a cached plan.
 *
 * A cached plan has no Query, and the plan cache does not say where its own
 * lies.  So the text is parsed and analyzed once more, right where it has
 * run: under the same user and search path, with the locks that it has taken,
 * and with the hooks by which PL/pgSQL makes parameters of its variables.
 * What comes out must have the statement's fingerprint, or else it is another
 * statement by now (a table of the same name nearer in the search path).
 *
 * Called in a subtransaction; what cannot be parsed by itself throws.
 *
 * Locking: the locks of parse analysis, which the statement holds already.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "parser/parser.h"
#include "tcop/tcopprot.h"

#include "reparse.h"
#include "compat.h"

/* How the text of a statement in a PL/pgSQL function may be meant */
static const RawParseMode modes[] = {
	RAW_PARSE_DEFAULT, RAW_PARSE_PLPGSQL_EXPR, RAW_PARSE_PLPGSQL_ASSIGN1,
	RAW_PARSE_PLPGSQL_ASSIGN2, RAW_PARSE_PLPGSQL_ASSIGN3
};

/*
 * Statements, expressions and assignments are read in different ways, and
 * the text does not say which.  The raw parser takes no resources, so trying
 * needs no subtransaction of its own.
 */
static List *
parse_raw(const char *text, int nmodes)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *volatile raw = NIL;

	for (volatile int i = 0; i < nmodes && raw == NIL; i++)
	{
		PG_TRY();
		{
			raw = raw_parser(text, modes[i]);
		}
		PG_CATCH();
		{
			if (i == nmodes - 1)
				PG_RE_THROW();
			MemoryContextSwitchTo(context);
			FlushErrorState();
		}
		PG_END_TRY();
	}
	return raw;
}

/* The statement inside a PREPARE, EXPLAIN or CREATE TABLE AS */
static Node *
inner_statement(Node *node)
{
	for (;;)
	{
		switch (nodeTag(node))
		{
			case T_PrepareStmt:
				node = ((PrepareStmt *) node)->query;
				break;
			case T_ExplainStmt:
				node = ((ExplainStmt *) node)->query;
				break;
			case T_CreateTableAsStmt:
				node = ((CreateTableAsStmt *) node)->query;
				break;
			default:
				return node;
		}
	}
}

/* Parameters with their values, as constants of this one execution */
static ParamListInfo
constant_params(ParamListInfo params)
{
	ParamListInfo copy;

	if (params == NULL)
		return NULL;
	copy = copyParamList(params);
	for (int i = 0; i < copy->numParams; i++)
		copy->params[i].pflags |= PARAM_FLAG_CONST;
	return copy;
}

static List *
analyze(RawStmt *raw, const char *text, QueryDesc *queryDesc,
		ParamListInfo params)
{
	Oid		   *types;

	if (queryDesc->params != NULL && queryDesc->params->parserSetup != NULL)
		return pg_analyze_and_rewrite_withcb(raw, text,
											 queryDesc->params->parserSetup,
											 queryDesc->params->parserSetupArg,
											 queryDesc->queryEnv);
	if (params == NULL)
		return pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0,
												  queryDesc->queryEnv);
	types = palloc(sizeof(Oid) * Max(params->numParams, 1));
	for (int i = 0; i < params->numParams; i++)
		types[i] = params->params[i].ptype;
	return pg_analyze_and_rewrite_fixedparams(raw, text, types,
											  params->numParams,
											  queryDesc->queryEnv);
}

pg_noreturn static void
not_this_one(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg_internal("%s", why)));
}

/* Parse what has run once more; the memory is the caller's current context */
void
reparse_statement(QueryDesc *queryDesc, Query **query,
				  const char **query_string, ParamListInfo *params)
{
	int			location = Max(queryDesc->plannedstmt->stmt_location, 0);
	int			len = queryDesc->plannedstmt->stmt_len;
	const char *source = queryDesc->sourceText;
	bool		in_function = (queryDesc->params != NULL &&
							   queryDesc->params->parserSetup != NULL);
	char	   *text;
	List	   *list;
	RawStmt    *raw;

	if (source == NULL || location > strlen(source))
		not_this_one("its text is not known");
	text = len > 0 ? pnstrdup(source + location, len) : pstrdup(source + location);
	list = parse_raw(text, in_function ? lengthof(modes) : 1);
	if (list_length(list) != 1)
		not_this_one("its text is not one statement");
	raw = linitial_node(RawStmt, list);
	raw->stmt = inner_statement(raw->stmt);
	*params = constant_params(queryDesc->params);
	list = analyze(raw, text, queryDesc, *params);
	if (list_length(list) != 1 ||
		linitial_node(Query, list)->commandType == CMD_UTILITY ||
		linitial_node(Query, list)->queryId != queryDesc->plannedstmt->queryId)
		not_this_one("its text now stands for another statement");
	*query = linitial_node(Query, list);
	*query_string = text;
}
