/*-------------------------------------------------------------------------
 *
 * relfacts.c
 *	  Reads the clauses, join keys and sort keys of one relation.
 *
 * The planner has done the hard part by the time it looks for paths: views
 * and functions are flattened, row-level security is part of the clauses,
 * equivalences are known, parameters with values are constants, and outer
 * references of sub-selects are Params.  So the facts are taken there, from
 * the RelOptInfo, and not from the statement's text or its Query.
 *
 * What flows in: a RelOptInfo in the middle of a what-if planning.  What
 * flows out: RelKeys, each of them a column or an expression together with
 * the operator class that its clause could be looked up by; and findings
 * about clauses that no index can serve.
 *
 * Locking: none; catalog caches only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "parser/parse_coerce.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#include "relfacts.h"
#include "compat.h"

/* Up to so many distinct values a column is too coarse to lead an index */
#define LOWCARD_DISTINCT	2.5

/* A conjunct makes a partial index when it keeps at most this share */
#define PARTIAL_SHARE		0.10

bool
relfacts_same_key(const WhatifKey *a, const WhatifKey *b)
{
	if (a->attnum != b->attnum)
		return false;
	return a->attnum > 0 || equal(a->expr, b->expr);
}

/* Note what is wrong; texts of the same kind and relation are noted once */
void
relfacts_finding(RelFacts *facts, FindingKind kind, const char *fmt,...)
{
	Finding    *finding = palloc0(sizeof(Finding));
	StringInfoData text;

	if (facts->into->literal_pass)
		return;
	initStringInfo(&text);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&text, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	finding->kind = kind;
	finding->relid = facts->relid;
	finding->text = text.data;
	facts->into->findings = lappend(facts->into->findings, finding);
}

/* "status", or the expression's text, for a message */
static char *
key_text(RelFacts *facts, const Node *expr)
{
	if (IsA(expr, Var) && ((const Var *) expr)->varattno > 0)
		return get_attname(facts->relid, ((const Var *) expr)->varattno, false);
	return "the expression";
}

static Node *
strip_relabel(Node *node)
{
	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* What a Var was called in the statement means nothing in an index */
static bool
forget_syntax(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		((Var *) node)->varnosyn = 0;
		((Var *) node)->varattnosyn = 0;
		return false;
	}
	return expression_tree_walker(node, forget_syntax, context);
}

/* A copy of a tree of this relation in which its Vars have varno 1 */
static Node *
rel_tree(RelFacts *facts, Node *node)
{
	node = copyObject(node);
	if (facts->rel->relid != 1)
		ChangeVarNodes(node, facts->rel->relid, 1, 0);
	(void) forget_syntax(node, NULL);
	return node;
}

/*
 * What no index can be made of: system columns, whole rows, and expressions
 * that the planner has wrapped because an outer join may make nulls of them.
 */
static bool
unfit_for_index(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno <= 0;
	if (IsA(node, PlaceHolderVar))
		return true;
	return expression_tree_walker(node, unfit_for_index, context);
}

static bool
contain_param(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return true;
	return expression_tree_walker(node, contain_param, context);
}

static bool
only_this_rel(RelFacts *facts, Node *node)
{
	Relids		varnos = pull_varnos(facts->root, node);

	return bms_equal(varnos, facts->rel->relids);
}

/*
 * Distinct values of a key; 0 where there are no statistics.  The planner's
 * own function takes the rows of a partitioned table for those that its
 * filter leaves.
 */
static double
distinct_values(RelFacts *facts, Node *operand)
{
	VariableStatData vardata;
	double		distinct = 0;

	examine_variable(facts->root, operand, 0, &vardata);
	if (vardata.isunique)
		distinct = facts->tuples;
	else if (HeapTupleIsValid(vardata.statsTuple))
	{
		distinct = ((Form_pg_statistic) GETSTRUCT(vardata.statsTuple))->stadistinct;
		if (distinct < 0)
			distinct *= -facts->tuples;
	}
	ReleaseVariableStats(vardata);
	return distinct;
}

/*
 * A column hidden in the way of an index: cast because the value has another
 * type, or under a function that is not immutable.
 */
static void
blocked_column(RelFacts *facts, Node *operand)
{
	List	   *vars = pull_var_clause(operand, 0);
	Var		   *var;

	if (list_length(vars) != 1)
		return;
	var = (Var *) linitial(vars);
	if (IsA(operand, FuncExpr) &&
		((FuncExpr *) operand)->funcformat == COERCE_IMPLICIT_CAST)
		relfacts_finding(facts, FINDING_TYPE,
						 "type mismatch: column %s (%s) is converted to %s for the comparison, so no index on it can be used; bind the value as %s",
						 key_text(facts, (Node *) var),
						 format_type_be(var->vartype),
						 format_type_be(exprType(operand)),
						 format_type_be(var->vartype));
	else
		relfacts_finding(facts, FINDING_STABLE,
						 "column %s is under an expression that is not IMMUTABLE (it depends on a setting such as the time zone), so it cannot be indexed; compare the bare column with a range instead",
						 key_text(facts, (Node *) var));
}

/* An expression on a column that an index leads with: a rewrite might do */
static void
function_on_indexed(RelFacts *facts, Node *expr)
{
	List	   *vars = pull_var_clause(expr, 0);
	ListCell   *lc;

	if (list_length(vars) != 1)
		return;
	foreach(lc, facts->rel->indexlist)
	{
		IndexOptInfo *info = (IndexOptInfo *) lfirst(lc);

		if (info->indexkeys[0] == ((Var *) linitial(vars))->varattno &&
			info->indexkeys[0] > 0)
		{
			relfacts_finding(facts, FINDING_FUNCTION,
							 "index %s on column %s cannot be used because the column is inside an expression; comparing the bare column would use it",
							 quote_identifier(get_rel_name(info->indexoid)),
							 key_text(facts, linitial(vars)));
			return;
		}
	}
}

/*
 * Are the constants in an expression the statement's own?  One that came out
 * of a parameter is another the next time, and so would be the index.
 */
static bool
literal_expression(RelFacts *facts, Node *node)
{
	node = rel_tree(facts, node);
	if (facts->into->literal_pass)
		facts->into->literals = lappend(facts->into->literals, node);
	return facts->into->all_literal || facts->into->literal_pass ||
		list_member(facts->into->literals, node);
}

/* what hands_over_text() has met in an expression */
typedef struct TextCall
{
	bool		foreign_function;	/* one that is not the server's own */
	bool		text;			/* a constant that can hold a text */
} TextCall;

static bool
is_foreign_function(Oid funcid, void *context)
{
	return funcid >= FirstNormalObjectId;
}

static bool
note_text_call(Node *node, void *context)
{
	TextCall   *call = context;

	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_foreign_function, NULL))
		call->foreign_function = true;
	if (IsA(node, Const) && !((Const *) node)->constisnull)
		call->text |= type_is_collatable(((Const *) node)->consttype) ||
			((Const *) node)->consttype == BYTEAOID;
	return expression_tree_walker(node, note_text_call, context);
}

/*
 * Does this expression hand a text to a function that is not the server's
 * own?  The text may be the key that decrypts a column, and an index would
 * show it in its definition.
 */
static bool
hands_over_text(Node *node)
{
	TextCall	call = {false, false};

	note_text_call(node, &call);
	return call.foreign_function && call.text;
}

/*
 * Is this side of a clause something to make a key of: a column, or an
 * immutable expression, of this relation alone?
 */
static bool
take_key(RelFacts *facts, Node *operand, Oid collation, WhatifKey *key)
{
	Node	   *node = strip_relabel(operand);

	memset(key, 0, sizeof(*key));
	if (node == NULL || unfit_for_index(node, NULL) ||
		!only_this_rel(facts, node))
		return false;
	if (IsA(node, Var))
	{
		key->attnum = ((Var *) node)->varattno;
	}
	else
	{
		if (contain_subplans(node) || contain_agg_clause(node) ||
			contain_param(node, NULL) || hands_over_text(node))
			return false;
		if (contain_mutable_functions(node) ||
			(IsA(node, FuncExpr) &&
			 ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST))
		{
			blocked_column(facts, node);
			return false;
		}
		if (!literal_expression(facts, node))
			return false;
		function_on_indexed(facts, node);
		key->stats = palloc0(sizeof(WhatifStats));
	}
	key->expr = rel_tree(facts, node);
	key->type = exprType(node);
	key->collation = OidIsValid(exprCollation(node)) ?
		(OidIsValid(collation) ? collation : exprCollation(node)) : InvalidOid;
	return true;
}

static bool
set_opclass(WhatifKey *key, Oid opclass)
{
	if (!OidIsValid(opclass))
		return false;
	key->opclass = opclass;
	key->opfamily = get_opclass_family(opclass);
	key->opcintype = get_opclass_input_type(opclass);
	return true;
}

static bool
set_btree(WhatifKey *key)
{
	return set_opclass(key, GetDefaultOpClass(key->type, BTREE_AM_OID));
}

static RelKey *
add_key(RelFacts *facts, const WhatifKey *key, KeyUse use, Node *clause,
		double sel)
{
	RelKey	   *rk = palloc0(sizeof(RelKey));
	List	  **list;
	ListCell   *lc;

	rk->key = *key;
	rk->amoid = BTREE_AM_OID;
	rk->use = use;
	rk->sel = sel;
	rk->clause = clause ? rel_tree(facts, clause) : NULL;
	list = use == KEY_EQUAL ? &facts->equal :
		use == KEY_RANGE ? &facts->range :
		use == KEY_JOIN ? &facts->join :
		use == KEY_ORDER ? &facts->order : &facts->other;
	foreach(lc, *list)
	{
		RelKey	   *have = (RelKey *) lfirst(lc);

		if (relfacts_same_key(&have->key, key) &&
			have->key.opclass == key->opclass)
		{
			have->sel *= sel;	/* two ends of one range */
			return have;
		}
	}
	*list = lappend(*list, rk);
	return rk;
}

/* An operator class of this family that takes the type; the default first */
static Oid
opclass_of_family(Oid amoid, Oid opfamily, Oid type)
{
	CatCList   *list = SearchSysCacheList1(CLAAMNAMENSP, ObjectIdGetDatum(amoid));
	Oid			found = InvalidOid;
	bool		found_default = false;

	type = getBaseType(type);
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_opclass opc = (Form_pg_opclass) GETSTRUCT(&list->members[i]->tuple);

		if (opc->opcfamily != opfamily || found_default ||
			!IsBinaryCoercible(type, opc->opcintype))
			continue;
		found = opc->oid;
		found_default = opc->opcdefault;
	}
	ReleaseSysCacheList(list);
	return found;
}

/*
 * An operator class of an access method by which this operator can be
 * searched (or ordered by).
 */
static Oid
opclass_for_operator(Oid amoid, Oid opno, char purpose, Oid type)
{
	CatCList   *list = SearchSysCacheList1(AMOPOPID, ObjectIdGetDatum(opno));
	Oid			found = InvalidOid;
	Oid			standard = GetDefaultOpClass(type, amoid);

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_amop amop = (Form_pg_amop) GETSTRUCT(&list->members[i]->tuple);
		Oid			opclass;

		if (amop->amopmethod != amoid || amop->amoppurpose != purpose)
			continue;
		opclass = opclass_of_family(amoid, amop->amopfamily, type);
		if (OidIsValid(opclass) &&
			(!OidIsValid(found) || opclass == standard))
			found = opclass;
	}
	ReleaseSysCacheList(list);
	return found;
}

/* Operators that a B-tree does not have: GIN, then GiST and SP-GiST, hash */
static bool
note_other_am(RelFacts *facts, WhatifKey *key, Oid opno, Node *clause,
			  double sel)
{
	static const Oid methods[] = {
		GIN_AM_OID, GIST_AM_OID, SPGIST_AM_OID, HASH_AM_OID
	};
	int			found = 0;

	for (int i = 0; i < lengthof(methods) && found < 1; i++)
	{
		WhatifKey	other = *key;
		RelKey	   *rk;

		if (!set_opclass(&other, opclass_for_operator(methods[i], opno,
													  AMOP_SEARCH, key->type)))
			continue;
		rk = add_key(facts, &other, KEY_OTHER, clause, sel);
		rk->amoid = methods[i];
		found++;
	}
	return found > 0;
}

/* The operator class for patterns where the collation is not C */
static Oid
pattern_opclass(Oid type)
{
	switch (getBaseType(type))
	{
		case TEXTOID:
			return TEXT_BTREE_PATTERN_OPS_OID;
		case VARCHAROID:
			return VARCHAR_BTREE_PATTERN_OPS_OID;
		case BPCHAROID:
			return BPCHAR_BTREE_PATTERN_OPS_OID;
		default:
			return InvalidOid;
	}
}

/*
 * Operators whose function knows how to make a range of them (LIKE, regular
 * expressions, network containment): a B-tree may serve; the planner says.
 */
static void
note_derived_range(RelFacts *facts, WhatifKey *key, Oid opno, Node *value,
				   Node *clause, double sel)
{
	Oid			pattern = pattern_opclass(key->type);

	if (!IsA(value, Const) || !OidIsValid(get_func_support(get_opcode(opno))))
		return;
	if (OidIsValid(pattern))
	{
		if (OidIsValid(key->collation) && npo_collate_is_c(key->collation))
			set_btree(key);
		else
			set_opclass(key, pattern);
	}
	else if (!set_btree(key))
		return;
	add_key(facts, key, KEY_RANGE, clause, sel);
}

/* "=", "<" and the like: which end of which list, by the B-tree's strategy */
static bool
note_btree(RelFacts *facts, WhatifKey *key, Oid opno, Node *operand,
		   Node *clause, double sel, bool join)
{
	int			strategy;
	RelKey	   *rk;

	if (!set_btree(key))
		return false;
	strategy = get_op_opfamily_strategy(opno, key->opfamily);
	if (strategy == 0)
		return false;
	rk = add_key(facts, key,
				 join ? KEY_JOIN :
				 strategy == BTEqualStrategyNumber ? KEY_EQUAL : KEY_RANGE,
				 clause, sel);
	rk->distinct = distinct_values(facts, operand);
	rk->lowcard = strategy == BTEqualStrategyNumber &&
		((rk->distinct > 0 && rk->distinct <= LOWCARD_DISTINCT) ||
		 key->type == BOOLOID);
	return true;
}

/* column operator value; commuted where the column stands on the right */
static void
note_operator(RelFacts *facts, OpExpr *op, double sel, bool join)
{
	Node	   *left;
	Node	   *right;
	Oid			opno = op->opno;
	Oid			negator;
	WhatifKey	key;

	if (list_length(op->args) != 2)
		return;
	left = linitial(op->args);
	right = lsecond(op->args);
	if (!bms_is_subset(facts->rel->relids, pull_varnos(facts->root, left)))
	{
		Node	   *swap = left;

		left = right;
		right = swap;
		opno = get_commutator(opno);
	}
	if (!OidIsValid(opno) || contain_volatile_functions(right) ||
		bms_overlap(pull_varnos(facts->root, right), facts->rel->relids) ||
		!take_key(facts, left, op->inputcollid, &key))
		return;
	if (note_btree(facts, &key, opno, left, (Node *) op, sel, join))
		return;

	/* what is only "not equal" is for partial indexes alone */
	negator = get_negator(opno);
	if (OidIsValid(negator) && OidIsValid(key.opfamily) &&
		get_op_opfamily_strategy(negator, key.opfamily) == BTEqualStrategyNumber)
		return;
	if (!note_other_am(facts, &key, opno, (Node *) op, sel) &&
		OidIsValid(pattern_opclass(key.type)))
		relfacts_finding(facts, FINDING_INFIX,
						 "the pattern on %s is not anchored at its beginning; with the extension pg_trgm a GIN index could serve it",
						 key_text(facts, key.expr));
	note_derived_range(facts, &key, opno, right, (Node *) op, sel);
}

/* column = ANY (array), and its mirror image that no index serves */
static void
note_array(RelFacts *facts, ScalarArrayOpExpr *saop, double sel)
{
	Node	   *left = linitial(saop->args);
	Node	   *right = lsecond(saop->args);
	WhatifKey	key;

	if (!saop->useOr)
		return;
	if (bms_is_subset(facts->rel->relids, pull_varnos(facts->root, right)))
	{
		Node	   *array = strip_relabel(right);

		if (IsA(array, Var) && pull_varnos(facts->root, left) == NULL &&
			get_negator(get_negator(saop->opno)) == saop->opno)
			relfacts_finding(facts, FINDING_ANY_COLUMN,
							 "value = ANY(%s) cannot use an index; write %s @> ARRAY[value] and create a GIN index on %s",
							 key_text(facts, array), key_text(facts, array),
							 key_text(facts, array));
		return;
	}
	if (!contain_volatile_functions(right) &&
		take_key(facts, left, saop->inputcollid, &key) &&
		!note_btree(facts, &key, saop->opno, left, (Node *) saop, sel, false))
		note_other_am(facts, &key, saop->opno, (Node *) saop, sel);
}

/* IS NULL, and boolean columns as conditions of their own */
static void
note_truth(RelFacts *facts, Node *arg, Node *clause, double sel)
{
	WhatifKey	key;
	RelKey	   *rk;

	if (!take_key(facts, arg, InvalidOid, &key) || key.attnum == 0 ||
		!set_btree(&key))
		return;
	rk = add_key(facts, &key, KEY_EQUAL, clause, sel);
	rk->lowcard = true;
}

/* (a, b) < (x, y): the columns in order */
static void
note_row_compare(RelFacts *facts, RowCompareExpr *rc, double sel)
{
	ListCell   *larg;
	ListCell   *rarg;

	forboth(larg, rc->largs, rarg, rc->rargs)
	{
		WhatifKey	key;
		Node	   *left = lfirst(larg);
		Node	   *right = lfirst(rarg);

		if (bms_overlap(pull_varnos(facts->root, right), facts->rel->relids))
		{
			if (bms_overlap(pull_varnos(facts->root, left), facts->rel->relids))
				return;
			left = right;
		}
		if (!take_key(facts, left, InvalidOid, &key) || !set_btree(&key))
			return;
		add_key(facts, &key, KEY_RANGE, (Node *) rc,
				foreach_current_index(larg) == 0 ? sel : 1.0)->sel = sel;
		return;					/* the rest comes with ORDER BY, or not at all */
	}
}

/* The keys of one arm of an OR, or NIL where nothing could be looked up */
static List *
arm_keys(RelFacts *facts, Node *arm)
{
	RelFacts	sub = *facts;
	ListCell   *lc;

	sub.arm = true;
	sub.equal = sub.range = sub.join = sub.order = sub.other = NIL;
	sub.partial = sub.ors = NIL;
	if (is_andclause(arm))
	{
		foreach(lc, ((BoolExpr *) arm)->args)
			relfacts_clause(&sub, lfirst(lc), 0.01, false);
	}
	else
		relfacts_clause(&sub, arm, 0.01, false);
	if (sub.equal != NIL)
		return list_truncate(sub.equal, WHATIF_MAX_KEYS);
	if (sub.range != NIL)
		return list_make1(linitial(sub.range));
	if (sub.other != NIL)
		return list_make1(linitial(sub.other));
	return NIL;
}

/* OR: one key for all arms is an equality, else each arm wants an index */
static void
note_or(RelFacts *facts, BoolExpr *or, double sel)
{
	List	   *arms = NIL;
	RelKey	   *first;
	bool		same = true;
	ListCell   *lc;

	if (facts->arm)
		return;
	foreach(lc, or->args)
	{
		List	   *keys = arm_keys(facts, lfirst(lc));

		if (keys == NIL)
			return;
		arms = lappend(arms, keys);
	}
	if (arms == NIL)
		return;
	first = linitial(linitial(arms));
	foreach(lc, arms)
	{
		RelKey	   *rk = linitial(lfirst(lc));

		same = same && list_length(lfirst(lc)) == 1 && rk->amoid == first->amoid &&
			relfacts_same_key(&rk->key, &first->key);
	}
	if (same && first->amoid == BTREE_AM_OID)
		add_key(facts, &first->key,
				first->use == KEY_EQUAL ? KEY_EQUAL : KEY_RANGE,
				(Node *) or, sel)->distinct = first->distinct;
	else
		facts->ors = lappend(facts->ors, arms);
}

/* Literal in the statement, whatever its parameters: fit for a predicate */
static bool
is_literal(RelFacts *facts, Node *clause)
{
	if (facts->into->all_literal)
		return true;
	return list_member(facts->into->literals, clause);
}

/*
 * Is the literal one of the values that ANALYZE has listed for the column?
 * Any other tells something that the column's statistics do not.
 */
static bool
listed_value(RelFacts *facts, OpExpr *op, Node *column, Node *value)
{
	VariableStatData vardata;
	double		listed = 0;
	double		share = 0;

	value = strip_relabel(value);
	if (!IsA(value, Const) || ((Const *) value)->constisnull)
		return false;
	examine_variable(facts->root, column, 0, &vardata);
	if (HeapTupleIsValid(vardata.statsTuple))
	{
		FmgrInfo	equal;

		fmgr_info(get_opcode(op->opno), &equal);
		share = mcv_selectivity(&vardata, &equal, op->inputcollid,
								((Const *) value)->constvalue,
								column == linitial(op->args), &listed);
	}
	ReleaseVariableStats(vardata);
	return share > 0;
}

/*
 * Is an equality with a literal worth a partial index?  Only where the value
 * is much rarer than its column's others; else it is one value of many, and
 * the next statement asks for another.
 */
static bool
rare_value(RelFacts *facts, OpExpr *op, double sel)
{
	Node	   *left = linitial(op->args);
	Node	   *right = lsecond(op->args);
	double		distinct;

	if (!IsA(strip_relabel(left), Var))
	{
		left = right;
		right = linitial(op->args);
	}
	if (!IsA(strip_relabel(left), Var) || !listed_value(facts, op, left, right))
		return false;
	distinct = distinct_values(facts, left);
	return distinct > 0 && distinct <= 50 && sel <= 0.5 / distinct;
}

/* Could this conjunct be the predicate of a partial index? */
static bool
fit_for_predicate(RelFacts *facts, Node *clause, double sel)
{
	Oid			negator;

	if (sel > PARTIAL_SHARE || unfit_for_index(clause, NULL) ||
		contain_mutable_functions(clause) ||
		contain_subplans(clause) || !only_this_rel(facts, clause) ||
		contain_param(clause, NULL) || hands_over_text(clause))
		return false;
	if (IsA(clause, NullTest) || IsA(clause, BooleanTest) ||
		IsA(clause, Var) || is_notclause(clause))
		return true;
	if (IsA(clause, ScalarArrayOpExpr))
		return !((ScalarArrayOpExpr *) clause)->useOr;
	if (!IsA(clause, OpExpr) || list_length(((OpExpr *) clause)->args) != 2)
		return false;
	negator = get_negator(((OpExpr *) clause)->opno);
	if (OidIsValid(negator) && op_mergejoinable(negator,
												exprType(linitial(((OpExpr *) clause)->args))))
		return true;			/* <> */
	return op_mergejoinable(((OpExpr *) clause)->opno,
							exprType(linitial(((OpExpr *) clause)->args))) &&
		rare_value(facts, (OpExpr *) clause, sel);
}

static void
note_partial(RelFacts *facts, Node *clause, double sel)
{
	RelKey	   *rk;

	if (facts->arm || !fit_for_predicate(facts, clause, sel))
		return;
	clause = rel_tree(facts, clause);
	if (!is_literal(facts, clause))
		return;
	rk = palloc0(sizeof(RelKey));
	rk->clause = clause;
	rk->sel = sel;
	facts->partial = lappend(facts->partial, rk);
}

/* Sort one clause into the facts */
void
relfacts_clause(RelFacts *facts, Node *clause, double sel, bool join)
{
	if (!join)
		note_partial(facts, clause, sel);
	switch (nodeTag(clause))
	{
		case T_OpExpr:
			note_operator(facts, (OpExpr *) clause, sel, join);
			break;
		case T_ScalarArrayOpExpr:
			if (!join)
				note_array(facts, (ScalarArrayOpExpr *) clause, sel);
			break;
		case T_NullTest:
			if (((NullTest *) clause)->nulltesttype == IS_NULL)
				note_truth(facts, (Node *) ((NullTest *) clause)->arg, clause, sel);
			break;
		case T_BooleanTest:
			note_truth(facts, (Node *) ((BooleanTest *) clause)->arg, clause, sel);
			break;
		case T_Var:
			note_truth(facts, clause, clause, sel);
			break;
		case T_RowCompareExpr:
			if (!join)
				note_row_compare(facts, (RowCompareExpr *) clause, sel);
			break;
		case T_BoolExpr:
			if (is_notclause(clause))
				note_truth(facts, (Node *) get_notclausearg(clause), clause, sel);
			else if (is_orclause(clause) && !join)
				note_or(facts, (BoolExpr *) clause, sel);
			break;
		default:
			break;
	}
}

/* The member of an equivalence class that is of this relation alone */
static EquivalenceMember *
member_of_rel(EquivalenceClass *ec, RelOptInfo *rel)
{
	ListCell   *lc;

	foreach(lc, ec->ec_members)
	{
		EquivalenceMember *em = (EquivalenceMember *) lfirst(lc);

		if (!em->em_is_const && bms_equal(em->em_relids, rel->relids))
			return em;
	}
	return NULL;
}

/* Join keys that the planner knows as equivalences */
static void
collect_equivalences(RelFacts *facts)
{
	ListCell   *lc;

	foreach(lc, facts->root->eq_classes)
	{
		EquivalenceClass *ec = (EquivalenceClass *) lfirst(lc);
		EquivalenceMember *em;
		WhatifKey	key;

		if (ec->ec_has_volatile || ec->ec_has_const ||
			list_length(ec->ec_members) < 2 ||
			!bms_is_subset(facts->rel->relids, ec->ec_relids) ||
			bms_membership(ec->ec_relids) != BMS_MULTIPLE)
			continue;
		em = member_of_rel(ec, facts->rel);
		if (em != NULL &&
			take_key(facts, (Node *) em->em_expr, ec->ec_collation, &key) &&
			set_btree(&key) && list_member_oid(ec->ec_opfamilies, key.opfamily))
		{
			RelKey	   *rk = add_key(facts, &key, KEY_JOIN, NULL, 0.01);

			rk->others = ec->ec_relids;
			rk->distinct = distinct_values(facts, (Node *) em->em_expr);
		}
	}
}

/* ORDER BY column <-> value: an index that returns the nearest first */
static bool
note_distance(RelFacts *facts, Node *expr)
{
	OpExpr	   *op = (OpExpr *) expr;
	Node	   *left;
	Node	   *right;
	Oid			opno;
	WhatifKey	key;
	RelKey	   *rk;

	if (!IsA(expr, OpExpr) || list_length(op->args) != 2)
		return false;
	left = linitial(op->args);
	right = lsecond(op->args);
	opno = op->opno;
	if (pull_varnos(facts->root, left) == NULL)
	{
		left = right;
		right = linitial(op->args);
		opno = get_commutator(opno);
	}
	if (!OidIsValid(opno) || pull_varnos(facts->root, right) != NULL ||
		!take_key(facts, left, op->inputcollid, &key) ||
		!set_opclass(&key, opclass_for_operator(GIST_AM_OID, opno, AMOP_ORDER,
												key.type)))
		return false;
	rk = add_key(facts, &key, KEY_OTHER, NULL, 0.01);
	rk->amoid = GIST_AM_OID;
	return true;
}

/* The leading sort keys that are of this relation alone */
static void
collect_order(RelFacts *facts, List *pathkeys)
{
	ListCell   *lc;
	bool		flip = false;

	foreach(lc, pathkeys)
	{
		PathKey    *pk = (PathKey *) lfirst(lc);
		EquivalenceMember *em = member_of_rel(pk->pk_eclass, facts->rel);
		Node	   *expr = em ? strip_relabel((Node *) em->em_expr) : NULL;
		WhatifKey	key;

		if (em == NULL || pk->pk_eclass->ec_has_volatile)
			return;
		if (foreach_current_index(lc) == 0 && note_distance(facts, expr))
			return;
		if (!take_key(facts, expr, pk->pk_eclass->ec_collation, &key) ||
			!set_btree(&key) || key.opfamily != pk->pk_opfamily)
			return;
		key.descending = NPO_PATHKEY_DESCENDING(pk);
		key.nulls_first = pk->pk_nulls_first;
		if (foreach_current_index(lc) == 0)
			flip = key.descending && key.nulls_first;

		/* a scan goes backward as well: ascending is what people write */
		if (flip)
		{
			key.descending = !key.descending;
			key.nulls_first = !key.nulls_first;
		}
		add_key(facts, &key, KEY_ORDER, NULL, 1.0);
	}
}

/* Existing indexes that lead with the key but cannot serve the clause */
static void
compare_with_indexes(RelFacts *facts, List *keys)
{
	ListCell   *lc;
	ListCell   *ilc;

	foreach(lc, keys)
	{
		RelKey	   *rk = (RelKey *) lfirst(lc);

		foreach(ilc, facts->rel->indexlist)
		{
			IndexOptInfo *info = (IndexOptInfo *) lfirst(ilc);
			char	   *name;

			if (rk->key.attnum == 0 || info->relam != BTREE_AM_OID ||
				info->indexkeys[0] != rk->key.attnum)
				continue;
			name = (char *) quote_identifier(get_rel_name(info->indexoid));
			if (info->indexcollations[0] != rk->key.collation &&
				OidIsValid(info->indexcollations[0]))
				relfacts_finding(facts, FINDING_COLLATION,
								 "index %s has another collation (%s) than the comparison (%s), so it cannot be used",
								 name, get_collation_name(info->indexcollations[0]),
								 OidIsValid(rk->key.collation) ?
								 get_collation_name(rk->key.collation) : "none");
			else if (info->opfamily[0] != rk->key.opfamily && rk->use != KEY_EQUAL)
				relfacts_finding(facts, FINDING_OPCLASS,
								 "index %s has an operator class that does not serve this comparison",
								 name);
			else if (info->indpred != NIL && !info->predOK)
				relfacts_finding(facts, FINDING_PARTIAL,
								 "partial index %s cannot be used: the statement's conditions do not imply its predicate",
								 name);
			else if (info->indpred == NIL && rk->sel > 0.15 && rk->use != KEY_ORDER)
				relfacts_finding(facts, FINDING_DECLINED,
								 "index %s exists; the condition keeps about %.0f %% of the rows, so reading the whole table is right",
								 name, rk->sel * 100);
		}
	}
}

/* Everything there is to know of one relation */
void
relfacts_collect(RelFacts *facts)
{
	ListCell   *lc;

	foreach(lc, facts->rel->baserestrictinfo)
	{
		RestrictInfo *rinfo = (RestrictInfo *) lfirst(lc);
		double		sel = clause_selectivity(facts->root, (Node *) rinfo, 0,
											 JOIN_INNER, NULL);

		if (facts->into->literal_pass)
			facts->into->literals = lappend(facts->into->literals,
											rel_tree(facts, (Node *) rinfo->clause));
		relfacts_clause(facts, (Node *) rinfo->clause, sel, false);
	}
	foreach(lc, facts->rel->joininfo)
	{
		RestrictInfo *rinfo = (RestrictInfo *) lfirst(lc);

		relfacts_clause(facts, (Node *) rinfo->clause, 0.01, true);
	}
	collect_equivalences(facts);
	collect_order(facts, facts->root->query_pathkeys);
	if (facts->order == NIL)
		collect_order(facts, facts->root->sort_pathkeys);
	compare_with_indexes(facts, facts->equal);
	compare_with_indexes(facts, facts->range);
	compare_with_indexes(facts, facts->order);
}
