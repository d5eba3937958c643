/* simulated_group.c: Consumer groups of the simulated Kafka: assignments and committed offsets. See simulated_world.h.
 *
 * A rebalance stops all members. Each learns of it with its next heartbeat, gives its partitions up and joins again.
 * When all have joined, partitions are assigned in ranges. A member that comes back with an instance id gets its old
 * membership and its old partitions, whatever it reads now (KAFKA-12759): there is no new assignment.
 */
#include <assert.h>

#include "tools/test/simulated/simulated_world.h"

#define FIRST_JOIN_US (50 * MS)
#define REBALANCE_US (60000 * MS) /* who has not joined by then is dropped */

struct simulated_group *simulated_group_find(struct simulated_kafka *kafka, const char *name)
{
	struct simulated_group *group = kafka->groups;
	while (group && strcmp(group->name, name) != 0)
		group = group->next;
	if (group)
		return group;
	group = simulated_take(kafka, 1, sizeof *group);
	char *kept = simulated_take(kafka, strlen(name) + 1, 1);
	if (!group || !kept)
		return NULL;
	memcpy(kept, name, strlen(name)); /* it outlives its members */
	*group = (struct simulated_group){.next = kafka->groups, .name = kept};
	for (size_t i = 0; i < SIMULATED_PARTITIONS_MAX; i++)
		group->committed[i] = OFFSET_NONE;
	kafka->groups = group;
	return group;
}

static struct simulated_member *member_of(const struct simulated_group *group, uint64_t id)
{
	struct simulated_member *member = group->members;
	while (member && member->id != id)
		member = member->next;
	return member;
}

/* ---- assignment ---- */

struct share_delivery {
	struct simulated_consumer *consumer;
	int generation;
	struct positions positions;
};

static void share_arrives(struct simulated_kafka *kafka, void *subject)
{
	struct share_delivery *delivery = subject;
	struct simulated_consumer *consumer = delivery->consumer;
	int64_t free_us = simulated_client_free_us(&consumer->client, true);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, share_arrives, delivery);
		return;
	}
	if (!member_of(consumer->group, consumer->member))
		return;
	if (!consumer->group->preparing && delivery->generation == consumer->group->generation)
		simulated_consumer_give(consumer, delivery->generation, delivery->positions);
	else if (consumer->group->preparing)
		simulated_consumer_rebalance(consumer);
}

static bool subscribes(const struct simulated_consumer *consumer, const struct simulated_topic *topic, uint32_t *number)
{
	for (*number = 0; *number < consumer->topics.count; ++*number)
		if (consumer->found[*number] == topic)
			return !consumer->topics.read || consumer->topics.read[*number];
	return false;
}

/* The range of a topic's partitions that falls to the member. */
static void range_of(const struct simulated_group *group, const struct simulated_member *member,
		     const struct simulated_topic *topic, int32_t *first, int32_t *count)
{
	int32_t members = 0, place = 0;
	uint32_t number;
	for (const struct simulated_member *other = group->members; other; other = other->next) {
		if (other == member)
			place = members;
		members += subscribes(other->consumer, topic, &number);
	}
	assert(members > 0); /* the member itself is one */
	int32_t share = topic->count / members, rest = topic->count % members;
	*first = place * share + (place < rest ? place : rest);
	*count = share + (place < rest);
}

/* Sends the member its share, by the numbers that it has for its topics. A topic that it does not read is left out. */
static void share_send(struct simulated_kafka *kafka, const struct simulated_group *group, const struct simulated_member *member)
{
	struct share_delivery *delivery = simulated_take(kafka, 1, sizeof *delivery);
	struct position *items = simulated_take(kafka, member->share_count, sizeof *items);
	if (!delivery || !items)
		return;
	*delivery = (struct share_delivery){member->consumer, group->generation, {0, items}};
	for (size_t i = 0; i < member->share_count; i++) {
		const struct simulated_partition *partition = member->share[i];
		uint32_t number;
		if (subscribes(member->consumer, partition->topic, &number))
			items[delivery->positions.count++] = (struct position){number, partition->partition, OFFSET_NONE};
	}
	simulated_note(kafka, kafka->now_us + simulated_delay_us(kafka), share_arrives, delivery);
}

static void share_compute(struct simulated_kafka *kafka, const struct simulated_group *group, struct simulated_member *member)
{
	member->share = simulated_take(kafka, kafka->partition_count, sizeof *member->share);
	member->share_count = 0;
	for (const struct simulated_topic *topic = kafka->topics; member->share && topic; topic = topic->next) {
		uint32_t number;
		int32_t first, count;
		if (!subscribes(member->consumer, topic, &number))
			continue;
		range_of(group, member, topic, &first, &count);
		for (int32_t i = first; i < first + count; i++)
			member->share[member->share_count++] = &topic->partitions[i];
	}
}

static void rebalance_complete(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_group *group = subject;
	if (!group->preparing || !group->members)
		return;
	for (const struct simulated_member *member = group->members; member; member = member->next)
		if (!member->joined)
			return;
	group->preparing = false;
	group->generation++;
	simulated_tell(kafka, group->name, "generation %d is assigned", group->generation);
	for (struct simulated_member *member = group->members; member; member = member->next) {
		share_compute(kafka, group, member);
		share_send(kafka, group, member);
	}
}

static void rebalance_complete_soon(struct simulated_kafka *kafka, struct simulated_group *group)
{
	simulated_note(kafka, kafka->now_us + (group->generation == 0 ? FIRST_JOIN_US : MS), rebalance_complete, group);
}

/* ---- rebalances ---- */

static void rebalance_notice(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_consumer *consumer = subject;
	int64_t free_us = simulated_client_free_us(&consumer->client, true);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, rebalance_notice, consumer);
		return;
	}
	const struct simulated_member *member = member_of(consumer->group, consumer->member);
	if (member && consumer->group->preparing && !member->joined)
		simulated_consumer_rebalance(consumer);
}

static void member_remove(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_member *member);

struct deadline {
	struct simulated_group *group;
	uint64_t rebalance;
};

static void rebalance_overdue(struct simulated_kafka *kafka, void *subject)
{
	const struct deadline *deadline = subject;
	struct simulated_group *group = deadline->group;
	if (!group->preparing || group->rebalance != deadline->rebalance)
		return;
	for (struct simulated_member *member = group->members, *next; member; member = next) {
		next = member->next;
		if (member->joined)
			continue;
		simulated_consumer_drop(member->consumer);
		member_remove(kafka, group, member);
	}
}

static void rebalance_begin(struct simulated_kafka *kafka, struct simulated_group *group)
{
	rebalance_complete_soon(kafka, group);
	if (group->preparing)
		return;
	group->preparing = true;
	kafka->rebalances += group->generation > 0;
	struct deadline *deadline = simulated_take(kafka, 1, sizeof *deadline);
	if (!deadline)
		return;
	*deadline = (struct deadline){group, ++group->rebalance};
	simulated_note(kafka, kafka->now_us + REBALANCE_US, rebalance_overdue, deadline);
	for (struct simulated_member *member = group->members; member; member = member->next) {
		member->joined = false;
		simulated_note(kafka, kafka->now_us + random_between(&kafka->random, MS, SIMULATED_HEARTBEAT_US), rebalance_notice,
			       member->consumer);
	}
}

static void member_remove(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_member *member)
{
	struct simulated_member **link = &group->members;
	while (*link != member)
		link = &(*link)->next;
	*link = member->next;
	simulated_tell(kafka, group->name, "%s is no member any more", member->consumer->client.host->name);
	rebalance_begin(kafka, group);
}

/* ---- members ---- */

static struct simulated_member *member_named(const struct simulated_group *group, const char *instance)
{
	struct simulated_member *member = group->members;
	while (member && !(instance && member->instance && strcmp(member->instance, instance) == 0))
		member = member->next;
	return member;
}

static void member_add(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer)
{
	struct simulated_member *member = simulated_take(kafka, 1, sizeof *member);
	if (!member)
		return;
	const char *instance = consumer->config.instance;
	struct simulated_member **link = &group->members;
	while (*link && (!instance || ((*link)->instance && strcmp((*link)->instance, instance) < 0)))
		link = &(*link)->next;
	rebalance_begin(kafka, group);
	*member = (struct simulated_member){
		.next = *link, .instance = instance, .id = ++kafka->last_member, .consumer = consumer, .joined = true};
	*link = member;
	consumer->member = member->id;
}

/* Replaces the previous member of that name, which is fenced. */
static void member_replace(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_member *member,
			   struct simulated_consumer *consumer)
{
	if (member->consumer != consumer)
		simulated_consumer_fence(member->consumer);
	member->id = consumer->member = ++kafka->last_member;
	member->consumer = consumer;
	member->joined = true;
	if (group->preparing)
		rebalance_complete_soon(kafka, group);
	else
		share_send(kafka, group, member);
}

static void simulated_group_join(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer)
{
	struct simulated_member *member = member_named(group, consumer->config.instance);
	if (member)
		member_replace(kafka, group, member, consumer);
	else
		member_add(kafka, group, consumer);
}

void simulated_group_rejoin(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer)
{
	struct simulated_member *member = member_of(group, consumer->member);
	if (!member) {
		simulated_group_join(kafka, group, consumer);
		return;
	}
	member->joined = true;
	if (group->preparing)
		rebalance_complete_soon(kafka, group);
	else
		share_send(kafka, group, member);
}

/* It reads other topics. */
void simulated_group_follow(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer)
{
	if (member_of(group, consumer->member))
		rebalance_begin(kafka, group);
}

static bool is_assigned(const struct simulated_group *group, const struct simulated_topic *topic)
{
	for (const struct simulated_member *member = group->members; member; member = member->next)
		for (size_t i = 0; i < member->share_count; i++)
			if (member->share[i]->topic == topic)
				return true;
	return false;
}

static bool lacks_topic(const struct simulated_group *group, const struct simulated_consumer *consumer)
{
	const struct consumer_topics *topics = &consumer->topics;
	for (size_t i = 0; i < topics->count; i++)
		if ((!topics->read || topics->read[i]) && !is_assigned(group, consumer->found[i]))
			return true;
	return false;
}

static void consumer_rejoin(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_consumer *consumer = subject;
	int64_t free_us = simulated_client_free_us(&consumer->client, true);
	if (free_us > kafka->now_us)
		simulated_note(kafka, free_us, consumer_rejoin, consumer);
	else if (member_of(consumer->group, consumer->member) && lacks_topic(consumer->group, consumer))
		rebalance_begin(kafka, consumer->group);
}

void simulated_group_ask(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer)
{
	if (lacks_topic(group, consumer))
		simulated_note(kafka, kafka->now_us + simulated_delay_us(kafka), consumer_rejoin, consumer);
}

struct simulated_group_silence {
	struct simulated_group *group;
	struct simulated_consumer *consumer;
	uint64_t member;
};

static void session_over(struct simulated_kafka *kafka, void *subject)
{
	const struct simulated_group_silence *silence = subject;
	struct simulated_member *member = member_of(silence->group, silence->member);
	if (!member || simulated_client_free_us(&silence->consumer->client, true) <= kafka->now_us)
		return;
	simulated_consumer_drop(silence->consumer);
	member_remove(kafka, silence->group, member);
}

void simulated_group_silence(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer)
{
	struct simulated_group_silence *silence = simulated_take(kafka, 1, sizeof *silence);
	if (!silence || consumer->member == 0)
		return;
	*silence = (struct simulated_group_silence){group, consumer, consumer->member};
	int64_t session_ms = kafka->config.session_ms > 0 ? kafka->config.session_ms : SIMULATED_SESSION_MS;
	simulated_note(kafka, kafka->now_us + session_ms * MS, session_over, silence);
}

void simulated_group_leave(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer)
{
	struct simulated_member *member = member_of(group, consumer->member);
	if (member && member->consumer == consumer)
		member_remove(kafka, group, member);
}

/* ---- offsets ---- */

static bool is_member(const struct simulated_membership *membership)
{
	if (membership->member == 0)
		return !membership->group->members;
	return member_of(membership->group, membership->member) && membership->generation == membership->group->generation;
}

static void pending_put(struct simulated_kafka *kafka, struct simulated_group *group, int64_t producer,
			const struct position *position, const struct state_reference *reference)
{
	struct simulated_pending *pending = group->pending;
	while (pending && !(pending->producer == producer && pending->partition == position->topic))
		pending = pending->next;
	if (!pending) {
		pending = simulated_take(kafka, 1, sizeof *pending);
		if (!pending)
			return;
		*pending = (struct simulated_pending){.next = group->pending, .producer = producer, .partition = position->topic};
		group->pending = pending;
	}
	pending->offset = position->offset;
	pending->reference = *reference;
}

enum simulated_answer simulated_group_pend(struct simulated_kafka *kafka, struct simulated_request *request)
{
	enum simulated_answer answer = simulated_transaction_enter(kafka, request);
	if (answer != SIMULATED_GOOD)
		return answer;
	if (!is_member(&request->membership))
		return SIMULATED_VOID;
	for (size_t i = 0; i < request->positions.count; i++)
		if (request->positions.items[i].offset != OFFSET_NONE)
			pending_put(kafka, request->membership.group, request->producer, &request->positions.items[i],
				    &request->references[i]);
	return SIMULATED_GOOD;
}

void simulated_group_settle(struct simulated_group *group, int64_t producer, bool commits)
{
	for (struct simulated_pending **link = &group->pending; *link;) {
		struct simulated_pending *pending = *link;
		if (pending->producer != producer) {
			link = &pending->next;
			continue;
		}
		if (commits) {
			group->committed[pending->partition] = pending->offset;
			group->references[pending->partition] = pending->reference;
		}
		*link = pending->next;
	}
}

enum simulated_answer simulated_group_commit(struct simulated_kafka *kafka, struct simulated_request *request)
{
	(void)kafka;
	if (!is_member(&request->membership))
		return SIMULATED_VOID;
	for (size_t i = 0; i < request->positions.count; i++) {
		request->membership.group->committed[request->positions.items[i].topic] = request->positions.items[i].offset;
		request->membership.group->references[request->positions.items[i].topic] = request->references[i];
	}
	return SIMULATED_GOOD;
}

/* Not before it is decided what the transactions that are open there have done. */
enum simulated_answer simulated_group_read(struct simulated_kafka *kafka, struct simulated_request *request)
{
	(void)kafka;
	const struct simulated_group *group = request->membership.group;
	for (size_t i = 0; i < request->positions.count; i++)
		for (const struct simulated_pending *pending = group->pending; pending; pending = pending->next)
			if (pending->partition == request->positions.items[i].topic)
				return SIMULATED_AGAIN;
	for (size_t i = 0; i < request->positions.count; i++) {
		request->references[i] = group->references[request->positions.items[i].topic];
		request->positions.items[i].offset = group->committed[request->positions.items[i].topic];
	}
	return SIMULATED_GOOD;
}
