/*-------------------------------------------------------------------------
 *
 * hinttext.h
 *	  Hints in words: the DDL, the reason, the plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HINTTEXT_H
#define PG_NPLUSONE_HINTTEXT_H

#include "hintstore.h"
#include "verify.h"

extern int	hinttext_entries(HintEntry *entries, int max,
							 const HintEntry *common, const Verdict *verdict);
extern void hinttext_describe_index(HintEntry *entry, const WhatifIndex *index);
extern int	hinttext_plain_search_path(void);
extern void hinttext_set(char *field, int size, const char *text);
extern char *hinttext_ddl(const HintEntry *entry);
extern char *hinttext_columns(const HintEntry *entry);

#endif							/* PG_NPLUSONE_HINTTEXT_H */
