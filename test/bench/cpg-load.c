/*
 * One member of a process group under load, on libcpg: what cpg-load.mjs is on our own client. Joins the group
 * "bench", prints "ready" and obeys lines on standard input, each answered with a line of JSON:
 *
 *   load SIZE START_NS END_NS WINDOW   counts deliveries from START to END (CLOCK_MONOTONIC); with WINDOW > 0 it
 *                                      sends from 300 ms before START on, at most WINDOW own messages undelivered
 *   latency ROUNDS SIZE                one message after the other, each until its own delivery
 *
 * cc -O2 -o cpg-load cpg-load.c -lcpg -lpthread
 */
#include <corosync/cpg.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP_NS 300000000LL
#define SIZE_MAX_BYTES 1048576

static cpg_handle_t handle;
static uint32_t self_node, self_pid;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t own_delivered = PTHREAD_COND_INITIALIZER;
static uint64_t delivered, own, refused;
static char payload[SIZE_MAX_BYTES];

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void sleep_until(int64_t when)
{
	int64_t left;
	while ((left = when - now_ns()) > 0)
		usleep(left / 1000 + 1);
}

static void on_message(cpg_handle_t from, const struct cpg_name *group, uint32_t node, uint32_t pid,
		       void *message, size_t length)
{
	(void)from, (void)group, (void)message, (void)length;
	pthread_mutex_lock(&lock);
	delivered++;
	if (node == self_node && pid == self_pid) {
		own++;
		pthread_cond_signal(&own_delivered);
	}
	pthread_mutex_unlock(&lock);
}

static void on_members(cpg_handle_t from, const struct cpg_name *group, const struct cpg_address *members,
		       size_t count, const struct cpg_address *left, size_t left_count,
		       const struct cpg_address *joined, size_t joined_count)
{
	(void)from, (void)group, (void)members, (void)count;
	(void)left, (void)left_count, (void)joined, (void)joined_count;
}

static void *dispatch(void *unused)
{
	cpg_dispatch(handle, CS_DISPATCH_BLOCKING);
	return unused;
}

static int multicast(size_t size)
{
	struct iovec part = {payload, size};
	cs_error_t error = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &part, 1);
	if (error == CS_OK)
		return 1;
	if (error != CS_ERR_TRY_AGAIN) {
		fprintf(stderr, "cpg_mcast_joined: %d\n", error);
		exit(1);
	}
	refused++;
	return 0;
}

/* Waits until fewer than `window` own messages are undelivered, or `end`. */
static void wait_for_room(uint64_t sent, uint64_t window, int64_t end)
{
	pthread_mutex_lock(&lock);
	while (sent - own >= window && now_ns() < end) {
		struct timespec deadline;
		clock_gettime(CLOCK_REALTIME, &deadline);
		deadline.tv_sec += 1;
		pthread_cond_timedwait(&own_delivered, &lock, &deadline);
	}
	pthread_mutex_unlock(&lock);
}

struct load {
	size_t size;
	uint64_t window;
	int64_t start, end;
};

static void *send_load(void *argument)
{
	struct load *load = argument;
	uint64_t sent = own;
	sleep_until(load->start - WARM_UP_NS);
	while (now_ns() < load->end) {
		wait_for_room(sent, load->window, load->end);
		sent += multicast(load->size);
	}
	return NULL;
}

static void run_load(struct load load)
{
	pthread_t sender;
	refused = 0;
	if (load.window > 0)
		pthread_create(&sender, NULL, send_load, &load);
	sleep_until(load.start);
	int64_t from = now_ns();
	uint64_t before = delivered;
	sleep_until(load.end);
	uint64_t messages = delivered - before;
	double seconds = (now_ns() - from) / 1e9;
	if (load.window > 0)
		pthread_join(sender, NULL);
	printf("{\"messages\":%llu,\"seconds\":%.6f,\"refused\":%llu}\n", (unsigned long long)messages, seconds,
	       (unsigned long long)refused);
}

static int ascending(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;
	return difference < 0 ? -1 : difference > 0;
}

static void run_latency(int rounds, size_t size)
{
	double *times = calloc(rounds, sizeof *times);
	for (int round = 0; round < rounds; round++) {
		uint64_t before = own;
		int64_t from = now_ns();
		while (!multicast(size))
			;
		wait_for_room(before + 1, 1, from + 5000000000LL);
		times[round] = (now_ns() - from) / 1e3;
	}
	qsort(times, rounds, sizeof *times, ascending);
	printf("{\"p50\":%.1f,\"p99\":%.1f}\n", times[rounds / 2], times[rounds * 99 / 100]);
	free(times);
}

int main(void)
{
	cpg_callbacks_t callbacks = {on_message, on_members};
	struct cpg_name group = {5, "bench"};
	pthread_t dispatcher;
	char line[256];
	while (cpg_initialize(&handle, &callbacks) != CS_OK)
		usleep(10000);
	while (cpg_join(handle, &group) != CS_OK)
		usleep(10000);
	cpg_local_get(handle, &self_node);
	self_pid = getpid();
	pthread_create(&dispatcher, NULL, dispatch, NULL);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		struct load load;
		unsigned long long window;
		long long start, end;
		int rounds;
		if (sscanf(line, "load %zu %lld %lld %llu", &load.size, &start, &end, &window) == 4) {
			load.start = start;
			load.end = end;
			load.window = window;
			run_load(load);
		} else if (sscanf(line, "latency %d %zu", &rounds, &load.size) == 2)
			run_latency(rounds, load.size);
		fflush(stdout);
	}
	return 0;
}
