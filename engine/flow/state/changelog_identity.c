/* changelog_identity.c: see changelog_identity.h. */
#include "flow/state/changelog_identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/number/little_endian.h"

#define METADATA_BEGIN "sluice state id="
#define METADATA_END " end="
#define METADATA_CHANGELOG " changelog="
#define KEY "identity"
#define VERSION '\1'
#define NUMBERS 4 /* of an identity: its id, low, and the reference that was accepted */
#define IDENTITY_BYTES_MAX (1 + NUMBERS * 8 + STORE_SCOPES_MAX * (STORE_SCOPE_BYTES_MAX + 1))
#define NAMES_BYTES_MAX 120 /* of steps that a message names */
#define KEYS_AT_ONCE 1000

/* ---- the reference ---- */

void state_reference_write(const struct state_reference *reference, char metadata[STATE_REFERENCE_BYTES_MAX])
{
	metadata[0] = '\0';
	if (reference->id == 0)
		return;
	int length = snprintf(metadata, STATE_REFERENCE_BYTES_MAX,
			      METADATA_BEGIN "%016" PRIx64 METADATA_END "%" PRId64 METADATA_CHANGELOG "%s", reference->id,
			      reference->end, reference->changelog);
	if (length < 0 || length >= STATE_REFERENCE_BYTES_MAX)
		metadata[0] = '\0'; /* no topic has so long a name */
}

/* The number after `label`, which begins at `*at`; false: it is not there. */
static bool number_after(const char **at, const char *label, int base, uint64_t *number)
{
	size_t length = strlen(label);
	char *end;
	if (strncmp(*at, label, length) != 0)
		return false;
	*number = strtoull(*at + length, &end, base);
	bool read = end > *at + length;
	*at = end;
	return read;
}

void state_reference_read(struct text metadata, struct state_reference *reference, char changelog[CHANGELOG_NAME_BYTES_MAX])
{
	char bytes[STATE_REFERENCE_BYTES_MAX];
	const char *at = bytes;
	uint64_t id, end;
	*reference = (struct state_reference){0};
	if (!metadata.bytes || metadata.length >= sizeof bytes)
		return;
	memcpy(bytes, metadata.bytes, metadata.length);
	bytes[metadata.length] = '\0';
	if (!number_after(&at, METADATA_BEGIN, 16, &id) || !number_after(&at, METADATA_END, 10, &end) ||
	    strncmp(at, METADATA_CHANGELOG, strlen(METADATA_CHANGELOG)) != 0 || end > INT64_MAX)
		return;
	at += strlen(METADATA_CHANGELOG);
	size_t name = strlen(at);
	if (name == 0 || name >= CHANGELOG_NAME_BYTES_MAX)
		return;
	memcpy(changelog, at, name + 1);
	*reference = (struct state_reference){id, (int64_t)end, changelog};
}

/* ---- names of changelogs ---- */

struct changelog_parts {
	struct text pipeline, stage;
};

static bool changelog_split(const char *name, struct changelog_parts *parts)
{
	static const char before_pipeline[] = ".pipeline.", before_stage[] = ".stage.", end[] = ".state";
	const char *pipeline = strstr(name, before_pipeline);
	const char *stage = pipeline ? strstr(pipeline, before_stage) : NULL;
	if (!stage)
		return false;
	pipeline += sizeof before_pipeline - 1;
	parts->pipeline = (struct text){pipeline, (size_t)(stage - pipeline)};
	parts->stage = text_of(stage + sizeof before_stage - 1);
	const size_t length = parts->stage.length, rest = sizeof end - 1;
	if (length <= rest || strcmp(parts->stage.bytes + length - rest, end) != 0)
		return false;
	parts->stage.length -= rest;
	return true;
}

static bool part_compare(const char *what, struct text before, struct text now, char words[CHANGELOG_DIFFERENCE_BYTES_MAX])
{
	const size_t at = strlen(words), room = CHANGELOG_DIFFERENCE_BYTES_MAX - at;
	if (text_equal(before, now))
		return true;
	int length = snprintf(words + at, room, "%s%s `%.*s` is now `%.*s`", at > 0 ? ", " : "", what, (int)before.length,
			      before.bytes, (int)now.length, now.bytes);
	return length > 0 && (size_t)length < room;
}

void changelog_difference_write(const char *before, const char *now, char words[CHANGELOG_DIFFERENCE_BYTES_MAX])
{
	struct changelog_parts old, new;
	words[0] = '\0';
	if (!changelog_split(before, &old) || !changelog_split(now, &new))
		return;
	if (!part_compare("pipeline", old.pipeline, new.pipeline, words) || !part_compare("stage", old.stage, new.stage, words))
		words[0] = '\0';
}

/* ---- the identity, as bytes ---- */

struct identity {
	uint64_t id;
	int64_t low;
	struct state_reference accepted; /* what was lost, and the operator has accepted; id 0: nothing */
	struct text names;		 /* each with a NUL after it */
};

static bool identity_read(struct text bytes, struct identity *identity)
{
	size_t head = 1 + NUMBERS * 8;
	if (bytes.length < head || bytes.bytes[0] != VERSION || (bytes.length > head && bytes.bytes[bytes.length - 1] != '\0'))
		return false;
	const char *at = bytes.bytes + 1;
	*identity = (struct identity){little_read(at),
				      (int64_t)little_read(at + 8),
				      {little_read(at + 16), (int64_t)little_read(at + 24), NULL},
				      {bytes.bytes + head, bytes.length - head}};
	return identity->id != 0;
}

static size_t identity_print(const struct identity *identity, const struct store *store, uint32_t own, char *out)
{
	char *at = out;
	*at++ = VERSION;
	little_write(at, identity->id);
	little_write(at + 8, (uint64_t)identity->low);
	little_write(at + 16, identity->accepted.id);
	little_write(at + 24, (uint64_t)identity->accepted.end);
	at += NUMBERS * 8;
	for (size_t i = 0; i < store_scopes(store).count; i++) {
		if (i == own)
			continue;
		size_t size = strlen(store_scopes(store).names[i]) + 1;
		memcpy(at, store_scopes(store).names[i], size);
		at += size;
	}
	return (size_t)(at - out);
}

/* Into the store; no change if it is there already. */
static bool identity_write(struct store *store, uint32_t own, const struct identity *identity, struct error *error)
{
	static const char key[] = KEY;
	char bytes[IDENTITY_BYTES_MAX];
	struct text before;
	struct text value = {bytes, identity_print(identity, store, own, bytes)};
	if (store_read(store, own, TEXT(KEY), &before) && text_equal(before, value))
		return true;
	struct write write = {.scope = own, .key = {key, sizeof key - 1}, .value = value};
	return store_journal(store, &write, error) && store_release(store, &write, error);
}

/* ---- names ---- */

static const char *name_next(struct text *names)
{
	const char *name = names->bytes;
	size_t size = strlen(name) + 1;
	names->bytes += size;
	names->length -= size;
	return name;
}

static bool has_name(struct text names, const char *name)
{
	while (names.length > 0)
		if (strcmp(name_next(&names), name) == 0)
			return true;
	return false;
}

static void name_add(char list[NAMES_BYTES_MAX], const char *name)
{
	size_t length = strlen(list);
	(void)snprintf(list + length, NAMES_BYTES_MAX - length, "%s`%s`", length > 0 ? ", " : "", name);
}

/* Steps whose state the changelog holds and that the stage does not have, and the other way round. */
static void names_compare(const struct identity *identity, const struct store *store, char gone[NAMES_BYTES_MAX],
			  char added[NAMES_BYTES_MAX])
{
	uint32_t scope;
	gone[0] = added[0] = '\0';
	for (struct text names = identity->names; names.length > 0;) {
		const char *name = name_next(&names);
		if (!store_scope_find(store, text_of(name), &scope))
			name_add(gone, name);
	}
	for (size_t i = 0; i < store_scopes(store).count; i++) {
		const char *name = store_scopes(store).names[i];
		if (strcmp(name, IDENTITY_SCOPE) != 0 && !has_name(identity->names, name))
			name_add(added, name);
	}
}

/* ---- the check ---- */

static bool is_accepted(const struct identity *identity, const struct state_reference *reference)
{
	return identity->accepted.id != 0 && identity->accepted.id == reference->id && reference->end <= identity->accepted.end;
}

static enum identity_verdict lost(const struct identity_check *check, struct error *error, const char *reason)
{
	if (check->begins_anew)
		error_set(error, ERROR_SYSTEM, PLACE_NONE,
			  "state of pipeline %s is lost (%s-%d): %s. Correct that, or delete the topic and create it again: its "
			  "observers then begin without state",
			  check->pipeline, check->changelog, (int)check->partition, reason);
	else
		error_set(error, ERROR_SYSTEM, PLACE_NONE,
			  "state of pipeline %s is lost (%s-%d): %s. Correct that and start again, or accept the loss: "
			  "`--new-state %s` starts with the present content of the changelog",
			  check->pipeline, check->changelog, (int)check->partition, reason, check->pipeline);
	return IDENTITY_LOST;
}

/* Whether the topic is the one that the last commit refers to, by its name alone, and lacks the state. */
static bool is_made_again(const struct identity_check *check, bool is_known)
{
	return !is_known && check->reference.id != 0 && strcmp(check->reference.changelog, check->changelog) == 0;
}

/* The changelog has no identity, and a commit refers to one. */
static enum identity_verdict changelog_identity_absent(const struct identity_check *check, struct error *error)
{
	char reason[ERROR_TEXT_MAX], difference[CHANGELOG_DIFFERENCE_BYTES_MAX];
	const char *before = check->reference.changelog;
	if (strcmp(before, check->changelog) == 0)
		return lost(check, error, "the topic was deleted and made again, or emptied; restore it");
	changelog_difference_write(before, check->changelog, difference);
	(void)snprintf(reason, sizeof reason,
		       "the last commit was made with the changelog %s; was the pipeline or a step renamed, or `isolate` changed? "
		       "%s%sUndo the renaming",
		       before, difference, difference[0] ? ". " : "");
	return lost(check, error, reason);
}

static enum identity_verdict changelog_identity_compare(const struct identity *identity, const struct identity_check *check,
							const char *gone, const char *added, struct error *error)
{
	char reason[ERROR_TEXT_MAX];
	const struct state_reference *reference = &check->reference;
	bool refers = reference->id != 0 && !is_accepted(identity, reference);
	if (refers && reference->id != identity->id) {
		(void)snprintf(reason, sizeof reason,
			       "the last commit was made with another changelog (%s); restore it or undo the renaming",
			       reference->changelog);
		return lost(check, error, reason);
	}
	if (!check->from_snapshot && check->low > identity->low) {
		(void)snprintf(reason, sizeof reason,
			       "its records before offset %" PRId64
			       " were deleted; restore the topic, and check that its cleanup.policy is compact",
			       check->low);
		return lost(check, error, reason);
	}
	if (gone[0] && added[0] && !check->observes) {
		(void)snprintf(reason, sizeof reason,
			       "it holds state of %s, and the stage has %s instead; undo the renaming", gone, added);
		return lost(check, error, reason);
	}
	if (refers && check->end < reference->end) {
		(void)snprintf(reason, sizeof reason,
			       "it ends at offset %" PRId64 ", and the last commit was made when it reached %" PRId64
			       "; restore the topic",
			       check->end, reference->end);
		(void)lost(check, error, reason);
		return IDENTITY_LATE;
	}
	return IDENTITY_GOOD;
}

/* Whether the last commit was made by another version of the pipeline, with another changelog. */
static bool is_switched(const struct identity_check *check)
{
	struct changelog_parts before, now;
	return check->versioned && check->reference.id != 0 && strcmp(check->reference.changelog, check->changelog) != 0 &&
	       changelog_split(check->reference.changelog, &before) && changelog_split(check->changelog, &now) &&
	       text_equal(before.pipeline, now.pipeline);
}

static void note_switched(const struct store *store, const struct identity_check *check, bool is_known, char note[ERROR_TEXT_MAX])
{
	if (is_known)
		(void)snprintf(note, ERROR_TEXT_MAX,
			       "%s-%d: the state continues from that of another version, at offset %" PRId64
			       " with %zu keys; it lacks the requests whose state is in %s",
			       check->changelog, (int)check->partition, check->end, store_count(store), check->reference.changelog);
	else
		(void)snprintf(note, ERROR_TEXT_MAX,
			       "%s-%d: the state has another form, and begins empty; the former state stays in %s",
			       check->changelog, (int)check->partition, check->reference.changelog);
}

/* No commit refers to an identity, so the state is used as it is. */
static void note_first(const struct store *store, const struct identity_check *check, char note[ERROR_TEXT_MAX])
{
	if (check->committed)
		(void)snprintf(note, ERROR_TEXT_MAX, "%s-%d: %s; from now on a loss of this state is detected", check->changelog,
			       (int)check->partition,
			       store_count(store) > 0 ? "its state was written by a version that did not identify it, and is "
			                                "used as it is"
						      : "there is no state yet, and it begins with the next request");
}

static void note_changed(const struct identity_check *check, const char *gone, const char *added, char note[ERROR_TEXT_MAX])
{
	if (gone[0] || added[0])
		(void)snprintf(note, ERROR_TEXT_MAX, "%s-%d: the state of %s %s", check->changelog, (int)check->partition,
			       gone[0] ? gone : added,
			       gone[0] ? "is not used: the stage has no such step" : "begins with the next request");
}

/* Not 0. */
static uint64_t id_of(const struct identity_check *check, const struct state_reference *accepted)
{
	char seed[24];
	little_write(seed, (uint64_t)check->partition);
	little_write(seed + 8, accepted->id);
	little_write(seed + 16, (uint64_t)accepted->end);
	uint64_t id = hash_bytes(seed, sizeof seed, hash_bytes(check->changelog, strlen(check->changelog), 0));
	return id ? id : 1;
}

/* ---- keys of a changelog that was made again ---- */

/* Takes the scope, the length and the bytes of each. */
static void key_add(void *context, const struct change *kept)
{
	struct buffer *keys = context;
	const uint32_t head[] = {kept->scope, (uint32_t)kept->key.length};
	buffer_append(keys, (const char *)head, sizeof head);
	buffer_text(keys, kept->key);
}

static bool key_remove(struct store *store, uint32_t scope, struct text key, struct error *error)
{
	struct write write = {.scope = scope, .key = key};
	return store_journal(store, &write, error) && store_release(store, &write, error);
}

/* Removes all keys; each counts as a change. */
static bool keys_remove(struct store *store, struct error *error)
{
	struct buffer keys;
	struct store_walk walk = {0};
	bool good = true;
	buffer_open(&keys, SIZE_MAX / 2);
	while (store_show(store, &walk, KEYS_AT_ONCE, key_add, &keys))
		;
	const struct text all = buffer_view(&keys);
	if (buffer_failed(&keys))
		good = error_memory(error, ERROR_SYSTEM, "removing what observers no longer remember");
	for (size_t at = 0; good && at < all.length;) {
		uint32_t head[2];
		memcpy(head, all.bytes + at, sizeof head);
		at += sizeof head;
		good = key_remove(store, head[0], (struct text){all.bytes + at, head[1]}, error);
		at += head[1];
	}
	buffer_close(&keys);
	return good;
}

/* ---- losses that are accepted ---- */

static bool begin_anew(struct store *store, uint32_t own, const struct identity_check *check, bool is_made_again,
		       struct identity *identity, char note[ERROR_TEXT_MAX], struct error *error)
{
	if (is_made_again) {
		(void)snprintf(
			note, ERROR_TEXT_MAX,
			"%s-%d: the topic was deleted and made again, or emptied: the observers of pipeline %s begin without "
			"state, so their windows are counted from 0, and what they knew of the past is lost",
			check->changelog, (int)check->partition, check->pipeline);
		error->kind = ERROR_NONE;
		if (!keys_remove(store, error))
			return false;
	} else {
		(void)snprintf(note, ERROR_TEXT_MAX, "%s-%d: its state was lost, and that was accepted: it begins with %zu keys",
			       check->changelog, (int)check->partition, store_count(store));
	}
	*identity = (struct identity){.id = id_of(check, &check->reference), .low = check->low, .accepted = check->reference};
	error->kind = ERROR_NONE;
	return identity_write(store, own, identity, error);
}

enum identity_verdict identity_settle(struct store *store, const struct identity_check *check, uint64_t *id,
				      char note[ERROR_TEXT_MAX], struct error *error)
{
	struct text bytes;
	static const struct state_reference none = {0};
	struct identity identity = {.id = id_of(check, &none), .low = check->low};
	char gone[NAMES_BYTES_MAX] = "", added[NAMES_BYTES_MAX] = "";
	uint32_t own;
	enum identity_verdict verdict = IDENTITY_GOOD;
	note[0] = '\0';
	*id = 0;
	if (!store_scope_find(store, TEXT(IDENTITY_SCOPE), &own))
		return IDENTITY_GOOD;
	bool is_known = store_read(store, own, TEXT(KEY), &bytes) && identity_read(bytes, &identity);
	if (is_switched(check)) {
		note_switched(store, check, is_known, note);
	} else if (is_known) {
		names_compare(&identity, store, gone, added);
		verdict = changelog_identity_compare(&identity, check, gone, added, error);
		note_changed(check, gone, added, note);
	} else if (check->reference.id != 0) {
		verdict = changelog_identity_absent(check, error);
	} else {
		note_first(store, check, note);
	}
	bool written = true;
	if (verdict == IDENTITY_GOOD)
		written = identity_write(store, own, &identity, error);
	else if (check->new_state || (check->begins_anew && is_made_again(check, is_known)))
		written = begin_anew(store, own, check, !check->new_state, &identity, note, error);
	else
		return verdict;
	*id = identity.id;
	return written ? IDENTITY_GOOD : IDENTITY_FAILED;
}
