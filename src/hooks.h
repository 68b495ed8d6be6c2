/*-------------------------------------------------------------------------
 *
 * hooks.h
 *	  Where the module is called from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HOOKS_H
#define PG_NPLUSONE_HOOKS_H

extern void hooks_install(void);

#endif							/* PG_NPLUSONE_HOOKS_H */
