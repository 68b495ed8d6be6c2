/*-------------------------------------------------------------------------
 *
 * pool.h
 *	  Loops whose executions are spread over several sessions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_POOL_H
#define PG_NPLUSONE_POOL_H

#include "datatype/timestamp.h"
#include "port/atomics.h"

#include "shape.h"
#include "slots.h"

#define POOL_TRANCHE "pg_nplusone_pool"
#define POOL_LOOPS 44			/* executions of parents followed at once */
#define POOL_ROWS 64			/* rows of a parent that can be claimed */

/* what executions of a child took; times are in microseconds */
typedef struct PoolUsage
{
	int64		rows;
	int64		exec_time;
	int64		gap_time;
	int32		calls;
	int32		blks_hit;
	int32		blks_read;
} PoolUsage;

/* one execution of a child that looks for the parent it belongs to */
typedef struct PoolClaim
{
	uint64		child;
	uint32		origin;
	int			slot;			/* of the session that runs it */
	uint32		hash[SHAPE_KEYS];
	TimestampTz started;
} PoolClaim;

/* the loop that an execution belongs to; "id" tells lives of a place apart */
typedef struct PoolTicket
{
	int			place;			/* -1: none */
	uint32		id;
} PoolTicket;

/* what has become of a loop */
typedef enum PoolOutcome
{
	POOL_OPEN,					/* may be proven yet */
	POOL_PROVEN,
	POOL_REFUTED
} PoolOutcome;

/* a place in the table of clusters, see clusters.h */
typedef struct PoolCluster
{
	int32		number;			/* -1: none */
	uint32		serial;
} PoolCluster;

/* a parent's execution and the column of it that a child may follow */
typedef struct PoolParent
{
	uint64		child;
	uint32		origin;
	Oid			userid;
	bool		traced;			/* the origin is one request */
	uint8		key;			/* key place of the child */
	int			slot;
	SampleColumn column;
	uint64		parent;
	uint64		server_parent;
	uint32		stream;
	int64		rows;
	TimestampTz started;
	int			nvalues;
	uint32		values[POOL_ROWS];
} PoolParent;

/*
 * Which statements are children and parents of what is in the table, a bit
 * for each by its fingerprint; read without a lock, by anybody.
 */
typedef struct PoolHints
{
	pg_atomic_uint64 children;
	pg_atomic_uint64 parents;
} PoolHints;

extern PoolHints *pool_hints;

extern Size pool_shmem_size(void);
extern void pool_shmem_init(void);
extern void pool_sweep(void);
extern bool pool_follows(uint64 child, uint32 origin);
extern bool pool_has_parent(uint64 child, int slot, uint32 stream,
							TimestampTz started);
extern bool pool_add(const PoolParent *parent);
extern void pool_describe_result(PoolParent *parent, const Sample *sample,
								 int slot, int column);
extern int	pool_copy_values(const Sample *sample, int column, uint32 *values);
extern void pool_parent_done(const Sample *sample, uint64 parent, int slot,
							 PoolCluster *untold);
extern bool pool_claim(const PoolClaim *claim, PoolTicket *ticket,
					   bool *provable);
extern void pool_add_usage(const PoolTicket *ticket, const PoolUsage *usage,
						   TimestampTz ended);
extern bool pool_join(uint64 child, int slot, const Sample *sample,
					  const uint32 *keys, int nkeys, SlotLoop *counts);
extern bool pool_start_proof(const PoolTicket *ticket, PoolParent *parent,
							 LoopCounters *counters);
extern void pool_end_proof(const PoolTicket *ticket, const SlotLoop *published);
extern PoolOutcome pool_outcome(const PoolTicket *ticket);
extern int	pool_children(uint32 origin, uint64 *children);
extern const SlotLoop *pool_get(int place);
extern void pool_count_usage(LoopCounters *counters, const PoolUsage *usage,
							 int sign);

static inline uint64
pool_bit(uint64 fingerprint)
{
	return UINT64CONST(1) << (fingerprint ^ fingerprint >> 32) % 64;
}

/* Is there anything to claim, for anybody? */
static inline bool
pool_is_live(void)
{
	return pg_atomic_read_u64(&pool_hints->children) != 0;
}

/* Might there be something to claim for this child? */
static inline bool
pool_may_follow(uint64 child)
{
	return (pg_atomic_read_u64(&pool_hints->children) & pool_bit(child)) != 0;
}

/* Might the rows of this statement be walked through from other sessions? */
static inline bool
pool_may_lead(uint64 parent)
{
	return (pg_atomic_read_u64(&pool_hints->parents) & pool_bit(parent)) != 0;
}

#endif							/* PG_NPLUSONE_POOL_H */
