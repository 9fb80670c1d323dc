/** What went wrong, where, and what to do: every message that `aisctl` writes to standard error. */
import { writeSync } from 'node:fs';
import {
  isSaAisError,
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NO_SPACE,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TOO_BIG,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_UNAVAILABLE,
  SA_AIS_ERR_VERSION,
} from '@aisexec/ais';
import { EXIT } from './exit-codes.ts';

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A failure that `aisctl` itself found, with its exit code and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(message: string, exitCode: number, hint?: string) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof Failure) return error.exitCode;
  if (!isSaAisError(error)) return EXIT.failed;
  if (isNobodyThere(error)) return EXIT.unavailable;
  switch (error.code) {
    case SA_AIS_ERR_TRY_AGAIN:
    case SA_AIS_ERR_TIMEOUT:
      return EXIT.tryAgain;
    case SA_AIS_ERR_ACCESS:
      return EXIT.permission;
    case SA_AIS_ERR_TOO_BIG:
      return EXIT.data;
    default:
      return EXIT.failed;
  }
}

/** The lines for standard error: what happened, where, what to do. */
export function explain(error: unknown, socket: string): string {
  if (error instanceof UsageError) return `aisctl: ${error.message}\n`;
  const message = messageOf(error);
  const lines = [`aisctl: ${message}`];
  if (!message.includes(socket)) lines.push(`  at:  ${socket}`);
  const hint = error instanceof Failure ? error.hint : hintOf(error);
  if (hint !== undefined) lines.push(`  try: ${hint}`);
  return `${lines.join('\n')}\n`;
}

/**
 * To standard error without `process.stderr`: that would make a pipe non-blocking under a command that
 * shares it. What nobody reads is dropped.
 */
export function diagnose(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Closed or full: there is no better place to say so.
  }
}

/** Nobody answers on the socket, or who answered went away. */
export function isNobodyThere(error: unknown): boolean {
  if (!isSaAisError(error)) return false;
  if (error.code === SA_AIS_ERR_LIBRARY || error.code === SA_AIS_ERR_BAD_HANDLE) return true;
  return error.code === SA_AIS_ERR_TRY_AGAIN && error.call === 'connect';
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isCut = isSaAisError(error, SA_AIS_ERR_LIBRARY) && !error.message.includes('connection');
  return isCut ? `${error.message}: the connection to the executive ended` : error.message;
}

function hintOf(error: unknown): string | undefined {
  if (!isSaAisError(error)) return undefined;
  if (isNobodyThere(error)) {
    return 'start aisexec on this host, or name its socket with --socket or AISEXEC_SOCKET';
  }
  return HINTS[error.code];
}

const HINTS: Readonly<Record<number, string>> = {
  [SA_AIS_ERR_TRY_AGAIN]: "again in a moment; 'aisctl status' shows whether the ring is re-forming",
  [SA_AIS_ERR_TIMEOUT]:
    "again, or with a longer --timeout; 'aisctl quorum' shows whether this part has quorum",
  [SA_AIS_ERR_ACCESS]:
    'as root or as the user of aisexec, or have it let you in (ipc.mode, ipc.allow)',
  [SA_AIS_ERR_NOT_EXIST]: 'the name again, or make it with --create where the command has it',
  [SA_AIS_ERR_EXIST]: 'the attributes it was made with, or none',
  [SA_AIS_ERR_NOT_SUPPORTED]:
    "'aisctl services'; the configuration key 'services' names those that run",
  [SA_AIS_ERR_NO_SPACE]: 'removing something first, or a checkpoint with more room',
  [SA_AIS_ERR_NO_RESOURCES]: 'removing something first; docs/LIMITS.md has the bounds',
  [SA_AIS_ERR_UNAVAILABLE]: "another node's executive: this node is locked ('aisctl node ls')",
  [SA_AIS_ERR_VERSION]: 'the aisctl that came with this aisexec',
};
