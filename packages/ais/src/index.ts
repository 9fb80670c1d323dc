/**
 * The vocabulary of the SA Forum Application Interface Specification, shared by the executive, its
 * services and their clients. Imports nothing and knows no platform.
 *
 * @packageDocumentation
 */
export { copyBytes, Slabs } from './bytes.ts';
export { HandleTable } from './handle-table.ts';
export * from './little-endian.ts';
export { isSaName, SA_MAX_NAME_LENGTH, utf8Length } from './names.ts';
export { isPlainData } from './plain-data.ts';
export * from './result.ts';
export { STALE_CALLBACK, STANDING_REQUEST } from './standing.ts';
export * from './types.ts';
export { type NegotiatedVersion, negotiateVersion, type SupportedVersions } from './version.ts';
