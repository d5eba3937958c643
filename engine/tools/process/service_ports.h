/* service_ports.h: Ports of a gateway in an engine's process: those of options, else those of the files' serviceConfig. Pure. */
#pragma once

#include "compiler/resources/resource.h"

struct service_ports {
	int http, grpc; /* 0: neither the options nor the files name one */
};

/* Ports of options, which are -1 if they are not given. `runtime` NULL: the files have none. */
struct service_ports service_ports_choose(int64_t http, int64_t grpc, const struct runtime_spec *runtime);
