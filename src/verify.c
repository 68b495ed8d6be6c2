/*-------------------------------------------------------------------------
 *
 * verify.c
 *	  Asks the planner which candidates are worth having.
 *
 * Plans the statement as it is, then with all candidates at once: where even
 * that does not halve the cost, nothing will, and most statements end there.
 * Else it goes on greedily: the index that brings the plan's cost down most,
 * with a penalty for every further column and for a predicate, until nothing
 * brings it down by half again; up to three.
 *
 * The number of plannings and their time are bounded.  Locking: none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"

#include "existing.h"
#include "planwalk.h"
#include "stopwatch.h"
#include "verify.h"

/* A statement that costs less is not worth an index */
#define MIN_COST			50.0

/* Accepted when the cost is at most this share of what it was */
#define ACCEPT_SHARE		0.50

/* ... and behind a deep OFFSET, whose rows are read all the same */
#define ACCEPT_SHARE_OFFSET	0.30
#define DEEP_OFFSET			1000.0

#define PENALTY_COLUMN		0.08
#define PENALTY_PARTIAL		0.04
#define PENALTY_OF_BASE		0.003

#define MAX_CANDIDATES		12
#define MAX_INDEXES			3

/* One verification going on */
typedef struct Verification
{
	Verdict    *verdict;
	Query	   *query;
	const char *query_string;
	int			cursorOptions;
	ParamListInfo params;
	WhatifPlanner planner;
	Candidates	cands;
	Stopwatch	watch;
	int			budget_ms;
	double		share;			/* ACCEPT_SHARE, or the stricter one */
	double		bound;			/* cost with all candidates at once */
} Verification;

static bool
has_params_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXTERN;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_params_walker, context, 0);
	return expression_tree_walker(node, has_params_walker, context);
}

/* Has the statement parameters, so that its constants are not all its own? */
bool
verify_has_params(Query *query)
{
	return query_tree_walker(query, has_params_walker, NULL, 0);
}

/*
 * Errors of a verification are ours, but not those that end the statement: a
 * cancel, a termination, a conflict with recovery or a serialization failure.
 */
bool
verify_may_swallow(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) != ERRCODE_TRANSACTION_ROLLBACK &&
		sqlerrcode != ERRCODE_QUERY_CANCELED &&
		sqlerrcode != ERRCODE_ADMIN_SHUTDOWN &&
		sqlerrcode != ERRCODE_CRASH_SHUTDOWN &&
		sqlerrcode != ERRCODE_DATABASE_DROPPED;
}

static bool
out_of_time(Verification *v)
{
	CHECK_FOR_INTERRUPTS();
	if (stopwatch_is_over(&v->watch, v->budget_ms))
		v->verdict->timed_out = true;
	return v->verdict->timed_out;
}

/* Note which of the hypothetical indexes a plan was made of */
static bool
note_used(Plan *plan, void *context)
{
	ListCell   *lc;
	Oid			indexoid = planwalk_index(plan);

	foreach(lc, (List *) context)
	{
		WhatifIndex *index = (WhatifIndex *) lfirst(lc);

		if (index->indexoid == indexoid)
			index->used = true;
	}
	return false;
}

static double
cost_with(Verification *v, List *indexes, PlannedStmt **plan)
{
	PlannedStmt *stmt = whatif_plan(v->query, v->query_string, v->cursorOptions,
									v->params, v->planner, indexes);

	planwalk(stmt, note_used, indexes);
	if (plan)
		*plan = stmt;
	return stmt->planTree->total_cost;
}

static List *
used_of(List *indexes)
{
	List	   *used = NIL;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		if (((WhatifIndex *) lfirst(lc))->used)
			used = lappend(used, lfirst(lc));
	}
	return used;
}

/* Every index of every candidate */
static List *
all_indexes(List *candidates)
{
	List	   *all = NIL;
	ListCell   *lc;

	foreach(lc, candidates)
		all = list_concat(all, ((Candidate *) lfirst(lc))->indexes);
	return all;
}

/* The candidates on tables of which the best plan uses an index at all */
static List *
promising(List *candidates, List *used)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *ulc;

	foreach(lc, candidates)
	{
		Candidate  *cand = (Candidate *) lfirst(lc);
		Oid			relid = ((WhatifIndex *) linitial(cand->indexes))->relid;
		bool		found = false;

		foreach(ulc, used)
			found = found || ((WhatifIndex *) lfirst(ulc))->relid == relid;
		if (found)
			result = lappend(result, cand);
	}
	return list_truncate(result, MAX_CANDIDATES);
}

/*
 * A cost with what an index costs beside it: every further column, predicate
 * and index has to bring some share of the new cost, and of the old one too,
 * lest a column be added that saves one page of a thousand.
 */
static double
penalized(Verification *v, double cost, List *indexes)
{
	double		factor = 0;
	double		extras = 0;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		WhatifIndex *index = (WhatifIndex *) lfirst(lc);

		factor += PENALTY_COLUMN * (index->nkeys - 1);
		extras += index->nkeys - 1;
		if (index->predicate != NIL)
			factor += PENALTY_PARTIAL;
	}
	factor += PENALTY_COLUMN * (list_length(indexes) - 1);
	extras += list_length(indexes) - 1;
	return cost * (1 + factor) +
		v->verdict->cost_before * PENALTY_OF_BASE * extras;
}

static bool
all_used(List *indexes)
{
	return list_length(used_of(indexes)) == list_length(indexes);
}

/*
 * The candidate that brings the cost down most, together with what has been
 * chosen; NULL where none brings it down by enough.
 */
static Candidate *
best_candidate(Verification *v, List *chosen, double current, double *cost)
{
	Candidate  *best = NULL;
	double		best_score = 0;
	ListCell   *lc;

	foreach(lc, v->cands.candidates)
	{
		Candidate  *cand = (Candidate *) lfirst(lc);
		List	   *with = list_concat_copy(chosen, cand->indexes);
		double		c;

		if (list_length(with) > MAX_INDEXES || out_of_time(v))
			continue;
		c = cost_with(v, with, NULL);
		if (!all_used(cand->indexes) || c > current * v->share)
			continue;
		if (best == NULL || penalized(v, c, cand->indexes) < best_score)
		{
			best = cand;
			best_score = penalized(v, c, cand->indexes);
			*cost = c;
		}
	}
	return best;
}

/* Greedy: one candidate after the other, until the best there is is reached */
static List *
choose(Verification *v)
{
	List	   *chosen = NIL;
	double		current = v->verdict->cost_before;

	for (int round = 0; round < MAX_INDEXES; round++)
	{
		double		cost = current;
		Candidate  *cand;

		if (chosen != NIL && current <= v->bound * 1.05)
			break;
		cand = best_candidate(v, chosen, current, &cost);
		if (cand == NULL)
			break;
		chosen = list_concat_copy(chosen, cand->indexes);
		current = cost;
	}
	return chosen;
}

/*
 * Indexes that help only together (the arms of a UNION): those that the plan
 * with all of them took, each replaced by a simpler one where that does as
 * well.
 */
static List *
choose_together(Verification *v, List *used)
{
	List	   *chosen = list_copy(used);
	double		score;
	ListCell   *lc;

	if (list_length(used) < 2 || list_length(used) > MAX_INDEXES)
		return NIL;
	score = penalized(v, cost_with(v, chosen, NULL), chosen);
	foreach(lc, v->cands.candidates)
	{
		WhatifIndex *other = linitial(((Candidate *) lfirst(lc))->indexes);

		for (int i = 0; i < list_length(chosen) && !out_of_time(v); i++)
		{
			WhatifIndex *have = list_nth(chosen, i);
			List	   *with = list_copy(chosen);
			double		c;

			if (have->relid != other->relid || list_member_ptr(chosen, other))
				continue;
			lfirst(list_nth_cell(with, i)) = other;
			c = penalized(v, cost_with(v, with, NULL), with);
			if (all_used(with) && c < score)
			{
				score = c;
				chosen = with;
			}
		}
	}
	return chosen;
}

/* Does this finding say something beside an index on the same table? */
static bool
goes_with_index(Finding *finding, List *indexes)
{
	ListCell   *lc;

	if (finding->kind == FINDING_OFFSET)
		return true;
	if (finding->kind == FINDING_DECLINED || finding->kind == FINDING_INFIX)
		return false;
	foreach(lc, indexes)
	{
		if (((WhatifIndex *) lfirst(lc))->relid == finding->relid)
			return true;
	}
	return false;
}

/* The gravest finding; beside indexes, of those that go with them */
static Finding *
gravest(Candidates *cands, List *indexes)
{
	Finding    *worst = NULL;
	ListCell   *lc;

	foreach(lc, cands->findings)
	{
		Finding    *finding = (Finding *) lfirst(lc);

		if (indexes != NIL && !goes_with_index(finding, indexes))
			continue;
		if (worst == NULL || finding->kind > worst->kind)
			worst = finding;
	}
	return worst;
}

static void
note_deep_offset(Verification *v)
{
	Finding    *finding;

	v->share = ACCEPT_SHARE;
	if (v->cands.offset <= DEEP_OFFSET)
		return;
	v->share = ACCEPT_SHARE_OFFSET;
	finding = palloc0(sizeof(Finding));
	finding->kind = FINDING_OFFSET;
	finding->text = psprintf("OFFSET %.0f reads and throws away as many rows; continue after the last row seen instead (keyset: WHERE (sort keys) > (last values))",
							 v->cands.offset);
	v->cands.findings = lappend(v->cands.findings, finding);
}

/* Plan as it is, and find out what could help */
static void
collect(Verification *v)
{
	v->cands.all_literal = !verify_has_params(v->query);
	if (!v->cands.all_literal)
	{
		v->cands.literal_pass = true;
		(void) candidates_collect(&v->cands, v->query, v->query_string,
								  v->cursorOptions, NULL, v->planner);
		v->cands.literal_pass = false;
		v->verdict->generic = v->params == NULL;
		if (out_of_time(v))
			return;
	}
	v->verdict->before = candidates_collect(&v->cands, v->query, v->query_string,
											v->cursorOptions, v->params,
											v->planner);
	v->verdict->cost_before = v->verdict->before->planTree->total_cost;
	v->verdict->cost_after = v->verdict->cost_before;
	note_deep_offset(v);
}

/* The last word: the plan with the chosen indexes, those it does not use out */
static void
conclude(Verification *v, List *chosen)
{
	Verdict    *verdict = v->verdict;
	PlannedStmt *plan;
	double		cost;

	if (chosen == NIL)
		return;
	cost = cost_with(v, chosen, &plan);
	if (cost > verdict->cost_before * v->share)
		return;
	verdict->tried = chosen;
	verdict->indexes = used_of(chosen);
	verdict->cost_after = cost;
	verdict->after = plan;
}

/* Where the index exists but is INVALID, it wants mending, not another one */
static void
drop_invalid(Verification *v)
{
	List	   *keep = NIL;
	ListCell   *lc;

	foreach(lc, v->verdict->indexes)
	{
		WhatifIndex *index = (WhatifIndex *) lfirst(lc);
		char	   *name = existing_invalid(index);
		Finding    *finding;

		if (name == NULL)
		{
			keep = lappend(keep, index);
			continue;
		}
		finding = palloc0(sizeof(Finding));
		finding->kind = FINDING_INVALID;
		finding->relid = index->relid;
		finding->text = psprintf("index %s is what is missing, but it is INVALID (its creation failed); run REINDEX INDEX CONCURRENTLY %s",
								 name, name);
		v->cands.findings = lappend(v->cands.findings, finding);
	}
	v->verdict->indexes = keep;
	if (keep == NIL)
		v->verdict->cost_after = v->verdict->cost_before;
}

/*
 * Is a plan dear enough, and are there tables of the user's own in it?  Most
 * statements end here, without a planning of their own.
 */
bool
verify_worthwhile(PlannedStmt *plan)
{
	ListCell   *lc;

	if (plan == NULL || plan->planTree == NULL ||
		plan->planTree->total_cost < MIN_COST)
		return false;
	foreach(lc, plan->relationOids)
	{
		if (lfirst_oid(lc) >= FirstNormalObjectId)
			return true;
	}
	return false;
}

/*
 * Find the indexes that a statement lacks.  The memory is the caller's
 * current context; what is thrown comes through.
 */
void
verify_statement(Verdict *verdict, Query *query, const char *query_string,
				 int cursorOptions, ParamListInfo boundParams,
				 WhatifPlanner planner, int budget_ms)
{
	Verification v = {
		.verdict = verdict,.query = query,.query_string = query_string,
		.cursorOptions = cursorOptions & ~CURSOR_OPT_PARALLEL_OK,
		.params = boundParams,.planner = planner,.budget_ms = budget_ms
	};
	List	   *all;
	List	   *used;
	List	   *chosen = NIL;

	stopwatch_start(&v.watch);
	collect(&v);
	if (verdict->cost_before < MIN_COST)
		return;
	verdict->finding = gravest(&v.cands, NIL);
	if (v.cands.candidates == NIL || out_of_time(&v))
		return;
	all = all_indexes(v.cands.candidates);
	v.bound = cost_with(&v, all, NULL);
	used = used_of(all);
	if (used == NIL || v.bound > verdict->cost_before * v.share)
		return;
	v.cands.candidates = promising(v.cands.candidates, used);
	chosen = choose(&v);
	if (chosen == NIL)
		chosen = choose_together(&v, used);
	conclude(&v, chosen);
	drop_invalid(&v);
	verdict->finding = gravest(&v.cands, verdict->indexes);
}
