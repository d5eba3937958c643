/* field_walk.c: see field_walk.h. */
#include "view/field_walk.h"

#include <stdio.h>

#include "spec/resource.h"

#define PATH_MAX_BYTES 256 /* the longest path of the tables has some eighty */

/* The rows that a row stands in, so that rows which contain themselves end. */
struct walk_chain {
	const struct walk_chain *outer;
	const struct option *rows;
};

struct rows_walk {
	struct field_walk *walk;
	const struct step_kind *const *kinds;
	const char *owner;
	char path[PATH_MAX_BYTES];
};

static void rows_visit(struct rows_walk *self, const struct option *rows, size_t length, bool operations,
		       const struct walk_chain *outer);

static bool chain_has(const struct walk_chain *chain, const struct option *rows)
{
	for (; chain; chain = chain->outer)
		if (chain->rows == rows)
			return true;
	return false;
}

/* Writes a part behind the first `length` bytes of the path; returns the new length. */
static size_t path_add(struct rows_walk *self, size_t length, const char *part, const char *more)
{
	const char *point = length > 0 && *part ? "." : "";
	int added = snprintf(self->path + length, sizeof self->path - length, "%s%s%s", point, part, more);
	size_t end = length + (added > 0 ? (size_t)added : 0);
	return end < sizeof self->path ? end : sizeof self->path - 1;
}

/* The kind key of a step. */
static void kinds_visit(struct rows_walk *self, size_t length, const struct walk_chain *chain)
{
	for (const struct step_kind *const *kind = self->kinds; kind && *kind; kind++)
		if ((*kind)->options)
			rows_visit(self, (*kind)->options, path_add(self, length, (*kind)->name, ""), false, chain);
}

static void row_visit(struct rows_walk *self, const struct option *row, size_t length, bool operation,
		      const struct walk_chain *chain)
{
	size_t end = row->name ? path_add(self, length, row->name, "") : length;
	if (row->name) {
		const struct field field = {self->path, self->owner, row, operation};
		self->walk->see(self->walk, &field);
	}
	if (row->type == OPTION_KIND)
		kinds_visit(self, length, chain);
	if (!row->rows || chain_has(chain, row->rows))
		return;
	if (row->type == OPTION_TABLE)
		end = path_add(self, end, "*", "");
	else if (row->type == OPTION_LIST || row->type == OPTION_OPERATIONS)
		end = path_add(self, end, "", "[]");
	rows_visit(self, row->rows, end, row->type == OPTION_OPERATIONS, chain);
}

static void rows_visit(struct rows_walk *self, const struct option *rows, size_t length, bool operations,
		       const struct walk_chain *outer)
{
	const struct walk_chain chain = {outer, rows};
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		row_visit(self, row, length, operations, &chain);
}

void fields_walk(struct field_walk *walk, const struct step_kind *const *kinds)
{
	struct rows_walk self = {.walk = walk, .kinds = kinds, .owner = ""};
	rows_visit(&self, resource_rows, 0, false, NULL);
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		self.owner = kind->name;
		rows_visit(&self, kind->rows, kind->api_version ? path_add(&self, 0, "spec", "") : 0, false, NULL);
	}
}
