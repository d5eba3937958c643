/* policy_follow.c: Policies in force in this process, as the learner service reads them; see learner_parts.h. */
#include <inttypes.h>

#include "base/clock.h"
#include "engine/learn/learner_parts.h"

bool policy_keep(struct buffer *kept, struct text value, struct error *error)
{
	kept->ceiling_bytes = POLICY_RECORD_BYTES_MAX;
	buffer_clear(kept);
	if (value.length > POLICY_RECORD_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "a policy's record has %zu bytes, and at most %zu are allowed; if a later version of sluice "
				 "wrote it, update sluice on this engine",
				 value.length, POLICY_RECORD_BYTES_MAX);
	buffer_text(kept, value);
	return !buffer_failed(kept) || error_memory(error, ERROR_SYSTEM, "reading policies");
}

static void policy_note(const struct learner_service *service, struct learning *learning, const struct error *wrong)
{
	if (!learning->is_noted)
		log_say(service->config.log, LOG_LEVEL_WARN, NULL, "a record of %s is not put into force for experiment `%s`: %s",
			service->config.policy, learning->experiment->name, wrong->text);
	learning->is_noted = true;
}

static bool policy_take(void *context, const struct record *record, struct error *error)
{
	struct learner_service *service = context;
	struct error wrong = {0};
	struct learning *learning = record->value.length > 0 ? learning_of(service, record->key) : NULL;
	(void)error;
	if (learning && !policy_keep(&learning->arrived, record->value, &wrong))
		policy_note(service, learning, &wrong);
	return true;
}

/* Whether a record is of other candidates or features than the files, where a warm start chooses among theirs: with it in force the
 * weights would choose, until the learner has written one of these. */
static bool policy_is_unfit(const struct learning *learning, const struct policy_record *policy)
{
	const struct context_form *wanted = &learning->experiment->context;
	return wanted->count == 0 && policy_entry_state(learning->entry).version == 0 &&
	       (policy->feature_count > 0 || context_form_of(policy->arms, policy->arm_count, NULL, 0).hash != wanted->hash);
}

static void policy_force(struct learner_service *service, struct learning *learning)
{
	struct policy_record policy;
	struct error wrong = {0};
	const int64_t before = policy_entry_state(learning->entry).version;
	arena_reset(service->arena);
	const bool is_read = policy_record_decode(buffer_view(&learning->arrived), service->arena, &policy, &wrong);
	if (is_read && policy_is_unfit(learning, &policy)) {
		log_say(service->config.log, LOG_LEVEL_DEBUG, NULL,
			"experiment `%s` goes on to choose by its warmStart: version %" PRId64
			" of its policy is of other candidates",
			learning->experiment->name, policy.version);
		return;
	}
	if (!is_read || !policy_entry_set(learning->entry, &policy, clock_ms(), &wrong)) {
		policy_note(service, learning, &wrong);
		return;
	}
	learning->is_noted = false;
	if (policy.version != before)
		log_say(service->config.log, LOG_LEVEL_DEBUG, NULL,
			"experiment `%s` chooses by version %" PRId64 " of its policy, learnt from %" PRId64 " rewards",
			learning->experiment->name, policy.version, policy.rewards);
}

/* Older policies are not put into force one after the other: what is in force meanwhile is newer than they are. */
static void policies_force(struct learner_service *service)
{
	for (size_t i = 0; reader_has_caught_up(service->policies) && i < service->count; i++)
		if (service->learnings[i].arrived.length > 0) {
			policy_force(service, &service->learnings[i]);
			buffer_clear(&service->learnings[i].arrived);
		}
}

/* How long a policy may go without being renewed. */
static int64_t stale_after_ms(const struct learning *learning)
{
	return LEARNER_STALE_INTERVALS * (learning->interval_ms > LEARNER_PACE_MS ? learning->interval_ms : LEARNER_PACE_MS);
}

/* Whether engines choose by the policy in force: not by one of other candidates or features, as before a reload. */
static bool policy_is_used(const struct learning *learning)
{
	const struct policy_in_force *force = policy_entry_hold(learning->entry);
	const bool is_used = force && force->form.hash == learning->experiment->context.hash;
	policy_entry_release(learning->entry);
	return is_used;
}

static void staleness_check(struct learner_service *service)
{
	const int64_t now_ms = clock_ms();
	for (size_t i = 0; i < service->count; i++) {
		struct learning *learning = &service->learnings[i];
		const struct policy_state state = policy_entry_state(learning->entry);
		const bool stale =
			state.version >= 0 && now_ms - state.set_ms > stale_after_ms(learning) && policy_is_used(learning);
		if (stale == learning->is_stale)
			continue;
		learning->is_stale = stale;
		if (stale)
			log_say(service->config.log, LOG_LEVEL_WARN, NULL,
				"the policy of experiment `%s` (version %" PRId64
				") was not renewed for %g s; it stays in force: check that an engine can read %s and %s, and write "
				"%s",
				learning->experiment->name, state.version, (double)stale_after_ms(learning) / MS_PER_S,
				service->config.exposures, service->config.feedback, service->config.policy);
		else if (policy_is_used(learning))
			log_say(service->config.log, LOG_LEVEL_INFO, NULL, "the policy of experiment `%s` is renewed again",
				learning->experiment->name);
	}
}

static bool policies_read(struct learner_service *service, struct error *error)
{
	if (!service->policies) {
		service->policies_config = (struct reader_config){.brokers = service->config.brokers,
								  .topic = service->config.policy,
								  .from_beginning = true,
								  .properties = service->config.consumer};
		service->policies = reader_open(&service->policies_config, error);
	}
	return service->policies &&
	       reader_give_arrived(service->policies, OUTCOME_TURN_RECORDS, service->leads ? 0 : OUTCOME_TURN_MS, policy_take,
				   service, error);
}

bool policies_follow(struct learner_service *service, struct error *error)
{
	const bool good = policies_read(service, error);
	if (good) {
		policies_force(service);
	} else {
		reader_close(service->policies);
		service->policies = NULL;
	}
	staleness_check(service);
	return good;
}
