/* ledger_records.c: Records of a ledger: how their bytes are kept and checked, and the entries by which they are found. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "control/records/ledger_parts.h"
#include "base/table.h"

void *ledger_entry_find(const struct ledger *ledger, struct text key)
{
	struct text value;
	void *kept = NULL;
	if (table_read(ledger->by_key, key, &value) && value.length == sizeof kept)
		memcpy(&kept, value.bytes, sizeof kept);
	return kept;
}

bool ledger_entry_put(struct ledger *ledger, struct text key, void *kept, struct error *error)
{
	return table_put(ledger->by_key, key, (struct text){(const char *)&kept, sizeof kept}, false) ||
	       error_memory(error, ERROR_SYSTEM, "reading the control topic");
}

void ledger_entry_forget(struct ledger *ledger, struct text key)
{
	(void)table_put(ledger->by_key, key, (struct text){0}, false);
}

void *ledger_named_find(const struct ledger *ledger, ledger_key *write, struct text name)
{
	struct buffer key;
	buffer_open(&key, LEDGER_KEY_BYTES_MAX);
	write(name, &key);
	void *kept = buffer_failed(&key) ? NULL : ledger_entry_find(ledger, buffer_view(&key));
	buffer_close(&key);
	return kept;
}

bool ledger_named_put(struct ledger *ledger, ledger_key *write, struct text name, void *kept, struct error *error)
{
	struct buffer key;
	buffer_open(&key, LEDGER_KEY_BYTES_MAX);
	write(name, &key);
	bool good = buffer_failed(&key) ? error_memory(error, ERROR_SYSTEM, "reading the control topic")
					: ledger_entry_put(ledger, buffer_view(&key), kept, error);
	buffer_close(&key);
	return good;
}

void ledger_named_forget(struct ledger *ledger, ledger_key *write, struct text name)
{
	struct buffer key;
	buffer_open(&key, LEDGER_KEY_BYTES_MAX);
	write(name, &key);
	ledger_entry_forget(ledger, buffer_view(&key));
	buffer_close(&key);
}

/* ---- names and lists ---- */

bool ledger_name_keep(struct text *kept, struct text name, struct error *error)
{
	char *bytes = memory_take_raw(name.length);
	if (!bytes)
		return error_memory(error, ERROR_SYSTEM, "reading the control topic");
	memcpy(bytes, name.bytes, name.length);
	*kept = (struct text){bytes, name.length};
	return true;
}

void *ledger_gap_open(void *items, size_t *count, size_t at, struct error *error)
{
	assert(at <= *count);
	void **grown = memory_resize(items, *count + 1, sizeof *grown);
	if (!grown) {
		error_memory(error, ERROR_SYSTEM, "reading the control topic");
		return NULL;
	}
	memmove(grown + at + 1, grown + at, (*count - at) * sizeof *grown);
	++*count;
	return grown;
}

void ledger_gap_close(void *items, size_t *count, size_t at)
{
	assert(at < *count);
	void **list = items;
	memmove(list + at, list + at + 1, (*count - at - 1) * sizeof *list);
	--*count;
}

/* ---- records ---- */

bool ledger_record_refuse(struct ledger *ledger, enum ledger_refusal refusal, struct error *error, const char *format, ...)
{
	char words[ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	ledger->refused[refusal]++;
	return error_set(error, ERROR_INPUT, PLACE_NONE, "%s", words);
}

bool ledger_list_keep(struct record_list *list, size_t item_bytes, void **kept)
{
	*kept = list->count > 0 ? memory_take_raw(list->count * item_bytes) : NULL;
	if (*kept)
		memcpy(*kept, list->items, list->count * item_bytes);
	list->items = *kept;
	return *kept || list->count == 0;
}

bool ledger_record_keep(struct ledger *ledger, const struct record_form *form, struct text value, struct arena *arena, char **bytes,
			void *record, struct error *error)
{
	struct error reason = {0};
	*bytes = memory_take_raw(value.length);
	if (!*bytes)
		return error_memory(error, ERROR_SYSTEM, "reading the control topic");
	memcpy(*bytes, value.bytes, value.length);
	if (record_decode(form, (struct text){*bytes, value.length}, arena, record, &reason))
		return true;
	if (reason.kind == ERROR_SYSTEM)
		return error_memory(error, ERROR_SYSTEM, "reading the control topic");
	return ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error, "%s", reason.text);
}

bool ledger_number_is_valid(int64_t number)
{
	return number >= 1 && number <= CONTROL_NUMBER_MAX;
}

bool ledger_record_fits(struct ledger *ledger, struct text key, const struct buffer *expected, struct text namespace,
			int64_t time_ms, int64_t epoch, int64_t now_ms, struct error *error)
{
	if (!text_is(namespace, ledger->namespace))
		return ledger_record_refuse(ledger, LEDGER_REFUSED_NAMESPACE, error,
				     "record `" TEXT_FORMAT "` is of the namespace `" TEXT_FORMAT "`, and this one is `%s`",
				     TEXT_ARGUMENTS(key), TEXT_ARGUMENTS(namespace), ledger->namespace);
	if (buffer_failed(expected) || !text_equal(key, buffer_view(expected)))
		return ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error,
				     "record `" TEXT_FORMAT "` holds `" TEXT_FORMAT "`; only the keeper may write to this topic",
				     TEXT_ARGUMENTS(key), TEXT_ARGUMENTS(buffer_view(expected)));
	if (time_ms > now_ms && time_ms - now_ms > CONTROL_FUTURE_MS)
		return ledger_record_refuse(ledger, LEDGER_REFUSED_FUTURE, error,
				     "record `" TEXT_FORMAT "` is %" PRId64 " s from the future; set the clocks of the engines",
				     TEXT_ARGUMENTS(key), (time_ms - now_ms) / 1000);
	if (epoch > CONTROL_NUMBER_MAX)
		return ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error,
				     "record `" TEXT_FORMAT "` has an epoch that no keeper has", TEXT_ARGUMENTS(key));
	if (epoch < ledger->epoch)
		return ledger_record_refuse(ledger, LEDGER_REFUSED_FORMER, error,
				     "record `" TEXT_FORMAT "` is of a keeper that was replaced (epoch %" PRId64 ", now %" PRId64
				     ")",
				     TEXT_ARGUMENTS(key), epoch, ledger->epoch);
	ledger->epoch = epoch;
	return true;
}

bool ledger_key_split(struct text key, struct text *prefix, int64_t *version)
{
	size_t at = key.length;
	int64_t number = 0;
	while (at > 0 && key.bytes[at - 1] != '@')
		at--;
	if (at == 0 || at == key.length || key.length - at > 18)
		return false;
	for (size_t i = at; i < key.length; i++) {
		if (key.bytes[i] < '0' || key.bytes[i] > '9')
			return false;
		number = number * 10 + (key.bytes[i] - '0');
	}
	*prefix = (struct text){key.bytes, at - 1};
	*version = number;
	return true;
}
