/* alert_store.c: see alert_store.h. The lock protects all but the configuration; it is not held while Kafka is waited for. */
#include "monitor/alerts/alert_store.h"

#include <stdio.h>

#include "base/condition.h"
#include "base/memory.h"
#include "kafka/consume/reader.h"
#include "kafka/produce/record_delivery.h"
#include "net/http/post.h"

#define LOOK_MS 100

/* A record to be written, or the key of a notice that waits. */
struct store_entry {
	struct list_node node;
	char key[KEPT_KEY_BYTES];
	struct text value; /* in the same piece of memory */
	uint64_t number;   /* of a record */
	struct recorded_alert of; /* likewise; without counts: a rejection is neither counted nor logged */
	bool is_written;   /* of a notice that waits */
	bool is_held;	   /* of a record: see alert_store_hold() */
};

struct alert_store {
	const struct alert_store_config *config;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t bell;
	struct list due;     /* to be written */
	struct list sending; /* being written */
	size_t due_count;
	uint64_t added, written;  /* numbers of the last records */
	struct list awaited;	  /* notices that wait in this process */
	struct list rejected;	  /* notices whose records were rejected, until they are settled */
	uint64_t firings_rejected[ALERT_STORE_REJECTED_MAX]; /* their numbers; the next one takes the place of the oldest */
	size_t firings_rejected_count;
	uint64_t asked, answered; /* by numbers of alert_store_ask() */
	struct kept_alerts *answer;
	bool is_full, has_failed; /* logged */
	atomic_bool stopping;
	_Atomic int64_t until_ms; /* when stopping: the end of the drain */
};

static struct store_entry *entry_of(struct list_node *node)
{
	return node ? LIST_OWNER(node, struct store_entry, node) : NULL;
}

static struct store_entry *entry_make(const char *key, struct text value)
{
	struct store_entry *made = memory_take(1, sizeof *made + value.length + 1);
	if (!made)
		return NULL;
	(void)snprintf(made->key, sizeof made->key, "%s", key);
	if (value.bytes) {
		memcpy(made + 1, value.bytes, value.length);
		made->value = (struct text){(char *)(made + 1), value.length};
	}
	return made;
}

static void entries_clear(struct list *list)
{
	while (list->first) {
		struct store_entry *entry = entry_of(list->first);
		list_remove(&entry->node);
		memory_give(entry);
	}
}

/* ---- the thread ---- */

static bool record_take(void *context, const struct record *record, struct error *error)
{
	return kept_alerts_take(context, record->key, record->value) ||
	       error_memory(error, ERROR_SYSTEM, "reading the alerts of the feed");
}

/* NULL: it could not be read, for the reason in `error`, or the store closes. */
static struct kept_alerts *feed_read(struct alert_store *store, struct error *error)
{
	const struct reader_config config = {.brokers = store->config->brokers,
					     .topic = store->config->feed,
					     .from_beginning = true,
					     .uncommitted = true, /* an observer's open transaction delays no alert */
					     .stopping = &store->stopping,
					     .properties = store->config->consumer};
	struct kept_alerts *kept = memory_take(1, sizeof *kept);
	if (!kept) {
		error_memory(error, ERROR_SYSTEM, "reading the alerts of the feed");
		return NULL;
	}
	if (topic_give_all(&config, record_take, kept, error))
		return kept;
	kept_alerts_free(kept);
	return NULL;
}

static struct store_entry *entry_find(const struct list *list, const char *key)
{
	struct store_entry *entry = entry_of(list->first);
	while (entry && strcmp(entry->key, key) != 0)
		entry = entry_of(entry->node.next);
	return entry;
}

static void entry_remove(struct list *list, const char *key)
{
	struct store_entry *entry = entry_find(list, key);
	if (entry)
		list_remove(&entry->node);
	memory_give(entry);
}

/* A batch on its way to Kafka. */
struct store_batch {
	struct alert_store *store; /* its `sending` has the entries */
	struct list rejected;
	struct store_entry **by_index;
};

/* Called without the lock. */
static void batch_on_rejection(void *context, size_t index, const char *reason)
{
	struct store_batch *batch = context;
	struct alert_store *store = batch->store;
	struct store_entry *entry = batch->by_index[index];
	pthread_mutex_lock(&store->lock);
	list_remove(&entry->node);
	list_add(&batch->rejected, &entry->node);
	pthread_mutex_unlock(&store->lock);
	const struct recorded_alert *of = &entry->of;
	if (!of->counts)
		return;
	if (count_read(&of->counts->rejected) == 0) {
		const struct log_fields fields = {.pipeline = of->pipeline};
		log_say(store->config->log, LOG_LEVEL_WARN, &fields,
			"%s: a record of the alert %s cannot be written to %s, and is left out: %s. The alert's notices are sent, "
			"but the next engine does not know of them; sluice_alert_records_rejected_total counts such records",
			of->pipeline, of->name, store->config->feed, reason);
	}
	count_add(&of->counts->rejected, 1);
}

/* Writes the records in their order. False: not all of them are in the feed. */
static bool batch_write(struct store_batch *batch, struct error *error)
{
	const struct alert_store *store = batch->store;
	const size_t most = list_length(&store->sending);
	const struct record_delivery delivery = {.brokers = store->config->brokers,
						 .topic = store->config->feed,
						 .timeout_ms = POST_MS,
						 .properties = store->config->producer,
						 .stopping = &store->stopping,
						 .stop_by_ms = &store->until_ms,
						 .rejected = batch_on_rejection,
						 .context = batch};
	struct outgoing *records = memory_take(most, sizeof *records);
	batch->by_index = memory_take(most, sizeof *batch->by_index);
	const bool has_memory = records && batch->by_index;
	size_t count = 0;
	for (struct store_entry *entry = entry_of(store->sending.first); entry && has_memory; entry = entry_of(entry->node.next)) {
		batch->by_index[count] = entry;
		records[count++] = (struct outgoing){.key = text_of(entry->key), .value = entry->value};
	}
	const bool good = has_memory ? records_deliver(&delivery, records, count, error)
				     : error_memory(error, ERROR_SYSTEM, "keeping alerts");
	memory_give(batch->by_index);
	memory_give(records);
	return good;
}

static void failure_log(struct alert_store *store, const char *doing, const struct error *error)
{
	if (!store->has_failed && !atomic_load(&store->stopping))
		log_say(store->config->log, LOG_LEVEL_WARN, NULL,
			"the states of alerts cannot be %s %s, which is tried again: %s. If this engine ends before, alerts may "
			"fire again with other ids, and the ends of former ones are not sent",
			doing, store->config->feed, error->text[0] ? error->text : "Kafka does not answer");
	store->has_failed = true;
}

static void answer_drop(struct alert_store *store)
{
	kept_alerts_free(store->answer);
	store->answer = NULL;
}

static bool is_reading_due(const struct alert_store *store)
{
	return store->answered < store->asked && !atomic_load(&store->stopping);
}

/* Reads without the lock. */
static bool answer_make(struct alert_store *store)
{
	struct error error = {0};
	const uint64_t asked = store->asked;
	pthread_mutex_unlock(&store->lock);
	struct kept_alerts *kept = feed_read(store, &error);
	pthread_mutex_lock(&store->lock);
	if (!kept) {
		failure_log(store, "read from", &error);
		return false;
	}
	answer_drop(store);
	store->answered = asked;
	store->answer = kept;
	store->has_failed = false;
	return true;
}

/* Notices are known as rejected until they are settled; of firings the number is. */
static void rejected_take(struct alert_store *store, struct list *rejected)
{
	while (rejected->first) {
		struct store_entry *entry = entry_of(rejected->first);
		list_remove(&entry->node);
		store->due_count--;
		if (kept_key_is_notice(text_of(entry->key)) && entry->value.bytes) {
			list_add(&store->rejected, &entry->node);
			continue;
		}
		store->firings_rejected[store->firings_rejected_count++ % ALERT_STORE_REJECTED_MAX] = entry->number;
		memory_give(entry);
	}
}

/* Writes without the lock what is due; what Kafka does not take stays due. */
static bool due_write(struct alert_store *store)
{
	struct error error = {0};
	struct store_batch batch = {.store = store};
	uint64_t last = 0;
	while (store->due.first) {
		struct list_node *node = store->due.first;
		list_remove(node);
		list_add(&store->sending, node);
		last = entry_of(node)->number;
	}
	pthread_mutex_unlock(&store->lock);
	const bool good = batch_write(&batch, &error);
	pthread_mutex_lock(&store->lock);
	rejected_take(store, &batch.rejected);
	if (good) {
		store->due_count -= list_length(&store->sending);
		store->written = last;
		entries_clear(&store->sending);
		store->has_failed = false;
		return true;
	}
	while (store->sending.last) {
		struct list_node *node = store->sending.last;
		list_remove(node);
		list_add_first(&store->due, node);
	}
	failure_log(store, "written to", &error);
	return false;
}

/* Waits with the lock; neither a record nor a question ends the pause, but closing does. */
static void store_pause(struct alert_store *store)
{
	const bool was_stopping = atomic_load(&store->stopping);
	const int64_t until_ms = clock_ms() + (was_stopping ? LOOK_MS : ALERT_STORE_RETRY_MS);
	while (clock_ms() < until_ms && atomic_load(&store->stopping) == was_stopping)
		condition_wait_until(&store->bell, &store->lock, until_ms);
}

static void *store_run(void *context)
{
	struct alert_store *store = context;
	pthread_mutex_lock(&store->lock);
	while (!atomic_load(&store->stopping) || (store->due.first && clock_ms() < atomic_load(&store->until_ms))) {
		bool good = true;
		if (store->due.first)
			good = due_write(store);
		if (is_reading_due(store)) /* after what this engine knows */
			good = answer_make(store) && good;
		if (!good)
			store_pause(store);
		else if (!is_reading_due(store) && !store->due.first && !atomic_load(&store->stopping))
			pthread_cond_wait(&store->bell, &store->lock);
	}
	pthread_mutex_unlock(&store->lock);
	return NULL;
}

/* ---- callers ---- */

static uint64_t due_add(struct alert_store *store, const char *key, struct text value, const struct recorded_alert *of)
{
	struct store_entry *made = store->due_count < ALERT_STORE_RECORDS_MAX ? entry_make(key, value) : NULL;
	if (made) {
		list_add(&store->due, &made->node);
		store->due_count++;
		made->number = ++store->added;
		made->of = of ? *of : (struct recorded_alert){0};
		pthread_cond_signal(&store->bell);
		return made->number;
	}
	if (!store->is_full)
		log_say(store->config->log, LOG_LEVEL_WARN, NULL,
			"%zu records of alerts wait for %s already, or memory ran out: if this engine ends now, notices are sent "
			"twice or not at all; see why Kafka does not take them",
			store->due_count, store->config->feed);
	store->is_full = true;
	return 0;
}

uint64_t alert_store_write(struct alert_store *store, const char *key, struct text value, const struct recorded_alert *of)
{
	pthread_mutex_lock(&store->lock);
	if (!value.bytes)
		entry_remove(&store->rejected, key);
	const uint64_t number = due_add(store, key, value, of);
	pthread_mutex_unlock(&store->lock);
	return number;
}

enum alert_record_state alert_store_state(struct alert_store *store, uint64_t number)
{
	pthread_mutex_lock(&store->lock);
	bool left_out = number == 0;
	for (size_t i = 0; i < ALERT_STORE_REJECTED_MAX && i < store->firings_rejected_count; i++)
		left_out = left_out || store->firings_rejected[i] == number;
	for (struct list_node *node = store->rejected.first; node && !left_out; node = node->next)
		left_out = entry_of(node)->number == number;
	const bool written = number <= store->written;
	pthread_mutex_unlock(&store->lock);
	return left_out ? ALERT_RECORD_LEFT_OUT : written ? ALERT_RECORD_WRITTEN : ALERT_RECORD_WAITS;
}

void alert_store_hold(struct alert_store *store, uint64_t number)
{
	pthread_mutex_lock(&store->lock);
	const struct list *const lists[] = {&store->sending, &store->due};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (struct store_entry *entry = entry_of(lists[i]->first); entry; entry = entry_of(entry->node.next))
			entry->is_held = entry->is_held || entry->number == number;
	pthread_mutex_unlock(&store->lock);
}

void alert_store_yield(struct alert_store *store)
{
	struct list_node *next;
	pthread_mutex_lock(&store->lock);
	for (struct list_node *node = store->due.first; node; node = next) {
		struct store_entry *entry = entry_of(node);
		next = node->next;
		if (entry->is_held || (kept_key_is_notice(text_of(entry->key)) && !entry->value.bytes))
			continue;
		list_remove(node);
		store->due_count--;
		memory_give(entry);
	}
	pthread_mutex_unlock(&store->lock);
}

void alert_store_ask(struct alert_store *store)
{
	pthread_mutex_lock(&store->lock);
	store->asked++;
	answer_drop(store);
	pthread_cond_signal(&store->bell);
	pthread_mutex_unlock(&store->lock);
}

struct kept_alerts *alert_store_answer(struct alert_store *store)
{
	pthread_mutex_lock(&store->lock);
	struct kept_alerts *answer = store->answered == store->asked ? store->answer : NULL;
	store->answer = answer ? NULL : store->answer;
	pthread_mutex_unlock(&store->lock);
	return answer;
}

void alert_store_await(struct alert_store *store, const char *key, bool is_written)
{
	pthread_mutex_lock(&store->lock);
	struct store_entry *made = entry_find(&store->awaited, key) ? NULL : entry_make(key, (struct text){0});
	if (made) {
		made->is_written = is_written && !entry_find(&store->rejected, key);
		list_add(&store->awaited, &made->node);
	}
	pthread_mutex_unlock(&store->lock);
}

void alert_store_unawait(struct alert_store *store, const char *key)
{
	pthread_mutex_lock(&store->lock);
	entry_remove(&store->awaited, key);
	pthread_mutex_unlock(&store->lock);
}

bool alert_store_leave(void *context, const char *key)
{
	struct alert_store *store = context;
	pthread_mutex_lock(&store->lock);
	const struct store_entry *awaited = entry_find(&store->awaited, key);
	const bool written = awaited && awaited->is_written;
	if (written)
		entry_remove(&store->awaited, key);
	pthread_mutex_unlock(&store->lock);
	return written;
}

bool alert_store_awaits(struct alert_store *store, const char *key)
{
	pthread_mutex_lock(&store->lock);
	const bool awaits = entry_find(&store->awaited, key) != NULL;
	pthread_mutex_unlock(&store->lock);
	return awaits;
}

void alert_store_settle(void *context, const char *key)
{
	struct alert_store *store = context;
	pthread_mutex_lock(&store->lock);
	entry_remove(&store->awaited, key);
	entry_remove(&store->rejected, key);
	(void)due_add(store, key, (struct text){0}, NULL);
	pthread_mutex_unlock(&store->lock);
}

/* ---- opening and closing ---- */

struct alert_store *alert_store_open(const struct alert_store_config *config, struct error *error)
{
	struct alert_store *store = memory_take(1, sizeof *store);
	if (!store) {
		error_memory(error, ERROR_SYSTEM, "keeping alerts");
		return NULL;
	}
	store->config = config;
	if (pthread_mutex_init(&store->lock, NULL) == 0 && condition_open(&store->bell) &&
	    pthread_create(&store->thread, NULL, store_run, store) == 0)
		return store;
	memory_give(store);
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "a thread that keeps alerts cannot be started");
	return NULL;
}

void alert_store_close(struct alert_store *store)
{
	if (!store)
		return;
	pthread_mutex_lock(&store->lock);
	atomic_store(&store->until_ms, clock_ms() + ALERT_STORE_DRAIN_MS);
	atomic_store(&store->stopping, true);
	pthread_cond_signal(&store->bell);
	pthread_mutex_unlock(&store->lock);
	pthread_join(store->thread, NULL);
	if (store->due.first)
		log_say(store->config->log, LOG_LEVEL_WARN, NULL,
			"%zu records of alerts were not written to %s: the next engine may send notices twice, "
			"or not those that wait",
			store->due_count, store->config->feed);
	entries_clear(&store->due);
	entries_clear(&store->awaited);
	entries_clear(&store->rejected);
	answer_drop(store);
	pthread_cond_destroy(&store->bell);
	pthread_mutex_destroy(&store->lock);
	memory_give(store);
}
