/* twin_group.c: Consumer groups of the simulated Kafka: assignments and committed offsets. See twin_world.h.
 *
 * A rebalance stops all members. Each learns of it with its next heartbeat, gives its partitions up and joins again.
 * When all have joined, partitions are assigned in ranges. A member that comes back with an instance id gets its old
 * membership and its old partitions, whatever it reads now (KAFKA-12759): there is no new assignment.
 */
#include <assert.h>

#include "log/twin_world.h"

#define FIRST_JOIN_US (50 * MS)
#define REBALANCE_US (60000 * MS) /* who has not joined by then is dropped */

struct twin_group *twin_group_find(struct twin *twin, const char *name)
{
	struct twin_group *group = twin->groups;
	while (group && strcmp(group->name, name) != 0)
		group = group->next;
	if (group)
		return group;
	group = twin_take(twin, 1, sizeof *group);
	char *kept = twin_take(twin, strlen(name) + 1, 1);
	if (!group || !kept)
		return NULL;
	memcpy(kept, name, strlen(name)); /* it outlives its members */
	*group = (struct twin_group){.next = twin->groups, .name = kept};
	for (size_t i = 0; i < TWIN_PARTITIONS_MAX; i++)
		group->committed[i] = OFFSET_NONE;
	twin->groups = group;
	return group;
}

static struct twin_member *member_of(const struct twin_group *group, uint64_t id)
{
	struct twin_member *member = group->members;
	while (member && member->id != id)
		member = member->next;
	return member;
}

/* ---- dealing out ---- */

struct gift {
	struct twin_consumer *consumer;
	int generation;
	struct positions positions;
};

static void gift_arrives(struct twin *twin, void *subject)
{
	struct gift *gift = subject;
	struct twin_consumer *consumer = gift->consumer;
	int64_t free_us = twin_client_free_us(&consumer->client, true);
	if (free_us > twin->now_us) {
		twin_note(twin, free_us, gift_arrives, gift);
		return;
	}
	if (!member_of(consumer->group, consumer->member))
		return;
	if (!consumer->group->preparing && gift->generation == consumer->group->generation)
		twin_consumer_give(consumer, gift->generation, gift->positions);
	else if (consumer->group->preparing)
		twin_consumer_told(consumer);
}

static bool subscribes(const struct twin_consumer *consumer, const struct twin_topic *topic, uint32_t *number)
{
	for (*number = 0; *number < consumer->topics.count; ++*number)
		if (consumer->found[*number] == topic)
			return !consumer->topics.read || consumer->topics.read[*number];
	return false;
}

/* The range of a topic's partitions that falls to the member. */
static void range_of(const struct twin_group *group, const struct twin_member *member, const struct twin_topic *topic,
		     int32_t *first, int32_t *count)
{
	int32_t members = 0, place = 0;
	uint32_t number;
	for (const struct twin_member *other = group->members; other; other = other->next) {
		if (other == member)
			place = members;
		members += subscribes(other->consumer, topic, &number);
	}
	assert(members > 0); /* the member itself is one */
	int32_t share = topic->count / members, rest = topic->count % members;
	*first = place * share + (place < rest ? place : rest);
	*count = share + (place < rest);
}

/* What was dealt out to the member, by the numbers that it has for its topics; one that it
 * does not read is nobody's. */
static void give_share(struct twin *twin, const struct twin_group *group, const struct twin_member *member)
{
	struct gift *gift = twin_take(twin, 1, sizeof *gift);
	struct position *items = twin_take(twin, member->share_count, sizeof *items);
	if (!gift || !items)
		return;
	*gift = (struct gift){member->consumer, group->generation, {0, items}};
	for (size_t i = 0; i < member->share_count; i++) {
		const struct twin_partition *partition = member->share[i];
		uint32_t number;
		if (subscribes(member->consumer, partition->topic, &number))
			items[gift->positions.count++] = (struct position){number, partition->partition, OFFSET_NONE};
	}
	twin_note(twin, twin->now_us + twin_delay_us(twin), gift_arrives, gift);
}

static void deal_share(struct twin *twin, const struct twin_group *group, struct twin_member *member)
{
	member->share = twin_take(twin, twin->partition_count, sizeof *member->share);
	member->share_count = 0;
	for (const struct twin_topic *topic = twin->topics; member->share && topic; topic = topic->next) {
		uint32_t number;
		int32_t first, count;
		if (!subscribes(member->consumer, topic, &number))
			continue;
		range_of(group, member, topic, &first, &count);
		for (int32_t i = first; i < first + count; i++)
			member->share[member->share_count++] = &topic->partitions[i];
	}
}

static void complete(struct twin *twin, void *subject)
{
	struct twin_group *group = subject;
	if (!group->preparing || !group->members)
		return;
	for (const struct twin_member *member = group->members; member; member = member->next)
		if (!member->joined)
			return;
	group->preparing = false;
	group->generation++;
	twin_tell(twin, group->name, "generation %d is dealt out", group->generation);
	for (struct twin_member *member = group->members; member; member = member->next) {
		deal_share(twin, group, member);
		give_share(twin, group, member);
	}
}

static void complete_soon(struct twin *twin, struct twin_group *group)
{
	twin_note(twin, twin->now_us + (group->generation == 0 ? FIRST_JOIN_US : MS), complete, group);
}

/* ---- rebalances ---- */

static void hears(struct twin *twin, void *subject)
{
	struct twin_consumer *consumer = subject;
	int64_t free_us = twin_client_free_us(&consumer->client, true);
	if (free_us > twin->now_us) {
		twin_note(twin, free_us, hears, consumer);
		return;
	}
	const struct twin_member *member = member_of(consumer->group, consumer->member);
	if (member && consumer->group->preparing && !member->joined)
		twin_consumer_told(consumer);
}

static void member_remove(struct twin *twin, struct twin_group *group, struct twin_member *member);

struct deadline {
	struct twin_group *group;
	uint64_t rebalance;
};

static void overdue(struct twin *twin, void *subject)
{
	const struct deadline *deadline = subject;
	struct twin_group *group = deadline->group;
	if (!group->preparing || group->rebalance != deadline->rebalance)
		return;
	for (struct twin_member *member = group->members, *next; member; member = next) {
		next = member->next;
		if (member->joined)
			continue;
		twin_consumer_drop(member->consumer);
		member_remove(twin, group, member);
	}
}

static void rebalance(struct twin *twin, struct twin_group *group)
{
	complete_soon(twin, group);
	if (group->preparing)
		return;
	group->preparing = true;
	twin->rebalances += group->generation > 0;
	struct deadline *deadline = twin_take(twin, 1, sizeof *deadline);
	if (!deadline)
		return;
	*deadline = (struct deadline){group, ++group->rebalance};
	twin_note(twin, twin->now_us + REBALANCE_US, overdue, deadline);
	for (struct twin_member *member = group->members; member; member = member->next) {
		member->joined = false;
		twin_note(twin, twin->now_us + random_between(&twin->random, MS, TWIN_HEARTBEAT_US), hears, member->consumer);
	}
}

static void member_remove(struct twin *twin, struct twin_group *group, struct twin_member *member)
{
	struct twin_member **link = &group->members;
	while (*link != member)
		link = &(*link)->next;
	*link = member->next;
	twin_tell(twin, group->name, "%s is no member any more", member->consumer->client.host->name);
	rebalance(twin, group);
}

/* ---- members ---- */

static struct twin_member *member_named(const struct twin_group *group, const char *instance)
{
	struct twin_member *member = group->members;
	while (member && !(instance && member->instance && strcmp(member->instance, instance) == 0))
		member = member->next;
	return member;
}

static void member_add(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer)
{
	struct twin_member *member = twin_take(twin, 1, sizeof *member);
	if (!member)
		return;
	const char *instance = consumer->config.instance;
	struct twin_member **link = &group->members;
	while (*link && (!instance || ((*link)->instance && strcmp((*link)->instance, instance) < 0)))
		link = &(*link)->next;
	rebalance(twin, group);
	*member = (struct twin_member){
		.next = *link, .instance = instance, .id = ++twin->last_member, .consumer = consumer, .joined = true};
	*link = member;
	consumer->member = member->id;
}

/* Replaces the previous member of that name, which is fenced. */
static void member_replace(struct twin *twin, struct twin_group *group, struct twin_member *member,
			   struct twin_consumer *consumer)
{
	if (member->consumer != consumer)
		twin_consumer_fence(member->consumer);
	member->id = consumer->member = ++twin->last_member;
	member->consumer = consumer;
	member->joined = true;
	if (group->preparing)
		complete_soon(twin, group);
	else
		give_share(twin, group, member);
}

static void join(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer)
{
	struct twin_member *member = member_named(group, consumer->config.instance);
	if (member)
		member_replace(twin, group, member, consumer);
	else
		member_add(twin, group, consumer);
}

void twin_group_rejoin(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer)
{
	struct twin_member *member = member_of(group, consumer->member);
	if (!member) {
		join(twin, group, consumer);
		return;
	}
	member->joined = true;
	if (group->preparing)
		complete_soon(twin, group);
	else
		give_share(twin, group, member);
}

/* It reads other topics. */
void twin_group_follow(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer)
{
	if (member_of(group, consumer->member))
		rebalance(twin, group);
}

static bool is_dealt(const struct twin_group *group, const struct twin_topic *topic)
{
	for (const struct twin_member *member = group->members; member; member = member->next)
		for (size_t i = 0; i < member->share_count; i++)
			if (member->share[i]->topic == topic)
				return true;
	return false;
}

static bool reads_in_vain(const struct twin_group *group, const struct twin_consumer *consumer)
{
	const struct consumer_topics *topics = &consumer->topics;
	for (size_t i = 0; i < topics->count; i++)
		if ((!topics->read || topics->read[i]) && !is_dealt(group, consumer->found[i]))
			return true;
	return false;
}

static void joins_anew(struct twin *twin, void *subject)
{
	struct twin_consumer *consumer = subject;
	int64_t free_us = twin_client_free_us(&consumer->client, true);
	if (free_us > twin->now_us)
		twin_note(twin, free_us, joins_anew, consumer);
	else if (member_of(consumer->group, consumer->member) && reads_in_vain(consumer->group, consumer))
		rebalance(twin, consumer->group);
}

void twin_group_ask(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer)
{
	if (reads_in_vain(group, consumer))
		twin_note(twin, twin->now_us + twin_delay_us(twin), joins_anew, consumer);
}

struct twin_group_silence {
	struct twin_group *group;
	struct twin_consumer *consumer;
	uint64_t member;
};

static void session_over(struct twin *twin, void *subject)
{
	const struct twin_group_silence *silence = subject;
	struct twin_member *member = member_of(silence->group, silence->member);
	if (!member || twin_client_free_us(&silence->consumer->client, true) <= twin->now_us)
		return;
	twin_consumer_drop(silence->consumer);
	member_remove(twin, silence->group, member);
}

void twin_group_silence(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer)
{
	struct twin_group_silence *silence = twin_take(twin, 1, sizeof *silence);
	if (!silence || consumer->member == 0)
		return;
	*silence = (struct twin_group_silence){group, consumer, consumer->member};
	int64_t session_ms = twin->config.session_ms > 0 ? twin->config.session_ms : TWIN_SESSION_MS;
	twin_note(twin, twin->now_us + session_ms * MS, session_over, silence);
}

void twin_group_leave(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer)
{
	struct twin_member *member = member_of(group, consumer->member);
	if (member && member->consumer == consumer)
		member_remove(twin, group, member);
}

/* ---- offsets ---- */

static bool is_member(const struct twin_membership *membership)
{
	if (membership->member == 0)
		return !membership->group->members;
	return member_of(membership->group, membership->member) && membership->generation == membership->group->generation;
}

static void pend(struct twin *twin, struct twin_group *group, int64_t producer, const struct position *position,
		 const struct state_reference *reference)
{
	struct twin_pending *pending = group->pending;
	while (pending && !(pending->producer == producer && pending->partition == position->topic))
		pending = pending->next;
	if (!pending) {
		pending = twin_take(twin, 1, sizeof *pending);
		if (!pending)
			return;
		*pending = (struct twin_pending){.next = group->pending, .producer = producer, .partition = position->topic};
		group->pending = pending;
	}
	pending->offset = position->offset;
	pending->reference = *reference;
}

enum twin_answer twin_group_pend(struct twin *twin, struct twin_request *request)
{
	enum twin_answer answer = twin_transaction_enter(twin, request);
	if (answer != TWIN_GOOD)
		return answer;
	if (!is_member(&request->membership))
		return TWIN_VOID;
	for (size_t i = 0; i < request->positions.count; i++)
		if (request->positions.items[i].offset != OFFSET_NONE)
			pend(twin, request->membership.group, request->producer, &request->positions.items[i],
			     &request->references[i]);
	return TWIN_GOOD;
}

void twin_group_settle(struct twin *twin, struct twin_group *group, int64_t producer, bool commits)
{
	(void)twin;
	for (struct twin_pending **link = &group->pending; *link;) {
		struct twin_pending *pending = *link;
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

enum twin_answer twin_group_commit(struct twin *twin, struct twin_request *request)
{
	(void)twin;
	if (!is_member(&request->membership))
		return TWIN_VOID;
	for (size_t i = 0; i < request->positions.count; i++) {
		request->membership.group->committed[request->positions.items[i].topic] = request->positions.items[i].offset;
		request->membership.group->references[request->positions.items[i].topic] = request->references[i];
	}
	return TWIN_GOOD;
}

void twin_forget_references(struct twin *twin)
{
	for (struct twin_group *group = twin->groups; group; group = group->next)
		memset(group->references, 0, sizeof group->references);
}

/* Not before it is decided what the transactions that are open there have done. */
enum twin_answer twin_group_read(struct twin *twin, struct twin_request *request)
{
	(void)twin;
	const struct twin_group *group = request->membership.group;
	for (size_t i = 0; i < request->positions.count; i++)
		for (const struct twin_pending *pending = group->pending; pending; pending = pending->next)
			if (pending->partition == request->positions.items[i].topic)
				return TWIN_AGAIN;
	for (size_t i = 0; i < request->positions.count; i++) {
		request->references[i] = group->references[request->positions.items[i].topic];
		request->positions.items[i].offset = group->committed[request->positions.items[i].topic];
	}
	return TWIN_GOOD;
}
