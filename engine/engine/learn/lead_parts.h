/* lead_parts.h: Parts of a lead, as its files share them. outcome_lead.c begins, takes turns and ends; lead_begin.c finds where to
 * begin; lead_records.c decodes what is read, and writes outcomes. Private to the outcome lead. */
#pragma once

#include "engine/learn/exposure_feed.h"
#include "engine/learn/join_windows.h"
#include "engine/learn/outcome_lead.h"

#define LEAD_LOW "low=" /* metadata of a position of exposures */

enum lead_phase {
	LEAD_IS_OFF,
	LEAD_ASKS,     /* where it begins */
	LEAD_RESTORES, /* opens the exposures again that were open */
	LEAD_MARKS,    /* reads the outcomes that these have */
	LEAD_JOINS
};

/* What a lead commits with the position of the outcomes topic. */
struct lead_mark {
	int64_t time_ms; /* of the join */
	uint64_t last;	 /* hash of the last record that was written; 0: none was */
	int64_t last_ms; /* its time */
};

struct outcome_lead {
	struct lead_context *context;
	const struct pipeline_plan *pipeline;
	const struct policy_follow *policies; /* NULL: it has none */
	size_t topic;
	const char *name, *exposures, *feedback, *outputs, *outcomes; /* the pipeline, and its topics */
	struct join_windows windows;
	struct error failure; /* of a record or an outcome, where no error can be returned */
	bool ahead_is_logged, broken_is_logged, large_is_logged;

	/* While it leads: */
	enum lead_phase phase;
	int64_t asked_ms; /* when it began, since 1970 */
	bool has_readers;
	struct group_question *questions;
	size_t question_count, question_room;
	struct exposure_join *join;
	struct exposure_feed feed;
	struct readers_context reading; /* of the readers */
	struct outcome_reader readers[OUTCOME_READERS_MAX];
	size_t reader_count;
	struct refused_feedback refused;
	struct reader_config config; /* of the outcomes */
	struct stream *stream;
	int64_t first, next;	/* outcomes of the stream */
	int64_t end;		/* of the outcomes, as it began */
	int64_t seen;		/* offset behind those that were read so far */
	int64_t committed;	/* position of outcomes; OFFSET_NONE: none */
	struct lead_mark begun; /* of the lead before */
	bool has_last;		/* the last record of the lead before was read */
	int64_t ended_ms;	/* when it was first missing at the end of the topic, by clock_ms(); 0: it was not */
	struct lead_mark mark;
	uint64_t written, read; /* outcomes: added by this lead, and of these read again */
	uint64_t due_written;	/* after so many the readers are given `due_ms`; 0: no time waits */
	int64_t due_ms;
	bool is_changed; /* positions are others than those that are committed */
	struct buffer bytes;
};

static inline bool lead_fail(struct outcome_lead *lead, const struct error *error)
{
	if (lead->failure.kind == ERROR_NONE)
		lead->failure = *error;
	return false;
}

/* lead_begin.c: Finds the positions, opens the readers, and determines where the topics are read from. `found` false: Kafka has to
 * answer questions before. */
bool lead_places_find(struct outcome_lead *lead, bool *found, struct error *error);

/* Opens the outcomes where the first of the readers wants them; with `marks`, also those that open exposures have. Likewise; then
 * the stream is as it was. */
bool lead_outcomes_open(struct outcome_lead *lead, bool marks, bool *found, struct error *error);

void lead_questions_forget(struct outcome_lead *lead);

/* lead_records.c: what the feed and the join call. */
void lead_expose(void *context, size_t source, struct record *record);
void lead_inform(void *context, const struct record *record, int64_t time_ms);
void lead_write(void *context, size_t window, const struct outcome *outcome);
size_t lead_compute(void *context, size_t window, const struct feedback *feedback, struct outcome *outcome, struct text kept,
		    uint32_t had, struct outcome_metric *metrics, size_t room, struct arena *arena);

/* The hash of a record by which struct lead_mark knows it; never 0. */
uint64_t lead_record_hash(struct text value);

/* Text of a mark, in the arena, and back; what the metadata does not have is 0. */
struct text lead_mark_write(const struct lead_mark *mark, struct arena *arena);
struct lead_mark lead_mark_read(struct text metadata);
