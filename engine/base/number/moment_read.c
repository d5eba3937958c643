/* moment_read.c: Reader of points in time in ISO 8601; see moment.h. */
#include "base/number/moment.h"

#include "base/number/duration.h"

#define MINUTES_A_DAY 1440
#define MS_A_MINUTE INT64_C(60000)

struct moment_reading {
	const char *at, *end;
	bool bad;
};

static bool moment_at(const struct moment_reading *reading, const char *any)
{
	return reading->at < reading->end && *reading->at && strchr(any, *reading->at);
}

static void moment_expect(struct moment_reading *reading, const char *any)
{
	reading->bad = reading->bad || !moment_at(reading, any);
	reading->at += !reading->bad;
}

/* So many digits, within bounds. */
static int moment_digits(struct moment_reading *reading, int count, int least, int most)
{
	int number = 0;
	for (int i = 0; i < count && !reading->bad; i++) {
		reading->bad = !moment_at(reading, "0123456789");
		number = reading->bad ? 0 : number * 10 + (*reading->at++ - '0');
	}
	reading->bad = reading->bad || number < least || number > most;
	return number;
}

static bool year_is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first of a year, by leap days counted from the year 0. */
static int64_t days_before_year(int year)
{
	int64_t past = year - 1;
	return past * 365 + (year > 0 ? past / 4 - past / 100 + past / 400 + 1 : 0) - 719528 + 365;
}

static int64_t moment_date(struct moment_reading *reading)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = moment_digits(reading, 4, 0, 9999);
	moment_expect(reading, "-");
	int month = moment_digits(reading, 2, 1, 12);
	moment_expect(reading, "-");
	int length = reading->bad ? 31 : lengths[month - 1] + (month == 2 && year_is_leap(year));
	int64_t days = days_before_year(year) + moment_digits(reading, 2, 1, length) - 1;
	for (int i = 0; i + 1 < month && !reading->bad; i++)
		days += lengths[i] + (i == 1 && year_is_leap(year));
	return days;
}

/* `.250`, or `,250`: to the millisecond. */
static int64_t moment_fraction(struct moment_reading *reading)
{
	int64_t ms = 0;
	int scale = 100;
	moment_expect(reading, ".,");
	reading->bad = reading->bad || !moment_at(reading, "0123456789");
	for (; !reading->bad && moment_at(reading, "0123456789"); reading->at++) {
		ms += (*reading->at - '0') * scale;
		scale /= 10;
	}
	return ms;
}

/* Behind the date: milliseconds of the day, and less those by which the place is ahead of UTC. */
static int64_t moment_time(struct moment_reading *reading)
{
	moment_expect(reading, "Tt ");
	int64_t ms = moment_digits(reading, 2, 0, 23) * 60 * MS_A_MINUTE;
	moment_expect(reading, ":");
	ms += moment_digits(reading, 2, 0, 59) * MS_A_MINUTE;
	if (moment_at(reading, ":")) {
		moment_expect(reading, ":");
		ms += moment_digits(reading, 2, 0, 60) * MS_PER_S; /* 60: a leap second */
		if (moment_at(reading, ".,"))
			ms += moment_fraction(reading);
	}
	if (moment_at(reading, "Zz")) {
		reading->at++;
	} else if (moment_at(reading, "+-")) {
		int sign = *reading->at++ == '-' ? -1 : 1;
		int minutes = moment_digits(reading, 2, 0, 23) * 60;
		if (moment_at(reading, ":"))
			reading->at++;
		if (reading->at < reading->end)
			minutes += moment_digits(reading, 2, 0, 59);
		ms -= sign * minutes * MS_A_MINUTE;
	}
	return ms;
}

bool moment_read(struct text text, int64_t *ms)
{
	struct moment_reading reading = {text.bytes, text.bytes + text.length, text.length == 0};
	int64_t days = moment_date(&reading);
	int64_t inside = !reading.bad && reading.at < reading.end ? moment_time(&reading) : 0;
	if (reading.bad || reading.at != reading.end)
		return false;
	*ms = days * MINUTES_A_DAY * MS_A_MINUTE + inside;
	return true;
}
