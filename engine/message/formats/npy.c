/* npy.c: see npy.h. A file is the magic bytes, a version, the length of the header, the header (a Python dictionary of three
 * entries, as text), and the elements. */
#include "message/formats/npy.h"

#include "base/number/number.h"
#include "message/formats/raw.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES (sizeof MAGIC - 1)
#define VERSION_BYTES 2
#define CODE_POINT_BYTES 4 /* of an element of U */
#define UTF8_BYTES_MAX 4   /* of a code point */
#define TYPE_SHOWN 20      /* characters of a type that is refused */
#define ITEM_BYTES_MAX ((uint64_t)1 << 24)

struct npy {
	struct text name;
	char order;	    /* of the bytes: < or |, or > */
	char type;	    /* b, i, u, f, U, S */
	uint64_t item_size; /* in bytes; of U in code points */
	int64_t shape[TENSOR_RANK_MAX];
	size_t rank;
	bool is_fortran;
	struct text elements;
	struct arena *arena;
	struct error *error;
};

static bool npy_refuse(const struct npy *npy, const char *what)
{
	return error_set(npy->error, ERROR_INPUT, PLACE_NONE, "the file of tensor " TEXT_FORMAT " %s", TEXT_ARGUMENTS(npy->name),
			 what);
}

/* ---- the header ---- */

static bool npy_take(struct text *rest, struct text word)
{
	if (!text_starts_with(*rest, word))
		return false;
	*rest = (struct text){rest->bytes + word.length, rest->length - word.length};
	return true;
}

static void skip_blanks(struct text *rest)
{
	while (npy_take(rest, TEXT(" ")) || npy_take(rest, TEXT("\n")))
		;
}

/* Takes a text in quotes. */
static bool take_quoted(struct text *rest, struct text *quoted)
{
	if (!npy_take(rest, TEXT("'")) || !memchr(rest->bytes, '\'', rest->length))
		return false;
	*quoted = text_take_until(rest, '\'');
	return true;
}

static bool descr_read(struct npy *npy, struct text *rest)
{
	struct text descr;
	if (!take_quoted(rest, &descr) || descr.length < 3)
		return npy_refuse(npy, "has a type of several fields or objects; save each column as an array of its own");
	npy->order = descr.bytes[0];
	npy->type = descr.bytes[1];
	const struct text size = text_from(descr, 2);
	if (memchr("<>|=", npy->order, 4) && memchr("biufUS", npy->type, 6) && number_read_uint64(size, &npy->item_size) &&
	    npy->item_size <= ITEM_BYTES_MAX)
		return true;
	return error_set(npy->error, ERROR_INPUT, PLACE_NONE,
			 "the file of tensor " TEXT_FORMAT " has elements of type `%.*s`; convert them by astype() to bool, an "
			 "integer, float or text",
			 TEXT_ARGUMENTS(npy->name), descr.length < TYPE_SHOWN ? (int)descr.length : TYPE_SHOWN, descr.bytes);
}

static bool order_read(struct npy *npy, struct text *rest)
{
	npy->is_fortran = npy_take(rest, TEXT("True"));
	return npy->is_fortran || npy_take(rest, TEXT("False")) ||
	       npy_refuse(npy, "has no `fortran_order`; save it with numpy.save()");
}

static bool shape_read(struct npy *npy, struct text *rest)
{
	if (!npy_take(rest, TEXT("(")) || !memchr(rest->bytes, ')', rest->length))
		return npy_refuse(npy, "has no `shape`; save it with numpy.save()");
	struct text list = text_take_until(rest, ')');
	for (npy->rank = 0; list.length > 0; npy->rank++) {
		struct text number = text_trimmed(text_take_until(&list, ','), " ");
		if (number.length == 0 && list.length == 0 && npy->rank > 0)
			break;
		if (npy->rank == TENSOR_RANK_MAX)
			return npy_refuse(npy, "has more dimensions than the 16 that a tensor may have");
		if (!number_read_int64(number, &npy->shape[npy->rank]) || npy->shape[npy->rank] < 0)
			return npy_refuse(npy, "has a `shape` that is none; save it with numpy.save()");
	}
	return true;
}

static bool header_read(struct npy *npy, struct text rest)
{
	static const struct {
		const char *key;
		bool (*read)(struct npy *npy, struct text *rest);
	} entries[] = {{"descr", descr_read}, {"fortran_order", order_read}, {"shape", shape_read}};
	const size_t count = sizeof entries / sizeof *entries;
	unsigned found = 0;
	bool good = npy_take(&rest, TEXT("{"));
	for (skip_blanks(&rest); good && !npy_take(&rest, TEXT("}")); skip_blanks(&rest)) {
		struct text key;
		size_t entry = 0;
		good = take_quoted(&rest, &key) && npy_take(&rest, TEXT(":"));
		while (good && entry < count && !text_is(key, entries[entry].key))
			entry++;
		if (!good || entry == count)
			return npy_refuse(npy, "has a broken header; save it with numpy.save()");
		skip_blanks(&rest);
		if (!entries[entry].read(npy, &rest))
			return false;
		found |= 1U << entry;
		(void)npy_take(&rest, TEXT(","));
	}
	return (good && found == (1U << count) - 1) || npy_refuse(npy, "has a broken header; save it with numpy.save()");
}

/* Splits the file into its header and its elements. */
static bool file_read_parts(struct npy *npy, struct text bytes, struct text *header)
{
	const unsigned char *at = (const unsigned char *)bytes.bytes;
	if (!text_starts_with(bytes, TEXT(MAGIC)) || bytes.length < MAGIC_BYTES + VERSION_BYTES + sizeof(uint32_t))
		return npy_refuse(npy, "is no .npy file; save it with numpy.save()");
	const unsigned char major = at[MAGIC_BYTES];
	if (major < 1 || major > 3)
		return npy_refuse(npy, "has a version that is not known: those of .npy are 1 to 3");
	at += MAGIC_BYTES + VERSION_BYTES;
	size_t length = (size_t)at[0] | (size_t)at[1] << 8;
	if (major > 1)
		length |= (size_t)at[2] << 16 | (size_t)at[3] << 24;
	const size_t before = MAGIC_BYTES + VERSION_BYTES + (major > 1 ? sizeof(uint32_t) : sizeof(uint16_t));
	if (length > bytes.length - before)
		return npy_refuse(npy, "ends inside its header; save it again");
	*header = (struct text){bytes.bytes + before, length};
	npy->elements = (struct text){bytes.bytes + before + length, bytes.length - before - length};
	return true;
}

/* ---- the elements ---- */

static bool datatype_of(const struct npy *npy, enum datatype *datatype)
{
	static const struct {
		char type;
		uint64_t size;
		enum datatype datatype;
	} rows[] = {
		{'b', 1, DATATYPE_BOOL},   {'u', 1, DATATYPE_UINT8}, {'u', 2, DATATYPE_UINT16}, {'u', 4, DATATYPE_UINT32},
		{'u', 8, DATATYPE_UINT64}, {'i', 1, DATATYPE_INT8},  {'i', 2, DATATYPE_INT16},	{'i', 4, DATATYPE_INT32},
		{'i', 8, DATATYPE_INT64},  {'f', 2, DATATYPE_FP16},  {'f', 4, DATATYPE_FP32},	{'f', 8, DATATYPE_FP64},
	};
	if (npy->type == 'U' || npy->type == 'S') {
		*datatype = DATATYPE_BYTES;
		return true;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].type == npy->type && rows[i].size == npy->item_size) {
			*datatype = rows[i].datatype;
			return true;
		}
	}
	return npy_refuse(npy, "has numbers of a size that no tensor has; convert them by astype(numpy.float64)");
}

/* The elements with the bytes of each turned round. */
static bool turn_round(struct npy *npy)
{
	const size_t size = npy->item_size, count = npy->elements.length / size;
	char *turned = arena_take_raw(npy->arena, npy->elements.length);
	if (!turned)
		return error_memory(npy->error, ERROR_LIMIT, "reading a .npy file");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < size; j++)
			turned[i * size + j] = npy->elements.bytes[i * size + size - 1 - j];
	npy->elements.bytes = turned;
	npy->elements.length = count * size;
	return true;
}

/* Writes a code point as UTF-8. Returns the end; NULL: it is none. */
static char *utf8_put(char *to, uint32_t code)
{
	static const struct {
		uint32_t end;
		unsigned char first, more;
	} rows[] = {{0x80, 0x00, 0}, {0x800, 0xC0, 1}, {0x10000, 0xE0, 2}, {0x110000, 0xF0, 3}};
	size_t row = 0;
	while (row < 4 && code >= rows[row].end)
		row++;
	if (row == 4 || (code >= 0xD800 && code < 0xE000))
		return NULL;
	const unsigned more = rows[row].more;
	*to++ = (char)(rows[row].first | code >> 6 * more);
	for (unsigned i = more; i > 0; i--)
		*to++ = (char)(0x80 | (code >> 6 * (i - 1) & 0x3F));
	return to;
}

static uint32_t code_point_at(const char *bytes, bool is_big)
{
	uint32_t code;
	memcpy(&code, bytes, sizeof code);
	return is_big ? __builtin_bswap32(code) : code;
}

/* An element of U, without the zeros at its end. */
static bool unicode_read(const struct npy *npy, const char *from, struct text *element)
{
	const bool is_big = npy->order == '>';
	size_t length = npy->item_size;
	while (length > 0 && code_point_at(from + (length - 1) * CODE_POINT_BYTES, is_big) == 0)
		length--;
	char *begin = arena_take_raw(npy->arena, length * UTF8_BYTES_MAX), *to = begin;
	if (!begin)
		return error_memory(npy->error, ERROR_LIMIT, "reading a .npy file");
	for (size_t i = 0; i < length && to; i++)
		to = utf8_put(to, code_point_at(from + i * CODE_POINT_BYTES, is_big));
	if (!to)
		return npy_refuse(npy, "has a text with a number that is no character; save it again");
	*element = (struct text){begin, (size_t)(to - begin)};
	return true;
}

static bool texts_read(const struct npy *npy, struct text *elements, size_t count)
{
	const size_t size = npy->type == 'U' ? npy->item_size * CODE_POINT_BYTES : npy->item_size;
	for (size_t i = 0; i < count; i++) {
		const char *from = npy->elements.bytes + i * size;
		elements[i] = (struct text){from, size};
		while (npy->type == 'S' && elements[i].length > 0 && from[elements[i].length - 1] == '\0')
			elements[i].length--;
		if (npy->type == 'U' && !unicode_read(npy, from, &elements[i]))
			return false;
	}
	return true;
}

static bool elements_read(struct npy *npy, struct tensor *tensor)
{
	const size_t size = npy->type == 'U' ? npy->item_size * CODE_POINT_BYTES : npy->item_size;
	if (npy->elements.length != tensor->count * size)
		return error_set(npy->error, ERROR_INPUT, PLACE_NONE,
				 "the file of tensor " TEXT_FORMAT " has %zu bytes of elements, and its shape and type take %zu; "
				 "save it again",
				 TEXT_ARGUMENTS(npy->name), npy->elements.length, tensor->count * size);
	if (tensor->datatype == DATATYPE_BYTES) {
		struct text *elements = ARENA_ARRAY(npy->arena, struct text, tensor->count);
		tensor->data = elements;
		return elements ? texts_read(npy, elements, tensor->count)
				: error_memory(npy->error, ERROR_LIMIT, "reading a .npy file");
	}
	return (npy->order != '>' || size == 1 || turn_round(npy)) && raw_read(tensor, npy->elements, npy->arena, npy->error);
}

struct tensor *npy_read(struct text name, struct text bytes, struct arena *arena, struct error *error)
{
	struct npy npy = {.name = name, .arena = arena, .error = error};
	struct text header;
	enum datatype datatype = DATATYPE_BYTES;
	size_t count;
	if (!file_read_parts(&npy, bytes, &header) || !header_read(&npy, header) || !datatype_of(&npy, &datatype) ||
	    !shape_count(name, npy.shape, npy.rank, &count, error))
		return NULL;
	if (npy.is_fortran && npy.rank > 1)
		return error_null(npy_refuse(&npy, "is in Fortran's order; save numpy.ascontiguousarray() of it"));
	struct tensor *tensor = arena_take(arena, 1, sizeof *tensor + npy.rank * sizeof *npy.shape);
	if (!tensor)
		return error_null(error_memory(error, ERROR_LIMIT, "reading a .npy file"));
	memcpy(tensor + 1, npy.shape, npy.rank * sizeof *npy.shape);
	tensor->name = name;
	tensor->shape = (int64_t *)(tensor + 1);
	tensor->rank = (uint32_t)npy.rank;
	tensor->count = count;
	tensor->datatype = datatype;
	return elements_read(&npy, tensor) ? tensor : NULL;
}
