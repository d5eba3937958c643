/* policy_follow.c: see policy_follow.h. */
#include "engine/learn/policy_follow.h"

#include <assert.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/duration.h"

#define OPEN_MS 10000
#define TURN_RECORDS 1000
#define SCHEMA_BYTES 64

struct followed_policy {
	const struct graph_experiment *experiment;
	struct policy_entry *entry;
	int64_t interval_ms;
	bool is_stale;
	bool is_noted;	      /* that its record is not put into force */
	bool is_new;	      /* the latest record is not in force yet */
	struct buffer latest; /* empty: there is none */
};

struct policy_follow {
	struct policy_follow_config config;
	const char *topic;
	struct reader_config reading;
	struct stream *stream; /* NULL: the topic is not open */
	bool is_current;
	struct followed_policy *items;
	size_t count;
};

/* ---- records ---- */

static void policy_note(const struct policy_follow *follow, struct followed_policy *policy, const struct error *wrong)
{
	if (!policy->is_noted)
		log_say(follow->config.log, LOG_LEVEL_WARN, NULL, "a record of %s is not put into force for experiment `%s`: %s",
			follow->topic, policy->experiment->name, wrong->text);
	policy->is_noted = true;
}

/* Of a record that is too long only its beginning is kept, by which a leader knows its schema. */
static bool policy_keep(struct buffer *latest, struct text value, struct error *error)
{
	buffer_clear(latest);
	buffer_text(latest, value.length > POLICY_RECORD_BYTES_MAX ? (struct text){value.bytes, SCHEMA_BYTES} : value);
	if (value.length > POLICY_RECORD_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "a policy's record has %zu bytes, and at most %zu are allowed; if a later version of sluice "
				 "wrote it, update sluice on this engine",
				 value.length, POLICY_RECORD_BYTES_MAX);
	return !buffer_failed(latest) || error_memory(error, ERROR_SYSTEM, "reading policies");
}

static struct followed_policy *policy_of(const struct policy_follow *follow, struct text experiment)
{
	for (size_t i = 0; i < follow->count; i++)
		if (text_is(experiment, follow->items[i].experiment->name))
			return &follow->items[i];
	return NULL;
}

static void policy_take(struct policy_follow *follow, const struct record *record)
{
	struct error wrong = {0};
	struct followed_policy *policy = record->value.length > 0 ? policy_of(follow, record->key) : NULL;
	if (!policy)
		return;
	policy->is_new = policy_keep(&policy->latest, record->value, &wrong);
	if (!policy->is_new)
		policy_note(follow, policy, &wrong);
}

/* ---- policies in force ---- */

/* Whether a record is of other candidates or features than the files, where a warm start chooses among theirs: with it in force the
 * weights would choose, until the learner has written one of these. */
static bool policy_is_unfit(const struct followed_policy *followed, const struct policy_record *policy)
{
	const struct context_form *wanted = &followed->experiment->context;
	return wanted->count == 0 && policy_entry_state(followed->entry).version == 0 &&
	       (policy->feature_count > 0 || context_form_of(policy->arms, policy->arm_count, NULL, 0).hash != wanted->hash);
}

static void policy_force(struct policy_follow *follow, struct followed_policy *followed)
{
	struct policy_record policy;
	struct error wrong = {0};
	const int64_t before = policy_entry_state(followed->entry).version;
	arena_reset(follow->config.arena);
	const bool is_read = policy_record_decode(buffer_view(&followed->latest), follow->config.arena, &policy, &wrong);
	if (is_read && policy_is_unfit(followed, &policy)) {
		log_say(follow->config.log, LOG_LEVEL_DEBUG, NULL,
			"experiment `%s` goes on to choose by its warmStart: version %" PRId64
			" of its policy is of other candidates",
			followed->experiment->name, policy.version);
		return;
	}
	if (!is_read || !policy_entry_set(followed->entry, &policy, clock_ms(), &wrong)) {
		policy_note(follow, followed, &wrong);
		return;
	}
	followed->is_noted = false;
	if (policy.version != before)
		log_say(follow->config.log, LOG_LEVEL_DEBUG, NULL,
			"experiment `%s` chooses by version %" PRId64 " of its policy, learnt from %" PRId64 " rewards",
			followed->experiment->name, policy.version, policy.rewards);
}

/* How long a policy may go without being renewed. */
static int64_t stale_after_ms(const struct followed_policy *policy)
{
	return LEARNER_STALE_INTERVALS * (policy->interval_ms > LEARNER_PACE_MS ? policy->interval_ms : LEARNER_PACE_MS);
}

/* Whether engines choose by the policy in force: not by one of other candidates or features, as before a reload. */
static bool policy_is_used(const struct followed_policy *policy)
{
	const struct policy_in_force *force = policy_entry_hold(policy->entry);
	const bool is_used = force && force->form.hash == policy->experiment->context.hash;
	policy_entry_release(policy->entry);
	return is_used;
}

static void staleness_check(const struct policy_follow *follow, struct followed_policy *policy)
{
	const struct policy_state state = policy_entry_state(policy->entry);
	const bool stale =
		state.version >= 0 && clock_ms() - state.set_ms > stale_after_ms(policy) && policy_is_used(policy);
	if (stale == policy->is_stale)
		return;
	policy->is_stale = stale;
	if (stale)
		log_say(follow->config.log, LOG_LEVEL_WARN, NULL,
			"the policy of experiment `%s` (version %" PRId64
			") was not renewed for %g s; it stays in force: check that an engine can read %s and %s, and write %s",
			policy->experiment->name, state.version, (double)stale_after_ms(policy) / MS_PER_S,
			plan_topic_of(follow->config.pipeline, TOPIC_EXPOSURES),
			plan_topic_of(follow->config.pipeline, TOPIC_FEEDBACK), follow->topic);
	else if (policy_is_used(policy))
		log_say(follow->config.log, LOG_LEVEL_INFO, NULL, "the policy of experiment `%s` is renewed again",
			policy->experiment->name);
}

/* ---- turns ---- */

static bool policies_read(struct policy_follow *follow, struct stream_reader *reader, struct error *error)
{
	struct record record;
	if (!follow->stream)
		follow->stream = stream_open(reader, &follow->reading, error);
	for (size_t i = 0; follow->stream && i < TURN_RECORDS; i++) {
		if (!stream_next(follow->stream, &record, error))
			return false;
		if (!record.held)
			break;
		policy_take(follow, &record);
		record_release(&record);
	}
	return follow->stream;
}

bool policy_follow_turn(struct policy_follow *follow, struct stream_reader *reader, struct error *error)
{
	const bool good = policies_read(follow, reader, error);
	if (!good) {
		stream_close(follow->stream);
		follow->stream = NULL;
	}
	follow->is_current = good && stream_is_at_end(follow->stream);
	/* Older policies are not put into force one after the other: what is in force meanwhile is newer than they are. */
	for (size_t i = 0; i < follow->count; i++) {
		if (follow->is_current && follow->items[i].is_new) {
			follow->items[i].is_new = false;
			policy_force(follow, &follow->items[i]);
		}
		staleness_check(follow, &follow->items[i]);
	}
	return good;
}

bool policy_follow_is_current(const struct policy_follow *follow)
{
	return follow->is_current;
}

struct text policy_follow_latest(const struct policy_follow *follow, const char *experiment)
{
	const struct followed_policy *policy = policy_of(follow, text_of(experiment));
	return policy && policy->latest.length > 0 ? buffer_view(&policy->latest) : (struct text){0};
}

/* ---- opening and closing ---- */

static bool policies_make(struct policy_follow *follow)
{
	const struct graph *graph = follow->config.pipeline->graph;
	follow->items = memory_take(graph->reachable_count + 1, sizeof *follow->items);
	for (size_t i = 0; follow->items && i < graph->reachable_count; i++) {
		const struct graph_experiment *experiment = graph->reachable[i];
		if (!experiment->learns)
			continue;
		struct followed_policy *policy = &follow->items[follow->count++];
		policy->experiment = experiment;
		policy->interval_ms = experiment->spec->bandits.update_interval_ns / NS_PER_MS;
		policy->entry = policy_board_entry(follow->config.board, graph->name, experiment->name);
		buffer_open(&policy->latest, POLICY_RECORD_BYTES_MAX);
		if (!policy->entry)
			return false;
	}
	return follow->items;
}

struct policy_follow *policy_follow_open(const struct policy_follow_config *config, struct error *error)
{
	struct policy_follow *follow = memory_take(1, sizeof *follow);
	if (follow) {
		follow->config = *config;
		follow->topic = plan_topic_of(config->pipeline, TOPIC_POLICY);
		assert(follow->topic);
		follow->reading = (struct reader_config){.topic = follow->topic,
							 .by_time = true,
							 .from_beginning = true,
							 .stopping = config->stopping,
							 .wait_ms = OPEN_MS};
	}
	if (follow && policies_make(follow))
		return follow;
	policy_follow_close(follow);
	error_memory(error, ERROR_SYSTEM, "following policies");
	return NULL;
}

void policy_follow_close(struct policy_follow *follow)
{
	if (!follow)
		return;
	stream_close(follow->stream);
	for (size_t i = 0; i < follow->count; i++)
		buffer_close(&follow->items[i].latest);
	memory_give(follow->items);
	memory_give(follow);
}
