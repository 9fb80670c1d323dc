/*
 * A process on libcpg, as the tests drive one: joins the group named by its argument, obeys lines on standard
 * input and prints what happens, a line each.
 *
 *   send COUNT MIN MAX SEED   multicasts COUNT messages of MIN..MAX bytes
 *   flood MIN MAX SEED        the same as send until the next line comes
 *   mix COUNT MAX SEED        the same with sizes of all magnitudes from 1 to MAX bytes
 *   reset                     forgets what was delivered so far, and prints "reset"
 *   hash                      prints "hash COUNT DIGEST" of everything delivered so far
 *   list                      from now on prints "got NODE DIGEST" for each message
 *   leave                     leaves and ends
 *
 * A new ring is printed as "ring REP.SEQ".
 */
#include <corosync/cpg.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGEST_EMPTY 2166136261u
#define START_TRIES 3000

static uint32_t digest = DIGEST_EMPTY;
static uint32_t delivered;
/* Of the message that is being delivered. */
static uint32_t message_digest;
static int listing;

static void mix(const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		digest = (digest ^ bytes[i]) * 16777619u;
		message_digest = (message_digest ^ bytes[i]) * 16777619u;
	}
}

static void mix_u32(uint32_t value)
{
	unsigned char bytes[4] = {value & 255, value >> 8 & 255, value >> 16 & 255, value >> 24};
	mix(bytes, 4);
}

static void on_message(cpg_handle_t handle, const struct cpg_name *group, uint32_t node,
		       uint32_t pid, void *message, size_t length)
{
	(void)handle;
	(void)group;
	message_digest = DIGEST_EMPTY;
	mix_u32(node);
	mix_u32(pid);
	mix_u32(length);
	mix(message, length);
	delivered++;
	if (listing)
		printf("got %u %08x\n", node, message_digest);
}

static void print_list(const char *what, const struct cpg_address *list, size_t count)
{
	printf(" %s=", what);
	for (size_t i = 0; i < count; i++) {
		printf("%s%u.%u", i ? "," : "", list[i].nodeid, list[i].pid);
		if (list[i].reason)
			printf(":%u", list[i].reason);
	}
}

static void on_change(cpg_handle_t handle, const struct cpg_name *group,
		      const struct cpg_address *members, size_t member_count,
		      const struct cpg_address *left, size_t left_count,
		      const struct cpg_address *joined, size_t joined_count)
{
	(void)handle;
	(void)group;
	printf("members");
	print_list("all", members, member_count);
	print_list("left", left, left_count);
	print_list("joined", joined, joined_count);
	printf("\n");
}

static void on_ring(cpg_handle_t handle, struct cpg_ring_id ring, uint32_t count,
		    const uint32_t *nodes)
{
	(void)handle;
	(void)count;
	(void)nodes;
	printf("ring %u.%llu\n", ring.nodeid, (unsigned long long)ring.seq);
}

static void dispatch(cpg_handle_t handle)
{
	cs_error_t error = cpg_dispatch(handle, CS_DISPATCH_ALL);
	if (error != CS_OK && error != CS_ERR_TRY_AGAIN) {
		printf("dispatch failed %d\n", error);
		exit(1);
	}
}

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 8;
}

/* A power of two up to the largest, and something below it on top. */
static size_t any_magnitude(uint32_t *seed, size_t max)
{
	int bits = 0;
	while ((size_t)2 << bits <= max)
		bits++;
	size_t base = (size_t)1 << draw(seed) % (bits + 1);
	size_t length = base + draw(seed) % base;
	return length < max ? length : max;
}

static void send_one(cpg_handle_t handle, unsigned char *bytes, size_t length)
{
	struct iovec part = {bytes, length};
	cs_error_t error;
	while ((error = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &part, 1)) == CS_ERR_TRY_AGAIN ||
	       error == CS_ERR_INTERRUPT) {
		dispatch(handle);
		usleep(500);
	}
	if (error != CS_OK) {
		printf("mcast failed %d\n", error);
		exit(1);
	}
	dispatch(handle);
}

static int is_told(void)
{
	struct pollfd input = {0, POLLIN, 0};
	return poll(&input, 1, 0) > 0;
}

/* With a minimum of 0, all magnitudes; a negative count goes on until there is another line. */
static void send_all(cpg_handle_t handle, long count, long min, long max, uint32_t seed)
{
	static unsigned char bytes[4 << 20];
	long sent = 0;
	for (; count < 0 ? !is_told() : sent < count; sent++) {
		size_t length;
		if (min == 0) {
			length = any_magnitude(&seed, max);
		} else {
			seed = seed * 1103515245u + 12345u;
			length = min + (max > min ? seed % (uint32_t)(max - min + 1) : 0);
		}
		memset(bytes, seed >> 24, length);
		send_one(handle, bytes, length);
	}
	printf("sent %ld\n", sent);
}

static void obey(cpg_handle_t handle, const struct cpg_name *group, const char *line)
{
	long count, min, max, seed;
	if (sscanf(line, "send %ld %ld %ld %ld", &count, &min, &max, &seed) == 4)
		send_all(handle, count, min, max, seed);
	else if (sscanf(line, "flood %ld %ld %ld", &min, &max, &seed) == 3)
		send_all(handle, -1, min, max, seed);
	else if (sscanf(line, "mix %ld %ld %ld", &count, &max, &seed) == 3)
		send_all(handle, count, 0, max, seed);
	else if (strncmp(line, "reset", 5) == 0) {
		digest = DIGEST_EMPTY;
		delivered = 0;
		printf("reset\n");
	} else if (strncmp(line, "hash", 4) == 0)
		printf("hash %u %08x\n", delivered, digest);
	else if (strncmp(line, "list", 4) == 0)
		listing = 1;
	else if (strncmp(line, "leave", 5) == 0) {
		cpg_leave(handle, group);
		exit(0);
	}
}

int main(int argc, char **argv)
{
	cpg_model_v1_data_t callbacks = {CPG_MODEL_V1, on_message, on_change, on_ring, 0};
	struct cpg_name group;
	cpg_handle_t handle;
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	memset(&group, 0, sizeof group);
	group.length = strlen(argc > 1 ? argv[1] : "");
	memcpy(group.value, argv[1], group.length);
	cs_error_t error;
	/* A daemon that has just started does not listen yet: CS_ERR_LIBRARY. */
	for (int tries = 0; tries < START_TRIES; tries++) {
		error = cpg_model_initialize(&handle, CPG_MODEL_V1, (cpg_model_data_t *)&callbacks,
					     NULL);
		if (error != CS_ERR_TRY_AGAIN && error != CS_ERR_LIBRARY)
			break;
		usleep(10000);
	}
	while (error == CS_OK && (error = cpg_join(handle, &group)) == CS_ERR_TRY_AGAIN)
		usleep(10000);
	if (error != CS_OK || cpg_fd_get(handle, &fd) != CS_OK) {
		printf("cannot join %d\n", error);
		return 1;
	}
	for (;;) {
		struct pollfd fds[2] = {{fd, POLLIN, 0}, {0, POLLIN, 0}};
		poll(fds, 2, -1);
		if (fds[0].revents)
			dispatch(handle);
		char line[128];
		if (fds[1].revents) {
			if (fgets(line, sizeof line, stdin) == NULL)
				return 0;
			obey(handle, &group, line);
		}
	}
}
