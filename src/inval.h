/*-------------------------------------------------------------------------
 *
 * inval.h
 *	  Whether the catalog has changed since something was read from it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_INVAL_H
#define PG_NPLUSONE_INVAL_H

/* what was kept under another number is void; 0 is none's */
extern uint32 inval_generation;

extern void inval_start(void);

#endif							/* PG_NPLUSONE_INVAL_H */
