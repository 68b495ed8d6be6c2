/*-------------------------------------------------------------------------
 *
 * connections.h
 *	  Sessions that are over, by program: how long they lived and what for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_CONNECTIONS_H
#define PG_NPLUSONE_CONNECTIONS_H

#include "datatype/timestamp.h"

#include "orm.h"

#define CONNECTIONS_MAX 64		/* programs kept */
#define CONNECTION_SLICES 6		/* parts of pg_nplusone.connection_span */

/* the sessions of one program; times are in microseconds */
typedef struct ConnectionSums
{
	Oid			userid;
	Oid			dbid;
	char		application_name[NAMEDATALEN];
	bool		churns;			/* came too fast for too little, for long */
	uint8		orm;			/* Orm, as the last session that showed it */
	int64		sessions;
	int64		statements;
	int64		session_time;
	int64		connect_time;
	TimestampTz last_seen;
	/* sessions that have come one after the other, and since when */
	TimestampTz streak_started;
	int32		streak_sessions;
	int32		streak_few;		/* with few statements */
	int32		streak_short;	/* that did not live long */
	int32		slice_sessions; /* in the slice of time under way */
	int64		slice;
} ConnectionSums;

extern int	connection_statements;
extern int	connection_time;	/* ms */
extern int	connection_rate;	/* a minute */

extern void connections_define_settings(void);
extern Size connections_shmem_size(void);
extern void connections_shmem_init(void);
extern void connections_install(void);
extern void connections_note_first_statement(TimestampTz when);
extern int	connections_collect(ConnectionSums *into);
extern void connections_reset(Oid userid, Oid dbid);

#endif							/* PG_NPLUSONE_CONNECTIONS_H */
