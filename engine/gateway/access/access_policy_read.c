/* access_policy_read.c: Reader of policy files, from YAML to rows; see access_policy.h. */
#include <stdio.h>

#include "base/memory.h"
#include "base/suggest.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/yaml/options.h"
#include "gateway/access/access_policy.h"

#define LIST_BYTES 256
#define ARENA_BYTES_MAX ((size_t)64 << 20) /* a tree of nodes takes some 40 times its text */

struct written_row { /* as it is in the YAML */
	struct place here;
	const struct node *subject, *resource, *verb, *namespace;
};

struct written_file {
	struct item_list policies;
};

static const struct option written_row_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct written_row, here)},
	ROW("subject", NODE, struct written_row, subject, .required = true, .help = "Who may."),
	ROW("resource", NODE, struct written_row, resource, .required = true, .help = "On what they may."),
	ROW("verb", NODE, struct written_row, verb, .required = true, .help = "What they may do."),
	ROW("namespace", NODE, struct written_row, namespace, .help = "In which namespaces; absent: in each."),
	{.type = OPTION_END},
};

static const struct option written_file_rows[] = {
	ROW("policies", LIST, struct written_file, policies, .rows = written_row_rows, .item_size = sizeof(struct written_row),
	    .required = true, .help = "The rows: subject, resource, verb."),
	{.type = OPTION_END},
};

struct access_policy_reading {
	struct access_policy *policy;
	struct reading *reading;
};

static void access_fault_say(struct access_policy_reading *reading, const struct node *node, const char *suggest, const char *why)
{
	fault_add(reading->reading->faults, CODE_BAD_PARAMETER, node->place, suggest, "`%s` %s", node->scalar.bytes, why);
}

/* ---- one value ---- */

/* The word that a subject begins with, or is. NULL: there is none. */
static const struct access_subject_word *subject_word(struct text text)
{
	for (const struct access_subject_word *word = access_subject_words; word->name; word++)
		if (word->follows[0] ? text_starts_with(text, text_of(word->name)) : text_is(text, word->name))
			return word;
	return NULL;
}

/* "is no subject; write sub:NAME, ..., or anonymous" */
static void subjects_list(char list[LIST_BYTES])
{
	int at = snprintf(list, LIST_BYTES, "is no subject; write ");
	for (const struct access_subject_word *word = access_subject_words; word->name && at < LIST_BYTES; word++)
		at += snprintf(list + at, (size_t)(LIST_BYTES - at), "%s%s%s",
			       word == access_subject_words ? ""
			       : word[1].name		    ? ", "
							    : " or ",
			       word->name, word->follows);
}

/* Parts claim:NAME=VALUE. Without a name there is no value either. False: memory ran out. */
static bool claim_part(struct access_policy_reading *reading, struct access_policy_subject *subject)
{
	const char *equals = memchr(subject->value.bytes, '=', subject->value.length);
	size_t length = equals ? (size_t)(equals - subject->value.bytes) : 0;
	const char *claim = arena_copy(reading->policy->arena, subject->value.bytes, length);
	if (!claim)
		return false;
	subject->claim = (struct text){claim, length};
	subject->value = length > 0 ? text_from(subject->value, length + 1) : (struct text){0};
	return true;
}

static bool subject_read(struct access_policy_reading *reading, const struct node *node, void *into)
{
	struct access_policy_subject *subject = into;
	const struct access_subject_word *word = subject_word(node->scalar);
	if (!word || (word->follows[0] && memchr(node->scalar.bytes, '*', node->scalar.length))) {
		char list[LIST_BYTES];
		subjects_list(list);
		access_fault_say(reading, node, NULL,
				 word ? "has a `*`, and subjects are no patterns; write `anyone` for everybody" : list);
		return false;
	}
	*subject = (struct access_policy_subject){.kind = word->kind,
						  .value = text_from(node->scalar, strlen(word->name)),
						  .claim = text_of(word->claim),
						  .in_words = word->in_words};
	const bool is_parted = word->kind == ACCESS_SUBJECT_CLAIM && !word->claim;
	if (is_parted && !claim_part(reading, subject))
		return false;
	if (subject->value.length > 0 || !word->follows[0])
		return true;
	access_fault_say(reading, node, NULL,
			 is_parted ? "compares nothing; write claim:NAME=VALUE" : "has no name after the colon");
	return false;
}

static bool pattern_read(struct access_policy_reading *reading, const struct node *node, void *into)
{
	struct access_policy_pattern *pattern = into;
	const char *slash = memchr(node->scalar.bytes, '/', node->scalar.length);
	struct text kind = {node->scalar.bytes, slash ? (size_t)(slash - node->scalar.bytes) : node->scalar.length};
	struct suggestion suggestion = suggest_begin(kind);
	*pattern = (struct access_policy_pattern){.kind = 0, .place = node->place};
	if (text_is(node->scalar, "*")) {
		pattern->kind = ACCESS_KINDS;
		return true;
	}
	while (pattern->kind < ACCESS_KINDS && !text_is(kind, access_kind_name((enum access_kind)pattern->kind)))
		suggest_offer(&suggestion, text_of(access_kind_name((enum access_kind)pattern->kind++)));
	if (slash)
		pattern->name = (struct text){slash + 1, node->scalar.length - kind.length - 1};
	if (pattern->kind < ACCESS_KINDS && (pattern->kind == ACCESS_SERVER) == !slash &&
	    (pattern->kind == ACCESS_SERVER || pattern->name.length > 0))
		return true;
	access_fault_say(reading, node, suggestion.nearest.bytes,
		  "is no resource; write pipeline/NAME, model/NAME, deployment/NAME, experiment/NAME, server or \"*\"");
	return false;
}

static bool namespace_read(struct access_policy_reading *reading, const struct node *node, void *into)
{
	(void)reading;
	*(struct access_policy_pattern *)into =
		(struct access_policy_pattern){.kind = ACCESS_KINDS, .name = node->scalar, .place = node->place};
	return true;
}

static bool verb_read(struct access_policy_reading *reading, const struct node *node, void *into)
{
	enum access_verb verb = 0;
	struct suggestion suggestion = suggest_begin(node->scalar);
	struct access_policy_verb *read = into;
	*read = (struct access_policy_verb){.set = (1u << ACCESS_VERBS) - 1, .place = node->place};
	if (text_is(node->scalar, "*"))
		return true;
	while (verb < ACCESS_VERBS && !text_is(node->scalar, access_verb_name(verb)))
		suggest_offer(&suggestion, text_of(access_verb_name(verb++)));
	read->set = 1u << verb;
	if (verb < ACCESS_VERBS)
		return true;
	access_fault_say(reading, node, suggestion.nearest.bytes,
		  "is no verb; write infer, explain, feedback, submit, poll, cancel, watch, metadata, health, metrics or \"*\"");
	return false;
}

/* ---- a text or a list of them ---- */

typedef bool access_policy_item_read(struct access_policy_reading *reading, const struct node *node, void *into);

static bool item_is_text(struct access_policy_reading *reading, const struct node *node)
{
	if (node->broken)
		return false;
	if (node->type == NODE_SCALAR && node->scalar.length > 0 && node->scalar.length <= ACCESS_POLICY_PATTERN_BYTES_MAX &&
	    !memchr(node->scalar.bytes, '\0', node->scalar.length))
		return true;
	fault_add(reading->reading->faults, CODE_WRONG_TYPE, node->place, NULL,
		  "this must be a text of 1 to %d bytes, or a list of such", ACCESS_POLICY_PATTERN_BYTES_MAX);
	return false;
}

/* Reads items into an array of the arena, and returns their number. */
static size_t items_read(struct access_policy_reading *reading, const struct node *node, access_policy_item_read *read, size_t size,
			 void **items)
{
	size_t count = node->type == NODE_LIST ? node->count : 1, done = 0;
	if (count == 0 || count > ACCESS_POLICY_ITEMS_MAX) {
		fault_add(reading->reading->faults, CODE_OUT_OF_RANGE, node->place, NULL,
			  "this list has %zu items; it may have 1 to %d", count, ACCESS_POLICY_ITEMS_MAX);
		return 0;
	}
	unsigned char *all = arena_take(reading->policy->arena, count, size);
	for (size_t i = 0; all && i < count; i++) {
		const struct node *item = node->type == NODE_LIST ? node->items[i] : node;
		done += item_is_text(reading, item) && read(reading, item, all + done * size);
	}
	*items = all;
	return done;
}

static void row_read(struct access_policy_reading *reading, const struct written_row *written)
{
	struct access_policy *policy = reading->policy;
	struct access_policy_row row = {0};
	void *items = NULL;
	if (policy->count == ACCESS_POLICY_ROWS_MAX) {
		fault_add(reading->reading->faults, CODE_OUT_OF_RANGE, written->here, NULL,
			  "the file has more than %d policies, which is the limit", ACCESS_POLICY_ROWS_MAX);
		return;
	}
	if (!written->subject || !written->resource || !written->verb)
		return; /* the reader of the map has reported it */
	row.subject_count = items_read(reading, written->subject, subject_read, sizeof *row.subjects, &items);
	row.subjects = items;
	row.pattern_count = items_read(reading, written->resource, pattern_read, sizeof *row.patterns, &items);
	row.patterns = items;
	if (written->namespace) {
		row.namespace_count = items_read(reading, written->namespace, namespace_read, sizeof *row.namespaces, &items);
		row.namespaces = items;
	}
	row.verb_count = items_read(reading, written->verb, verb_read, sizeof *row.verb_items, &items);
	row.verb_items = items;
	for (size_t i = 0; i < row.verb_count; i++)
		row.verbs |= row.verb_items[i].set;
	policy->rows[policy->count++] = row;
}

static void texts_read(struct access_policy_reading *reading, const char *file, struct text text, bool may_be_map);

/* A ConfigMap: each entry of its data is a file. Places are counted from the beginning of that text. */
static void config_map_read(struct access_policy_reading *reading, const char *file, const struct node *root)
{
	const struct node *data = node_get(root, "data");
	if (!data || data->type != NODE_MAP || data->count == 0) {
		fault_add(reading->reading->faults, CODE_MISSING_FIELD, root->place, NULL,
			  "the ConfigMap has no `data` with policies in it");
		return;
	}
	for (size_t i = 0; i < data->count; i++) {
		const struct node *value = data->entries[i].value;
		const char *name = arena_print(reading->policy->arena, "%s: data.%s", file, data->entries[i].key->scalar.bytes);
		if (name && value->type == NODE_SCALAR)
			texts_read(reading, name, value->scalar, false);
		else
			fault_add(reading->reading->faults, CODE_WRONG_TYPE, value->place, NULL,
				  "this must be a text with policies in it");
	}
}

static void texts_read(struct access_policy_reading *reading, const char *file, struct text text, bool may_be_map)
{
	struct documents documents = {0};
	struct arena *arena = reading->policy->arena;
	struct faults *faults = reading->reading->faults;
	yaml_read(arena, file, text, &documents, faults);
	for (size_t i = 0; i < documents.count; i++) {
		const struct node *root = documents.items[i].root, *kind = root ? node_get(root, "kind") : NULL;
		struct written_file written = {0};
		if (!root)
			continue;
		if (may_be_map && kind && text_is(kind->scalar, "ConfigMap")) {
			config_map_read(reading, file, root);
			continue;
		}
		struct reading rows = {.arena = arena, .faults = faults, .field = "policies", .text = documents.items[i].text};
		options_read(&rows, root, written_file_rows, &written);
		for (size_t k = 0; k < written.policies.count; k++)
			row_read(reading, &((const struct written_row *)written.policies.items)[k]);
	}
}

/* The first fault as an error. Its file is the caller's own string, because the policy's copy is freed with the
 * policy. */
static bool access_faults_fail(struct faults *faults, const char *file, struct error *error)
{
	for (size_t i = 0; i < faults_total(faults); i++) {
		const struct fault *fault = faults_at(faults, i);
		bool is_within = fault->place.file != file;
		if (fault->code->severity != SEVERITY_ERROR)
			continue;
		struct place place = is_within ? (struct place){file, 1, 1} : fault->place;
		return error_set(error, ERROR_CONFIG, place, "%s%s%s%s%s", is_within && fault->place.file ? fault->place.file : "",
				 is_within ? ": " : "", fault->message, fault->suggest ? "; did you mean " : "",
				 fault->suggest ? fault->suggest : "");
	}
	return true;
}

struct access_policy *access_policy_read(const char *file, struct text text, struct error *error)
{
	if (text.length > ACCESS_POLICY_BYTES_MAX)
		return error_null(error_set(error, ERROR_CONFIG, (struct place){file, 1, 1},
					    "the file of policies has more than %zu bytes", ACCESS_POLICY_BYTES_MAX));
	struct access_policy *policy = memory_take(1, sizeof *policy);
	struct faults *faults = NULL;
	if (policy && (policy->arena = arena_open(ARENA_BYTES_MAX)))
		faults = faults_open(policy->arena);
	bool is_read = faults != NULL;
	if (is_read) {
		struct reading rows = {.arena = policy->arena, .faults = faults};
		texts_read(&(struct access_policy_reading){policy, &rows}, file, text, true);
		is_read = !arena_failed(policy->arena);
	}
	if (!is_read)
		error_memory(error, ERROR_SYSTEM, "reading policies");
	else
		is_read = access_faults_fail(faults, file, error);
	if (is_read)
		return policy;
	access_policy_close(policy);
	return NULL;
}
