/* What cppcheck has to know of the server's headers, which scripts/lint does not give it. */
#define PG_VERSION_NUM 150000
#define PG_MODULE_MAGIC
#define foreach(cell, list) for (cell = first_cell(list); cell != 0; cell = next_cell(cell))
#define forboth(cell1, list1, cell2, list2) \
	for (cell1 = first_cell(list1), cell2 = first_cell(list2); cell1 != 0 && cell2 != 0; \
		 cell1 = next_cell(cell1), cell2 = next_cell(cell2))
#define INT64_FORMAT "%ld"
#define UINT64_FORMAT "%lu"
