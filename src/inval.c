/*-------------------------------------------------------------------------
 *
 * inval.c
 *	  Whether the catalog has changed since something was read from it.
 *
 * One number moves with every message that a relation, or anything else that
 * the meaning of a statement depends on, has changed: with a relation come
 * messages for its columns, keys, indexes and partitions.  The server has room
 * for few callbacks, so there is one set of them for all of the module.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/inval.h"
#include "utils/syscache.h"

#include "inval.h"

uint32		inval_generation = 0;

static void
forget_all(void)
{
	if (++inval_generation == 0)
		inval_generation = 1;
}

static void
relation_changed(Datum arg, Oid relid)
{
	forget_all();
}

static void
catalog_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_all();
}

/* To be called before anything is kept. */
void
inval_start(void)
{
	if (inval_generation != 0)
		return;
	inval_generation = 1;
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);

	/* what names in a statement may stand for, beside relations */
	CacheRegisterSyscacheCallback(PROCOID, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(CASTSOURCETARGET, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, catalog_changed, (Datum) 0);
}
