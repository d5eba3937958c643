/* case_find.h: Search for cases: the folders with an in.jsonl, at most 16 folders deep. */
#ifndef SLUICE_TOOLS_TEST_CASE_FIND_H
#define SLUICE_TOOLS_TEST_CASE_FIND_H

#include <stdbool.h>
#include <stddef.h>

struct case_search {
	const char *only; /* the beginning of the names of its cases; NULL: all */
	/* Called for each case, by the names of folders in alphabetical order. `folder` lives until it returns. */
	void (*found)(void *context, const char *folder);
	void *context;
	size_t count;	 /* cases found so far */
	bool incomplete; /* memory ran out */
};

/* Searches the folder and the visible folders in it, at most 10,000 entries of each. A case is not searched further. */
void case_search(struct case_search *search, const char *folder);

#endif
