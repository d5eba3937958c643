/* offset_migration.c: Migration of committed offsets between groups; see offset_migration.h. */
#include "log/offset_migration.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "log/client.h"
#include "log/group_members.h"

#define TIMES_MAX 5	     /* attempts, after fencing by engines that start together, or errors of brokers that start or stop */
#define PAUSE_NS 100000000   /* before the next attempt */
#define TIMEOUT_TEXT "10000" /* of the transaction, and so of everything that waits for it */
#define SOCKET_TEXT "9900"   /* less than that, as librdkafka requires */
#define ID_BYTES 512
#define LEAVE_MS 1000 /* for a transaction that is given up */
#define FORMER_TEXT_MAX (GROUP_MEMBER_TEXT_MAX + ID_BYTES)
#define UNSEEN_LOOKS 2 /* checks without a member, each after an answer of the group's coordinator */

typedef rd_kafka_topic_partition_list_t offsets;

static const struct timespec asking_pause = {.tv_nsec = PAUSE_NS};

static bool failed(const struct offset_migration_config *config, const char *doing, const char *why, struct error *error)
{
	return error_set(error, ERROR_SYSTEM, PLACE_NONE,
			 "group %s cannot continue where the pipelines were read before: %s: %s; grant it the rights that "
			 "`sluice plan --acls` lists, and start it again",
			 config->group, doing, why);
}

/* ---- committed offsets of groups ---- */

static rd_kafka_t *open_asker(const struct offset_migration_config *config, const char *group, const char *isolation,
			      struct error *error)
{
	const struct property own[] = {{"bootstrap.servers", config->brokers},
				       {"group.id", group},
				       {"isolation.level", isolation},
				       {"enable.auto.commit", "false"}};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, config->consumer, error);
	return configuration ? client_open(RD_KAFKA_CONSUMER, configuration, error) : NULL;
}

static void close_asker(rd_kafka_t *asker)
{
	if (asker)
		rd_kafka_destroy_flags(asker, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static void forget(offsets *list)
{
	for (int i = 0; i < list->cnt; i++)
		list->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
}

static rd_kafka_resp_err_t ask_once(rd_kafka_t *asker, offsets *list, int64_t until_ms)
{
	int64_t left_ms = until_ms - clock_ms();
	rd_kafka_resp_err_t code = rd_kafka_committed(asker, list, left_ms > 0 ? (int)left_ms : 1);
	for (int i = 0; !code && i < list->cnt; i++)
		code = list->elems[i].err;
	return code;
}

/* Reads committed offsets. A Kafka that has just started may not know the group's coordinator yet. A group without
 * the right to read counts as empty. */
static bool ask_offsets(const struct offset_migration_config *config, const char *group, rd_kafka_t *asker, offsets *list,
			struct error *error)
{
	const int64_t until_ms = clock_ms() + OFFSET_MIGRATION_WAIT_MS;
	rd_kafka_resp_err_t code;
	while ((code = ask_once(asker, list, until_ms)) && !failure_is_lasting(code) && clock_ms() < until_ms)
		nanosleep(&asking_pause, NULL);
	if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
		forget(list);
	else if (code)
		return failed(config, group, rd_kafka_err2str(code), error);
	return true;
}

/* Reads stable offsets: after the end of a transaction that an engine left open. */
static bool read_stable(const struct offset_migration_config *config, const char *group, offsets *list, struct error *error)
{
	rd_kafka_t *asker = open_asker(config, group, "read_committed", error);
	bool good = asker && ask_offsets(config, group, asker, list, error);
	close_asker(asker);
	return good;
}

static void add_topic(const struct offset_migration_topic *topic, const struct rd_kafka_metadata *metadata, offsets *list)
{
	for (int i = 0; i < metadata->topic_cnt; i++) {
		const struct rd_kafka_metadata_topic *found = &metadata->topics[i];
		for (int j = 0; strcmp(found->topic, topic->name) == 0 && j < found->partition_cnt; j++) {
			const struct rd_kafka_metadata_partition *partition = &found->partitions[j];
			rd_kafka_topic_partition_list_add(list, topic->name, partition->id)->opaque = (void *)(uintptr_t)topic;
		}
	}
}

static offsets *all_partitions(const struct offset_migration_config *config, rd_kafka_t *asker,
			       const struct offset_migration_topic *topics, size_t count, struct error *error)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code = rd_kafka_metadata(asker, 1, NULL, &metadata, OFFSET_MIGRATION_WAIT_MS);
	if (code) {
		(void)failed(config, "looking at topics", rd_kafka_err2str(code), error);
		return NULL;
	}
	offsets *list = rd_kafka_topic_partition_list_new((int)count);
	for (size_t i = 0; i < count; i++)
		add_topic(&topics[i], metadata, list);
	rd_kafka_metadata_destroy(metadata);
	return list;
}

/* Copies the offset and its metadata, which has a reference (state/changelog_identity.h). librdkafka frees it by free(). */
static bool offset_copy(rd_kafka_topic_partition_t *copy, const rd_kafka_topic_partition_t *one)
{
	copy->offset = one->offset;
	memory_give(copy->metadata);
	copy->metadata = NULL;
	copy->metadata_size = 0;
	if (one->metadata_size == 0)
		return true;
	copy->metadata = memory_take_raw(one->metadata_size);
	if (!copy->metadata)
		return false;
	memcpy(copy->metadata, one->metadata, one->metadata_size);
	copy->metadata_size = one->metadata_size;
	return true;
}

static bool copy_to(offsets *list, const rd_kafka_topic_partition_t *one)
{
	rd_kafka_topic_partition_t *copy = rd_kafka_topic_partition_list_add(list, one->topic, one->partition);
	copy->opaque = one->opaque;
	return offset_copy(copy, one);
}

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "taking offsets over from another group");
}

/* ---- former groups ---- */

static bool may_have_read(const rd_kafka_topic_partition_t *one, const char *former)
{
	const struct offset_migration_topic *topic = one->opaque;
	for (size_t i = 0; i < OFFSET_MIGRATION_FORMERS_MAX && topic->formers[i]; i++)
		if (strcmp(topic->formers[i], former) == 0)
			return true;
	return false;
}

static bool is_further(const rd_kafka_topic_partition_t *one, const offsets *than)
{
	const rd_kafka_topic_partition_t *known = rd_kafka_topic_partition_list_find(than, one->topic, one->partition);
	return one->offset >= 0 && (!known || known->offset < one->offset);
}

/* Reads the offsets of a former group into `list`, where they are further than the known ones. */
static bool ask_former(const struct offset_migration_config *config, const char *former, offsets *list, struct error *error)
{
	offsets *asked = rd_kafka_topic_partition_list_new(list->cnt);
	bool copied = true;
	for (int i = 0; i < list->cnt; i++)
		if (may_have_read(&list->elems[i], former))
			copied = copied && copy_to(asked, &list->elems[i]);
	bool good = copied ? read_stable(config, former, asked, error) : out_of_memory(error);
	for (int i = 0; good && i < asked->cnt; i++) {
		const rd_kafka_topic_partition_t *one = &asked->elems[i];
		if (!is_further(one, list))
			continue;
		rd_kafka_topic_partition_t *known = rd_kafka_topic_partition_list_find(list, one->topic, one->partition);
		good = offset_copy(known, one) || out_of_memory(error);
	}
	rd_kafka_topic_partition_list_destroy(asked);
	return good;
}

static bool was_asked(const struct offset_migration_topic *topics, size_t topic, size_t former)
{
	for (size_t i = 0; i <= topic; i++)
		for (size_t j = 0; j < (i < topic ? OFFSET_MIGRATION_FORMERS_MAX : former) && topics[i].formers[j]; j++)
			if (strcmp(topics[i].formers[j], topics[topic].formers[former]) == 0)
				return true;
	return false;
}

static bool ask_formers(const struct offset_migration_config *config, const struct offset_migration_topic *topics, size_t count,
			offsets *list, struct error *error)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < OFFSET_MIGRATION_FORMERS_MAX && topics[i].formers[j]; j++)
			if (!was_asked(topics, i, j) && !ask_former(config, topics[i].formers[j], list, error))
				return false;
	return true;
}

/* ---- members of former groups ---- */

/* The topics that the former group no longer reads. */
static size_t topics_left(const struct offset_migration_topic *topics, size_t count, const char *former, const char **names)
{
	size_t left = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; !topics[i].shared && j < OFFSET_MIGRATION_FORMERS_MAX && topics[i].formers[j]; j++)
			if (strcmp(topics[i].formers[j], former) == 0)
				names[left++] = topics[i].name;
	return left;
}

/* Client and names for queries about former groups. */
struct formers {
	const struct offset_migration_config *config;
	const struct offset_migration_topic *topics;
	size_t count;
	rd_kafka_t *client;
	const char **names; /* of topics; with space for all */
	struct error locked_out;
};

static bool formers_open(struct formers *formers, const struct offset_migration_config *config,
			 const struct offset_migration_topic *topics, size_t count, struct error *error)
{
	const struct property own[] = {{"bootstrap.servers", config->brokers}};
	*formers = (struct formers){
		.config = config, .topics = topics, .count = count, .names = memory_take(count + 1, sizeof *formers->names)};
	if (!formers->names)
		return error_memory(error, ERROR_SYSTEM, "looking for former groups");
	formers->client = client_open_to_ask((struct properties){1, own}, config->consumer, &formers->locked_out, error);
	return formers->client;
}

static void formers_close(struct formers *formers)
{
	if (formers->client)
		client_leave(formers->client, 0); /* librdkafka 2.0 cannot close a client whose coordinator was not found */
	memory_give(formers->names);
}

/* The first former group with members that read, or may read; otherwise whether all groups were checked. `words`
 * describe the wait. */
static enum members_found formers_find(const struct formers *formers, char words[FORMER_TEXT_MAX])
{
	enum members_found all = MEMBERS_NONE;
	for (size_t i = 0; i < formers->count; i++)
		for (size_t j = 0; j < OFFSET_MIGRATION_FORMERS_MAX && formers->topics[i].formers[j]; j++) {
			const char *former = formers->topics[i].formers[j];
			char who[GROUP_MEMBER_TEXT_MAX];
			size_t left = was_asked(formers->topics, i, j)
					      ? 0
					      : topics_left(formers->topics, formers->count, former, formers->names);
			enum members_found found =
				left == 0 ? MEMBERS_NONE : group_members_find(formers->client, former, formers->names, left, who);
			if (found == MEMBERS_UNSEEN)
				all = found;
			if (found == MEMBERS_NONE || found == MEMBERS_UNSEEN)
				continue;
			(void)snprintf(words, FORMER_TEXT_MAX, "group %s waits for group %s: %s", formers->config->group, former,
				       who);
			return found;
		}
	return all;
}

static bool formers_wait(const struct formers *formers, struct error *error)
{
	const struct offset_migration_config *config = formers->config;
	const struct timespec pause = {.tv_nsec = OFFSET_MIGRATION_LOOK_MS * 1000000L};
	const int64_t since_ms = clock_ms();
	for (;; nanosleep(&pause, NULL)) {
		char words[FORMER_TEXT_MAX];
		enum members_found found = formers_find(formers, words);
		int64_t waited_ms = clock_ms() - since_ms;
		if (found == MEMBERS_NONE || found == MEMBERS_UNSEEN)
			return true;
		if (config->waits ? config->waits(config->context, words, waited_ms)
				  : found == MEMBERS_UNKNOWN && waited_ms < OFFSET_MIGRATION_UNKNOWN_MS)
			continue;
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "%s; it would answer the same requests. Stop the engines that run the former files, and start "
				 "this one again",
				 words);
	}
}

static bool keep_further(offsets **list, const offsets *than, struct error *error)
{
	offsets *all = *list, *kept = rd_kafka_topic_partition_list_new(all->cnt);
	bool good = true;
	for (int i = 0; good && i < all->cnt; i++)
		if (is_further(&all->elems[i], than))
			good = copy_to(kept, &all->elems[i]) || out_of_memory(error);
	rd_kafka_topic_partition_list_destroy(all);
	*list = kept;
	return good;
}

/* ---- the transaction ---- */

static rd_kafka_t *open_producer(const struct offset_migration_config *config, struct error *error)
{
	char id[ID_BYTES];
	(void)snprintf(id, sizeof id, "%s.takeover", config->group);
	const struct property own[] = {{"bootstrap.servers", config->brokers},
				       {"transactional.id", id},
				       {"transaction.timeout.ms", TIMEOUT_TEXT},
				       {"socket.timeout.ms", SOCKET_TEXT}};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, config->producer, error);
	return configuration ? client_open(RD_KAFKA_PRODUCER, configuration, error) : NULL;
}

/* Reads the offsets again after fencing, and leaves out partitions that another engine has migrated meanwhile. */
static bool look_again(const struct offset_migration_config *config, offsets **list, struct error *error)
{
	offsets *now = rd_kafka_topic_partition_list_copy(*list);
	bool good = read_stable(config, config->group, now, error);
	good = good && keep_further(list, now, error);
	rd_kafka_topic_partition_list_destroy(now);
	return good;
}

/* Commits the offsets. This client is not a member; members of the group continue meanwhile. */
static rd_kafka_error_t *commit(const struct offset_migration_config *config, rd_kafka_t *producer, const offsets *list)
{
	rd_kafka_consumer_group_metadata_t *nobody = rd_kafka_consumer_group_metadata_new(config->group);
	rd_kafka_error_t *failure = rd_kafka_begin_transaction(producer);
	if (!failure)
		failure = rd_kafka_send_offsets_to_transaction(producer, list, nobody, OFFSET_MIGRATION_WAIT_MS);
	if (!failure)
		failure = rd_kafka_commit_transaction(producer, OFFSET_MIGRATION_WAIT_MS);
	rd_kafka_consumer_group_metadata_destroy(nobody);
	return failure;
}

/* `again`: another engine fenced it, or Kafka did not accept it this time. */
static bool commit_all(const struct offset_migration_config *config, offsets **list, bool *again, struct error *error)
{
	*again = false;
	rd_kafka_t *producer = open_producer(config, error);
	if (!producer)
		return false;
	rd_kafka_error_t *failure = rd_kafka_init_transactions(producer, OFFSET_MIGRATION_WAIT_MS);
	bool good = failure || look_again(config, list, error);
	if (!failure && good && (*list)->cnt > 0)
		failure = commit(config, producer, *list);
	if (failure) {
		*again = !failure_is_lasting(rd_kafka_error_code(failure));
		good = failed(config, "committing", rd_kafka_error_string(failure), error);
		rd_kafka_error_destroy(failure);
		rd_kafka_error_destroy(rd_kafka_abort_transaction(producer, LEAVE_MS));
	}
	rd_kafka_destroy(producer);
	return good;
}

/* Finds the partitions in which a former group is further. `list` has the offsets at which the group continues. */
static bool find_further(const struct offset_migration_config *config, const struct offset_migration_topic *topics, size_t count,
			 offsets **list, struct error *error)
{
	/* Not the stable offsets: a transaction that an engine left open is ended by its successor. */
	rd_kafka_t *asker = open_asker(config, config->group, "read_uncommitted", error);
	*list = asker ? all_partitions(config, asker, topics, count, error) : NULL;
	bool known = *list && ask_offsets(config, config->group, asker, *list, error);
	close_asker(asker);
	if (!known)
		return false;
	offsets *own = rd_kafka_topic_partition_list_copy(*list);
	bool good = ask_formers(config, topics, count, *list, error);
	good = good && keep_further(list, own, error);
	rd_kafka_topic_partition_list_destroy(own);
	return good;
}

/* As find_further(), if no member reads by a former group, checked before and after. It has no result unless the
 * coordinators of all former groups answer, which then know the members. */
static bool find_settled(const struct formers *formers, offsets **list, struct error *error)
{
	for (int looks = 1;; looks++) {
		char words[FORMER_TEXT_MAX];
		if (!formers_wait(formers, error) || !find_further(formers->config, formers->topics, formers->count, list, error))
			return false;
		enum members_found found = formers_find(formers, words);
		if (found == MEMBERS_NONE || (found == MEMBERS_UNSEEN && looks >= UNSEEN_LOOKS))
			return true;
		rd_kafka_topic_partition_list_destroy(*list);
		*list = NULL;
	}
}

static bool formers_take_over(const struct formers *formers, size_t *moved, struct error *error)
{
	const int64_t until_ms = clock_ms() + OFFSET_MIGRATION_WAIT_MS;
	bool good = true, again = true;
	for (int times = 0; again && times < TIMES_MAX && (times == 0 || clock_ms() < until_ms); times++) {
		offsets *list = NULL;
		if (times > 0)
			nanosleep(&asking_pause, NULL);
		again = false;
		*error = (struct error){0};
		good = find_settled(formers, &list, error) && (list->cnt == 0 || commit_all(formers->config, &list, &again, error));
		*moved = good && list ? (size_t)list->cnt : 0;
		if (list)
			rd_kafka_topic_partition_list_destroy(list);
	}
	return good;
}

bool offset_migration_carry_out(const struct offset_migration_config *config, const struct offset_migration_topic *topics,
				size_t count, size_t *moved, struct error *error)
{
	struct formers formers;
	*moved = 0;
	bool good = formers_open(&formers, config, topics, count, error) && formers_take_over(&formers, moved, error);
	formers_close(&formers);
	return good;
}
