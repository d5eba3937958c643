/* kafka_access.h: Addresses, settings and logins with which a client connects to Kafka, or to its registry of schemas. */
#pragma once

#include "kafka/record.h"
#include "kafka/topics/registry.h"
#include "net/tls.h"

struct kafka {
	const char *brokers;
	struct properties consumer, producer; /* from kafkaConfig */
	struct properties topics;	      /* for topics that are created */
	struct registry_access {
		const char *url;   /* NULL: no registry */
		const char *login; /* NULL: no login */
		struct tls_files files;
	} registry;
};

/* What a client of the registry needs; it borrows. */
static inline struct registry_config kafka_registry(const struct kafka *kafka)
{
	return (struct registry_config){
		.url = kafka->registry.url, .login = kafka->registry.login, .files = &kafka->registry.files};
}
