/* exposure.h: Exposures: records of the variants that experiments have chosen for a request (schemas/exposure.avsc,
 * single-object Avro), one for each choice. They are written to a pipeline's exposures topic, with its answer, or are headers of
 * the answer: `exposures: full` or `thin`. */
#pragma once

#include "message/record_form.h"
#include "message/records/assigned.h"

#define EXPOSURE_HEADER "sluice-exposure" /* of an answer: the record; one for each choice */
#define JUDGED_HEADER "sluice-judged" /* of an answer, and of a record of exposures: what else metrics of feedback name */

/* What an exposure says of the answer. */
struct exposure_outcome {
	struct text prediction; /* label of the answer (message/records/answer_label.h); empty: none */
	double latency_ms;	/* NaN: not known */
	struct text error;	/* kind of the error; empty: the request did not fail in this stage */
};

/* Appends the record of one entry of the message. LIMIT: it does not fit. */
bool exposure_encode(const struct message *message, const struct assigned *assigned, const struct exposure_outcome *outcome,
		     struct buffer *out, struct error *error);

/* An exposure that was read. Texts borrow from what is read, lists live in the arena. */
struct exposure {
	struct text id;
	struct origin origin; /* topic empty: none */
	int64_t time_ms;
	struct text experiment, variant;
	double probability; /* 0: it is not known */
	struct text unit;   /* empty: none */
	enum assigned_reason reason;
	size_t feature_count;
	const struct exposure_feature *features; /* the context that a policy saw */
	struct text versions; /* of resources, as "kind/name=version;..." */
	struct text table;
	struct text prediction; /* empty: the answer says nothing that could be judged */
	double latency_ms;	/* NaN: not known */
	int32_t stage;		/* of a rollout, from 1; 0: none */
	struct text layer;	/* empty: none */
	size_t text_count;
	const struct exposure_text *texts; /* features of the context that are texts */
	struct text error;		   /* kind of the error with which the request ended; empty: none is known */
};

/* An exposure as its record has it, for records that contain one: rows, and the number of their schema. */
struct exposure_record {
	struct exposure exposure;
	struct text reason;
	struct record_list versions; /* struct record_version */
};
extern const struct record_field exposure_fields[];
#define EXPOSURE_SCHEMA 4

/* The record of an exposure, and the exposure of a record; what is missing is not checked. Lists are in the arena, which may be
 * full afterwards. INPUT: a part of the record is out of its range. */
struct exposure_record exposure_record_of(const struct exposure *exposure, struct arena *arena);
bool exposure_record_take(const struct exposure_record *record, struct arena *arena, struct exposure *exposure,
			  struct error *error);

/* Decodes a record: Avro, or a JSON object with the members of the schema (`context` may be an object of numbers and
 * texts, and members of other names are ignored). INPUT: it is neither. */
bool exposure_decode(struct text bytes, struct arena *arena, struct exposure *exposure, struct error *error);
