/* json_member.c: see json_member.h. */
#include "tools/view/json_member.h"

#include "message/json/json_write.h"

void member_number(struct buffer *out, const char *name, double number)
{
	buffer_print(out, ",\"%s\":", name);
	json_write_finite(out, number);
}

void member_count(struct buffer *out, const char *name, uint64_t count)
{
	buffer_print(out, ",\"%s\":%llu", name, (unsigned long long)count);
}

void member_flag(struct buffer *out, const char *name, bool flag)
{
	buffer_print(out, ",\"%s\":%s", name, flag ? "true" : "false");
}

void member_interval(struct buffer *out, const char *name, struct interval interval)
{
	buffer_print(out, ",\"%s\":[", name);
	json_write_finite(out, interval.low);
	json_write_finite_after(out, ",", interval.high);
	buffer_byte(out, ']');
}

double member_number_read(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);
	return json_is_number(member) ? json_number_value(member) : (double)NAN;
}
