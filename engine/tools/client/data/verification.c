/* verification.c: see verification.h. */
#include "tools/client/data/verification.h"

#include "base/clock.h"
#include "base/hash.h"
#include "kafka/consume/group_lag.h"
#include "kafka/consume/reader.h"
#include "message/records/reply.h"
#include "message/records/stage_link.h"
#include "tools/client/data/dead_letters.h"
#include "tools/client/data/recomputation.h"
#include "tools/view/answer_view.h"

#define RECORD_ARENA_BYTES ((size_t)1 << 30)
#define KAFKA_WAIT_MS 20000 /* for each answer of Kafka about a group */
#define QUEUE_KBYTES "8192" /* of a partition that librdkafka reads ahead: with more, those of many partitions fill the memory */
#define OWN_PROPERTIES 1

static const struct timespec settle_pause = {.tv_nsec = 200 * NS_PER_MS};

struct verification {
	const struct pipeline_target *target;
	const struct pipeline_plan *plan;
	const struct verification_asked *asked;
	struct answer_audit *audit;
	struct arena *arena; /* of one record */
	struct arena *lasting;
	struct schema_lookup schemas;
	struct properties properties; /* of readers */
	struct group_lag *group; /* that of the pipeline */
	struct offsets committed; /* in the inputs */
	struct text mark;		/* in the header of requests that this pipeline answered before they were logged */
	struct answer_facts facts;
	struct recomputation *recomputation;
	struct offsets begun; /* behind the first answer of each partition */
	int64_t begun_ms;     /* time of the latest of these */
	bool is_cut_off; /* answers before that time were deleted */
};

/* ---- the pipeline ---- */

static void rules_find(const struct verification *self, struct audit_rules *rules)
{
	*rules = (struct audit_rules){.exactly_once = self->plan->delivery == DELIVERY_EXACTLY_ONCE,
				      .same_again = self->facts.same_again && self->asked->recompute == RECOMPUTE_ANSWERS,
				      .errors_off = !self->plan->graph->spec->output.errors,
				      .multiplies = self->facts.multiplies,
				      .order = self->plan->order};
}

static bool verification_check(const struct verification *self, struct error *error)
{
	const struct pipeline_plan *plan = self->plan;
	if (!self->target->outputs)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "pipeline `%s` has no output, so it has no answers to verify",
				 plan->graph->name);
	if (plan_reads_others(plan))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "pipeline `%s` joins results of other pipelines, which only its engines do; verify those that it "
				 "reads",
				 plan->graph->name);
	return true;
}

/* ---- reading ---- */

static bool properties_find(struct verification *self, struct error *error)
{
	const struct properties users = self->target->kafka.consumer;
	struct property *items = ARENA_ARRAY(self->lasting, struct property, users.count + OWN_PROPERTIES);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "verifying answers");
	items[0] = (struct property){"queued.max.messages.kbytes", QUEUE_KBYTES};
	for (size_t i = 0; i < users.count; i++)
		items[OWN_PROPERTIES + i] = users.items[i];
	self->properties = (struct properties){users.count + OWN_PROPERTIES, items};
	return true;
}

/* Of a topic from the time that is asked for, less `early_ms`. */
static struct reader_config config_of(const struct verification *self, const char *topic, int64_t early_ms)
{
	const int64_t since_ms = self->asked->since_ms;
	return (struct reader_config){.brokers = self->target->kafka.brokers,
				      .topic = topic,
				      .from_beginning = since_ms == 0,
				      .from_time = since_ms > 0,
				      .time_ms = since_ms - early_ms,
				      .properties = self->properties};
}

/* The pipeline's group reads all topics that lead to answers. */
static bool committed_read(struct verification *self, const char *topic, struct offsets *offsets, struct error *error)
{
	const struct kafka *kafka = &self->target->kafka;
	if (!self->group)
		self->group = group_lag_open(NULL, kafka->brokers, kafka->consumer, self->plan->group, error);
	return self->group && (group_lag_committed(self->group, topic, KAFKA_WAIT_MS, offsets) ||
			       error_set(error, ERROR_REMOTE, PLACE_NONE,
					 "Kafka does not say what group %s has committed in topic %s; check that the topic exists, "
					 "and the rights of the login",
					 self->plan->group, topic));
}

/* Waits for transactions that are open in the topic: that of an engine that died is ended by Kafka after a while. What others have
 * committed behind its beginning cannot be read before. */
static bool topic_settle(struct verification *self, const char *topic, struct error *error)
{
	const int64_t until_ns = clock_ns() + (int64_t)ANSWER_LATE_MS * NS_PER_MS;
	bool good = group_lag_mark(self->group, text_of(topic), KAFKA_WAIT_MS);
	while (good && !group_lag_is_settled(self->group, text_of(topic), KAFKA_WAIT_MS)) {
		good = clock_ns() < until_ns;
		nanosleep(&settle_pause, NULL);
	}
	return good || error_set(error, ERROR_REMOTE, PLACE_NONE,
				 "topic %s has a transaction that stays open, or Kafka does not say how far it can be read; does a "
				 "producer of yours hold it?",
				 topic);
}

/* ---- requests ---- */

/* As an engine decodes a record (engine/worker/intake.c), unless only its id is wanted, which is in a header. */
static bool request_decode(struct verification *self, struct message *message, struct text value)
{
	const struct mapping *mapping = self->plan->graph->mapping;
	const struct schema_source *schemas = schema_lookup_source(&self->schemas);
	const struct header *id = message_header(message, HEADER_REQUEST_ID);
	struct error unread = {0};
	bool decoded = !recomputation_is_run(self->recomputation) && id;
	if (!decoded && value.bytes)
		decoded = mapping ? mapped_decode(message, mapping, value, schemas, &unread)
				  : message_decode(message, value, schemas, &unread);
	if (!message->format)
		message->format = &format_oip_json;
	message->id = id ? id->value : message->id;
	message_identify(message);
	return decoded;
}

/* Without the numbers of children behind it, where answers have the ids of these: ID/0 and ID/1 are answers to ID. */
static uint64_t id_hash(const struct verification *self, struct text id)
{
	while (self->facts.multiplies && id.length > 0) {
		size_t length = id.length;
		while (length > 0 && id.bytes[length - 1] >= '0' && id.bytes[length - 1] <= '9')
			length--;
		if (length == id.length || length == 0 || id.bytes[length - 1] != '/')
			break;
		id.length = length - 1;
	}
	return hash_text(id, 0);
}

static bool request_message(struct verification *self, const struct record *record, struct message *message, struct error *error)
{
	arena_reset(self->arena);
	*message = (struct message){.arena = self->arena,
				    .key = record->key,
				    .time_ms = record->time_ms,
				    .written_ms = record->time_ms,
				    .origin = {text_of(self->target->inputs), record->partition, record->offset}};
	if (!record_headers(record, self->arena, &message->headers, error))
		return false;
	message_classify_headers(message);
	return true;
}

static bool request_take(void *context, const struct record *record, struct error *error)
{
	struct verification *self = context;
	struct message message;
	bool decoded;
	if (record->time_ms < self->asked->since_ms)
		return true;
	do {
		if (!request_message(self, record, &message, error))
			return false;
		decoded = request_decode(self, &message, record->value);
	} while (schema_lookup_again(&self->schemas, error));
	if (error->kind != ERROR_NONE)
		return false;
	const struct header *answered = headers_find(message.headers, TEXT(REPLY_ANSWERED_HEADER));
	const struct recomputed made = recomputation_run(self->recomputation, &message, !decoded);
	const bool is_open = record->offset >= offsets_of(&self->committed, record->partition);
	const bool may_end = made.may_end || (self->is_cut_off && record->time_ms <= self->begun_ms);
	const bool is_direct = answered && text_equal(answered->value, self->mark);
	const struct audited_request request = {
		.place = {record->partition, record->offset},
		.id = id_hash(self, message.id),
		.expected = made.expected,
		.key = record->key.bytes ? hash_key(record->key) | 1 : 0,
		.needs = made.needs,
		.flags = (is_open ? AUDIT_OPEN : 0U) | (may_end ? AUDIT_MAY_END : 0U) | (is_direct ? AUDIT_DIRECT : 0U)};
	return audit_add_request(self->audit, &request, error);
}

/* ---- what later stages have ---- */

static bool link_take(void *context, const struct record *record, struct error *error)
{
	struct verification *self = context;
	struct stage_link_head head;
	struct error strange = {0};
	return !stage_link_peek(record->value, &head, &strange) ||
	       audit_add_flag(self->audit, (struct audit_place){head.origin.partition, head.origin.offset}, AUDIT_OPEN, error);
}

/* The records of a stage's topic that are not committed. */
static bool tail_read(struct verification *self, size_t stage, struct error *error)
{
	const char *topic = self->plan->topics[self->plan->stages[stage].topic].name;
	struct offsets offsets = {0};
	bool good = committed_read(self, topic, &offsets, error) && topic_settle(self, topic, error);
	const struct reader_config config = {.brokers = self->target->kafka.brokers,
					     .topic = topic,
					     .from_offset = true,
					     .offsets = offsets.items,
					     .offset_count = offsets.count,
					     .properties = self->properties};
	good = good && topic_give_all(&config, link_take, self, error);
	offsets_close(&offsets);
	return good;
}

static bool tails_read(struct verification *self, struct error *error)
{
	for (size_t i = 1; i < self->plan->stage_count; i++)
		if (!plan_stage_observes(self->plan, i) && !plan_stage_explains(self->plan, i) && !tail_read(self, i, error))
			return false;
	return true;
}

/* ---- dead letters and answers ---- */

static bool letter_take(void *context, const struct record *record, struct error *error)
{
	struct verification *self = context;
	struct dead_letter letter;
	return !dead_letter_take(record, self->arena, &letter) || !text_is(letter.origin.topic, self->target->inputs) ||
	       audit_add_flag(self->audit, (struct audit_place){letter.origin.partition, letter.origin.offset}, AUDIT_LETTERED,
			      error);
}

/* Notes the time of the first answer of each partition. */
static bool begin_note(struct verification *self, const struct record *record, struct error *error)
{
	if (offsets_of(&self->begun, record->partition) > 0)
		return true;
	self->begun_ms = record->time_ms > self->begun_ms ? record->time_ms : self->begun_ms;
	return offsets_set(&self->begun, record->partition, record->offset + 1, error);
}

static bool answer_take(void *context, const struct record *record, struct error *error)
{
	struct verification *self = context;
	struct answer_view view;
	if (!begin_note(self, record, error) || !answer_view_read(record, &self->schemas, self->arena, &view, error))
		return false;
	const struct decoded_answer *decoded = &view.answer;
	if (!record->value.bytes && decoded->ended.length == 0)
		return true; /* a tombstone */
	const bool by_origin = decoded->origin.topic.length > 0 && text_is(decoded->origin.topic, self->target->inputs);
	const struct audited_answer answer = {
		.place = {record->partition, record->offset},
		.id = by_origin ? (uint64_t)decoded->origin.offset : id_hash(self, answer_view_request_id(&view, self->arena)),
		.content = answer_content(decoded),
		.origin = decoded->origin.partition,
		.flags = (by_origin ? AUDIT_BY_ORIGIN : 0U) | (decoded->failed ? AUDIT_FAILED : 0U) |
			 (decoded->ended.length > 0 ? AUDIT_ENDED : 0U)};
	return audit_add_answer(self->audit, &answer, error);
}

/* ---- all of it ---- */

/* Answers first: requests that are older than the first of them may have had answers that were deleted. */
static bool topics_read(struct verification *self, struct error *error)
{
	const struct reader_config answers_config = config_of(self, self->target->outputs, ANSWER_CLOCKS_MS);
	const struct reader_config requests_config = config_of(self, self->target->inputs, 0);
	struct reader *answers = topic_settle(self, self->target->outputs, error) ? reader_open(&answers_config, error) : NULL;
	bool good = answers && pipeline_target_give(self->target, self->target->errors, true, letter_take, self, error);
	struct reader *requests = good ? reader_open(&requests_config, error) : NULL;
	good = good && requests && reader_give_all(answers, answer_take, self, error);
	if (good)
		self->is_cut_off = reader_deleted(answers) > 0;
	reader_close(answers);
	good = good && reader_give_all(requests, request_take, self, error);
	reader_close(requests);
	return good;
}

static bool verification_open(struct verification *self, struct error *error)
{
	struct audit_rules rules;
	self->lasting = arena_open(RECORD_ARENA_BYTES);
	self->arena = arena_open(RECORD_ARENA_BYTES);
	if (!self->lasting || !self->arena)
		return error_memory(error, ERROR_SYSTEM, "verifying answers");
	const char *mark =
		arena_print(self->lasting, "%s.%s.%s", self->plan->prefix, self->plan->namespace, self->plan->graph->name);
	self->mark = text_of(mark ? mark : "");
	self->facts = answer_facts_find(self->plan->graph);
	rules_find(self, &rules);
	self->audit = audit_open(&rules, self->asked->shown, error);
	if (!self->audit || !properties_find(self, error) ||
	    !schema_lookup_open(&self->schemas, kafka_registry(&self->target->kafka), error))
		return false;
	self->recomputation = recomputation_open(self->plan, &self->facts, self->asked->recompute, error);
	return self->recomputation;
}

struct answer_audit *verification_run(const struct pipeline_target *target, const struct verification_asked *asked,
				      struct error *error)
{
	assert(target->plan);
	struct verification self = {.target = target, .plan = target->plan, .asked = asked};
	const bool good = verification_check(&self, error) && verification_open(&self, error) &&
			  committed_read(&self, target->inputs, &self.committed, error) &&
			  tails_read(&self, error) && topics_read(&self, error) && audit_judge(self.audit, error);
	recomputation_close(self.recomputation);
	schema_lookup_close(&self.schemas);
	group_lag_close(self.group);
	offsets_close(&self.committed);
	offsets_close(&self.begun);
	arena_close(self.arena);
	arena_close(self.lasting);
	if (good)
		return self.audit;
	audit_close(self.audit);
	return NULL;
}
