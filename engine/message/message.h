/* message.h: One request in the engine: its envelope and its payload.
 *
 * The envelope (id, key, time, headers, origin) is the same from the topic of the request to the answer. The
 * payload (tensors, parameters, marks) is what steps read and create. A step never changes a payload: it
 * creates another one, which shares most tensors with it.
 *
 * All of it lives in the message's arena until the message is released, and so do its answers. One worker owns
 * a message.
 */
#pragma once

#include "message/records/header_name.h"
#include "message/tensor.h"

struct header {
	struct text name;
	struct text value;
};

struct headers {
	size_t count;
	const struct header *items;
};

const struct header *headers_find_last(struct headers headers, struct text name);

/* The last header of that name, compared without case; NULL: there is none. */
static inline const struct header *headers_find(struct headers headers, struct text name)
{
	return headers.count > 0 ? headers_find_last(headers, name) : NULL;
}

/* Puts a header behind the others, in place of any of its name, compared without case. False: memory ran out, and the headers are
 * as before. */
bool headers_put(struct headers *headers, struct header one, struct arena *arena);

/* Where the last header of each name that has a number is, of one list. */
struct header_places {
	const struct header *items; /* the list */
	uint8_t last[HEADER_NAMES]; /* from 1; 0: there is none. HEADER_OTHER has no meaning */
};

/* Position of the message's record. It is unique, also if two messages share an id. `topic` empty: the message came past Kafka
 * (`ingress: direct`) and has none; the numbers only spread draws. */
struct origin {
	struct text topic;
	int32_t partition;
	int64_t offset;
};

/* TOPIC-PARTITION-OFFSET, in the arena; bytes NULL: memory ran out. */
struct text origin_text(const struct origin *origin, struct arena *arena);

struct tensors {
	size_t count;
	const struct tensor *const *items;
};

/* The first tensor of that name; NULL: there is none. */
static inline const struct tensor *tensors_find(struct tensors tensors, struct text name)
{
	for (size_t i = 0; i < tensors.count; i++)
		if (text_equal_short(tensors.items[i]->name, name))
			return tensors.items[i];
	return NULL;
}

/* A mark whose name is this prefix and a header's name leaves as that header of the answer: one text. */
#define MARK_OF_HEADER "header:"

#define DEADLINE_HEADER "x-deadline-ms" /* of a message: the time of day, in ms since 1970 */

struct replier; /* message/provenance.h */

struct payload {
	struct tensors tensors;
	struct tensors marks; /* named scalars that accompany the tensors and are never sent to a model */
	struct parameters parameters;
	struct text model_name; /* the model that answered; empty for requests and pipelines */
	const struct text *model_version; /* NULL: none */
	const struct replier *replier; /* models whose replies it contains (message/provenance.h); NULL: none */
};

/* The version of the model that answered; empty: unknown. Setting an empty version has no effect. */
static inline struct text payload_version(const struct payload *payload)
{
	return payload->model_version ? *payload->model_version : (struct text){NULL, 0};
}
void payload_set_version(struct payload *payload, struct arena *arena, struct text version);

/* INPUT for the first tensor whose name is empty or, unless `repeat`, is another's too. Allocates a table in
 * the arena. */
bool tensors_check_names(struct tensors tensors, bool repeat, struct arena *arena, struct error *error);

/* A list of tensors that is being built in an arena; its capacity doubles. */
struct tensors_builder {
	struct arena *arena;
	const struct tensor **items;
	size_t count;
	size_t capacity;
};

void tensors_begin(struct tensors_builder *builder, struct arena *arena, size_t expected);
void tensors_add(struct tensors_builder *builder, const struct tensor *tensor); /* ignored if the arena is full */
/* Replaces the first tensor of its name, or adds it. */
void tensors_put(struct tensors_builder *builder, const struct tensor *tensor);
struct tensors tensors_end(const struct tensors_builder *builder);

struct format;	/* message/formats/format.h */
struct carried; /* message/records/carried.h */
struct line;	/* flow/flow.h */
struct write;	/* flow/state/store.h */
struct offspring; /* flow/flow.h */
struct assigned; /* message/records/assigned.h */
struct rollout_choice; /* flow/rollout_choices.h */
struct explained; /* message/records/explained.h */
struct listed_record; /* message/records/listed_record.h */

/* The form of a v1 SeldonMessage, which its answer must have too. */
enum seldon_form { SELDON_NONE, SELDON_NDARRAY, SELDON_TENSOR, SELDON_TEXT, SELDON_BINARY, SELDON_JSON };

/* Requested outputs, by name. */
struct tensors_wanted {
	size_t count;
	const struct text *names;
};

struct message {
	struct arena *arena;
	struct text id;		/* header x-request-id, else the payload's id, else the origin as text */
	struct text payload_id; /* the payload's own id: returned in the answer; length 0 and NULL bytes: none */
	struct text key;	/* bytes NULL: no key */
	int64_t time_ms;	/* event time */
	int64_t written_ms;	/* when the request's record was written, by its timestamp; 0: not known */
	int64_t deadline_ms;	/* absolute; 0: none */
	struct origin origin;
	struct headers headers;
	const struct header_places *places; /* of these headers, or of earlier ones; in the arena of its root; NULL: not known */
	struct payload payload; /* the request */
	struct tensors_wanted wanted; /* outputs that the request asked for; count 0: all */
	bool wanted_binary;	     /* binary_data_output of the request */
	const bool *wanted_each;     /* for each name of `wanted`: as binary data; NULL: as wanted_binary */
	const struct format *format; /* format of the request, and of its answer */
	bool names_repeat;	     /* a call from an engine: a join may send two tensors of one name; set before decoding */
	bool copied;		     /* a shadow request, whose answer is not used: its calls are not retried */
	bool outage_fails;	     /* its calls fail at once if a model is unreachable: something else is to answer then */
	bool v1_columns;	     /* a V1 request with `inputs`: its answer has `outputs` */
	enum seldon_form seldon_form;
	struct text seldon_meta; /* the request's `meta`, as JSON; empty: none */
	struct assigned *assigned; /* variants that experiments have chosen for it; NULL: none */
	struct rollout_choice *rollouts; /* those that rollouts count when the request ends; of a child, its root has them */
	int64_t waited_ms,
		waits_until_ms;	 /* of its calls in queues of this engine (flow/call_wait.c), and until when it is known */
	struct run *run;	 /* of the flow that it is inside; NULL: none; used by the flow */
	struct line *line;       /* order in which stateful steps process it; NULL: there are none */
	struct write *writes;	 /* state that those steps write for it and its children, until it is released */
	struct message *parent;	 /* the message of which it is a child, in the same arena; NULL: none */
	/* After it has finished as FLOW_PARTED: the children that answer in its place, in order. */
	const struct offspring *offspring;
	const struct explained *explained; /* of steps that explained it, the last first; NULL: none (explained.h) */
	struct listed_record *listed; /* by steps, to leave with it; NULL: none (listed_record.h) */
	/* In a later stage of its pipeline: the results of earlier stages. NULL in the first. */
	const struct carried *carried;
	struct text sender_reads; /* what the stage before it reads (stage_link.h); empty: nothing is known of that */
	int64_t passed_ms;	  /* when that stage passed it on, by the record's timestamp; 0: not known */
};

/* The time of the request, which windows for outcomes begin with: not its event time, which may be long ago. */
static inline int64_t message_request_ms(const struct message *message)
{
	return message->written_ms > 0 ? message->written_ms : message->time_ms;
}

/* Classifies the message's headers, in the arena. Without it, and when others have taken their place, message_header() compares
 * names. */
void message_classify_headers(struct message *message);

/* The last header of that name; NULL: there is none. */
static inline const struct header *message_header(const struct message *message, enum header_name name)
{
	const struct header_places *places = message->places;
	if (message->headers.count == 0)
		return NULL;
	if (!places || places->items != message->headers.items || places->last[name] > message->headers.count)
		return headers_find_last(message->headers, header_name_text(name));
	return places->last[name] > 0 ? &places->items[places->last[name] - 1] : NULL;
}

/* Gives a message without an id that of its payload, or the default of its gateway, or else one made of the topic, partition and
 * offset of its record. */
void message_identify(struct message *message);

/* A shadow request (`copied`) with that payload, which borrows only from its own arena. It asks for all
 * outputs, and has no line. NULL: the arena is full. */
struct message *message_copy(struct arena *arena, const struct message *message, const struct payload *payload);

/* A copy that borrows only from the arena, which fails if it is full. */
struct tensors tensors_copied(struct arena *arena, struct tensors tensors);

/* The message of which this one is a child, at any depth; without a parent, the message itself. */
static inline struct message *message_root(const struct message *message)
{
	while (message->parent)
		message = message->parent;
	return (struct message *)(uintptr_t)message; /* its owner may change it */
}

/* The answer to one message: a payload, or an error. */
struct answer {
	const struct payload *payload; /* NULL: see `error` */
	const struct error *error;
	const char *step;  /* the step that failed; NULL: before or after all of them */
	unsigned attempts; /* of that step; 0: it made no calls */
	int64_t outage_ms; /* when its steps last waited for an unreachable model, by their flow's clock; 0: never */
	/* Set to the number of JSON bytes in the body if binary data follows, else to 0: the value of the
	 * header OIP_LENGTH_HEADER (message/formats/oip_json.h). NULL: the caller sends no headers, and no answer has binary
	 * data. */
	size_t *header_length;
};

/* Selects the tensors of an answer's payload that the request asked for, in the payload's order: all, if it
 * named none. INPUT: it named one that is not there. */
bool answer_select_wanted(const struct message *message, const struct payload *payload, struct tensors *selected,
			  struct error *error);
