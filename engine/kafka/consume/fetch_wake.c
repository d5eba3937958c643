/* fetch_wake.c: see fetch_wake.h. */
#include "kafka/consume/fetch_wake.h"

#include "kafka/client_setting.h"

#define BACKOFF_SINCE 0x020200ff
#define CREDENTIAL_BYTES 4096 /* of a user's name, or a password: longer ones are not given again, and nothing is woken */
#define KBYTE 1024

const char *fetch_wake_backoff_ms(void)
{
	return rd_kafka_version() >= BACKOFF_SINCE ? "5" : NULL;
}

void fetch_wake_begin(struct fetch_wake *wake, rd_kafka_t *client)
{
	const rd_kafka_conf_t *configuration = rd_kafka_conf(client);
	*wake = (struct fetch_wake){.client = client, .looks_itself = fetch_wake_backoff_ms() != NULL};
	wake->records_due = client_setting_size(configuration, "queued.min.messages") / 2 + 1;
	wake->bytes_due = (client_setting_size(configuration, "queued.max.messages.kbytes") / 2 + 1) * KBYTE;
}

/* False: it is too long. One that is not set is empty. */
static bool credential(const rd_kafka_conf_t *configuration, const char *name, char value[CREDENTIAL_BYTES])
{
	size_t needed = 0, room = CREDENTIAL_BYTES;
	value[0] = '\0';
	if (rd_kafka_conf_get(configuration, name, NULL, &needed) != RD_KAFKA_CONF_OK || needed == 0)
		return true;
	return needed <= CREDENTIAL_BYTES && rd_kafka_conf_get(configuration, name, value, &room) == RD_KAFKA_CONF_OK;
}

static void threads_wake(rd_kafka_t *client)
{
	char user[CREDENTIAL_BYTES], password[CREDENTIAL_BYTES];
	const rd_kafka_conf_t *configuration = rd_kafka_conf(client);
	if (credential(configuration, "sasl.username", user) && credential(configuration, "sasl.password", password))
		rd_kafka_error_destroy(rd_kafka_sasl_set_credentials(client, user, password));
}

void fetch_wake_note(struct fetch_wake *wake, size_t records, size_t bytes, bool is_empty)
{
	if (wake->looks_itself)
		return;
	wake->records += records;
	wake->bytes += bytes;
	const bool is_half = records > 0 && (wake->records >= wake->records_due || wake->bytes >= wake->bytes_due);
	const bool is_dropped = is_empty && wake->drops;
	if (!is_half && !is_dropped)
		return;
	wake->records = wake->bytes = 0;
	wake->drops = wake->drops && !is_empty;
	threads_wake(wake->client);
}

void fetch_wake_change(struct fetch_wake *wake)
{
	wake->drops = true;
	threads_wake(wake->client);
}
