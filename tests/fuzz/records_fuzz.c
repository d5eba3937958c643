/* records_fuzz.c: hostile bytes on topics that only engines write: what goes from stage to
 * stage, answers, dead letters and what is replayed of them, statuses. Nothing crashes or takes more memory than the
 * bytes account for, and what is read can be read to its end. The first byte chooses.
 *
 * seeds: tests/data/records/[a-z]*.bin
 */
#include <stdlib.h>

#include "bodies.h"
#include "message/avro/schemas.h"
#include "message/records/answer_exposures.h"
#include "message/records/answer_label.h"
#include "message/records/stage_link.h"
#include "mutate.h"
#include "observe/status.h"
#include "tools/client/data/dead_letters.h"
#include "tools/client/data/replaying.h"

static volatile unsigned char seen;

static void look_at(struct text text)
{
	for (size_t i = 0; i < text.length; i++)
		seen ^= (unsigned char)text.bytes[i];
}

static void look_at_payload(const struct payload *payload)
{
	const struct message message = {.arena = fuzz_arena(), .format = &format_oip_json, .payload = *payload};
	look_at(fuzz_answer(&message));
}

static void refused(const struct error *error)
{
	if (error->kind != ERROR_INPUT && error->kind != ERROR_LIMIT)
		abort();
}

static void look_at_carried(const struct carried *carried)
{
	for (size_t i = 0; i < carried->count; i++) {
		const struct given *given = &carried->items[i];
		look_at(given->step);
		look_at(given->only_to);
		if (given->state == GIVEN_CAME)
			look_at_payload(given->payload);
		if (given->state == GIVEN_FAILED)
			look_at(text_of(given->error->text));
	}
}

/* A record that is read whole has a head, and the same one; and it can come a second time, from another stage. */
static void crossing_run(struct text bytes)
{
	struct message message = {.arena = fuzz_arena()};
	struct stage_link stage_link = {0};
	struct stage_link_head head;
	struct error error = {0};
	bool peeked = stage_link_peek(bytes, &head, &error);
	if (!peeked)
		refused(&error);
	error = (struct error){0};
	if (!stage_link_decode(&message, bytes, &stage_link, &error)) {
		refused(&error);
		return;
	}
	if (!peeked || !text_equal(head.from, stage_link.from) || !text_equal(head.id, message.id))
		abort();
	look_at(stage_link.original);
	look_at(stage_link.key);
	look_at_carried(message.carried);
	if (stage_link.request)
		look_at_payload(&message.payload);
	if (!stage_link_add(&message, bytes, &stage_link, &error))
		refused(&error);
	else
		look_at_carried(message.carried);
}

/* The exposures that an answer carries, in records of times that a stranger may write. */
static void choices_run(const struct decoded_answer *answer)
{
	static const int64_t times_ms[] = {1700000000000, -1, INT64_MAX, INT64_MIN};
	struct answered_choice choices[ASSIGNED_MAX];
	struct exposure exposure;
	char room[LABEL_ROOM];
	size_t count = 0;
	struct error error = {0};
	if (answer->lists.length == 0 || !answer_choices_read(answer, choices, &count, &error))
		return;
	for (size_t i = 0; i < count; i++) {
		(void)answered_choice_is_kept_out(&choices[i]);
		for (size_t j = 0; j < sizeof times_ms / sizeof *times_ms; j++)
			if (answer_exposure_make(answer, &choices[i], TEXT("key"), times_ms[j], room, &exposure, &error))
				look_at(exposure.prediction);
	}
}

static void answer_run(struct text bytes)
{
	struct decoded_answer answer = {0};
	struct error error = {0};
	if (!answer_decode((struct headers){0}, bytes, NULL, fuzz_arena(), &answer, &error)) {
		refused(&error);
		return;
	}
	look_at(answer.id);
	look_at(answer.kind);
	look_at(answer.words);
	if (answer.readable)
		look_at_payload(&answer.payload);
	choices_run(&answer);
}

/* It has the letter's bytes, and each name that is set stands in it once. */
static void replay_run(const struct dead_letter *letter)
{
	struct replay_request request;
	struct error error = {0};
	size_t ids = 0, deadlines = 0;
	bool is_text;
	look_at(letter_request(letter, fuzz_arena(), &is_text));
	if (!replay_request_make(letter, 1, fuzz_arena(), &request, &error))
		return; /* the arena is full */
	for (size_t i = 0; i < request.headers.count; i++) {
		look_at(request.items[i].name);
		look_at(request.items[i].value);
		ids += text_equal_caseless(request.items[i].name, TEXT("x-request-id"));
		deadlines += text_equal_caseless(request.items[i].name, TEXT(DEADLINE_HEADER));
	}
	if (!text_equal(request.payload, letter->payload) || request.headers.count > letter->headers.count + REPLAY_HEADERS_ADDED ||
	    (letter->id.length > 0 && ids != 1) || (headers_find(letter->headers, TEXT(DEADLINE_HEADER)) && deadlines != 1))
		abort();
}

static void letter_run(struct text bytes)
{
	struct dead_letter letter;
	struct error error = {0};
	if (!dead_letter_decode(bytes, fuzz_arena(), &letter, &error)) {
		refused(&error);
		return;
	}
	look_at(letter.id);
	look_at(letter.key);
	look_at(letter.payload);
	look_at(text_of(letter.error->text));
	for (size_t i = 0; i < letter.headers.count; i++) {
		look_at(letter.headers.items[i].name);
		look_at(letter.headers.items[i].value);
	}
	replay_run(&letter);
}

static void status_run(struct text bytes)
{
	struct status status;
	struct error error = {0};
	if (!status_read(bytes, fuzz_arena(), &status, &error)) {
		refused(&error);
		return;
	}
	look_at(status.instance);
	look_at(status.pipeline);
	look_at(status.why);
	look_at(status.version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const runs[])(struct text) = {crossing_run, answer_run, letter_run, status_run};
	if (size == 0)
		return 0;
	fuzz_begin();
	runs[data[0] % (sizeof runs / sizeof *runs)]((struct text){(const char *)data + 1, size - 1});
	return 0;
}

#define HEAD_BYTES 11 /* the choice, and the fingerprint of the schema */

/* What a record holds changes, behind its head. A status is JSON. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const schemas[] = {"crossing", "response", "error", NULL};
	const char *schema = size > 0 ? schemas[data[0] % (sizeof schemas / sizeof *schemas)] : NULL;
	if (size > 1 && !schema)
		return 1 + mutate_json(data + 1, size - 1, max - 1, seed);
	if (size <= HEAD_BYTES)
		return LLVMFuzzerMutate(data, size, max);
	return HEAD_BYTES + mutate_avro(schema_json(schema), data + HEAD_BYTES, size - HEAD_BYTES, max - HEAD_BYTES, seed);
}
