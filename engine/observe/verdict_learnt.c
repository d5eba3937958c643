/* verdict_learnt.c: Learnt parts of the board of verdicts (observe/verdict_board.h), for steps that watch: references of topics,
 * what is usual for a step `outlier`, backgrounds of explanations, and the importance of features. */

#include "base/memory.h"
#include "observe/verdict_parts.h"

/* ---- references ---- */

char *verdict_name_copy(const char *name)
{
	const size_t size = strlen(name) + 1;
	char *copy = memory_take(size, 1);
	if (copy)
		memcpy(copy, name, size);
	return copy;
}

static void reference_close(struct learnt_reference *reference)
{
	memory_give(reference->topic);
	memory_give(reference->file);
	memory_give(reference);
}

void verdict_references_close(struct verdict_entry *entry)
{
	for (struct learnt_reference *reference = entry->references, *next; reference; reference = next) {
		next = reference->next;
		reference_close(reference);
	}
}

static const struct learnt_reference *reference_find(const struct verdict_entry *entry, const char *topic)
{
	const struct learnt_reference *reference = entry->references;
	while (reference && strcmp(reference->topic, topic) != 0)
		reference = reference->next;
	return reference;
}

static struct learnt_reference *reference_copy(const char *topic, struct text file)
{
	struct learnt_reference *reference = memory_take(1, sizeof *reference);
	if (!reference)
		return NULL;
	reference->topic = verdict_name_copy(topic);
	reference->file = memory_take(file.length + 1, 1);
	reference->length = file.length;
	if (reference->topic && reference->file) {
		memcpy(reference->file, file.bytes, file.length);
		return reference;
	}
	reference_close(reference);
	return NULL;
}

bool verdict_entry_learn(struct verdict_entry *entry, const char *topic, struct text file)
{
	pthread_mutex_lock(&entry->lock);
	bool good = reference_find(entry, topic);
	struct learnt_reference *reference = good ? NULL : reference_copy(topic, file);
	if (reference) {
		reference->next = entry->references;
		entry->references = reference;
		good = true;
	}
	if (good)
		entry->unlearnt[0] = '\0';
	pthread_mutex_unlock(&entry->lock);
	return good;
}

bool verdict_entry_learnt(struct verdict_entry *entry, const char *topic, struct text *file)
{
	pthread_mutex_lock(&entry->lock);
	const struct learnt_reference *reference = reference_find(entry, topic);
	if (reference)
		*file = (struct text){reference->file, reference->length};
	pthread_mutex_unlock(&entry->lock);
	return reference;
}

/* ---- backgrounds ---- */

bool verdict_entry_set_background(struct verdict_entry *entry, struct text rows, bool enough)
{
	struct learnt_background made = {memory_take(rows.length + 1, 1), rows.length, enough};
	if (!made.rows)
		return false;
	memcpy(made.rows, rows.bytes, rows.length);
	pthread_mutex_lock(&entry->lock);
	char *before = entry->background.rows;
	entry->background = made;
	pthread_mutex_unlock(&entry->lock);
	memory_give(before);
	return true;
}

void verdict_entry_forget_background(struct verdict_entry *entry)
{
	pthread_mutex_lock(&entry->lock);
	char *rows = entry->background.rows;
	entry->background = (struct learnt_background){0};
	pthread_mutex_unlock(&entry->lock);
	memory_give(rows);
}

bool verdict_entry_has_background(struct verdict_entry *entry)
{
	pthread_mutex_lock(&entry->lock);
	const bool enough = entry->background.enough;
	pthread_mutex_unlock(&entry->lock);
	return enough;
}

bool verdict_entry_background(struct verdict_entry *entry, struct arena *arena, struct text *rows)
{
	pthread_mutex_lock(&entry->lock);
	const struct learnt_background *background = &entry->background;
	rows->bytes = background->rows ? arena_copy(arena, background->rows, background->length) : NULL;
	rows->length = background->length;
	pthread_mutex_unlock(&entry->lock);
	return rows->bytes;
}

/* ---- what observers learn of outliers ---- */

static bool outliers_put(struct verdict_entry *entry, uint64_t identity, const struct covariance *learnt, bool own)
{
	struct outlier_in_force *made = outlier_in_force_make(identity, learnt);
	if (!made)
		return false;
	pthread_mutex_lock(&entry->lock);
	const bool counts = own || !entry->outliers_are_own;
	entry->outliers_are_own |= own;
	if (counts)
		held_slot_replace(&entry->outliers, &made->held);
	pthread_mutex_unlock(&entry->lock);
	if (!counts)
		arena_close(made->held.arena);
	return true;
}

bool verdict_entry_set_outliers(struct verdict_entry *entry, uint64_t identity, const struct covariance *learnt)
{
	return outliers_put(entry, identity, learnt, true);
}

bool verdict_entry_feed_outliers(struct verdict_entry *entry, uint64_t identity, const struct covariance *learnt)
{
	return outliers_put(entry, identity, learnt, false);
}

const struct outlier_in_force *verdict_entry_hold_outliers(struct verdict_entry *entry)
{
	return (const struct outlier_in_force *)held_slot_hold(&entry->outliers);
}

void verdict_entry_release_outliers(struct verdict_entry *entry)
{
	held_slot_release(&entry->outliers);
}

/* Written when it changes, since all workers read it. */
void verdict_entry_note_knowledge(struct verdict_entry *entry, enum outlier_knowledge knowledge)
{
	if (verdict_entry_knowledge(entry) != knowledge)
		atomic_store_explicit(&entry->knowledge, (int)knowledge, memory_order_relaxed);
}

enum outlier_knowledge verdict_entry_knowledge(const struct verdict_entry *entry)
{
	return (enum outlier_knowledge)atomic_load_explicit(&entry->knowledge, memory_order_relaxed);
}

/* ---- importance of features ---- */

/* Takes in a feature: in the order of the means, as far as there are places. */
static void figure_add(struct importance_figures *figures, struct text name, double mean)
{
	size_t at = figures->count;
	while (at > 0 && figures->features[at - 1].mean < mean)
		at--;
	const bool full = figures->count == IMPORTANCE_SHOWN;
	figures->has_others |= full;
	if (full)
		figures->others += at == IMPORTANCE_SHOWN ? mean : figures->features[IMPORTANCE_SHOWN - 1].mean;
	if (at == IMPORTANCE_SHOWN)
		return;
	figures->count += !full;
	memmove(&figures->features[at + 1], &figures->features[at], (figures->count - at - 1) * sizeof *figures->features);
	const size_t length = name.length < IMPORTANCE_NAME_BYTES ? name.length : IMPORTANCE_NAME_BYTES - 1;
	memcpy(figures->features[at].name, name.bytes, length);
	figures->features[at].name[length] = '\0';
	figures->features[at].mean = mean;
}

/* Without memory, the former ones stay. */
void verdict_entry_weigh(struct verdict_entry *entry, const struct text *names, const double *means, size_t count)
{
	struct importance_figures *figures = memory_take(1, sizeof *figures);
	if (!figures)
		return;
	for (size_t i = 0; i < count; i++)
		figure_add(figures, names[i], means[i]);
	pthread_mutex_lock(&entry->lock);
	struct importance_figures *before = entry->importance;
	entry->importance = figures;
	pthread_mutex_unlock(&entry->lock);
	memory_give(before);
}

void verdict_entry_importance(struct verdict_entry *entry, struct importance_figures *figures)
{
	pthread_mutex_lock(&entry->lock);
	if (entry->importance)
		*figures = *entry->importance;
	else
		figures->count = 0;
	pthread_mutex_unlock(&entry->lock);
}
