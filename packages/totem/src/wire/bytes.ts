/** The integers of packets (totem-wire §1); the same as those of the client connection. */
export { getU16, getU32, getU64, putU16, putU32, putU64 } from '@aisexec/ais';
