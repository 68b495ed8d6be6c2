/*-------------------------------------------------------------------------
 *
 * hintadvice.h
 *	  What a reader should know beside the DDL of a hint.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HINTADVICE_H
#define PG_NPLUSONE_HINTADVICE_H

#include "hintstore.h"

extern char *hintadvice_reason(const HintEntry *entry);

#endif							/* PG_NPLUSONE_HINTADVICE_H */
