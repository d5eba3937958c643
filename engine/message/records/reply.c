/* reply.c: see reply.h. */
#include "message/records/reply.h"

#include <inttypes.h>
#include <stdio.h>

#include "message/json/json_write.h"

#define PIPELINE_BYTES_MAX 253 /* of a resource's name (RFC 1123, subdomain) */

/* ---- addresses ---- */

/* Takes what is before the next slash. False: nothing is. */
static bool part_take(struct text *rest, struct text *part)
{
	*part = text_take_until(rest, '/');
	return part->length > 0;
}

/* As it is written: without leading zeros. */
static bool natural_read(struct text digits, uint64_t *number)
{
	return digits_read(digits, 10, number) && (digits.length == 1 || digits.bytes[0] != '0');
}

static bool epoch_read(struct text digits, uint64_t *epoch)
{
	uint64_t read = 0;
	if (digits.length != REPLY_EPOCH_DIGITS)
		return false;
	for (size_t i = 0; i < REPLY_EPOCH_DIGITS; i++) {
		char c = digits.bytes[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
		if (digit > 15)
			return false;
		read = read << 4 | digit;
	}
	*epoch = read;
	return true;
}

/* Takes the digits behind the epoch's, whatever they are. */
static struct text secret_take(struct text *epoch)
{
	if (epoch->length != REPLY_EPOCH_DIGITS + REPLY_SECRET_DIGITS)
		return (struct text){"", 0};
	epoch->length = REPLY_EPOCH_DIGITS;
	return (struct text){epoch->bytes + REPLY_EPOCH_DIGITS, REPLY_SECRET_DIGITS};
}

bool reply_address_read(struct text value, struct reply_address *address)
{
	struct text rest = value, partition, epoch, call;
	uint64_t number;
	*address = (struct reply_address){0};
	if (value.length >= REPLY_ADDRESS_BYTES_MAX || !part_take(&rest, &partition) || !natural_read(partition, &number) ||
	    number > REPLY_PARTITION_MAX || !part_take(&rest, &epoch))
		return false;
	const bool ends = epoch.bytes + epoch.length == value.bytes + value.length;
	address->secret = secret_take(&epoch);
	address->partition = (int32_t)number;
	if (!epoch_read(epoch, &address->epoch))
		return false;
	if (ends)
		return true;
	if (!part_take(&rest, &call) || !natural_read(call, &address->call) || address->call == 0)
		return false;
	address->pipeline = rest;
	return rest.length > 0 && rest.length <= PIPELINE_BYTES_MAX && !memchr(rest.bytes, '/', rest.length);
}

bool reply_address_has(struct text value, struct text begin, uint64_t *call)
{
	struct text rest, digits;
	uint64_t number;
	if (begin.length == 0 || value.length <= begin.length || memcmp(value.bytes, begin.bytes, begin.length) != 0 ||
	    value.bytes[begin.length] != '/')
		return false;
	rest = text_from(value, begin.length + 1);
	if (!part_take(&rest, &digits) || !natural_read(digits, &number) || number == 0 || rest.length == 0)
		return false;
	*call = number;
	return true;
}

size_t reply_address_extend(char out[REPLY_ADDRESS_BYTES_MAX], size_t length, uint64_t call, struct text pipeline)
{
	assert(pipeline.length > 0 && pipeline.length <= PIPELINE_BYTES_MAX);
	out[length++] = '/';
	length += number_write_uint64(out + length, call);
	out[length++] = '/';
	memcpy(out + length, pipeline.bytes, pipeline.length);
	return length + pipeline.length;
}

size_t reply_address_write(const struct reply_address *address, char out[REPLY_ADDRESS_BYTES_MAX])
{
	assert(address->pipeline.length <= PIPELINE_BYTES_MAX && address->secret.length <= REPLY_SECRET_DIGITS);
	size_t length = number_write_int64(out, address->partition);
	out[length++] = '/';
	length += number_write_hex(out + length, address->epoch, REPLY_EPOCH_DIGITS);
	if (address->secret.length > 0)
		memcpy(out + length, address->secret.bytes, address->secret.length);
	length += address->secret.length;
	return address->pipeline.length > 0 ? reply_address_extend(out, length, address->call, address->pipeline) : length;
}

/* ---- errors ---- */

const char *reply_limit_name(const struct error *error)
{
	if (error->kind != ERROR_LIMIT || error->limit == LIMIT_OF_ENGINE)
		return NULL;
	static const char *const names[] = {[LIMIT_OF_DEADLINE] = "deadline",
					    [LIMIT_OF_ADMISSION] = "admission",
					    [LIMIT_OF_WARMUP] = "warmup",
					    [LIMIT_OF_CANCEL] = REPLY_LIMIT_CANCEL,
					    [LIMIT_OF_ANSWER] = REPLY_LIMIT_ANSWER,
					    [LIMIT_OF_EXPIRY] = "expiry"};
	return names[error->limit];
}

/* As in an error body. Returns the length; 0: there is no such place, or it is too long. */
static size_t place_print(const struct place *place, char out[REPLY_PLACE_BYTES_MAX])
{
	if (!place->file || place->line == 0)
		return 0;
	const int length =
		snprintf(out, REPLY_PLACE_BYTES_MAX, "%s:%u:%u", place->file, (unsigned)place->line, (unsigned)place->column);
	return length > 0 && length < REPLY_PLACE_BYTES_MAX ? (size_t)length : 0;
}

/* "tensor": the error is an INPUT by a tensor's shape or datatype; NULL: it is another one. */
static const char *reply_input_name(const struct error *error)
{
	return error->kind == ERROR_INPUT && error->of_tensor ? REPLY_INPUT_TENSOR : NULL;
}

struct header reply_cause(const struct error *error)
{
	const char *limit = reply_limit_name(error), *input = reply_input_name(error);
	if (limit)
		return (struct header){TEXT(REPLY_LIMIT_HEADER), text_of(limit)};
	return input ? (struct header){TEXT(REPLY_INPUT_HEADER), text_of(input)} : (struct header){0};
}

size_t reply_error_headers(const struct answer *answer, struct header items[REPLY_ERROR_HEADERS_MAX], struct reply_details *details)
{
	const struct header cause = answer->error ? reply_cause(answer->error) : (struct header){0};
	size_t count = 0;
	if (!answer->error)
		return 0;
	if (cause.name.bytes)
		items[count++] = cause;
	const size_t length = place_print(&answer->error->place, details->place);
	if (length > 0)
		items[count++] = (struct header){TEXT(REPLY_PLACE_HEADER), {details->place, length}};
	if (answer->step)
		items[count++] = (struct header){TEXT(REPLY_STEP_HEADER), text_of(answer->step)};
	if (answer->attempts > 0)
		items[count++] = (struct header){TEXT(REPLY_ATTEMPTS_HEADER),
						 {details->attempts, number_write_uint64(details->attempts, answer->attempts)}};
	return count;
}

bool reply_header_is_own(struct text name)
{
	static const struct text prefix = {"sluice-", 7};
	return name.length >= prefix.length && text_equal_caseless((struct text){name.bytes, prefix.length}, prefix);
}

bool reply_is_end_only(struct text value, struct headers headers)
{
	return !value.bytes && headers_find(headers, TEXT(REPLY_OUTCOME_HEADER));
}

static void place_write(struct buffer *out, const struct reply_failure *failure)
{
	const struct place *place = &failure->error->place;
	if (place->file && place->line > 0) {
		json_write_string_after(out, TEXT(",\"place\":"), text_of(place->file));
		out->length -= out->length > 0; /* the closing quote */
		buffer_print(out, ":%u:%u\"", (unsigned)place->line, (unsigned)place->column);
	} else if (failure->origin.topic.length > 0) {
		buffer_print(out, ",\"place\":\"" TEXT_FORMAT "/%d/%" PRId64 "\"", TEXT_ARGUMENTS(failure->origin.topic),
			     (int)failure->origin.partition, failure->origin.offset);
	} else if (failure->where.length > 0) {
		json_write_string_after(out, TEXT(",\"place\":"), failure->where);
	}
}

void reply_error_write(struct buffer *out, const struct reply_failure *failure)
{
	json_write_string_after(out, TEXT("{\"error\":"), text_of(failure->error->text));
	buffer_print(out, ",\"kind\":\"%s\"", error_kind_name(failure->error->kind));
	place_write(out, failure);
	if (failure->step.length > 0)
		json_write_string_after(out, TEXT(",\"step\":"), failure->step);
	if (failure->attempts > 0)
		buffer_print(out, ",\"attempts\":%u", failure->attempts);
	if (failure->id.length > 0)
		json_write_string_after(out, TEXT(",\"id\":"), failure->id);
	buffer_byte(out, '}');
}
