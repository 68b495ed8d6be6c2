/*-------------------------------------------------------------------------
 *
 * hooks.h
 *	  Where the module is called from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HOOKS_H
#define PG_NPLUSONE_HOOKS_H

#include "evidence.h"

extern void hooks_install(void);
extern Sampler *hooks_current_sampler(void);

#endif							/* PG_NPLUSONE_HOOKS_H */
