/** What an operator sees and changes while the executive runs, and what it takes from the process around it. */
import type { GroupMessaging } from '@aisexec/totem';
import type { AccessRule } from '../admin/access.ts';
import type { ExecutiveConfig } from '../config/config.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { LogEvent } from '../log/events.ts';
import type { LogLevel } from '../log/levels.ts';
import type { ReloadResult } from '../reload/agreement.ts';

/** What only the process around an executive can do; an embedded executive may have none of it. */
export interface OperatorHooks {
  /** Reads the configuration again. */
  loadConfig(): LoadedConfig;
  /** Of the log that people read. */
  logLevel: LogLevel;
  /** Writes the flight record and returns its path. @throws Error */
  dump(reason: string): string;
  /** The recorder's memory, for a thread that must write it when this one cannot. */
  readonly flight: SharedArrayBuffer;
}

/** Something an operator asked for that was refused, with why. */
export interface Refused {
  readonly refused: string;
}

export interface Operations {
  /** In force; another object after a reload. */
  readonly config: ExecutiveConfig;
  /** The same function for ever, by the rules in force. */
  readonly access: AccessRule;
  /** Every event passes here. */
  event(event: LogEvent): void;
  token(now: number): void;
  noToken(): void;
  /** @throws MetricsError */
  serve(): Promise<void>;
  /** @param voters nodes whose answer to a reload counts; undefined while synchronisation runs. */
  join(messaging: GroupMessaging, voters: () => readonly number[] | undefined): void;
  metrics(): string;
  /** Sets it, where one is given, and tells it. */
  logLevel(level: unknown): { readonly level: LogLevel } | Refused;
  dump(): { readonly path: string } | Refused;
  /** `local`: this node alone. */
  reload(options: { readonly dry: boolean; readonly local: boolean }): Promise<ReloadResult>;
  stop(): Promise<void>;
}
