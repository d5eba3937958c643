/* service_ports.c: see service_ports.h. */
#include "tools/process/service_ports.h"

#define HTTP_PORT 8080 /* defaults of serviceConfig.http and serviceConfig.grpc */
#define GRPC_PORT 8081

static int port_choose(int64_t asked, const struct listener_spec *listener, int usual)
{
	if (asked >= 0)
		return (int)asked;
	if (!listener || !listener_is_wanted(listener))
		return 0;
	return listener->port > 0 ? (int)listener->port : usual;
}

struct service_ports service_ports_choose(int64_t http, int64_t grpc, const struct runtime_spec *runtime)
{
	return (struct service_ports){port_choose(http, runtime ? &runtime->http : NULL, HTTP_PORT),
				      port_choose(grpc, runtime ? &runtime->grpc : NULL, GRPC_PORT)};
}
