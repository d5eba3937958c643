/* answer_exposures.h: Exposures that an Avro answer carries (`exposures: thin`): what its assignments lack is in its versions.
 *
 * An answer lists experiment, variant and probability of each choice (schemas/response.avsc). A choice that is an exposure has a
 * version of the resource `experiment/NAME` too: that of the table by which the weights, or a stage, chose; or in its place what
 * else chose, as `fallback`. The unit is the key of the answer's record. A choice of another unit has none. One that is no
 * exposure, since a layer or a holdout keeps its unit out, or the request is replayed, says so: `layer`, `holdout`, `replay`.
 *
 * Behind a space it has the milliseconds from the request to the answer: the latency of an answer that is no error. The time of the
 * request is that of the answer's record less these. Compared with a record of schemas/exposure.avsc these have no layer.
 */
#pragma once

#include "message/formats/answer_decode.h"
#include "message/records/exposure.h"

/* The list of versions of an answer: those of the entries that are `in_answer`, or kept out. The other one writes at `to`. */
size_t answer_versions_room(const struct message *message);
char *answer_versions_put(char *to, const struct message *message);

/* A choice that an answer lists. */
struct answered_choice {
	struct text experiment, variant;
	double probability;
	struct text version; /* empty: the answer does not carry its exposure */
	int64_t took_ms;     /* from the request to the answer; -1: it does not say it */
};

/* Whether it is no exposure, as it says. */
bool answered_choice_is_kept_out(const struct answered_choice *choice);

/* The choices of an answer, at most ASSIGNED_MAX, into `items`. False: INPUT, its last fields are broken. */
bool answer_choices_read(const struct decoded_answer *answer, struct answered_choice *items, size_t *count, struct error *error);

/* The exposure of a choice that has a version and is not kept out, of an answer in a record with that key and time. `room` has
 * LABEL_ROOM bytes for its prediction (message/records/answer_label.h). INPUT: the version is none. */
bool answer_exposure_make(const struct decoded_answer *answer, const struct answered_choice *choice, struct text key,
			  int64_t time_ms, char *room, struct exposure *exposure, struct error *error);
