/*-------------------------------------------------------------------------
 *
 * rewrite_values.c
 *	  The values of a statement, taken out of it and put back as parameters.
 *
 * In flows the parse tree of one execution.  Every constant and parameter of
 * it is replaced by a parameter of our own numbering, one for each value, so
 * that the tree can be turned into text by the server itself, and so that no
 * literal of the user's is left.  The text is then composed freely, and at
 * the end each of our numbers becomes what it is to be there: "$1::int[]", a
 * column of the relation that holds the loop's values, or 1.
 *
 * What makes that safe is that the text between has no literals and no
 * numbers but ours; values_deparse() refuses any other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"

#include "rewrite_values.h"

bool
values_is_value(const Node *node)
{
	return node != NULL &&
		(IsA(node, Const) ||
		 (IsA(node, Param) && ((const Param *) node)->paramkind == PARAM_EXTERN));
}

/* The expression below casts that the user did not write. */
Node *
values_strip_casts(Node *node)
{
	while (node != NULL)
	{
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CoerceViaIO))
			node = (Node *) ((CoerceViaIO *) node)->arg;
		else if (IsA(node, CoerceToDomain))
			node = (Node *) ((CoerceToDomain *) node)->arg;
		else if (IsA(node, FuncExpr) && ((FuncExpr *) node)->args != NIL &&
				 (((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST ||
				  ((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CAST))
			node = (Node *) linitial(((FuncExpr *) node)->args);
		else
			break;
	}
	return node;
}

/* The number of one of our parameters, 0 for any other node. */
int
values_number_of(const Node *node)
{
	return node && IsA(node, Param) && ((const Param *) node)->paramkind == PARAM_EXTERN ?
		((const Param *) node)->paramid : 0;
}

Param *
values_param(const RewriteValues *values, int number)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = number;
	param->paramtype = values->values[number - 1].type;
	param->paramtypmod = -1;
	param->paramcollid = get_typcollation(param->paramtype);
	param->location = -1;
	return param;
}

/* Returns the new value's number. */
int
values_add(RewriteValues *values, Node *node, Oid type, ValueUse use)
{
	RewriteValue *value;

	if (values->n == REWRITE_VALUES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("statement has too many values to be rewritten")));
	value = &values->values[values->n++];
	memset(value, 0, sizeof(*value));
	value->node = node;
	value->type = type == UNKNOWNOID ? TEXTOID : type;
	value->use = use;
	return values->n;
}

/* -------------------------------------------------------------------------
 * Taking out
 * -------------------------------------------------------------------------
 */

/* the same $n of the user's is one value; so are constants that must agree */
static int
known_value(const RewriteValues *values, Node *node)
{
	if (!IsA(node, Param) && !values->share_equal)
		return 0;
	for (int i = 0; i < values->n; i++)
		if (values->values[i].node != NULL && equal(values->values[i].node, node))
			return i + 1;
	return 0;
}

static Node *
take_value(RewriteValues *values, Node *node)
{
	int			number;

	/* TRUE, FALSE and NULL are structure, unless each row has its own */
	if (IsA(node, Const) && !values->all &&
		(((Const *) node)->constisnull || ((Const *) node)->consttype == BOOLOID))
		return (Node *) copyObject(node);
	number = known_value(values, node);
	if (number == 0)
		number = values_add(values, node, exprType(node), VALUE_SAME);
	return (Node *) values_param(values, number);
}

/* the table column behind a Var, through joins and subqueries */
static bool
column_of_var(List *rtables, const Var *var, Oid *relid, AttrNumber *attnum)
{
	RangeTblEntry *rte;
	Node	   *below = NULL;

	check_stack_depth();
	if ((int) var->varlevelsup >= list_length(rtables) || var->varattno <= 0)
		return false;
	rtables = list_copy_tail(rtables, var->varlevelsup);
	rte = rt_fetch(var->varno, (List *) linitial(rtables));
	if (rte->rtekind == RTE_RELATION)
	{
		*relid = rte->relid;
		*attnum = var->varattno;
		return true;
	}
	if (rte->rtekind == RTE_JOIN && var->varattno <= list_length(rte->joinaliasvars))
		below = list_nth(rte->joinaliasvars, var->varattno - 1);
	else if (rte->rtekind == RTE_SUBQUERY &&
			 var->varattno <= list_length(rte->subquery->targetList))
	{
		below = (Node *) list_nth_node(TargetEntry, rte->subquery->targetList,
									   var->varattno - 1)->expr;
		rtables = lcons(rte->subquery->rtable, rtables);
	}
	below = values_strip_casts(below);
	return below != NULL && IsA(below, Var) &&
		column_of_var(rtables, (Var *) below, relid, attnum);
}

static bool
is_equality(const OpExpr *op)
{
	Oid			type = exprType(linitial(op->args));

	return op_mergejoinable(op->opno, type) || op_hashjoinable(op->opno, type);
}

/* note which column a value is compared with */
static void
note_comparison(RewriteValues *values, const OpExpr *op, const OpExpr *taken)
{
	for (int side = 0; side < 2 && list_length(op->args) == 2; side++)
	{
		Node	   *column = values_strip_casts(list_nth(op->args, side));
		int			number = values_number_of(values_strip_casts(list_nth(taken->args, 1 - side)));
		RewriteValue *value;

		if (number == 0 || column == NULL || !IsA(column, Var))
			continue;
		value = &values->values[number - 1];
		/* one parameter against two columns: the equality tells more */
		if (value->equality)
			continue;
		if (column_of_var(values->rtables, (Var *) column, &value->relid, &value->attnum))
			value->equality = is_equality(op);
	}
}

static bool
is_constant_array(const ArrayExpr *array)
{
	ListCell   *lc;

	foreach(lc, array->elements)
	{
		if (!values_is_value(values_strip_casts(lfirst(lc))))
			return false;
	}
	return array->elements != NIL && !array->multidims;
}

/* EXTRACT(field FROM x), NORMALIZE(x, form): deparsed from a constant only */
static bool
has_keyword_argument(const FuncExpr *func)
{
	const char *name = get_func_name(func->funcid);

	return func->funcformat == COERCE_SQL_SYNTAX && name != NULL &&
		(strcmp(name, "extract") == 0 || strcmp(name, "normalize") == 0 ||
		 strcmp(name, "is_normalized") == 0);
}

static Node *
take_from_function(FuncExpr *func, RewriteValues *values,
				   Node *(*mutator) (Node *, void *))
{
	FuncExpr   *copy;
	ListCell   *lc;

	if (has_keyword_argument(func))
		return (Node *) copyObject(func);
	if (func->funcformat != COERCE_IMPLICIT_CAST &&
		func->funcformat != COERCE_EXPLICIT_CAST)
		return expression_tree_mutator((Node *) func, mutator, values);
	/* behind the first argument of a cast come its length and kind */
	copy = copyObject(func);
	lc = list_head(copy->args);
	if (lc != NULL)
		lfirst(lc) = mutator(linitial(func->args), values);
	return (Node *) copy;
}

static Node *
take_out_mutator(Node *node, void *context)
{
	RewriteValues *values = context;

	if (node == NULL)
		return NULL;
	if (values_is_value(node))
		return take_value(values, node);
	if (IsA(node, Query))
		return (Node *) values_take_out(values, (Query *) node);
	if (IsA(node, FuncExpr))
		return take_from_function((FuncExpr *) node, values, take_out_mutator);
	if (IsA(node, ArrayExpr) && is_constant_array((ArrayExpr *) node))
		return (Node *) values_param(values,
									 values_add(values, NULL, exprType(node), VALUE_SAME));
	if (IsA(node, OpExpr))
	{
		Node	   *taken = expression_tree_mutator(node, take_out_mutator, context);

		note_comparison(values, (OpExpr *) node, (OpExpr *) taken);
		return taken;
	}
	return expression_tree_mutator(node, take_out_mutator, context);
}

/* what the server can only deparse with its constants in place */
static bool
is_beyond_us(const Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_TABLEFUNC)
			return true;
	}
	foreach(lc, query->cteList)
	{
		if (lfirst_node(CommonTableExpr, lc)->search_clause != NULL ||
			lfirst_node(CommonTableExpr, lc)->cycle_clause != NULL)
			return true;
	}
	return query->commandType == CMD_UTILITY || query->commandType == CMD_MERGE;
}

/* A copy of the query with our parameters in place of its values. */
Query *
values_take_out(RewriteValues *values, Query *query)
{
	Query	   *taken;

	if (is_beyond_us(query))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("statement is of a form that is not rewritten")));
	values->rtables = lcons(query->rtable, values->rtables);
	taken = query_tree_mutator(query, take_out_mutator, values, QTW_IGNORE_JOINALIASES);
	values->rtables = list_delete_first(values->rtables);
	return taken;
}

/* -------------------------------------------------------------------------
 * Putting back
 * -------------------------------------------------------------------------
 */

static bool
is_name_char(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/* behind a quoted identifier that begins here */
const char *
values_skip_quoted(const char *p)
{
	p++;
	while (*p != '\0')
	{
		if (*p++ != '"')
			continue;
		if (*p != '"')
			break;
		p++;
	}
	return p;
}

/* a literal, or a number that is not one of our parameters? */
static bool
has_literal(const char *text)
{
	bool		in_name = false;

	for (const char *p = text; *p != '\0';)
	{
		if (*p == '"')
		{
			p = values_skip_quoted(p);
			in_name = false;
			continue;
		}
		if (*p == '\'' || (isdigit((unsigned char) *p) && !in_name))
			return true;
		in_name = is_name_char(*p);
		p++;
	}
	return false;
}

/* lines and indentation become single spaces, quoted names stay */
static char *
on_one_line(const char *text)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = text; *p != '\0';)
	{
		if (*p == '"')
		{
			const char *end = values_skip_quoted(p);

			appendBinaryStringInfo(&buf, p, end - p);
			p = end;
		}
		else if (isspace((unsigned char) *p))
		{
			if (buf.len > 0 && buf.data[buf.len - 1] != ' ' && buf.data[buf.len - 1] != '(')
				appendStringInfoChar(&buf, ' ');
			p++;
		}
		else
			appendStringInfoChar(&buf, *p++);
	}
	while (buf.len > 0 && buf.data[buf.len - 1] == ' ')
		buf.data[--buf.len] = '\0';
	return buf.data;
}

/* The query as text with our parameters; an error if anything else shows. */
char *
values_deparse(Query *query)
{
	char	   *text = on_one_line(pg_get_querydef(query, true));
	int			len = strlen(text);

	if (len > 0 && text[len - 1] == ';')
		text[len - 1] = '\0';
	if (has_literal(text))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("statement keeps a literal when it is rewritten")));
	return text;
}

/* what one of our parameters becomes */
static void
put_value(RewriteValues *values, StringInfo buf, int number, int *last)
{
	RewriteValue *value;

	if (number < 1 || number > values->n)
		elog(ERROR, "no value %d in the rewrite", number);
	value = &values->values[number - 1];
	switch (value->use)
	{
		case VALUE_SAME:
			if (value->doubtful)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("it is not plain whether a value varies")));
			if (value->number == 0)
				value->number = ++*last;
			appendStringInfo(buf, "$%d::%s", value->number, format_type_be(value->type));
			break;
		case VALUE_PER_ROW:
			appendStringInfo(buf, "%s.%s", values->rows, quote_identifier(value->name));
			break;
		case VALUE_ONE:
			appendStringInfoChar(buf, '1');
			break;
		case VALUE_GONE:
			elog(ERROR, "value %d is not to be in the rewrite", number);
	}
}

/* Replace our parameters, numbering those that stay in order. */
char *
values_put_back(RewriteValues *values, const char *text)
{
	StringInfoData buf;
	int			last = 0;

	initStringInfo(&buf);
	for (const char *p = text; *p != '\0';)
	{
		const char *end = p + 1;

		if (*p == '"')
			end = values_skip_quoted(p);
		else if (is_name_char(*p) && *p != '$')
			while (is_name_char(*end))
				end++;
		else if (*p == '$' && isdigit((unsigned char) *end))
		{
			put_value(values, &buf, strtol(end, (char **) &end, 10), &last);
			p = end;
			continue;
		}
		appendBinaryStringInfo(&buf, p, end - p);
		p = end;
	}
	return buf.data;
}

/*
 * Where a word stands in a deparsed text outside of brackets and quotes;
 * NULL when it does not.
 */
const char *
values_find_word(const char *text, const char *word)
{
	int			depth = 0;
	int			len = strlen(word);
	const char *p = text;

	while (*p != '\0')
	{
		if (*p == '"')
		{
			p = values_skip_quoted(p);
			continue;
		}
		if (*p == '(')
			depth++;
		else if (*p == ')')
			depth--;
		else if (depth == 0 && strncmp(p, word, len) == 0 &&
				 (p == text || !is_name_char(p[-1])) && !is_name_char(p[len]))
			return p;
		p++;
	}
	return NULL;
}
