/*-------------------------------------------------------------------------
 *
 * memo.h
 *	  Answers of the catalog, kept for as long as they hold.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_MEMO_H
#define PG_NPLUSONE_MEMO_H

#include "access/attnum.h"

/* what catalog.c is asked again and again */
typedef enum Question
{
	ASK_ROOT,
	ASK_EXTENSION,
	ASK_REFERENCES,
	ASK_TARGET,
	ASK_LINKS,
	ASK_LINKS_BESIDE,
	ASK_UNIQUE,
	ASK_TYPE_COLUMN
} Question;

/* a question and what it is about; compared as bytes, so without a gap */
typedef struct MemoKey
{
	uint32		question;		/* Question */
	Oid			relid;
	Oid			target;
	AttrNumber	attnum;
	AttrNumber	target_attnum;
} MemoKey;

/* a table, perhaps with a column of it; to a yes-or-no question any table is yes */
typedef struct MemoAnswer
{
	Oid			relid;
	AttrNumber	attnum;
} MemoAnswer;

extern bool memo_recall(const MemoKey *key, MemoAnswer *answer);
extern void memo_keep(const MemoKey *key, MemoAnswer answer);

#endif							/* PG_NPLUSONE_MEMO_H */
