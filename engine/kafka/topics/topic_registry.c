/* topic_registry.c: Registry of topics, and its thread; see topic_registry.h. The thread copies a question, asks it without the
 * lock, and then stores the answer, if the member is still there. */
#include "kafka/topics/topic_registry.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/admin_client.h"
#include "net/loop.h"

#define QUESTION_MS 1000 /* time limit of a question; the end of the registry waits for it */
#define POLL_MS 50
#define DOUBTS 2 /* looks in a row that found another record */
#define RIGHTS_AT_FIRST 4
#define RIGHTS_AT_ONCE 16

struct record_note {
	int64_t offset; /* OFFSET_NONE: none */
	int64_t time_ms;
};

struct partition_note {
	char topic[REGISTRY_TOPIC_BYTES];
	int32_t partition;
	struct record_note anchor; /* the record that is read again */
	struct record_note newest; /* becomes the anchor if the previous one still exists */
	int doubts;
	bool reported;
	int64_t begin; /* begin of the partition, for the report */
};

struct right_question {
	enum topic_right right;
	char topic[REGISTRY_TOPIC_BYTES];
	bool is_answered;
	enum topic_right_answer answer;
};

/* Clients of members with the same configuration, which is compared by its addresses. The thread opens and closes them. */
struct registry_clients {
	struct registry_clients *next;
	const char *brokers;
	struct properties properties;
	size_t members; /* 0: it is to be closed */
	rd_kafka_t *reader;
	struct admin_client *writer;
};

struct topic_member {
	struct topic_member_config config;
	struct topic_registry *registry;
	struct registry_clients *clients;
	/* Under the registry's lock: */
	struct topic_member *next;
	uint64_t number;
	uint64_t round; /* of the last look */
	struct partition_note *partitions;
	size_t partition_count;
	size_t next_partition; /* to look at */
	uint64_t version;      /* of the notes: grows when they are dropped */
	struct right_question *rights;
	size_t right_count, right_capacity;
};

struct topic_registry {
	pthread_t thread;
	bool running;
	atomic_bool stopping;
	pthread_mutex_t lock; /* protects the rest */
	pthread_cond_t changed;
	struct topic_member *members;
	uint64_t numbers, round;
	bool is_asked; /* there is a new question for a right */
	struct registry_clients *clients;
};

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER; /* of the next; it is taken before the registry's */
static struct topic_registry *shared;

/* ---- clients ---- */

/* NULL: memory ran out. */
static struct registry_clients *clients_join(struct topic_registry *registry, const struct topic_member_config *config)
{
	struct registry_clients *clients = registry->clients;
	while (clients && (clients->members == 0 || clients->brokers != config->brokers ||
			   clients->properties.items != config->properties.items))
		clients = clients->next;
	if (!clients && (clients = memory_take(1, sizeof *clients))) {
		*clients = (struct registry_clients){
			.next = registry->clients, .brokers = config->brokers, .properties = config->properties};
		registry->clients = clients;
	}
	if (clients)
		clients->members++;
	return clients;
}

static rd_kafka_t *reader_open(const struct registry_clients *clients)
{
	const struct property own[] = {
		{"bootstrap.servers", clients->brokers},
		{"allow.auto.create.topics", "false"},
		{"enable.auto.commit", "false"},
		{"enable.partition.eof", "true"}, /* the answer to a login that may read */
		{"auto.offset.reset", "error"},
		{"isolation.level", "read_uncommitted"}, /* a record that is noted was committed when it was read */
		{"queued.min.messages", "1"},
		{"fetch.message.max.bytes", "65536"},
		{"fetch.wait.max.ms", "50"},
	};
	struct error error = {0};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof *own, own}, clients->properties, &error);
	if (!configuration)
		return NULL;
	rd_kafka_conf_set_log_cb(configuration, NULL); /* consumers and outputs report that Kafka is unreachable */
	return client_open(RD_KAFKA_CONSUMER, configuration, &error);
}

/* Under the lock, since they need the configuration of a member; likewise the next. NULL: it cannot be opened. */
static rd_kafka_t *clients_reader(struct registry_clients *clients)
{
	if (!clients->reader)
		clients->reader = reader_open(clients);
	return clients->reader;
}

static struct admin_client *clients_writer(struct registry_clients *clients)
{
	struct error error = {0};
	if (!clients->writer)
		clients->writer = admin_client_open(clients->brokers, clients->properties, ADMIN_IS_QUIET, &error);
	return clients->writer;
}

/* Closes clients that no member has any more. Those that ask for rights to write are closed when none is asked for. */
static void clients_close(struct topic_registry *registry, bool with_writers)
{
	struct registry_clients **at = &registry->clients;
	while (*at) {
		struct registry_clients *clients = *at;
		if (with_writers || clients->members == 0) {
			admin_client_close(clients->writer, 0);
			clients->writer = NULL;
		}
		if (clients->members > 0) {
			at = &clients->next;
			continue;
		}
		*at = clients->next;
		if (clients->reader)
			client_destroy(clients->reader, 0);
		memory_give(clients);
	}
}

/* ---- questions ---- */

/* Reads a partition from an offset until a record, an error or the end comes. NULL: none came in time. */
static rd_kafka_message_t *partition_read(rd_kafka_t *reader, const char *name, int32_t partition, int64_t offset,
					  const atomic_bool *stopping)
{
	rd_kafka_message_t *message = NULL;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(reader, name, NULL);
	if (topic && rd_kafka_consume_start(topic, partition, offset) == 0) {
		const int64_t until_ms = clock_ms() + QUESTION_MS;
		while (!message && clock_ms() < until_ms && !atomic_load(stopping))
			message = rd_kafka_consume(topic, partition, POLL_MS);
		(void)rd_kafka_consume_stop(topic, partition);
	}
	if (topic)
		rd_kafka_topic_destroy(topic);
	return message;
}

enum record_finding {
	FINDING_NONE, /* Kafka did not answer in time */
	FINDING_GONE, /* the record was removed, or the partition does not reach its offset */
	FINDING_SAME,
	FINDING_OTHER,
};

static enum record_finding finding_of(const rd_kafka_message_t *message, const struct record_note *anchor)
{
	rd_kafka_timestamp_type_t type;
	bool outside = message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
		       message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
	if (outside || (!message->err && message->offset != anchor->offset))
		return FINDING_GONE;
	if (message->err)
		return FINDING_NONE;
	return rd_kafka_message_timestamp(message, &type) == anchor->time_ms ? FINDING_SAME : FINDING_OTHER;
}

/* `begin` is set with another record: the first offset of the partition. */
static enum record_finding record_ask(rd_kafka_t *reader, const struct partition_note *note, int64_t *begin,
				      const atomic_bool *stopping)
{
	rd_kafka_message_t *message = partition_read(reader, note->topic, note->partition, note->anchor.offset, stopping);
	enum record_finding finding = message ? finding_of(message, &note->anchor) : FINDING_NONE;
	if (message)
		rd_kafka_message_destroy(message);
	if (finding == FINDING_OTHER &&
	    client_find_offset(reader, note->topic, note->partition, RD_KAFKA_OFFSET_BEGINNING, begin, QUESTION_MS))
		finding = FINDING_NONE;
	return finding;
}

static enum topic_right_answer answer_of(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return RIGHT_MISSING;
	case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS:
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return RIGHT_GIVEN;
	default:
		return RIGHT_UNKNOWN;
	}
}

static struct right_question *question_find(struct right_question *questions, size_t count, enum topic_right right,
					    const char *topic)
{
	for (size_t i = 0; i < count; i++)
		if (questions[i].right == right && strcmp(questions[i].topic, topic) == 0)
			return &questions[i];
	return NULL;
}

/* Fetches at the ends of all topics at once: librdkafka reports once that Kafka refuses a topic, and the next time nothing. */
static void reads_try(rd_kafka_t *reader, struct right_question *questions, size_t count, const atomic_bool *stopping)
{
	rd_kafka_topic_t *topics[RIGHTS_AT_ONCE] = {NULL};
	rd_kafka_queue_t *queue = rd_kafka_queue_new(reader);
	const int64_t until_ms = clock_ms() + QUESTION_MS;
	size_t open = 0;
	for (size_t i = 0; i < count; i++)
		if (questions[i].right == RIGHT_TO_READ && (topics[i] = rd_kafka_topic_new(reader, questions[i].topic, NULL)))
			open += rd_kafka_consume_start_queue(topics[i], 0, RD_KAFKA_OFFSET_END, queue) == 0;
	while (open > 0 && clock_ms() < until_ms && !atomic_load(stopping)) {
		rd_kafka_message_t *message = rd_kafka_consume_queue(queue, POLL_MS);
		const char *topic = message && message->rkt ? rd_kafka_topic_name(message->rkt) : "";
		struct right_question *question = question_find(questions, count, RIGHT_TO_READ, topic);
		if (question && !question->is_answered) {
			question->is_answered = true;
			question->answer = answer_of(message->err);
			open--;
		}
		if (message)
			rd_kafka_message_destroy(message);
	}
	for (size_t i = 0; i < count; i++)
		if (topics[i]) {
			(void)rd_kafka_consume_stop(topics[i], 0);
			rd_kafka_topic_destroy(topics[i]);
		}
	rd_kafka_queue_destroy(queue);
}

static void writes_try(struct admin_client *writer, struct right_question *questions, size_t count, const atomic_bool *stopping)
{
	for (size_t i = 0; i < count && !atomic_load(stopping); i++)
		if (questions[i].right == RIGHT_TO_WRITE)
			questions[i].answer =
				answer_of(admin_client_try_write(writer, questions[i].topic, QUESTION_MS, stopping));
}

/* ---- the thread ---- */

/* Whether the member is still there, and the registry goes on, after Kafka was asked without the lock. */
static bool member_remains(const struct topic_registry *registry, const struct topic_member *member, uint64_t number)
{
	const struct topic_member *one = registry->members;
	while (one && one != member)
		one = one->next;
	return one && one->number == number && !atomic_load(&registry->stopping);
}

/* The next partition that was read further; NULL: there is none. */
static struct partition_note *partition_next(struct topic_member *member)
{
	for (size_t i = 0; i < member->partition_count; i++) {
		const size_t at = (member->next_partition + i) % member->partition_count;
		struct partition_note *note = &member->partitions[at];
		if (note->reported || note->newest.offset <= note->anchor.offset)
			continue;
		member->next_partition = at + 1;
		return note;
	}
	return NULL;
}

static void finding_take(const struct topic_member *member, struct partition_note *note, enum record_finding finding, int64_t begin)
{
	if (finding == FINDING_NONE)
		return;
	note->doubts = finding == FINDING_OTHER ? note->doubts + 1 : 0;
	if (finding != FINDING_OTHER)
		note->anchor = note->newest;
	if (note->doubts < DOUBTS)
		return;
	note->reported = true;
	note->begin = begin;
	bell_ring(member->config.bell);
}

/* False: the member is gone. */
static bool records_look(struct topic_registry *registry, struct topic_member *member)
{
	const uint64_t number = member->number;
	struct partition_note *next;
	for (size_t i = 0; i < REGISTRY_RECORDS_AT_ONCE && (next = partition_next(member)); i++) {
		const struct partition_note note = *next;
		const size_t at = (size_t)(next - member->partitions);
		const uint64_t version = member->version;
		rd_kafka_t *reader = clients_reader(member->clients);
		int64_t begin = 0;
		pthread_mutex_unlock(&registry->lock);
		const enum record_finding finding =
			reader ? record_ask(reader, &note, &begin, &registry->stopping) : FINDING_NONE;
		pthread_mutex_lock(&registry->lock);
		if (!member_remains(registry, member, number))
			return false;
		if (member->version == version)
			finding_take(member, &member->partitions[at], finding, begin);
	}
	return true;
}

/* Copies questions without a good answer, from the position on, which is moved behind them. Returns their number. */
static size_t questions_copy(const struct topic_member *member, size_t *at, struct right_question *questions)
{
	size_t count = 0;
	for (; *at < member->right_count && count < RIGHTS_AT_ONCE; ++*at)
		if (member->rights[*at].answer != RIGHT_GIVEN) {
			questions[count] = member->rights[*at];
			questions[count++].is_answered = false;
		}
	return count;
}

static void answers_take(const struct topic_member *member, const struct right_question *asked, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct right_question *question =
			question_find(member->rights, member->right_count, asked[i].right, asked[i].topic);
		if (!question)
			continue;
		question->answer = asked[i].answer;
		question->is_answered = true;
		if (question->answer == RIGHT_GIVEN && member->config.bell >= 0)
			bell_ring(member->config.bell);
	}
}

/* False: the member is gone. */
static bool rights_look(struct topic_registry *registry, struct topic_member *member)
{
	struct right_question questions[RIGHTS_AT_ONCE];
	const uint64_t number = member->number;
	size_t at = 0, count;
	while ((count = questions_copy(member, &at, questions)) > 0) {
		bool to_read = false, to_write = false;
		for (size_t i = 0; i < count; i++)
			*(questions[i].right == RIGHT_TO_READ ? &to_read : &to_write) = true;
		rd_kafka_t *reader = to_read ? clients_reader(member->clients) : NULL;
		struct admin_client *writer = to_write ? clients_writer(member->clients) : NULL;
		pthread_mutex_unlock(&registry->lock);
		if (reader)
			reads_try(reader, questions, count, &registry->stopping);
		if (writer)
			writes_try(writer, questions, count, &registry->stopping);
		pthread_mutex_lock(&registry->lock);
		if (!member_remains(registry, member, number))
			return false;
		answers_take(member, questions, count);
	}
	return true;
}

static void registry_look(struct topic_registry *registry, bool at_records)
{
	registry->round++;
	for (struct topic_member *member = registry->members; member && !atomic_load(&registry->stopping);) {
		if (member->round == registry->round) {
			member = member->next;
			continue;
		}
		member->round = registry->round;
		if (rights_look(registry, member) && at_records)
			(void)records_look(registry, member);
		member = registry->members; /* members may have come and gone */
	}
}

/* Waits for a new question, or until the next look. Returns whether records are to be looked at. */
static bool registry_wait(struct topic_registry *registry, int64_t looked_ms)
{
	int64_t every_ms = REGISTRY_RECORDS_EVERY_MS;
	bool asks = false;
	for (const struct topic_member *member = registry->members; member; member = member->next) {
		asks = asks || member->right_count > 0;
		if (member->config.every_ms > 0 && member->config.every_ms < every_ms)
			every_ms = member->config.every_ms;
	}
	clients_close(registry, !asks);
	const int64_t left_ms = looked_ms + every_ms - clock_ms();
	const int64_t wait_ms = asks && left_ms > REGISTRY_RIGHTS_EVERY_MS ? REGISTRY_RIGHTS_EVERY_MS : left_ms;
	const int64_t until_ms = time_of_day_ms() + (wait_ms > 0 ? wait_ms : 0);
	const struct timespec until = {.tv_sec = until_ms / MS_PER_S, .tv_nsec = until_ms % MS_PER_S * NS_PER_MS};
	while (!atomic_load(&registry->stopping) && !registry->is_asked &&
	       pthread_cond_timedwait(&registry->changed, &registry->lock, &until) == 0)
		;
	registry->is_asked = false;
	return clock_ms() - looked_ms >= every_ms;
}

static void *registry_run(void *context)
{
	struct topic_registry *registry = context;
	int64_t looked_ms = clock_ms();
	pthread_mutex_lock(&registry->lock);
	while (!atomic_load(&registry->stopping)) {
		const bool at_records = registry_wait(registry, looked_ms);
		registry_look(registry, at_records);
		if (at_records)
			looked_ms = clock_ms();
	}
	pthread_mutex_unlock(&registry->lock);
	return NULL;
}

/* ---- members ---- */

static struct topic_registry *registry_open(void)
{
	struct topic_registry *registry = memory_take(1, sizeof *registry);
	if (registry) {
		pthread_mutex_init(&registry->lock, NULL);
		pthread_cond_init(&registry->changed, NULL);
	}
	return registry;
}

static void registry_close(struct topic_registry *registry)
{
	pthread_mutex_lock(&registry->lock);
	atomic_store(&registry->stopping, true);
	pthread_cond_signal(&registry->changed);
	pthread_mutex_unlock(&registry->lock);
	if (registry->running)
		pthread_join(registry->thread, NULL);
	clients_close(registry, true);
	pthread_cond_destroy(&registry->changed);
	pthread_mutex_destroy(&registry->lock);
	memory_give(registry);
}

struct topic_member *topic_member_open(const struct topic_member_config *config, struct error *error)
{
	assert(config->brokers);
	struct topic_member *member = memory_take(1, sizeof *member);
	pthread_mutex_lock(&shared_lock);
	struct topic_registry *registry = shared || !member ? shared : (shared = registry_open());
	if (member && registry) {
		pthread_mutex_lock(&registry->lock);
		*member = (struct topic_member){.config = *config,
						.registry = registry,
						.clients = clients_join(registry, config),
						.next = registry->members,
						.number = ++registry->numbers};
		registry->members = member;
		pthread_mutex_unlock(&registry->lock);
	}
	pthread_mutex_unlock(&shared_lock);
	if (member && member->clients)
		return member;
	topic_member_close(member);
	error_memory(error, ERROR_SYSTEM, "watching topics");
	return NULL;
}

/* Returns whether it was the last. */
static bool member_leave(const struct topic_member *member)
{
	struct topic_registry *registry = member->registry;
	struct topic_member **at = &registry->members;
	pthread_mutex_lock(&registry->lock);
	while (*at != member)
		at = &(*at)->next;
	*at = member->next;
	if (member->clients)
		member->clients->members--;
	const bool is_last = !registry->members;
	pthread_mutex_unlock(&registry->lock);
	return is_last;
}

void topic_member_close(struct topic_member *member)
{
	if (!member)
		return;
	pthread_mutex_lock(&shared_lock);
	const bool is_last = member->registry && member_leave(member);
	shared = is_last ? NULL : shared;
	pthread_mutex_unlock(&shared_lock);
	if (is_last)
		registry_close(member->registry);
	memory_give(member->partitions);
	memory_give(member->rights);
	memory_give(member);
}

/* Called with the lock. A thread that cannot be started is tried again with the next question. */
static void registry_start(struct topic_registry *registry, bool is_asked)
{
	if (!registry->running)
		registry->running = pthread_create(&registry->thread, NULL, registry_run, registry) == 0;
	registry->is_asked = registry->is_asked || is_asked;
	if (is_asked)
		pthread_cond_signal(&registry->changed);
}

/* Finds or makes the note of a partition. NULL: memory ran out; then nothing is known of it. */
static struct partition_note *partition_find(struct topic_member *member, const char *topic, int32_t partition)
{
	for (size_t i = 0; i < member->partition_count; i++)
		if (member->partitions[i].partition == partition && strcmp(member->partitions[i].topic, topic) == 0)
			return &member->partitions[i];
	struct partition_note *partitions = memory_resize(member->partitions, member->partition_count + 1, sizeof *partitions);
	if (!partitions)
		return NULL;
	member->partitions = partitions;
	struct partition_note *note = &partitions[member->partition_count++];
	*note = (struct partition_note){.partition = partition, .anchor.offset = OFFSET_NONE, .newest.offset = OFFSET_NONE};
	(void)snprintf(note->topic, sizeof note->topic, "%s", topic);
	return note;
}

void topic_member_note(struct topic_member *member, const char *topic, int32_t partition, int64_t offset, int64_t time_ms)
{
	assert(partition >= 0 && offset >= 0);
	pthread_mutex_lock(&member->registry->lock);
	struct partition_note *note = partition_find(member, topic, partition);
	if (note && note->newest.offset < offset)
		note->newest = (struct record_note){offset, time_ms};
	if (note && note->anchor.offset == OFFSET_NONE)
		note->anchor = note->newest;
	registry_start(member->registry, false);
	pthread_mutex_unlock(&member->registry->lock);
}

void topic_member_forget(struct topic_member *member)
{
	pthread_mutex_lock(&member->registry->lock);
	member->partition_count = member->next_partition = 0;
	member->version++;
	pthread_mutex_unlock(&member->registry->lock);
}

bool topic_member_replaced(struct topic_member *member, struct topic_replacement *news)
{
	bool found = false;
	pthread_mutex_lock(&member->registry->lock);
	for (size_t i = 0; i < member->partition_count && !found; i++) {
		struct partition_note *note = &member->partitions[i];
		if (!note->reported)
			continue;
		*news = (struct topic_replacement){
			.partition = note->partition, .begin = note->begin, .end = note->anchor.offset + 1};
		memcpy(news->topic, note->topic, sizeof news->topic);
		note->reported = false;
		note->doubts = 0;
		note->anchor = note->newest;
		found = true;
	}
	pthread_mutex_unlock(&member->registry->lock);
	return found;
}

/* Where memory runs out, the next call tries again. */
static void right_add(struct topic_member *member, enum topic_right right, const char *topic)
{
	struct right_question *rights =
		memory_grow(member->rights, member->right_count, &member->right_capacity, RIGHTS_AT_FIRST, sizeof *rights);
	if (!rights)
		return;
	member->rights = rights;
	struct right_question *question = &rights[member->right_count++];
	*question = (struct right_question){.right = right};
	(void)snprintf(question->topic, sizeof question->topic, "%s", topic);
	registry_start(member->registry, true);
}

enum topic_right_answer topic_member_right(struct topic_member *member, enum topic_right right, const char *topic)
{
	pthread_mutex_lock(&member->registry->lock);
	struct right_question *question = question_find(member->rights, member->right_count, right, topic);
	const enum topic_right_answer answer = question ? question->answer : RIGHT_UNKNOWN;
	if (!question)
		right_add(member, right, topic);
	else if (answer == RIGHT_GIVEN)
		*question = member->rights[--member->right_count];
	pthread_mutex_unlock(&member->registry->lock);
	return answer;
}

/* librdkafka fails all records of a topic that Kafka did not show, until it has looked again. */
bool topic_member_may_write(struct topic_member *member, rd_kafka_t *producer, rd_kafka_topic_t *topic)
{
	const struct rd_kafka_metadata *metadata;
	if (topic_member_right(member, RIGHT_TO_WRITE, rd_kafka_topic_name(topic)) != RIGHT_GIVEN)
		return false;
	if (rd_kafka_metadata(producer, 0, topic, &metadata, QUESTION_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_metadata_destroy(metadata);
	return true;
}

static bool rights_are_answered(const struct topic_member *member)
{
	bool are_answered = true;
	pthread_mutex_lock(&member->registry->lock);
	for (size_t i = 0; i < member->right_count; i++)
		are_answered = are_answered && member->rights[i].is_answered;
	pthread_mutex_unlock(&member->registry->lock);
	return are_answered;
}

void topic_member_await(const struct topic_member *member, int timeout_ms, const atomic_bool *stopping)
{
	static const struct timespec pause = {.tv_nsec = POLL_MS * NS_PER_MS};
	const int64_t until_ms = clock_ms() + timeout_ms;
	while (!rights_are_answered(member) && clock_ms() < until_ms && !atomic_load(stopping))
		nanosleep(&pause, NULL);
}

void topic_member_forget_rights(struct topic_member *member)
{
	pthread_mutex_lock(&member->registry->lock);
	member->right_count = 0;
	pthread_mutex_unlock(&member->registry->lock);
}
