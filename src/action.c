/*-------------------------------------------------------------------------
 *
 * action.c
 *	  What pg_nplusone.action asks for when a loop has been found.
 *
 * The statement that makes the loop has not run yet.  A report goes out once
 * per loop; at "error" it is the statement that fails, which is what a test
 * wants and a production server does not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/guc.h"

#include "action.h"
#include "settings.h"

/* Is a report wanted for a loop of this confidence? */
bool
action_is_due(Confidence confidence, const SlotLoop *loop)
{
	return npo_action != ACTION_OFF &&
		confidence >= npo_action_min_confidence && !clusters_muted(loop);
}

static int
error_level(void)
{
	switch (npo_action)
	{
		case ACTION_ERROR:
			return ERROR;
		case ACTION_WARNING:
			return WARNING;
		case ACTION_NOTICE:
			return NOTICE;
		default:
			return LOG;
	}
}

/*
 * "Name: value", a line.  A name in the value may hold line breaks, which must
 * not begin a line that is another fact to who reads the log.
 */
static void
append_fact(StringInfo buf, const char *name, const char *value)
{
	if (buf->len > 0)
		appendStringInfoChar(buf, '\n');
	appendStringInfo(buf, "%s: ", name);
	for (; *value; value++)
		appendStringInfoChar(buf, *value == '\n' || *value == '\r' ? ' ' : *value);
}

/* statement, parent with its rows, link and origin, a line each */
static char *
describe(const Finding *finding, const LoopCounters *counters)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_fact(&buf, "Statement", finding->texts[TEXT_QUERY] ? finding->texts[TEXT_QUERY] : "");
	if (finding->texts[TEXT_PARENT])
	{
		append_fact(&buf, "Parent", finding->texts[TEXT_PARENT]);
		appendStringInfo(&buf, " (" INT64_FORMAT " rows)", counters->parent_rows);
	}
	if (finding->link)
		append_fact(&buf, "Link", finding->link);
	if (application_name && application_name[0] != '\0')
		append_fact(&buf, "Application", application_name);
	if (finding->tags)
		append_fact(&buf, "Tags", finding->tags);
	return buf.data;
}

/*
 * Say what was found, at the level that the setting asks for.  The statement
 * as it came, and the context, which for EXECUTE in a function is a statement
 * too, hold values: the log gets neither because of us.
 */
void
action_report(const Finding *finding, const LoopCounters *counters)
{
	ereport(error_level(),
			(errcode(ERRCODE_NPLUSONE_LOOP),
			 errhidestmt(true),
			 errhidecontext(true),
			 errmsg("pg_nplusone: %s loop, %s, " INT64_FORMAT " executions so far, cluster " INT64_FORMAT,
					pattern_name(finding->pattern),
					confidence_name(finding->confidence),
					counters->calls, finding->clusterid),
			 errdetail_internal("%s", describe(finding, counters)),
			 finding->texts[TEXT_ADVICE] ?
			 errhint("%s", finding->texts[TEXT_ADVICE]) :
			 errhint("Read the rows of all keys with one statement.")));
}
