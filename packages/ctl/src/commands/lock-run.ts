/**
 * `aisctl lock run`: a command that runs only while a lock is held. What it promises stands in
 * docs/reference/aisctl.md; why a process group and a guard in ADR 0090.
 */
import type { HeldLock } from '@aisexec/lck';
import { EXIT } from '../exit-codes.ts';
import { GROUP_END_MS_MAX, RELEASE_MS_MAX } from '../limits.ts';
import { acquire, type Holding, type LockRequest } from '../lock-run/acquire.ts';
import { CommandGroup, statusOfSignal } from '../lock-run/command-group.ts';
import { Guard } from '../lock-run/guard.ts';
import { SignalRelay } from '../lock-run/signals.ts';
import { diagnose, Failure } from '../problems.ts';

export interface LockRunArguments extends LockRequest {
  /** Between SIGTERM and SIGKILL once the lock may be lost. */
  readonly graceMs: number;
  readonly command: readonly string[];
  /** Hand the command, joined with blanks, to /bin/sh. */
  readonly shell: boolean;
  /** The socket was chosen by option: the command gets it in its environment. */
  readonly tellSocket: boolean;
}

export async function lockRun(args: LockRunArguments): Promise<number> {
  const signals = new SignalRelay();
  try {
    const holding = await acquire(args, signals.ending);
    try {
      return await runUnder(holding, args, signals);
    } finally {
      await release(holding);
    }
  } catch (error) {
    // Whatever else went wrong then is a consequence.
    if (signals.first !== undefined) return statusOfSignal(signals.first);
    throw error;
  } finally {
    signals.close();
  }
}

async function runUnder(
  holding: Holding,
  args: LockRunArguments,
  signals: SignalRelay,
): Promise<number> {
  const { lock } = holding;
  const guard = new Guard(args.graceMs);
  try {
    const viewNumber = await holding.viewNumber(AbortSignal.any([signals.ending, lock.signal]));
    if (signals.first !== undefined) return statusOfSignal(signals.first);
    if (lock.lost !== undefined) {
      const message = `lock '${args.name}' was lost (${lock.lost}) before the command was started`;
      throw new Failure(message, EXIT.tryAgain, 'again; aisctl quorum');
    }
    const command = args.shell ? ['/bin/sh', '-c', args.command.join(' ')] : args.command;
    const group = await CommandGroup.start(command, environment(args, lock, viewNumber));
    guard.watch(group.id);
    signals.forwardTo((signal) => group.signal(signal));
    const status = await supervise(group, lock, args.graceMs);
    // The group's number may belong to others from now on.
    signals.forwardTo(() => {});
    return status;
  } finally {
    guard.dismiss();
  }
}

/** Resolves with the command's exit status when its whole process group has ended. */
async function supervise(group: CommandGroup, lock: HeldLock, graceMs: number): Promise<number> {
  let killing: NodeJS.Timeout | undefined;
  const end = (why: string) => {
    if (killing !== undefined) return;
    group.signal('SIGTERM');
    group.signal('SIGCONT');
    killing = setTimeout(() => group.signal('SIGKILL'), graceMs);
    diagnose(`aisctl: ${why}: SIGTERM, after ${graceMs} ms SIGKILL\n`);
  };
  const onLost = () => end(`lock '${lock.resource}' lost (${lock.lost})`);
  lock.signal.addEventListener('abort', onLost, { once: true });
  if (lock.signal.aborted) onLost();
  const status = await group.status;
  if (group.isAlive) {
    end('the command left processes behind');
    const isGone = await group.gone(graceMs + GROUP_END_MS_MAX);
    if (!isGone) diagnose(`aisctl: processes of group ${group.id} cannot be ended\n`);
  }
  clearTimeout(killing);
  lock.signal.removeEventListener('abort', onLost);
  return status;
}

/** Never fails and never takes long: a connection that ends releases the lock, too. */
async function release(holding: Holding): Promise<void> {
  await holding.lock.unlock({ timeoutMs: RELEASE_MS_MAX }).catch(() => {});
  await holding.close();
}

function environment(
  args: LockRunArguments,
  lock: HeldLock,
  viewNumber: bigint | undefined,
): NodeJS.ProcessEnv {
  return {
    ...process.env,
    AISEXEC_LOCK_NAME: args.name,
    AISEXEC_LOCK_MODE: args.mode.toLowerCase(),
    AISEXEC_LOCK_RESOURCE: lock.resource,
    AISEXEC_LOCK_TOKEN: String(lock.fencingToken),
    AISEXEC_LOCK_GRACE_MS: String(args.graceMs),
    // An outer lock's view must not pass for this one's: undefined takes it away.
    AISEXEC_VIEW_ID: viewNumber === undefined ? undefined : String(viewNumber),
    ...(args.tellSocket ? { AISEXEC_SOCKET: args.socket } : {}),
  };
}
