/* dead_letters.c: see dead_letters.h. */
#include "tools/client/data/dead_letters.h"

#include "base/clock.h"
#include "base/number/number.h"
#include "kafka/consume/reader.h"
#include "message/formats/oip_json.h"

#define LETTER_ARENA_BYTES ((size_t)1 << 30)
#define REQUEST_TEXT_MAX ((size_t)256 << 20)

struct dead_letters_reading {
	const struct dead_letters_wanted *wanted;
	const struct dead_letters_reader *reader;
	struct arena *arena; /* of one letter */
	int64_t since_ms;    /* of the day; 0: whenever */
	bool *met;	     /* of each name, whether a letter answered to it */
	uint64_t strange;
};

/* ---- which are meant ---- */

/* PARTITION:OFFSET. */
static bool place_read(struct text name, int64_t *partition, int64_t *offset)
{
	const char *colon = memchr(name.bytes, ':', name.length);
	return colon && number_read_int64((struct text){name.bytes, (size_t)(colon - name.bytes)}, partition) &&
	       number_read_int64((struct text){colon + 1, name.length - (size_t)(colon - name.bytes) - 1}, offset);
}

static bool is_at(const char *name, const struct found_letter *found)
{
	int64_t partition, offset;
	return place_read(text_of(name), &partition, &offset) && partition == found->partition && offset == found->offset;
}

static bool is_named(struct dead_letters_reading *reading, const struct found_letter *found)
{
	bool named = reading->wanted->name_count == 0;
	for (size_t i = 0; i < reading->wanted->name_count; i++) {
		const char *name = reading->wanted->names[i];
		if (is_at(name, found) || text_is(found->letter.id, name))
			named = reading->met[i] = true;
	}
	return named;
}

static bool is_wanted(struct dead_letters_reading *reading, const struct found_letter *found)
{
	const struct dead_letters_wanted *wanted = reading->wanted;
	if (wanted->kind && !text_equal_caseless(text_of(wanted->kind), text_of(error_kind_name(found->letter.error->kind))))
		return false;
	if (wanted->step && strcmp(wanted->step, found->letter.step) != 0)
		return false;
	if (found->letter.failed_ms < reading->since_ms)
		return false;
	return is_named(reading, found);
}

static bool all_met(const struct dead_letters_reading *reading, const struct pipeline_target *target, struct error *error)
{
	for (size_t i = 0; i < reading->wanted->name_count; i++)
		if (!reading->met[i])
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "%s has no dead letter `%s`; `sluice errors list` lists those that it has", target->errors,
					 reading->wanted->names[i]);
	return true;
}

/* ---- reading ---- */

/* False: it is no mark. */
static bool mark_read(const struct record *record, int64_t *partition, int64_t *offset)
{
	static const size_t begin = sizeof LETTER_REPLAYED_KEY - 1;
	return record->value.length == 0 && record->key.length > begin &&
	       memcmp(record->key.bytes, LETTER_REPLAYED_KEY, begin) == 0 &&
	       place_read(text_from(record->key, begin), partition, offset) &&
	       *partition >= 0 && *partition <= INT32_MAX;
}

static bool dead_letters_take(void *context, const struct record *record, struct error *error)
{
	struct dead_letters_reading *reading = context;
	struct found_letter found = {.partition = record->partition, .offset = record->offset};
	struct error wrong = {0};
	int64_t partition, offset;
	if (mark_read(record, &partition, &offset))
		return !reading->reader->replayed ||
		       reading->reader->replayed(reading->reader->context, (int32_t)partition, offset, record->time_ms, error);
	arena_reset(reading->arena);
	if (!dead_letter_decode(record->value, reading->arena, &found.letter, &wrong)) {
		reading->strange++;
		return wrong.kind == ERROR_INPUT || error_set(error, wrong.kind, wrong.place, "%s", wrong.text);
	}
	return !is_wanted(reading, &found) || reading->reader->found(reading->reader->context, &found, error);
}

static bool check_kind(const char *kind, struct error *error)
{
	for (enum error_kind known = ERROR_CONFIG; kind && known <= ERROR_SYSTEM; known++)
		if (text_equal_caseless(text_of(kind), text_of(error_kind_name(known))))
			return true;
	return !kind || error_set(error, ERROR_CONFIG, PLACE_NONE,
				  "there is no kind of error `%s`; write INPUT, REMOTE, SYSTEM or CONFIG", kind);
}

bool dead_letters_read(const struct workspace *workspace, const struct pipeline_target *target,
		       const struct dead_letters_wanted *wanted, const struct dead_letters_reader *letters, struct error *error)
{
	assert(letters->found && target->errors);
	const struct reader_config config = {.brokers = target->kafka.brokers,
					     .topic = target->errors,
					     .from_beginning = true,
					     .properties = target->kafka.consumer};
	struct dead_letters_reading reading = {.wanted = wanted, .reader = letters, .arena = arena_open(LETTER_ARENA_BYTES)};
	if (wanted->since_ns > 0)
		reading.since_ms = time_of_day_ms() - wanted->since_ns / NS_PER_MS;
	struct arena *names = arena_open(LETTER_ARENA_BYTES);
	reading.met = names ? ARENA_ARRAY(names, bool, wanted->name_count + 1) : NULL;
	bool good = check_kind(wanted->kind, error);
	good = good && ((reading.arena && reading.met) || error_memory(error, ERROR_SYSTEM, "reading dead letters"));
	good = good && topic_give_all(&config, dead_letters_take, &reading, error) && all_met(&reading, target, error);
	if (reading.strange > 0)
		workspace_note(workspace,
			       reading.strange == 1 ? "%llu record is not a dead letter and was left out"
						    : "%llu records are not dead letters and were left out",
			       (unsigned long long)reading.strange);
	arena_close(names);
	arena_close(reading.arena);
	return good;
}

bool dead_letter_take(const struct record *record, struct arena *arena, struct dead_letter *letter)
{
	struct error strange = {0};
	arena_reset(arena);
	return record->value.length > 0 && dead_letter_decode(record->value, arena, letter, &strange);
}

/* ---- requests ---- */

static struct text dead_letters_translate(const struct dead_letter *letter, struct arena *arena)
{
	struct message message = {.arena = arena, .headers = letter->headers};
	struct error wrong = {0};
	struct buffer json;
	struct text text = {0};
	buffer_open(&json, REQUEST_TEXT_MAX);
	if (message_decode(&message, letter->payload, NULL, &wrong) &&
	    oip_json_encode_request(&message.payload, message.payload_id, &json, NULL, &wrong)) {
		text.bytes = arena_copy(arena, json.bytes, json.length);
		text.length = text.bytes ? json.length : 0;
	}
	buffer_close(&json);
	return text;
}

struct text letter_request(const struct dead_letter *letter, struct arena *arena, bool *translated)
{
	*translated = !text_is_utf8(letter->payload) || memchr(letter->payload.bytes, '\0', letter->payload.length);
	return *translated ? dead_letters_translate(letter, arena) : letter->payload;
}
