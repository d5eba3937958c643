/* mapped_cell.c: see mapped_cell.h. */
#include "message/avro/mapped_cell.h"

#include <math.h>

#include "base/number/number.h"

#define SHOWN_BYTES_MAX 40

static bool float_of(const struct cell *cell, double *number)
{
	struct decimal decimal;
	switch (cell->kind) {
	case CELL_NOTHING:
		return false;
	case CELL_FLAG:
		*number = cell->value.flag;
		return true;
	case CELL_INTEGER:
		*number = (double)cell->value.integer;
		return true;
	case CELL_NUMBER:
		*number = cell->value.number;
		return true;
	case CELL_NUMERAL:
		(void)decimal_scan(cell->value.text, &decimal);
		*number = decimal_to_double(&decimal);
		return isfinite(*number);
	case CELL_TEXT:
		break;
	}
	struct text text = cell->value.text;
	*number = text_equal_caseless(text, TEXT("nan")) ? (double)NAN : (double)INFINITY;
	if (isnan(*number) || text_equal_caseless(text, TEXT("inf")) || text_equal_caseless(text, TEXT("infinity")))
		return true;
	*number = -(double)INFINITY;
	if (text_equal_caseless(text, TEXT("-inf")) || text_equal_caseless(text, TEXT("-infinity")))
		return true;
	return number_read_double(text, number);
}

static bool store_float(const struct cell *cell, enum datatype datatype, void *elements, size_t index)
{
	double number;
	struct decimal decimal;
	if (!float_of(cell, &number))
		return false;
	if (datatype == DATATYPE_FP32 && cell->kind == CELL_NUMERAL) { /* rounded once, from the decimal */
		(void)decimal_scan(cell->value.text, &decimal);
		float narrow = decimal_to_float(&decimal);
		((float *)elements)[index] = narrow;
		return isfinite(narrow);
	}
	(void)tensor_store(elements, datatype, index, number);
	struct tensor stored = {.data = elements, .datatype = datatype, .count = index + 1};
	return !isfinite(number) || isfinite(tensor_number(&stored, index));
}

static bool integer_of(const struct cell *cell, int64_t *number, uint64_t *natural)
{
	struct decimal decimal;
	*natural = 0;
	switch (cell->kind) {
	case CELL_NOTHING:
		return false;
	case CELL_FLAG:
		*number = cell->value.flag;
		return true;
	case CELL_INTEGER:
		*number = cell->value.integer;
		return true;
	case CELL_NUMBER:
		/* cppcheck-suppress incorrectLogicOperator; it misreads numbers with an exponent of two */
		if (!(cell->value.number >= -0x1p63 && cell->value.number < 0x1p63) ||
		    cell->value.number != floor(cell->value.number))
			return false;
		*number = (int64_t)cell->value.number;
		return true;
	case CELL_NUMERAL:
	case CELL_TEXT:
		break;
	}
	if (decimal_scan(cell->value.text, &decimal) != cell->value.text.length || cell->value.text.length == 0)
		return false;
	if (decimal_to_int64(&decimal, number))
		return true;
	*number = INT64_MAX;
	return decimal_to_uint64(&decimal, natural); /* beyond int64: only UINT64 holds it */
}

static bool store_integer(const struct cell *cell, enum datatype datatype, void *elements, size_t index)
{
	const struct datatype_row *row = &datatype_rows[datatype];
	int64_t number;
	uint64_t natural;
	if (!integer_of(cell, &number, &natural))
		return false;
	unsigned bits = (unsigned)row->size * 8;
	if (row->class == CLASS_SIGNED) {
		int64_t most = INT64_MAX >> (64 - bits);
		if (natural || number > most || number < -most - 1)
			return false;
	} else {
		if (number < 0 && !natural)
			return false;
		natural = natural ? natural : (uint64_t)number;
		if (natural > UINT64_MAX >> (64 - bits))
			return false;
		number = (int64_t)natural;
	}
	/* Little-endian: the lower bytes stand first. */
	memcpy((char *)elements + index * row->size, &number, row->size);
	return true;
}

static bool store_bool(const struct cell *cell, void *elements, size_t index)
{
	bool flag = cell->kind == CELL_FLAG ? cell->value.flag : cell->kind == CELL_TEXT && text_is(cell->value.text, "true");
	((uint8_t *)elements)[index] = flag;
	return cell->kind == CELL_FLAG || flag || (cell->kind == CELL_TEXT && text_is(cell->value.text, "false"));
}

bool cell_text(const struct cell *cell, struct arena *arena, struct text *text)
{
	char *made;
	switch (cell->kind) {
	case CELL_NOTHING:
		return false;
	case CELL_FLAG:
		*text = cell->value.flag ? TEXT("true") : TEXT("false");
		return true;
	case CELL_INTEGER:
	case CELL_NUMBER:
		made = arena_take_raw(arena, NUMBER_TEXT_MAX);
		if (!made)
			return false;
		*text = (struct text){made, cell->kind == CELL_INTEGER ? number_write_int64(made, cell->value.integer)
								       : number_write_double(made, cell->value.number)};
		return true;
	case CELL_NUMERAL:
	case CELL_TEXT:
		break;
	}
	*text = cell->value.text;
	return true;
}

bool cell_store(const struct cell *cell, enum datatype datatype, void *elements, size_t index, struct arena *arena)
{
	switch (datatype_rows[datatype].class) {
	case CLASS_BOOL:
		return store_bool(cell, elements, index);
	case CLASS_UNSIGNED:
	case CLASS_SIGNED:
		return store_integer(cell, datatype, elements, index);
	case CLASS_FLOAT:
		return store_float(cell, datatype, elements, index);
	case CLASS_BYTES:
		break;
	}
	return cell_text(cell, arena, &((struct text *)elements)[index]);
}

const char *cell_shown(const struct cell *cell, struct arena *arena)
{
	struct text text;
	if (!cell_text(cell, arena, &text))
		return "null";
	size_t length = text.length;
	/* Not within a character; bytes that are none may be cut anywhere, and are then left out. */
	while (length > 0 &&
	       (length > SHOWN_BYTES_MAX || (length < text.length && ((unsigned char)text.bytes[length] & 0xC0) == 0x80)))
		length--;
	const char *quote = cell->kind == CELL_TEXT ? "\"" : "";
	const char *shown = arena_print(arena, "%s%.*s%s%s", quote, (int)length, text.bytes, length < text.length ? "..." : "",
					quote);
	return shown ? shown : "a value";
}
