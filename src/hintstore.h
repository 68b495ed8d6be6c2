/*-------------------------------------------------------------------------
 *
 * hintstore.h
 *	  The index hints of all backends, in shared memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HINTSTORE_H
#define PG_NPLUSONE_HINTSTORE_H

#include "datatype/timestamp.h"

#include "savefile.h"
#include "whatif.h"

#define HINTSTORE_MAX		128
#define HINT_KEYS_LEN		320
#define HINT_PREDICATE_LEN	256
#define HINT_REASON_LEN		320
#define HINT_FINDING_LEN	384
#define HINT_QUERY_LEN		1280
#define HINT_PLAN_LEN		1024
#define HINT_COLUMNS_USED	8

/* Between the keys of an index in HintEntry.keys */
#define HINT_KEY_SEPARATOR	'\x1f'

typedef enum HintVerified
{
	HINT_NOT_VERIFIED,
	HINT_GENERIC_PLAN,
	HINT_ACTUAL_VALUES
} HintVerified;

/* One hint, or one finding, as it lies in shared memory */
typedef struct HintEntry
{
	bool		in_use;
	uint32		generation;		/* tells a reused slot from its former owner */
	Oid			dbid;
	Oid			userid;
	Oid			relid;
	uint64		queryid;
	uint64		clusterid;

	/* the index; nkeys is 0 for a finding by itself */
	Oid			amoid;
	int			nkeys;
	int			nequal;			/* leading keys whose order is free */
	AttrNumber	attnums[WHATIF_MAX_KEYS];	/* 0: an expression */
	uint64		keysig[WHATIF_MAX_KEYS];
	bool		partial;
	AttrNumber	used[HINT_COLUMNS_USED];	/* by keys, predicate */
	uint64		used_sig;		/* their names and types when it was found */

	HintVerified verified;
	double		cost_before;
	double		cost_after;
	double		index_bytes;

	int64		calls;
	double		total_time;		/* ms */
	double		saving;			/* ms */
	TimestampTz first_seen;
	TimestampTz last_seen;

	/* texts, to the end; hintstore.c has their list */
	char		keys[HINT_KEYS_LEN];
	char		predicate[HINT_PREDICATE_LEN];
	char		reason[HINT_REASON_LEN];
	char		finding[HINT_FINDING_LEN];
	char		query[HINT_QUERY_LEN];
	char		plan_before[HINT_PLAN_LEN];
	char		plan_after[HINT_PLAN_LEN];
} HintEntry;

/* Where a backend finds a hint again */
typedef struct HintRef
{
	int			slot;
	uint32		generation;
} HintRef;

extern Size hintstore_shmem_size(void);
extern void hintstore_shmem_init(void);
extern bool hintstore_ready(void);
extern HintRef hintstore_put(const HintEntry *entry);
extern int	hintstore_adopt(Oid dbid, Oid userid, uint64 queryid,
							HintRef *refs, int max, double *share);
extern bool hintstore_add(HintRef ref, uint64 clusterid, int64 calls,
						  double time, double saving);
extern void hintstore_drop(HintRef ref, uint64 queryid);
extern int	hintstore_copy(Oid dbid, HintEntry *into);
extern bool hintstore_merge(HintEntry *into, const HintEntry *entry);
extern bool hintstore_save(SaveFile *file);
extern void hintstore_restore(const char *record, uint32 size);
extern int64 hintstore_reset(Oid userid, Oid dbid, uint64 clusterid);

#endif							/* PG_NPLUSONE_HINTSTORE_H */
