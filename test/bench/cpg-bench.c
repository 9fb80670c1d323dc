/*
 * A bare process on libcpg for engines.mjs: the same commands and answers as engine-node.mjs, one JSON document a
 * line, read with sscanf since only engines.mjs writes them. The argument is the number of members to wait for.
 */
#include <corosync/cpg.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static unsigned long delivered, bytes, wanted, pings_left, pings;
static unsigned int self;
static int sending, pinging;
static size_t size = 64;
static char payload[1048576];
static double *times, begun;
static cpg_handle_t cpg;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int multicast(void)
{
	struct iovec part = {payload, size};
	return cpg_mcast_joined(cpg, CPG_TYPE_AGREED, &part, 1) == CS_OK;
}

static void ping(void)
{
	begun = now();
	while (!multicast())
		usleep(100);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void on_message(cpg_handle_t handle, const struct cpg_name *group, uint32_t node,
		       uint32_t pid, void *message, size_t length)
{
	(void)handle, (void)group, (void)message;
	delivered++;
	bytes += length;
	if (!pinging || node != self || pid != (uint32_t)getpid())
		return;
	times[pings - pings_left] = now() - begun;
	if (--pings_left > 0)
		return ping();
	pinging = 0;
	qsort(times, pings, sizeof(double), by_size);
	printf("{\"type\":\"pinged\",\"p50\":%f,\"p99\":%f}\n", times[pings / 2],
	       times[pings * 99 / 100]);
}

static void on_change(cpg_handle_t handle, const struct cpg_name *group,
		      const struct cpg_address *members, size_t count,
		      const struct cpg_address *left, size_t left_count,
		      const struct cpg_address *joined, size_t joined_count)
{
	(void)handle, (void)group, (void)members, (void)left, (void)left_count, (void)joined,
		(void)joined_count;
	if (count == wanted)
		printf("{\"type\":\"ready\"}\n");
}

static void obey(const char *line)
{
	char type[16] = "";
	const char *number = strstr(line, "\"size\":");
	struct rusage usage;
	sscanf(line, "{\"type\":\"%15[a-z]", type);
	if (number != NULL)
		size = strtoul(number + 7, NULL, 10);
	if (size > 1000000)
		size = 1000000;
	sending = strcmp(type, "send") == 0 || (sending && strcmp(type, "count") == 0);
	if (strcmp(type, "count") == 0) {
		getrusage(RUSAGE_SELF, &usage);
		printf("{\"type\":\"counted\",\"delivered\":%lu,\"bytes\":%lu,\"at\":%f,\"rss\":%ld}\n",
		       delivered, bytes, now(), usage.ru_maxrss * 1024);
	}
	number = strstr(line, "\"rounds\":");
	if (strcmp(type, "ping") == 0 && number != NULL) {
		pings = pings_left = strtoul(number + 9, NULL, 10);
		times = realloc(times, pings * sizeof(double));
		pinging = 1;
		ping();
	}
}

int main(int argc, char **argv)
{
	cpg_callbacks_t callbacks = {on_message, on_change};
	struct cpg_name group = {5, "bench"};
	struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.events = POLLIN}};
	char line[256];
	int room = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	if (cpg_initialize(&cpg, &callbacks) != CS_OK || cpg_local_get(cpg, &self) != CS_OK ||
	    cpg_fd_get(cpg, &fds[1].fd) != CS_OK || cpg_join(cpg, &group) != CS_OK)
		return 1;
	for (;;) {
		poll(fds, 2, sending ? !room : -1);
		if (fds[0].revents != 0) {
			if (fgets(line, sizeof(line), stdin) == NULL)
				break;
			obey(line);
		}
		if (fds[1].revents != 0 && cpg_dispatch(cpg, CS_DISPATCH_ALL) != CS_OK)
			return 1;
		room = sending && multicast();
	}
	cpg_finalize(cpg);
	return 0;
}
