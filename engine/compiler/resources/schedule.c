/* schedule.c: Check of five-field cron schedules; only their form is checked. */
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/rows.h"

struct schedule_field {
	const char *name;
	int least, most;
	const char *words; /* three letters each, from `least` on; NULL: numbers alone */
};

static const struct schedule_field fields[] = {
	{"minute", 0, 59, NULL},
	{"hour", 0, 23, NULL},
	{"day of the month", 1, 31, NULL},
	{"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
	{"day of the week", 0, 7, "SUNMONTUEWEDTHUFRISAT"},
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

/* A number or a word from `*at` on; false when neither stands there, or out of range. */
static bool take_number(const struct schedule_field *field, struct text text, size_t *at, int *number)
{
	struct text rest = text_from(text, *at);
	for (int i = 0; field->words && rest.length >= 3 && field->words[i] != '\0'; i += 3)
		if (text_equal_caseless((struct text){rest.bytes, 3}, (struct text){field->words + i, 3})) {
			*number = field->least + i / 3;
			*at += 3;
			return true;
		}
	size_t begin = *at;
	for (*number = 0; *at < text.length && *at - begin < 3 && text.bytes[*at] >= '0' && text.bytes[*at] <= '9'; ++*at)
		*number = *number * 10 + (text.bytes[*at] - '0');
	return *at > begin && *number >= field->least && *number <= field->most;
}

/* One of the parts between commas: a star, a number or a range, perhaps with a step. */
static bool is_part(const struct schedule_field *field, struct text part)
{
	size_t at = 0;
	int from = field->least, to = field->most;
	if (part.length > 0 && part.bytes[0] == '*') {
		at = 1;
	} else {
		if (!take_number(field, part, &at, &from))
			return false;
		if (at < part.length && part.bytes[at] == '-') {
			at++;
			if (!take_number(field, part, &at, &to) || to < from)
				return false;
		}
	}
	if (at == part.length)
		return true;
	const struct schedule_field step = {.least = 1, .most = 59};
	int number;
	return part.bytes[at++] == '/' && take_number(&step, part, &at, &number) && at == part.length;
}

static bool is_field(const struct schedule_field *field, struct text text)
{
	for (;;) {
		const char *comma = memchr(text.bytes, ',', text.length);
		struct text part = {text.bytes, comma ? (size_t)(comma - text.bytes) : text.length};
		if (!is_part(field, part))
			return false;
		if (!comma)
			return true;
		text = (struct text){comma + 1, text.length - part.length - 1};
	}
}

void schedule_check(struct name schedule, struct faults *faults)
{
	const char *at = schedule.text;
	size_t count = 0;
	for (;; count++) {
		at += strspn(at, " \t");
		struct text text = {at, strcspn(at, " \t")};
		if (text.length == 0)
			break;
		if (count < FIELD_COUNT && !is_field(&fields[count], text)) {
			fault_add(faults, CODE_BAD_SCHEDULE, schedule.place, NULL,
				  "`%s`: `" TEXT_FORMAT "` is not a %s, which goes from %d to %d", schedule.text,
				  TEXT_ARGUMENTS(text), fields[count].name, fields[count].least, fields[count].most);
			return;
		}
		at += text.length;
	}
	if (count != FIELD_COUNT)
		fault_add(faults, CODE_BAD_SCHEDULE, schedule.place, NULL, "`%s` has %zu fields, and a schedule has %zu",
			  schedule.text, count, FIELD_COUNT);
}
