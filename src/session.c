/*-------------------------------------------------------------------------
 *
 * session.c
 *	  The loops of this session alone, for pg_nplusone_session.
 *
 * Private sums beside the shared ones: what a test asserts on must not depend
 * on other sessions, nor go when one of them resets the clusters.  Only the
 * texts are read from the shared cluster, while it is there.  When the list is full, the cluster with the fewest
 * calls gives way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "session.h"

static SessionCluster *list = NULL;

Size
session_private_size(void)
{
	return MAXALIGN(sizeof(SessionCluster) * SESSION_CLUSTERS);
}

void
session_init(char *memory)
{
	list = (SessionCluster *) memory;
	session_reset();
}

void
session_reset(void)
{
	if (list == NULL)
		return;
	for (int i = 0; i < SESSION_CLUSTERS; i++)
		list[i].key.queryid = 0;
}

/* the line of a loop's cluster in a list, or the one to replace */
static SessionCluster *
line_for(SessionCluster *lines, const SlotLoop *loop)
{
	SessionCluster *least = &lines[0];

	for (int i = 0; i < SESSION_CLUSTERS; i++)
	{
		SessionCluster *line = &lines[i];

		if (line->key.queryid == loop->queryid &&
			line->key.parent_queryid == loop->parent_queryid &&
			line->key.userid == loop->userid)
			return line;
		if (least->key.queryid != 0 &&
			(line->key.queryid == 0 || line->totals.calls < least->totals.calls))
			least = line;
	}
	memset(least, 0, sizeof(*least));
	least->key.queryid = loop->queryid;
	least->key.parent_queryid = loop->parent_queryid;
	least->key.userid = loop->userid;
	least->key.dbid = MyDatabaseId;
	least->totals.first_seen = loop->counters.started;
	return least;
}

static void
add_loop(SessionCluster *lines, const SlotLoop *loop)
{
	SessionCluster *line = line_for(lines, loop);

	line->confidence = Max(line->confidence, loop->confidence);
	line->pattern = loop->pattern;
	totals_add_loop(&line->totals, &loop->counters, true);
}

/* A published loop of this session is about to be folded. */
void
session_fold(const SlotLoop *loop)
{
	if (list != NULL && loop->cluster >= 0)
		add_loop(list, loop);
}

/*
 * Fill SESSION_CLUSTERS lines with the sums of this session, with what is
 * running added.  Returns how many there are; unused lines are skipped.
 */
int
session_collect(SessionCluster *clusters)
{
	SessionCluster lines[SESSION_CLUSTERS];
	int			n = 0;

	if (list == NULL || my_slot == NULL)
		return 0;
	memcpy(lines, list, sizeof(lines));
	for (int i = 0; i < SLOT_LOOPS; i++)
		if (my_slot->loops[i].cluster >= 0)
			add_loop(lines, &my_slot->loops[i]);
	for (int i = 0; i < SESSION_CLUSTERS; i++)
		if (lines[i].key.queryid != 0)
			clusters[n++] = lines[i];
	return n;
}
