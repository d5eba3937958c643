/* archivist_restore.c: Restore of a partition's state: from its snapshot, if there is a good one, and from there to
 * the end of its changelog. See archivist.h.
 */
#include "kafka/state/archivist.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "kafka/client.h"
#include "kafka/state/snapshot_file.h"

#define RETRY_PAUSE_MS 100
#define SAY_EVERY_MS 1000
#define LATE_WAIT_MS 10000 /* for a changelog to reach the offset in the last commit */
/* Kafka keeps a tombstone for a day (delete.retention.ms). With an older snapshot, a removal could be missed. */
#define SNAPSHOT_AGE_MOST_MS ((int64_t)12 * 3600 * 1000)

void archivist_close_reader(struct archivist *archivist)
{
	changelog_reader_close(archivist->reader);
	archivist->reader = NULL;
}

static bool pause_before_retry(struct archivist *archivist)
{
	struct timespec pause = {.tv_nsec = RETRY_PAUSE_MS * 1000000L};
	nanosleep(&pause, NULL);
	return !archivist_is_forgotten(archivist);
}

/* Whether a line about the restore is due again. */
static bool line_is_due(struct archivist *archivist)
{
	int64_t now_ms = clock_ms();
	bool due = now_ms - archivist->logged_ms >= SAY_EVERY_MS;
	if (due)
		archivist->logged_ms = now_ms;
	return due;
}

/* Waits until the committed offsets are stable. Kafka does not return them while a transaction may still change them.
 * When it does, everything that belongs to them is in the changelog. */
static bool offset_settle(struct archivist *archivist, struct position *input, struct state_reference *reference,
			  char changelog[CHANGELOG_NAME_BYTES_MAX])
{
	const struct archive_place *place = &archivist->restoring->place;
	rd_kafka_resp_err_t code;
	while ((code = consumer_settled(archivist->consumer, input, reference, changelog, ARCHIVIST_TIMEOUT_MS)) !=
	       RD_KAFKA_RESP_ERR_NO_ERROR) {
		if (line_is_due(archivist))
			archivist_say(archivist, LOG_LEVEL_INFO,
				      "restoring %s-%d: Kafka does not give the group's committed offset yet (%s); while a "
				      "transaction of an earlier engine is open, it gives it when that ends or times out",
				      place->changelog, (int)place->input.partition, rd_kafka_err2str(code));
		if (!pause_before_retry(archivist))
			return false;
	}
	return true;
}

/* Contents of the commits of a partition number, for all topics that the stage reads. */
struct settled {
	int64_t committed; /* of the input */
	bool any;	   /* of any of them */
	struct state_reference reference; /* the one that reaches furthest */
	char changelog[CHANGELOG_NAME_BYTES_MAX];
};

static bool offsets_settle(struct archivist *archivist, const struct job *job, struct settled *settled)
{
	struct position input = job->place.input;
	if (!offset_settle(archivist, &input, &settled->reference, settled->changelog))
		return false;
	settled->committed = input.offset;
	settled->any = input.offset != OFFSET_NONE;
	for (size_t i = 0; i < job->place.topic_count; i++) {
		struct position other = {job->place.topics[i], input.partition, OFFSET_NONE};
		struct state_reference reference;
		char changelog[CHANGELOG_NAME_BYTES_MAX];
		if (other.topic == input.topic)
			continue;
		if (!offset_settle(archivist, &other, &reference, changelog))
			return false;
		settled->any |= other.offset != OFFSET_NONE;
		if (reference.id == 0 || (settled->reference.id != 0 && reference.end <= settled->reference.end))
			continue;
		memcpy(settled->changelog, changelog, sizeof changelog);
		settled->reference = (struct state_reference){reference.id, reference.end, settled->changelog};
	}
	return true;
}

static bool store_empty(struct job *job, struct error *error)
{
	struct store *empty = store_open(store_scopes(job->store), job->place.bytes_max);
	if (!empty)
		return error_memory(error, ERROR_SYSTEM, "bringing back what a stage remembers");
	store_close(job->store);
	job->store = empty;
	return true;
}

/* Discards an unusable snapshot, so that a usable one can replace it. */
static bool snapshot_give_up(const struct archivist *archivist, struct job *job, const char *why, struct error *error)
{
	archivist_say(archivist, LOG_LEVEL_WARN, "the snapshot of %s-%d is not used, and its whole changelog is read: %s",
		      job->place.changelog, (int)job->place.input.partition, why);
	snapshot_file_remove(archivist->config->folder, job->place.changelog, job->place.input.partition);
	return store_empty(job, error);
}

/* Restores the snapshot, and sets the offset after it from which the changelog is read. */
static bool snapshot_bring_back(const struct archivist *archivist, struct job *job, int64_t *from, struct error *error)
{
	struct snapshot_head head = {0};
	struct error why = {0};
	*from = OFFSET_NONE;
	if (!archivist->config->folder)
		return true;
	bool read = snapshot_file_read(archivist->config->folder, job->place.changelog, job->place.input.partition, job->store,
				       &head, &why);
	if (!read && why.kind == ERROR_NONE)
		return true;
	int64_t age_ms = time_of_day_ms() - head.time_ms;
	if (read && (age_ms < 0 || age_ms > SNAPSHOT_AGE_MOST_MS))
		read = error_set(&why, ERROR_SYSTEM, PLACE_NONE, "it is older than 12 hours, or from the future");
	if (!read)
		return snapshot_give_up(archivist, job, why.text, error);
	*from = head.offset;
	return true;
}

static bool go_on(void *context, int64_t reached, int64_t end)
{
	struct archivist *archivist = context;
	if (!archivist->restoring->place.is_tried_again && line_is_due(archivist)) {
		const struct archive_place *place = &archivist->restoring->place;
		if (end == OFFSET_NONE)
			archivist_say(archivist, LOG_LEVEL_INFO,
				      "restoring %s-%d: the broker that leads it has not answered yet, or Kafka does not show this "
				      "partition yet. Check that it runs and is not stopped (kafka-topics.sh --describe names "
				      "it)",
				      place->changelog, (int)place->input.partition);
		else
			archivist_say(archivist, LOG_LEVEL_INFO, "bringing back %s-%d: offset %" PRId64 " of %" PRId64 ", %zu keys",
				      place->changelog, (int)place->input.partition, reached, end,
				      store_count(archivist->restoring->store));
	}
	return !archivist_is_forgotten(archivist);
}

static enum changelog_end changelog_bring_back(struct archivist *archivist, struct job *job, int64_t from,
						struct changelog_extent *extent, struct error *error)
{
	const struct changelog_source source = {
		.topic = job->place.changelog,
		.pipeline = job->place.pipeline,
		.partition = job->place.input.partition,
		.of_observers = job->place.may_be_out,
		.is_tried_again = job->place.is_tried_again,
		.from = from,
		.go_on = go_on,
		.context = archivist,
	};
	if (!archivist->reader)
		archivist->reader = changelog_reader_open(archivist->config->brokers, archivist->config->properties, error);
	if (!archivist->reader)
		return CHANGELOG_FAILED;
	if (source.of_observers && !changelog_may_be_kept(archivist->reader, source.topic, error))
		return CHANGELOG_FAILED;
	enum changelog_end end = changelog_read(archivist->reader, &source, job->store, extent, error);
	int64_t took_ms = clock_ms() - archivist->began_ms;
	if (end == CHANGELOG_READ && took_ms >= SAY_EVERY_MS)
		archivist_say(archivist, LOG_LEVEL_INFO,
			      "brought back %s-%d: %zu keys in %.1f s, %s and %" PRIu64 " records of the changelog",
			      source.topic, (int)source.partition, store_count(job->store), (double)took_ms / 1000,
			      from == OFFSET_NONE ? "no snapshot" : "a snapshot", extent->records);
	return end;
}

/* ---- the identity ---- */

/* Compares what was read with the references in the group's commits. */
static enum identity_verdict check_identity(const struct archivist *archivist, struct job *job, const struct settled *settled,
					    int64_t from, const struct changelog_extent *extent, struct state_reference *reference,
					    struct error *error)
{
	char note[ERROR_TEXT_MAX];
	const struct archive_place *place = &job->place;
	const struct identity_check check = {
		.pipeline = place->pipeline,
		.changelog = place->changelog,
		.partition = place->input.partition,
		.reference = settled->reference,
		.committed = settled->any,
		.low = extent->low,
		.end = extent->end,
		.from_snapshot = from != OFFSET_NONE,
		.new_state = place->new_state,
		.versioned = place->versioned,
		.observes = place->observes,
		.begins_anew = place->may_be_out,
	};
	*reference = (struct state_reference){.end = extent->end, .changelog = place->changelog};
	enum identity_verdict verdict = identity_settle(job->store, &check, &reference->id, note, error);
	if (verdict == IDENTITY_GOOD && note[0])
		archivist_say(archivist, LOG_LEVEL_WARN, "%s", note);
	return verdict;
}

/* ---- the restore ---- */

/* Restores once: from the snapshot, if it is usable, and the changelog. STOPPED: the job was cancelled. */
static enum changelog_end restore_once(struct archivist *archivist, struct job *job, int64_t *from, struct changelog_extent *extent,
				       struct error *error)
{
	enum changelog_end end = CHANGELOG_FAILED;
	if (snapshot_bring_back(archivist, job, from, error))
		end = changelog_bring_back(archivist, job, *from, extent, error);
	if (end == CHANGELOG_GONE)
		archivist_close_reader(archivist); /* the reader's next job could get this result */
	if (end != CHANGELOG_GONE || *from == OFFSET_NONE)
		return end;
	*from = OFFSET_NONE;
	if (!snapshot_give_up(archivist, job, "the changelog was replaced meanwhile", error))
		return CHANGELOG_FAILED;
	return changelog_bring_back(archivist, job, OFFSET_NONE, extent, error);
}

/* Repeats the restore until the result agrees with the group's commits, or certainly never will. A broker that has
 * just become the leader may report the end of a partition late. */
static enum changelog_end restore(struct archivist *archivist, struct job *job, const struct settled *settled,
				  struct state_reference *reference, struct error *error)
{
	int64_t from;
	struct changelog_extent extent = {0};
	for (;;) {
		enum changelog_end end = restore_once(archivist, job, &from, &extent, error);
		if (end != CHANGELOG_READ)
			return end;
		struct error lost = {0};
		enum identity_verdict verdict = check_identity(archivist, job, settled, from, &extent, reference, &lost);
		if (verdict == IDENTITY_GOOD)
			return CHANGELOG_READ;
		bool wait = verdict == IDENTITY_LATE && clock_ms() - archivist->began_ms < LATE_WAIT_MS;
		bool again = wait || (verdict != IDENTITY_FAILED && from != OFFSET_NONE);
		if (!again || (wait && !pause_before_retry(archivist))) {
			*error = lost;
			return again ? CHANGELOG_STOPPED : CHANGELOG_FAILED;
		}
		if (!wait && !snapshot_give_up(archivist, job, "it belongs to another changelog", error))
			return CHANGELOG_FAILED;
		if (wait && !store_empty(job, error))
			return CHANGELOG_FAILED;
	}
}

void archivist_bring_back(struct archivist *archivist, struct job *job)
{
	struct archive_news news = {.kind = ARCHIVE_FAILED, .ticket = job->ticket};
	struct settled settled;
	archivist->began_ms = archivist->logged_ms = clock_ms();
	archivist->restoring = job;
	if (!offsets_settle(archivist, job, &settled))
		return;
	news.committed = settled.committed;
	enum changelog_end end = restore(archivist, job, &settled, &news.reference, &news.error);
	news.referred = settled.reference.id == news.reference.id ? settled.reference.end : 0;
	if (end == CHANGELOG_STOPPED)
		return;
	if (end == CHANGELOG_GONE)
		error_set(&news.error, ERROR_SYSTEM, PLACE_NONE, "the changelog %s-%d disappeared while it was read",
			  job->place.changelog, (int)job->place.input.partition);
	if (end == CHANGELOG_READ) {
		news.kind = ARCHIVE_RESTORED;
		news.store = job->store;
	} else {
		store_close(job->store);
		job->store = NULL;
	}
	archivist_tell(archivist, job, &news);
}
