/** Options that several commands share, and the checks of their values. */
import { clientSocketPath } from '@aisexec/ipc';
import type { Argv } from 'yargs';
import type { Format } from '../output.ts';
import { UsageError } from '../problems.ts';

/** 24 days in milliseconds: what timers take. */
export const MS_MAX = 2_147_483_647;

/** What a command line asks for; nothing has happened yet. */
export interface Chosen {
  readonly socket: string;
  run(): Promise<number>;
}

/** Called by the handler of the command that was typed. */
export type Choose = (
  args: { readonly socket?: string | undefined },
  run: (socket: string) => Promise<number>,
) => void;

export function withSocket<T>(y: Argv<T>) {
  return y.option('socket', {
    alias: 's',
    type: 'string',
    requiresArg: true,
    description: "path of the executive's socket; else AISEXEC_SOCKET, else the default place",
  });
}

export function withFormat<T>(y: Argv<T>) {
  return withSocket(y).option('format', {
    alias: 'f',
    choices: ['text', 'json'] as const satisfies readonly Format[],
    default: 'text' as const,
    description: 'text for people, json for programs',
  });
}

export function socketOf({ socket }: { readonly socket?: string | undefined }): string {
  if (socket === '') throw new UsageError('--socket must be a path');
  return socket ?? clientSocketPath();
}

/** `coerce` of an option: a whole number from `min` to `max`. */
export function wholeNumber(
  name: string,
  min: number,
  max: number,
): (value: string | undefined) => number | undefined {
  return (value) => {
    if (value === undefined) return undefined;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, not '${value}'`);
  };
}
