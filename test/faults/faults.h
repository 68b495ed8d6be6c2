/*
 * faults.h: allocations that fail when a test says so.  Put before every file
 * of the module by the compiler (-include); see t/024_faults.pl.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/palloc.h"

/* Fails if it is this allocation's turn; else does nothing. */
extern void faults_alloc(const char *where);

/* The same where failure is a null pointer. */
extern bool faults_alloc_null(void);

#define palloc(size) (faults_alloc(__func__), palloc(size))
#define palloc0(size) (faults_alloc(__func__), palloc0(size))
#define palloc_extended(size, flags) \
	(((flags) & MCXT_ALLOC_NO_OOM) == 0 ? (faults_alloc(__func__), palloc_extended(size, flags)) : \
	 faults_alloc_null() ? NULL : palloc_extended(size, flags))
#define repalloc(pointer, size) (faults_alloc(__func__), repalloc(pointer, size))
#define pstrdup(text) (faults_alloc(__func__), pstrdup(text))
#define psprintf(...) (faults_alloc(__func__), psprintf(__VA_ARGS__))
#define MemoryContextAlloc(context, size) (faults_alloc(__func__), MemoryContextAlloc(context, size))
#define MemoryContextAllocZero(context, size) (faults_alloc(__func__), MemoryContextAllocZero(context, size))
#define MemoryContextAllocExtended(context, size, flags) \
	(((flags) & MCXT_ALLOC_NO_OOM) == 0 ? (faults_alloc(__func__), MemoryContextAllocExtended(context, size, flags)) : \
	 faults_alloc_null() ? NULL : MemoryContextAllocExtended(context, size, flags))
#define lappend(list, datum) (faults_alloc(__func__), lappend(list, datum))

#endif							/* FAULTS_H */
