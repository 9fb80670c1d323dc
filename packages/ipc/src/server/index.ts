/**
 * The server half: the executive's unix socket.
 *
 * @packageDocumentation
 */
export type { Backend, BackendSink } from '../client/local.ts';
export { LEAVE_ANSWER_MS, SESSION_GRACE_MS, SESSION_GRACE_MS_MAX } from '../limits.ts';
export { serverSocketPath } from '../paths.ts';
export * from './contract.ts';
export { listenOn, SocketPathError } from './listen.ts';
export { type ProcessStart, processStart } from './peer-process.ts';
export { createIpcServer } from './server.ts';
