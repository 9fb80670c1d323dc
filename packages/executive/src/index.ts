/**
 * The embeddable executive. The daemon is the command `aisexec`.
 *
 * @packageDocumentation
 */
export { CredentialsError } from './admin/listen.ts';
export type { ExecutiveConfig, NodeConfig, ServiceName } from './config/config.ts';
export { type LoadedConfig, loadConfig, parseConfig } from './config/load.ts';
export { StableStoreError } from './drivers/durable-file.ts';
export { StateInUseError } from './drivers/state-lock.ts';
export { TransportError } from './drivers/udp/socket.ts';
export {
  createTotemEngine,
  type Engine,
  type EngineFactory,
  type EngineOptions,
  type RingStatus,
} from './engine.ts';
export { createCorosyncEngine } from './engines/corosync/engine.ts';
export { CorosyncError, type CorosyncProblem } from './engines/corosync/errors.ts';
export {
  Executive,
  type ExecutiveEvents,
  type ExecutiveOptions,
} from './executive.ts';
export { KeyFileError } from './key-file.ts';
export type { LogEvent } from './log/events.ts';
export type { LogLevel } from './log/levels.ts';
export { MetricsError } from './metrics/server.ts';
export type { OperatorHooks } from './operations/contract.ts';
export type { AnyService } from './plugins/import-plugin.ts';
export type { ListedService } from './plugins/plugins.ts';
export type { ReloadResult } from './reload/agreement.ts';
export type { ExecutiveStatus, LoopDelay } from './status.ts';
