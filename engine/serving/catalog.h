/* catalog.h: the models that are here: what stands behind each name, and whether it is
 * ready. For the built-in model server, whose doors ask it.
 *
 * What a model can be is a row of model_kinds: it knows its own by the storageUri, makes
 * of it what answers, and says what that takes and gives. A name that nobody put here, but
 * that is a stub's own, is that stub.
 *
 * A catalog keeps what it is told and borrows nothing. It belongs to one thread.
 */
#ifndef SLUICE_SERVING_CATALOG_H
#define SLUICE_SERVING_CATALOG_H

#include "plan/signature.h"
#include "serving/stub.h"

struct model_kind {
	const char *name; /* what a server's metadata calls the platform */
	const char *help;
	bool (*takes)(struct text uri);
	/* What answers, in the arena; NULL and a CONFIG error at `place`. */
	const void *(*open)(struct arena *arena, const char *uri, struct place place, struct error *error);
	/* What that takes and gives, in the arena; NULL: it is not fixed. */
	const struct model_signature *(*signature)(struct arena *arena, const char *uri, const void *opened);
	/* As stub_answer(). */
	bool (*answer)(const void *opened, const struct payload *request, uint64_t earlier, struct arena *arena,
		       struct stub_reply *reply);
};

extern const struct model_kind model_kinds[]; /* ends with a row without a name */

struct catalog_model {
	const char *name;
	const char *version;
	const struct model_kind *kind; /* NULL: it cannot be served, `why` says so */
	const struct model_signature *signature;
	bool ready; /* false: it cannot be served, or was unloaded */
	struct error why;
	uint64_t calls; /* that were put to it */
	/* The catalog's: */
	const void *opened;
	struct arena *arena;
	struct catalog_model *next;
};

/* A model as files speak of it. */
struct catalog_entry {
	const char *name;
	const char *version; /* NULL: 1 */
	const char *uri;     /* NULL: its own name, if it is a stub's */
	struct place place;
};

struct catalog;

struct catalog *catalog_open(struct error *error); /* NULL: SYSTEM */
void catalog_close(struct catalog *catalog);	   /* NULL is fine */

/* In the place of the one of that name. One that cannot be served is kept too, not ready.
 * False: memory ran out (SYSTEM), and the one before stays. */
bool catalog_put(struct catalog *catalog, const struct catalog_entry *entry, struct error *error);

/* NULL: there is none of that name, or of that version (empty: whichever). One with a part
 * of a deployment before a slash (plan/address.h) is that one, else the one behind it. Valid
 * until the model is put again. */
struct catalog_model *catalog_find(struct catalog *catalog, struct text name, struct text version);

/* All that were put, in that order. */
const struct catalog_model *catalog_first(const struct catalog *catalog);

/* How often the request was put to the model before; this time is counted. A request is
 * known by its id, or else by its bytes. Only the last thousands are remembered. */
uint64_t catalog_count_call(struct catalog *catalog, const struct catalog_model *model, struct text id, struct text bytes);

#endif
