/*-------------------------------------------------------------------------
 *
 * fingerprint.c
 *	  Telling statements apart that share their query identifier.
 *
 * Needed where the server makes identifiers from relations' names alone: with
 * a schema for each tenant, the loops of all tenants would be one.  Runs for
 * every statement, so it is a few instructions for each relation, and nothing
 * is kept.
 *
 * The plans of one statement must all give the same.  So not the list of all
 * relations is taken, in which partitions come and go with the values, but
 * those that the statement itself names: they are what its permissions are
 * checked on.  Their order, and how often each occurs, depend on the plan;
 * the least and the greatest of their hashes do not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "nodes/parsenodes.h"

#include "compat.h"
#include "fingerprint.h"

#ifdef NPO_PERMISSION_INFOS

uint64
fingerprint_with_relations(uint64 queryid, const PlannedStmt *pstmt)
{
	uint64		least = PG_UINT64_MAX;
	uint64		greatest = 0;
	ListCell   *lc;

	if (queryid == 0 || NPO_PERMISSION_INFOS(pstmt) == NIL)
		return queryid;
	foreach(lc, NPO_PERMISSION_INFOS(pstmt))
	{
		uint64		hash = murmurhash64(lfirst_node(RTEPermissionInfo, lc)->relid);

		least = Min(least, hash);
		greatest = Max(greatest, hash);
	}
	queryid = hash_combine64(queryid, hash_combine64(least, greatest));

	/* zero says that there is none */
	return queryid != 0 ? queryid : 1;
}

#endif
