/* offset_migration.c: Migration of committed offsets between groups; see offset_migration.h. */
#include "kafka/consume/offset_migration.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/admin_client.h"
#include "kafka/consume/commit_mark.h"
#include "kafka/consume/group_client.h"
#include "kafka/consume/group_members.h"
#include "kafka/kafka_wait.h"
#include "kafka/produce/producer.h"

#define TIMES_MAX 5	     /* attempts, after fencing by engines that start together, or errors of brokers that start or stop */
#define PAUSE_NS 100000000   /* before the next attempt */
#define TRANSACTION_MS 10000 /* and so the time for everything that waits for it */
#define ID_BYTES 512
#define LEAVE_MS 1000 /* for a transaction that is given up */
#define FIRST_WAIT_MS 5000	/* for the first offsets of all partitions that are marked */
#define FIRST_WAIT_LEAST_MS 100 /* for that of one, after others took all of the time */
#define FORMER_TEXT_MAX (GROUP_MEMBER_TEXT_MAX + ID_BYTES)
#define UNSEEN_LOOKS 2 /* checks without a member, each after an answer of the group's coordinator */

typedef rd_kafka_topic_partition_list_t offsets;

static const struct timespec asking_pause = {.tv_nsec = PAUSE_NS};

static bool offset_migration_failed(const struct offset_migration_config *config, const char *doing, rd_kafka_resp_err_t code,
				    const char *why, struct error *error)
{
	return error_set(error, failure_is_lasting(code) ? ERROR_SYSTEM : ERROR_REMOTE, PLACE_NONE,
			 "group %s cannot continue where the pipelines were read before: %s: %s; %s",
			 config->group, doing, why,
			 failure_is_denial(code) ? "grant it the rights that `sluice plan --acls` lists"
						 : "check the brokers, and that they can be reached from here");
}

/* ---- committed offsets of groups ---- */

static void close_asker(rd_kafka_t *asker)
{
	if (asker)
		rd_kafka_destroy_flags(asker, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static void offset_migration_forget(offsets *list)
{
	for (int i = 0; i < list->cnt; i++)
		list->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
}

static rd_kafka_resp_err_t ask_once(rd_kafka_t *asker, offsets *list, int wait_ms)
{
	rd_kafka_resp_err_t code = rd_kafka_committed(asker, list, wait_ms);
	for (int i = 0; !code && i < list->cnt; i++)
		code = list->elems[i].err;
	return code;
}

/* Reads committed offsets. A Kafka that has just started may not know the group's coordinator yet. A group without
 * the right to read counts as empty. */
static bool ask_offsets(const struct offset_migration_config *config, const char *group, rd_kafka_t *asker, offsets *list,
			struct error *error)
{
	struct look_limits limits = {.until_ms = clock_ms() + OFFSET_MIGRATION_WAIT_MS};
	rd_kafka_resp_err_t code;
	kafka_wait_note("the offsets that groups have committed");
	while ((code = ask_once(asker, list, look_round_ms(&limits))) && !failure_is_lasting(code) && !look_is_over(&limits))
		nanosleep(&asking_pause, NULL);
	if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
		offset_migration_forget(list);
	else if (code)
		return offset_migration_failed(config, group, code, rd_kafka_err2str(code), error);
	return true;
}

/* Reads stable offsets: after the end of a transaction that an engine left open. */
static bool read_stable(const struct offset_migration_config *config, const char *group, offsets *list, struct error *error)
{
	rd_kafka_t *asker = group_client_open(config->brokers, config->consumer, group, READS_COMMITTED, false, error);
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

static struct text metadata_of(const rd_kafka_topic_partition_t *one)
{
	return (struct text){one->metadata, one->metadata_size};
}

/* Copies the offset and its metadata, which has a reference (flow/state/changelog_identity.h), without a mark. */
static bool offset_copy(rd_kafka_topic_partition_t *copy, const rd_kafka_topic_partition_t *one)
{
	copy->offset = one->offset;
	return partition_metadata_set(copy, commit_mark_strip(metadata_of(one)));
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

static bool is_marked(const rd_kafka_topic_partition_t *one)
{
	return commit_mark_group(metadata_of(one)).length > 0;
}

/* A commit with a mark is replaced by one at the same offset. */
static bool is_further(const rd_kafka_topic_partition_t *one, const offsets *than)
{
	const rd_kafka_topic_partition_t *known = rd_kafka_topic_partition_list_find(than, one->topic, one->partition);
	return one->offset >= 0 && (!known || known->offset < one->offset || (known->offset == one->offset && is_marked(known)));
}

static bool was_asked(const struct offset_migration_topic *topics, size_t topic, size_t former)
{
	for (size_t i = 0; i <= topic; i++)
		for (size_t j = 0; j < (i < topic ? OFFSET_MIGRATION_FORMERS_MAX : former) && topics[i].formers[j]; j++)
			if (strcmp(topics[i].formers[j], topics[topic].formers[former]) == 0)
				return true;
	return false;
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
	struct admin_client *admin;
	const char **names; /* of topics; with space for all */
	const char *seen[OFFSET_MIGRATION_FORMERS_MAX]; /* groups of which a member was waited for; NULL: end of list */
	bool unmarked;	    /* Kafka does not let the login commit for former groups */
};

static bool formers_open(struct formers *formers, const struct offset_migration_config *config,
			 const struct offset_migration_topic *topics, size_t count, struct error *error)
{
	*formers = (struct formers){
		.config = config, .topics = topics, .count = count, .names = memory_take(count + 1, sizeof *formers->names)};
	if (!formers->names)
		return error_memory(error, ERROR_SYSTEM, "looking for former groups");
	formers->admin = admin_client_open(config->brokers, config->consumer, ADMIN_LOGS, error);
	return formers->admin != NULL;
}

static void formers_close(struct formers *formers)
{
	admin_client_close(formers->admin, 0); /* coordinators may not have been found */
	memory_give(formers->names);
}

static bool was_seen(const struct formers *formers, const char *former)
{
	for (size_t i = 0; i < OFFSET_MIGRATION_FORMERS_MAX && formers->seen[i]; i++)
		if (strcmp(formers->seen[i], former) == 0)
			return true;
	return false;
}

static void note_seen(struct formers *formers, const char *former)
{
	size_t count = 0;
	while (count < OFFSET_MIGRATION_FORMERS_MAX && formers->seen[count])
		count++;
	if (count < OFFSET_MIGRATION_FORMERS_MAX && !was_seen(formers, former))
		formers->seen[count] = former;
}

/* The first former group with members that read, or may read; otherwise whether all groups were checked. `words`
 * describe the wait. */
static enum members_found formers_find(struct formers *formers, char words[FORMER_TEXT_MAX])
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
				left == 0 ? MEMBERS_NONE
					  : group_members_find(formers->admin->client, former, formers->names, left, who);
			if (found == MEMBERS_UNSEEN)
				all = found;
			if (found == MEMBERS_NONE || found == MEMBERS_UNSEEN)
				continue;
			if (found == MEMBERS_READ)
				note_seen(formers, former);
			(void)snprintf(words, FORMER_TEXT_MAX, "group %s waits for group %s: %s", formers->config->group, former,
				       who);
			return found;
		}
	return all;
}

static bool formers_wait(struct formers *formers, struct error *error)
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
		if (!kafka_wait_is_over() && (config->waits ? config->waits(config->context, words, waited_ms)
							    : found == MEMBERS_UNKNOWN && waited_ms < OFFSET_MIGRATION_UNKNOWN_MS))
			continue;
		return error_set(error, found == MEMBERS_UNKNOWN ? ERROR_REMOTE : ERROR_SYSTEM, PLACE_NONE,
				 "%s; it would answer the same requests. Stop the engines that run the former files, and start "
				 "this one again",
				 words);
	}
}

/* ---- what is committed ---- */

/* What a migration commits. */
struct migration {
	offsets *list;	/* for the group */
	offsets *marks; /* for former groups, whose names their opaques are; offset below 0: the partition's first; or NULL */
};

static int migration_count(const struct migration *migration)
{
	return migration->list->cnt + (migration->marks ? migration->marks->cnt : 0);
}

static void migration_close(struct migration *migration)
{
	if (migration->list)
		rd_kafka_topic_partition_list_destroy(migration->list);
	if (migration->marks)
		rd_kafka_topic_partition_list_destroy(migration->marks);
	*migration = (struct migration){0};
}

/* Notes the partitions of a former group that are to be marked; none, if it never read: it committed nothing, and no member
 * was seen. It may have read a partition of which it committed nothing. */
static bool marks_note(const struct formers *formers, const char *former, const offsets *read, offsets *marks)
{
	bool has_read = was_seen(formers, former);
	for (int i = 0; i < read->cnt; i++)
		has_read = has_read || read->elems[i].offset >= 0;
	for (int i = 0; has_read && i < read->cnt; i++) {
		const rd_kafka_topic_partition_t *one = &read->elems[i];
		const struct offset_migration_topic *topic = one->opaque;
		char mark[COMMIT_MARK_BYTES_MAX];
		if (topic->shared || is_marked(one) || !commit_mark_write(formers->config->group, metadata_of(one), mark))
			continue;
		rd_kafka_topic_partition_t *added = rd_kafka_topic_partition_list_add(marks, one->topic, one->partition);
		added->offset = one->offset;
		added->opaque = (void *)(uintptr_t)former;
		if (!partition_metadata_set(added, (struct text){mark, strlen(mark)}))
			return false;
	}
	return true;
}

/* Reads the offsets of a former group into the list, where they are further than the known ones, and notes its marks. */
static bool ask_former(const struct formers *formers, const char *former, const struct migration *migration, struct error *error)
{
	offsets *list = migration->list, *asked = rd_kafka_topic_partition_list_new(list->cnt);
	bool copied = true;
	for (int i = 0; i < list->cnt; i++)
		if (may_have_read(&list->elems[i], former))
			copied = copied && copy_to(asked, &list->elems[i]);
	bool good = copied ? read_stable(formers->config, former, asked, error) : out_of_memory(error);
	good = good && (!migration->marks || marks_note(formers, former, asked, migration->marks) || out_of_memory(error));
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

static bool ask_formers(const struct formers *formers, const struct migration *migration, struct error *error)
{
	const struct offset_migration_topic *topics = formers->topics;
	for (size_t i = 0; i < formers->count; i++)
		for (size_t j = 0; j < OFFSET_MIGRATION_FORMERS_MAX && topics[i].formers[j]; j++)
			if (!was_asked(topics, i, j) && !ask_former(formers, topics[i].formers[j], migration, error))
				return false;
	return true;
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

static bool migrator_open(const struct offset_migration_config *config, struct producer *producer, struct transaction_notes *notes,
			  struct error *error)
{
	char id[ID_BYTES];
	(void)snprintf(id, sizeof id, "%s.takeover", config->group);
	const struct producer_config core = {
		.policy = PRODUCER_TRANSACTS,
		.brokers = config->brokers,
		.id = id,
		.notes = notes,
		.timeout_ms = TRANSACTION_MS,
		.users = config->producer,
	};
	return producer_start(producer, &core, -1, error);
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

/* Sends the offsets of a group. This client is not a member; members of the group continue meanwhile. */
static rd_kafka_error_t *send_offsets(rd_kafka_t *producer, const char *group, const offsets *list)
{
	rd_kafka_consumer_group_metadata_t *nobody = rd_kafka_consumer_group_metadata_new(group);
	rd_kafka_error_t *failure = rd_kafka_send_offsets_to_transaction(producer, list, nobody, OFFSET_MIGRATION_WAIT_MS);
	rd_kafka_consumer_group_metadata_destroy(nobody);
	return failure;
}

/* Where the group committed nothing it would begin at the first record. Offset 0 stands for one that is not reported: whoever reads
 * from there is given the first record too. */
static void marks_place(rd_kafka_t *producer, offsets *marks)
{
	const int64_t until_ms = clock_ms() + FIRST_WAIT_MS;
	for (int i = 0; i < marks->cnt; i++) {
		rd_kafka_topic_partition_t *mark = &marks->elems[i];
		const int64_t left_ms = until_ms - clock_ms();
		if (mark->offset >= 0)
			continue;
		mark->offset = 0;
		(void)client_find_offset(producer, mark->topic, mark->partition, RD_KAFKA_OFFSET_BEGINNING, &mark->offset,
					 left_ms > FIRST_WAIT_LEAST_MS ? (int)left_ms : FIRST_WAIT_LEAST_MS);
	}
}

static bool mark_copy(offsets *list, const rd_kafka_topic_partition_t *mark)
{
	rd_kafka_topic_partition_t *copy = rd_kafka_topic_partition_list_add(list, mark->topic, mark->partition);
	copy->offset = mark->offset;
	return partition_metadata_set(copy, metadata_of(mark));
}

static rd_kafka_error_t *send_marks_of(rd_kafka_t *producer, const char *former, const offsets *marks)
{
	offsets *list = rd_kafka_topic_partition_list_new(marks->cnt);
	bool copied = true;
	for (int i = 0; copied && i < marks->cnt; i++)
		if (marks->elems[i].opaque == former)
			copied = mark_copy(list, &marks->elems[i]);
	rd_kafka_error_t *failure = copied ? send_offsets(producer, former, list)
					   : rd_kafka_error_new(RD_KAFKA_RESP_ERR__FAIL, "memory ran out");
	rd_kafka_topic_partition_list_destroy(list);
	return failure;
}

/* The marks of a former group are beside each other. */
static rd_kafka_error_t *send_marks(struct formers *formers, rd_kafka_t *producer, const offsets *marks)
{
	rd_kafka_error_t *failure = NULL;
	for (int i = 0; !failure && i < marks->cnt; i++)
		if (i == 0 || marks->elems[i].opaque != marks->elems[i - 1].opaque)
			failure = send_marks_of(producer, marks->elems[i].opaque, marks);
	formers->unmarked = failure && rd_kafka_error_code(failure) == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
	if (failure)
		return failure;
	/* From here on who joins a former group reads the marks, or waits for them. */
	char words[FORMER_TEXT_MAX];
	const enum members_found found = formers_find(formers, words);
	return found == MEMBERS_NONE || found == MEMBERS_UNSEEN ? NULL : rd_kafka_error_new(RD_KAFKA_RESP_ERR__STATE, "%s", words);
}

static rd_kafka_error_t *offset_migration_commit(struct formers *formers, rd_kafka_t *producer, const struct migration *migration)
{
	if (migration->marks)
		marks_place(producer, migration->marks); /* before the transaction, whose time is short */
	rd_kafka_error_t *failure = rd_kafka_begin_transaction(producer);
	if (!failure && migration->list->cnt > 0)
		failure = send_offsets(producer, formers->config->group, migration->list);
	if (!failure && migration->marks && migration->marks->cnt > 0)
		failure = send_marks(formers, producer, migration->marks);
	if (!failure)
		failure = rd_kafka_commit_transaction(producer, OFFSET_MIGRATION_WAIT_MS);
	return failure;
}

/* `again`: another engine fenced it, or Kafka did not accept it this time. */
static bool commit_all(struct formers *formers, struct migration *migration, bool *again, struct error *error)
{
	const struct offset_migration_config *config = formers->config;
	*again = false;
	struct transaction_notes notes = {0};
	struct producer producer = {0};
	if (!migrator_open(config, &producer, &notes, error))
		return false;
	rd_kafka_error_t *failure = rd_kafka_init_transactions(producer.client, OFFSET_MIGRATION_WAIT_MS);
	bool good = failure || look_again(config, &migration->list, error);
	if (!failure && good && migration_count(migration) > 0)
		failure = offset_migration_commit(formers, producer.client, migration);
	if (failure) {
		*again = formers->unmarked || !failure_is_lasting(rd_kafka_error_code(failure));
		good = offset_migration_failed(config, "committing", rd_kafka_error_code(failure), rd_kafka_error_string(failure),
					       error);
		rd_kafka_error_destroy(failure);
		rd_kafka_error_destroy(rd_kafka_abort_transaction(producer.client, LEAVE_MS));
	}
	producer_close(&producer, PRODUCER_WAITS);
	return good;
}

/* A broker that hangs takes one look: the next one asks another. */
static offsets *all_partitions(const struct formers *formers, struct error *error)
{
	struct look_limits limits = {.until_ms = clock_ms() + OFFSET_MIGRATION_WAIT_MS};
	const struct rd_kafka_metadata *metadata = admin_client_look(formers->admin, &limits, error);
	if (!metadata)
		return NULL;
	offsets *list = rd_kafka_topic_partition_list_new((int)formers->count);
	for (size_t i = 0; i < formers->count; i++)
		add_topic(&formers->topics[i], metadata, list);
	rd_kafka_metadata_destroy(metadata);
	return list;
}

/* Finds the partitions in which a former group is further, with the offsets at which the group continues, and the marks. */
static bool find_further(const struct formers *formers, struct migration *migration, struct error *error)
{
	const struct offset_migration_config *config = formers->config;
	/* Not the stable offsets: a transaction that an engine left open is ended by its successor. */
	rd_kafka_t *asker = group_client_open(config->brokers, config->consumer, config->group, READS_ALL, false, error);
	migration->list = asker ? all_partitions(formers, error) : NULL;
	migration->marks = formers->unmarked ? NULL : rd_kafka_topic_partition_list_new(1);
	bool known = migration->list && ask_offsets(config, config->group, asker, migration->list, error);
	close_asker(asker);
	if (!known)
		return false;
	offsets *own = rd_kafka_topic_partition_list_copy(migration->list);
	bool good = ask_formers(formers, migration, error);
	good = good && keep_further(&migration->list, own, error);
	rd_kafka_topic_partition_list_destroy(own);
	return good;
}

/* As find_further(), if no member reads by a former group, checked before and after. It has no result unless the
 * coordinators of all former groups answer, which then know the members. */
static bool find_settled(struct formers *formers, struct migration *migration, struct error *error)
{
	for (int looks = 1;; looks++) {
		char words[FORMER_TEXT_MAX];
		if (!formers_wait(formers, error) || !find_further(formers, migration, error))
			return false;
		enum members_found found = formers_find(formers, words);
		if (found == MEMBERS_NONE || (found == MEMBERS_UNSEEN && looks >= UNSEEN_LOOKS))
			return true;
		migration_close(migration);
	}
}

static bool formers_take_over(struct formers *formers, size_t *moved, struct error *error)
{
	const int64_t until_ms = clock_ms() + OFFSET_MIGRATION_WAIT_MS;
	bool good = true, again = true;
	for (int times = 0; again && times < TIMES_MAX; times++) {
		struct migration migration = {0};
		if (times > 0 && (clock_ms() >= until_ms || kafka_wait_is_over()))
			break;
		if (times > 0)
			nanosleep(&asking_pause, NULL);
		again = false;
		*error = (struct error){0};
		good = find_settled(formers, &migration, error);
		if (good && migration_count(&migration) > 0)
			good = commit_all(formers, &migration, &again, error);
		*moved = good ? (size_t)migration.list->cnt : 0;
		migration_close(&migration);
	}
	return good;
}

bool offset_migration_carry_out(const struct offset_migration_config *config, const struct offset_migration_topic *topics,
				size_t count, size_t *moved, struct error *error)
{
	assert(config->brokers && (count == 0 || topics));
	struct formers formers;
	*moved = 0;
	bool good = formers_open(&formers, config, topics, count, error) && formers_take_over(&formers, moved, error);
	if (config->unmarked)
		*config->unmarked = formers.unmarked;
	formers_close(&formers);
	return good;
}
