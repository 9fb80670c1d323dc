/**
 * The client half: connect to an aisexec executive. The server half is `@aisexec/ipc/server`.
 *
 * @packageDocumentation
 */
export {
  bigintOf,
  expect64,
  expectBytes,
  expectCallbacks,
  expectCount,
  expectName,
  expectNumber,
  expectTime,
  random64,
} from './client/arguments.ts';
export {
  type ConnectHandleOptions,
  connectHandle,
  insist,
  openWithin,
  withinTimeout,
} from './client/binding.ts';
export * from './client/contract.ts';
export {
  type AisHandleOptions,
  createAisHandle,
  type OpenHandleOptions,
  type OpenHandleResult,
  openHandle,
} from './client/handle.ts';
export * from './client/handle-contract.ts';
export { createHandleTable } from './client/handle-table.ts';
export {
  type Backend,
  type BackendSink,
  type LocalOptions,
  localConnector,
} from './client/local.ts';
export { DONE, Readers } from './client/readers.ts';
export {
  type FailedReopen,
  type JournalNote,
  type ReopenedEvent,
  type ReopenListener,
  type ReopenOptions,
  type ReopenPlan,
  reopeningConnector,
} from './client/reopen.ts';
export {
  abortError,
  type CallOptions,
  type Deadline,
  deadlineOf,
  okOrThrow,
  type RetryOptions,
  withRetry,
} from './client/retry.ts';
export { socketConnector } from './client/socket.ts';
export { decode as unpackMsgpack, encode as packMsgpack } from './codec.ts';
export type { OutboundOptions } from './outbox.ts';
export { clientSocketPath } from './paths.ts';
