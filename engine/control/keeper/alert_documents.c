/* alert_documents.c: see alert_documents.h. */
#include "control/keeper/alert_documents.h"

#include "base/hash.h"
#include "base/memory.h"
#include "compiler/plan/topic_roles.h"
#include "compiler/resources/alert_sources.h"

#define LISTS_BYTES ((size_t)64 << 20)

/* A version of a document, and what it has. */
struct read_document {
	struct list_node node;
	int64_t version;
	uint64_t resource; /* hash of its kind and name */
	bool is_in_force;
	struct spec spec; /* open if it has alerts or a silence */
	bool has_spec;
};

static struct read_document *document_of(struct list_node *node)
{
	return node ? LIST_OWNER(node, struct read_document, node) : NULL;
}

static void document_close(struct read_document *document)
{
	if (document->has_spec)
		spec_close(&document->spec);
	list_remove(&document->node);
	memory_give(document);
}

static bool word_is_in(struct text document, const char *word)
{
	return memmem(document.bytes, document.length, word, strlen(word));
}

/* Without the words it has none: most documents are not read. */
static bool document_may_have_alerts(const struct ledger_resource *resource, struct text document)
{
	return text_is(resource->kind, "Silence") || (text_is(resource->kind, "Pipeline") && word_is_in(document, "alerts"));
}

static struct read_document *document_read(struct alert_documents *documents, const struct ledger_resource *resource,
					   const struct control_version *version, struct error *error)
{
	const struct spec_options options = {.kinds = documents->checker->kinds, .namespace = documents->namespace};
	struct read_document *made = memory_take(1, sizeof *made);
	struct error unread = {0};
	if (!made) {
		error_memory(error, ERROR_SYSTEM, "reading alerts");
		return NULL;
	}
	made->version = version->version;
	made->resource = hash_text_next(resource->name, hash_text(resource->kind, 0));
	list_add(&documents->documents, &made->node);
	made->has_spec = true;
	if (spec_open(&made->spec, &unread) && spec_read_text(&made->spec, "control", version->document, &options, &unread))
		return made;
	spec_close(&made->spec);
	made->has_spec = false;
	if (unread.kind != ERROR_SYSTEM) /* engines do not run it, either */
		return made;
	*error = unread;
	return NULL;
}

static struct read_document *document_find(const struct alert_documents *documents, const struct ledger_resource *resource,
					   int64_t version)
{
	const uint64_t hash = hash_text_next(resource->name, hash_text(resource->kind, 0));
	struct read_document *document = document_of(documents->documents.first);
	while (document && (document->version != version || document->resource != hash))
		document = document_of(document->node.next);
	return document;
}

static void pipeline_add(const struct alert_documents *documents, struct arena *arena, const struct resource *resource,
			 struct alert_definition *items, size_t *count)
{
	const struct pipeline_spec *pipeline = resource->spec;
	const struct alert_spec *specs = pipeline->alerts.items;
	const struct alert_sources sources = alert_sources_of(pipeline);
	struct alert_condition condition;
	const char *topic =
		topic_own_name(arena, documents->prefix, documents->namespace, resource->name.text, topic_roles[TOPIC_ALERTS].name);
	for (size_t i = 0; i < pipeline->alerts.count && i < ALERTS_MAX; i++) {
		if (!specs[i].name.text)
			continue;
		alert_definition_fill(&items[*count], documents->namespace, resource->name.text, topic, &specs[i]);
		if (specs[i].condition && alert_condition_make(&condition, specs[i].condition, &sources, arena))
			items[*count].group_by = alert_group_by(pipeline, &specs[i], &condition);
		(*count)++;
	}
}

static size_t alerts_count(const struct spec *spec)
{
	const struct resource *resource;
	size_t count = 0;
	for (size_t at = 0; (resource = spec_next(spec, RESOURCE_PIPELINE, &at));)
		count += ((const struct pipeline_spec *)resource->spec)->alerts.count;
	return count;
}

static bool lists_make(struct alert_documents *documents)
{
	struct arena *arena = arena_open(LISTS_BYTES);
	const struct resource *resource;
	size_t alerts = 0, silences = 0, count = 0, silenced = 0;
	if (!arena)
		return false;
	for (struct read_document *at = document_of(documents->documents.first); at; at = document_of(at->node.next)) {
		alerts += at->is_in_force && at->has_spec ? alerts_count(&at->spec) : 0;
		silences++;
	}
	struct alert_definition *items = ARENA_ARRAY(arena, struct alert_definition, alerts + 1);
	struct group_silence *silence = ARENA_ARRAY(arena, struct group_silence, silences + 1);
	for (struct read_document *at = document_of(documents->documents.first); at && !arena_failed(arena);
	     at = document_of(at->node.next)) {
		const struct spec *spec = at->is_in_force && at->has_spec ? &at->spec : NULL;
		for (size_t next = 0; spec && (resource = spec_next(spec, RESOURCE_PIPELINE, &next));)
			pipeline_add(documents, arena, resource, items, &count);
		for (size_t next = 0; spec && silenced < silences && (resource = spec_next(spec, RESOURCE_SILENCE, &next));)
			silenced += alert_silence_fill(&silence[silenced], resource);
	}
	if (arena_failed(arena)) {
		arena_close(arena);
		return false;
	}
	arena_close(documents->arena);
	documents->arena = arena;
	documents->definitions = (struct alert_definitions){count, silenced, items, silence};
	return true;
}

bool alert_documents_read(struct alert_documents *documents, const struct ledger *ledger, struct error *error)
{
	const struct ledger_resource *resource;
	for (struct read_document *at = document_of(documents->documents.first); at; at = document_of(at->node.next))
		at->is_in_force = false;
	LIST_EACH_RESOURCE(ledger, resource)
	{
		const struct control_version *version = ledger_applied(ledger, resource);
		if (!version || !document_may_have_alerts(resource, version->document))
			continue;
		struct read_document *document = document_find(documents, resource, version->version);
		if (!document && !(document = document_read(documents, resource, version, error)))
			return false;
		document->is_in_force = true;
	}
	documents->activations = ledger->activations;
	return lists_make(documents) || error_memory(error, ERROR_SYSTEM, "reading alerts");
}

void alert_documents_sweep(struct alert_documents *documents)
{
	struct read_document *next;
	for (struct read_document *at = document_of(documents->documents.first); at; at = next) {
		next = document_of(at->node.next);
		if (!at->is_in_force)
			document_close(at);
	}
}

void alert_documents_close(struct alert_documents *documents)
{
	while (documents->documents.first)
		document_close(document_of(documents->documents.first));
	arena_close(documents->arena);
}
