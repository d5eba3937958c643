/* catalog.h: Catalog of the built-in model server: the models that it offers, and whether each is ready.
 *
 * Each kind of model is a row of model_kinds. The row recognises its storageUri, opens the model, and returns
 * its signature. A name that is not in the catalog, but is the name of a stub, means that stub.
 *
 * A catalog copies what it is given and borrows nothing. It belongs to one thread.
 */
#pragma once

#include "observe/metric.h"
#include "compiler/graph/signature.h"
#include "models/server/stub.h"

struct model_kind {
	const char *name; /* the platform in the server's metadata */
	const char *help;
	bool (*takes)(struct text uri);
	/* Opens the model, in the arena. NULL and a CONFIG error at `place`. */
	const void *(*open)(struct arena *arena, const char *uri, struct place place, struct error *error);
	/* The signature of an opened model, in the arena; NULL: it is not fixed. */
	const struct model_signature *(*signature)(struct arena *arena, const char *uri, const void *opened);
	/* As stub_answer(). */
	bool (*answer)(const void *opened, const struct payload *request, uint64_t earlier, struct arena *arena,
		       struct stub_reply *reply);
};

extern const struct model_kind model_kinds[]; /* ends with a row without a name */

struct catalog_model {
	const char *name;
	const char *version;
	const struct model_kind *kind; /* NULL: the model cannot be served, because of `why` */
	const struct model_signature *signature;
	bool ready;    /* false: it cannot be served, or was unloaded */
	bool unloaded; /* by a client, and not loaded again since */
	struct error why;
	struct served_counts counts;
	/* Private to the catalog: */
	bool by_name; /* no storageUri says what it is: a stub, by its name */
	const void *opened;
	struct arena *arena;
	struct catalog_model *next;
};

/* A model as the files describe it. */
struct catalog_entry {
	const char *name;
	const char *version; /* NULL: 1 */
	const char *uri;     /* NULL: the model's name, if it is a stub's */
	struct place place;
};

struct catalog;

struct catalog *catalog_open(struct error *error); /* NULL: SYSTEM */
void catalog_close(struct catalog *catalog);	   /* NULL is fine */

/* Adds a model, or replaces the one of that name. A model that cannot be served is kept too, not ready. False:
 * memory ran out (SYSTEM), and the previous model stays. */
bool catalog_put(struct catalog *catalog, const struct catalog_entry *entry, struct error *error);

/* Moves all models of `later` into the catalog, where they replace those of their names: these keep their counts, and one that was
 * unloaded stays so. `whole`: `later` has all models, and others are removed, except stubs that were put by their name alone.
 * Needs no memory. */
void catalog_take(struct catalog *catalog, struct catalog *later, bool whole);

/* The model that was put under exactly that name; NULL: none was. */
const struct catalog_model *catalog_named(const struct catalog *catalog, const char *name);

/* Finds a model; NULL: there is none of that name or version (empty: any version), or there are several. The first of these that
 * applies: the model of that whole name; the only one that the name fits, which may leave out the parts before the slash
 * (compiler/graph/model_name.h); a stub of that name; the same of the part after the slash. Valid until the model is put again or
  * removed. */
struct catalog_model *catalog_find(struct catalog *catalog, struct text name, struct text version);

/* The number of models that a name fits, up to 2; *found: them. */
size_t catalog_fitting(struct catalog *catalog, struct text name, struct catalog_model *found[2]);

/* Removes the models that the name fits, except the one of exactly that name. */
void catalog_keep_named(struct catalog *catalog, const char *name);

/* The first of all models, in the order in which they were put. */
const struct catalog_model *catalog_first(const struct catalog *catalog);

/* Number of earlier calls of the model with this request; counts this call too. Requests are identified by
 * their id, or else by their bytes. Only the last thousands are remembered. */
uint64_t catalog_count_call(struct catalog *catalog, const struct catalog_model *model, struct text id, struct text bytes);
