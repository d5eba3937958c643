/* catalog.c: see catalog.h. */
#include "models/server/catalog.h"

#include "base/hash.h"
#include "base/memory.h"
#include "compiler/expression/local_model.h"
#include "compiler/graph/model_name.h"
#include "models/files.h"

/* ---- models in files ---- */

#define SCHEME "file:"

/* Whether the URI is `file:model.json`, or a name that ends as a model's file does. */
static bool served_file_takes(struct text uri)
{
	if (text_starts_with(uri, TEXT(SCHEME)))
		return true;
	bool elsewhere = uri.length && memmem(uri.bytes, uri.length, "://", 3);
	return !elsewhere && ((text_ends_with(uri, TEXT(".json")) && uri.length > strlen(".json")) ||
			      (text_ends_with(uri, TEXT(".txt")) && uri.length > strlen(".txt")));
}

/* Reads the model into the arena. Relative names are relative to the YAML of the place. NULL: CONFIG at the
 * place, or SYSTEM. */
static const struct local_model *served_file_open(struct arena *arena, const char *uri, struct place place, struct error *error)
{
	const struct name file = {uri, place};
	struct error why = {0};
	struct text content;
	struct local_model *model = ARENA_NEW(arena, struct local_model);
	struct files *files = files_open(error);
	bool good = files && files_source(files)->read(files, &file, NULL, &content, error);
	if (model)
		*model = (struct local_model){.predictor = good ? predictor_read(arena, content, ITERATIONS_BEST, &why) : NULL,
					      .whose = "the model",
					      .output = TEXT(LOCAL_MODEL_OUTPUT)};
	files_close(files);
	if (good && !(model && model->predictor))
		error_set(error, model ? why.kind : ERROR_SYSTEM, place, "%s is not a model that can be served: %s", file.text,
			  why.text);
	return model && model->predictor ? model : NULL;
}

/* The outputs of the model. Its inputs may have any name. NULL: memory ran out. */
static const struct model_signature *served_file_signature(struct arena *arena, const struct local_model *model)
{
	const struct tensor_types any = {0};
	struct tensor_types gives;
	struct error error = {0};
	struct model_signature *signature = ARENA_NEW(arena, struct model_signature);
	if (!signature || !local_model_types(model, &any, arena, &gives, &error))
		return NULL;
	signature->outputs = gives;
	return signature;
}

/* As stub_answer(). */
static bool served_file_answer(const struct local_model *model, const struct payload *request, struct arena *arena,
			       struct stub_reply *reply)
{
	struct error error = {0};
	struct payload *answer = ARENA_NEW(arena, struct payload);
	*reply = (struct stub_reply){.status = 200, .payload = answer};
	if (!answer)
		return false;
	if (local_model_answer(model, request, arena, &answer->tensors, &error))
		return true;
	const char *words = arena_copy(arena, error.text, strlen(error.text));
	*reply = (struct stub_reply){.status = error.kind == ERROR_INPUT ? 400 : 500, .words = text_of(words)};
	return words != NULL;
}

#define MODEL_ARENA_BYTES ((size_t)1 << 30) /* of one model; a stub needs some hundred bytes, a forest millions */
#define VERSION_DEFAULT "1"
#define REMEMBERED 16384 /* requests; a power of two */

struct request_seen {
	uint64_t who; /* 0: free */
	uint64_t calls;
};

struct catalog {
	struct catalog_model *first;
	/* A request is stored at the index of its hash, and replaces the previous one there. */
	struct request_seen seen[REMEMBERED];
};

/* ---- kinds of models ---- */

static bool stub_takes(struct text uri)
{
	return text_starts_with(uri, TEXT(STUB_SCHEME));
}

static const void *stub_open(struct arena *arena, const char *uri, struct place place, struct error *error)
{
	return stub_parse(arena, uri, place, error);
}

static const struct model_signature *stub_signature_of(struct arena *arena, const char *uri, const void *opened)
{
	(void)opened;
	return stub_signature(arena, text_of(uri));
}

static const void *local_open(struct arena *arena, const char *uri, struct place place, struct error *error)
{
	return served_file_open(arena, uri, place, error);
}

static const struct model_signature *local_signature(struct arena *arena, const char *uri, const void *opened)
{
	(void)uri;
	return served_file_signature(arena, opened);
}

static bool answer_by_file(const void *opened, const struct payload *request, uint64_t earlier, struct arena *arena,
			   struct stub_reply *reply)
{
	(void)earlier;
	return served_file_answer(opened, request, arena, reply);
}

static bool answer_by_stub(const void *opened, const struct payload *request, uint64_t earlier, struct arena *arena,
			   struct stub_reply *reply)
{
	return stub_answer(opened, request, earlier, arena, reply);
}

const struct model_kind model_kinds[] = {
	{"sluice_stub", "a built-in stub, or expressions: stub://NAME?key=value", stub_takes, stub_open, stub_signature_of,
	 answer_by_stub},
	{"sluice_local", "a trained model's file: file:models/model.json, relative to the YAML", served_file_takes, local_open,
	 local_signature, answer_by_file},
	{0},
};

/* ---- models ---- */

static void model_close(struct catalog_model *model)
{
	arena_close(model->arena);
}

static const char *catalog_kept(struct arena *arena, const char *text)
{
	return arena_copy(arena, text, strlen(text));
}

/* Copies a place, so that it lives as long as the model. */
static struct place kept_place(struct arena *arena, struct place place)
{
	if (place.file)
		place.file = catalog_kept(arena, place.file);
	return place;
}

static const struct model_kind *kind_of(struct text uri)
{
	const struct model_kind *kind = model_kinds;
	while (kind->name && !kind->takes(uri))
		kind++;
	return kind->name ? kind : NULL;
}

/* The model's storageUri, if it is of a known kind; else its own name, which may be that of a stub. */
static const char *uri_of(const struct catalog_entry *entry, struct arena *arena)
{
	if ((!entry->uri || !kind_of(text_of(entry->uri))) && stub_known(entry->name))
		return arena_print(arena, STUB_SCHEME "%s", entry->name);
	return catalog_kept(arena, entry->uri ? entry->uri : "");
}

static bool model_fill(struct catalog_model *model, const char *uri, struct place place)
{
	const struct model_kind *kind = kind_of(text_of(uri));
	if (!kind && uri[0])
		return error_set(&model->why, ERROR_CONFIG, place,
				 "model `%s` is not served: this server cannot load `%s`; it loads `stub://NAME` (`sluice help "
				 "stubs` lists them) and `file:` with a model's file",
				 model->name, uri);
	if (!kind)
		return error_set(&model->why, ERROR_CONFIG, place,
				 "model `%s` is not served: it has no storageUri; write one, as in `storageUri: stub://identity`",
				 model->name);
	model->opened = kind->open(model->arena, uri, place, &model->why);
	if (!model->opened)
		return false;
	model->kind = kind;
	model->signature = kind->signature(model->arena, uri, model->opened);
	return true;
}

static struct catalog_model *model_open(const struct catalog_entry *entry)
{
	struct arena *arena = arena_open(MODEL_ARENA_BYTES);
	struct catalog_model *model = arena ? ARENA_NEW(arena, struct catalog_model) : NULL;
	if (!model) {
		arena_close(arena);
		return NULL;
	}
	model->arena = arena;
	model->name = catalog_kept(arena, entry->name);
	model->by_name = !entry->uri;
	model->version = catalog_kept(arena, entry->version ? entry->version : VERSION_DEFAULT);
	const char *uri = uri_of(entry, arena);
	struct place place = kept_place(arena, entry->place);
	if (!arena_failed(arena))
		model->ready = model_fill(model, uri, place);
	if (!arena_failed(arena))
		return model;
	model_close(model);
	return NULL;
}

/* ---- the catalog ---- */

struct catalog *catalog_open(struct error *error)
{
	struct catalog *catalog = memory_take(1, sizeof *catalog);
	if (!catalog)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening the catalog of models"));
	return catalog;
}

void catalog_close(struct catalog *catalog)
{
	if (!catalog)
		return;
	while (catalog->first) {
		struct catalog_model *next = catalog->first->next;
		model_close(catalog->first);
		catalog->first = next;
	}
	memory_give(catalog);
}

static struct catalog_model **link_of(struct catalog *catalog, const char *name)
{
	struct catalog_model **link = &catalog->first;
	while (*link && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

const struct catalog_model *catalog_named(const struct catalog *catalog, const char *name)
{
	const struct catalog_model *model = catalog->first;
	while (model && strcmp(model->name, name) != 0)
		model = model->next;
	return model;
}

bool catalog_put(struct catalog *catalog, const struct catalog_entry *entry, struct error *error)
{
	assert(entry->name);
	struct catalog_model *model = model_open(entry);
	if (!model)
		return error_memory(error, ERROR_SYSTEM, "taking a model into the catalog");
	struct catalog_model **link = link_of(catalog, model->name), *before = *link;
	model->next = before ? before->next : NULL;
	*link = model;
	if (before)
		model_close(before);
	return true;
}

void catalog_take(struct catalog *catalog, struct catalog *later, bool whole)
{
	struct catalog_model **link = &catalog->first;
	while (*link) {
		struct catalog_model *before = *link, **taken = link_of(later, before->name), *model = *taken;
		if (!model && (!whole || before->by_name)) {
			link = &before->next;
			continue;
		}
		*link = before->next;
		if (model) {
			*taken = model->next;
			model->counts = before->counts;
			model->unloaded = before->unloaded;
			model->ready = model->ready && !model->unloaded;
			model->next = before->next;
			*link = model;
			link = &model->next;
		}
		model_close(before);
	}
	*link = later->first;
	later->first = NULL;
}

size_t catalog_fitting(struct catalog *catalog, struct text name, struct catalog_model *found[2])
{
	size_t count = 0;
	for (struct catalog_model *model = catalog->first; model && count < 2; model = model->next)
		if (model_name_fit(name, model->name) > 0)
			found[count++] = model;
	return count;
}

void catalog_keep_named(struct catalog *catalog, const char *name)
{
	for (struct catalog_model **link = &catalog->first; *link;) {
		struct catalog_model *model = *link;
		if (strcmp(model->name, name) == 0 || model_name_fit(text_of(name), model->name) == 0) {
			link = &model->next;
			continue;
		}
		*link = model->next;
		model_close(model);
	}
}

struct catalog_model *catalog_find(struct catalog *catalog, struct text name, struct text version)
{
	struct catalog_model *model = catalog->first, *fitting[2];
	while (model && !text_is(name, model->name))
		model = model->next;
	const size_t count = model ? 0 : catalog_fitting(catalog, name, fitting);
	if (count > 0)
		model = count == 1 ? fitting[0] : NULL;
	for (const struct stub_row *row = stub_rows; !model && count == 0 && row->name; row++) {
		struct error error = {0};
		if (text_is(name, row->name) && catalog_put(catalog, &(struct catalog_entry){.name = row->name}, &error))
			return catalog_find(catalog, name, version);
	}
	const char *slash = model || count > 0 || name.length == 0 ? NULL : memrchr(name.bytes, '/', name.length);
	if (slash) {
		size_t length = (size_t)(slash - name.bytes) + 1;
		return catalog_find(catalog, text_from(name, length), version);
	}
	return model && (version.length == 0 || text_is(version, model->version)) ? model : NULL;
}

const struct catalog_model *catalog_first(const struct catalog *catalog)
{
	return catalog->first;
}

uint64_t catalog_count_call(struct catalog *catalog, const struct catalog_model *model, struct text id, struct text bytes)
{
	uint64_t whose = hash_bytes(model->name, strlen(model->name), 0);
	uint64_t who = id.length ? hash_bytes(id.bytes, id.length, whose) : hash_bytes(bytes.bytes, bytes.length, whose);
	struct request_seen *seen = &catalog->seen[who % REMEMBERED];
	if (seen->who != who)
		*seen = (struct request_seen){.who = who};
	return seen->calls++;
}
