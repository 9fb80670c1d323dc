/** Layouts of 64-bit little-endian Linux, and the numbers of its socket interface. */

export const IOVEC_BYTES = 16;
export const IOVEC_WORDS = 2;
export const MSGHDR_BYTES = 56;
export const MMSGHDR_BYTES = 64;
export const MMSGHDR_WORDS = 8;
/** Places in msghdr, in words of 8 bytes. */
export const NAME = 0;
export const IOV = 2;
export const IOVLEN = 3;
export const CONTROL = 4;
export const CONTROLLEN = 5;
/** msg_namelen and, in mmsghdr, msg_len are u32. */
export const NAMELEN_BYTE = 8;
export const CONTROLLEN_BYTE = 8 * CONTROLLEN;
export const MSG_LEN_BYTE = 56;
export const CMSGHDR_BYTES = 16;

export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const IPPROTO_IP = 0;
export const IP_RECVERR = 11;
export const IP_FREEBIND = 15;
export const IPPROTO_IPV6 = 41;
export const IPV6_RECVERR = 25;
export const IPV6_FREEBIND = 78;
export const SOL_UDP = 17;
/** Segmentation offload: a control message with the size of the pieces (udp(7)). */
export const UDP_SEGMENT = 103;
/** Receive offload: several datagrams at once, and a control message with the size of all but the last (int). */
export const UDP_GRO = 104;
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;
export const EINTR = 4;
export const EIO = 5;
export const EAGAIN = 11;
export const EINVAL = 22;
export const EMSGSIZE = 90;
export const ECONNREFUSED = 111;
/** Who reports, in struct sock_extended_err. */
export const ORIGIN_ICMP = 2;
export const ORIGIN_ICMP6 = 3;
