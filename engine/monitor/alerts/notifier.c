/* notifier.c: see notifier.h. The lock protects the queues; it is not held while a notice is sent. */
#include "monitor/alerts/notifier.h"

#include <assert.h>

#include "base/condition.h"
#include "base/number/duration.h"
#include "base/memory.h"
#include "base/number/moment.h"
#include "monitor/alerts/notice_receiver.h"

#define PARCEL_BYTES (4 * NOTICE_BYTES_MAX)
#define WAIT_MS_MAX 60000

/* A notice on its way, in an arena of its own. */
struct parcel_to_send {
	struct queued_notice queued; /* first member */
	struct arena *arena;
	struct post_request request;
	const char *subject, *pipeline; /* for the log; pipeline NULL: it is of none */
	const char *receiver;		/* likewise; NULL: that of a mail, which depends on who got it */
	struct place place;		/* likewise, of the action in the files */
	const char *topic, *key;	/* topic NULL: it goes by `request` */
	struct notice_counts *counts;
	struct notice_receipt receipt;
	int64_t wait_ms;	/* that the receiver asked for at the last attempt */
	bool has_failed;	/* an attempt, which is logged once */
	bool is_partly_refused; /* a recipient of a mail never gets it: the server refused, or too many waited */
};

/* Records for Kafka, among them commands that roll back, do not wait for a webhook that hangs, nor webhooks for a mail server. */
enum { POOL_TOPICS, POOL_POSTS, POOL_MAILS, NOTICE_POOLS };

static const size_t senders_of_pool[NOTICE_POOLS] = {
	[POOL_TOPICS] = 1, [POOL_POSTS] = NOTIFIER_POSTERS, [POOL_MAILS] = NOTIFIER_MAILERS};

/* Notices that wait for one another, and the threads that send them. */
struct notice_pool {
	struct notifier *notifier;
	pthread_t threads[NOTIFIER_POSTERS];
	size_t started, running; /* threads */
	struct notice_queue queue;
};

struct notifier {
	const struct notifier_settings *settings;
	const struct notice_topic_config *kafka;
	const struct log_sink *log;
	pthread_mutex_t lock; /* protects the rest */
	pthread_cond_t bell;
	struct notice_pool pools[NOTICE_POOLS];
	struct receiver_board board;
	struct notice_receipts receipts;
	struct notice_counts others; /* notices that have no counts of their own */
	bool stopping;
	int64_t until_ms; /* when stopping: the end of the drain */
	atomic_bool given_up;
};

/* ---- parcels ---- */

static const char *text_kept(struct arena *arena, struct text text)
{
	return arena_copy(arena, text.bytes, text.length);
}

/* A topic; a webhook's URL; a recipient of a mail. */
static struct text receiver_of(const struct parcel_to_send *made, size_t index)
{
	const struct post_recipients *recipients = &made->request.recipients;
	return text_of(recipients->count > 0 ? recipients->items[index].address : made->topic ? made->topic : made->request.url);
}

static void receivers_set(struct parcel_to_send *made)
{
	const struct post_recipients *recipients = &made->request.recipients;
	struct queued_notice *queued = &made->queued;
	const size_t count = recipients->count > 0 ? recipients->count : 1;
	queued->receivers = ARENA_ARRAY(made->arena, struct text, count);
	queued->receiver_count = queued->receivers ? count : 0;
	for (size_t i = 0; i < queued->receiver_count; i++)
		queued->receivers[i] = receiver_of(made, i);
}

static struct parcel_to_send *parcel_open(struct error *error)
{
	struct arena *arena = arena_open(PARCEL_BYTES);
	struct parcel_to_send *made = arena ? ARENA_NEW(arena, struct parcel_to_send) : NULL;
	if (made) {
		made->arena = arena;
		return made;
	}
	arena_close(arena);
	error_memory(error, ERROR_SYSTEM, "making a notice");
	return NULL;
}

/* Whose request is made, if `good`. NULL: it is not. */
static struct parcel_to_send *parcel_ready(struct notifier *notifier, struct parcel_to_send *made, bool good, struct error *error)
{
	made->request.given_up = &notifier->given_up;
	made->request.wait_ms = &made->wait_ms;
	if (good)
		receivers_set(made);
	if (good && !arena_failed(made->arena))
		return made;
	if (good)
		error_memory(error, ERROR_SYSTEM, "making a notice");
	arena_close(made->arena);
	return NULL;
}

static struct parcel_to_send *parcel_make(struct notifier *notifier, const struct alert_action *action,
					  const struct alert_message *message, struct error *error)
{
	struct parcel_to_send *made = parcel_open(error);
	if (!made)
		return NULL;
	made->pipeline = text_kept(made->arena, message->pipeline);
	made->key = text_kept(made->arena, message->alert);
	made->subject = arena_print(made->arena, "%s: a notice of the alert %s", made->pipeline, made->key);
	made->topic = action->type == ALERT_TOPIC ? text_kept(made->arena, text_of(message->topic)) : NULL;
	made->receiver = action->type == ALERT_EMAIL
				 ? NULL
				 : notice_receiver_name(action, message->topic, notifier->settings->smtp, made->arena);
	made->place = action->here;
	made->place.file = action->here.file ? text_kept(made->arena, text_of(action->here.file)) : NULL;
	return parcel_ready(notifier, made,
			    notice_request_make(&made->request, notifier->settings, action, message, made->arena, error), error);
}

/* ---- the threads ---- */

/* That of a mail: those of its recipients who did not get it at this attempt. */
static const char *parcel_receiver(const struct notifier *notifier, const struct parcel_to_send *sending)
{
	const struct post_recipients *recipients = &sending->request.recipients;
	const char **addresses = sending->receiver ? NULL : ARENA_ARRAY(sending->arena, const char *, recipients->count + 1);
	size_t count = 0;
	for (size_t i = 0; addresses && i < recipients->count; i++)
		if (recipients->items[i].outcome != POST_DELIVERED)
			addresses[count++] = recipients->items[i].address;
	if (!addresses)
		return sending->receiver ? sending->receiver : "its recipients";
	return notice_mail_name(addresses, count, notifier->settings->smtp, sending->arena);
}

static void parcel_log_failure(const struct notifier *notifier, const struct parcel_to_send *sending, enum log_level level,
			       const char *receiver, const char *then, const struct error *error)
{
	const struct log_fields fields = {.pipeline = sending->pipeline, .place = sending->place};
	log_say(notifier->log, level, &fields, "%s was not delivered to %s, and is %s: %s", sending->subject, receiver, then,
		error->text);
}

static void board_count(struct notifier *notifier)
{
	const struct notice_queue *queues[NOTICE_POOLS];
	for (size_t i = 0; i < NOTICE_POOLS; i++)
		queues[i] = &notifier->pools[i].queue;
	receiver_board_count(&notifier->board, queues, NOTICE_POOLS);
}

/* Says again that receivers of the notice cannot be reached, since a while. */
static void receiver_log_again(struct notifier *notifier, const struct parcel_to_send *sending, const struct known_receiver *known,
			       const struct error *error)
{
	const struct log_fields fields = {.pipeline = sending->pipeline, .place = sending->place};
	char since[MOMENT_BYTES];
	moment_print(time_of_day_ms() - (clock_ms() - known->failing_ms), since);
	board_count(notifier);
	log_say(notifier->log, LOG_LEVEL_WARN, &fields,
		"%s has taken no notice since %s: %s; %zu of its notices wait, and each is sent again until it is a day old",
		known->name, since, error->text, known->waiting);
}

/* For one of those that it was sent to. */
static enum post_outcome outcome_for(const struct parcel_to_send *sending, size_t index, enum post_outcome outcome)
{
	const struct post_recipients *recipients = &sending->request.recipients;
	return recipients->items && index < recipients->count ? recipients->items[index].outcome : outcome;
}

/* That of a line on an attempt that failed: of a mail, as of the recipient whose lines are fewest. */
static enum log_level failure_level(struct notifier *notifier, const struct parcel_to_send *sending, enum post_outcome outcome)
{
	const struct post_recipients *recipients = &sending->request.recipients;
	enum log_level level = LOG_LEVEL_DEBUG;
	for (size_t i = 0; i < (recipients->items ? recipients->count : 1); i++)
		if (outcome_for(sending, i, outcome) != POST_DELIVERED)
			level = receiver_line_level(notifier->log, receiver_board_find(&notifier->board, receiver_of(sending, i)),
						    level, clock_ms());
	return level;
}

/* Notes on the board what became of an attempt. Returns the receiver that the log is to be reminded of; NULL: there is none. */
static struct known_receiver *attempt_note(struct notifier *notifier, const struct parcel_to_send *sending,
					   enum post_outcome outcome, const struct error *error)
{
	struct known_receiver *reminded = NULL;
	const int64_t now_ms = clock_ms();
	for (size_t i = 0; i < sending->queued.ready_count; i++) {
		struct known_receiver *known = receiver_board_find(&notifier->board, sending->queued.receivers[i]);
		const enum post_outcome its = outcome_for(sending, i, outcome);
		const int64_t lasted_ms = known && its == POST_DELIVERED ? known_receiver_reach(known, now_ms) : 0;
		if (lasted_ms > 0)
			receiver_line_back(notifier->log, known, lasted_ms, now_ms);
		if (!known || its == POST_DELIVERED)
			continue;
		known_receiver_fail(known, its == POST_REFUSED, error->text, now_ms);
		if (its == POST_UNREACHABLE && known_receiver_is_due(known, now_ms)) {
			known->told_ms = now_ms;
			reminded = reminded && reminded->failing_ms < known->failing_ms ? reminded : known;
		}
	}
	return reminded;
}

static void parcel_end(struct notifier *notifier, struct parcel_to_send *sending, uint64_t *count)
{
	notice_receipt_add(&notifier->receipts, &sending->receipt);
	count_add(count, 1);
	arena_close(sending->arena);
}

/* Those of a mail that may get it now. */
static void recipients_choose(struct parcel_to_send *sending)
{
	struct post_recipients *recipients = &sending->request.recipients;
	if (!recipients->items)
		return;
	recipients->count = sending->queued.ready_count;
	for (size_t i = 0; i < recipients->count; i++)
		recipients->items[i].address = sending->queued.receivers[i].bytes;
}

/* Whether the mail server refused one of them. */
static bool recipients_were_refused(const struct post_recipients *recipients)
{
	bool refused = false;
	for (size_t i = 0; i < recipients->count; i++)
		refused |= recipients->items[i].outcome == POST_REFUSED;
	return refused;
}

/* Leaves those receivers that may get it later. */
static void receivers_leave(struct parcel_to_send *sending, enum post_outcome outcome)
{
	struct queued_notice *queued = &sending->queued;
	size_t left = 0;
	for (size_t i = 0; i < queued->receiver_count; i++)
		if (i >= queued->ready_count || outcome_for(sending, i, outcome) == POST_UNREACHABLE)
			queued->receivers[left++] = queued->receivers[i];
	queued->receiver_count = left;
}

/* An attempt that failed is logged once for a notice, and then as its receivers are reminded of. */
static void attempt_report(struct notifier *notifier, struct parcel_to_send *sending, enum post_outcome outcome,
			   const struct error *error)
{
	const bool refused = recipients_were_refused(&sending->request.recipients);
	const bool is_news = refused || !sending->has_failed;
	sending->is_partly_refused |= refused;
	if (atomic_load(&notifier->given_up))
		return;
	const struct known_receiver *reminded = attempt_note(notifier, sending, outcome, error);
	sending->has_failed |= outcome == POST_UNREACHABLE;
	if (outcome == POST_UNREACHABLE && is_news)
		parcel_log_failure(notifier, sending, failure_level(notifier, sending, outcome), parcel_receiver(notifier, sending),
				   "sent again", error);
	else if (reminded)
		receiver_log_again(notifier, sending, reminded, error);
}

/* Sends without the lock, and settles with it. */
static void parcel_send(struct notice_pool *pool, struct parcel_to_send *sending)
{
	struct notifier *notifier = pool->notifier;
	struct error error = {0};
	recipients_choose(sending);
	pthread_mutex_unlock(&notifier->lock);
	enum post_outcome outcome = sending->topic ? notice_topic_write(notifier->kafka, sending->topic, text_of(sending->key),
									sending->request.body, &notifier->given_up, &error)
						   : post(&sending->request, &error);
	pthread_mutex_lock(&notifier->lock);
	attempt_report(notifier, sending, outcome, &error);
	receivers_leave(sending, outcome);
	if (outcome == POST_UNREACHABLE && notice_queue_retry(&pool->queue, &sending->queued, sending->wait_ms, clock_ms()))
		return;
	if (outcome != POST_DELIVERED)
		parcel_log_failure(notifier, sending, failure_level(notifier, sending, outcome), parcel_receiver(notifier, sending),
				   outcome == POST_UNREACHABLE ? "given up after a day" : "given up", &error);
	if (outcome != POST_UNREACHABLE && sending->queued.receiver_count > 0) {
		notice_queue_go_on(&sending->queued, clock_ms());
		return;
	}
	if (outcome != POST_UNREACHABLE)
		notice_queue_remove(&pool->queue, &sending->queued);
	const bool reached = outcome == POST_DELIVERED && !sending->is_partly_refused;
	parcel_end(notifier, sending, reached ? &sending->counts->sent : &sending->counts->failed);
}

/* Waits for the bell with the lock, at most so long. */
static void wait_until(struct notifier *notifier, int64_t due_ms)
{
	const int64_t most_ms = clock_ms() + WAIT_MS_MAX;
	if (notifier->stopping && notifier->until_ms < due_ms)
		due_ms = notifier->until_ms;
	condition_wait_until(&notifier->bell, &notifier->lock, due_ms < most_ms ? due_ms : most_ms);
}

static bool pool_has_ended(const struct notice_pool *pool)
{
	const struct notifier *notifier = pool->notifier;
	return notifier->stopping && (pool->queue.count == 0 || clock_ms() >= notifier->until_ms);
}

static void *pool_run(void *context)
{
	struct notice_pool *pool = context;
	struct notifier *notifier = pool->notifier;
	pthread_mutex_lock(&notifier->lock);
	while (!pool_has_ended(pool)) {
		int64_t due_ms;
		receiver_lines_sum(notifier->log, &notifier->board, clock_ms(), false);
		struct queued_notice *next = notice_queue_next(&pool->queue, clock_ms(), &due_ms);
		if (next)
			parcel_send(pool, (struct parcel_to_send *)next);
		else
			wait_until(notifier, due_ms);
	}
	pool->running--;
	pthread_cond_broadcast(&notifier->bell);
	pthread_mutex_unlock(&notifier->lock);
	return NULL;
}

/* ---- callers ---- */

/* Those for whom too many wait never get it. */
static void parcel_leave_out(struct notifier *notifier, struct parcel_to_send *made, size_t asked)
{
	for (size_t i = made->queued.receiver_count; i < asked; i++) {
		const char *to = made->queued.receivers[i].bytes;
		struct error error = {0};
		error_set(&error, ERROR_REMOTE, PLACE_NONE,
			  "%d notices wait for that recipient already; see why its mail is not taken", NOTICES_OF_RECEIVER_MAX);
		const enum log_level level =
			receiver_line_level(notifier->log, receiver_board_find(&notifier->board, made->queued.receivers[i]),
					    LOG_LEVEL_DEBUG, clock_ms());
		parcel_log_failure(notifier, made, level, notice_mail_name(&to, 1, notifier->settings->smtp, made->arena),
				   "given up", &error);
		made->is_partly_refused = true;
	}
}

/* Notes those that it waits for, by their names. */
static void parcel_note_receivers(struct notifier *notifier, const struct parcel_to_send *made)
{
	for (size_t i = 0; i < made->queued.receiver_count; i++) {
		const char *address = made->queued.receivers[i].bytes;
		(void)receiver_board_note(&notifier->board, made->queued.receivers[i],
					  made->receiver ? made->receiver
							 : notice_mail_name(&address, 1, notifier->settings->smtp, made->arena));
	}
}

static size_t pool_of(const struct parcel_to_send *made)
{
	return made->topic ? POOL_TOPICS : made->request.from ? POOL_MAILS : POOL_POSTS;
}

/* NULL is counted as dropped. */
static bool parcel_queue(struct notifier *notifier, struct parcel_to_send *made, struct notice_counts *counts,
			 const struct notice_receipt *receipt, struct error *error)
{
	bool taken = false, stopping = false;
	if (made) {
		made->counts = counts;
		made->receipt = receipt ? *receipt : (struct notice_receipt){0};
		made->queued.fate = made->receipt.fate;
		pthread_mutex_lock(&notifier->lock);
		struct notice_pool *pool = &notifier->pools[pool_of(made)];
		const size_t asked = made->queued.receiver_count;
		stopping = notifier->stopping;
		taken = !stopping && notice_queue_add(&pool->queue, &made->queued, clock_ms());
		if (taken) {
			parcel_leave_out(notifier, made, asked);
			parcel_note_receivers(notifier, made);
		}
		pthread_cond_broadcast(&notifier->bell);
		pthread_mutex_unlock(&notifier->lock);
	}
	if (taken)
		return true;
	if (made) {
		if (!stopping)
			error_set(error, ERROR_REMOTE, PLACE_NONE,
				  "%d notices wait for their receiver already, or %d for all; see why they are unreachable",
				  NOTICES_OF_RECEIVER_MAX, NOTICES_MAX);
		arena_close(made->arena);
	}
	count_add(&counts->dropped, !stopping);
	return false;
}

bool notifier_notify(struct notifier *notifier, const struct alert_action *action, const struct alert_message *message,
		     struct notice_counts *counts, const struct notice_receipt *receipt, struct error *error)
{
	const bool has_receiver = action->type != ALERT_EMAIL || notifier->settings->smtp;
	struct parcel_to_send *made = has_receiver ? parcel_make(notifier, action, message, error) : NULL;
	if (!has_receiver && receipt) {
		pthread_mutex_lock(&notifier->lock);
		notice_receipt_add(&notifier->receipts, receipt);
		pthread_mutex_unlock(&notifier->lock);
	}
	return parcel_queue(notifier, made, counts, receipt, error) || !has_receiver;
}

static bool ready_make(struct parcel_to_send *made, const struct notifier_settings *settings, const struct ready_notice *notice,
		       struct error *error)
{
	struct arena *arena = made->arena;
	made->subject = text_kept(arena, text_of(notice->subject));
	made->request = (struct post_request){.authorities = settings->authorities};
	made->request.body = (struct text){text_kept(arena, notice->body), notice->body.length};
	made->receiver = notice->topic ? notice_topic_name(notice->topic, arena) : notice_webhook_name(notice->url, arena);
	if (!notice->topic)
		return notice_request_address(&made->request, settings, notice->url, notice->secret, PLACE_NONE, notice->id,
					      notice->body, arena, error);
	made->topic = text_kept(arena, text_of(notice->topic));
	made->key = text_kept(arena, text_of(notice->key));
	return true;
}

enum post_outcome notice_ask(const struct notifier_settings *settings, const struct ready_notice *notice,
			     const atomic_bool *given_up, struct error *error)
{
	struct parcel_to_send *made = parcel_open(error);
	enum post_outcome outcome = POST_REFUSED;
	if (made && ready_make(made, settings, notice, error)) {
		made->request.given_up = given_up;
		made->request.stays = true; /* a page to log in would say yes */
		if (arena_failed(made->arena))
			error_memory(error, ERROR_SYSTEM, "asking a webhook");
		else
			outcome = post(&made->request, error);
	}
	if (made)
		arena_close(made->arena);
	return outcome;
}

bool notifier_post(struct notifier *notifier, const struct ready_notice *notice, struct notice_counts *counts,
		   const struct notice_receipt *receipt, struct error *error)
{
	struct parcel_to_send *made = parcel_open(error);
	if (made)
		made = parcel_ready(notifier, made, ready_make(made, notifier->settings, notice, error), error);
	return parcel_queue(notifier, made, counts ? counts : &notifier->others, receipt, error);
}

typedef struct receiver_reports board_reader(const struct receiver_board *board, int64_t now_ms, struct arena *arena);

static struct receiver_reports board_read(struct notifier *notifier, board_reader *read, struct arena *arena)
{
	pthread_mutex_lock(&notifier->lock);
	board_count(notifier);
	const struct receiver_reports reports = read(&notifier->board, clock_ms(), arena);
	pthread_mutex_unlock(&notifier->lock);
	return reports;
}

struct receiver_reports notifier_receivers(struct notifier *notifier, struct arena *arena)
{
	return board_read(notifier, receiver_board_report, arena);
}

struct receiver_reports notifier_failing(struct notifier *notifier, struct arena *arena)
{
	return board_read(notifier, receiver_board_failing, arena);
}

struct notice_counts *notifier_counts(struct notifier *notifier, struct text pipeline, struct text alert)
{
	pthread_mutex_lock(&notifier->lock);
	struct notice_counts *counts = notice_counts_of(&notifier->receipts, pipeline, alert);
	pthread_mutex_unlock(&notifier->lock);
	return counts;
}

bool notifier_settled(struct notifier *notifier, const void *owner, char key[NOTICE_RECEIPT_BYTES])
{
	pthread_mutex_lock(&notifier->lock);
	const bool found = notice_receipt_take(&notifier->receipts, owner, key);
	pthread_mutex_unlock(&notifier->lock);
	return found;
}

static void pool_drop(struct notice_pool *pool, const void *owner)
{
	struct list_node *next;
	for (struct list_node *node = pool->queue.notices.first; node; node = next) {
		struct parcel_to_send *parcel = LIST_OWNER(node, struct parcel_to_send, queued.node);
		next = node->next;
		if (parcel->queued.is_sending || parcel->receipt.owner != owner)
			continue;
		notice_queue_remove(&pool->queue, &parcel->queued);
		arena_close(parcel->arena);
	}
}

void notifier_drop(struct notifier *notifier, const void *owner)
{
	char key[NOTICE_RECEIPT_BYTES];
	pthread_mutex_lock(&notifier->lock);
	for (size_t i = 0; i < NOTICE_POOLS; i++)
		pool_drop(&notifier->pools[i], owner);
	while (notice_receipt_take(&notifier->receipts, owner, key))
		continue;
	board_count(notifier);
	receiver_board_leave(&notifier->board);
	pthread_mutex_unlock(&notifier->lock);
}

/* ---- opening and closing ---- */

/* False: one cannot be started. */
static bool pool_start(struct notifier *notifier, struct notice_pool *pool, size_t senders)
{
	bool good = true;
	pool->notifier = notifier;
	pthread_mutex_lock(&notifier->lock);
	while (good && pool->started < senders) {
		good = pthread_create(&pool->threads[pool->started], NULL, pool_run, pool) == 0;
		pool->started += good;
		pool->running += good;
	}
	pthread_mutex_unlock(&notifier->lock);
	return good;
}

static bool pools_start(struct notifier *notifier)
{
	bool good = true;
	for (size_t i = 0; i < NOTICE_POOLS && good; i++)
		if (i != POOL_MAILS || notifier->settings->smtp)
			good = pool_start(notifier, &notifier->pools[i], senders_of_pool[i]);
	return good;
}

struct notifier *notifier_open(const struct notifier_settings *settings, const struct notice_topic_config *kafka,
			       const struct log_sink *log, struct error *error)
{
	assert(settings);
	struct notifier *notifier = memory_take(1, sizeof *notifier);
	if (!notifier) {
		error_memory(error, ERROR_SYSTEM, "opening the sender of notices");
		return NULL;
	}
	notifier->settings = settings;
	notifier->kafka = kafka;
	notifier->log = log;
	if (pthread_mutex_init(&notifier->lock, NULL) != 0 || !condition_open(&notifier->bell)) {
		memory_give(notifier);
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "the sender of notices cannot be opened");
		return NULL;
	}
	if (pools_start(notifier))
		return notifier;
	notifier_close(notifier);
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "a thread that sends notices cannot be started");
	return NULL;
}

static bool any_pool_runs(const struct notifier *notifier)
{
	bool any = false;
	for (size_t i = 0; i < NOTICE_POOLS; i++)
		any = any || notifier->pools[i].running > 0;
	return any;
}

/* Drops what waits. */
static void pool_clear(struct notice_pool *pool)
{
	while (pool->queue.notices.first) {
		struct parcel_to_send *parcel = LIST_OWNER(pool->queue.notices.first, struct parcel_to_send, queued.node);
		notice_queue_remove(&pool->queue, &parcel->queued);
		arena_close(parcel->arena);
	}
}

void notifier_stop(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	notifier->stopping = true;
	notifier->until_ms = clock_ms() + NOTIFIER_DRAIN_MS;
	pthread_cond_broadcast(&notifier->bell);
	while (any_pool_runs(notifier) && clock_ms() < notifier->until_ms)
		wait_until(notifier, notifier->until_ms);
	pthread_mutex_unlock(&notifier->lock);
	atomic_store(&notifier->given_up, true);
	for (size_t i = 0; i < NOTICE_POOLS; i++)
		for (; notifier->pools[i].started > 0; notifier->pools[i].started--)
			pthread_join(notifier->pools[i].threads[notifier->pools[i].started - 1], NULL);
}

static void left_log(struct notifier *notifier)
{
	const struct notice_queue *queues[NOTICE_POOLS];
	for (size_t i = 0; i < NOTICE_POOLS; i++)
		queues[i] = &notifier->pools[i].queue;
	receiver_lines_sum(notifier->log, &notifier->board, clock_ms(), true);
	for (enum notice_fate fate = 0; fate < NOTICE_FATES; fate++)
		receiver_lines_left(notifier->log, &notifier->board, queues, NOTICE_POOLS, fate);
}

void notifier_close(struct notifier *notifier)
{
	if (!notifier)
		return;
	notifier_stop(notifier);
	left_log(notifier);
	for (size_t i = 0; i < NOTICE_POOLS; i++)
		pool_clear(&notifier->pools[i]);
	notice_receipts_clear(&notifier->receipts);
	pthread_cond_destroy(&notifier->bell);
	pthread_mutex_destroy(&notifier->lock);
	memory_give(notifier);
}
