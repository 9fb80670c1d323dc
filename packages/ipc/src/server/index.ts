/**
 * The server half: the executive's unix socket.
 *
 * @packageDocumentation
 */
export type { Backend, BackendSink } from '../client/local.ts';
export { serverSocketPath } from '../paths.ts';
export * from './contract.ts';
export { listenOn, SocketPathError } from './listen.ts';
export { createIpcServer } from './server.ts';
