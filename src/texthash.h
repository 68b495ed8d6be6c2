/*-------------------------------------------------------------------------
 *
 * texthash.h
 *	  One number for all texts that differ in their literals only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_TEXTHASH_H
#define PG_NPLUSONE_TEXTHASH_H

extern uint64 texthash(const char *text, int len, bool standard_strings);

#endif							/* PG_NPLUSONE_TEXTHASH_H */
