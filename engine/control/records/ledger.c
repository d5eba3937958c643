/* ledger.c: see ledger.h. One hash table of pointers finds every entry by its key on the topic. */
#include "control/records/ledger.h"

#include <inttypes.h>

#include "base/memory.h"
#include "control/records/ledger_parts.h"
#include "base/table.h"

#define SCRATCH_BYTES_MAX ((size_t)64 << 20) /* lists of a record of the largest size */

bool ledger_open(struct ledger *ledger, const char *namespace, struct error *error)
{
	*ledger = (struct ledger){.namespace = namespace, .by_key = table_open(), .scratch = arena_open(SCRATCH_BYTES_MAX)};
	return (ledger->by_key && ledger->scratch) || error_memory(error, ERROR_SYSTEM, "reading the control topic");
}

/* ---- entries ---- */

static void version_close(struct ledger_version *version)
{
	if (!version)
		return;
	memory_give(version->bytes);
	memory_give(version->labels);
	memory_give(version);
}

static void resource_close(struct ledger_resource *resource)
{
	for (size_t i = 0; i < resource->count; i++)
		version_close(resource->versions[i]);
	memory_give(resource->versions);
	memory_give((void *)(uintptr_t)resource->kind.bytes);
	memory_give(resource);
}

static void change_close(struct ledger_change *change)
{
	if (!change)
		return;
	memory_give(change->bytes);
	memory_give(change->versions);
	memory_give(change);
}

static void verdict_close(struct ledger_verdict *verdict)
{
	if (!verdict)
		return;
	memory_give(verdict->bytes);
	memory_give(verdict->versions);
	memory_give(verdict->faults);
	memory_give(verdict);
}

void ledger_close(struct ledger *ledger)
{
	for (struct list_node *node = ledger->resources.first, *next; node; node = next) {
		next = node->next;
		resource_close(LIST_OWNER(node, struct ledger_resource, node));
	}
	for (struct list_node *node = ledger->changes.first, *next; node; node = next) {
		next = node->next;
		change_close(LIST_OWNER(node, struct ledger_change, node));
	}
	for (struct list_node *node = ledger->verdicts.first, *next; node; node = next) {
		next = node->next;
		verdict_close(LIST_OWNER(node, struct ledger_verdict, node));
	}
	ledger_choices_close(ledger);
	ledger_rollouts_close(ledger);
	table_close(ledger->by_key);
	arena_close(ledger->scratch);
	*ledger = (struct ledger){0};
}

struct ledger_resource *ledger_resource_find(const struct ledger *ledger, struct text kind, struct text name)
{
	char bytes[LEDGER_KEY_BYTES_MAX];
	if (kind.length + name.length + 1 > sizeof bytes)
		return NULL;
	memcpy(bytes, kind.bytes, kind.length);
	bytes[kind.length] = '/';
	memcpy(bytes + kind.length + 1, name.bytes, name.length);
	return ledger_entry_find(ledger, (struct text){bytes, kind.length + 1 + name.length});
}

static void *kept_find_by(const struct ledger *ledger, int64_t number, struct text id)
{
	struct buffer key;
	buffer_open(&key, LEDGER_KEY_BYTES_MAX);
	if (id.bytes)
		verdict_key(id, &key);
	else
		change_key(number, &key);
	void *kept = buffer_failed(&key) ? NULL : ledger_entry_find(ledger, buffer_view(&key));
	buffer_close(&key);
	return kept;
}

struct ledger_change *ledger_change_find(const struct ledger *ledger, int64_t number)
{
	return kept_find_by(ledger, number, (struct text){0});
}

struct ledger_verdict *ledger_verdict_find(const struct ledger *ledger, struct text id)
{
	return id.length > 0 ? kept_find_by(ledger, 0, id) : NULL;
}

static size_t version_index(const struct ledger_resource *resource, int64_t version)
{
	size_t at = resource->count;
	while (at > 0 && resource->versions[at - 1]->record.version >= version)
		at--;
	return at;
}

const struct ledger_version *ledger_version_find(const struct ledger_resource *resource, int64_t version)
{
	size_t at = version_index(resource, version);
	return at < resource->count && resource->versions[at]->record.version == version ? resource->versions[at] : NULL;
}

enum change_phase ledger_phase(const struct ledger *ledger, const struct ledger_version *version)
{
	const struct ledger_change *change = ledger_change_find(ledger, version->record.change);
	return change ? (enum change_phase)change->record.phase : CHANGE_FAILED;
}

const struct ledger_version *ledger_accepted(const struct ledger *ledger, const struct ledger_resource *resource)
{
	for (size_t i = resource->count; i > 0; i--)
		if (ledger_phase(ledger, resource->versions[i - 1]) != CHANGE_FAILED)
			return resource->versions[i - 1];
	return NULL;
}

const struct ledger_version *ledger_present(const struct ledger *ledger, const struct ledger_resource *resource)
{
	const struct ledger_version *newest = ledger_newest(resource);
	if (newest->record.action == CONTROL_DELETE && ledger_phase(ledger, newest) == CHANGE_FAILED)
		newest = ledger_accepted(ledger, resource);
	return newest && newest->record.action == CONTROL_APPLY ? newest : NULL;
}

const struct ledger_version *ledger_in_force(const struct ledger *ledger, const struct ledger_resource *resource)
{
	for (size_t i = resource->count; i > 0; i--)
		if (ledger_phase(ledger, resource->versions[i - 1]) == CHANGE_ACTIVE)
			return resource->versions[i - 1];
	return NULL;
}

const struct control_version *ledger_applied(const struct ledger *ledger, const struct ledger_resource *resource)
{
	const struct ledger_version *version = resource ? ledger_in_force(ledger, resource) : NULL;
	return version && version->record.action == CONTROL_APPLY ? &version->record : NULL;
}

const struct resource_version *ledger_missing(const struct ledger *ledger)
{
	const struct ledger_change *change;
	LIST_EACH_CHANGE(ledger, change)
	{
		const struct resource_version *versions = change->record.versions.items;
		for (size_t i = 0; change->record.phase == CHANGE_ACTIVE && i < change->record.versions.count; i++) {
			const struct ledger_resource *resource =
				ledger_resource_find(ledger, versions[i].kind, versions[i].name);
			const struct ledger_version *current = resource ? ledger_in_force(ledger, resource) : NULL;
			if (!current || current->record.version < versions[i].version)
				return &versions[i];
		}
	}
	return NULL;
}

/* ---- versions ---- */

static struct ledger_resource *resource_of(struct ledger *ledger, const struct control_version *record, struct error *error)
{
	struct ledger_resource *resource = ledger_resource_find(ledger, record->kind, record->name);
	if (resource)
		return resource;
	resource = memory_take(1, sizeof *resource);
	size_t length = record->kind.length + 1 + record->name.length;
	char *key = memory_take_raw(length);
	if (!resource || !key) {
		memory_give(resource);
		memory_give(key);
		error_memory(error, ERROR_SYSTEM, "reading the control topic");
		return NULL;
	}
	memcpy(key, record->kind.bytes, record->kind.length);
	key[record->kind.length] = '/';
	memcpy(key + record->kind.length + 1, record->name.bytes, record->name.length);
	resource->kind = (struct text){key, record->kind.length};
	resource->name = (struct text){key + record->kind.length + 1, record->name.length};
	if (!ledger_entry_put(ledger, (struct text){key, length}, resource, error)) {
		resource_close(resource);
		return NULL;
	}
	list_add(&ledger->resources, &resource->node);
	return resource;
}

/* Takes the version, also on failure. */
static bool version_insert(struct ledger_resource *resource, struct ledger_version *version, struct error *error)
{
	size_t at = version_index(resource, version->record.version);
	if (at < resource->count && resource->versions[at]->record.version == version->record.version) {
		version_close(resource->versions[at]);
		resource->versions[at] = version;
		return true;
	}
	struct ledger_version **grown = ledger_gap_open(resource->versions, &resource->count, at, error);
	if (!grown) {
		version_close(version);
		return false;
	}
	resource->versions = grown;
	grown[at] = version;
	return true;
}

static void resource_forget(struct ledger *ledger, struct ledger_resource *resource)
{
	struct text key = {resource->kind.bytes, resource->kind.length + 1 + resource->name.length};
	ledger_entry_forget(ledger, key);
	list_remove(&resource->node);
	resource_close(resource);
}

static bool version_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error)
{
	struct ledger_version *version = memory_take(1, sizeof *version);
	struct buffer expected;
	buffer_open(&expected, LEDGER_KEY_BYTES_MAX);
	bool good = version || error_memory(error, ERROR_SYSTEM, "reading the control topic");
	good = good && ledger_record_keep(ledger, &version_form, value, ledger->scratch, &version->bytes, &version->record, error);
	const struct control_version *record = good ? &version->record : NULL;
	if (good && (!control_name_is_valid(record->kind) || !control_name_is_valid(record->name) ||
		     !ledger_number_is_valid(record->version) || record->change > CONTROL_NUMBER_MAX))
		good = ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error, "record `" TEXT_FORMAT "` names no resource",
				     TEXT_ARGUMENTS(key));
	if (good) {
		version_key(record->kind, record->name, record->version, &expected);
		good = ledger_record_fits(ledger, key, &expected, record->namespace, record->time_ms, record->epoch, now_ms, error);
	}
	if (good && !ledger_list_keep(&version->record.labels, sizeof(struct control_label), &version->labels))
		good = error_memory(error, ERROR_SYSTEM, "reading the control topic");
	buffer_close(&expected);
	struct ledger_resource *resource = good ? resource_of(ledger, record, error) : NULL;
	if (!resource) {
		version_close(version);
		return false;
	}
	good = version_insert(resource, version, error);
	if (resource->count == 0)
		resource_forget(ledger, resource);
	return good;
}

static void version_remove(struct ledger *ledger, struct text resource_key, int64_t number)
{
	struct ledger_resource *resource = ledger_entry_find(ledger, resource_key);
	size_t at = resource ? version_index(resource, number) : 0;
	if (!resource || at == resource->count || resource->versions[at]->record.version != number)
		return;
	version_close(resource->versions[at]);
	ledger_gap_close(resource->versions, &resource->count, at);
	if (resource->count == 0)
		resource_forget(ledger, resource);
}

/* ---- changes, verdicts, keepers ---- */

static void change_remove(struct ledger *ledger, struct ledger_change *change)
{
	list_remove(&change->node);
	ledger->accepted -= change->record.phase == CHANGE_ACCEPTED;
	change_close(change);
}

static bool change_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error)
{
	struct ledger_change *change = memory_take(1, sizeof *change), *former = ledger_entry_find(ledger, key);
	struct buffer expected;
	buffer_open(&expected, LEDGER_KEY_BYTES_MAX);
	bool good = change || error_memory(error, ERROR_SYSTEM, "reading the control topic");
	good = good && ledger_record_keep(ledger, &change_form, value, ledger->scratch, &change->bytes, &change->record, error);
	const struct control_change *record = good ? &change->record : NULL;
	if (good && !ledger_number_is_valid(record->number))
		good = ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error, "record `" TEXT_FORMAT "` numbers no change",
				     TEXT_ARGUMENTS(key));
	if (good) {
		change_key(record->number, &expected);
		good = ledger_record_fits(ledger, key, &expected, record->namespace, record->time_ms, record->epoch, now_ms, error);
	}
	if (good && !ledger_list_keep(&change->record.versions, sizeof(struct resource_version), &change->versions))
		good = error_memory(error, ERROR_SYSTEM, "reading the control topic");
	buffer_close(&expected);
	if (!good || !ledger_entry_put(ledger, key, change, error)) {
		change_close(change);
		return false;
	}
	bool was_active = former && former->record.phase == CHANGE_ACTIVE;
	if (former)
		change_remove(ledger, former);
	list_add(&ledger->changes, &change->node);
	ledger->accepted += record->phase == CHANGE_ACCEPTED;
	ledger->activations += record->phase == CHANGE_ACTIVE && !was_active;
	if (record->number > ledger->last_change)
		ledger->last_change = record->number;
	return true;
}

static void verdict_remove(struct ledger *ledger, struct ledger_verdict *verdict)
{
	list_remove(&verdict->node);
	ledger->verdict_count--;
	verdict_close(verdict);
}

static bool verdict_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error)
{
	struct ledger_verdict *verdict = memory_take(1, sizeof *verdict), *former = ledger_entry_find(ledger, key);
	struct buffer expected;
	buffer_open(&expected, LEDGER_KEY_BYTES_MAX);
	bool good = verdict || error_memory(error, ERROR_SYSTEM, "reading the control topic");
	good = good && ledger_record_keep(ledger, &verdict_form, value, ledger->scratch, &verdict->bytes, &verdict->record, error);
	struct control_verdict *record = good ? &verdict->record : NULL;
	if (good && (!control_name_is_valid(record->id) || record->resume > CONTROL_NUMBER_MAX))
		good = ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error, "record `" TEXT_FORMAT "` names no proposal",
				     TEXT_ARGUMENTS(key));
	if (good) {
		verdict_key(record->id, &expected);
		good = ledger_record_fits(ledger, key, &expected, record->namespace, record->time_ms, record->epoch, now_ms, error);
	}
	if (good && (!ledger_list_keep(&record->versions, sizeof(struct resource_version), &verdict->versions) ||
		     !ledger_list_keep(&record->faults, sizeof(struct verdict_fault), &verdict->faults)))
		good = error_memory(error, ERROR_SYSTEM, "reading the control topic");
	buffer_close(&expected);
	if (!good || !ledger_entry_put(ledger, key, verdict, error)) {
		verdict_close(verdict);
		return false;
	}
	if (former)
		verdict_remove(ledger, former);
	list_add(&ledger->verdicts, &verdict->node);
	ledger->verdict_count++;
	ledger->resume = record->resume; /* lower than before if `proposals` was deleted and created again */
	return true;
}

static bool keeper_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error)
{
	struct control_keeper record;
	struct error reason = {0};
	if (!record_decode(&keeper_form, value, ledger->scratch, &record, &reason))
		return ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error, "%s", reason.text);
	struct buffer expected;
	buffer_open(&expected, LEDGER_KEY_BYTES_MAX);
	buffer_text(&expected, KEEPER_KEY);
	bool good = ledger_record_fits(ledger, key, &expected, record.namespace, record.time_ms, record.epoch, now_ms, error);
	buffer_close(&expected);
	return good;
}

/* ---- records of all kinds ---- */

static void key_remove(struct ledger *ledger, struct text key)
{
	struct text resource;
	int64_t version;
	if (text_starts_with(key, TABLE_KEY_PREFIX)) {
		ledger_table_remove(ledger, key);
		return;
	}
	if (text_starts_with(key, ROLLOUT_KEY_PREFIX)) {
		ledger_rollout_remove(ledger, key);
		return;
	}
	if (text_starts_with(key, MOVE_KEY_PREFIX)) {
		ledger_move_remove(ledger, key);
		return;
	}
	if (memchr(key.bytes, '/', key.length) && ledger_key_split(key, &resource, &version)) {
		version_remove(ledger, resource, version);
		return;
	}
	bool is_change = text_starts_with(key, TEXT("change@")), is_verdict = text_starts_with(key, TEXT("verdict@"));
	void *kept = is_change || is_verdict ? ledger_entry_find(ledger, key) : NULL;
	if (!kept)
		return;
	ledger_entry_forget(ledger, key);
	if (is_verdict)
		verdict_remove(ledger, kept);
	else
		change_remove(ledger, kept);
}

bool ledger_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error)
{
	static const struct {
		const struct record_form *form;
		bool (*fold)(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error);
	} rows[] = {{&version_form, version_fold},
		    {&change_form, change_fold},
		    {&verdict_form, verdict_fold},
		    {&table_form, ledger_table_fold},
		    {&rollout_form, ledger_rollout_fold},
		    {&move_form, ledger_move_fold},
		    {&keeper_form, keeper_fold}};
	if (!value.bytes) {
		key_remove(ledger, key);
		return true;
	}
	if (value.length > CONTROL_RECORD_BYTES_MAX)
		return ledger_record_refuse(ledger, LEDGER_REFUSED_LARGE, error,
				     "record `" TEXT_FORMAT "` has %zu bytes, and %zu are the most", TEXT_ARGUMENTS(key),
				     value.length, CONTROL_RECORD_BYTES_MAX);
	arena_reset(ledger->scratch);
	uint64_t schema = record_schema(value);
	for (size_t i = 0; schema != 0 && i < sizeof rows / sizeof *rows; i++)
		if (record_is_of(rows[i].form, schema))
			return rows[i].fold(ledger, key, value, now_ms, error);
	if (schema == 0)
		return ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error,
				     "record `" TEXT_FORMAT "` is not Avro; only the keeper may write to this topic",
				     TEXT_ARGUMENTS(key));
	if (!control_key_is_possible(key))
		return ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error,
					    "record `" TEXT_FORMAT
					    "` has a key that no record of sluice has; only the keeper may write to this topic",
					    TEXT_ARGUMENTS(key));
	return ledger_record_refuse(ledger, LEDGER_REFUSED_UNKNOWN, error,
			     "record `" TEXT_FORMAT "` has a schema that this version of sluice does not know (%016" PRIx64
			     "); a newer one may have written it",
			     TEXT_ARGUMENTS(key), schema);
}
