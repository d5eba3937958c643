/* learner_parts.h: Parts of the learner service: an experiment that is learnt, and the service, as its files share them.
 *
 * policy_follow.c puts policies into force. learner_leadership.c begins and ends the leadership, and gives the learners what
 * was read. learner_service.c has the thread, and decides while it leads. Private to the learner service. All but `thread`
 * belongs to that thread.
 */
#ifndef SLUICE_ENGINE_LEARN_LEARNER_PARTS_H
#define SLUICE_ENGINE_LEARN_LEARNER_PARTS_H

#include "base/clock.h"
#include "experiments/bandits/learner.h"
#include "kafka/produce/fenced_writer.h"
#include "kafka/consume/lead_group.h"
#include "kafka/consume/reader.h"
#include "engine/learn/learner_service.h"
#include "engine/learn/outcome_feed.h"
#include "engine/run/service_thread.h"

/* An experiment, and of the leader what it has learnt. */
struct learning {
	const struct graph_experiment *experiment;
	struct policy_entry *entry;
	int64_t interval_ms;
	bool is_stale; /* and that was logged */
	bool is_noted; /* that its record is not put into force */
	struct buffer arrived; /* the last record of the policy topic that is not in force yet; empty: none */
	struct learner *learner;	 /* of the leader, as all below */
	struct offsets exposures, feedback; /* of the next records that it has not read */
	int64_t through_ms;
	bool goes_on; /* from a record */
	bool is_behind; /* it began anew, and has not read all that the topics had then */
	bool remade;  /* a topic was made anew: of its partitions without a position, what is newer than through_ms counts */
	int64_t due_ms;
	struct learner_counts told; /* to the board; a replay is not told */
	struct buffer latest; /* the last record of the policy topic */
};

struct learner_service {
	struct learner_service_config config;
	struct service_thread thread;
	struct learning *learnings;
	size_t count;

	/* Of the thread: */
	struct arena *arena; /* of one record */
	struct arena *term;  /* of what a leader starts from */
	struct buffer bytes;
	struct reader *policies;
	struct reader_config policies_config;
	struct fenced_writer_config writer_config;
	struct lead_group_config group_config;
	struct lead_group *group;
	bool leads;
	struct fenced_writer *writer;
	struct outcome_feed feed; /* of the leader */
	struct answer_recovery *recovery; /* likewise; NULL: engines compute no reward */
	bool is_outdated;   /* a later version of sluice leads: this one follows its policies only */
	size_t replayed;    /* records, as a term begins */
	int64_t term_ms;    /* when it began */
	struct error last_logged; /* last failure that was logged: the same one is not logged again */
};

/* The learning of an experiment; NULL: it is none of this service. */
static inline struct learning *learning_of(const struct learner_service *service, struct text experiment)
{
	for (size_t i = 0; i < service->count; i++)
		if (text_is(experiment, service->learnings[i].experiment->name))
			return &service->learnings[i];
	return NULL;
}

/* Keeps a record of the policy topic in place of the one before. LIMIT: it is longer than any; SYSTEM: memory ran out. */
bool policy_keep(struct buffer *kept, struct text value, struct error *error);

/* Puts the newest policy of each experiment into force, once the policy topic is read to its end; and tells of policies that are
 * stale. False: SYSTEM; the topic is then read anew. */
bool policies_follow(struct learner_service *service, struct error *error);

/* Give the learners a record that they have not read, as the feed calls them. */
void exposure_learn(void *service, const struct exposure *exposure, const struct record *record);
void feedback_learn(void *service, const struct feedback *feedback, const struct held_record *held);
void feedback_refuse(void *context, const struct held_record *held, const struct error *wrong);

/* Whether this engine is to lead now. To be called every second. False: SYSTEM; it has left the group, and joins anew next time. */
bool leadership_check(struct learner_service *service, bool *held, struct error *error);

/* Begins to lead. It takes the transactional id before it reads, so that nothing is written behind its back. False: the term is
 * to be ended; SYSTEM; or LIMIT, a later version of sluice has led, and this one has left the group and will not join it again. No
 * error: it is to stop, or does not lead any more. */
bool term_begin(struct learner_service *service, struct error *error);
void term_end(struct learner_service *service);

#endif
