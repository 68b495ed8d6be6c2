/*-------------------------------------------------------------------------
 *
 * heavystore.h
 *	  The heavy reads of all backends, in shared memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HEAVYSTORE_H
#define PG_NPLUSONE_HEAVYSTORE_H

#include "datatype/timestamp.h"

#define HEAVY_MAX			64	/* findings kept */
#define HEAVY_LISTED		4	/* columns named in one */
#define HEAVY_QUERY_BYTES	480
#define HEAVY_COLUMNS_BYTES	(HEAVY_LISTED * NAMEDATALEN)
#define HEAVY_ADVICE_BYTES	560
#define HEAVY_TAGS_BYTES	192

/* Between the names in HeavyEntry.columns */
#define HEAVY_SEPARATOR		'\x1f'

typedef enum HeavyKind
{
	HEAVY_WIDE_COLUMNS,
	HEAVY_UNBOUNDED,
	HEAVY_DEEP_OFFSET,
	HEAVY_KINDS
} HeavyKind;

typedef struct HeavyKey
{
	uint64		queryid;
	Oid			userid;
	Oid			dbid;
	HeavyKind	kind;
} HeavyKey;

/* what one execution adds */
typedef struct HeavyCall
{
	int64		rows;			/* read; skipped, of a deep offset */
	double		bytes;			/* of all rows, -1: not measured */
	int			ncolumns;		/* wide ones, the widest first */
	int16		resno[HEAVY_LISTED];
	double		column_bytes[HEAVY_LISTED];
	const char *application_name;
	const char *tags;			/* JSON, NULL: none */
} HeavyCall;

/* what is said of a finding, once */
typedef struct HeavyTexts
{
	Oid			relid;			/* the table that the finding is about */
	const char *query;
	const char *columns;		/* in the order of HeavyCall, separated */
	const char *advice;
} HeavyTexts;

typedef struct HeavyEntry
{
	HeavyKey	key;
	bool		in_use;
	bool		described;		/* its texts are there */
	uint8		ncolumns;
	Oid			relid;
	int64		calls;
	int64		rows;
	int64		measured_calls;
	double		bytes;			/* of these */
	int16		resno[HEAVY_LISTED];
	double		column_bytes[HEAVY_LISTED];
	TimestampTz first_seen;
	TimestampTz last_seen;
	char		application_name[NAMEDATALEN];
	char		tags[HEAVY_TAGS_BYTES];
	char		query[HEAVY_QUERY_BYTES];
	char		columns[HEAVY_COLUMNS_BYTES];
	char		advice[HEAVY_ADVICE_BYTES];
} HeavyEntry;

/* executions after which a finding shows */
static inline int
heavy_least_calls(HeavyKind kind)
{
	return kind == HEAVY_UNBOUNDED ? 2 : 1;
}

extern Size heavystore_shmem_size(void);
extern void heavystore_shmem_init(void);
extern bool heavystore_ready(void);
extern bool heavystore_add(const HeavyKey *key, const HeavyCall *call);
extern void heavystore_describe(const HeavyKey *key, const HeavyCall *call,
								const HeavyTexts *texts);
extern void heavystore_withdraw(Oid dbid, Oid relid);
extern bool heavystore_is_withdrawn(Oid dbid, Oid relid);
extern int	heavystore_copy(HeavyEntry *into);
extern void heavystore_reset(Oid userid, Oid dbid);

#endif							/* PG_NPLUSONE_HEAVYSTORE_H */
