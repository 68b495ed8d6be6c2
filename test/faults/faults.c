/*
 * faults.c: allocations that fail when a test says so; see faults.h.
 */
#include "faults.h"

#include "fmgr.h"

PG_FUNCTION_INFO_V1(pg_nplusone_faults_arm);

static int64 countdown = 0;		/* 0: none fails */
static int64 seen = 0;

bool
faults_alloc_null(void)
{
	seen++;
	return countdown > 0 && --countdown == 0;
}

void
faults_alloc(const char *where)
{
	if (faults_alloc_null())
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory, made by a test in %s()", where)));
}

/* Let the n-th allocation from now on fail; says how many there were before. */
Datum
pg_nplusone_faults_arm(PG_FUNCTION_ARGS)
{
	int64		before = seen;

	seen = 0;
	countdown = PG_GETARG_INT64(0);
	PG_RETURN_INT64(before);
}
