/* findings.c: see findings.h. */
#include "tools/view/findings.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/url_mask.h"
#include "message/json/json_write.h"

#define FINDING_BYTES 512

static const char *const grade_names[] = {[GRADE_GOOD] = "good", [GRADE_WARNING] = "warning", [GRADE_FAULT] = "fault"};

static bool make_room(struct findings *findings)
{
	if (findings->count < findings->room)
		return true;
	size_t room = findings->room ? 2 * findings->room : 32;
	struct finding *items = ARENA_ARRAY(findings->arena, struct finding, room);
	if (!items)
		return false;
	if (findings->count > 0)
		memcpy(items, findings->items, findings->count * sizeof *items);
	findings->items = items;
	findings->room = room;
	return true;
}

void findings_add(struct findings *findings, enum grade grade, const char *subject, const char *advice, const char *format, ...)
{
	char words[FINDING_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	mask_string(words);
	const char *kept = arena_copy(findings->arena, words, strlen(words));
	findings->failed |= !kept || !make_room(findings);
	if (!findings->failed)
		findings->items[findings->count++] = (struct finding){grade, subject, kept, advice};
}

size_t findings_count(const struct findings *findings, enum grade grade)
{
	size_t count = 0;
	for (size_t i = 0; i < findings->count; i++)
		count += findings->items[i].grade == grade;
	return count;
}

static void print_text(const struct finding *finding, bool colour, struct buffer *out)
{
	/* Those of lint. Green and yellow are not readable on white. */
	static const char *const colours[] = {[GRADE_GOOD] = "", [GRADE_WARNING] = "\033[1;35m", [GRADE_FAULT] = "\033[1;31m"};
	buffer_print(out, "%s%-8s%s %-10s %s\n", colour ? colours[finding->grade] : "", grade_names[finding->grade],
		     colour ? "\033[0m" : "", finding->subject, finding->words);
	if (finding->advice && finding->grade != GRADE_GOOD)
		buffer_print(out, "%-8s %-10s %s\n", "", "", finding->advice);
}

static void print_json(const struct finding *finding, struct buffer *out)
{
	buffer_print(out, "{\"grade\":\"%s\",\"subject\":\"%s\",\"words\":", grade_names[finding->grade], finding->subject);
	json_write_string(out, text_of(finding->words));
	if (finding->advice && finding->grade != GRADE_GOOD) {
		buffer_print(out, ",\"advice\":");
		json_write_string(out, text_of(finding->advice));
	}
	buffer_print(out, "}");
}

void findings_print(const struct findings *findings, bool json, bool colour, struct buffer *out)
{
	size_t faults = findings_count(findings, GRADE_FAULT), warnings = findings_count(findings, GRADE_WARNING);
	if (json)
		buffer_print(out, "{\"faults\": %zu, \"warnings\": %zu, \"findings\": [", faults, warnings);
	for (size_t i = 0; i < findings->count; i++) {
		if (json) {
			buffer_string(out, i > 0 ? ",\n  " : "\n  ");
			print_json(&findings->items[i], out);
		} else {
			print_text(&findings->items[i], colour, out);
		}
	}
	if (json)
		buffer_string(out, "\n]}\n");
	else
		buffer_print(out, "%zu checked: %zu fault%s, %zu warning%s\n", findings->count, faults, faults == 1 ? "" : "s",
			     warnings, warnings == 1 ? "" : "s");
}
