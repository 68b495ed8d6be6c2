/*-------------------------------------------------------------------------
 *
 * express.c
 *	  The express way: a statement of which nothing but counts can be new.
 *
 * Nearly all statements are of one of two kinds.  Some run for the first time
 * in a unit of work, and all there is to do is to remember when and with which
 * keys.  The others are one more execution in a loop of which it is known that
 * nothing can change but its counts (settle() in loops.c says until when).
 * Here both are recognised by a few compares, and noted at once.
 *
 * What does not fit, in whatever way, goes the usual way (unit.c), which knows
 * all cases.  So until it is sure that an execution fits, nothing is written;
 * and what is written is what would have been on the usual way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "cycle.h"
#include "express.h"
#include "loops.h"
#include "requests.h"
#include "settings.h"
#include "streak.h"

/* how an execution follows the one before of the same statement */
typedef struct Company
{
	LocalTransactionId lxid;
	uint64		round_trips;
	uint32		run;
	uint32		xact_calls;
} Company;

static inline bool
is_first_of_unit(const UnitEntry *entry)
{
	return entry->generation != my_unit->generation;
}

/*
 * Does the client's statement belong to the unit of work, and to the request,
 * of the one before?  One that came without a round trip has to be looked at.
 */
static inline bool
goes_on(UnitEntry *entry, const char *text, const Company *company)
{
	return company->round_trips != entry->round_trips && requests_same_tags() &&
		unit_is_plain(entry, text) && !unit_is_over(company->lxid);
}

static inline void
note_company(UnitEntry *entry, const Company *company, bool nested)
{
	entry->lxid = company->lxid;
	entry->round_trips = company->round_trips;
	entry->run = company->run;
	entry->xact_calls = company->xact_calls;
	entry->completed = false;
	entry->seq = ++my_unit->seq;
	my_unit->latest = entry;
	if (nested)
		return;
	my_unit->lxid = company->lxid;
	unit_statements++;
	requests_count_statement();
}

/* The same for those who ask for all of it. */
void
express_describe(const Express *express, QueryDesc *queryDesc, bool nested,
				 Execution *execution)
{
	memset(execution, 0, sizeof(*execution));
	execution->queryDesc = queryDesc;
	execution->entry = express->entry;
	execution->queryid = express->queryid;
	execution->seq = express->seq;
	execution->counted = express->counted;
	execution->nested = nested;
	execution->started = express->started;
	execution->run_started = express->run_started;
	execution->blks_hit = express->blks_hit;
	execution->blks_read = express->blks_read;
}

/* And the other way round: an execution that was begun elsewhere ends here. */
void
express_take_over(const Execution *execution, Express *express)
{
	express->entry = execution->entry;
	express->queryid = execution->queryid;
	express->seq = execution->seq;
	express->counted = execution->counted;
	express->started = execution->started;
	express->run_started = execution->run_started;
	express->blks_hit = execution->blks_hit;
	express->blks_read = execution->blks_read;
}

/*
 * A statement is about to run, at once and to its end.  False when it has to
 * go the usual way; else it is counted.
 */
pg_attribute_always_inline bool
express_begin(QueryDesc *queryDesc, uint64 queryid, bool nested, Express *express)
{
	UnitEntry  *entry = unit_lookup_statement(queryid);
	TimestampTz now = GetCurrentStatementStartTimestamp();
	Company		company;
	KeyValues	values;
	bool		first;

	if (entry == NULL ||
		(entry->shape.flags & (SHAPE_NOISE | SHAPE_RI | SHAPE_OFFSET | SHAPE_ROWS_KNOWN)) !=
		SHAPE_ROWS_KNOWN)
		return false;
	company.lxid = NPO_MY_LXID();
	company.round_trips = pgStatActiveTime + pgStatTransactionIdleTime;
	if (nested)
		now = Max(now, my_unit->ended);
	else if (!goes_on(entry, queryDesc->sourceText, &company))
		return false;
	shape_read_keys(queryDesc, &entry->shape, &values);
	first = is_first_of_unit(entry);
	if (first)
	{
		/* others may have run it for the same request */
		if (requests_traced())
			return false;
		company.run = company.xact_calls = 1;
	}
	else
	{
		company.run = unit_run_at(entry, my_unit->seq + 1);
		company.xact_calls = unit_xact_calls_at(entry, company.lxid);
		if (entry->loop < 0 || entry->is_parent ||
			!loops_is_settled(loops_get(entry->loop), company.run, company.xact_calls, &values))
			return false;
	}
	note_company(entry, &company, nested);
	cycle_note_statement(entry->queryid, &entry->shape, &values);
	if (first)
		unit_begin_entry(entry, &values, now);
	else
		loops_count_settled(loops_get(entry->loop), &entry->shape, queryDesc, &values, now);
	express->entry = entry;
	express->queryid = queryid;
	express->seq = my_unit->seq;
	express->counted = !first;
	express->started = now;
	return true;
}

/*
 * It has run, and well.  What ran inside of it may have taken its place, or
 * ended its unit of work.  Returns how long it took, in microseconds.
 */
pg_attribute_always_inline int64
express_end(const QueryDesc *queryDesc, bool nested, const Express *express)
{
	UnitEntry  *entry = express->entry;
	RunUsage	usage;

	unit_measure_run(&usage, queryDesc, express->run_started, express->blks_hit,
					 express->blks_read);
	my_unit->ended = usage.ended;
	if (!nested)
		requests_add_time(usage.exec_time);
	if (entry->queryid != express->queryid || is_first_of_unit(entry))
		return usage.exec_time;
	entry->few_rows = usage.rows <= 1;
	entry->completed = true;
	if (entry->is_parent)
		unit_note_news();
	cycle_note_rows(entry->queryid, usage.rows);
	if (!express->counted)
	{
		if (express->seq == entry->first_seq)
			unit_note_first_run(entry, &usage);
	}
	else if (entry->loop >= 0)
	{
		loops_note_rows(loops_get(entry->loop), usage.rows);
		loops_add_run(loops_get(entry->loop), &usage, usage.exec_time);
		if (entry->run >= 2 && !nested)
			streak_open(entry, queryDesc);
	}
	return usage.exec_time;
}
