/* subject_list.h: Subjects of one scope of metrics, as a scrape lists them before it writes them (observe/exposition.h). Everything
 * is in the arena of the scrape. */
#pragma once

#include "observe/exposition.h"

/* With space for the largest number of them. */
struct subject_list {
	struct metric_subject *items;
	size_t count, capacity;
};

/* False: memory ran out; the list is empty then, and stays so. */
bool subject_list_open(struct subject_list *list, size_t capacity, struct arena *arena);

/* Adds a subject, if there is space. */
void subject_list_add(struct subject_list *list, struct metric_subject subject);

/* The subject with that name as its label number `label`; it is made if there is none. NULL: there is no space. */
struct metric_subject *subject_list_find(struct subject_list *list, size_t label, const char *name);

/* Adds the counts of all workers, each a struct of `size_bytes` that ends in that many words, to `sum`; NULL: to a new one.
 * NULL: memory ran out. */
void *workers_sum(const void *counts, size_t workers, size_t size_bytes, size_t words, void *sum, struct arena *arena);
