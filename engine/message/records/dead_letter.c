/* dead_letter.c: see dead_letter.h. */
#include "message/records/dead_letter.h"

#include "message/record_form.h"

/* A dead letter as its record has it: with the error's parts. */
struct letter_record {
	struct dead_letter letter;
	int32_t kind; /* from 0: ERROR_CONFIG */
	struct text text, file;
	int64_t line, column;
	int32_t attempts;
};

static const struct record_field header_fields[] = {
	RECORD_ROW(TEXT, struct header, name),
	{.type = RECORD_FIELD_TEXT, .offset = offsetof(struct header, value), .until = 1},
	RECORD_ADDED(2, OPTIONAL, struct header, value),
	RECORD_END,
};

static const struct record_field letter_fields[] = {
	RECORD_ROW(TEXT, struct letter_record, letter.id),
	RECORD_CHOICE(struct letter_record, kind, ERROR_SYSTEM - ERROR_CONFIG + 1),
	RECORD_ROW(TEXT, struct letter_record, text),
	RECORD_ROW(TEXT, struct letter_record, file),
	RECORD_ROW(NUMBER, struct letter_record, line),
	RECORD_ROW(NUMBER, struct letter_record, column),
	RECORD_ROW(STRING, struct letter_record, letter.pipeline),
	RECORD_ROW(STRING, struct letter_record, letter.step),
	RECORD_ROW(INT, struct letter_record, attempts),
	RECORD_ROW(TEXT, struct letter_record, letter.origin.topic),
	RECORD_ROW(INT, struct letter_record, letter.origin.partition),
	RECORD_ROW(NUMBER, struct letter_record, letter.origin.offset),
	RECORD_ROW(NUMBER, struct letter_record, letter.time_ms),
	RECORD_ROW(NUMBER, struct letter_record, letter.failed_ms),
	RECORD_ROW(OPTIONAL, struct letter_record, letter.key),
	RECORD_LIST(struct letter_record, letter.headers.count, letter.headers.items, header_fields, struct header),
	RECORD_ROW(TEXT, struct letter_record, letter.payload),
	RECORD_END,
};

static _Atomic uint64_t schema_name;
static const struct record_form letter_form = {.schema = "error",
					       .called = "dead letter",
					       .fields = letter_fields,
					       .bytes = sizeof(struct letter_record),
					       .schema_name = &schema_name,
					       .formers = {UINT64_C(0xedb8bdfed19f3ec1)}}; /* all headers had values */

bool dead_letter_encode(const struct dead_letter *letter, struct buffer *out, struct error *error)
{
	const struct error *failure = letter->error;
	const struct letter_record record = {.letter = *letter,
					     .kind = (int32_t)(failure->kind - ERROR_CONFIG),
					     .text = text_of(failure->text),
					     .file = text_of(failure->place.file),
					     .line = failure->place.line,
					     .column = failure->place.column,
					     .attempts = letter->attempts > 0 ? (int32_t)letter->attempts : 1};
	return record_encode(&letter_form, &record, out, error);
}

static const struct error *failure_make(const struct letter_record *record, struct arena *arena)
{
	struct error *failure = ARENA_NEW(arena, struct error);
	const char *file = arena_copy(arena, record->file.bytes, record->file.length);
	if (failure && file)
		error_set(failure, (enum error_kind)(record->kind + ERROR_CONFIG),
			  (struct place){file, (unsigned)record->line, (unsigned)record->column}, TEXT_FORMAT,
			  TEXT_ARGUMENTS(record->text));
	return failure;
}

bool dead_letter_decode(struct text bytes, struct arena *arena, struct dead_letter *letter, struct error *error)
{
	struct letter_record record;
	if (!record_is_of(&letter_form, record_schema(bytes)))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the record is not a dead letter; is this an errors topic?");
	if (!record_decode(&letter_form, bytes, arena, &record, error))
		return false;
	*letter = record.letter;
	letter->error = failure_make(&record, arena);
	letter->attempts = (unsigned)record.attempts;
	return !arena_failed(arena) || error_memory(error, ERROR_LIMIT, "reading a dead letter");
}
