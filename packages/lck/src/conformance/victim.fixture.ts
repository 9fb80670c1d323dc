/** A client in this process that ends without a word, as a process does that is killed. */
import { SA_DISPATCH_BLOCKING } from '@aisexec/ais';
import type { Connector } from '@aisexec/ipc';
import { createSaLck } from '../client/literal.ts';
import { SA_LCK_EX_LOCK_MODE as EX } from '../protocol.ts';
import { END, type VictimState, version } from './case.fixture.ts';

/** Resolves when it is in this state. */
export async function startVictim(
  { connector, die }: { readonly connector: Connector; readonly die: () => void },
  resource: string,
  state: VictimState,
): Promise<{ kill(): void }> {
  const sa = createSaLck();
  let inCallback = () => {};
  const called = new Promise<void>((resolve) => {
    inCallback = resolve;
  });
  const saLckLockGrantCallback = () => {
    inCallback();
    return new Promise<void>(() => {});
  };
  const { lckHandle } = await sa.saLckInitialize({ saLckLockGrantCallback }, version(3), {
    connector,
  });
  const opened = await sa.saLckResourceOpen(lckHandle!, resource, 0, END);
  const handle = opened.lockResourceHandle!;
  if (state === 'holding') await sa.saLckResourceLock(handle, EX, 0, 0n, END);
  else await sa.saLckResourceLockAsync(handle, 1n, EX, 0, 0n);
  if (state === 'in-callback') {
    sa.saLckDispatch(lckHandle!, SA_DISPATCH_BLOCKING);
    await called;
  } else await sa.saLckResourceOpen(lckHandle!, resource, 0, END);
  return { kill: die };
}
