/* kafka_setting.c: see kafka_setting.h. */
#include "compiler/resources/kafka_setting.h"

#include "base/secret.h"
#include "base/suggest.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/resource.h"

#define SETTING(of, kind_of, name_of, help_of)                                                                                     \
	{                                                                                                                          \
		.name = name_of, .clients = KAFKA_##of, .kind = KAFKA_SETTING_##kind_of, .help = help_of                           \
	}

const struct kafka_setting kafka_settings[] = {
	/* ---- login and encryption ---- */
	SETTING(BOTH, PASSED, "security.protocol", "plaintext, ssl, sasl_plaintext or sasl_ssl."),
	SETTING(BOTH, PASSED, "sasl.mechanism", "How clients log in: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, GSSAPI, OAUTHBEARER."),
	SETTING(BOTH, PASSED, "sasl.mechanisms", "The same."),
	SETTING(BOTH, PASSED, "sasl.username", "The user that logs in."),
	SETTING(BOTH, PASSED, "sasl.password", "Its password; better `env:SLUICE_SECRET_NAME` or `file:NAME`."),
	SETTING(BOTH, PRINCIPAL, "sasl.kerberos.service.name", "The brokers' Kerberos principal; letters, digits and `._/@-`."),
	SETTING(BOTH, PRINCIPAL, "sasl.kerberos.principal", "The client's Kerberos principal; letters, digits and `._/@-`."),
	SETTING(BOTH, PRINCIPAL, "sasl.kerberos.keytab", "The file of its keys; letters, digits and `._/@-`."),
	SETTING(BOTH, PASSED, "sasl.kerberos.min.time.before.relogin", "Time between two Kerberos logins."),
	SETTING(BOTH, PASSED, "sasl.oauthbearer.method", "default or oidc."),
	SETTING(BOTH, PASSED, "sasl.oauthbearer.config", "Claims of an unsecured token."),
	SETTING(BOTH, PASSED, "sasl.oauthbearer.client.id", "The id of the client that requests a token."),
	SETTING(BOTH, PASSED, "sasl.oauthbearer.client.secret", "Its secret; better `env:SLUICE_SECRET_NAME` or `file:NAME`."),
	SETTING(BOTH, PASSED, "sasl.oauthbearer.scope", "The scope of the token."),
	SETTING(BOTH, PASSED, "sasl.oauthbearer.extensions", "Pairs that are sent to the brokers with the token."),
	SETTING(BOTH, PASSED, "sasl.oauthbearer.token.endpoint.url", "The address at which tokens are requested."),
	SETTING(BOTH, PASSED, "enable.sasl.oauthbearer.unsecure.jwt", "Whether tokens without a signature are made, for tests."),
	SETTING(BOTH, FILE, "ssl.ca.location", "File or folder of the trusted authorities."),
	SETTING(BOTH, FILE, "ssl.certificate.location", "File of the client's certificate."),
	SETTING(BOTH, FILE, "ssl.key.location", "File of its key."),
	SETTING(BOTH, FILE, "ssl.keystore.location", "File of both, PKCS#12."),
	SETTING(BOTH, FILE, "ssl.crl.location", "File of certificates that were revoked."),
	SETTING(BOTH, FILE, "https.ca.location", "File of the authorities for the token endpoint."),
	SETTING(BOTH, PASSED, "ssl.ca.pem", "The authorities themselves, in PEM."),
	SETTING(BOTH, PASSED, "ssl.certificate.pem", "The client's certificate itself, in PEM."),
	SETTING(BOTH, PASSED, "ssl.key.pem", "Its key itself, in PEM; better `env:SLUICE_SECRET_NAME` or `file:NAME`."),
	SETTING(BOTH, PASSED, "ssl.key.password", "The key's password; better `env:SLUICE_SECRET_NAME` or `file:NAME`."),
	SETTING(BOTH, PASSED, "ssl.keystore.password", "The keystore's password; better `env:SLUICE_SECRET_NAME` or `file:NAME`."),
	SETTING(BOTH, PASSED, "ssl.cipher.suites", "Ciphers that may be used."),
	SETTING(BOTH, PASSED, "ssl.curves.list", "Curves that may be used."),
	SETTING(BOTH, PASSED, "ssl.sigalgs.list", "Signature algorithms that may be used."),
	SETTING(BOTH, PASSED, "ssl.endpoint.identification.algorithm", "https: the certificate must have the broker's name; none."),
	SETTING(BOTH, PASSED, "enable.ssl.certificate.verification", "Whether the brokers' certificates are verified."),

	/* ---- connections ---- */
	SETTING(BOTH, PASSED, "client.id", "The client's name in the brokers' logs and quotas."),
	SETTING(BOTH, PASSED, "client.rack", "Where the client runs, so that it reads from a replica nearby."),
	SETTING(BOTH, PASSED, "client.dns.lookup", "The addresses of a broker's name that are tried."),
	SETTING(BOTH, PASSED, "broker.address.family", "any, v4 or v6."),
	SETTING(BOTH, PASSED, "broker.address.ttl", "How long a broker's address is kept."),
	SETTING(BOTH, PASSED, "broker.version.fallback", "The version of brokers that do not report theirs."),
	SETTING(BOTH, PASSED, "api.version.request", "Whether brokers are asked for their version."),
	SETTING(BOTH, PASSED, "api.version.request.timeout.ms", "How long that may take."),
	SETTING(BOTH, PASSED, "api.version.fallback.ms", "How long a broker that did not answer counts as an old one."),
	SETTING(BOTH, PASSED, "socket.timeout.ms", "How long a request may take."),
	SETTING(BOTH, PASSED, "socket.connection.setup.timeout.ms", "The timeout of connecting."),
	SETTING(BOTH, PASSED, "socket.send.buffer.bytes", "The socket's buffer for what is sent."),
	SETTING(BOTH, PASSED, "socket.receive.buffer.bytes", "The socket's buffer for what is received."),
	SETTING(BOTH, PASSED, "socket.keepalive.enable", "Whether idle connections are kept alive."),
	SETTING(BOTH, PASSED, "socket.nagle.disable", "Whether small packets are sent at once."),
	SETTING(BOTH, PASSED, "socket.max.fails", "Failures after which a broker is disconnected."),
	SETTING(BOTH, PASSED, "connections.max.idle.ms", "Time after which an idle connection is closed."),
	SETTING(BOTH, PASSED, "reconnect.backoff.ms", "The first pause before a broker is connected to again."),
	SETTING(BOTH, PASSED, "reconnect.backoff.max.ms", "The longest such pause."),
	SETTING(BOTH, PASSED, "retry.backoff.ms", "The first pause before a request is tried again."),
	SETTING(BOTH, PASSED, "retry.backoff.max.ms", "The longest such pause."),
	SETTING(BOTH, PASSED, "message.max.bytes", "The largest request of a producer."),
	SETTING(BOTH, PASSED, "receive.message.max.bytes", "The largest response that is accepted."),
	SETTING(BOTH, PASSED, "max.in.flight", "Requests of one connection that wait for their response."),
	SETTING(BOTH, PASSED, "max.in.flight.requests.per.connection", "The same."),
	SETTING(BOTH, PASSED, "metadata.max.age.ms", "Age at which cached metadata of topics is discarded."),
	SETTING(BOTH, PASSED, "metadata.recovery.strategy", "What happens when no known broker is left."),
	SETTING(BOTH, PASSED, "metadata.recovery.rebootstrap.trigger.ms", "The time after which that happens."),
	SETTING(BOTH, PASSED, "topic.metadata.refresh.interval.ms", "How often the metadata of topics is refreshed."),
	SETTING(BOTH, PASSED, "topic.metadata.refresh.fast.interval.ms", "The same, while a topic is unknown."),
	SETTING(BOTH, PASSED, "topic.metadata.refresh.sparse", "Whether only topics in use are refreshed."),
	SETTING(BOTH, PASSED, "topic.metadata.propagation.max.ms", "How long a new topic may be unknown to brokers."),
	SETTING(BOTH, PASSED, "allow.auto.create.topics", "Whether the broker may create a requested topic."),
	SETTING(BOTH, PASSED, "debug", "What librdkafka logs of itself."),
	SETTING(BOTH, PASSED, "log_level", "How much it logs."),
	SETTING(BOTH, PASSED, "log.connection.close", "Whether it logs that a broker closed a connection."),

	/* ---- consumers ---- */
	SETTING(CONSUMER, PASSED, "auto.offset.reset", "Where a group without committed offsets begins: earliest or latest."),
	SETTING(CONSUMER, PASSED, "group.instance.id", "The member's name in its groups; the engine sets it (`--instance`)."),
	SETTING(CONSUMER, PASSED, "session.timeout.ms", "The time without a heartbeat after which a member is removed."),
	SETTING(CONSUMER, PASSED, "heartbeat.interval.ms", "The time between two heartbeats."),
	SETTING(CONSUMER, PASSED, "max.poll.interval.ms", "The longest time between two polls of a member."),
	SETTING(CONSUMER, PASSED, "coordinator.query.interval.ms", "How often the group's coordinator is queried."),
	SETTING(CONSUMER, PASSED, "queued.min.messages", "Records of each partition that are fetched ahead."),
	SETTING(CONSUMER, PASSED, "queued.max.messages.kbytes", "Memory for them."),
	SETTING(CONSUMER, PASSED, "fetch.wait.max.ms", "How long a broker waits for `fetch.min.bytes`."),
	SETTING(CONSUMER, PASSED, "fetch.queue.backoff.ms", "The pause before fetching again when the queue was full."),
	SETTING(CONSUMER, PASSED, "fetch.message.max.bytes", "The largest amount of data of one partition in a response."),
	SETTING(CONSUMER, PASSED, "max.partition.fetch.bytes", "The same."),
	SETTING(CONSUMER, PASSED, "fetch.max.bytes", "The largest amount of data of all partitions in a response."),
	SETTING(CONSUMER, PASSED, "fetch.min.bytes", "The least."),
	SETTING(CONSUMER, PASSED, "fetch.error.backoff.ms", "The pause after an error of fetching."),
	SETTING(CONSUMER, PASSED, "check.crcs", "Whether checksums of records are verified."),

	/* ---- producers ---- */
	SETTING(PRODUCER, PASSED, "linger.ms", "How long records wait to be sent in a batch."),
	SETTING(PRODUCER, PASSED, "queue.buffering.max.ms", "The same."),
	SETTING(PRODUCER, PASSED, "batch.size", "The largest number of bytes in a batch."),
	SETTING(PRODUCER, PASSED, "batch.num.messages", "The largest number of records in a batch."),
	SETTING(PRODUCER, PASSED, "compression.type", "none, gzip, snappy, lz4 or zstd."),
	SETTING(PRODUCER, PASSED, "compression.codec", "The same."),
	SETTING(PRODUCER, PASSED, "compression.level", "The compression level."),
	SETTING(PRODUCER, PASSED, "partitioner", "The partitioner; murmur2_random is that of Java."),
	SETTING(PRODUCER, PASSED, "sticky.partitioning.linger.ms", "How long records without a key go to one partition."),
	SETTING(PRODUCER, PASSED, "queue.buffering.max.messages", "Records that may wait in a producer."),
	SETTING(PRODUCER, PASSED, "queue.buffering.max.kbytes", "Memory for them."),
	SETTING(PRODUCER, PASSED, "queue.buffering.backpressure.threshold",
		"Requests in progress above which records wait for larger batches."),
	SETTING(PRODUCER, PASSED, "retries", "How often a batch is sent again."),
	SETTING(PRODUCER, PASSED, "message.send.max.retries", "The same."),
	SETTING(PRODUCER, PASSED, "request.timeout.ms", "How long a broker may take to acknowledge."),

	/* ---- the engine's own ---- */
	SETTING(BOTH, ENGINE, "bootstrap.servers", "Set in `kafkaConfig` itself, or by `--brokers`."),
	SETTING(BOTH, ENGINE, "metadata.broker.list", "The same."),
	SETTING(CONSUMER, ENGINE, "group.id", "Named after the pipeline."),
	SETTING(CONSUMER, ENGINE, "isolation.level", "read_committed: records of aborted transactions are not read."),
	SETTING(CONSUMER, ENGINE, "enable.auto.commit", "false: an offset is committed with its answer."),
	SETTING(CONSUMER, ENGINE, "enable.auto.offset.store", "false, for the same reason."),
	SETTING(CONSUMER, ENGINE, "enable.partition.eof", "Set by the engine where it reads to the end."),
	SETTING(CONSUMER, ENGINE, "partition.assignment.strategy", "range: the parts of one request reach one member."),
	SETTING(CONSUMER, ENGINE, "group.protocol", "classic: the engine takes part in the assignment."),
	SETTING(PRODUCER, ENGINE, "transactional.id", "Named after the group and the member."),
	SETTING(PRODUCER, ENGINE, "transaction.timeout.ms", "10 s; the engine depends on it."),
	SETTING(PRODUCER, ENGINE, "enable.idempotence",
		"true: what a producer sends again by itself, within `message.timeout.ms`, is written once. What is produced again "
		"may be there twice: with at-least-once delivery after a failure or a crash, and a request of `produce` or a "
		"gateway whose sender repeats it after no acknowledgement came in time."),
	SETTING(PRODUCER, ENGINE, "enable.gapless.guarantee", "Depends on how refused records are handled."),
	SETTING(PRODUCER, ENGINE, "acks", "all: an answer counts when all replicas have it."),
	SETTING(PRODUCER, ENGINE, "request.required.acks", "The same."),
	SETTING(PRODUCER, ENGINE, "message.timeout.ms",
		"For answers none with at-least-once delivery: the engine waits for a broker that is down. With exactly once that "
		"of the transaction, which is aborted then, and its requests run again. Requests of `produce` and of a gateway end "
		"after their timeouts; Kafka may have such a record all the same. Records of status are dropped after 10 s."),
	SETTING(PRODUCER, ENGINE, "delivery.timeout.ms", "The same."),
	SETTING(PRODUCER, ENGINE, "delivery.report.only.error", "Depends on the delivery."),

	/* ---- what runs code ---- */
	SETTING(BOTH, CODE, "plugin.library.paths", "Loads shared objects."),
	SETTING(BOTH, CODE, "sasl.kerberos.kinit.cmd", "A shell runs it."),
	SETTING(BOTH, CODE, "ssl.engine.location", "Loads a shared object."),
	SETTING(BOTH, CODE, "ssl.engine.id", "Loads an engine of OpenSSL."),
	SETTING(BOTH, CODE, "ssl.providers", "Loads providers of OpenSSL."),
	{0},
};

const struct kafka_setting *kafka_setting_find(const char *name)
{
	for (const struct kafka_setting *row = kafka_settings; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

const char *kafka_client_name(enum kafka_client clients)
{
	return clients == KAFKA_BOTH ? "both" : clients == KAFKA_CONSUMER ? "consumer" : "producer";
}

/* librdkafka writes these values into a command line and hands it to a shell. A leading dash would be an option of kinit; a
 * reference, whose value is not seen here, has a colon. */
static bool is_principal(const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/@-";
	return value[0] != '-' && value[strspn(value, plain)] == '\0';
}

bool kafka_setting_passes(const char *name, const char *value, enum kafka_client client)
{
	const struct kafka_setting *row = kafka_setting_find(name);
	if (!row || !(row->clients & client) || !value)
		return false;
	return row->kind == KAFKA_SETTING_PASSED || row->kind == KAFKA_SETTING_FILE ||
	       (row->kind == KAFKA_SETTING_PRINCIPAL && is_principal(value));
}

static const char *nearest_name(const char *name)
{
	struct suggestion suggestion = suggest_begin(text_of(name));
	for (const struct kafka_setting *row = kafka_settings; row->name; row++)
		if (row->kind == KAFKA_SETTING_PASSED || row->kind == KAFKA_SETTING_FILE)
			suggest_offer(&suggestion, text_of(row->name));
	return suggestion.nearest.bytes; /* names of the table end in a NUL */
}

static void check_setting(const struct client_setting *setting, enum kafka_client client, bool runtime, struct faults *faults)
{
	const char *name = setting->name.text;
	struct place place = setting->name.place;
	const struct kafka_setting *row = kafka_setting_find(name);
	if (!row)
		fault_add(faults, CODE_SETTING_NOT_PASSED, place, nearest_name(name),
			  "`%s` is not on the list of settings that a file may set, and is not passed to librdkafka", name);
	else if (row->kind == KAFKA_SETTING_CODE)
		fault_add(faults, CODE_SETTING_RUNS_CODE, place, NULL, "`%s` would load code or run a command", name);
	else if (row->kind == KAFKA_SETTING_PRINCIPAL && setting->value && !is_principal(setting->value))
		fault_add(faults, CODE_SETTING_RUNS_CODE, place, NULL,
			  "`%s` becomes part of a shell command: only letters, digits and `._/@-` are allowed", name);
	else if (row->kind == KAFKA_SETTING_ENGINE)
		fault_add(faults, CODE_SETTING_NOT_PASSED, place, NULL,
			  "`%s` is set by the engine, and is not passed to librdkafka", name);
	else if (!(row->clients & client))
		fault_add(faults, CODE_SETTING_NOT_PASSED, place, NULL,
			  "`%s` is a setting of the %s, and is not passed to the %s", name, kafka_client_name(row->clients),
			  kafka_client_name(client));
	else if (row->kind == KAFKA_SETTING_FILE && !runtime)
		fault_add(faults, CODE_SETTING_NOT_PASSED, place, NULL,
			  "`%s` names a file, and files are accepted only in a SeldonRuntime", name);
	else if (setting->value && secret_fault(setting->value))
		fault_add(faults, CODE_BAD_SECRET, place, NULL, "`%s`: %s", name, secret_fault(setting->value));
}

void kafka_settings_check(const struct item_list *settings, enum kafka_client client, bool runtime, struct faults *faults)
{
	const struct client_setting *items = settings->items;
	for (size_t i = 0; i < settings->count; i++)
		if (items[i].name.text)
			check_setting(&items[i], client, runtime, faults);
}
