/*-------------------------------------------------------------------------
 *
 * encoding.h
 *	  Texts of other databases, in the encoding of this one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_ENCODING_H
#define PG_NPLUSONE_ENCODING_H

extern int	encoding_of_database(Oid dbid);
extern const char *encoding_convert(const char *text, int encoding);

#endif							/* PG_NPLUSONE_ENCODING_H */
